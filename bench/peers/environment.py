"""What the comparison runs on: a virtual environment with the peers, camlite's worker, this machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Peer:
    title: str
    packages: tuple[str, ...]  # on PyPI; none: the system's Python has it, or not
    formats: tuple[str, ...]  # of exports.py, in the order in which they are made


PEERS = {
    "onnxruntime": Peer("ONNX Runtime", ("onnxruntime", "onnx"), ("onnx",)),
    "openvino": Peer("OpenVINO", ("openvino", "onnx"), ("onnx",)),
    "mnn": Peer("MNN", ("MNN", "onnx"), ("onnx", "mnn")),
    "ncnn": Peer("ncnn", ("ncnn",), ("ncnn",)),
    # PyPI's PyTorch is gigabytes with CUDA; Debian's is CPU code alone, and wants Debian's numpy.
    "pytorch": Peer("PyTorch", (), ("pytorch",)),
}


class Unavailable(Exception):
    """An engine cannot be had here; the message says why."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def run_step(command: list[str | Path], what: str) -> str:
    """The standard output of a command. Throws Unavailable with the last line of what it said."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"{what}: {_last_line(done.stderr or done.stdout)}")
    return done.stdout


class VirtualEnvironment:
    """Apart from the system's packages: the peers' wheels bring a numpy of their own."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "bin/python"
        if not self.python.exists():
            say(f"Making a virtual environment in {folder}")
            run_step([sys.executable, "-m", "venv", folder], "no virtual environment")

    def _pip(self, *arguments: str) -> str:
        return run_step([self.python, "-m", "pip", "--disable-pip-version-check", *arguments], f"pip {arguments[0]}")

    def installed(self) -> dict[str, str]:
        return {entry["name"].lower(): entry["version"] for entry in json.loads(self._pip("list", "--format=json"))}

    def install(self, *packages: str) -> None:
        """Throws Unavailable."""
        say(f"Installing {', '.join(packages)}")
        self._pip("install", "--quiet", *packages)

    def install_missing(self, *packages: str) -> None:
        """Throws Unavailable."""
        have = self.installed()
        if missing := [package for package in packages if package.lower() not in have]:
            self.install(*missing)


def build_camlite_worker(folder: Path) -> Path:
    """Throws Unavailable."""
    if not (folder / "build.ninja").exists():
        options = ["--buildtype=release", *(f"-D{part}=disabled" for part in ("tools", "tests", "bench"))]
        run_step(["meson", "setup", folder, ROOT, *options], "meson setup")
    say("Building camlite_worker")
    run_step(["ninja", "-C", folder, "bench/camlite_worker"], "camlite_worker does not build")
    return folder / "bench/camlite_worker"


def commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def machine() -> dict[str, object]:
    fields = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cpu": fields.get("model name", platform.processor()),
        "flags": fields.get("flags", "").split(),
        "cores": os.cpu_count(),
        "memory_gb": round(kilobytes / 2**20, 1),
        "system": platform.platform(),
        "load_average": os.getloadavg()[0],
    }
