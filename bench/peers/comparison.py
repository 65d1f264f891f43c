"""One block of the comparison: all engines on one network, number of threads and batch, in interleaved rounds.

Each engine is a process that lives as long as the block. They start one after another, which gives the time to load
and the memory; then each round gives every engine one turn of a few runs, in an order that moves on by one from round
to round, so that what else happens on the machine happens to all of them.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from environment import Unavailable, say
from processes import WorkerFailed, WorkerProcess
from reference import relative_error

TOLERANCE = 1e-3  # of the largest value; an engine whose result is further off computes something else
PAUSE = 0.03  # seconds after each turn, in which threads that wait for work by spinning go to sleep


@dataclass(frozen=True)
class Block:
    network: str
    threads: int
    batch: int
    rounds: int
    timed: int  # runs of each turn
    warm: int  # runs before them, which bring the engine's weights back into the caches


@dataclass
class Result:
    """One engine in one block; `problem` is empty if all is well."""

    engine: str
    problem: str = ""
    version: str = ""
    times_ms: list[float] = field(default_factory=list)
    import_ms: float = 0  # a Python package's; camlite has none
    load_ms: float = 0
    first_ms: float = 0
    bare_mb: float = 0  # of the process before the engine is imported: Python and numpy
    peak_mb: float = 0
    feature_error: float = 0
    logit_error: float = 0
    idle_cpu: float = 0  # of a processor, while others have their turn

    @property
    def is_wrong(self) -> bool:
        """It failed or disagrees; an engine that cannot be had is not wrong."""
        return bool(self.problem) and not self.problem.startswith("not available")

    @property
    def median_ms(self) -> float:
        return median(self.times_ms)

    def figures(self, block: Block) -> dict[str, object]:
        """For JSON."""
        if not self.times_ms:
            return {"engine": self.engine, "version": self.version, "problem": self.problem}
        summary = {
            "median_ms": self.median_ms,
            "best_ms": min(self.times_ms),
            "images_per_second": 1000 * block.batch / self.median_ms,
        }
        return vars(self) | summary


class _Turns:
    """One engine's process and what it has given so far."""

    def __init__(self, result: Result, command: list[str | Path], log: Path) -> None:
        self.result, self.worker = result, WorkerProcess(command, log)
        self._idle_since = self._cpu = 0.0  # when the last rest began, and the processor time until then
        self._cpu_of_start = self._idle_cpu = self._idle_seconds = 0.0

    def start(self, block: Block) -> None:
        """Throws Unavailable if the engine is not there, WorkerFailed if it does not work."""
        r = self.result
        try:
            r.import_ms, bare = self.worker.numbers("import")
        except WorkerFailed as failure:
            raise Unavailable(str(failure)) from None
        r.version = " ".join(self.worker.ask("version"))
        r.load_ms, r.first_ms = self.worker.numbers("load")
        r.bare_mb = bare / 1024
        self.worker.ask(f"run {block.warm} 0")  # some engines go on optimizing in their second run
        self._rest()
        self._cpu_of_start = self._cpu

    @property
    def cpu_of_turns(self) -> float:
        return self._cpu - self._cpu_of_start

    def turn(self, block: Block) -> None:
        self._idle_seconds += time.monotonic() - self._idle_since
        self._idle_cpu += self.worker.cpu_seconds() - self._cpu
        self.result.times_ms += self.worker.numbers(f"run {block.warm} {block.timed}")
        self._rest()

    def _rest(self) -> None:
        time.sleep(PAUSE)
        self._idle_since, self._cpu = time.monotonic(), self.worker.cpu_seconds()

    def finish(self, folder: Path, truth: dict[str, np.ndarray]) -> None:
        r = self.result
        r.idle_cpu = self._idle_cpu / self._idle_seconds
        r.peak_mb = self.worker.numbers("memory")[0] / 1024  # before the outputs are copied
        self.worker.ask(f"outputs {folder}")
        errors = {}
        for name, values in truth.items():
            found = np.fromfile(folder / f"{name}.f32", np.float32)
            errors[name] = relative_error(found.reshape(values.shape), values) if found.size == values.size else np.inf
        r.feature_error, r.logit_error = errors.get("features", np.nan), errors["logits"]
        if max(errors.values()) > TOLERANCE:
            r.problem = "DISAGREES: " + ", ".join(f"{name} are off by {error:.1e}" for name, error in errors.items())


def _busy_seconds() -> float:
    """Of all processors, in anything but waiting."""
    user, nice, system, _, _, irq, softirq, *_ = (
        int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def compare(
    block: Block, commands: dict[str, list[str | Path] | Unavailable], folder: Path, truth: dict[str, np.ndarray]
) -> tuple[list[Result], float]:
    """Each engine's result, in the order of `commands` (engine -> how to start its worker, or why it cannot be had);
    and the share of the machine's processors that other programs took meanwhile."""
    results, running = [], []

    def attempt(turns: _Turns, step) -> None:
        try:
            step()
        except (WorkerFailed, Unavailable) as error:
            kind = "not available" if isinstance(error, Unavailable) else "failed"
            turns.result.problem, turns.result.times_ms = f"{kind}: {error}", []
            turns.worker.close()
            if turns in running:
                running.remove(turns)

    for engine, command in commands.items():
        result = Result(engine)
        results.append(result)
        if isinstance(command, Unavailable):
            result.problem = f"not available: {command}"
            continue
        say(f"  {engine}: load")
        turns = _Turns(result, command, folder / f"{engine}.log")
        running.append(turns)
        attempt(turns, lambda: turns.start(block))
    begin, busy = time.monotonic(), _busy_seconds()
    started = list(running)
    for number in range(block.rounds):
        say(f"  round {number + 1} of {block.rounds}")
        shift = number % max(len(running), 1)
        for turns in running[shift:] + running[:shift]:
            attempt(turns, lambda: turns.turn(block))
    not_ours = _busy_seconds() - busy - sum(turns.cpu_of_turns for turns in started)
    others = max(0.0, not_ours) / (time.monotonic() - begin) / (os.cpu_count() or 1)
    for turns in list(running):
        attempt(turns, lambda: turns.finish(folder, truth))
        turns.worker.close()
    return results, others
