"""Batch runs that are stopped and killed at random moments and resumed, until they are done: what they have written then
is, byte for byte, what an undisturbed run writes.

    python3 tests/soak/batches.py PROGRAM ROUNDS [PICTURES]

Prints a line a round. Exit status 1 if a result differs, a file is left over, or a run fails on its own.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

# Between the program's start and its end: the middle of the runs, and some that are over before the signal.
SHORTEST, LONGEST = 0.02, 1.2


def make_pictures(folder, count):
    """Pictures of many sizes; every 40th is broken."""
    folder.mkdir()
    numbers = np.random.default_rng(61)
    for i in range(count):
        path = folder / f"{i:05}.jpg"
        if i % 40 == 39:
            path.write_bytes(b"\xff\xd8\xff no picture")
        else:
            shape = (int(numbers.integers(1, 200)), int(numbers.integers(1, 200)), 3)
            Image.fromarray(numbers.integers(0, 256, shape, dtype=np.uint8)).save(path, quality=60)


def command(program, output, *more):
    return [program, "cam", "../pictures", "--out", "maps/", "--output", output, "--quiet", *more]


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def differences(expected, got):
    for name in sorted(expected.keys() | got.keys()):
        if name not in got:
            yield f"{name} is missing"
        elif name not in expected:
            yield f"{name} is left over"
        elif expected[name] != got[name]:
            yield f"{name} differs"


def disturbed_run(program, folder, output, chance):
    """Starts and stops the program until it ends by itself; returns how often it was (stopped, killed)."""
    stopped = killed = 0
    while True:
        run = subprocess.Popen(command(program, output, "--resume"), cwd=folder, stderr=subprocess.PIPE)
        try:
            _, errors = run.communicate(timeout=chance.uniform(SHORTEST, LONGEST))
        except subprocess.TimeoutExpired:
            how = chance.choice([signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
            run.send_signal(how)
            _, errors = run.communicate(timeout=60)
            if how == signal.SIGKILL:
                killed += 1
            else:
                stopped += 1
        # 1 is for the broken pictures, too; the results have their name when they are whole.
        if run.returncode == 1 and (folder / output).exists():
            return stopped, killed
        if run.returncode not in (1, -signal.SIGINT, -signal.SIGKILL, -signal.SIGTERM):
            sys.exit(f"ended with status {run.returncode}: {errors.decode(errors='replace')}")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    program, rounds = str(Path(sys.argv[1]).resolve()), int(sys.argv[2])
    pictures = int(sys.argv[3]) if len(sys.argv) == 4 else 400
    wrong = signals = 0
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        make_pictures(here / "pictures", pictures)
        for output in ("results.jsonl", "results.csv"):
            once = here / f"undisturbed-{output}"
            once.mkdir()
            start = time.monotonic()
            done = subprocess.run(command(program, output), cwd=once, stderr=subprocess.PIPE)
            if done.returncode != 1:
                sys.exit(f"the undisturbed run ended with status {done.returncode}: {done.stderr.decode()}")
            print(f"{pictures} pictures, {output}: {time.monotonic() - start:.1f} s undisturbed", flush=True)
            expected = files(once)
            for number in range(rounds):
                folder = here / "round"
                folder.mkdir()
                stopped, killed = disturbed_run(program, folder, output, random.Random(1000 * number + 7))
                found = list(differences(expected, files(folder)))
                print(f"{output} {number + 1}/{rounds}: stopped {stopped} times, killed {killed} times, "
                      f"{len(found)} differences", flush=True)
                for line in found[:10]:
                    print(f"    {line}")
                wrong += len(found)
                signals += stopped + killed
                subprocess.run(["rm", "-r", folder], check=True)
    if signals == 0:
        sys.exit("no run was stopped or killed: each was over before its signal")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
