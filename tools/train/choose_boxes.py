#!/usr/bin/env python3
"""How many boxes are right, by --map-raise and --threshold, on held-out training pictures with the class known.

    tools/train/choose_boxes.py --data tiny-imagenet-200 --model tiny_vgg_gap.safetensors

The pictures are those that train.py --held-out kept from training, the boxes those of the training split. A box is
right if its intersection over union with the true one is at least 0.5. What is measured is the `camlite` program on
the JPEG files; the raise is that of export.raise_maps, and the same train.py command with another --map-raise, in the
same run folder, exports the model anew.
"""

import argparse
import concurrent.futures
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import tiny_imagenet
from safetensors_file import read_safetensors, write_safetensors

ROOT = Path(__file__).resolve().parents[2]


def overlap(box, truth):
    """Intersection over union of [x, y, width, height] and (x0, y0, x1, y1) in inclusive pixels."""
    x, y, width, height = box
    x0, y0, x1, y1 = truth[0], truth[1], truth[2] + 1, truth[3] + 1
    shared = max(0, min(x + width, x1) - max(x, x0)) * max(0, min(y + height, y1) - max(y, y0))
    return shared / (width * height + (x1 - x0) * (y1 - y0) - shared)


def right_boxes(camlite, model, wnid, pictures, threshold):
    """How many of [(path, true box)], pictures of one class, get a box that is right."""
    command = [camlite, "cam", "--model", model, "--threads", "1", "--top", "1", "--class", wnid, "--no-overlay"]
    command += ["--threshold", f"{threshold:g}", "--json", *(path for path, _ in pictures)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    right = 0
    for line, (path, truth) in zip(lines, pictures, strict=True):
        answer = json.loads(line)
        entry = next(entry for entry in answer["top"] if entry["label"].split()[0] == wnid)
        right += entry["box"] is not None and overlap(entry["box"], truth) >= 0.5
    return right


def raised(source, target, share):
    """The model with another raise of its class weights; one that says nothing of a raise has none."""
    tensors, notes = read_safetensors(source)
    if "fc.weight" not in tensors:
        sys.exit(f"{source}: has no tensor fc.weight, it was not written by tools/train")
    weight = tensors["fc.weight"]
    wide = weight.astype(np.float64)
    more = (share - float(notes.get("train.map_raise", 0))) * wide.std(ddof=1)  # a raise does not change the deviation
    tensors = {**tensors, "fc.weight": (wide + more).astype(weight.dtype)}
    write_safetensors(target, tensors, {**notes, "train.map_raise": f"{share:g}"})


def main():
    p = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    numbers = lambda text: [float(part) for part in text.split(",")]
    p.add_argument("--data", type=Path, required=True, help="the tiny-imagenet-200 folder")
    p.add_argument("--model", type=Path, required=True, help="what train.py --export wrote")
    p.add_argument("--camlite", type=Path, default=ROOT / "build/tools/camlite/camlite")
    p.add_argument("--pictures", type=int, default=10, help="the last ones of each class")
    p.add_argument("--raises", type=numbers, default="0,0.2,0.4,0.6,0.8,1")
    p.add_argument("--thresholds", type=numbers, default="0.2,0.25,0.3,0.35,0.4,0.45,0.5")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()

    boxes = tiny_imagenet.training_boxes(args.data, args.pictures)
    count = sum(len(pictures) for pictures in boxes.values())
    best = (-1, 0.0, 0.0)
    print("raise\tthreshold\tright")
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(args.threads) as pool:
        model = Path(folder) / "model.safetensors"
        for share in args.raises:
            raised(args.model, model, share)
            for threshold in args.thresholds:
                one = lambda of: right_boxes(args.camlite, model, of, boxes[of], threshold)
                right = sum(pool.map(one, boxes))
                print(f"{share:g}\t{threshold:g}\t{right / count:.4f}", flush=True)
                best = max(best, (right, share, threshold))
    right, share, threshold = best
    print(f"most are right with --map-raise {share:g} and --box-threshold {threshold:g}: {right} of {count}")


if __name__ == "__main__":
    main()
