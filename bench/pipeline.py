#!/usr/bin/env python3
"""What a picture file costs: the program over many pictures, beside the network alone. Prints what the tables of
docs/scale.md and docs/many-pictures.md are made of, a line a command.

    bench/pipeline.py                    pictures of three sizes, which it makes; some minutes
    bench/pipeline.py --pictures DIR     yours

Of each set of pictures, in turns and in changing order: the network alone (camlite bench, one process of one thread for
each core), camlite classify, and camlite cam with all cores. Every command is timed from its start to its end, with the
files in the page cache; the figures are medians of the rounds. Let nothing else run meanwhile. Debian: python3-numpy,
python3-pil.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
MADE = {"64x64": 10000, "500x375": 2000, "4000x3000": 120}  # how many of each size


@dataclass
class Run:
    """Processes that ran side by side."""

    seconds: float  # from the first one's start to the last one's end
    processor: float  # seconds of all of them
    peak_mb: float  # of the largest


def run_all(commands: list[list[str]], environment: dict[str, str]) -> Run:
    start = time.monotonic()
    with open(os.devnull, "w") as nowhere:
        running = [subprocess.Popen(command, env=environment, stdout=nowhere) for command in commands]
    processor = peak = 0.0
    for one in running:
        _, status, used = os.wait4(one.pid, 0)
        one.returncode = os.waitstatus_to_exitcode(status)
        if one.returncode != 0:
            sys.exit(f"{' '.join(one.args)}: exit status {one.returncode}")
        processor += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss / 1024)
    return Run(time.monotonic() - start, processor, peak)


def make_pictures(folder: Path, size: tuple[int, int], count: int) -> None:
    """JPEGs of random parts of the photograph that comes with camlite, enlarged or reduced to `size`, with noise."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(1)
    folder.mkdir()
    with Image.open(ROOT / "docs/pictures/coffee.jpg") as photograph:
        photograph = photograph.convert("RGB")
    for i in range(count):
        width = int(random.integers(photograph.width // 4, photograph.width * 3 // 4))
        height = min(width * size[1] // size[0], photograph.height)
        x, y = random.integers(photograph.width - width + 1), random.integers(photograph.height - height + 1)
        part = photograph.crop((x, y, x + width, y + height)).resize(size, Image.BICUBIC)
        noisy = np.asarray(part, np.int16) + random.integers(-8, 9, (size[1], size[0], 1), np.int16)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{i:05}.jpg", quality=90)


def say(words: str) -> None:
    """On a line that stays where it is, if there is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{words}", end="", file=sys.stderr, flush=True)


def picture_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]


def measure(options: argparse.Namespace, folder: Path, scratch: Path) -> list[tuple[str, ...]]:
    files = picture_files(folder)
    read_mb = sum(len(path.read_bytes()) for path in files) / 1e6  # and into the page cache
    cores = len(os.sched_getaffinity(0))
    passes = -(-min(len(files), 10000) // cores)
    model = ["--model", options.model] if options.model else []
    pictures = ["--quiet", *model, str(folder)]
    environment = os.environ | {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(cores)}

    alone = "the network alone"
    commands = {
        alone: [["bench", "--json", "--threads", "1", "--runs", str(passes), *model]] * cores,
        "`classify --json`": [["classify", "--json", *pictures]],
        "`cam --no-overlay --json`": [["cam", "--no-overlay", "--json", *pictures]],
        "`cam --output`": [["cam", "--output", str(scratch / "out.jsonl"), "--force", *pictures]],
    }
    done = {alone: passes * cores}
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(options.rounds):
        names = list(commands)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            say(f"{folder.name}: round {number + 1} of {options.rounds}, {name}")
            runs[name].append(run_all([[options.program, *words] for words in commands[name]], environment))
    say("")

    def rates(name: str) -> list[float]:
        return [done.get(name, len(files)) / run.seconds for run in runs[name]]

    rows = []
    for name in commands:
        count, of_files = done.get(name, len(files)), name != alone
        speed = statistics.median(rates(name))
        share = statistics.median(ours / own for ours, own in zip(rates(name), rates(alone)))
        rows.append((
            f"{len(files):,} of {1000 * read_mb / len(files):,.1f} kB, {folder.name}",
            name,
            f"{speed:.3g}" if speed < 100 else f"{speed:.0f}",
            f"{100 * share:.0f} %" if of_files else "",
            f"{1000 * statistics.median(run.processor for run in runs[name]) / count:.2f}",
            f"{speed * read_mb / len(files):.1f}" if of_files else "",
            f"{max(run.peak_mb for run in runs[name]):.0f}",
        ))  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="these pictures instead of made ones")
    parser.add_argument("--sizes", nargs="+", choices=MADE, default=list(MADE), metavar="WxH",
                        help="made pictures of these sizes alone (default: %(default)s)")  # fmt: skip
    parser.add_argument("--count", type=int, metavar="N", help="at most N made pictures of each size")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often (default: %(default)s)")
    parser.add_argument("--model", metavar="M", help="a model file or name, instead of the default model")
    parser.add_argument("--program", default=str(ROOT / "build/tools/camlite/camlite"), metavar="CAMLITE",
                        help="(default: %(default)s)")  # fmt: skip
    options = parser.parse_args()
    if options.rounds < 1 or (options.count is not None and options.count < 1):
        parser.error("--rounds and --count are at least 1")
    if options.pictures and not (options.pictures.is_dir() and picture_files(options.pictures)):
        parser.error(f"--pictures {options.pictures}: no pictures in it or below it ({', '.join(SUFFIXES)})")

    rows = [("pictures", "command", "pictures/s", "of the network's", "ms of processor time each", "MB/s read", "peak MB"),
            ("---", "---", *["--:"] * 5)]  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        folders = [options.pictures] if options.pictures else []
        if not folders:
            for name in options.sizes:
                size, count = tuple(map(int, name.split("x"))), MADE[name]
                folders.append(scratch / name)
                say(f"making pictures of {folders[-1].name}")
                # In a process of its own: what this one has resident when it starts others counts as theirs.
                count = min(count, options.count or count)
                making = multiprocessing.Process(target=make_pictures, args=(folders[-1], size, count))
                making.start()
                making.join()
                if making.exitcode != 0:
                    sys.exit(1)
        for folder in folders:
            rows += measure(options, folder, scratch)
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
