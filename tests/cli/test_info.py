"""camlite info: numbers that can be counted by hand, and files that are no models."""

import json
import struct
import unittest

import numpy as np

from support import DEFAULT_MODEL, ProgramTest, write_model

GRAPH = """input channels=3 height=8 width=8
conv conv2d input out_channels=4 kernel=3 padding=1
relu relu conv
pool max_pool2d relu kernel=2 stride=2
gap global_avg_pool pool
fc linear gap out_features=5
"""
TENSORS = {
    "conv.weight": np.ones((4, 3, 3, 3)), "conv.bias": np.ones(4), "fc.weight": np.ones((5, 4)), "fc.bias": np.ones(5),
}  # fmt: skip


class Info(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.here / "m.safetensors"
        write_model(self.model, GRAPH, TENSORS, notes={"license": "MIT", "about": "two\nlines \x1b[31m"})

    def test_json(self):
        (facts,) = self.json("info", self.model)
        convolution = facts["layers"][0]
        self.assertEqual(convolution["name"], "conv")
        self.assertEqual(convolution["operator"], "conv2d+relu")
        self.assertEqual(convolution["output"], [1, 8, 8, 4])
        self.assertEqual(convolution["parameters"], 4 * 3 * 9 + 4)
        self.assertEqual(convolution["multiply_adds"], 8 * 8 * 4 * 3 * 9)
        operators = [layer["operator"] for layer in facts["layers"]]
        self.assertEqual(operators, ["conv2d+relu", "max_pool2d", "global_avg_pool", "linear"])
        self.assertEqual(facts["parameters"], 4 * 3 * 9 + 4 + 4 * 5 + 5)
        self.assertEqual(facts["multiply_adds"], 8 * 8 * 4 * 3 * 9 + 4 * 5)
        self.assertEqual(facts["input"], [1, 8, 8, 3])
        self.assertEqual(facts["classes"], 5)
        self.assertEqual(facts["labels"], [])
        self.assertTrue(facts["cam_head"])
        self.assertEqual([facts[f"cam_{key}"] for key in ("features", "pool", "classifier")], ["pool", "gap", "fc"])
        self.assertIsNone(facts["cam_reason"])
        self.assertGreaterEqual(facts["weight_bytes"], 4 * facts["parameters"])
        self.assertGreaterEqual(facts["workspace_bytes"], 4 * 8 * 8 * 4)
        self.assertEqual(facts["notes"], {"license": "MIT", "about": "two\nlines \x1b[31m"})

    def test_text(self):
        out, err = self.camlite("info", self.model)
        self.assertEqual(err, "")
        self.assertRegex(out, r"\n  conv +conv2d\+relu +8x8x4 +112 +0\.01 M +implicit gemm")
        self.assertRegex(out, r"\n  total +137 ")
        self.assertRegex(out, r"\n  CAM head +features pool \(4x4x4\) -> global_avg_pool gap -> linear fc\n")
        self.assertRegex(out, r"\n  boxes +above 0\.2 of a map's maximum\n")
        self.assertRegex(out, r"\n  license +MIT\n")
        self.assertNotIn("\x1b", out)

    def test_a_head_without_a_linear_layer(self):
        graph = GRAPH.replace("fc linear gap out_features=5\n", "prob softmax gap\n")
        write_model(self.model, graph, {key: value for key, value in TENSORS.items() if key.startswith("conv")})
        (facts,) = self.json("info", self.model)
        self.assertTrue(facts["cam_head"])
        self.assertEqual(facts["cam_pool"], "gap")
        self.assertIsNone(facts["cam_classifier"])
        out, _ = self.camlite("info", self.model)
        self.assertIn("features pool (4x4x4) -> global_avg_pool gap, whose channels are the classes\n", out)

    def test_a_head_with_a_convolution(self):
        graph = GRAPH.replace("fc linear gap out_features=5", "fc conv2d gap out_channels=5 kernel=1")
        write_model(self.model, graph, {**TENSORS, "fc.weight": np.ones((5, 4, 1, 1))})
        (facts,) = self.json("info", self.model)
        self.assertEqual(facts["cam_classifier"], "fc")
        self.assertEqual(facts["multiply_adds"], 8 * 8 * 4 * 3 * 9 + 4 * 5)
        out, _ = self.camlite("info", self.model)
        self.assertIn("features pool (4x4x4) -> global_avg_pool gap -> conv2d fc\n", out)

    def test_no_head(self):
        graph = GRAPH.replace("gap global_avg_pool", "flat flatten").replace("gap", "flat")
        write_model(self.model, graph, {**TENSORS, "fc.weight": np.ones((5, 64))})
        (facts,) = self.json("info", self.model)
        self.assertFalse(facts["cam_head"])
        for key in ("cam_features", "cam_pool", "cam_classifier"):
            self.assertIsNone(facts[key])
        self.assertIn("fc (linear) leads from the last feature map, that of pool (max_pool2d)", facts["cam_reason"])
        out, _ = self.camlite("info", self.model)
        self.assertIn("none: " + facts["cam_reason"], out)

    def test_labels_alone(self):
        out, _ = self.camlite("info", self.colours(), "--labels")
        self.assertEqual(out.splitlines()[0], "0\tn00000001 crimson, red")
        self.assertEqual(len(out.splitlines()), 3)
        (one,) = self.json("info", self.colours(), "--labels")
        self.assertEqual((one["classes"], one["labels"][0]), (3, "n00000001 crimson, red"))

    def test_another_size(self):
        (facts,) = self.json("info", "--model", self.model, "--size", 16)
        self.assertEqual(facts["input"], [1, 16, 16, 3])
        self.assertEqual(facts["layers"][0]["multiply_adds"], 16 * 16 * 4 * 3 * 9)

    def test_the_papers_network(self):
        # 13 convolutions of VGG16 (Simonyan and Zisserman, 2014), CAM_conv and the linear layer.
        for groups in (1, 2):
            (facts,) = self.json("info", "--arch", "vgg16-gap", "--groups", groups)
            head = 512 // groups * 1024 * 9 + 1024 + 1024 * 1000 + 1000
            self.assertEqual(facts["parameters"], 14_714_688 + head)
            cam_conv = 14 * 14 * 9 * (512 // groups) * 1024
            self.assertAlmostEqual((facts["multiply_adds"] - cam_conv) / 1e9, 15.347, delta=0.01)
        _, err = self.camlite("info", "--arch", "resnet1000", status=2)
        self.assertIn("vgg16-gap", err)
        self.camlite("info", "--arch", "vgg16-gap", "--groups", 3, status=2)

    @unittest.skipUnless(DEFAULT_MODEL.exists(), f"THE DEFAULT MODEL IS NOT THERE YET: {DEFAULT_MODEL}")
    def test_without_a_model_the_default_one(self):
        (facts,) = self.json("info")
        self.assertEqual(facts["classes"], 200)
        self.assertTrue(facts["cam_head"])


class BrokenModels(ProgramTest):
    def refused(self, content, *words):
        path = self.here / "m.safetensors"
        path.write_bytes(content)
        _, err = self.camlite("info", path, status=1)
        for word in (str(path), *words):
            self.assertIn(word, err)

    def file_of(self, header, data=b""):
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data

    def test_missing_and_directory(self):
        self.camlite("info", "missing.safetensors", status=1)
        self.camlite("info", self.here, status=1)
        self.camlite("classify", "a.png", "--model", "missing.safetensors", status=1)

    def test_empty(self):
        self.refused(b"", "0 bytes")

    def test_text(self):
        self.refused(b"This is a text file, and not a model at all.\n")

    def test_truncated_anywhere(self):
        path = self.here / "whole.safetensors"
        write_model(path, GRAPH, TENSORS)
        whole = path.read_bytes()
        self.camlite("info", path)
        for size in (1, 7, 8, 9, 100, len(whole) // 2, len(whole) - 1):
            self.refused(whole[:size])

    def test_a_header_of_a_huge_size(self):
        for length in (2**63 - 1, 2**64 - 1, 2**40, 1000):
            self.refused(struct.pack("<Q", length) + b"{}", "header")

    def test_a_tensor_of_a_huge_size(self):
        for shape in ([2**40], [2**62, 2], [2**32, 2**32], [2**63]):
            tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}
            self.refused(self.file_of({"conv.weight": tensor}, b"\0" * 4), "conv.weight")

    def test_a_graph_of_a_huge_size(self):
        for graph in (
            "input channels=3 height=4000000000000000000 width=4000000000000000000\nr relu input\n",
            "input channels=3 height=8 width=8\nc conv2d input out_channels=9000000000000000000 kernel=3\n",
        ):
            metadata = {"camlite.version": "1", "camlite.graph": graph}
            self.refused(self.file_of({"__metadata__": metadata}))

    def test_a_huge_input_costs_no_memory_to_look_at(self):
        write_model(self.here / "m", "input channels=3 height=1000000 width=1000000\nr relu input\n", {})
        for command in (["info", "m"], ["bench", "--model", "m", "--runs", 1]):
            _, err = self.camlite(*command, status=1)
            self.assertIn("m: the picture has 3000000000000 elements, more than the limit of 4294967296", err)
        (facts,) = self.json("info", "m", "--max-memory", 100000)
        self.assertGreater(facts["workspace_bytes"], 10**12)

    def test_somebody_elses_safetensors(self):
        self.refused(self.file_of({"__metadata__": {"format": "pt"}}), "not a camlite model")


if __name__ == "__main__":
    unittest.main()
