"""Times camlite beside the inference engines that people use, on the same network with the same weights.

Every engine runs in full float32 in a process of its own, in interleaved rounds with the same number of threads, and
its result is held against one computed in double. A table comes on standard output, progress on standard error. Exit
status 1: an engine's result is wrong, or it failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ENGINES = ("camlite", "onnxruntime", "openvino", "mnn", "ncnn", "pytorch")
NETWORKS = ("vgg16-gap", "default")
ROOT = Path(__file__).resolve().parents[2]


def whole_numbers(text: str) -> list[int]:
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"not whole numbers of at least 1: {text}")
    return numbers


def names_of(known: tuple[str, ...]):
    def names(text: str) -> list[str]:
        if unknown := [word for word in text.split(",") if word not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")
        return text.split(",")

    return names


def parse_arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(
        prog="bench/peers/run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="All of it takes less than five minutes. The packages and files go into --folder, nowhere else.",
    )
    names, numbers = {"metavar": "A,B,..."}, {"type": whole_numbers, "metavar": "N,..."}
    p.add_argument("--engines", type=names_of(ENGINES), default=list(ENGINES), **names, help=f"of {', '.join(ENGINES)}")
    networks = "vgg16-gap: the paper's, random weights, 224x224; default: the model in weights/, 64x64"
    p.add_argument("--network", type=names_of(NETWORKS), default=list(NETWORKS), **names, help=networks)
    p.add_argument("--threads", default=[1, 2], **numbers, help="numbers of threads (1,2)")
    p.add_argument("--batch", default=[1, 8], **numbers, help="pictures in one pass (1,8)")
    p.add_argument("--rounds", type=int, default=7, metavar="N", help="of batch 1 (7); larger batches take half of it")
    p.add_argument("--json", type=Path, metavar="FILE", help="all times and figures, versions, and the machine")
    p.add_argument("--folder", type=Path, default=ROOT / "build-peers", help="for packages and files (build-peers)")
    spec = "what pip installs instead of an engine's newest: onnxruntime==1.20, or a wheel of your own"
    p.add_argument("--install", action="append", default=[], metavar="SPEC", help=spec)
    args = p.parse_args()
    if args.rounds < 1:
        p.error("--rounds must be at least 1")
    if args.json and not args.json.absolute().parent.is_dir():
        p.error(f"--json: there is no folder {args.json.parent}")
    return args


def main() -> None:
    args = parse_arguments()
    from session import run  # after the arguments: --help needs no numpy

    sys.exit(run(args))


if __name__ == "__main__":
    main()
