"""camlite run against the same network in NumPy, and .npy files that are not what they should be."""

import itertools
import struct
import unittest

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from support import ProgramTest, write_model

GRAPH = """input channels=3 height=12 width=10
conv1 conv2d input out_channels=4 kernel=3 padding=1
relu1 relu conv1
pool1 max_pool2d relu1 kernel=2 stride=2
conv2 conv2d pool1 out_channels=6 kernel=3 padding=1
relu2 relu conv2
gap global_avg_pool relu2
fc linear gap out_features=5
prob softmax fc
"""


def conv3x3(x, weight, bias):
    """(N, C, H, W) with zero padding of one: a sum over windows, in double."""
    windows = sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]


def network(x, w):
    """logits (N, 5) and features (N, 6, h, w)."""
    x = np.maximum(conv3x3(x.astype(float), w["conv1.weight"], w["conv1.bias"]), 0)
    n, c, height, width = x.shape
    x = x[:, :, : height // 2 * 2, : width // 2 * 2].reshape(n, c, height // 2, 2, width // 2, 2).max(axis=(3, 5))
    features = np.maximum(conv3x3(x, w["conv2.weight"], w["conv2.bias"]), 0)
    return features.mean(axis=(2, 3)) @ w["fc.weight"].T + w["fc.bias"], features


class Run(ProgramTest):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(1)
        shapes = {
            "conv1.weight": (4, 3, 3, 3), "conv1.bias": (4,), "conv2.weight": (6, 4, 3, 3),
            "conv2.bias": (6,), "fc.weight": (5, 6), "fc.bias": (5,),
        }  # fmt: skip
        self.weights = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        self.model = self.here / "net.safetensors"
        write_model(self.model, GRAPH, self.weights, [f"label {k}" for k in "abcde"])
        self.x = rng.standard_normal((3, 3, 12, 10)).astype(np.float32)
        np.save(self.here / "x.npy", self.x)

    def run_net(self, *arguments, input="x.npy", status=0):
        return self.camlite("run", "--model", self.model, "--input", input, *arguments, status=status)

    def load(self, name, shape):
        array = np.load(self.here / name)
        self.assertEqual((array.dtype, array.shape), (np.dtype("<f4"), shape))
        return array

    def test_all_results(self):
        self.run_net("--logits", "l.npy", "--features", "f.npy", "--cam", "4,0,2", "--maps", "m.npy")
        logits, features = network(self.x, self.weights)
        np.testing.assert_allclose(self.load("l.npy", (3, 5)), logits, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(self.load("f.npy", (3, 6, 6, 5)), features, rtol=1e-4, atol=1e-4)
        maps = np.einsum("kc,nchw->nkhw", self.weights["fc.weight"][[4, 0, 2]].astype(float), features)
        seen = self.load("m.npy", (3, 3, 6, 5))
        np.testing.assert_allclose(seen, maps, rtol=1e-4, atol=1e-4)
        # What class activation maps are: their mean is the logit without the bias.
        bias = self.weights["fc.bias"][[4, 0, 2]]
        np.testing.assert_allclose(seen.mean(axis=(2, 3)), logits[:, [4, 0, 2]] - bias, rtol=1e-4, atol=1e-4)

    def test_another_size_than_the_graphs(self):
        x = np.random.default_rng(2).standard_normal((2, 3, 25, 7)).astype(np.float32)
        np.save(self.here / "x.npy", x)
        self.run_net("--logits", "l.npy", "--features", "f.npy")
        logits, features = network(x, self.weights)
        np.testing.assert_allclose(self.load("l.npy", (2, 5)), logits, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(self.load("f.npy", (2, 6, 12, 3)), features, rtol=1e-4, atol=1e-4)

    def test_one_picture_without_a_batch(self):
        np.save(self.here / "x.npy", self.x[0])
        self.run_net("--logits", "l.npy")
        np.testing.assert_allclose(self.load("l.npy", (1, 5)), network(self.x[:1], self.weights)[0], rtol=1e-4)

    def test_results_do_not_depend_on_batch_and_threads(self):
        self.run_net("--logits", "all.npy", "--threads", "1")
        np.save(self.here / "x.npy", self.x[1:2])
        self.run_net("--logits", "one.npy", "--threads", "2")
        np.testing.assert_array_equal(np.load(self.here / "all.npy")[1], np.load(self.here / "one.npy")[0])

    def test_output_is_said_and_the_top_classes_without_output(self):
        out, _ = self.run_net("--logits", "l.npy")
        self.assertEqual(out, "logits (3, 5)  l.npy\n")
        out, _ = self.run_net()
        self.assertEqual(out.count("x.npy["), 3)
        best = int(network(self.x, self.weights)[0][2].argmax())
        self.assertRegex(out, rf"x\.npy\[2\] \(10x12\)\n +\d+\.\d%  label {'abcde'[best]}\n")

    def test_nothing_is_left_behind_where_it_fails(self):
        self.run_net("--logits", "l.npy", "--features", "missing/f.npy", status=1)
        self.assertEqual(sorted(p.name for p in self.here.iterdir()), ["net.safetensors", "x.npy"])

    def test_the_input_may_be_replaced(self):
        self.run_net("--logits", "x.npy")
        np.testing.assert_allclose(self.load("x.npy", (3, 5)), network(self.x, self.weights)[0], rtol=1e-4, atol=1e-4)

    def test_two_results_do_not_fit_into_one_file(self):
        _, err = self.run_net("--logits", "z.npy", "--features", "./z.npy", status=2)
        self.assertIn("two results", err)
        self.assertFalse((self.here / "z.npy").exists())

    def test_wrong_usage(self):
        for arguments in (["--cam", "1"], ["--maps", "m.npy"], ["--cam", "5", "--maps", "m.npy"],
                          ["--cam", "1,,2", "--maps", "m.npy"], ["--cam", "", "--maps", "m.npy"]):  # fmt: skip
            self.run_net(*arguments, status=2)
        self.camlite("run", "--model", self.model, status=2)

    def test_wrong_shapes(self):
        for shape in ((), (3,), (12, 10), (1, 4, 12, 10), (4, 12, 10), (1, 12, 10, 3), (0, 3, 12, 10),
                      (1, 3, 0, 10), (1, 3, 1, 1), (1, 1, 3, 12, 10)):  # fmt: skip
            np.save(self.here / "x.npy", np.zeros(shape, np.float32))
            _, err = self.run_net("--logits", "l.npy", status=1)
            self.assertFalse((self.here / "l.npy").exists())

    def test_other_types_say_what_to_do(self):
        for array, word in (
            (self.x.astype(np.float64), "float64"),
            (self.x.astype(np.float16), "float16"),
            (self.x.astype(">f4"), "big-endian"),
            (self.x.astype(np.uint8), "'|u1'"),
            (np.asfortranarray(self.x), "ascontiguousarray"),
            (np.zeros(3, [("a", "<f4"), ("b", "<f4")]), "structured"),
        ):
            np.save(self.here / "x.npy", array)
            _, err = self.run_net("--logits", "l.npy", status=1)
            self.assertIn(word, err)
            self.assertIn("x.npy", err)

    def test_versions_of_the_format(self):
        for version in ((1, 0), (2, 0), (3, 0)):
            with open(self.here / "x.npy", "wb") as file:
                np.lib.format.write_array(file, self.x, version=version)
            self.run_net("--logits", "l.npy")
            logits = network(self.x, self.weights)[0]
            np.testing.assert_allclose(self.load("l.npy", (3, 5)), logits, rtol=1e-4, atol=1e-4)

    def test_truncated_anywhere(self):
        whole = (self.here / "x.npy").read_bytes()
        for size in (0, 1, 5, 6, 7, 8, 9, 10, 11, 40, 127, 128, 129, len(whole) - 1):
            (self.here / "x.npy").write_bytes(whole[:size])
            _, err = self.run_net("--logits", "l.npy", status=1)
            self.assertIn("x.npy: ", err)
        (self.here / "x.npy").write_bytes(whole + b"\0")
        self.run_net("--logits", "l.npy", status=1)

    def write_npy(self, header, data=b"", version=1, length=None):
        length = len(header) if length is None else length
        size = struct.pack("<H" if version == 1 else "<I", length)
        (self.here / "x.npy").write_bytes(b"\x93NUMPY" + bytes([version, 0]) + size + header + data)

    def test_bad_headers(self):
        good = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 12, 10), }\n"
        data = self.x[:1].tobytes()
        self.write_npy(good, data)
        self.run_net("--logits", "l.npy")
        self.write_npy(b'{"shape":(1,3,12,10),"fortran_order":False,"descr":"<f4"}', data)
        self.run_net("--logits", "l.npy")
        for bad in (
            b"", b"{", b"}", b"{}", b"\0" * 64, b"\xff" * 64,
            good.replace(b"False", b"false"), good.replace(b"False", b"0"), good.replace(b"'<f4'", b"<f4"),
            good.replace(b"'<f4'", b"'<f4"), good.replace(b"descr", b"dtype"), good.replace(b"(1,", b"[1,"),
            good.replace(b"(1,", b"(-1,"), good.replace(b"(1,", b"(1.0,"), good.replace(b"(1,", b"(1 3,"),
            good.replace(b"(1,", b"(,"), good.replace(b"(1,", b"(99999999999999999999,"),
            good.replace(b"(1,", b"(9223372036854775807,"), good.replace(b"(1,", b"(4611686018427387904,"),
            good.replace(b"(1, 3", b"(4294967296, 4294967296"), good.replace(b"(1,", b"(2,"),
            good.replace(b"}", b"'shape': (1, 3, 12, 10)}"), good.replace(b"}", b"} {}"), good.replace(b", }", b""),
            good.replace(b"}", b"'more': 1}"), good.replace(b"(1,", b"(" + b"1, " * 20000),
        ):  # fmt: skip
            self.write_npy(bad, data)
            _, err = self.run_net("--logits", "l2.npy", status=1)
            self.assertIn("x.npy: ", err)
        for version, length in itertools.product((1, 2, 3), (0, len(good) - 2, 65535)):
            self.write_npy(good, data, version, length)
            self.run_net("--logits", "l2.npy", status=1)
        self.write_npy(good, data, 2, 2**32 - 1)
        self.run_net("--logits", "l2.npy", status=1)
        for version in (0, 4, 255):
            self.write_npy(good, data, version)
            self.run_net("--logits", "l2.npy", status=1)

    def test_other_files(self):
        (self.here / "text.npy").write_text("hello\n")
        (self.here / "folder.npy").mkdir()
        for name in ("text.npy", "folder.npy", "missing.npy", "net.safetensors"):
            self.run_net("--logits", "l.npy", input=name, status=1)

    def test_maps_of_a_network_without_a_cam_head(self):
        write_model(self.model, "input channels=3 height=12 width=10\nflat flatten input\n", {})
        self.run_net("--logits", "l.npy")
        for arguments in (["--features", "f.npy"], ["--cam", "1", "--maps", "m.npy"]):
            _, err = self.run_net(*arguments, status=1)
            self.assertIn("no class activation maps", err)


if __name__ == "__main__":
    unittest.main()
