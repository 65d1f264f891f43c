"""camlite export: the ONNX file computes in ONNX Runtime what the model does in camlite."""

import sys
import unittest

import numpy as np

from support import DEFAULT_MODEL, ProgramTest, write_model

try:
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"NOT TESTED: camlite export: there is no Python module {missing.name}")
    sys.exit(77)

# Every operator that there is.
GRAPH = """input channels=3 height=12 width=12
conv.1 conv2d input out_channels=8 kernel=3x2 stride=1x2 padding=1 groups=1
norm batch_norm conv.1 eps=0.001
relu relu norm
deep conv2d relu out_channels=8 kernel=3 padding=2 dilation=2 groups=4 bias=0
leak leaky_relu deep negative_slope=0.2
sum add relu,leak
slope prelu sum
gain scale slope
factor scale gain bias=0
lrn lrn factor size=3 alpha=0.1 beta=0.6 k=2
max max_pool2d lrn kernel=3 stride=2 padding=1 rounding=ceil
avg avg_pool2d max kernel=2 stride=1 padding=1 count_include_pad=0
mean avg_pool2d max kernel=2x2 stride=1 padding=1
left slice avg start=2 end=6
right slice mean end=4
both concat left,right
mixed channel_shuffle both groups=2
border pad mixed top=1 right=2 value=-0.5
bounded clamp border min=-2
six relu6 border
larger maximum bounded,six,border
gate global_avg_pool larger
squeeze conv2d gate out_channels=2 kernel=1
swish silu squeeze
excite linear swish out_features=8
hard hard_sigmoid excite alpha=0.3 beta=0.4
scaled mul larger,hard,gate
table constant - channels=8 height=9 width=7
shifted add scaled,table
less sub shifted,gate
ratio div less,table
wish hard_swish ratio
soft sigmoid wish
drop dropout soft
last conv2d drop out_channels=6 kernel=1
gap global_avg_pool last
flat flatten gap
logits linear flat out_features=5
features softmax logits
"""


def weights(graph_channels=8):
    random = np.random.default_rng(3)
    normal = lambda *shape: random.normal(size=shape)
    positive = lambda *shape: random.uniform(0.5, 1.5, shape)
    c = graph_channels
    return {
        "conv.1.weight": normal(c, 3, 3, 2), "conv.1.bias": normal(c),
        **{f"norm.{s}": positive(c) for s in ("weight", "bias", "running_mean", "running_var")},
        "deep.weight": normal(c, 2, 3, 3), "slope.weight": normal(c),
        "gain.weight": positive(c), "gain.bias": normal(c), "factor.weight": positive(c),
        "squeeze.weight": normal(2, c, 1, 1), "squeeze.bias": normal(2),
        "excite.weight": normal(c, 2), "excite.bias": normal(c),
        "table.value": positive(c, 9, 7),
        "last.weight": normal(6, c, 1, 1), "last.bias": normal(6),
        "logits.weight": normal(5, 6), "logits.bias": normal(5),
    }


class Export(ProgramTest):
    def onnx_runtime(self, path, x):
        """The outputs by name."""
        onnx.checker.check_model(str(self.here / path), full_check=True)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(self.here / path), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, {"input": x})))

    def camlite_run(self, model, x):
        np.save(self.here / "x.npy", x)
        self.camlite("run", "--model", model, "--input", "x.npy", "--logits", "l.npy", "--features", "f.npy")
        return np.load(self.here / "l.npy"), np.load(self.here / "f.npy")

    def close(self, is_, should):
        self.assertEqual(is_.shape, should.shape)
        np.testing.assert_allclose(is_, should, atol=1e-4 * np.abs(should).max())

    def every_operator(self):
        path = self.here / "model.safetensors"
        write_model(path, GRAPH, weights(), labels=[f"n0000000{k} class {k}" for k in range(5)], notes={"licence": "MIT"})
        return path

    def test_every_operator(self):
        model = self.every_operator()
        (done,) = self.json("export", model, "m.onnx", "--features")
        self.assertEqual(done["outputs"], ["logits", "probabilities", "features"])
        self.assertEqual(done["bytes"], (self.here / "m.onnx").stat().st_size)
        x = np.random.default_rng(4).normal(size=(3, 3, 12, 12)).astype(np.float32)
        logits, features = self.camlite_run(model, x)
        outputs = self.onnx_runtime("m.onnx", x)
        self.close(outputs["logits"], logits)
        self.close(outputs["features"], features)
        e = np.exp(logits - logits.max(1, keepdims=True))
        self.close(outputs["probabilities"], e / e.sum(1, keepdims=True))

    def test_there_and_back(self):
        self.every_operator()
        for model, size in (("model.safetensors", 12), (DEFAULT_MODEL, 64)):
            self.camlite("export", model, "m.onnx", "--features")
            self.camlite("convert", "m.onnx", "back.safetensors")
            self.camlite("export", "back.safetensors", "again.onnx")
            x = np.random.default_rng(4).normal(size=(2, 3, size, size)).astype(np.float32)
            logits, features = self.camlite_run(model, x)
            back, back_features = self.camlite_run("back.safetensors", x)
            self.close(back, logits)
            self.close(back_features, features)
            self.close(self.onnx_runtime("again.onnx", x)["logits"], logits)
            before, after = self.json("info", model)[0], self.json("info", "back.safetensors")[0]
            for key in ("labels", "preprocessing", "notes", "classes", "cam_head"):
                self.assertEqual(after[key], before[key], key)

    def test_what_the_classes_are_where_channels_are_pooled(self):
        write_model(self.here / "nin.safetensors",
                    "input channels=3 height=8 width=8\nconv conv2d input out_channels=4 kernel=3\n"
                    "gap global_avg_pool conv\nprob softmax gap\n",
                    {"conv.weight": np.random.default_rng(0).normal(size=(4, 3, 3, 3)), "conv.bias": np.ones(4)})
        self.camlite("export", "nin.safetensors", "m.onnx", "--features")
        x = np.random.default_rng(4).normal(size=(2, 3, 8, 8)).astype(np.float32)
        logits, features = self.camlite_run("nin.safetensors", x)
        outputs = self.onnx_runtime("m.onnx", x)
        self.close(outputs["logits"], logits)
        self.close(outputs["features"], features)
        np.testing.assert_allclose(outputs["probabilities"].sum(1), 1, rtol=1e-5)

    def test_sixteen_bit_weights_are_widened(self):
        self.camlite("convert", self.every_operator(), "half.safetensors", "--dtype", "bf16")
        self.camlite("export", "half.safetensors", "m.onnx")
        x = np.random.default_rng(4).normal(size=(2, 3, 12, 12)).astype(np.float32)
        self.close(self.onnx_runtime("m.onnx", x)["logits"], self.camlite_run("half.safetensors", x)[0])

    def refused(self, graph, tensors, *words, options=()):
        write_model(self.here / "bad.safetensors", graph, tensors)
        _, err = self.camlite("export", "bad.safetensors", "out.onnx", *options, status=1)
        for word in words:
            self.assertIn(word, err)
        self.assertEqual([p.name for p in self.here.glob("out*")], [])

    def test_what_cannot_be_exported(self):
        head = "input channels=4 height=8 width=8\n"
        self.refused(head + "lrn lrn input size=4\ngap global_avg_pool lrn\n", {}, "lrn", "4", "even")
        self.refused(head + "flat flatten input\n", {}, "no CAM head", options=["--features"])
        _, err = self.camlite("export", "missing.safetensors", "out.onnx", status=1)
        self.assertIn("missing.safetensors", err)
        _, err = self.camlite("export", DEFAULT_MODEL, "no/folder/out.onnx", status=1)
        self.assertIn("no/folder/out.onnx", err)
        (self.here / "same.safetensors").write_bytes(DEFAULT_MODEL.read_bytes())
        _, err = self.camlite("export", "same.safetensors", "same.safetensors", status=2)
        self.assertIn("same file", err)
        models = {"CAMLITE_MODELS": str(self.here)}
        _, err = self.camlite("export", "same", "same.safetensors", status=2, environment=models)
        self.assertIn("same file", err)
        self.assertEqual((self.here / "same.safetensors").read_bytes(), DEFAULT_MODEL.read_bytes())
        self.camlite("export", DEFAULT_MODEL, status=2)

    def test_a_full_disk_is_an_error(self):
        _, err = self.camlite("export", DEFAULT_MODEL, "/dev/full", status=1)
        self.assertIn("/dev/full", err)

    def test_more_than_an_onnx_file_holds(self):
        # Weights of 2.4 GB, none of which is on the disk.
        path = self.here / "large.safetensors"
        graph = "input channels=1000 height=1 width=1\ngap global_avg_pool input\nfc linear gap out_features=600000 bias=0\n"
        write_model(path, graph, {"fc.weight": np.zeros((6, 1000))})
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = content[8 : 8 + length].replace(b"[6,1000]", b"[600000,1000]").replace(b"[6, 1000]", b"[600000,1000]")
        header = header.replace(b"24000]", b"2400000000]").rstrip()
        header += b" " * (-len(header) % 8)
        with open(path, "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            file.truncate(8 + len(header) + 2400000000)
        _, err = self.camlite("export", path, "out.onnx", status=1)
        self.assertIn("2400000000", err)
        self.assertIn("2 GiB", err)


if __name__ == "__main__":
    unittest.main()
