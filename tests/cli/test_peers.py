"""bench/peers: the networks that camlite is compared on are the same for every engine."""

import sys
import unittest

import numpy as np

from support import DEFAULT_MODEL, SOURCE, ProgramTest, write_model

sys.path.insert(0, str(SOURCE / "bench/peers"))
import exports
import reference
from network import Unsupported, read_network


class Peers(ProgramTest):
    def setUp(self):
        super().setUp()
        self.network = read_network(DEFAULT_MODEL)
        self.pictures = np.random.default_rng(3).standard_normal((2, *self.network.shape)).astype(np.float32)
        self.truth = reference.reference(self.network, DEFAULT_MODEL, self.pictures, self.here)

    def check(self, **values):
        for name, value in values.items():
            self.assertLess(reference.relative_error(value, self.truth[name]), 1e-5, name)

    def test_the_reference_is_what_camlite_computes(self):
        np.save(self.here / "x.npy", self.pictures)
        self.camlite("run", "--model", DEFAULT_MODEL, "--input", "x.npy", "--features", "f.npy", "--logits", "l.npy")
        self.check(features=np.load(self.here / "f.npy"), logits=np.load(self.here / "l.npy"))
        cached = reference.reference(self.network, DEFAULT_MODEL, self.pictures, self.here)
        np.testing.assert_array_equal(cached["logits"], self.truth["logits"])

    def test_onnx(self):
        try:
            import onnxruntime
        except ImportError as missing:
            self.skipTest(f"NOT TESTED: {missing}")
        exports.write_onnx(self.network, self.here / "network.onnx")
        session = onnxruntime.InferenceSession(str(self.here / "network.onnx"), providers=["CPUExecutionProvider"])
        features, logits = session.run(["features", "logits"], {"input": self.pictures})
        self.check(features=features, logits=logits)

    def test_pytorch(self):
        try:
            import torch
        except ImportError as missing:
            self.skipTest(f"NOT TESTED: {missing}")
        exports.write_torch(self.network, self.here / "network.pt")
        with torch.no_grad():
            features, logits, _ = torch.jit.load(str(self.here / "network.pt"))(torch.from_numpy(self.pictures))
        self.check(features=features.numpy(), logits=logits.numpy())

    def test_ncnn_reads_each_value_once(self):
        exports.write_ncnn(self.network, self.here / "n.param", self.here / "n.bin")
        magic, counts, *lines = (self.here / "n.param").read_text().splitlines()
        self.assertEqual(magic, "7767517")
        read, written = [], []
        for line in lines:
            _, _, inputs, outputs, *rest = line.split()
            read += rest[: int(inputs)]
            written += rest[int(inputs) : int(inputs) + int(outputs)]
        self.assertEqual(counts, f"{len(lines)} {len(written)}")
        self.assertEqual(len(set(written)), len(written))
        self.assertEqual(sorted([*read, "probabilities"]), sorted(written))
        weights = sum(array.nbytes for layer in self.network.layers for array in layer.weights.values())
        kernels = sum(layer.operator in ("conv2d", "linear") for layer in self.network.layers)
        self.assertEqual((self.here / "n.bin").stat().st_size, weights + 4 * kernels)

    def test_maps_are_made_of_what_a_dropout_reads(self):
        graph = "input channels=3 height=8 width=8\nact relu input\ndrop dropout act\ngap global_avg_pool drop\n"
        graph += "fc linear gap out_features=3 bias=0\nprob softmax fc\n"
        write_model(self.here / "m.safetensors", graph, {"fc.weight": np.ones((3, 3), np.float32)})
        self.assertEqual(read_network(self.here / "m.safetensors").features.name, "act")

    def test_what_is_not_translated_is_refused(self):
        weight = np.ones((3, 3), np.float32)
        for lines, message in (
            ("act sigmoid input\ngap global_avg_pool act\n", "no translation for sigmoid"),
            ("two add input,input,input\ngap global_avg_pool two\n", "no translation for add of 3 values"),
            ("pool max_pool2d input kernel=2x3\ngap global_avg_pool pool\n", "only square kernels"),
        ):
            graph = f"input channels=3 height=8 width=8\n{lines}fc linear gap out_features=3 bias=0\nprob softmax fc\n"
            write_model(self.here / "m.safetensors", graph, {"fc.weight": weight})
            with self.assertRaisesRegex(Unsupported, message):
                read_network(self.here / "m.safetensors")


if __name__ == "__main__":
    unittest.main()
