"""The parent's end of a worker process. worker.py has the commands."""

from __future__ import annotations

import os
import select
import subprocess
from pathlib import Path


class WorkerFailed(Exception):
    pass


class WorkerProcess:
    def __init__(self, command: list[str | Path], log: Path) -> None:
        # numpy's own threads would take memory from the start, and the engine's figure with it.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        self._log = log.open("w")
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment, text=True,
        )  # fmt: skip

    def ask(self, command: str, patience: float = 120) -> list[str]:
        """The words of the answer. Throws WorkerFailed."""
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: reading says so
        if not select.select([self._process.stdout], [], [], patience)[0]:
            raise WorkerFailed(f"no answer to '{command}' in {patience:.0f} s")
        status, *words = self._process.stdout.readline().split() or ["ended"]
        if status == "ended":
            raise WorkerFailed(f"ended in '{command}' with status {self._process.wait()}, see {self._log.name}")
        if status != "ok":
            raise WorkerFailed(" ".join(words))
        return words

    def numbers(self, command: str) -> list[float]:
        return [float(word) for word in self.ask(command)]

    def cpu_seconds(self) -> float:
        """Of all its threads, so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._log):
            file.close()
