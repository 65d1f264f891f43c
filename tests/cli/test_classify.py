"""camlite classify: classes and probabilities."""

import unittest

import numpy as np

from support import COLOUR_WEIGHT, DEFAULT_MODEL, GREEN, RED, SOURCE, ProgramTest, read_pixels, softmax, write_model


class Classify(ProgramTest):
    def test_json(self):
        picture = self.picture("p.png", ((0, 0, 10, 10), RED), ((20, 10, 10, 20), GREEN))
        (result,) = self.json("classify", picture, "--model", self.colours())
        self.assertEqual(list(result), ["image", "top"])
        self.assertEqual([list(c) for c in result["top"]], [["class", "label", "probability"]] * 3)
        self.assertEqual([c["class"] for c in result["top"]], [1, 0, 2])
        logits = COLOUR_WEIGHT * np.array([200, 100, 0]) / (40 * 30)
        np.testing.assert_allclose([c["probability"] for c in result["top"]], softmax(logits), rtol=1e-5)

    def test_probabilities_of_ten_crops_are_their_mean(self):
        write_model(
            self.here / "crop.safetensors",
            "input channels=3 height=28 width=28\nrelu relu input\ngap global_avg_pool relu\nprob softmax gap\n",
            {},
            preprocessing="resize=32x32\ncrop=28\nscale=1\nmean=0,0,0\nstd=200,200,200\n",
        )
        picture = self.picture("p.png", ((0, 0, 8, 14), RED), ((20, 25, 11, 7), GREEN), size=(32, 32))
        (result,) = self.json("classify", picture, "--model", "crop.safetensors", "--crops", 10)
        pixels = read_pixels(picture)
        corners = [(0, 0), (4, 0), (0, 4), (4, 4), (2, 2)]  # their mirror images have the same means
        means = [pixels[y : y + 28, x : x + 28].mean(axis=(0, 1)) / 200 for x, y in corners]
        expected = np.mean([softmax(mean) for mean in means], axis=0)
        self.assertEqual(len(result["top"]), 3)
        for c in result["top"]:
            self.assertAlmostEqual(c["probability"], expected[c["class"]], places=5)

    def test_one_line_a_picture_in_order(self):
        names = [f"p{i}.png" for i in range(5)]
        for name in names:
            self.picture(name, ((0, 0, 10, 10), RED))
        results = self.json("classify", *names, "--model", self.colours(), "--top", 1)
        self.assertEqual([r["image"] for r in results], names)
        self.assertEqual([len(r["top"]) for r in results], [1] * 5)

    def test_text(self):
        self.picture("p.png", ((0, 0, 10, 10), RED))
        out, err = self.camlite("classify", "p.png", "--model", self.colours(), "--top", 1)
        self.assertEqual(err, "")
        self.assertRegex(out, r"^p\.png \(40x30\)\n  \d\d\.\d%  n00000001 crimson, red\n$")

    def test_a_model_without_labels_has_numbers(self):
        write_model(
            self.here / "plain.safetensors",
            "input channels=3 height=4 width=4\nrelu relu input\ngap global_avg_pool relu\n",
            {},
        )
        picture = self.picture("p.png", ((0, 0, 10, 10), GREEN))
        (result,) = self.json("classify", picture, "--model", "plain.safetensors")
        self.assertEqual(result["top"][0]["label"], "class 1")

    def test_long_labels_are_cut_in_text_alone(self):
        labels = ["x" * 300, "\u00e9" * 300, "z"]
        picture = self.picture("p.png", ((0, 0, 10, 10), RED))
        model = self.colours(labels=labels)
        out, _ = self.camlite("classify", picture, "--model", model)
        self.assertLess(max(map(len, out.splitlines())), 300)
        self.assertIn("\u00e9" * 45 + "...", out)
        (result,) = self.json("classify", picture, "--model", model)
        self.assertEqual(result["top"][0]["label"], labels[0])

    def test_a_broken_picture_among_good_ones(self):
        self.picture("good.png", ((0, 0, 10, 10), RED))
        (self.here / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        names = ["bad.png", "good.png", "gone.png"]
        results = self.json("classify", *names, "--model", self.colours(), status=1)
        self.assertEqual([r["image"] for r in results], names)
        self.assertEqual([list(r) for r in results], [["image", "error"], ["image", "top"], ["image", "error"]])
        self.assertIn("No such file", results[2]["error"])

    @unittest.skipUnless(DEFAULT_MODEL.exists(), f"THE DEFAULT MODEL IS NOT THERE YET: {DEFAULT_MODEL}")
    def test_without_a_model_the_default_one(self):
        (result,) = self.json("classify", SOURCE / "tests/fixtures/pictures/rgb.jpg")
        self.assertEqual(len(result["top"]), 5)
        self.assertRegex(result["top"][0]["label"], r"^n\d{8} ")


if __name__ == "__main__":
    unittest.main()
