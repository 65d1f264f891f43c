"""The ONNX project's own backend conformance cases, through camlite convert and camlite run.

Each case is a model of one node with inputs and what must come out. camlite takes one picture and gives one vector, so
a case is dressed for it: the first input is the picture, the others are constants; inputs of fewer extents than a
picture's get some of 1; a Flatten is put behind the output. What must come out stays what it is.

onnx_not_supported.txt lists the cases that camlite does not take, with the reason that it gives. All others must pass.

    python3 tests/cli/test_onnx_conformance.py --list       every case with its outcome
    python3 tests/cli/test_onnx_conformance.py --update     writes onnx_not_supported.txt anew
"""

import collections
import os
import re
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from support import ProgramTest

try:
    import onnx
    from onnx import helper, numpy_helper
except ImportError:
    print("NOT TESTED: ONNX's conformance cases: there is no Python module onnx")
    sys.exit(77)

CASES = Path(onnx.__file__).parent / "backend/test/data"
if not (CASES / "node").is_dir():
    print(f"NOT TESTED: ONNX's conformance cases: {CASES}/node is not there; PyPI's package onnx has it")
    sys.exit(77)

NOT_SUPPORTED = Path(__file__).with_name("onnx_not_supported.txt")

# Every number by itself: axes in front change nothing.
ELEMENTWISE = set("""Add Clip Div HardSigmoid HardSwish Identity LeakyRelu Max Min Mul Neg PRelu Relu Sigmoid Sub Sum
    Swish""".split())
# Several inputs of one kind.
ALIKE = {"Add", "Concat", "Div", "Max", "Mul", "Sub", "Sum"}
OPERATORS = ELEMENTWISE | set("""AveragePool BatchNormalization Concat Constant Conv Dropout Flatten Gemm
    GlobalAveragePool GlobalMaxPool LRN MatMul MaxPool Pad ReduceMax ReduceMean Reshape Slice Softmax Split Squeeze
    Transpose Unsqueeze""".split())


def load_tensor(path):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(tensor)


class Case:
    """One output of a case, dressed: a model, a picture and what must come out."""

    def __init__(self, name, model, inputs, expected, output):
        self.name = name
        self.expected = expected
        graph = model.graph
        operators = {node.op_type for node in graph.node}
        constants = {tensor.name for tensor in graph.initializer}
        names = [value.name for value in graph.input if value.name not in constants]
        elementwise = operators <= ELEMENTWISE
        if self.opset(model) < 7:
            # Without these attributes, as PyTorch used it, opset 6 is opset 7.
            model.opset_import[0].version = 7
            for node in graph.node:
                kept = [a for a in node.attribute if a.name not in ("is_test", "consumed_inputs", "broadcast")]
                del node.attribute[:]
                node.attribute.extend(kept)
        if not names or not inputs:
            self.model, self.picture = model, np.zeros((1, 3, 4, 4), np.float32)
            return
        picture = inputs[0]
        front, rest = [], inputs[1:]
        source = "picture"
        alike = rest and operators <= ALIKE and picture.ndim > 1 and all(
            i.ndim == picture.ndim and i.shape[0] == picture.shape[0] and i.dtype == picture.dtype for i in rest)
        if elementwise:
            extra = 4 - picture.ndim
            picture = picture.reshape((1,) * extra + picture.shape)
            alike = alike and all(i.shape == inputs[0].shape for i in rest)
            rest_pictures = [i.reshape((1,) * extra + i.shape) for i in rest]
        else:
            # (N, C, L) as (N, C, L, 1); what is reduced as (N, 1, H, W).
            extra = int(picture.ndim == 3)
            axis = 1 if operators <= {"ReduceMax", "ReduceMean"} else 3
            if extra:
                picture = np.expand_dims(picture, axis)
            rest_pictures = [np.expand_dims(i, axis) if i.ndim == 3 else i for i in rest]
            alike = alike and picture.ndim == 4 and all(i.shape[2:] == picture.shape[2:] for i in rest_pictures)
        if alike:
            # All are parts of one picture.
            parts = [picture, *rest_pictures]
            picture = np.concatenate(parts, axis=1)
            outputs = [f"part {i}" for i in range(len(parts))]
            front.append(helper.make_node("Split", [source, "sizes"], outputs, axis=1))
            graph.initializer.append(numpy_helper.from_array(np.array([p.shape[1] for p in parts]), "sizes"))
            # Which says them in an input from opset 13 on, and in an attribute before: camlite takes both in all.
            rest = []
            targets = names[: len(parts)]
        else:
            outputs, targets = [source], names[:1]
            for name_of, value in zip(names[1:], rest):
                graph.initializer.append(numpy_helper.from_array(value, name_of))
        for made, target in zip(outputs, targets):
            if not elementwise and extra:
                graph.initializer.append(numpy_helper.from_array(np.array([axis]), f"axis of {target}"))
                front.append(helper.make_node("Squeeze", [made, f"axis of {target}"], [target]))
            else:
                front.append(helper.make_node("Identity", [made], [target]))
        kind = helper.np_dtype_to_tensor_dtype(picture.dtype) if hasattr(helper, "np_dtype_to_tensor_dtype") else 1
        del graph.input[:]
        graph.input.append(helper.make_tensor_value_info(source, kind, picture.shape))
        nodes = [*front, *graph.node]
        del graph.output[:]
        result = output
        if "Softmax" in operators:
            # camlite gives what is before a last softmax; probabilities are not changed by a Relu.
            nodes.append(helper.make_node("Relu", [output], ["probabilities"]))
            result = output = "probabilities"
        if expected.ndim > 2 or (elementwise and expected.ndim > 0):
            result = "flat"
            nodes.append(helper.make_node("Flatten", [output], ["flat"]))
        graph.output.append(helper.make_tensor_value_info(result, kind, None))
        del graph.node[:]
        graph.node.extend(nodes)
        self.model, self.picture = model, picture
        self.expected = expected

    @staticmethod
    def opset(model):
        return next((i.version for i in model.opset_import if i.domain in ("", "ai.onnx")), 0)


def load_cases():
    cases = []
    for group in ("node", "simple", "pytorch-converted", "pytorch-operator"):
        for folder in sorted((CASES / group).iterdir()):
            model = onnx.load(folder / "model.onnx")
            if not {node.op_type for node in model.graph.node} <= OPERATORS:
                continue
            data = folder / "test_data_set_0"
            in_order = lambda kind: sorted(data.glob(f"{kind}_*.pb"), key=lambda p: int(re.findall(r"\d+", p.name)[0]))
            try:
                inputs = [load_tensor(path) for path in in_order("input")]
                outputs = [load_tensor(path) for path in in_order("output")]
            except Exception:  # sequences and optional values, which are no tensors
                continue
            for i, (value, expected) in enumerate(zip(list(model.graph.output), outputs)):
                name = folder.name.removeprefix("test_") + (f"/{value.name}" if len(outputs) > 1 else "")
                copy = onnx.ModelProto()
                copy.CopyFrom(model)
                cases.append(Case(name, copy, inputs, expected, value.name))
    return cases


class Conformance(ProgramTest):
    def outcome(self, case):
        """ "passed", "failed: ..." or "not supported: ..."."""
        if case.picture.size == 0:
            return "not supported: the input is empty"
        stem = re.sub(r"\W", "_", case.name)
        onnx.save(case.model, self.here / f"{stem}.onnx")
        model, x, y = f"{stem}.safetensors", f"{stem}.x.npy", f"{stem}.y.npy"
        code, err = self.attempt("convert", f"{stem}.onnx", model)
        if code == 1:
            return "not supported: " + err.split(".onnx: ", 1)[-1].strip()
        if code != 0:
            return f"failed: convert: {code}: {err}"
        picture = case.picture.astype(np.float32)
        np.save(self.here / x, picture.reshape(picture.shape + (1,) * (4 - picture.ndim)))
        code, err = self.attempt("run", "--model", model, "--input", x, "--logits", y)
        if code != 0:
            return f"failed: run: {code}: {err}"
        result = np.load(self.here / y).reshape(-1)
        expected = case.expected.astype(np.float32).reshape(-1)
        if result.shape != expected.shape:
            return f"failed: {result.size} numbers instead of {expected.size}"
        # ONNX's own tolerance, and rounding where inputs are of 16 bits.
        half = case.expected.dtype == np.float16
        if not np.allclose(result, expected, rtol=1e-3 + 1e-2 * half, atol=1e-6 + 1e-3 * half, equal_nan=True):
            return f"failed: differs by {np.nanmax(np.abs(result - expected))}"
        return "passed"

    def attempt(self, *arguments):
        """The exit status and what was said on standard error."""
        done = self.run_program(*arguments)
        err = done.stderr.decode("utf-8", "replace")
        if any(word in err for word in ("terminate", "Sanitizer", "libprotobuf")):
            return -1, err
        return done.returncode, err

    def test_cases(self):
        cases = load_cases()
        self.assertGreater(len(cases), 300)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes = dict(zip((case.name for case in cases), pool.map(self.outcome, cases)))
        counts = collections.Counter(outcome.split(":")[0] for outcome in outcomes.values())
        print(f"{len(cases)} cases: " + ", ".join(f"{counts[k]} {k}" for k in ("passed", "failed", "not supported")))
        if "--list" in sys.argv:
            for name, outcome in outcomes.items():
                print(f"{name}: {outcome}")
        failed = {name: outcome for name, outcome in outcomes.items() if outcome.startswith("failed")}
        self.assertEqual(failed, {})
        refused = "".join(f"{name}: {outcome.removeprefix('not supported: ')}\n" for name, outcome in outcomes.items()
                          if outcome.startswith("not supported"))
        if "--update" in sys.argv:
            NOT_SUPPORTED.write_text(refused)
        self.maxDiff = None
        self.assertEqual(refused.splitlines(), NOT_SUPPORTED.read_text().splitlines())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
