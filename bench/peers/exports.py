"""The network for each peer: one ONNX file, and ncnn's own two files. MNN's own converter reads the ONNX.

Inputs and outputs have the same names everywhere: "input" (N, C, H, W); "features", "logits", "probabilities".
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np

from network import Layer, Network, read_network

OUTPUTS = ("features", "logits", "probabilities")


def _value_names(network: Network) -> dict[str, str]:
    """layer -> the name of its output; of a dropout, which does nothing when a network is used, that of its input."""
    outputs = {getattr(network, output).name: output for output in OUTPUTS}
    names = {"input": "input"}
    for layer in network.layers:
        is_nothing = layer.operator == "dropout"
        names[layer.name] = names[layer.sources[0]] if is_nothing else outputs.get(layer.name, layer.name)
    return names


def write_onnx(network: Network, path: Path) -> None:
    import onnx  # here: only this function needs it
    from onnx import TensorProto, helper, numpy_helper

    values, nodes, initializers = _value_names(network), [], []

    def square(layer: Layer) -> dict:
        a = layer.attributes
        return {
            "kernel_shape": [a["kernel"]] * 2,
            "strides": [a["stride"]] * 2,
            "pads": [a["padding"]] * 4,
            "dilations": [a.get("dilation", 1)] * 2,
        }

    for layer in network.layers:
        suffixes = {"batch_norm": ("weight", "bias", "running_mean", "running_var")}.get(
            layer.operator, ("weight", "bias")
        )
        parameters = [suffix for suffix in suffixes if suffix in layer.weights]
        initializers += [numpy_helper.from_array(layer.weights[p], f"{layer.name}.{p}") for p in parameters]
        inputs = [*(values[source] for source in layer.sources), *(f"{layer.name}.{p}" for p in parameters)]
        output = values[layer.name]
        match layer.operator:
            case "conv2d":
                nodes.append(
                    helper.make_node("Conv", inputs, [output], **square(layer), group=layer.attributes["groups"])
                )
            case "batch_norm":
                nodes.append(
                    helper.make_node("BatchNormalization", inputs, [output], epsilon=layer.attributes["eps"])
                )
            case "relu":
                nodes.append(helper.make_node("Relu", inputs, [output]))
            case "add":
                nodes.append(helper.make_node("Add", inputs, [output]))
            case "max_pool2d":
                nodes.append(helper.make_node("MaxPool", inputs, [output], **square(layer)))
            case "global_avg_pool":
                nodes.append(helper.make_node("GlobalAveragePool", inputs, [output + ".map"]))
                nodes.append(helper.make_node("Flatten", [output + ".map"], [output]))
            case "linear":
                nodes.append(helper.make_node("Gemm", inputs, [output], transB=1))
            case "softmax":
                nodes.append(helper.make_node("Softmax", inputs, [output], axis=1))

    def value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])

    outputs = [value(name, getattr(network, name).shape) for name in OUTPUTS]
    graph = helper.make_graph(nodes, "network", [value("input", network.shape)], outputs, initializers)
    # Operator set 13 and format 8 are old enough for every reader, and have all that is used here.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def write_ncnn(network: Network, param: Path, weights: Path) -> None:
    """ncnn's text graph and binary weights, as its own tools write them: ReLU folded into the convolution before it, and
    a copy for each reader of a value that several read.

    https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure: a line is `type name inputs outputs
    input... output... key=value...`, and the keys' numbers are those of each layer's load_param.
    """
    values = _value_names(network)
    channels, height, width = network.shape
    lines = [f"Input input 0 1 input 0={width} 1={height} 2={channels}"]
    blobs, copies = 1, {"input": ["input"]}  # value -> the names under which it is still to be read
    skipped = set()
    with weights.open("wb") as file:

        def put(array: np.ndarray) -> None:
            file.write(np.ascontiguousarray(array, "<f4").tobytes())

        def put_kernel(array: np.ndarray) -> None:
            file.write(struct.pack("<I", 0))  # what follows is float32
            put(array)

        for layer in network.layers:
            if layer.name in skipped or layer.operator == "dropout":
                continue
            a, w, output = layer.attributes, layer.weights, values[layer.name]
            readers = network.readers(layer.name)
            match layer.operator:
                case "conv2d":
                    kind = "Convolution" if a["groups"] == 1 else "ConvolutionDepthWise"
                    keys = {0: a["out_channels"], 1: a["kernel"], 2: a["dilation"], 3: a["stride"], 4: a["padding"]}
                    keys |= {5: a["bias"], 6: w["weight"].size}
                    if a["groups"] != 1:
                        keys[7] = a["groups"]
                    if [reader.operator for reader in readers] == ["relu"]:
                        keys[9] = 1
                        output = values[readers[0].name]
                        skipped.add(readers[0].name)
                        readers = network.readers(readers[0].name)
                    put_kernel(w["weight"])
                case "batch_norm":
                    kind, keys = "BatchNorm", {0: w["weight"].size, 1: a["eps"]}
                    for suffix in ("weight", "running_mean", "running_var"):
                        put(w[suffix])
                case "relu":
                    kind, keys = "ReLU", {}
                case "add":
                    kind, keys = "BinaryOp", {0: 0}
                case "max_pool2d":
                    kind, keys = "Pooling", {0: 0, 1: a["kernel"], 2: a["stride"], 3: a["padding"], 5: 1}  # 5: floor
                case "global_avg_pool":
                    kind, keys = "Pooling", {0: 1, 4: 1}
                case "linear":
                    kind, keys = "InnerProduct", {0: a["out_features"], 1: a["bias"], 2: w["weight"].size}
                    put_kernel(w["weight"])
                case "softmax":
                    kind, keys = "Softmax", {0: 0, 1: 1}
            if "bias" in w:
                put(w["bias"])
            inputs = [copies[values[source]].pop() for source in layer.sources]
            numbers = " ".join(f"{k}={v}" for k, v in keys.items())
            lines.append(f"{kind} {layer.name} {len(inputs)} 1 {' '.join(inputs)} {output} {numbers}")
            copies[output] = [output]
            blobs += 1
            if len(readers) > 1:
                copies[output] = [f"{output}_{i}" for i in range(len(readers))]
                lines.append(f"Split {output}_split 1 {len(readers)} {output} {' '.join(copies[output])}")
                blobs += len(readers)
    # The magic number, how many layers, how many values between them.
    param.write_text("\n".join(["7767517", f"{len(lines)} {blobs}", *lines]) + "\n")


def write_mnn(onnx: Path, path: Path) -> None:
    """With MNN's converter itself: the `mnnconvert` command around it installs packages and reports to its makers."""
    import _tools  # of the MNN package

    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", str(onnx), "--MNNModel", str(path), "--bizCode", "-"])


def write_torch(network: Network, path: Path) -> None:
    """A TorchScript file, which is how PyTorch's networks leave Python."""
    import torch

    values = _value_names(network)

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for layer in network.layers:
                a = layer.attributes
                if layer.operator in ("add", "dropout"):
                    continue
                match layer.operator:
                    case "conv2d":
                        _, channels, kernel, _ = layer.weights["weight"].shape
                        shape = (channels * a["groups"], a["out_channels"], kernel, a["stride"], a["padding"])
                        module = torch.nn.Conv2d(*shape, a["dilation"], a["groups"], bias=bool(a["bias"]))
                    case "batch_norm":
                        module = torch.nn.BatchNorm2d(layer.weights["weight"].size, a["eps"])
                    case "relu":
                        module = torch.nn.ReLU()
                    case "max_pool2d":
                        module = torch.nn.MaxPool2d(a["kernel"], a["stride"], a["padding"])
                    case "global_avg_pool":
                        module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
                    case "linear":
                        module = torch.nn.Linear(*reversed(layer.weights["weight"].shape), bias=bool(a["bias"]))
                    case "softmax":
                        module = torch.nn.Softmax(dim=1)
                state = {suffix: torch.from_numpy(array) for suffix, array in layer.weights.items()}
                module.load_state_dict(state, strict=False)  # batch_norm also counts batches
                self.add_module(layer.name, module)

        def forward(self, pictures):
            results = {"input": pictures}
            for layer in network.layers:
                inputs = [results[values[source]] for source in layer.sources]
                if layer.operator == "add":
                    results[values[layer.name]] = inputs[0] + inputs[1]
                elif layer.operator != "dropout":
                    results[values[layer.name]] = self.get_submodule(layer.name)(*inputs)
            return tuple(results[name] for name in OUTPUTS)

    with torch.inference_mode():
        torch.jit.trace(Module().eval(), torch.zeros(1, *network.shape)).save(str(path))


def main() -> None:
    """exports.py MODEL FOLDER FORMAT...: the network as network.onnx, .mnn, .param and .bin, .pt in the folder."""
    model, folder, formats = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    network = read_network(model)
    for format in formats:
        match format:
            case "onnx":
                write_onnx(network, folder / "network.onnx")
            case "mnn":
                write_mnn(folder / "network.onnx", folder / "network.mnn")
            case "ncnn":
                write_ncnn(network, folder / "network.param", folder / "network.bin")
            case "pytorch":
                write_torch(network, folder / "network.pt")


if __name__ == "__main__":
    main()
