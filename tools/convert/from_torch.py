#!/usr/bin/env python3
"""A PyTorch network as a camlite model: from a checkpoint (.pth), or from a module in memory.

    from_torch.py weights.pth out.safetensors --arch resnet18
        the weights of a network that camlite knows by name (camlite info --help lists them)
    from_torch.py weights.pth out.safetensors --module torchvision.models:resnet50
        the weights of any module that this factory makes
    from_torch.py out.safetensors --module my_package.nets:make_net --kwargs '{"depth": 3}'
        what the factory makes, with its own weights

and in Python

    import from_torch                       # with tools/convert in sys.path
    from_torch.export(module, "out.safetensors", size=224, labels=["cat", "dog"], verify=True)

A module goes by ONNX, traced in evaluation mode for pictures of one size; state dicts by safetensors. The camlite
program does the rest: --camlite, else CAMLITE in the environment, else this source tree's build folder, else the PATH.

A .pth file is a pickle, and a pickle is code that runs when it is loaded. Where PyTorch can (1.13 and later) only
tensors are read from it; --trust loads whatever is in it.
"""

import argparse
import contextlib
import importlib
import inspect
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import torch
except ImportError as missing:
    sys.exit(f"from_torch.py: {missing}; it needs PyTorch and numpy (Debian: apt install python3-torch, and /usr/bin/python3)")

_SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_SOURCE / "tools/train"))
from safetensors_file import write_safetensors  # noqa: E402


class ConversionError(Exception):
    """What went wrong, for a person."""


def find_camlite(program=None):
    """The camlite program: this one, or as the module's documentation says. Raises ConversionError."""
    candidates = [program] if program else [os.environ.get("CAMLITE"), _SOURCE / "build/tools/camlite/camlite"]
    for candidate in filter(None, candidates):
        found = shutil.which(candidate)
        if found:
            return os.path.abspath(found)
        if candidate in (program, os.environ.get("CAMLITE")):
            raise ConversionError(f"there is no program {candidate}")
    found = shutil.which("camlite")
    if found:
        return found
    raise ConversionError(
        "the camlite program was not found: build it (tools/demo.sh), put it into the PATH, or name it with --camlite "
        "or in the environment variable CAMLITE"
    )


def load_checkpoint(path, trust=False):
    """What torch.load reads from a file; tensors and plain values alone unless the file is trusted. Raises
    ConversionError."""
    options = {"map_location": "cpu"}
    with contextlib.suppress(OSError), open(path, "rb") as file:
        if not file.read(4).startswith((b"PK\x03\x04", b"\x80")):
            raise ConversionError(f"{path}: not a PyTorch checkpoint (camlite convert takes ONNX and Caffe files)")
    can_be_safe = "weights_only" in inspect.signature(torch.load).parameters
    if can_be_safe:
        options["weights_only"] = not trust
    if trust or not can_be_safe:
        why = "as --trust says" if trust else f"PyTorch {torch.__version__} cannot load only its tensors"
        print(f"WARNING: {path} is a pickle, and loading it runs whatever code is in it: {why}", file=sys.stderr)
    try:
        return torch.load(path, **options)
    except FileNotFoundError:
        raise ConversionError(f"{path}: there is no such file") from None
    except pickle.UnpicklingError as error:
        if trust or not can_be_safe:
            raise ConversionError(f"{path}: not a PyTorch checkpoint: {error}") from None
        raise ConversionError(
            f"{path}: not a PyTorch checkpoint, or one that holds more than tensors ({error}). If it comes from "
            "somebody whose programs you would run, --trust loads it all the same."
        ) from None
    except Exception as error:  # torch.load raises what it meets: RuntimeError, EOFError, KeyError, ...
        raise ConversionError(f"{path}: not a PyTorch checkpoint, or damaged: {error or type(error).__name__}") from None


def state_dict_of(checkpoint, path):
    """The state dict in a checkpoint: itself, a module's, or one under the keys that training scripts use. Raises
    ConversionError."""

    def is_state_dict(value):
        return isinstance(value, dict) and any(isinstance(v, torch.Tensor) for v in value.values())

    if isinstance(checkpoint, torch.nn.Module):
        return checkpoint.state_dict()
    if is_state_dict(checkpoint):
        return {name: value for name, value in checkpoint.items() if isinstance(value, torch.Tensor)}
    keys = ("state_dict", "model_state_dict", "model", "net", "network", "weights")
    for key in keys:
        value = checkpoint.get(key) if isinstance(checkpoint, dict) else None
        if isinstance(value, torch.nn.Module) or is_state_dict(value):
            return state_dict_of(value, path)
    held = f"a dict of {', '.join(map(repr, list(checkpoint)[:8]))}" if isinstance(checkpoint, dict) else type(checkpoint)
    raise ConversionError(f"{path}: there is no state dict in it, neither itself nor under {', '.join(keys)}: {held}")


def convert_state_dict(state_dict, arch, out, **options):
    """A state dict as a model of the network that camlite calls `arch`. Options, and the result, as those of
    `convert`."""

    def array(tensor):
        tensor = tensor.detach().cpu()
        return tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64).contiguous().numpy()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state_dict.safetensors")
        write_safetensors(path, {name: array(tensor) for name, tensor in state_dict.items()}, {"format": "pt"})
        return convert(path, out, **{"called": "the state dict", "arch": arch, **options})


def export(module, out, *, size=224, channels=3, verify=False, onnx=None, opset=13, **options):
    """Writes a module, which makes logits (N, K) of pictures (N, channels, H, W), as a camlite model.

    size: of the pictures, H = W or (H, W). verify: compare the model's results with the module's on random pictures
    before anything is written. onnx: where to leave the ONNX file that PyTorch writes on the way. Other options, and the result, as those of `convert`. The module keeps its mode.
    Raises ConversionError.
    """
    height, width = (size, size) if isinstance(size, int) else size
    parameter = next(module.parameters(), torch.zeros(()))
    pictures = torch.randn((2, channels, height, width), generator=torch.Generator().manual_seed(0))
    sample = pictures.to(parameter.device, parameter.dtype)
    with _evaluation(module), tempfile.TemporaryDirectory() as folder:
        try:
            with torch.no_grad():
                logits = module(sample)
        except Exception as error:
            raise ConversionError(f"the module fails for pictures of {tuple(sample.shape)}: {error}") from error
        if not isinstance(logits, torch.Tensor) or logits.ndim < 2 or logits.numel() != len(logits) * logits.shape[1]:
            made = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
            raise ConversionError(f"the module should make logits (N, K), it makes {made}; wrap it in one that does")
        path = Path(onnx or Path(folder, "module.onnx"))
        _export_onnx(module, sample, path, opset)
        if verify:
            expected = logits.flatten(1).float().cpu().numpy()
            options["verify"] = _saved(folder, "x.npy", sample.float().cpu().numpy()), _saved(folder, "y.npy", expected)
        return convert(path, out, **{"called": "the module", **options})


def convert(path, out, *, labels=None, notes=None, verify=None, camlite=None, called=None, **options):
    """Runs camlite convert; returns what it says of it (camlite convert --json) as a dict.

    labels: a list of names, or the path of a file of them, one a line. notes: a dict of what else the model is to say of
    itself. verify: a pair of .npy files. called: what messages call the file. Other options that are not None: as the
    program's of these names (arch, preprocess, size, resize, scale, mean, std, dtype, tolerance, ...). Raises
    ConversionError with what the program says.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [find_camlite(camlite), "convert", str(path), str(out), "--json"]
        if labels is not None and not isinstance(labels, (str, os.PathLike)):
            names = [str(label) for label in labels]
            if any("\n" in name or "\r" in name for name in names):
                raise ConversionError("a label has a line break")
            labels = Path(folder, "labels.txt")
            labels.write_text("".join(name + "\n" for name in names), encoding="utf-8")
        for option, value in {"labels": labels, **options}.items():
            if value is not None:
                command += [f"--{option}", str(value)]
        command += [f"--note={key}={value}" for key, value in (notes or {}).items()]
        if verify is not None:
            command += ["--verify", *map(str, verify)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        said = done.stderr.strip().replace(str(path), called or str(path))
        raise ConversionError(said or f"{command[0]} ended with status {done.returncode}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def _evaluation(module):
    """The module, and all in it, in evaluation mode; each as it was afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _export_onnx(module, sample, path, opset):
    options = {
        "input_names": ["input"],
        "output_names": ["logits"],
        "dynamic_axes": {"input": {0: "batch"}, "logits": {0: "batch"}},
        "opset_version": opset,
        # The module is in evaluation mode already. With TrainingMode.EVAL, or to fold constants, PyTorch would change
        # weights, in float, and give them new names; camlite folds in double, and says what.
        "training": torch.onnx.TrainingMode.PRESERVE,
        "do_constant_folding": False,
    }
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    try:
        torch.onnx.export(module, sample, str(path), **options)
    except Exception as error:
        raise ConversionError(f"PyTorch cannot export the module to ONNX: {error}") from error


def _saved(folder, name, array):
    path = Path(folder, name)
    np.save(path, array)
    return path


def make_module(name, arguments):
    """The module that "package.module:factory" makes of these keyword arguments. Raises ConversionError."""
    package, colon, factory = name.partition(":")
    if not colon:
        raise ConversionError(f"--module {name}: this should be PACKAGE:FACTORY, torchvision.models:resnet50")
    sys.path.insert(0, os.getcwd())
    try:
        made = getattr(importlib.import_module(package), factory)(**arguments)
    except Exception as error:
        raise ConversionError(f"--module {name}: {type(error).__name__}: {error}") from error
    if not isinstance(made, torch.nn.Module):
        raise ConversionError(f"--module {name}: this makes a {type(made).__name__}, not a torch.nn.Module")
    return made


def load_weights(module, state_dict, path):
    """Loads a state dict, whose names may have the prefix of DataParallel. Raises ConversionError."""
    if state_dict and all(name.startswith("module.") for name in state_dict):
        state_dict = {name[len("module.") :]: tensor for name, tensor in state_dict.items()}
    try:
        module.load_state_dict(state_dict)
    except RuntimeError as error:
        raise ConversionError(f"{path}: {error}\n(--kwargs '{{\"num_classes\": 10}}' is given to the factory)") from None


def _parse_size(words):
    numbers = [int(word) for word in words.split("x")]
    if len(numbers) not in (1, 2) or min(numbers) < 1:
        raise argparse.ArgumentTypeError("should be 224 or 224x320")
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def _parse_arguments(arguments):
    about, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter, usage="%(prog)s [IN.pth] "
        "OUT.safetensors (--arch NAME | --module PACKAGE:FACTORY) [options]"
    )  # fmt: skip
    parser.add_argument("files", metavar="[IN.pth] OUT.safetensors", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--arch", metavar="NAME", help="the network, as camlite calls it")
    parser.add_argument("--module", metavar="PACKAGE:FACTORY", help="what makes the network: a class or a function")
    parser.add_argument("--kwargs", metavar="JSON", type=json.loads, default={}, help="its keyword arguments")
    parser.add_argument("--size", metavar="S", type=_parse_size, help="of the input: 224 (without it) or 224x320")
    parser.add_argument("--labels", metavar="FILE", help="the names of the classes, one a line")
    parser.add_argument("--preprocess", metavar="NAME", help="as camlite convert has it; without it torchvision's")
    parser.add_argument("--dtype", choices=["f32", "f16", "bf16"], help="how weights are stored")
    parser.add_argument("--verify", action="store_true", help="compare with PyTorch on random pictures first")
    parser.add_argument("--tolerance", metavar="X", type=float, help="how far they may differ, of the largest value")
    parser.add_argument("--trust", action="store_true", help="load IN.pth even if it is more than tensors: runs its code")
    parser.add_argument("--camlite", metavar="PROGRAM", help="the camlite program")
    options = parser.parse_args(arguments)
    if len(options.files) > 2:
        parser.error("at most one checkpoint and one model")
    if bool(options.arch) == bool(options.module):
        parser.error("name the network: either with --arch or with --module")
    if options.arch and len(options.files) < 2:
        parser.error("--arch is for the weights of a checkpoint: IN.pth is missing")
    if options.arch and options.verify:
        parser.error("--verify compares with the network in PyTorch, which --module makes")
    if not isinstance(options.kwargs, dict):
        parser.error("--kwargs is a JSON object")
    return options


def main(arguments=None):
    options = _parse_arguments(arguments)
    *checkpoints, out = options.files
    common = dict(labels=options.labels, preprocess=options.preprocess, dtype=options.dtype,
                  tolerance=options.tolerance, camlite=options.camlite)  # fmt: skip
    try:
        state_dicts = [state_dict_of(load_checkpoint(path, options.trust), path) for path in checkpoints]
        if options.arch:
            size = options.size if isinstance(options.size, (int, type(None))) else "x".join(map(str, options.size))
            report = convert_state_dict(state_dicts[0], options.arch, out, size=size, called=checkpoints[0], **common)
        else:
            module = make_module(options.module, options.kwargs)
            for path, state_dict in zip(checkpoints, state_dicts):
                load_weights(module, state_dict, path)
            report = export(module, out, size=options.size or 224, verify=options.verify, **common)
    except ConversionError as error:
        print(f"from_torch.py: {error}", file=sys.stderr)
        return 1
    for line in report["report"]:
        print(f"  {line['kind']:8} {line['layer']}  {line['what']}")
    verified = report.get("verified")
    if verified:
        print(f"verified: {verified['compared']} within {verified['error']:.1e} of the largest value")
    labels = "" if options.labels else " without labels (camlite convert --labels adds them)"
    print(f"{out}: {report['operators']} operators, {report['classes']} classes{labels}, "
          f"{'class activation maps' if report['cam_head'] else 'no class activation maps: camlite info says why'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
