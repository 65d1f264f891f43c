"""Tiny ImageNet-200: 64x64 JPEG pictures, 200 classes, 500 training pictures a class.

The folder is the one that Stanford's CS231n publishes: wnids.txt, words.txt, train/<wnid>/images/*.JPEG,
train/<wnid>/<wnid>_boxes.txt (file, x0, y0, x1, y1), val/images/*.JPEG and val/val_annotations.txt (file, wnid, x0, y0, x1, y1).
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

# Copies of the data set are about that carry two classes and a hundred validation pictures more than the original.
NOT_TINY_IMAGENET = {"n02480855", "n10148035"}

MEAN = (0.480, 0.448, 0.398)  # of the training split, RGB in [0, 1]
STD = (0.277, 0.269, 0.282)


def class_wnids(root):
    """The 200 wnids, sorted: the order of the model's logits."""
    wnids = sorted(p.name for p in (Path(root) / "train").iterdir() if p.is_dir())
    wnids = [wnid for wnid in wnids if wnid not in NOT_TINY_IMAGENET]
    if len(wnids) != 200:
        sys.exit(f"{root}/train: {len(wnids)} classes, Tiny ImageNet has 200")
    return wnids


def class_labels(root):
    """'n02123045 tabby, tabby cat' for each of the 200 classes, in the order of class_wnids."""
    words = dict(
        line.rstrip("\r\n").split("\t", 1)
        for line in (Path(root) / "words.txt").read_text(encoding="utf-8").splitlines()
    )
    return [f"{wnid} {words[wnid]}" for wnid in class_wnids(root)]


def _decode(paths, note):
    pictures = np.empty((len(paths), 64, 64, 3), np.uint8)
    for i, path in enumerate(paths):
        with Image.open(path) as picture:
            pictures[i] = np.asarray(picture.convert("RGB"))
        if i % 1000 == 999:
            print(f"\r{note}: {i + 1} of {len(paths)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return pictures


def _cached(cache, load):
    if cache.exists():
        with np.load(cache) as stored:
            return stored["pictures"], stored["classes"]
    pictures, classes = load()
    cache.parent.mkdir(parents=True, exist_ok=True)
    part = cache.with_name("part-" + cache.name)
    np.savez(part, pictures=pictures, classes=classes)
    part.rename(cache)
    return pictures, classes


def training_split(root, cache_dir):
    """pictures uint8 (100000, 64, 64, 3) RGB, classes int64 (100000,), in the order of wnid and file name."""

    def load():
        paths, classes = [], []
        for k, wnid in enumerate(class_wnids(root)):
            files = sorted((Path(root) / "train" / wnid / "images").glob("*.JPEG"))
            paths += files
            classes += [k] * len(files)
        return _decode(paths, "decoding train"), np.array(classes, np.int64)

    return _cached(Path(cache_dir) / "train.npz", load)


def training_boxes(root, last):
    """[(path, (x0, y0, x1, y1))] of the last pictures of each class, those that train.py --held-out keeps; by wnid.
    Boxes in inclusive pixels."""
    boxes = {}
    for wnid in class_wnids(root):
        folder = Path(root) / "train" / wnid
        rows = [line.split("\t") for line in (folder / f"{wnid}_boxes.txt").read_text().splitlines()]
        rows.sort(key=lambda row: row[0])  # as the files of training_split
        boxes[wnid] = [(folder / "images" / name, tuple(map(int, box))) for name, *box in rows[-last:]]
    return boxes
