"""camlite evaluate: MaxBoxAcc of its own maps and of others', beside the benchmark's steps with OpenCV and NumPy."""

import sys
import unittest

import numpy as np
from PIL import Image

from evaluate_set import EvaluateTest

try:
    import cv2
except ImportError as missing:
    print(f"SKIPPED: {missing}. Debian's python3-opencv has it.", file=sys.stderr)
    sys.exit(77)

SIDE = 224


# The definition, after Choe et al., "Evaluating Weakly Supervised Object Localization Methods Right", CVPR 2020.


def score_map(map_, width=SIDE):
    resized = cv2.resize(map_.astype(np.float64), (width, SIDE), interpolation=cv2.INTER_CUBIC)
    resized -= resized.min()
    return resized / resized.max() if resized.max() > 0 else np.zeros_like(resized)


def overlaps(map_, threshold, true_boxes, multi_region):
    """The best intersection over union of the map's boxes with the true ones."""
    levels = (map_ * 255).astype(np.uint8)
    cut = int(threshold * levels.max())
    contours = cv2.findContours(255 * (levels > cut).astype(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[-2]
    if not multi_region and contours:
        contours = [max(contours, key=cv2.contourArea)]
    boxes = [cv2.boundingRect(contour) for contour in contours]
    boxes = [(x, y, min(x + w, SIDE - 1), min(y + h, SIDE - 1)) for x, y, w, h in boxes] or [(0, 0, 0, 0)]

    def area(x0, y0, x1, y1):
        return max(0, x1 - x0 + 1) * max(0, y1 - y0 + 1)

    def overlap(a, b):
        both = area(*np.maximum(a[:2], b[:2]), *np.minimum(a[2:], b[2:]))
        return both / (area(*a) + area(*b) - both)

    return max(overlap(a, b) for a in boxes for b in true_boxes)


def figures(maps, pictures, multi_region=False):
    """{overlap: (accuracy, threshold)}, the best over the thresholds."""
    thresholds = np.arange(0, 1, 0.01)
    found = []
    for map_, picture in zip(maps, pictures):
        height, width, _ = picture.pixels.shape
        scale = np.array([SIDE / width, SIDE / height] * 2)
        true_boxes = [tuple(int(v) for v in np.array(box) * scale) for box in picture.boxes]
        found.append([overlaps(map_, threshold, true_boxes, multi_region) for threshold in thresholds])
    best = {}
    for least in (0.3, 0.5, 0.7):
        right = (np.array(found) >= least).mean(axis=0)
        best[least] = (right.max(), thresholds[right.argmax()])
    return best


class Maps(EvaluateTest):
    def assert_maps(self, line, best):
        self.assertAlmostEqual(line["max_box_acc"], best[0.5][0], places=6)
        self.assertAlmostEqual(line["max_box_acc_threshold"], best[0.5][1], places=6)
        self.assertAlmostEqual(line["max_box_acc_v2"], np.mean([accuracy for accuracy, _ in best.values()]), places=6)
        np.testing.assert_allclose(line["max_box_acc_v2_thresholds"], [t for _, t in best.values()], atol=1e-6)

    def saved(self):
        return [np.load(self.here / f"maps/{i}.png.npy") for i in range(len(self.pictures))]

    def of_maps(self, *options, status=0):
        options = ["--truth", "truth.tsv", "--scoremaps", "maps", *options, "--quiet"]
        (line,) = self.json("evaluate", *options, status=status)
        return line

    def test_its_own_maps_saved_and_read_again(self):
        self.small_set(30)
        for multi_region in ([], ["--multi-region"]):
            line = self.evaluate("--save-maps", "maps", *multi_region)
            saved = self.saved()
            for map_, picture in zip(saved, self.pictures):
                np.testing.assert_allclose(map_, score_map(picture.maps[picture.true_class]), atol=1e-5)
            best = figures(saved, self.pictures, bool(multi_region))
            self.assertTrue(0.1 < best[0.5][0] < 0.9, "a set on which there is a difference")
            self.assert_maps(line, best)
            again = self.of_maps("--images", "set", *multi_region)
            self.assertNotIn("top1_error", again)
            for name in again:
                if name in ("intervals", "whole_picture", "centred_box"):
                    self.assertLessEqual(again[name].items(), line[name].items())
                else:
                    self.assertEqual(again[name], line[name], name)

    def test_a_map_of_a_part_is_at_the_place_of_that_part(self):
        # Seen are the columns 10 to 19 of 30: 75 to 148 of 224, to whole pixels.
        self.small_set(8)
        self.write_mixtures(self.weight, f"resize=0\ncrop=10\nscale={1 / 255!r}\nmean=0,0,0\nstd=1,1,1\n")
        for i, picture in enumerate(self.pictures):
            picture.pixels = cv2.resize(picture.pixels, (30, 10), interpolation=cv2.INTER_NEAREST)
            picture.boxes = [(12, 2, 18, 8)]
            Image.fromarray(picture.pixels).save(self.here / f"set/{i}.png")
        self.write_truth()
        self.assert_maps(self.evaluate("--save-maps", "maps"), figures(self.saved(), self.pictures))
        for map_, picture in zip(self.saved(), self.pictures):
            part = np.einsum("c,yxc->yx", self.weight[picture.true_class], picture.pixels[:, 10:20] / 255)
            expected = np.zeros((SIDE, SIDE))
            expected[:, 75:149] = score_map(part, width=149 - 75)
            np.testing.assert_allclose(map_, expected, atol=1e-5)

    def other_maps(self, element):
        random = np.random.default_rng(5)
        maps = []
        for i, picture in enumerate(self.pictures):
            map_ = score_map(random.random((7, 9)) + 2 * cv2.resize(picture.maps[0], (9, 7)))
            if element == np.float32:  # as from a picture of 8 bits
                map_ = np.round(map_ * 255).astype(np.float32) / np.float32(255)
            maps.append(map_.astype(element))
            path = self.here / f"maps/{i}.png.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, maps[-1])
        return maps

    def test_maps_of_another_program(self):
        self.small_set(30)
        for element in (np.float32, np.float64):
            maps = self.other_maps(element)
            self.assert_maps(self.of_maps("--images", "set"), figures(maps, self.pictures))

    def test_without_pictures_where_the_truth_has_their_sizes(self):
        self.small_set(12)
        self.other_maps(np.float64)
        expected = self.of_maps("--images", "set")
        folder = self.here / "metadata"
        folder.mkdir()
        enumerated = list(enumerate(self.pictures))
        for name, lines in {
            "localization.txt": [",".join(map(str, (f"{i}.png", *box))) for i, p in enumerated for box in p.boxes],
            "class_labels.txt": [f"{i}.png,{p.true_class}" for i, p in enumerated],
            "image_sizes.txt": [f"{i}.png,{p.pixels.shape[1]},{p.pixels.shape[0]}" for i, p in enumerated],
        }.items():
            (folder / name).write_text("\n".join(lines) + "\n")
        (line,) = self.json("evaluate", "--truth", "metadata", "--scoremaps", "maps", "--quiet")
        self.assertEqual(line, expected)
        _, err = self.camlite("evaluate", "--truth", "truth.tsv", "--scoremaps", "maps", status=2)
        self.assertIn("--images is required", err)

    def test_names_keep_their_folders(self):
        self.small_set(4)
        expected = self.evaluate()
        (self.here / "set/val").mkdir()
        lines = []
        for i, p in enumerate(self.pictures):
            (self.here / f"set/{i}.png").rename(self.here / f"set/val/{i}.png")
            lines += ["\t".join(map(str, (f"val/{i}.png", p.true_class, *box))) for box in p.boxes]
        (self.here / "truth.tsv").write_text("\n".join(lines) + "\n")
        self.assertEqual(self.evaluate("--save-maps", "maps/deep"), expected)
        self.assertTrue((self.here / "maps/deep/val/3.png.npy").is_file())

    def test_maps_that_cannot_be_are_named_and_left_out(self):
        self.small_set(6)
        maps = self.other_maps(np.float32)
        for i, (broken, why) in enumerate(
            [
                (maps[0] * 1.5, "from 0 to 1"),
                (np.where(maps[1] > 0.5, np.float32("nan"), maps[1]), "from 0 to 1"),
                (maps[2][None], "shape (height, width)"),
                (maps[3].astype(np.int32), "float32"),
            ]
        ):
            np.save(self.here / f"maps/{i}.png.npy", broken)
            self.assertIn(why, self.complaints()[i])
            self.assertIn(f"maps/{i}.png.npy: ", self.complaints()[i])
        (self.here / "maps/4.png.npy").write_bytes(b"\x93NUMPY")
        self.assertIn("maps/4.png.npy: truncated", self.complaints()[4])
        (self.here / "maps/5.png.npy").unlink()
        _, err = self.camlite("evaluate", "--images", "set", "--truth", "truth.tsv", "--scoremaps", "maps", status=1)
        self.assertIn("5.png.npy: not in maps", err)
        for i in range(5):
            (self.here / f"maps/{i}.png.npy").unlink()
        _, err = self.camlite("evaluate", "--images", "set", "--truth", "truth.tsv", "--scoremaps", "maps", status=2)
        self.assertIn("maps/0.png.npy", err)

    def test_where_maps_cannot_be_written_the_run_ends(self):
        self.small_set(6)
        options = ["--images", "set", "--truth", "truth.tsv", "--model", "mixtures.safetensors"]
        out, err = self.camlite("evaluate", *options, "--save-maps", "truth.tsv/maps", "--quiet", status=1)
        self.assertEqual(out, "")
        self.assertIn("truth.tsv/maps: cannot make the folder", err)
        self.assertEqual(len(err.splitlines()), 1)

    def complaints(self):
        options = ["--images", "set", "--truth", "truth.tsv", "--scoremaps", "maps", "--threads", 1, "--quiet"]
        return self.camlite("evaluate", *options, status=1)[1].splitlines()

    def test_options_of_a_network_do_not_go_with_maps(self):
        self.small_set(2)
        for option in (["--model", "mixtures.safetensors"], ["--crops", 10], ["--threshold", 0.3], ["--save-maps", "x"]):
            self.camlite("evaluate", "--truth", "truth.tsv", "--scoremaps", "maps", *option, status=2)


if __name__ == "__main__":
    unittest.main()
