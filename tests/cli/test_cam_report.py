"""camlite cam --report: the page says what the records say, of as many pictures as asked, and needs nothing else."""

import base64
import io
import re
import unittest

import numpy as np
from PIL import Image

from html_page import Page
from support import BLUE, GREEN, RED, ProgramTest


class Gallery:
    """The figures of a page: their pictures, and the lines of their captions."""

    def __init__(self, page):
        self.figures = []
        for tag, attributes, words in page.elements:
            if tag == "figure":
                self.figures.append({"words": [], "bold": [], "picture": None})
            elif tag == "img":
                self.figures[-1]["picture"] = attributes
            elif tag == "b":
                self.figures[-1]["bold"].append(words)
            elif attributes.get("class") in ("file", "label", "unread"):
                self.figures[-1]["words"].append(words)

    def pixels(self, figure):
        kind, content = self.figures[figure]["picture"]["src"].split(",", 1)
        assert kind == "data:image/jpeg;base64", kind
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")).astype(int)


class Report(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.colours()
        self.picture("set/a <b> & \"c\".png", ((8, 6, 16, 12), RED), size=(64, 48))
        self.picture("set/d.png", ((30, 10, 20, 20), GREEN), ((0, 0, 8, 8), BLUE), size=(64, 48))
        (self.here / "set/e.png").write_bytes(b"no picture")

    def page(self, *arguments, status=1):
        self.camlite("cam", "set", "--model", self.model, "--whole", "--no-overlay", "--report", "page", *arguments, status=status)
        text = (self.here / "page/index.html").read_text()
        return Gallery(Page(text)), text

    def test_figures(self):
        page, text = self.page("--top", 2)
        records = self.json("cam", "set", "--model", self.model, "--whole", "--no-overlay", "--top", 2, status=1)
        self.assertEqual(len(page.figures), 3)
        for figure, record in zip(page.figures, records[:2]):
            self.assertEqual(figure["words"][0], record["image"])
            said = [f"{100 * one['probability']:.1f}%: {one['label']}" for one in record["top"]]
            self.assertEqual(figure["words"][1:], said)
            self.assertEqual(figure["bold"], said[:1])
        self.assertIn("set/e.png", " ".join(page.figures[2]["words"]))
        self.assertIsNone(page.figures[2]["picture"])

        # The box is where the record has it, four times as large, and its line is magenta.
        pixels = page.pixels(0)
        self.assertEqual(pixels.shape, (192, 256, 3))
        x, y, width, height = (4 * n for n in records[0]["top"][0]["box"])
        line = pixels[y + 1, x + 8 : x + width - 8]
        self.assertLess(np.abs(line - (255, 0, 255)).mean(), 80)  # JPEG blurs colours
        self.assertGreater(np.abs(pixels[y + height // 2, x + width // 2] - (255, 0, 255)).sum(), 100)

        # Nothing from elsewhere.
        self.assertFalse(re.findall(r"(?:src|href)=\"(?!data:)", text))
        self.assertIn("default-src 'none'", text)

    def test_the_class_that_is_asked_for(self):
        page, _ = self.page("--top", 1, "--class", "sea green")
        for figure in page.figures[:2]:
            self.assertEqual(len(figure["words"]), 3)
            self.assertIn("sea green", figure["bold"][0])

    def test_so_many_pictures(self):
        for i in range(20):
            self.picture(f"set/x{i:02}.png", ((8, 6, 16, 12), RED))
        page, text = self.page("--report-pictures", 5)
        self.assertEqual([figure["words"][0] for figure in page.figures[3:]], ["set/x00.png", "set/x01.png"])
        self.assertIn("The first 5 of 23 pictures", text)

    def test_of_a_run_that_goes_on(self):
        arguments = ["--output", "out.csv", "--resume"]
        self.camlite("cam", "set", "--model", self.model, "--whole", "--no-overlay", *arguments, status=1)
        page, _ = self.page(*arguments)
        self.assertEqual(len(page.figures), 3)
        self.assertIsNotNone(page.figures[1]["picture"])

    def test_where_it_cannot_be(self):
        (self.here / "file").touch()
        _, err = self.camlite("cam", "set", "--model", self.model, "--no-overlay", "--report", "file", status=1)
        self.assertIn("file", err)
        _, err = self.camlite("cam", "set", "--model", self.model, "--report-pictures", 5, status=2)
        self.assertIn("--report", err)


if __name__ == "__main__":
    unittest.main()
