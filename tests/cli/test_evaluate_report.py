"""camlite evaluate --report: the page holds what --json has, every picture decodes, labels are only words."""

import base64
import io
import json
import re
import unittest

import numpy as np
from PIL import Image

from html_page import Page
from support import ProgramTest

LABELS = [
    "n00000001 crimson, red & <b>bold</b>",
    'n00000002 leaf "green"',
    "n00000003 sea's blue</table><script>alert(1)</script>",
]
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def percent(share):
    return f"{100 * share:.2f}%"


class ReportTest(ProgramTest):
    """Black pictures with a square whose colour is the class; where and what the truth has is made up."""

    def small_set(self, count=30, seed=3):
        random = np.random.default_rng(seed)
        self.model = self.colours(labels=LABELS)
        self.lines = []
        for i in range(count):
            colour, true_class = random.integers(0, 3), random.integers(0, 3)
            x, y = random.integers(0, 20), random.integers(0, 12)
            name = f"set/<i>&amp;'{i}'.png" if i % 2 else f"set/{i}.png"
            self.picture(name, ((x, y, 18, 16), COLOURS[colour]))
            shift = random.integers(-8, 9)
            x0, y0 = max(0, x + shift), y
            box = (x0, y0, min(39, x0 + 17), min(29, y0 + 15))
            self.lines.append((name[4:], int(true_class), box, int(colour)))
        self.write_truth()

    def write_truth(self):
        rows = ["\t".join([name, str(k), *map(str, box)]) for name, k, box, _ in self.lines]
        (self.here / "truth.tsv").write_text("\n".join(rows) + "\n")

    def report(self, *options, status=0, model=True, truth="truth.tsv"):
        options = ["--truth", truth, *(["--model", self.model] if model else []), *options]
        (line,) = self.json("evaluate", *options, "--report", "deep/page", "--quiet", status=status)
        self.assertEqual([path.name for path in (self.here / "deep/page").iterdir()], ["index.html"])
        self.text = (self.here / "deep/page/index.html").read_text()
        return line, Page(self.text)

    def pictures(self, page):
        out = []
        for _, attributes, _ in page.all("img"):
            kind, data = attributes["src"].split(",", 1)
            self.assertEqual(kind, "data:image/jpeg;base64")
            with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as picture:
                out.append(np.asarray(picture.convert("RGB")).astype(int))
        return out


class Report(ReportTest):
    def test_it_has_the_figures_of_json(self):
        self.small_set()
        line, page = self.report("--images", "set")
        rows = {row[0]: row[1:] for row in page.rows("figures")}
        titles = {
            "top1_error": "top-1 classification error",
            "top5_error": "top-5 classification error",
            "top1_loc_error": "top-1 localization error",
            "top5_loc_error": "top-5 localization error",
            "gt_known_loc_error": "localization error, class known",
            "max_box_acc": "MaxBoxAcc",
            "max_box_acc_v2": "MaxBoxAccV2",
        }
        self.assertEqual(set(rows) - {""}, set(titles.values()))
        for name, title in titles.items():
            value, interval, whole, centred, remark = rows[title]
            self.assertEqual(value, percent(line[name]))
            self.assertEqual(interval, " to ".join(map(percent, line["intervals"][name])))
            self.assertEqual(whole, percent(line["whole_picture"][name]) if name in line["whole_picture"] else "")
            self.assertEqual(centred, percent(line["centred_box"][name]) if name in line["centred_box"] else "")
            self.assertEqual(remark != "", name.startswith("max_box"))
        self.assertIn(f"at threshold {line['max_box_acc_threshold']:.2f}", rows["MaxBoxAcc"][4])

    def test_the_curves_are_the_accuracies_of_the_records(self):
        self.small_set()
        line, page = self.report("--images", "set", "--records", "r.jsonl")
        records = (self.here / "r.jsonl").read_text().splitlines()[1:]
        overlaps = np.array([json.loads(record)["overlaps"] for record in records])
        curves, marks = page.all("polyline"), page.all("circle")
        self.assertEqual((len(curves), len(marks)), (3, 3))
        ticks = [text for tag, _, text in page.elements if tag == "text"]
        for i, wanted in enumerate((0.3, 0.5, 0.7)):
            accuracy = (overlaps >= wanted).mean(axis=0)
            x, y = np.array([point.split(",") for point in curves[i][1]["points"].split()], float).T
            self.assertEqual(len(x), 100)
            # Both axes are straight: where they lie is taken from the ends and from one point.
            bottom, high = y[accuracy.argmin()], accuracy.max() - accuracy.min()
            scale = (bottom - y.min()) / high
            np.testing.assert_allclose(bottom - y, scale * (accuracy - accuracy.min()), atol=0.11)
            np.testing.assert_allclose(x, np.linspace(x[0], x[-1], 100), atol=0.11)
            best = accuracy.argmax()
            mark = marks[i][1]
            self.assertEqual((float(mark["cx"]), float(mark["cy"])), (x[best], y[best]))
            self.assertAlmostEqual(line["max_box_acc_v2_thresholds"][i], best / 100, places=6)
            self.assertIn(f"{percent(accuracy.max())} at {best / 100:.2f}", ticks)

    def test_the_rows_of_the_classes_add_up(self):
        self.small_set(60)
        line, page = self.report("--images", "set")
        _, *rows, whole = page.rows("classes")
        self.assertEqual(whole[0], "all")
        self.assertEqual({row[0] for row in rows}, set(LABELS))
        counts = {LABELS[k]: sum(1 for one in self.lines if one[1] == k) for k in range(3)}
        wrong = {LABELS[k]: sum(1 for one in self.lines if one[1] == k != one[3]) for k in range(3)}
        for row in rows:
            self.assertEqual(int(row[1]), counts[row[0]])
            self.assertEqual(row[2], percent(wrong[row[0]] / counts[row[0]]))
        self.assertEqual(int(whole[1]), 60)
        for column, name in ((2, "top1_error"), (3, "top1_loc_error"), (4, "gt_known_loc_error")):
            self.assertEqual(whole[column], percent(line[name]))
            total = sum(round(int(row[1]) * float(row[column].rstrip("%")) / 100) for row in rows)
            self.assertAlmostEqual(total / 60, line[name], places=6)
        mean = sum(int(row[1]) * float(row[5]) for row in rows) / 60
        self.assertAlmostEqual(mean, float(whole[5]), delta=0.001)
        errors = [float(row[4].rstrip("%")) for row in rows]
        self.assertEqual(errors, sorted(errors, reverse=True))

    def test_labels_and_file_names_are_words_only(self):
        self.small_set()
        _, page = self.report("--images", "set")
        for written in ("<b>bold", "<i>&amp;'", "alert(1)</script>", 'leaf "green"'):
            self.assertNotIn(written, self.text)
        self.assertEqual(len(page.all("script")), 1)
        self.assertEqual(page.all("i"), [])
        captions = " ".join(text for _, _, text in page.all("figcaption"))
        for label in LABELS:
            self.assertIn(label, captions)
        for name, *_ in self.lines:
            self.assertIn(name, captions)
            self.assertTrue(any(name in attributes["alt"] for _, attributes, _ in page.all("img")))

    def test_it_needs_nothing_from_elsewhere(self):
        self.small_set()
        _, page = self.report("--images", "set")
        without_pictures = re.sub(r'"data:image/jpeg;base64,[^"]*"', "", self.text)
        self.assertIsNone(re.search(r"https?:|//[a-z]|url\(|@import|<link|<iframe", without_pictures))
        for tag, attributes, _ in page.elements:
            self.assertNotIn("href", attributes)
            self.assertFalse(any(name.startswith("on") for name in attributes), (tag, attributes))
            if "src" in attributes:
                self.assertTrue(tag == "img" and attributes["src"].startswith("data:"))

    def test_the_gallery_is_of_the_best_and_the_worst(self):
        self.small_set()
        _, page = self.report("--images", "set", "--report-pictures", 4)
        self.assertEqual([text for _, _, text in page.all("h3")], ["Best 4", "Worst 4"])
        captions = [text for _, _, text in page.all("figcaption")]
        overlaps = [float(text.split()[0]) for text in captions]
        self.assertEqual(len(captions), 8)
        self.assertEqual(overlaps[:4], sorted(overlaps[:4], reverse=True))
        self.assertEqual(overlaps[4:], sorted(overlaps[4:]))
        truths = {name: (k, colour) for name, k, _, colour in self.lines}
        for caption in captions:
            (name,) = [name for name in truths if f" {name}true: " in caption]
            k, colour = truths[name]
            self.assertIn(f"true: {LABELS[k]}predicted, ", caption)
            self.assertRegex(caption, r"predicted, \d+\.\d%: " + re.escape(LABELS[colour]) + "$")
        pictures = self.pictures(page)
        self.assertEqual({picture.shape for picture in pictures}, {(192, 256, 3)})

        # Few enough that nothing is shown twice.
        _, page = self.report("--images", "set", "--report-pictures", 24)
        self.assertEqual([text for _, _, text in page.all("h3")], ["Best 15", "Worst 15"])
        shown = {re.sub("true: .*", "", text) for _, _, text in page.all("figcaption")}
        self.assertEqual(len(shown), 30)

    def test_boxes_are_drawn_where_they_are(self):
        self.model = self.colours(labels=LABELS)
        # Of 32 x 32 pixels, eight in the page for one here: red at (4, 8) to (19, 23), the truth elsewhere.
        self.picture("set/a.png", ((4, 8, 16, 16), COLOURS[0]), size=(32, 32))
        self.lines = [("a.png", 0, (12, 4, 27, 27), 0)]
        self.write_truth()
        _, page = self.report("--images", "set")
        (picture,) = self.pictures(page)
        self.assertEqual(picture.shape, (256, 256, 3))
        self.assertEqual([text for _, _, text in page.all("h3")], ["Best 1"])
        (caption,) = [text for _, _, text in page.all("figcaption")]
        self.assertEqual(caption.split()[0], f"{8 * 16 / (16 * 16 + 16 * 24 - 8 * 16):.2f}")
        magenta = (picture[:, :, 0] > 170) & (picture[:, :, 1] < 100) & (picture[:, :, 2] > 170)
        white = picture.min(axis=2) > 190
        for pixels, (x0, y0, x1, y1) in ((magenta, (4, 8, 20, 24)), (white, (12, 4, 28, 28))):
            rows, columns = np.nonzero(pixels)
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            np.testing.assert_allclose(edges, np.multiply(8, (x0, y0, x1, y1)), atol=3)

    def test_pictures_are_shown_as_they_are_stored(self):
        self.model = self.colours(labels=LABELS)
        pixels = np.zeros((32, 64, 3), np.uint8)
        pixels[4:28, 4:28] = COLOURS[0]
        turned = Image.Exif()
        turned[0x112] = 6
        (self.here / "set").mkdir()
        Image.fromarray(pixels).save(self.here / "set/a.jpg", quality=95, exif=turned)
        self.lines = [("a.jpg", 0, (4, 4, 27, 27), 0)]
        self.write_truth()
        _, page = self.report("--images", "set")
        (picture,) = self.pictures(page)
        self.assertEqual(picture.shape, (128, 256, 3))
        rows, columns = np.nonzero(picture.min(axis=2) > 190)
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        np.testing.assert_allclose(edges, (16, 16, 112, 112), atol=3)

    def test_a_picture_that_is_gone_is_named(self):
        self.small_set()
        self.report("--images", "set", "--records", "r.jsonl")
        (self.here / "set/4.png").write_text("no picture")
        _, page = self.report("--images", "set", "--records", "r.jsonl", status=1)
        unread = [text for tag, attributes, text in page.elements if attributes.get("class") == "unread"]
        self.assertEqual(len(unread), 1)
        self.assertIn("set/4.png: ", unread[0])
        self.assertEqual(len(page.all("img")), 29)
        self.picture("set/4.png", size=(39, 30))
        _, page = self.report("--images", "set", "--records", "r.jsonl", status=1)
        (unread,) = [text for tag, attributes, text in page.elements if attributes.get("class") == "unread"]
        self.assertIn("now a picture of 39 x 30 pixels, it was of 40 x 30", unread)

    def test_score_maps_with_and_without_pictures(self):
        self.small_set()
        words = ["rot & blau", "<gruen>", "blau"]
        rows = ["\t".join([name, words[k], *map(str, box)]) for name, k, box, _ in self.lines]
        (self.here / "maps").mkdir()
        for name, *_ in self.lines:
            with Image.open(self.here / "set" / name) as picture:
                score_map = np.asarray(picture).max(axis=2) / 255
            np.save(self.here / "maps" / f"{name}.npy", score_map.astype(np.float64))
        (self.here / "truth.tsv").write_text("\n".join(rows) + "\n")
        line, page = self.report("--images", "set", "--scoremaps", "maps", model=False)
        _, *rows, whole = page.rows("classes")
        self.assertEqual({row[0] for row in rows}, set(words))
        self.assertEqual(whole[2], percent(1 - line["max_box_acc"]))
        self.assertEqual([row[0] for row in page.rows("figures")], ["", "MaxBoxAcc", "MaxBoxAccV2"])
        pictures = self.pictures(page)
        self.assertEqual(len(pictures), 30)
        magenta = [((p[:, :, 0] > 150) & (p[:, :, 1] < 110) & (p[:, :, 2] > 150)).any() for p in pictures]
        self.assertTrue(all(magenta))
        captions = " ".join(text for _, _, text in page.all("figcaption"))
        self.assertNotIn("predicted", captions)
        self.assertIn("true: <gruen>", captions)

        # Without pictures, on black; the truth is then the benchmark's three files.
        (self.here / "metadata").mkdir()
        for file, row in (
            ("localization", lambda name, k, box: [name, *box]),
            ("class_labels", lambda name, k, box: [name, k]),
            ("image_sizes", lambda name, k, box: [name, 40, 30]),
        ):
            rows = [",".join(map(str, row(name, k, box))) for name, k, box, _ in self.lines]
            (self.here / f"metadata/{file}.txt").write_text("\n".join(rows) + "\n")
        again, page = self.report("--scoremaps", "maps", model=False, truth="metadata")
        self.assertEqual(again["max_box_acc"], line["max_box_acc"])
        self.assertEqual([picture.shape for picture in self.pictures(page)], [(192, 256, 3)] * 30)
        self.assertEqual({row[0] for row in page.rows("classes")[1:-1]}, {"0", "1", "2"})

    def test_the_folder_is_made_before_the_work(self):
        self.small_set(3)
        (self.here / "file").write_text("")
        options = ["--images", "set", "--truth", "truth.tsv", "--model", self.model]
        out, err = self.camlite("evaluate", *options, "--report", "file/page", status=1)
        self.assertEqual(out, "")
        self.assertIn("file/page: cannot make the folder", err)
        out, _ = self.camlite("evaluate", *options, "--report", "new/page")
        self.assertTrue(out.endswith("  report: new/page/index.html\n"), out)
        self.camlite("evaluate", *options, "--report-pictures", 3, status=2)
        self.camlite("evaluate", *options, "--report", "p", "--report-pictures", 0, status=2)


if __name__ == "__main__":
    unittest.main()
