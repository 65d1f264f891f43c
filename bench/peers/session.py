"""From the arguments to the table: prepares engines, model files and pictures, runs block after block, reports."""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import environment
from comparison import TOLERANCE, Block, Result, compare
from environment import HERE, PEERS, ROOT, Unavailable, VirtualEnvironment, run_step, say
from network import Network, read_network
from reference import reference
from report import LEGEND, table

Command = list[str | Path]


class Workplace:
    """The folder with all that a run needs. What cannot be had is in `missing`, engine -> why."""

    def __init__(self, folder: Path, engines: list[str], specs: list[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.engines = folder.resolve(), engines
        self.missing: dict[str, Unavailable] = {}
        self.venv = VirtualEnvironment(self.folder / "venv")
        if specs:
            self.venv.install(*specs)
        for engine in self.peers():
            try:
                self.venv.install_missing(*PEERS[engine].packages)
            except Unavailable as why:
                self.missing[engine] = why
        self.camlite = environment.build_camlite_worker(self.folder / "camlite")

    def peers(self) -> list[str]:
        return [engine for engine in self.engines if engine in PEERS and engine not in self.missing]

    def _python(self, engine: str) -> Path:
        return self.venv.python if PEERS[engine].packages else Path(sys.executable)

    def model(self, name: str) -> Path:
        """The network as a camlite model file, and beside it in every engine's format."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        model = folder / "model.safetensors"
        if name == "default":
            shutil.copyfile(ROOT / "weights/tiny_vgg_gap.safetensors", model)
        else:
            run_step([self.camlite, "--random", name, model], "no model")
        say(f"Exporting {name}")
        exported: dict[str, Unavailable | None] = {}
        for engine in self.peers():
            for format in PEERS[engine].formats:
                if format not in exported:
                    exported[format] = self._export(engine, model, format)
                if exported[format]:
                    self.missing[engine] = exported[format]
        return model

    def _export(self, engine: str, model: Path, format: str) -> Unavailable | None:
        try:
            run_step([self._python(engine), HERE / "exports.py", model, model.parent, format], "no export")
        except Unavailable as why:
            return why
        return None

    def commands(self, model: Path, threads: int, pictures: np.ndarray) -> dict[str, Command | Unavailable]:
        """How to start each engine's worker."""
        file = model.parent / "pictures.f32"
        pictures.tofile(file)
        work = [str(threads), ",".join(str(extent) for extent in pictures.shape), file]
        commands: dict[str, Command | Unavailable] = {}
        for engine in self.engines:
            if engine == "camlite":
                commands[engine] = [self.camlite, model, *work]
            elif engine in self.missing:
                commands[engine] = self.missing[engine]
            else:
                commands[engine] = [self._python(engine), HERE / "worker.py", engine, model.parent, *work]
        return commands


def blocks(network: str, args: argparse.Namespace) -> Iterator[Block]:
    for threads in args.threads:
        for batch in sorted(args.batch):
            # A turn of vgg16-gap with batch 1 is three runs after one that is not timed. Larger batches are long enough
            # to do without, and take half the rounds: all of it shall take less than five minutes.
            is_long = network == "vgg16-gap"
            timed = max(1, (3 if is_long else 20) // batch)
            rounds = args.rounds if batch == 1 else (args.rounds + 1) // 2
            yield Block(network, threads, batch, rounds, timed, warm=0 if is_long and batch > 1 else 1)


def noise(network: Network, count: int) -> np.ndarray:
    """Pictures (N, C, H, W) as preprocessed ones are: mean 0, variance 1."""
    return np.random.default_rng(1).standard_normal((count, *network.shape)).astype(np.float32)


def run_block(
    block: Block, place: Workplace, model: Path, network: Network, singles: dict[int, list[Result]]
) -> tuple[list[Result], dict]:
    """Prints its table; its results, and all of it for JSON. `singles`: threads -> results with batch 1."""
    say(f"{block.network}, threads {block.threads}, batch {block.batch}")
    pictures = noise(network, block.batch)
    truth = reference(network, model, pictures, model.parent)
    commands = place.commands(model, block.threads, pictures)
    results, others = compare(block, commands, model.parent, truth)
    if block.batch == 1:
        singles[block.threads] = results
    batch_1 = singles.get(block.threads) if block.batch > 1 else None
    print(table(block, results, batch_1, others, network.multiply_adds / 1e9), flush=True)
    record = vars(block) | {
        "multiply_adds": network.multiply_adds,
        "other_programs": others,
        "engines": [result.figures(block) for result in results],
    }
    return results, record


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    start = time.monotonic()
    report = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "commit": environment.commit(),
        "machine": environment.machine(),
        "tolerance": TOLERANCE,
        "blocks": [],
    }
    try:
        place = Workplace(args.folder, args.engines, args.install)
        models = {name: place.model(name) for name in args.network}
    except Unavailable as why:
        say(f"bench/peers: {why}")
        return 1
    machine = report["machine"]
    print(f"camlite {report['commit']} beside its peers, {report['date']}")
    print(f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}\n")
    all_well = True
    for name, model in models.items():
        network = read_network(model)
        singles: dict[int, list[Result]] = {}
        for block in blocks(name, args):
            results, record = run_block(block, place, model, network, singles)
            report["blocks"].append(record)
            all_well = all_well and not any(result.is_wrong for result in results)
    print(LEGEND)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    say(f"{time.monotonic() - start:.0f} s")
    return 0 if all_well else 1
