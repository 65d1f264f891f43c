"""camlite convert: what it does whatever the file is. The formats have tests of their own."""

import unittest

import numpy as np

from support import DEFAULT_MODEL, PICTURES, ProgramTest, write_model

GRAPH = """input channels=3 height=16 width=16
pad pad input top=1 bottom=1 left=1 right=1
conv conv2d pad out_channels=8 kernel=3 bias=0
norm batch_norm conv
gain scale norm
relu relu gain
second conv2d relu out_channels=12 kernel=3 padding=1
norm2 batch_norm second
shift scale norm2
drop dropout shift
pool avg_pool2d drop kernel=16
flat flatten pool
fc linear flat out_features=5
prob softmax fc
"""


def weights(seed=1):
    random = np.random.default_rng(seed)

    def norm(name, channels):
        return {
            f"{name}.weight": random.uniform(0.5, 2, channels),
            f"{name}.bias": random.normal(size=channels),
            f"{name}.running_mean": random.normal(size=channels),
            f"{name}.running_var": random.uniform(0.5, 2, channels),
        }

    def scale(name, channels):
        return {f"{name}.weight": random.normal(size=channels), f"{name}.bias": random.normal(size=channels)}

    return {
        "conv.weight": random.normal(size=(8, 3, 3, 3)),
        **norm("norm", 8),
        **scale("gain", 8),
        "second.weight": random.normal(size=(12, 8, 3, 3)),
        "second.bias": random.normal(size=12),
        **norm("norm2", 12),
        **scale("shift", 12),
        "fc.weight": random.normal(size=(5, 12)),
        "fc.bias": random.normal(size=5),
    }


class Convert(ProgramTest):
    def model(self):
        path = self.here / "model.safetensors"
        write_model(path, GRAPH, weights(), labels=[f"class {k}" for k in "abcde"])
        return path

    def logits(self, model, x):
        np.save(self.here / "x.npy", x)
        self.camlite("run", "--model", model, "--input", "x.npy", "--logits", "y.npy")
        return np.load(self.here / "y.npy")

    def x(self, batch=2):
        return np.random.default_rng(7).normal(size=(batch, 3, 16, 16)).astype(np.float32)

    def test_folds_drops_and_changes_without_changing_what_is_computed(self):
        (done,) = self.json("convert", self.model(), "out.safetensors")
        self.assertEqual(
            [(line["kind"], line["layer"], line["what"]) for line in done["report"]],
            [
                ("folded", "pad", "into conv"),
                ("folded", "norm", "into conv"),
                ("folded", "gain", "into conv"),
                ("folded", "norm2", "into second"),
                ("folded", "shift", "into second"),
                ("dropped", "drop", "dropout does nothing outside of training"),
                ("changed", "pool", "averages the whole map of 16x16: global_avg_pool"),
                ("dropped", "flat", "there is one vector a picture already"),
            ],
        )
        (info,) = self.json("info", "out.safetensors")
        self.assertTrue(info["cam_head"])
        self.assertEqual(info["labels"], [f"class {k}" for k in "abcde"])
        before, after = self.logits(self.model(), self.x()), self.logits("out.safetensors", self.x())
        np.testing.assert_allclose(after, before, atol=1e-5 * np.abs(before).max())

    def test_a_normalization_that_somebody_else_reads_stays(self):
        random = np.random.default_rng(2)
        write_model(
            self.here / "m.safetensors",
            "input channels=3 height=8 width=8\nconv conv2d input out_channels=4 kernel=1\nnorm batch_norm conv\n"
            "sum add conv,norm\ngap global_avg_pool sum\n",
            {
                "conv.weight": random.normal(size=(4, 3, 1, 1)),
                "conv.bias": random.normal(size=4),
                **{f"norm.{s}": random.uniform(0.5, 2, 4) for s in ("weight", "bias", "running_mean", "running_var")},
            },
        )
        (done,) = self.json("convert", "m.safetensors", "out.safetensors")
        self.assertEqual(done["report"], [])
        x = self.x()[:, :, :8, :8]
        before = self.logits("m.safetensors", x)
        np.testing.assert_allclose(self.logits("out.safetensors", x), before, atol=1e-5 * np.abs(before).max())

    def test_pooling_that_fits_whole_is_rounded_down_so_that_the_convolution_can_do_it(self):
        for size, changed in ((8, ["pool"]), (9, [])):
            write_model(
                self.here / "m.safetensors",
                f"input channels=3 height={size} width={size}\nconv conv2d input out_channels=4 kernel=3 padding=1 bias=0\n"
                "pool max_pool2d conv kernel=2 rounding=caffe\ngap global_avg_pool pool\n",
                {"conv.weight": np.random.default_rng(2).normal(size=(4, 3, 3, 3))},
            )
            (done,) = self.json("convert", "m.safetensors", "out.safetensors")
            self.assertEqual([line["layer"] for line in done["report"]], changed)
            x = self.x()[:, :, :size, :size]
            before = self.logits("m.safetensors", x)
            np.testing.assert_allclose(self.logits("out.safetensors", x), before, atol=1e-5 * np.abs(before).max())

    def test_sixteen_bit_weights(self):
        full = self.logits(self.model(), self.x())
        for dtype, error in (("f16", 2e-3), ("bf16", 2e-2)):
            self.camlite("convert", self.model(), f"{dtype}.safetensors", "--dtype", dtype)
            half = self.logits(f"{dtype}.safetensors", self.x())
            self.assertLess(np.abs(half - full).max(), error * np.abs(full).max())
            self.assertGreater(np.abs(half - full).max(), 0)

    def test_a_weight_that_is_too_large_for_f16_is_named(self):
        tensors = weights()
        tensors["fc.weight"][2, 3] = 1e6
        write_model(self.here / "large.safetensors", GRAPH, tensors)
        _, err = self.camlite("convert", "large.safetensors", "out.safetensors", "--dtype", "f16", status=1)
        self.assertIn("fc.weight", err)
        self.assertIn("F16", err)
        self.assertFalse((self.here / "out.safetensors").exists())

    def test_labels_and_preprocessing(self):
        (self.here / "names.txt").write_text("one\ntwo\r\nthree\nfour\nfive\n\n")
        self.camlite("convert", self.model(), "out.safetensors", "--labels", "names.txt", "--preprocess", "caffe",
                     "--mean", "1,2,3", "--size", "32")
        (info,) = self.json("info", "out.safetensors")
        self.assertEqual(info["labels"], ["one", "two", "three", "four", "five"])
        self.assertEqual(info["preprocessing"].split(),
                         ["resize=36x36", "crop=32", "channels=bgr", "scale=1", "mean=1,2,3", "std=1,1,1"])

    def test_where_boxes_are_cut(self):
        self.camlite("convert", self.model(), "a.safetensors", "--box-threshold", 0.35)
        self.camlite("convert", "a.safetensors", "b.safetensors")
        self.camlite("export", "b.safetensors", "b.onnx")
        self.camlite("convert", "b.onnx", "c.safetensors")
        for model, threshold in ((self.model(), 0.2), ("a.safetensors", 0.35), ("b.safetensors", 0.35), ("c.safetensors", 0.35)):
            self.assertEqual(self.json("info", model)[0]["box_threshold"], threshold, model)
        for wrong in (-0.1, 1.1, "nan"):
            self.camlite("convert", self.model(), "d.safetensors", "--box-threshold", wrong, status=2)

    def test_notes_stay_with_the_model(self):
        self.camlite("convert", self.model(), "a.safetensors", "--note", "license=MIT", "--note", "source=a=b")
        self.camlite("convert", "a.safetensors", "b.safetensors", "--note", "license=Apache-2.0")
        (info,) = self.json("info", "b.safetensors")
        self.assertEqual(info["notes"], {"license": "Apache-2.0", "source": "a=b"})
        for note in ("license", "=MIT", "camlite.graph=x"):
            _, err = self.camlite("convert", "a.safetensors", "c.safetensors", "--note", note, status=2)
            self.assertIn("--note", err)

    def test_the_crop_of_a_network_that_is_not_square_fits_into_every_picture(self):
        self.camlite("convert", self.model(), "out.safetensors", "--preprocess", "torchvision", "--size", "14x28")
        (info,) = self.json("info", "out.safetensors")
        self.assertEqual(info["preprocessing"].split()[:2], ["resize=32", "crop=14x28"])

    def test_too_few_labels(self):
        (self.here / "names.txt").write_text("one\ntwo\n")
        _, err = self.camlite("convert", self.model(), "out.safetensors", "--labels", "names.txt", status=1)
        self.assertIn("2 labels for 5 classes", err)

    def test_verify_compares_before_it_writes(self):
        x = self.x(3)
        y = self.logits(self.model(), x)
        np.save(self.here / "right.npy", y)
        np.save(self.here / "wrong.npy", y * 1.01)
        e = np.exp(y - y.max(1, keepdims=True))
        np.save(self.here / "p.npy", (e / e.sum(1, keepdims=True)).astype(np.float32))
        (done,) = self.json("convert", self.model(), "out.safetensors", "--verify", "x.npy", "right.npy")
        self.assertEqual((done["verified"]["pictures"], done["verified"]["compared"]), (3, "logits"))
        self.assertLess(done["verified"]["error"], 1e-5)
        (done,) = self.json("convert", self.model(), "out.safetensors", "--verify", "x.npy", "p.npy")
        self.assertEqual(done["verified"]["compared"], "probabilities")
        _, err = self.camlite("convert", self.model(), "bad.safetensors", "--verify", "x.npy", "wrong.npy", status=1)
        self.assertIn("nothing was written", err)
        self.assertFalse((self.here / "bad.safetensors").exists())
        self.camlite("convert", self.model(), "ok.safetensors", "--verify", "x.npy", "wrong.npy", "--tolerance", "0.02")
        for n in range(3):  # one number that is none, wherever it is, and whatever the others are
            for i in range(5):
                for factor in (1, 1.01):
                    nan = y * factor
                    nan[n, i] = np.nan
                    np.save(self.here / "nan.npy", nan)
                    self.camlite("convert", self.model(), "bad.safetensors", "--verify", "x.npy", "nan.npy", status=1)
        self.assertFalse((self.here / "bad.safetensors").exists())
        np.save(self.here / "short.npy", y[:, :4])
        _, err = self.camlite("convert", self.model(), "bad.safetensors", "--verify", "x.npy", "short.npy", status=1)
        self.assertIn("(3, 5)", err)

    def test_what_cannot_be_read_is_told_apart(self):
        (self.here / "empty").write_bytes(b"")
        (self.here / "zip.pth").write_bytes(b"PK\x03\x04" + bytes(100))
        (self.here / "old.pth").write_bytes(b"\x80\x02" + bytes(100))
        (self.here / "keras.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
        (self.here / "deploy.prototxt").write_text('name: "x"\nlayer { name: "conv" }\n')
        (self.here / "noise").write_bytes(np.random.default_rng(3).bytes(1000))
        for name, word in [("empty", "empty"), ("zip.pth", "from_torch.py"), ("old.pth", "from_torch.py"),
                           ("keras.h5", "ONNX"), ("deploy.prototxt", "--prototxt"), ("noise", "no ONNX model"),
                           (PICTURES / "rgb.png", "no ONNX model"), ("missing", "missing")]:
            _, err = self.camlite("convert", name, "out.safetensors", status=1)
            self.assertIn(word, err, name)
            self.assertFalse((self.here / "out.safetensors").exists())

    def test_other_frameworks_files_as_models_are_told_what_makes_models_of_them(self):
        self.camlite("export", self.model(), "net.onnx")
        (self.here / "net.pth").write_bytes(b"PK\x03\x04" + bytes(100))
        for name, word in (("net.onnx", "camlite convert"), ("net.pth", "from_torch.py")):
            _, err = self.camlite("info", name, status=1)
            self.assertIn(word, err)

    def test_options_that_make_no_sense(self):
        for options in (["--arch", "resnet18"], ["--prototxt", "x"], ["--preprocess", "tea"], ["--dtype", "f8"],
                        ["--mean", "1,2"], ["--size", "0"], ["--tolerance", "2"]):
            self.camlite("convert", DEFAULT_MODEL, "out.safetensors", *options, status=2)
        path = self.model()
        _, err = self.camlite("convert", path, "out.onnx", status=2)
        self.assertIn("camlite export", err)
        _, err = self.camlite("convert", path, path, status=2)
        self.assertIn("same file", err)


if __name__ == "__main__":
    unittest.main()
