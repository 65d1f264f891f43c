"""A camlite model file as the peers' converters need it: layers with float32 weights, each behind what it reads.

docs/model-format.md describes the file. What the compared networks do not need is refused, not guessed: operators
other than those below.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# operator -> its attributes with their defaults (None: must be given), in docs/model-format.md's words
_OPERATORS: dict[str, dict[str, float | None]] = {
    "conv2d": {"out_channels": None, "kernel": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": 1},
    "batch_norm": {"eps": 1e-5},
    "relu": {},
    "add": {},
    "max_pool2d": {"kernel": None, "stride": None, "padding": 0},
    "global_avg_pool": {},
    "linear": {"out_features": None, "bias": 1},
    "dropout": {"p": 0.5},
    "softmax": {},
}
_TYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


class Unsupported(Exception):
    """The network has something that this comparison does not translate."""


@dataclass(frozen=True)
class Layer:
    name: str
    operator: str
    sources: tuple[str, ...]  # the layers that it reads, or "input"; two for add, else one
    attributes: dict[str, int | float]
    weights: dict[str, np.ndarray]  # suffix -> float32 array; empty for most operators
    shape: tuple[int, ...]  # of the output for one picture: (C, H, W), or (K,) from global_avg_pool on


@dataclass(frozen=True)
class Network:
    shape: tuple[int, int, int]  # of the input for one picture: (C, H, W)
    layers: list[Layer]

    def _only(self, operator: str) -> int:
        found = [i for i, layer in enumerate(self.layers) if layer.operator == operator]
        if len(found) != 1:
            raise Unsupported(f"the network has {len(found)} {operator} layers, 1 is needed")
        return found[0]

    @property
    def features(self) -> Layer:
        """The layer whose output class activation maps are made of: the one that global_avg_pool reads."""
        named = {layer.name: layer for layer in self.layers}
        (source,) = self.layers[self._only("global_avg_pool")].sources
        while named[source].operator == "dropout":  # which has no output of its own
            (source,) = named[source].sources
        return named[source]

    @property
    def logits(self) -> Layer:
        return self.layers[self._only("linear")]

    @property
    def probabilities(self) -> Layer:
        return self.layers[self._only("softmax")]

    def readers(self, name: str) -> list[Layer]:
        """The layers that read a layer, or "input"; one that reads it twice, twice."""
        return [layer for layer in self.layers for source in layer.sources if source == name]

    @property
    def multiply_adds(self) -> int:
        """Of the convolutions and the linear layer, for one picture."""
        return sum(
            layer.weights["weight"].size * int(np.prod(layer.shape[1:]))
            for layer in self.layers
            if layer.operator in ("conv2d", "linear")
        )


def _tensors(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The float32 tensors and the metadata of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in _TYPES:
            raise Unsupported(f"tensor {name} is {entry['dtype']}, known are {', '.join(_TYPES)}")
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[begin:end], np.dtype(_TYPES[entry["dtype"]]).newbyteorder("<"))
        tensors[name] = np.ascontiguousarray(array.reshape(entry["shape"]), np.float32)
    return tensors, metadata


def _attributes(line: str, operator: str, words: list[str]) -> dict[str, int | float]:
    known = _OPERATORS[operator]
    given = dict(word.split("=", 1) for word in words)
    if given.get("rounding") == "floor":  # the default, and what every peer does
        del given["rounding"]
    if unknown := sorted(set(given) - set(known)):
        raise Unsupported(f"graph line '{line}': no translation for {', '.join(unknown)}")
    try:
        values = {name: float(text) if name in ("eps", "p") else int(text) for name, text in given.items()}
    except ValueError:
        raise Unsupported(f"graph line '{line}': only square kernels, strides and paddings are translated") from None
    values = {name: default for name, default in known.items() if default is not None} | values
    if operator == "max_pool2d":
        values.setdefault("stride", values.get("kernel", 1))
    if missing := [name for name in known if name not in values]:
        raise Unsupported(f"graph line '{line}': {', '.join(missing)} is missing")
    return values


def _output_shape(operator: str, a: dict[str, int | float], shape: tuple[int, ...]) -> tuple[int, ...]:
    if operator in ("conv2d", "max_pool2d"):
        reach = a.get("dilation", 1) * (a["kernel"] - 1) + 1
        extents = tuple((extent + 2 * a["padding"] - reach) // a["stride"] + 1 for extent in shape[1:])
        return (a.get("out_channels", shape[0]), *extents)
    if operator == "global_avg_pool":
        return shape[:1]
    if operator == "linear":
        return (a["out_features"],)
    return shape


def read_network(path: Path) -> Network:
    """Throws Unsupported."""
    tensors, metadata = _tensors(path.read_bytes())
    first, *lines = [line for line in metadata["camlite.graph"].splitlines() if line]
    picture = dict(word.split("=") for word in first.split()[1:])
    input_shape = tuple(int(picture[axis]) for axis in ("channels", "height", "width"))
    shapes, layers = {"input": input_shape}, []
    for line in lines:
        name, operator, read, *words = line.split()
        sources = tuple(read.split(","))
        if operator not in _OPERATORS:
            raise Unsupported(f"graph line '{line}': no translation for {operator}; known are {', '.join(_OPERATORS)}")
        if len(sources) != (2 if operator == "add" else 1):
            raise Unsupported(f"graph line '{line}': no translation for {operator} of {len(sources)} values")
        attributes = _attributes(line, operator, words)
        shapes[name] = _output_shape(operator, attributes, shapes[sources[0]])
        weights = {key.removeprefix(name + "."): array for key, array in tensors.items() if key.startswith(name + ".")}
        layers.append(Layer(name, operator, sources, attributes, weights, shapes[name]))
    return Network(input_shape, layers)
