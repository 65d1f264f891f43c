"""A small set of pictures for camlite evaluate, with what its model must say of them computed by the definitions."""

import functools
from collections import deque

import numpy as np
from PIL import Image

from support import ProgramTest, write_model

CLASSES = 8


# What the figures are, by their definitions. Boxes are (x0, y0, x1, y1), both ends included.


def overlap(a, b):
    """Intersection over union, counted pixel by pixel."""

    def pixels(box):
        inside = np.zeros((64, 64), bool)
        inside[box[1] : box[3] + 1, box[0] : box[2] + 1] = True
        return inside

    return (pixels(a) & pixels(b)).sum() / (pixels(a) | pixels(b)).sum()


def largest_region(inside):
    """The box of the largest set of pixels that touch, diagonally too."""
    best, left = [], set(zip(*np.nonzero(inside)))
    while left:
        region, front = [], deque([min(left)])
        left.discard(front[0])
        while front:
            y, x = front.popleft()
            region.append((x, y))
            near = left & {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
            left -= near
            front.extend(near)
        best = max(best, region, key=len)
    xs, ys = zip(*best)
    return min(xs), min(ys), max(xs), max(ys)


class Picture:
    """A picture, its truth, and what a model whose maps are mixtures of its colours must say of it."""

    def __init__(self, random, weight):
        height, width = random.integers(24, 40, 2)
        self.pixels = np.zeros((height, width, 3), np.uint8)
        for _ in range(random.integers(1, 4)):
            (x0, x1), (y0, y1) = (sorted(random.integers(0, side, 2)) for side in (width, height))
            self.pixels[y0 : y1 + 1, x0 : x1 + 1] = random.integers(0, 256, 3)
        self.boxes = []  # of the truth, all of one class
        for _ in range(random.integers(1, 3)):
            (x0, x1), (y0, y1) = (sorted(random.integers(0, side, 2)) for side in (width, height))
            self.boxes.append((x0, y0, x1, y1))
        self.maps = np.einsum("kc,yxc->kyx", weight, self.pixels / 255)
        self.logits = self.maps.mean(axis=(1, 2))
        self.order = np.argsort(-self.logits)
        # Right as often as a trained network, and boxes that are right now and then.
        self.true_class = int(random.choice(self.order, p=[0.5, 0.2, 0.1, 0.05, 0.05, 0.04, 0.03, 0.03]))
        if random.random() < 0.6:
            box = self.found(self.true_class, 0.2)
            if box:
                self.boxes[0] = tuple(np.clip(np.array(box) + random.integers(-2, 3, 4), 0, [width - 1, height - 1] * 2))
                x0, y0, x1, y1 = self.boxes[0]
                self.boxes[0] = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    @functools.lru_cache(maxsize=None)
    def found(self, k, threshold):
        top = self.maps[k].max()
        return largest_region(self.maps[k] > threshold * top) if top > 0 else None

    def fits(self, box):
        return box is not None and any(overlap(box, true) >= 0.5 for true in self.boxes)

    def whole(self):
        height, width, _ = self.pixels.shape
        return 0, 0, width - 1, height - 1

    def centred(self, width_share, height_share):
        height, width, _ = self.pixels.shape
        w, h = (max(1, int(np.floor(s * side + 0.5))) for s, side in ((width_share, width), (height_share, height)))
        return (width - w) // 2, (height - h) // 2, (width - w) // 2 + w - 1, (height - h) // 2 + h - 1


class EvaluateTest(ProgramTest):
    """A set of pictures that can be evaluated by hand: the model's maps are mixtures of their colours."""

    def write_mixtures(self, weight, preprocessing=None):
        write_model(
            self.here / "mixtures.safetensors",
            "input channels=3 height=16 width=16\nconv conv2d input out_channels=3 kernel=1\nrelu relu conv\n"
            f"gap global_avg_pool relu\nfc linear gap out_features={CLASSES}\nprob softmax fc\n",
            {
                "conv.weight": np.eye(3).reshape(3, 3, 1, 1),
                "conv.bias": np.zeros(3),
                "fc.weight": weight,
                "fc.bias": np.zeros(CLASSES),
            },
            [f"n{k:08d} thing {k}, object {k}" for k in range(CLASSES)],
            preprocessing=preprocessing,
        )

    def small_set(self, count=40, seed=1):
        random = np.random.default_rng(seed)
        self.weight = random.normal(0, 4, (CLASSES, 3)).astype(np.float32)
        self.write_mixtures(self.weight)
        self.pictures = [Picture(random, self.weight) for _ in range(count)]
        (self.here / "set").mkdir()
        for i, picture in enumerate(self.pictures):
            Image.fromarray(picture.pixels).save(self.here / f"set/{i}.png")
        return self.write_truth()

    def write_truth(self, name="truth.tsv", word=lambda k: f"n{k:08d}"):
        lines = [
            "\t".join([f"{i}.png", word(p.true_class), *map(str, box)])
            for i, p in enumerate(self.pictures)
            for box in p.boxes
        ]
        (self.here / name).write_text("\n".join(lines) + "\n")
        return name

    def evaluate(self, *options, truth="truth.tsv", status=0):
        options = ["--images", "set", "--truth", truth, "--model", "mixtures.safetensors", *options]
        (line,) = self.json("evaluate", *options, "--quiet", status=status)
        return line

    def assert_figures(self, line, expected):
        for name, value in expected.items():
            self.assertAlmostEqual(line[name], value, places=6, msg=name)
