"""Random changes of training pictures, many at once, on whichever device they are.

What is random is drawn with NumPy from a generator that the caller seeds for each step, so that a CPU and a GPU, and a
run that was interrupted, all see the same pictures.
"""

import math

import numpy as np
import torch

import tiny_imagenet


def on_device(array, device):
    """A NumPy array as a tensor there; a GPU is not waited for."""
    tensor = torch.from_numpy(np.asarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if torch.device(device).type == "cuda" else tensor.to(device)


def resampling(start, extent, mirrored, size, length=64):
    """Matrices (N, size, length) that cut [start, start + extent) of `length` pixels out and resize it to `size`.

    Bilinear with antialiasing, as Pillow's resize with a box: a triangle of half width max(1, extent / size) around
    the centre of each output pixel, weights that add up to 1, nothing from beyond the border. start, extent: (N)
    floats in pixels; mirrored: (N) bool, output pixels in opposite order.
    """
    place = torch.arange(size, device=start.device, dtype=torch.float32)[None, :] + 0.5
    place = torch.where(mirrored[:, None], size - place, place)
    scale = extent[:, None] / size
    centre = start[:, None] + place * scale
    pixel = torch.arange(length, device=start.device, dtype=torch.float32) + 0.5
    weight = (1 - (pixel - centre[:, :, None]).abs() / scale.clamp(min=1)[:, :, None]).clamp(min=0)
    return weight / weight.sum(dim=2, keepdim=True)


def resampled(pictures, rows, columns):
    """(N, 3, H, W) floats, rows (N, h, H), columns (N, w, W) -> (N, 3, h, w)"""
    return torch.matmul(torch.matmul(rows[:, None], pictures), columns.transpose(1, 2)[:, None])


def normalized(pictures):
    """uint8 (N, 3, H, W) -> floats of mean 0 and variance 1 over the training split"""
    levels = lambda shares: on_device(np.float32(shares) * 255, pictures.device)[:, None, None]
    return (pictures.float() - levels(tiny_imagenet.MEAN)) / levels(tiny_imagenet.STD)


class Augmentation:
    """crop: the least share of the picture's area that is cut out and resized, in a shape of 3/4 to 4/3;
    colour: brightness, contrast and saturation change by factors up to 1 +- colour;
    erase: the share of pictures that lose a square of half the side (Cutout, arXiv:1708.04552);
    mix: the share of pictures in which a square is another picture's (CutMix, arXiv:1905.04899)."""

    def __init__(self, crop=0.5, colour=0.0, erase=0.0, mix=0.0):
        self.crop, self.colour, self.erase, self.mix = crop, colour, erase, mix

    def __call__(self, pictures, classes, size, random):
        """uint8 (N, 3, 64, 64) and classes (N) -> floats (N, 3, size, size) channels innermost, the classes of the
        other pictures (N), and the share (N) of each picture that is its own. random: a numpy Generator."""
        n, _, height, width = pictures.shape
        there = lambda array: on_device(array, pictures.device)

        # Cut out, mirrored, resized.
        area = random.uniform(self.crop, 1, n) * height * width
        shape = np.exp(random.uniform(math.log(3 / 4), math.log(4 / 3), n))
        extent_y = np.minimum(np.sqrt(area / shape), height)
        extent_x = np.minimum(np.sqrt(area * shape), width)
        start_y = random.uniform(0, 1, n) * (height - extent_y)
        start_x = random.uniform(0, 1, n) * (width - extent_x)
        mirrored = random.uniform(0, 1, n) < 0.5
        floats = lambda array: there(array.astype(np.float32))
        rows = resampling(floats(start_y), floats(extent_y), there(np.zeros(n, bool)), size, height)
        columns = resampling(floats(start_x), floats(extent_x), there(mirrored), size, width)
        x = resampled(normalized(pictures), rows, columns)

        # The normalized picture's brightness is a summand, its contrast a factor: with strength 0.4 they are off by
        # up to 0.4 standard deviations, and by factors of up to 1.4.
        if self.colour:
            draw = lambda: floats(random.uniform(-self.colour, self.colour, n))[:, None, None, None]
            grey = x.mean(dim=1, keepdim=True)
            x = grey + (x - grey) * (1 + draw())
            x = x * (1 + draw()) + draw()

        ys = torch.arange(size, device=pictures.device)[None, :, None]
        xs = torch.arange(size, device=pictures.device)[None, None, :]

        def square(centre_y, centre_x, share, chosen):
            """bool (N, size, size): inside of squares of `share` of the area, cut by the border; none if not chosen."""
            half = np.sqrt(share) * size / 2 * chosen
            bounds = [np.rint(np.clip(c * size + s * half, 0, size)) for c in (centre_y, centre_x) for s in (-1, 1)]
            top, bottom, left, right = (there(b.astype(np.int64))[:, None, None] for b in bounds)
            return (ys >= top) & (ys < bottom) & (xs >= left) & (xs < right)

        if self.erase:
            hole = square(*random.uniform(0, 1, (2, n)), 0.25, random.uniform(0, 1, n) < self.erase)
            x = x.masked_fill(hole[:, None], 0)

        others, own = classes, torch.ones(n, device=pictures.device)
        if self.mix:
            # A batch is in random order, so that the next picture is any picture.
            others = classes.roll(1)
            inside = square(
                *random.uniform(0, 1, (2, n)), random.uniform(0, 1, n), random.uniform(0, 1, n) < self.mix
            )
            x = torch.where(inside[:, None], x.roll(1, 0), x)
            own = 1 - inside.float().mean(dim=(1, 2))
        return x.contiguous(memory_format=torch.channels_last), others, own
