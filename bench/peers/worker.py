"""One peer in a process of its own: `worker.py ENGINE FOLDER THREADS SHAPE INPUT`. camlite_worker.cpp is camlite's.

FOLDER has the network in the engine's format; INPUT is raw float32 of SHAPE, which is N,C,H,W.

A line comes in, a line goes out, `ok ...` or `error ...`:

    import            -> milliseconds that importing the engine took, kB that the process had taken before it
    load              -> milliseconds until the network is ready, milliseconds of the first forward pass
    run WARM TIMED    -> milliseconds of each timed pass, after WARM that are not timed
    outputs FOLDER    -> writes the last run's features.f32, logits.f32, ...: raw float32, channels outermost
    memory            -> kB that the process has taken at most
    version           -> the engine's
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from engines import ENGINES, Engine


def peak_kilobytes() -> int:
    """Of Linux's /proc: getrusage would start with the peak of the process that started this one."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def milliseconds(work, *arguments) -> float:
    start = time.perf_counter()
    work(*arguments)
    return 1000 * (time.perf_counter() - start)


class Worker:
    engine: Engine

    def __init__(self, name: str, folder: str, threads: str, shape: str, pictures: str) -> None:
        self.name, self.folder, self.threads = name, Path(folder), int(threads)
        self.pictures = np.fromfile(pictures, np.float32).reshape([int(extent) for extent in shape.split(",")])

    def import_(self) -> str:
        before = peak_kilobytes()

        def construct() -> None:
            self.engine = ENGINES[self.name]()

        return f"{milliseconds(construct)} {before}"

    def load(self) -> str:
        ready = milliseconds(self.engine.load, self.folder, self.threads, self.pictures)
        return f"{ready} {milliseconds(self.engine.run)}"

    def run(self, warm: str, timed: str) -> str:
        for _ in range(int(warm)):
            self.engine.run()
        return " ".join(str(milliseconds(self.engine.run)) for _ in range(int(timed)))

    def outputs(self, folder: str) -> str:
        for name, values in zip(self.engine.names, self.engine.outputs(), strict=True):
            np.ascontiguousarray(values, np.float32).tofile(Path(folder) / f"{name}.f32")
        return ""

    def memory(self) -> str:
        return str(peak_kilobytes())

    def version(self) -> str:
        return self.engine.version


def main() -> None:
    # Engines print what they like to standard output: only answers go where the parent reads.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(*sys.argv[1:])
    commands = {"import": worker.import_} | {
        name: getattr(worker, name) for name in ("load", "run", "outputs", "memory", "version")
    }
    for line in sys.stdin:
        command, *arguments = line.split()
        try:
            print("ok", commands[command](*arguments), file=answers)
        except Exception as error:  # whatever an engine throws is for the parent to show
            print("error", " ".join(f"{type(error).__name__}: {error}".split()), file=answers)


if __name__ == "__main__":
    main()
