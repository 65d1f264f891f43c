"""Times networks of many families in camlite and in ONNX Runtime, and holds both engines' logits against PyTorch's in double.

Those that torchvision has, and EfficientNet-Lite0, come from PyTorch by ONNX, and ONNX Runtime runs the file that PyTorch
wrote; the paper's are camlite's own, exported to ONNX, and ONNX Runtime's logits stand in for PyTorch's. Both engines run
in full float32 in processes of their own, in interleaved rounds. Weights are random, but for EfficientNet-Lite0's. A table
comes on standard output, progress on standard error. Exit status 1: a result is wrong, or something failed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import environment
from comparison import Block, compare
from environment import HERE, PEERS, ROOT, Unavailable, VirtualEnvironment, run_step, say

sys.path[:0] = [str(ROOT / "tools/convert"), str(ROOT / "tools/models")]

PAPERS = ("alexnet-gap", "alexnet-star-gap", "vgg16-gap", "vgg16-bn-gap", "googlenet-gap", "nin")
TORCHVISION = (
    "squeezenet1_0", "squeezenet1_1", "resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2", "densenet121",
    "googlenet", "inception_v3", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "mnasnet1_0",
    "shufflenet_v2_x1_0", "efficientnet_b0", "efficientnet_v2_s", "regnet_x_400mf", "regnet_y_400mf",
)  # fmt: skip
BY_NAME = "by name"  # the source of PAPERS
TRAINED = ("efficientnet-lite0",)
SIZES = {"alexnet-gap": 227, "alexnet-star-gap": 227, "inception_v3": 299}  # others are made for 224


@dataclass(frozen=True)
class Row:
    name: str
    source: str
    size: int
    info: dict  # of camlite info --json
    errors: dict[str, float]  # engine: of its logits
    times: dict[tuple[str, int], float]  # (engine, threads): median in ms
    memory: dict[str, float]  # engine: most MB of a process with one thread
    problem: str


def trained_module(name: str):
    """Throws Unavailable."""
    import get_model

    file = get_model.MODELS[name]
    try:
        python = get_model.environment_with(ROOT / f"tools/models/{file}.txt")
        packages = run_step([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], "no packages")
    except get_model.Failure as why:
        raise Unavailable(str(why)) from None
    sys.path.append(packages.strip())
    return importlib.import_module(file).network()


def module_of(name: str):
    """A PyTorch module and where it comes from. Throws Unavailable."""
    try:
        import torch

        if name in TRAINED:
            return trained_module(name), "tools/get_model"
        import torchvision
    except ImportError as why:
        raise Unavailable(str(why)) from None
    torch.manual_seed(0)
    options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    module = getattr(torchvision.models, name)(weights=None, **options)
    # Batch normalization with the statistics of some noise, so that values neither vanish nor grow.
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None
    with torch.no_grad():
        module(torch.randn(2, 3, SIZES.get(name, 224), SIZES.get(name, 224)))
    return module.eval(), f"torchvision {torchvision.__version__}"


class Bench:
    def __init__(self, folder: Path, threads: list[int], rounds: int) -> None:
        import from_torch

        self.from_torch, self.threads, self.rounds = from_torch, threads, rounds
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.venv = VirtualEnvironment(self.folder / "venv")
        self.venv.install_missing(*PEERS["onnxruntime"].packages)
        self.worker = environment.build_camlite_worker(self.folder / "camlite")
        self.program = from_torch.find_camlite()

    def row(self, name: str) -> Row:
        """Throws Unavailable."""
        say(name)
        place = self.folder / name
        place.mkdir(exist_ok=True)
        size = SIZES.get(name, 224)
        pictures = np.random.default_rng(1).standard_normal((1, 3, size, size)).astype(np.float32)
        model, onnx = place / "model.safetensors", place / "network.onnx"
        if name in PAPERS:
            run_step([self.worker, "--random", name, model], "no model")
            run_step([self.program, "export", model, onnx], "no export")
            source, logits = BY_NAME, None
        else:
            source, logits = self._from_torch(name, model, onnx, pictures)
        info = json.loads(run_step([self.program, "info", model, "--json"], "camlite info"))
        if logits is None:
            logits = self._of_onnx_runtime(place, pictures)
        return self._timed(Row(name, source, size, info, {}, {}, {}, ""), place, model, pictures, logits)

    def _from_torch(self, name: str, model: Path, onnx: Path, pictures: np.ndarray) -> tuple[str, np.ndarray]:
        import torch

        module, source = module_of(name)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            try:
                self.from_torch.export(module, model, size=pictures.shape[2], onnx=onnx, camlite=self.program)
            except self.from_torch.ConversionError as why:
                raise Unavailable(str(why)) from None
            return source, module.double()(torch.from_numpy(pictures).double()).numpy()

    def _command(self, engine: str, place: Path, model: Path, pictures: np.ndarray, threads: int) -> list[str | Path]:
        file = place / "pictures.f32"
        pictures.tofile(file)
        work = [str(threads), ",".join(str(extent) for extent in pictures.shape), file]
        if engine == "camlite":
            return [self.worker, model, *work]
        return [self.venv.python, HERE / "worker.py", engine, place, *work]

    def _of_onnx_runtime(self, place: Path, pictures: np.ndarray) -> np.ndarray:
        command = self._command("onnxruntime", place, place, pictures, 1)
        done = subprocess.run(command, input=f"import\nload\noutputs {place}\n", capture_output=True, text=True)
        if done.stdout.count("ok") != 3:
            raise Unavailable(f"ONNX Runtime: {done.stdout.strip() or done.stderr.strip()}")
        return np.fromfile(place / "logits.f32", np.float32).reshape(1, -1)

    def _timed(self, row: Row, place: Path, model: Path, pictures: np.ndarray, logits: np.ndarray) -> Row:
        errors, times, memory, problems = {}, {}, {}, []
        for threads in self.threads:
            block = Block(row.name, threads, 1, self.rounds, timed=5, warm=1)
            commands = {e: self._command(e, place, model, pictures, threads) for e in ("camlite", "onnxruntime")}
            with contextlib.redirect_stderr(open(os.devnull, "w")):
                results, _ = compare(block, commands, place, {"logits": logits})
            for result in results:
                if result.problem:
                    problems.append(f"{row.name}: {result.engine}: {result.problem}")
                if not result.times_ms:
                    continue
                times[result.engine, threads] = result.median_ms
                memory.setdefault(result.engine, result.peak_mb - result.bare_mb)
                errors[result.engine] = max(errors.get(result.engine, 0), result.logit_error)
        return Row(row.name, row.source, row.size, row.info, errors, times, memory, "; ".join(problems))


def head_of(info: dict) -> str:
    if not info["cam_head"]:
        return "none"
    return "linear" if info.get("cam_classifier") else "features are classes"


def table(rows: list[Row], threads: list[int]) -> str:
    head = ["network", "source", "input", "M parameters", "G multiply-adds", "CAM head"]
    head += ["camlite differs by", "ONNX Runtime differs by"]
    for count in threads:
        suffix = f", {count} thread{'' if count == 1 else 's'}"
        head += [f"camlite ms{suffix}", f"ONNX Runtime ms{suffix}", "ratio"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * 3 + " --: |" * 2 + " --- |" + " --: |" * (2 + 3 * len(threads))]
    for row in rows:
        layers = row.info["layers"]
        cells = [
            row.name, row.source, f"{row.size}x{row.size}", f"{sum(l['parameters'] for l in layers) / 1e6:.1f}",
            f"{sum(l['multiply_adds'] for l in layers) / 1e9:.2f}", head_of(row.info),
        ]  # fmt: skip
        for engine in ("camlite", "onnxruntime"):
            is_reference = engine == "onnxruntime" and row.source == BY_NAME
            cells.append("reference" if is_reference else f"{row.errors[engine]:.1e}" if engine in row.errors else "failed")
        for count in threads:
            ours, theirs = (row.times.get((engine, count)) for engine in ("camlite", "onnxruntime"))
            cells += [f"{t:.1f}" if t else "failed" for t in (ours, theirs)]
            cells.append(f"{theirs / ours:.2f}" if ours and theirs else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(
        prog="bench/peers/networks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = [*PAPERS, *TORCHVISION, *TRAINED]
    p.add_argument("names", nargs="*", metavar="NAME", help="any of torchvision.models, or " + ", ".join(every))
    p.add_argument("--threads", type=lambda words: [int(w) for w in words.split(",")], default=[1, 2], metavar="N,...")
    p.add_argument("--rounds", type=int, default=5, metavar="N", help="of five runs each (5)")
    p.add_argument("--folder", type=Path, default=ROOT / "build-peers", help="for packages and files (build-peers)")
    arguments = p.parse_args()
    if arguments.rounds < 1:
        p.error("--rounds must be at least 1")
    arguments.names = arguments.names or every
    return arguments


def main() -> int:
    arguments = parse_arguments()
    rows, failed = [], 0
    try:
        bench = Bench(arguments.folder, arguments.threads, arguments.rounds)
    except Unavailable as why:
        say(f"bench/peers/networks: {why}")
        return 1
    for name in arguments.names:
        try:
            rows.append(bench.row(name))
        except Unavailable as why:
            say(f"  {name}: {why}")
            failed += 1
    machine = environment.machine()
    print(f"camlite {environment.commit()} on {machine['cpu']}, {machine['cores']} cores\n")
    print(table(rows, arguments.threads))
    for row in rows:
        if row.problem:
            say(row.problem)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
