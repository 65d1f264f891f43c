#!/usr/bin/env python3
"""Writes the seeds of the fuzzers: tests/fuzz/corpus/TARGET/seed_*, from the repository's fixtures and from what NumPy,
onnx and the Caffe files of tests/cli write. What other names are in the folders, findings of the fuzzers, stays."""

import io
import json
import pathlib
import re
import struct
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "cli"))
import caffe_files  # noqa: E402

fixtures = here.parent / "fixtures"
most = 2048  # bytes of a seed


def write(target, name, content):
    assert len(content) <= most, f"{target}/{name}: {len(content)} bytes"
    folder = here / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed_{name}").write_bytes(content)


def safetensors(tensors, metadata):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, array in tensors.items():
        raw = array.tobytes()
        dtype = {"f4": "F32", "f2": "F16", "f8": "F64", "i8": "I64"}[array.dtype.str[1:]]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def floats(*shape, dtype="float32"):
    return (numpy.arange(numpy.prod(shape, dtype=int)).reshape(shape) % 7 - 3).astype(dtype) / 8


graphs = {
    "gap": "input channels=3 height=8 width=6\nconv conv2d input out_channels=4 kernel=3 padding=1\nr relu conv\n"
    "gap global_avg_pool r\nfc linear gap out_features=2\nprob softmax fc\n",
    "pools": "input channels=3 height=9 width=7\na max_pool2d input kernel=3x2 stride=2 padding=1\n"
    "b avg_pool2d a kernel=2 stride=1\nc lrn b size=5 alpha=0.0001 beta=0.75\ng global_avg_pool c\n",
    "branches": "input channels=4 height=8 width=8\na conv2d input out_channels=4 kernel=1 groups=2 bias=0\n"
    "b batch_norm a\nc add a,b\nd concat a,b,c\ne channel_shuffle d groups=3\nf slice e start=1 end=5\n"
    "g global_avg_pool f\n",
    "depthwise": "input channels=3 height=10 width=10\na pad input top=1 left=1 bottom=2 right=2 value=0.5\n"
    "b conv2d a out_channels=3 kernel=3 groups=3 stride=2 dilation=2\nc silu b\nd hard_swish c\ne mul c,d\n"
    "f prelu e\ng flatten f\nh linear g out_features=3\n",
}
preprocessing = "resize=10x9\ncrop=8x6\nchannels=bgr\nscale=1\nmean=104,117,123\nstd=1,1,1\n"

for name, graph in graphs.items():
    write("graph", name, graph.encode())
write("graph", "preprocessing", preprocessing.encode())
boxes = "threshold=0.35\n"
write("graph", "boxes", boxes.encode())

weights = {"conv.weight": floats(4, 3, 3, 3), "conv.bias": floats(4), "fc.weight": floats(2, 4), "fc.bias": floats(2)}
metadata = {"camlite.version": "1", "camlite.graph": graphs["gap"], "camlite.preprocess": preprocessing,
            "camlite.boxes": boxes, "camlite.labels": "cat\ndog\n", "license": "none"}
write("model", "gap", safetensors(weights, metadata))
write("model", "half", safetensors({name: array.astype("float16") for name, array in weights.items()}, metadata))
write("model", "no_weights", safetensors({}, {"camlite.version": "1", "camlite.graph": graphs["pools"]}))
write("model", "identity_head", (fixtures / "networks" / "identity_head.safetensors").read_bytes())
for name in ("gap", "half", "identity_head"):
    write("safetensors", name, (here / "corpus" / "model" / f"seed_{name}").read_bytes())
write("safetensors", "types", safetensors(
    {"a": floats(2, 3), "b": floats(3, dtype="float16"), "c": floats(2, dtype="float64"), "d": floats(0, 4),
     "e": numpy.arange(2)}, {"key": "\u00e9\n\"quoted\""}))

write("weights", "squeezenet", safetensors(
    {"module.features.0.weight": floats(4, 3, 3, 3), "module.features.0.bias": floats(64),
     "module.features.3.squeeze.weight": floats(1, 1, 1, 1), "module.classifier.1.bias": floats(2),
     "module.num_batches_tracked": numpy.arange(1)}, {"format": "pt"}))

for dtype, shape in (("<f4", (2, 3, 4, 4)), ("<f8", (5, 7)), ("<f4", ()), ("<i4", (3,)), (">f4", (2, 2))):
    file = io.BytesIO()
    numpy.save(file, numpy.zeros(shape, dtype))
    write("npy", dtype.strip("<>") + "_" + "x".join(map(str, shape)) + ("_big" if dtype[0] == ">" else ""),
          file.getvalue())

write("truth", "table", b"a.jpg\tn01443537\t0\t32\t44\t62\na.jpg\tn01443537\t5\t5\t9\t9\r\nb/c.jpg\t7\t1\t1\t1\t1\n")
write("truth", "benchmark", b"a.jpg,1,2,3,4\nb.jpg,0,0,9,9\na.jpg,2,2,5,5\n----\na.jpg,7\nb.jpg,0\n"
      b"\n----\na.jpg,20,30\nb.jpg,10,10\n")

write("labels", "words", "n01443537 goldfish, Carassius auratus\r\nsea slug\n\n\u00e9t\u00e9\n".encode())
write("labels", "no_line_end", b"cat\ndog")
write("labels", "commands", b"\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\xff\n")

version = ".".join(re.findall(r"define CAMLITE_VERSION_[A-Z]+ ([0-9]+)", (here.parents[1] / "include/camlite/version.hpp").read_text()))
records = (
    '{"image":"a.png","width":4,"height":3,"top":[{"class":1,"label":"cat","probability":0.5,"box":[0,0,4,3]}],'
    '"overlay":"a.cam.png"}\n{"image":"\ufffd.png","image_hex":"ff2e706e67","error":"damaged"}\n')
table = 'image,error,class_1,label_1,probability_1\r\n"a ""b"".png",,1,cat,0.5\r\nc.png,damaged,,,\r\n'
manifest = json.dumps({
    "camlite_results": 1, "version": version, "command": "classify", "model": "m.safetensors", "model_hash": "0123456789abcdef",
    "format": "json", "options": {"top": 5}, "shard": {"number": 1, "of": 4},
    "pictures": {"listed": 9, "listed_hash": "fedcba9876543210", "done": 2, "failed": 1}, "complete": True})
evaluation = (
    '{"camlite_evaluate":1,"crops":1}\n{"place":3,"image":"d.png","width":64,"height":48,"classes":[[1,0.5],[0,0.25]],'
    '"guesses":[[1,0,0,9,9]],"known":[[1,2,2,5,5]],"overlaps":[' + ",".join(100 * ["0.5"]) + "]}\n")
for name, content in (("json", records), ("csv", table)):
    write("records", name, "\n----\n".join((content, manifest, evaluation)).encode())

for path in sorted((fixtures / "pictures").iterdir()):
    if path.suffix != ".ppm" and path.stat().st_size <= most and path.stem not in ("huge", "bomb"):
        write("picture", path.name, path.read_bytes())
rotated = (fixtures / "pictures" / "gray.jpg").read_bytes()
tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
exif = b"\xff\xe1" + struct.pack(">H", 8 + len(tiff)) + b"Exif\0\0" + tiff
write("picture", "rotated.jpg", rotated[:2] + exif + rotated[2:])

nan, infinity = float("nan"), float("inf")
for name, values in {
    "hill": [0, 1, 2, 1, 0, 3], "constant": [1], "negative": [-1, -2], "nan": [nan, 1, 0],
    "infinite": [infinity, -infinity, 1], "denormal": [1e-45, 2e-45, 1e-40], "huge": [3e38, -3e38], "empty": [],
}.items():
    write("map", name, bytes([7, 9, 20, 31, 63]) + numpy.array(values, "float32").tobytes())
for name, head, label in (
    ("strip", (60, 50, 200, 3, 9), "n02123045 tabby, tabby cat"), ("beside_a_box", (150, 140, 100, 60, 51), "espresso"),
    ("too_small", (30, 200, 0, 0, 0), "dog"), ("panel", (90, 60, 105, 30, 40), "n07920052 espresso"),
    ("letters", (150, 150, 251, 255, 255), "\u00e9t\u00e9, \u732b, \U0001f408"), ("none", (140, 140, 32, 0, 1), ""),
):
    write("captions", name, bytes(head) + label.encode())
write("captions", "no_utf8", bytes((159, 159, 7, 9, 201)) + b"\xff\xc3,\xe2\x80 x\n\x1b[31m" + 300 * b"long ")

write("map", "no_rows", bytes([0, 9, 20, 31, 63]))

for name, arguments in {
    "cam": ["cam", "p.png", "--top", "2", "--json", "--out", "o.png"],
    "classify": ["classify", "p.png", "--size", "16", "--whole"],
    "panel": ["cam", "p.png", "--panel", "--top", "2", "--out", "o.png", "--colormap", "viridis"],
    "report": ["cam", "p.png", "--no-overlay", "--report", "page"],
    "ten_crops": ["cam", "p.png", "--crops", "10", "--class", "1"],
    "info": ["info", "m.safetensors", "--json", "--labels"],
    "run": ["run", "--model", "m.safetensors", "--input", "x.npy", "--logits", "l.npy"],
    "convert": ["convert", "m.safetensors", "c.safetensors", "--dtype", "f16"],
    "export": ["export", "m.safetensors", "o.onnx"],
    "evaluate": ["evaluate", "--images", ".", "--truth", "t.txt", "--json", "--save-maps", "maps"],
    "models": ["models"], "version": ["--version"], "help": ["cam", "--help"], "nothing": [],
    "threshold": ["cam", "--threshold", "nan", "--alpha", "2", "--colormap", "jet", "--", "-p.png"],
}.items():
    write("command_line", name, "\n".join(arguments).encode())


def caffe_net():
    net = caffe_files.CaffeNet((1, 3, 8, 8))
    net.layer("Convolution", "conv1", "data", blobs=[floats(2, 3, 3, 3), floats(2)], num_output=2, kernel_size=3)
    net.layer("ReLU", "relu1", "conv1", top="conv1")
    net.layer("Pooling", "pool1", "conv1", pool="MAX", kernel_size=2, stride=2)
    net.layer("LRN", "norm1", "pool1", local_size=5, alpha=0.0001, beta=0.75)
    net.layer("InnerProduct", "fc", "norm1", blobs=[floats(2, 18), floats(2)], num_output=2)
    net.layer("Softmax", "prob", "fc")
    return net


for old in (False, True):
    weights = caffe_net().caffemodel(old=old)
    style = "old" if old else "new"
    write("caffe", f"{style}_binary", weights)
    write("caffe", f"{style}_text", caffe_net().prototxt(old=old).encode() + b"\n----\n" + weights)


def onnx_model(nodes, constants, name):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, key) for key, array in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    write("onnx", name, model.SerializeToString())


node = helper.make_node
onnx_model([node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]), node("Relu", ["c"], ["r"]),
            node("GlobalAveragePool", ["r"], ["g"]), node("Flatten", ["g"], ["f"]),
            node("Gemm", ["f", "v", "u"], ["y"], transB=1)],
           {"w": floats(2, 3, 3, 3), "b": floats(2), "v": floats(2, 2), "u": floats(2)}, "gap")
onnx_model([node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"]), node("Unsqueeze", ["n", "zero1"], ["n1"]),
            node("Concat", ["n1", "rest"], ["t"], axis=0), node("Reshape", ["x", "t"], ["r"]),
            node("Transpose", ["r"], ["q"], perm=[0, 2, 1]), node("ReduceMean", ["q"], ["m"], axes=[1], keepdims=0),
            node("MatMul", ["m", "w"], ["y"])],
           {"zero": numpy.array(0), "zero1": numpy.array([0]), "rest": numpy.array([3, -1]), "w": floats(3, 2)},
           "reshapes")
onnx_model([node("Slice", ["x", "begin", "end", "axes"], ["s"]), node("Pad", ["s", "pads"], ["p"]),
            node("MaxPool", ["p"], ["m"], kernel_shape=[2, 2], strides=[2, 2]), node("Clip", ["m", "low", "high"], ["c"]),
            node("Mul", ["c", "c"], ["d"]), node("ReduceMean", ["d"], ["y"], axes=[2, 3], keepdims=0)],
           {"begin": numpy.array([0]), "end": numpy.array([2]), "axes": numpy.array([1]),
            "pads": numpy.array([0, 0, 1, 1, 0, 0, 1, 1]), "low": numpy.array(0, "float32"),
            "high": numpy.array(6, "float32")}, "slices")
