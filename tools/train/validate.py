#!/usr/bin/env python3
"""Top-1 and top-5 accuracy of a camlite model on Tiny ImageNet's 10,000 validation pictures.

    tools/train/validate.py --data tiny-imagenet-200

What is measured is what people run: the `camlite` program on the JPEG files with the shipped model.
"""

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

import tiny_imagenet

ROOT = Path(__file__).resolve().parents[2]


def interval(share, n):
    """Half the width of the 95 % interval of a share of n (normal approximation)."""
    return 1.96 * math.sqrt(share * (1 - share) / n)


def main():
    p = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    p.add_argument("--data", type=Path, required=True, help="the tiny-imagenet-200 folder")
    p.add_argument("--camlite", type=Path, default=ROOT / "build/tools/camlite/camlite")
    p.add_argument("--model", type=Path, default=ROOT / "weights/tiny_vgg_gap.safetensors")
    args = p.parse_args()

    files = tiny_imagenet.validation_files(args.data)
    right1 = right5 = seen = 0
    for i in range(0, len(files), 500):
        part = files[i : i + 500]
        command = [args.camlite, "classify", "--model", args.model, "--top", "5", "--json"]
        command += [path for path, _, _ in part]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        for line, (path, true_class, _) in zip(lines, part, strict=True):
            answer = json.loads(line)
            if answer["image"] != str(path):
                sys.exit(f"expected an answer for {path}, got one for {answer['image']}")
            classes = [entry["class"] for entry in answer["top"]]
            right1 += classes[0] == true_class
            right5 += true_class in classes
        seen += len(part)
        print(f"\r{seen} of {len(files)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for name, right in (("top-1", right1), ("top-5", right5)):
        share = right / seen
        print(f"{name} accuracy {share:.2%} +- {interval(share, seen):.2%} on {seen} pictures")


if __name__ == "__main__":
    main()
