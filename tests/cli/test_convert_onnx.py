"""camlite convert of ONNX files, against ONNX Runtime: what exporters write, in all the ways in which they write it; and
files that lie."""

import sys
import unittest

import numpy as np

from support import ProgramTest

try:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print(f"NOT TESTED: ONNX files against ONNX Runtime: there is no Python module {missing.name}")
    sys.exit(77)

RANDOM = np.random.default_rng(11)


def normal(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), output.split(), **attributes)


def ints(*values):
    return np.array(values, np.int64)


def make_model(nodes, constants=None, opset=13, shape=("N", 3, 8, 8), output="y"):
    """A model of an input "x"; constants are arrays or tensors by name."""
    tensors = [value if isinstance(value, TensorProto) else numpy_helper.from_array(value)
               for value in (constants or {}).values()]
    for tensor, name in zip(tensors, constants or {}):
        tensor.name = name
    graph = helper.make_graph(
        nodes, "test", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in output.split()], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def onnx_runtime(path, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})


class OnnxTest(ProgramTest):
    def save(self, model, name="m.onnx"):
        path = self.here / name
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return path

    def converted(self, path, x, *options):
        """What camlite computes, as rows."""
        np.save(self.here / "x.npy", x)
        self.camlite("convert", path, "m.safetensors", *options)
        self.camlite("run", "--model", "m.safetensors", "--input", "x.npy", "--logits", "y.npy")
        return np.load(self.here / "y.npy").reshape(len(x), -1)

    def agrees(self, nodes, constants=None, **rest):
        """That camlite and ONNX Runtime compute the same of such a model."""
        path = self.save(make_model(nodes, constants, **rest))
        shape = rest.get("shape", ("N", 3, 8, 8))
        x = normal(*(2 if isinstance(extent, str) else extent for extent in shape))
        expected = onnx_runtime(path, x)[0].reshape(len(x), -1)
        if x.ndim == 4 and x.shape[3] == 3:
            x = x.transpose(0, 3, 1, 2)
        result = self.converted(path, x)
        np.testing.assert_allclose(result, expected, atol=1e-5 * np.abs(expected).max())

    def refused(self, model, *words):
        path = self.save(model)
        _, err = self.camlite("convert", path, "out.safetensors", status=1)
        self.assertFalse((self.here / "out.safetensors").exists())
        self.assertNotIn("libprotobuf", err)
        self.assertEqual(err.count("\n"), 1, err)
        for word in ("m.onnx", *words):
            self.assertIn(word, err)


class Flattening(OnnxTest):
    """From a map to a vector: the order of its elements is the file's, whatever camlite's is."""

    def test_flatten_before_gemm(self):
        self.agrees([node("Relu", "x", "r"), node("Flatten", "r", "f"), node("Gemm", "f w b", "y", transB=1)],
                    {"w": normal(5, 192), "b": normal(5)})

    def test_rows_columns_channels_before_mat_mul(self):
        self.agrees([node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("Reshape", "t s", "f"),
                     node("MatMul", "f w", "m"), node("Add", "m b", "y")],
                    {"s": ints(-1, 192), "w": normal(192, 5), "b": normal(5)})

    def test_the_shape_is_computed_as_pytorch_does(self):
        self.agrees([node("Relu", "x", "r"), node("Shape", "r", "s"), node("Constant", "", "zero", value_int=0),
                     node("Gather", "s zero", "n", axis=0), node("Unsqueeze", "n axes", "rows"),
                     node("Concat", "rows minus", "to", axis=0), node("Reshape", "r to", "f"),
                     node("Gemm", "f w", "y", transB=1, alpha=0.5)],
                    {"axes": ints(0), "minus": ints(-1), "w": normal(4, 192)})

    def test_means_over_space_in_every_spelling(self):
        w = {"w": normal(4, 3)}
        for nodes, constants, opset in [
            ([node("ReduceMean", "x", "p", axes=[2, 3], keepdims=0)], {}, 13),
            ([node("ReduceMean", "x axes", "p", keepdims=0)], {"axes": ints(-1, -2)}, 18),
            ([node("Reshape", "x s", "r"), node("ReduceMean", "r", "p", axes=[2], keepdims=0)],
             {"s": ints(0, 3, -1)}, 13),
            ([node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
              node("ReduceMean", "t", "p", axes=[1, 2], keepdims=0)], {}, 13),
            ([node("GlobalAveragePool", "x", "g"), node("Squeeze", "g", "p", axes=[2, 3])], {}, 11),
            ([node("GlobalAveragePool", "x", "g"), node("Squeeze", "g axes", "p")], {"axes": ints(2, 3)}, 13),
            ([node("AveragePool", "x", "g", kernel_shape=[8, 8]), node("Flatten", "g", "p")], {}, 13),
        ]:
            with self.subTest([n.op_type for n in nodes]):
                self.agrees([node("Conv", "x c", "conv"), *[self.reading(n, "x", "conv") for n in nodes],
                             node("Gemm", "p w", "y", transB=1)], {**constants, **w, "c": normal(3, 3, 1, 1)},
                            opset=opset)
                (info,) = self.json("info", "m.safetensors")
                self.assertEqual((info["cam_head"], info["cam_features"]), (True, "conv"))

    @staticmethod
    def reading(made, old, new):
        for i, name in enumerate(made.input):
            if name == old:
                made.input[i] = new
        return made

    def test_tensorflow_has_channels_last(self):
        self.agrees([node("Sub", "x mean", "s"), node("Transpose", "s", "t", perm=[0, 3, 1, 2]),
                     node("Conv", "t c", "conv"), node("Transpose", "conv", "back", perm=[0, 2, 3, 1]),
                     node("Add", "back b", "a"), node("Relu", "a", "r"),
                     node("ReduceMean", "r", "p", axes=[1, 2], keepdims=0), node("MatMul", "p w", "y")],
                    {"mean": normal(3), "c": normal(6, 3, 3, 3), "b": normal(6), "w": normal(6, 4)},
                    shape=("N", 9, 8, 3))


class Layers(OnnxTest):
    def test_channel_shuffle(self):
        self.agrees([node("Conv", "x c", "a"), node("Reshape", "a s1", "b"),
                     node("Transpose", "b", "t", perm=[0, 2, 1, 3, 4]), node("Reshape", "t s2", "s"),
                     node("Split", "s", "l r", axis=1), node("Concat", "r l", "both", axis=1),
                     node("Flatten", "both", "y")],
                    {"c": normal(12, 3, 1, 1), "s1": ints(0, 3, 4, 8, 8), "s2": ints(0, 12, 8, 8)})
        operators = [layer["operator"] for layer in self.json("info", "m.safetensors")[0]["layers"]]
        self.assertIn("channel_shuffle", operators)

    def test_squeeze_and_excitation_with_linear_layers(self):
        self.agrees([node("Conv", "x c", "a"), node("GlobalAveragePool", "a", "g"), node("Flatten", "g", "v"),
                     node("Gemm", "v w1", "h", transB=1), node("Relu", "h", "hr"), node("Gemm", "hr w2", "s", transB=1),
                     node("Sigmoid", "s", "gate"), node("Unsqueeze", "gate axes", "gate4"),
                     node("Mul", "a gate4", "e"), node("Flatten", "e", "y")],
                    {"c": normal(8, 3, 3, 3), "w1": normal(2, 8), "w2": normal(8, 2), "axes": ints(2, 3)})

    def test_gated_activations_are_one_layer(self):
        for nodes, operator in [
            ([node("Sigmoid", "x", "g"), node("Mul", "x g", "z")], "silu"),
            ([node("HardSigmoid", "x", "g", alpha=1 / 6), node("Mul", "g x", "z")], "hard_swish"),
            ([node("HardSwish", "x", "z")], "hard_swish"),
            ([node("Clip", "x zero six", "z")], "relu6"),
        ]:
            with self.subTest(operator):
                self.agrees([*nodes, node("Flatten", "z", "y")],
                            {"zero": np.float32(0), "six": np.float32(6)}, opset=14)
                (info,) = self.json("info", "m.safetensors")
                self.assertEqual([layer["operator"] for layer in info["layers"]], [operator, "flatten"])

    def test_constants_on_either_side_and_of_every_extent(self):
        for kind in ("Add", "Sub", "Mul", "Div"):
            for shape in [(), (1,), (3, 1, 1), (1, 3, 1, 1), (8,), (8, 1), (3, 8, 8), (1, 1, 8, 8)]:
                for inputs in ("a c", "c a"):
                    with self.subTest((kind, shape, inputs)):
                        if shape not in ((), (3, 1, 1), (3, 8, 8)) and (kind, inputs) not in (("Sub", "a c"),
                                                                                             ("Div", "c a")):
                            continue  # enough of each
                        constant = (np.abs(RANDOM.normal(size=shape)) + 0.5).astype(np.float32)
                        self.agrees([node("Sigmoid", "x", "a"), node(kind, inputs, "z"), node("Flatten", "z", "y")],
                                    {"c": constant})

    def test_a_constant_larger_than_the_value(self):
        self.agrees([node("GlobalAveragePool", "x", "g"), node("Mul", "g c", "z"), node("Flatten", "z", "y")],
                    {"c": normal(3, 4, 5)})

    def test_asymmetric_pads(self):
        w = {"c": normal(4, 3, 3, 3)}
        for made in [node("Conv", "x c", "z", pads=[0, 1, 2, 0], strides=[2, 2]),
                     node("Conv", "x c", "z", pads=[1, 2, 1, 2], dilations=[2, 1]),
                     node("Conv", "x c", "z", auto_pad="SAME_LOWER", strides=[2, 3]),
                     node("MaxPool", "x", "z", kernel_shape=[3, 3], pads=[0, 0, 1, 1], strides=[2, 2]),
                     node("MaxPool", "x", "z", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
                     node("MaxPool", "x", "z", kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
                     node("AveragePool", "x", "z", kernel_shape=[3, 3], pads=[0, 0, 1, 1]),
                     node("AveragePool", "x", "z", kernel_shape=[3, 3], pads=[0, 1, 1, 1], count_include_pad=1),
                     node("AveragePool", "x", "z", kernel_shape=[3, 3], auto_pad="SAME_LOWER", strides=[2, 2])]:
            with self.subTest(str(made)):
                self.agrees([made, node("Flatten", "z", "y")], w)

    def test_attributes_that_became_inputs(self):
        half = np.float32(0.5)
        for nodes, constants, opset in [
            ([node("Clip", "x", "z", min=-0.5, max=0.5)], {}, 7),
            ([node("Clip", "x", "z", max=0.5)], {}, 10),
            ([helper.make_node("Clip", ["x", "", "h"], ["z"])], {"h": half}, 11),
            ([node("Pad", "x", "z", pads=[0, 0, 1, 0, 0, 0, 2, 1], value=0.5)], {}, 7),
            ([node("Pad", "x p h", "z")], {"p": ints(0, 0, 1, 0, 0, 0, 2, 1), "h": half}, 13),
            ([helper.make_node("Pad", ["x", "p", "", "axes"], ["z"])], {"p": ints(1, 0, 2, 1), "axes": ints(-1, 2)}, 18),
            ([node("Split", "x", "z rest", axis=1, split=[1, 2])], {}, 11),
            ([node("Split", "x s", "rest z", axis=-3)], {"s": ints(1, 2)}, 13),
            ([node("Split", "x", "rest z", axis=1, num_outputs=2)], {}, 18),
            ([node("Slice", "x", "z", axes=[1], starts=[1], ends=[100])], {}, 9),
            ([node("Slice", "x s e a", "z")], {"s": ints(-2), "e": ints(3), "a": ints(1)}, 10),
            ([node("Dropout", "x", "z", ratio=0.4)], {}, 10),
            ([node("Dropout", "x h", "z")], {"h": half}, 13),
            ([node("Unsqueeze", "x", "u", axes=[1]), node("Squeeze", "u", "z", axes=[1])], {}, 11),
            ([node("BatchNormalization", "x s s s s", "z", epsilon=0.1)], {"s": np.abs(normal(3)) + 0.5}, 8),
            ([node("BatchNormalization", "x s s s s", "z", epsilon=0.1)], {"s": np.abs(normal(3)) + 0.5}, 15),
        ]:
            with self.subTest((nodes[0].op_type, opset)):
                self.agrees([*nodes, node("Flatten", "z", "y")], constants, opset=opset)

    def test_softmax_of_old_is_over_all_that_follows(self):
        # A Relu behind it, since camlite's logits are what is before a last softmax.
        for opset in (11, 13):
            self.agrees([node("GlobalAveragePool", "x", "g"), node("Softmax", "g", "p", axis=1),
                         node("Relu", "p", "r"), node("Flatten", "r", "y")], opset=opset)

    def test_the_output_that_needs_most_is_the_result(self):
        self.save(make_model([node("GlobalAveragePool", "x", "g"), node("Flatten", "g", "logits"),
                              node("Softmax", "logits", "prob")], output="logits prob"))
        (done,) = self.json("convert", "m.onnx", "m.safetensors")
        self.assertIn({"kind": "dropped", "layer": "logits", "what": "another output; the result is prob"},
                      done["report"])

    def test_an_open_size_is_assumed_and_said(self):
        self.save(make_model([node("Conv", "x c", "a"), node("GlobalAveragePool", "a", "g"),
                              node("Flatten", "g", "y")], {"c": normal(4, 3, 1, 1)}, shape=("N", 3, "H", "W")))
        (done,) = self.json("convert", "m.onnx", "m.safetensors", "--size", "32")
        self.assertIn("3x224x224 is assumed", " ".join(line["what"] for line in done["report"]))
        self.assertEqual(self.json("info", "m.safetensors")[0]["input"], [1, 32, 32, 3])


class Weights(OnnxTest):
    """Every element type, in every place."""

    def tensor(self, weight, kind, raw):
        if kind == TensorProto.BFLOAT16:
            bits = (weight.view(np.uint32) >> 16).astype(np.uint16)
        elif kind == TensorProto.FLOAT16:
            bits = weight.astype(np.float16).view(np.uint16)
        else:
            bits = weight.astype(np.float64 if kind == TensorProto.DOUBLE else np.float32)
        tensor = TensorProto(data_type=kind, dims=weight.shape)
        if raw:
            tensor.raw_data = bits.tobytes()
        elif bits.dtype == np.uint16:
            tensor.int32_data.extend(bits.reshape(-1).tolist())
        else:
            (tensor.double_data if kind == TensorProto.DOUBLE else tensor.float_data).extend(bits.reshape(-1).tolist())
        return tensor

    def model(self, tensor, **rest):
        return make_model([node("Conv", "x c", "a"), node("GlobalAveragePool", "a", "g"), node("Flatten", "g", "y")],
                          {"c": tensor}, **rest)

    def test_float_types(self):
        # Of 8 bits, so that they are the same in all of these types.
        weight = (RANDOM.integers(-128, 128, (4, 3, 2, 2)) / 16).astype(np.float32)
        x = normal(2, 3, 8, 8)
        expected = onnx_runtime(self.save(self.model(weight)), x)[0]
        for kind in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16):
            for raw in (True, False):
                with self.subTest((TensorProto.DataType.Name(kind), raw)):
                    result = self.converted(self.save(self.model(self.tensor(weight, kind, raw))), x)
                    np.testing.assert_allclose(result, expected, atol=1e-5)

    def external(self, weight, **entries):
        tensor = TensorProto(data_type=TensorProto.FLOAT, dims=weight.shape, data_location=TensorProto.EXTERNAL)
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))
        return self.model(tensor)

    def test_external_data(self):
        weight, x = normal(4, 3, 2, 2), normal(2, 3, 8, 8)
        expected = onnx_runtime(self.save(self.model(weight)), x)[0]
        (self.here / "data").mkdir()
        (self.here / "data" / "w.bin").write_bytes(bytes(64) + weight.tobytes() + bytes(10))
        (self.here / "alone.bin").write_bytes(weight.tobytes())
        for entries in ({"location": "data/w.bin", "offset": 64, "length": weight.nbytes}, {"location": "alone.bin"}):
            path = self.save(self.external(weight, **entries))
            np.testing.assert_allclose(self.converted(path, x), expected, atol=1e-5)

    def test_external_data_that_lie(self):
        weight = normal(4, 3, 2, 2)
        (self.here / "w.bin").write_bytes(weight.tobytes())
        (self.here / "deep").mkdir()
        (self.here / "link.bin").symlink_to("/etc/passwd")
        size = weight.nbytes
        for entries, word in [
            ({"location": "/etc/passwd"}, "not in the model's folder"),
            ({"location": "../w.bin"}, "not in the model's folder"),
            ({"location": "deep/../../w.bin"}, "not in the model's folder"),
            ({"location": "link.bin"}, "not in the model's folder"),
            ({"location": "missing.bin"}, "missing.bin"),
            ({"location": "deep"}, "directory"),
            ({"location": ""}, "not named"),
            ({"location": "w.bin", "offset": size + 1}, str(size)),
            ({"location": "w.bin", "offset": 8, "length": size}, str(size)),
            ({"location": "w.bin", "length": 2**64 - 1}, str(size)),
            ({"location": "w.bin", "offset": -1}, "offset"),
            ({"location": "w.bin", "length": size - 4}, "48 elements"),
        ]:
            with self.subTest(entries):
                self.refused(self.external(weight, **entries), "\"c\"", word)


    def test_external_data_of_which_many_tensors_are_made(self):
        (self.here / "zeros.bin").write_bytes(bytes(1 << 20))
        names = [f"c{i}" for i in range(9)]
        model = make_model([node("Concat", " ".join(names), "c", axis=0), node("Reshape", "x c", "y")],
                           {name: ints(1) for name in names})
        for one in model.graph.initializer:
            one.ClearField("raw_data")
            one.data_type, one.data_location, one.dims[:] = TensorProto.UINT8, TensorProto.EXTERNAL, [1 << 20]
            one.external_data.add(key="location", value="zeros.bin")
        self.refused(model, "more than 4 times")


class Lies(OnnxTest):
    """Files that nobody should have written: an error that says what is wrong, and never a crash."""

    def good(self):
        return make_model([node("Conv", "x c b", "a"), node("Relu", "a", "r"), node("GlobalAveragePool", "r", "g"),
                           node("Flatten", "g", "f"), node("Gemm", "f w", "y", transB=1)],
                          {"c": normal(4, 3, 3, 3), "b": normal(4), "w": normal(5, 4)})

    def test_truncated(self):
        whole = self.good().SerializeToString()
        for length in [0, 1, 2, 5, *range(10, len(whole), len(whole) // 25)]:
            path = self.save(whole[:length])
            _, err = self.camlite("convert", path, "out.safetensors", status=1)
            self.assertNotIn("libprotobuf", err)

    def test_changed_bytes(self):
        whole = self.good().SerializeToString()
        random = np.random.default_rng(5)
        for _ in range(60):
            changed = bytearray(whole)
            for at in random.integers(0, len(whole), random.integers(1, 4)):
                changed[at] = random.integers(0, 256)
            _, err = self.camlite("convert", self.save(bytes(changed)), "out.safetensors", status=(0, 1))
            self.assertNotIn("libprotobuf", err)

    def changed(self, change):
        model = self.good()
        change(model)
        return model

    def test_graphs_that_are_none(self):
        relu = node("Relu", "x", "y")
        for model, *words in [
            (make_model([node("Relu", "z", "y")]), '"z"', "no earlier node"),
            (make_model([node("Relu", "b", "a"), node("Relu", "a", "b"), node("Add", "a b", "y")]), "no earlier node"),
            (make_model([relu, node("Relu", "x", "y")]), '"y"', "two nodes"),
            (make_model([relu], output="other"), '"other"'),
            (make_model([relu], output=""), "no output"),
            (make_model([node("Identity", "x", "y")]), "picture"),
            (make_model([node("Identity", "c", "y")], {"c": normal(1, 3)}), "depend on the picture"),
            (make_model([relu], opset=6), "opset 6"),
            (make_model([helper.make_node("Relu", ["x"], ["y"], domain="com.example")]), "com.example", "Relu"),
            (make_model([helper.make_node("Erf", ["x"], ["y"], name="error function")]), "error function", "Erf"),
            (make_model([helper.make_node("If", ["c"], ["y"], then_branch=helper.make_graph([], "t", [], []))],
                        {"c": np.array(True)}), "If", "subgraph"),
            (make_model([node("LeakyRelu", "x", "y", alpha=1)]), "alpha"),
            (make_model([node("LeakyRelu", "x", "y", beta=1.0)]), "beta"),
            (make_model([relu], shape=("N", 3, 8)), "(0, 3, 8)"),
            (make_model([relu], shape=("N", 3, 8, 1 << 40)), str(1 << 40)),
            (self.changed(lambda m: m.graph.input.add(name="second").type.tensor_type.shape.dim.add()), "2 inputs"),
            (self.changed(lambda m: m.ClearField("opset_import")), "version of ONNX's operators"),
            (self.changed(lambda m: m.graph.initializer.add().CopyFrom(m.graph.initializer[0])), "two initializers"),
        ]:
            with self.subTest(words):
                self.refused(model, *words)

    def test_tensors_that_are_none(self):
        def first(change):
            return self.changed(lambda model: change(model.graph.initializer[0]))

        def dims(*extents):
            def change(tensor):
                tensor.ClearField("dims")
                tensor.dims.extend(extents)

            return change

        for change, *words in [
            (dims(4, 3, 3, 4), "144 elements"),
            (dims(4, 3, -3, -3), "-3"),
            (dims(1 << 40, 1 << 40, 3, 3), "63 bits"),
            (dims(108), "two-dimensional"),
            (dims(4, 3, 3, 3, 1), "two-dimensional"),
            (dims(2, 6, 3, 3), "weight"),
            (lambda t: setattr(t, "data_type", TensorProto.STRING), "string"),
            (lambda t: setattr(t, "data_type", 99), "99"),
            (lambda t: setattr(t, "data_type", TensorProto.INT32), "integers"),
            (lambda t: setattr(t, "raw_data", b"123"), "bytes"),
        ]:
            with self.subTest(words):
                self.refused(first(change), "Conv", *words)

    def test_constant_expressions_of_any_size(self):
        large = ints(1 << 20, 1 << 20)
        for nodes, constants, word in [
            ([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], {"s": large}, "too large"),
            ([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], {"s": ints(1 << 40, 1 << 40)}, "63 bits"),
            ([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], {"s": ints(-1)}, "-1"),
            ([node("Expand", "o s", "c"), node("Add", "x c", "y")], {"o": normal(1), "s": large}, "too large"),
            ([node("Add", "a b", "c"), node("Add", "x c", "y")],
             {"a": normal(1 << 16, 1), "b": normal(1, 1 << 16)}, "too large"),
            ([node("Div", "a b", "s"), node("Reshape", "x s", "y")], {"a": ints(1), "b": ints(0)}, "64 bits"),
            ([node("Mul", "a a", "s"), node("Reshape", "x s", "y")], {"a": ints(1 << 40)}, "64 bits"),
            ([node("Gather", "a i", "s"), node("Reshape", "x s", "y")], {"a": ints(1), "i": ints(5)}, "axis 5"),
            ([node("Slice", "a s e", "t"), node("Reshape", "x t", "y")],
             {"a": ints(-1, 192), "s": ints((1 << 63) - 1), "e": ints(-(1 << 63))}, "reshape"),
            ([node("Transpose", "a", "t"), node("Reshape", "x t", "y")],
             {"a": helper.make_tensor("a", TensorProto.INT64, [0, 1 << 62, 1 << 62], [])}, "63 bits"),
            ([node("Slice", "a s e i t", "c"), node("Reshape", "x c", "y")],  # backwards through nothing
             {"a": helper.make_tensor("a", TensorProto.INT64, [0], []), "s": ints(-1), "e": ints(-5), "i": ints(0), "t": ints(-1)},
             "reshape"),
            ([node("Reshape", "x s", "r"), node("Pad", "r p", "y")],
             {"s": ints(1, 3, 2, 4, 8), "p": ints(0, 0, 0, 0, 2, 0, 0, 0, 0, 2)}, "axis 4"),
            ([node("Reshape", "x s", "y")], {"s": ints(-1, -1)}, "(1, -1)"),
            ([node("Reshape", "x s", "y")], {"s": ints(7, -1)}, "reshape"),
            ([node("Transpose", "x", "y", perm=[0, 1, 2, 2])], {}, "twice"),
            ([node("Transpose", "x", "y", perm=[0, 1, 2])], {}, "4 axes"),
            ([node("MaxPool", "x", "y", kernel_shape=[1 << 40, 1])], {}, "kernel_shape"),
            ([node("MaxPool", "x", "y", kernel_shape=[3, 3], pads=[0, 0, 0, -1])], {}, "pads"),
            ([node("AveragePool", "x", "y", kernel_shape=[2, 2], strides=[0, 1])], {}, "strides"),
            ([node("Split", "x s", "y z", axis=1)], {"s": ints(4, -1)}, "parts"),
            ([node("LRN", "x", "y", size=4)], {}, "even"),
        ]:
            with self.subTest(word):
                self.refused(make_model(nodes, constants), word)

    def test_deep_nesting(self):
        # Of messages in messages, which protobuf follows only so far: a graph in an attribute, in a graph, ...
        inner = b""
        for _ in range(20000):
            inner = b"\x0a" + self.varint(len(inner)) + inner
            if len(inner) > 100000:
                break
        self.refused(b"\x08\x08\x3a" + self.varint(len(inner)) + inner)

    @staticmethod
    def varint(value):
        out = b""
        while value > 127:
            out += bytes([value & 127 | 128])
            value >>= 7
        return out + bytes([value])


if __name__ == "__main__":
    unittest.main()
