"""camlite cam: overlays, boxes, their names, and what happens to pictures that cannot be read."""

import os
import shutil
import unittest

import numpy as np

from support import BLUE, COLOUR_WEIGHT, GREEN, PICTURES, RED, ProgramTest, read_pixels, softmax, write_model


class Cam(ProgramTest):
    def test_boxes_are_where_the_colours_are(self):
        # The map of a class is the picture's own channel, so its box is the square.
        picture = self.picture("two.png", ((3, 4, 20, 10), RED), ((28, 15, 9, 12), GREEN))
        (result,) = self.json("cam", picture, "--model", self.colours())
        self.assertEqual(list(result), ["image", "top", "overlay", "overlay_class"])
        self.assertEqual(result["overlay_class"], result["top"][0]["class"])
        self.assertEqual(result["image"], str(picture))
        self.assertEqual([c["class"] for c in result["top"]], [0, 1, 2])
        self.assertEqual(result["top"][0]["label"], "n00000001 crimson, red")
        self.assertEqual([c["box"] for c in result["top"]], [[3, 4, 20, 10], [28, 15, 9, 12], None])
        logits = COLOUR_WEIGHT * np.array([200, 108, 0]) / (40 * 30)
        np.testing.assert_allclose([c["probability"] for c in result["top"]], softmax(logits), rtol=1e-5)

    def test_the_box_is_the_largest_regions(self):
        picture = self.picture("parts.png", ((1, 1, 5, 5), RED), ((20, 10, 12, 9), RED), ((35, 25, 3, 3), RED))
        (result,) = self.json("cam", picture, "--model", self.colours())
        self.assertEqual(result["top"][0]["box"], [20, 10, 12, 9])

    def test_threshold_is_a_share_of_the_maximum(self):
        picture = self.picture("dim.png", ((2, 2, 30, 20), (60, 0, 0)), ((10, 10, 5, 5), RED))
        box = lambda *options: self.json("cam", picture, "--model", self.colours(), *options)[0]["top"][0]["box"]
        self.assertEqual(box(), [2, 2, 30, 20])
        self.assertEqual(box("--threshold", "0.3"), [10, 10, 5, 5])
        asking = self.here / "asking.safetensors"
        self.camlite("convert", self.colours(), asking, "--box-threshold", 0.3)
        look = lambda *options: self.json("cam", picture, "--model", asking, *options)[0]["top"][0]["box"]
        self.assertEqual(look(), [10, 10, 5, 5])
        self.assertEqual(look("--threshold", 0.2), [2, 2, 30, 20])
        for wrong in ("nan", "-0.1", "1.5", "x"):
            self.camlite("cam", picture, "--model", self.colours(), "--threshold", wrong, status=2)

    def test_text_for_people(self):
        self.picture("cat.png", ((3, 4, 20, 10), RED))
        out, err = self.camlite("cam", "cat.png", "--model", self.colours(), "--top", 2)
        self.assertEqual(err, "")
        lines = out.splitlines()
        self.assertEqual(lines[0], "cat.png (40x30)")
        self.assertRegex(lines[1], r"^  \d\d\.\d%  n00000001 crimson, red  box 3,4 20x10$")
        self.assertRegex(lines[2], r"^  \d\d\.\d%  n00000002 leaf green    no box: its map is nowhere above the threshold$")
        self.assertEqual(lines[3:], ["  overlay: cat.cam.png (n00000001 crimson, red)"])
        self.assertTrue((self.here / "cat.cam.png").is_file())

    def test_top_may_be_more_than_there_are_classes(self):
        picture = self.picture("cat.png", ((3, 4, 20, 10), RED))
        (result,) = self.json("cam", picture, "--model", self.colours(), "--top", 100)
        self.assertEqual(len(result["top"]), 3)

    def test_view_of_a_resized_and_cropped_picture(self):
        # 40 x 20, shorter side to 10, centre 10 x 10: the network sees the columns 10 to 29.
        write_model(
            self.here / "crop.safetensors",
            "input channels=3 height=10 width=10\nrelu relu input\ngap global_avg_pool relu\n",
            {},
            preprocessing=f"resize=10\ncrop=10\nscale={1 / 255!r}\nmean=0,0,0\nstd=1,1,1\n",
        )
        picture = self.picture("wide.png", ((0, 0, 40, 20), RED), size=(40, 20))
        boxes = lambda *more: self.json("cam", picture, "--model", "crop.safetensors", *more)[0]["top"][0]["box"]
        self.assertEqual(boxes(), [10, 0, 20, 20])
        self.assertEqual(boxes("--whole"), [0, 0, 40, 20])
        self.assertEqual(boxes("--size", "20"), [10, 0, 20, 20])

    def test_photographs_are_turned_as_pillow_turns_them(self):
        from PIL import Image, ImageOps

        stored = Image.open(self.picture("p.png", ((3, 4, 20, 10), RED), ((28, 15, 9, 12), GREEN)))
        boxes = set()
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            stored.save(self.here / "photo.jpg", quality=100, subsampling=0, exif=exif)
            ImageOps.exif_transpose(Image.open(self.here / "photo.jpg")).save(self.here / "turned.png")
            photo, turned = self.json("cam", "photo.jpg", "turned.png", "--model", self.colours(), "--no-overlay")
            self.assertEqual([c["box"] for c in photo["top"]], [c["box"] for c in turned["top"]])
            boxes.add(str(photo["top"][0]["box"]))
        self.assertEqual(len(boxes), 8)

    def test_ten_crops_see_the_whole_picture(self):
        # 64 x 32 at 32 x 32, crops of 28: the map of a class is the picture's own channel, merged from four crops or
        # more in the middle. The square is 16 x 8 there.
        write_model(
            self.here / "crop.safetensors",
            "input channels=3 height=28 width=28\nrelu relu input\ngap global_avg_pool relu\n",
            {},
            preprocessing=f"resize=32x32\ncrop=28\nscale={1 / 255!r}\nmean=0,0,0\nstd=1,1,1\n",
        )
        picture = self.picture("wide.png", ((4, 12, 56, 8), RED), size=(64, 32))
        look = lambda *more: self.json("cam", picture, "--model", "crop.safetensors", "--top", "1", *more)[0]["top"][0]
        x, y, width, height = look("--crops", "10")["box"]
        self.assertLessEqual(max(abs(x - 4), abs(x + width - 60)), 2)
        self.assertLessEqual(max(abs(y - 12), abs(y + height - 20)), 1)
        x, y, width, height = look()["box"]  # without, the edges are not seen
        self.assertGreaterEqual(x, 3)

    def test_ten_crops_are_one_or_ten_and_say_where_to_look_themselves(self):
        picture = self.picture("cat.png", ((3, 4, 20, 10), RED))
        model = self.colours()
        for wrong in (("--crops", "5"), ("--crops", "10", "--whole"), ("--crops", "10", "--size", "64")):
            for command in ("cam", "classify"):
                self.camlite(command, picture, "--model", model, *wrong, status=2)


class Overlay(ProgramTest):
    def overlay(self, *options, name="cat.cam.png"):
        self.camlite("cam", self.here / "cat.png", "--model", self.colours(), *options)
        return read_pixels(self.here / name).astype(int)

    def setUp(self):
        super().setUp()
        self.pixels = read_pixels(self.picture("cat.png", ((3, 4, 20, 10), RED), ((28, 15, 9, 12), (0, 90, 0))))

    def test_without_heat_it_is_the_picture_and_the_box(self):
        seen = self.overlay("--alpha", "0", "--no-caption")
        self.assertEqual(seen.shape, self.pixels.shape)
        outside = np.ones(seen.shape[:2], bool)
        outside[4:14, 3:23] = False
        np.testing.assert_array_equal(seen[outside], self.pixels[outside])
        inside = np.s_[8:10, 8:18]
        np.testing.assert_array_equal(seen[inside], self.pixels[inside])
        np.testing.assert_array_equal(seen[4, 3:23], 0)
        np.testing.assert_array_equal(seen[5, 4:22], 255)

    def test_plain_is_the_heat_over_the_picture_alone(self):
        np.testing.assert_array_equal(self.overlay("--plain", "--alpha", "0"), self.pixels)
        heat = self.overlay("--plain", "--alpha", "1", "--colormap", "gray")
        np.testing.assert_array_equal(heat, np.repeat(self.pixels[:, :, :1], 3, axis=2))
        half = self.overlay("--plain", "--colormap", "gray")
        np.testing.assert_array_equal(half, (self.pixels + heat + 1) // 2)

    def test_small_pictures_have_their_caption_below(self):
        seen, without = self.overlay(), self.overlay("--no-caption")
        self.assertEqual(seen.shape, (30 + 15 + 15, 40, 3))
        np.testing.assert_array_equal(seen[:30], without)
        self.assertEqual(set(map(tuple, seen[30:].reshape(-1, 3))), {(0, 0, 0), (255, 255, 255)})

    def test_larger_pictures_have_it_above_the_box(self):
        self.picture("cat.png", ((100, 60, 150, 100), RED), size=(400, 300))
        (result,) = self.json("cam", "cat.png", "--model", self.colours(), "--class", "red")
        self.assertEqual(result["top"][0]["box"], [100, 60, 150, 100])
        captioned, without = read_pixels(self.here / "cat.cam.png"), self.overlay("--no-caption")
        y, x = np.nonzero((captioned != without).any(axis=2))
        width = 6 * len(f"crimson, red {100 * result['top'][0]['probability']:.1f} %") + 4
        self.assertEqual((x.min(), y.min(), x.max() + 1, y.max() + 1), (100, 45, 100 + width, 60))

    def test_captions_of_hostile_labels(self):
        self.picture("cat.png", ((0, 0, 200, 200), RED), size=(200, 200))
        for label in ("", "w" * 10240, "\x1b[31m\x07", "\u732b", ",,,,,,,,"):
            model = self.colours(labels=[label or " ", "green", "blue"])
            self.camlite("cam", "cat.png", "--model", model)
            self.assertEqual(read_pixels(self.here / "cat.cam.png").shape, (200, 200, 3))

    def test_only_one_way_to_draw(self):
        ways = ("--panel", "--plain", "--no-caption", "--no-overlay")
        for one in ways:
            for other in ways[: ways.index(one)]:
                self.camlite("cam", "cat.png", "--model", self.colours(), one, other, status=2)

    def test_colormap_gray_and_full_heat_show_the_map(self):
        seen = self.overlay("--alpha", "1", "--colormap", "gray", "--class", "leaf green")
        self.assertEqual(tuple(seen[0, 0]), (0, 0, 0))
        self.assertEqual(tuple(seen[21, 32]), (255, 255, 255))

    def test_colormaps_differ(self):
        seen = [self.overlay("--colormap", name) for name in ("jet", "turbo", "viridis", "gray")]
        for i in range(4):
            for j in range(i):
                self.assertFalse(np.array_equal(seen[i], seen[j]))
        self.camlite("cam", "cat.png", "--model", self.colours(), "--colormap", "pink", status=2)

    def test_format_by_the_suffix(self):
        for suffix, magic in (("png", b"\x89PNG"), ("jpg", b"\xff\xd8"), ("bmp", b"BM")):
            self.overlay("--out", f"o.{suffix}", name=f"o.{suffix}")
            self.assertTrue((self.here / f"o.{suffix}").read_bytes().startswith(magic))

    def test_none_is_written_where_none_is_wanted(self):
        before = sorted(p.name for p in self.here.iterdir())
        (result,) = self.json("cam", "cat.png", "--model", self.colours("m"), "--no-overlay")
        self.assertNotIn("overlay", result)
        self.assertEqual(sorted(p.name for p in self.here.iterdir()), sorted([*before, "m"]))


class Panel(ProgramTest):
    """Three pictures a row, 256 pixels wide and 8 apart, under a line of words 26 pixels high."""

    def panel(self, *options, name="p.png"):
        (result,) = self.json("cam", name, "--model", self.colours(), "--panel", "--out", "panel.png", *options)
        self.assertEqual(result["overlay"], "panel.png")
        return read_pixels(self.here / "panel.png"), result["top"]

    def parts(self, seen, row, height):
        top = 8 + row * (26 + 4 + height + 16) + 26 + 4
        return [seen[top : top + height, left : left + 256] for left in (8, 272, 536)]

    def overlay(self, index, *options):
        self.camlite("cam", "p.png", "--model", self.colours(), "--class", index, "--out", "o.png", *options)
        return read_pixels(self.here / "o.png")

    def test_picture_heatmap_and_box_of_each_class(self):
        pixels = read_pixels(
            self.picture("p.png", ((30, 40, 100, 70), RED), ((150, 20, 60, 90), GREEN), size=(256, 192))
        )
        for options, classes in (((), [0, 1, 2]), (("--top", 1), [0]), (("--top", 1, "--class", "2"), [0, 2])):
            seen, top = self.panel(*options)
            self.assertEqual([c["class"] for c in top], classes)
            self.assertEqual(seen.shape, (len(classes) * (26 + 4 + 192 + 16), 8 + 3 * (256 + 8), 3))
            for row, found in enumerate(top):
                picture, heat, boxes = self.parts(seen, row, 192)
                np.testing.assert_array_equal(picture, pixels)
                np.testing.assert_array_equal(heat, self.overlay(found["class"], "--plain"))
                # The box's line: black, three pixels white, black. Nothing else is drawn.
                changed = np.argwhere((boxes != pixels).any(axis=2))
                if found["box"] is None:
                    self.assertEqual(len(changed), 0)
                    continue
                x, y, width, height = found["box"]
                self.assertEqual([*changed.min(0), *changed.max(0)], [y, x, y + height - 1, x + width - 1])
                np.testing.assert_array_equal(boxes[y + height // 2, x : x + 5].max(axis=1), [0, 255, 255, 255, 0])
                np.testing.assert_array_equal(
                    boxes[y + 5 : y + height - 5, x + 5 : x + width - 5],
                    pixels[y + 5 : y + height - 5, x + 5 : x + width - 5],
                )
                # The words, black on white.
                words = seen[8 + row * 238 : 34 + row * 238]
                self.assertEqual(set(map(tuple, words.reshape(-1, 3))), {(0, 0, 0), (255, 255, 255)})

    def test_one_of_very_many_classes_is_refused(self):
        self.picture("p.png", ((30, 40, 100, 70), RED))
        self.panel("--top", 100)
        _, err = self.camlite("cam", "p.png", "--model", self.colours(), "--panel", "--top", 101, status=2)
        self.assertIn("at most 100 classes", err)

    def test_pictures_of_every_size_are_brought_to_one(self):
        from PIL import Image

        for size, height in (((1000, 500), 128), ((32, 24), 192)):
            path = self.picture("p.png", ((5, 3, 9, 14), RED), ((16, 3, 9, 14), BLUE), size=size)
            seen, _ = self.panel("--top", 1, "--colormap", "viridis")
            pillow = Image.open(path).resize((256, height), Image.BILINEAR)
            np.testing.assert_array_equal(self.parts(seen, 0, height)[0], np.asarray(pillow))

    def test_the_words_are_the_classes(self):
        # The words of a class are the same in every panel; those of another class, or probability, are not.
        self.picture("p.png", ((30, 40, 100, 70), RED), ((150, 20, 60, 90), GREEN), size=(256, 192))
        seen, _ = self.panel()
        words = [seen[238 * row : 238 * row + 34].tobytes() for row in range(3)]
        self.assertEqual(len(set(words)), 3)
        alone, _ = self.panel("--top", 1)
        self.assertEqual(alone[:34].tobytes(), words[0])


class ClassChoice(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.colours()
        self.picture("p.png", ((3, 4, 20, 10), RED), ((28, 15, 9, 12), GREEN))

    def shown(self, name):
        """The class whose map is in the overlay: all white is its colour."""
        (result,) = self.json(
            "cam", "p.png", "--model", self.model, "--top", 1, "--class", name, "--alpha", 1, "--colormap", "gray"
        )
        seen = read_pixels(self.here / result["overlay"])
        where = [bool(seen[9, 13].all()), bool(seen[21, 32].all())]
        return result["top"][-1]["class"], where

    def test_by_number_name_wordnet_id_synonym_and_part(self):
        for name in ("1", "n00000002 leaf green", "n00000002", "leaf green", "LEAF green", "leaf", "N00000002"):
            self.assertEqual(self.shown(name), (1, [False, True]), name)
        self.assertEqual(self.shown("red"), (0, [True, False]))
        self.assertEqual(self.shown("tabby")[0], 2)

    def test_the_class_is_listed_once(self):
        for name, classes in (("0", [0]), ("1", [0, 1])):
            (result,) = self.json("cam", "p.png", "--model", self.model, "--top", 1, "--class", name)
            self.assertEqual([c["class"] for c in result["top"]], classes)

    def test_ambiguous_names_list_the_candidates(self):
        _, err = self.camlite("cam", "p.png", "--model", self.model, "--class", "green", status=2)
        self.assertIn("1  n00000002 leaf green", err)
        self.assertIn("2  n00000003 sea green", err)
        self.assertNotIn("crimson", err)

    def test_whole_words_come_before_parts_of_words(self):
        labels = ["n00000001 bullfrog, Rana catesbeiana", "n00000002 Persian cat", "n00000003 sea green"]
        self.model = self.colours("words.safetensors", labels=labels)
        self.assertEqual(self.shown("cat")[0], 1)
        self.assertEqual(self.shown("rana")[0], 0)
        self.assertEqual(self.shown("gre")[0], 2)

    def test_unknown_classes(self):
        for name in ("zebra", "3", "-1", "99999999999999999999999", "0x1", " ", "1.0"):
            _, err = self.camlite("cam", "p.png", "--model", self.model, "--class", name, status=2)
        self.assertIn("camlite info --labels", err)


class OverlayNames(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.colours()
        for name in ("a/cat.png", "b/cat.png", "dog.bmp"):
            self.picture(name, ((3, 4, 20, 10), RED))

    def test_one_name_twice_is_numbered(self):
        results = self.json("cam", "a/cat.png", "b/cat.png", "dog.bmp", "--model", self.model)
        names = ["cat.cam.png", "cat-2.cam.png", "dog.cam.png"]
        self.assertEqual([r["overlay"] for r in results], names)
        for name in names:
            self.assertTrue((self.here / name).is_file())

    def test_a_second_run_over_everything_passes_over_its_overlays(self):
        self.picture("dog-2.png", ((3, 4, 20, 10), RED))
        names = lambda: sorted(p.name for p in self.here.iterdir() if p.suffix in (".png", ".bmp"))
        self.camlite("cam", *names(), "a/cat.png", "b/cat.png", "--model", self.model)
        after = names()
        self.assertIn("cat-2.cam.png", after)
        out, err = self.camlite("cam", *after, "a/cat.png", "b/cat.png", "--model", self.model)
        self.assertEqual(err, "camlite: 4 overlays of these pictures left out\n")
        self.assertEqual(names(), after)

    def test_an_overlay_replaces_no_picture_of_the_run(self):
        self.camlite("cam", "dog.bmp", "--model", self.model)
        (self.here / "dog.cam.png").rename(self.here / "a/dog.cam.png")
        before = (self.here / "a/dog.cam.png").read_bytes()
        (result,) = self.json("cam", "a/dog.cam.png", "--model", self.model, "--out", "a")
        self.assertEqual(result["overlay"], "a/dog.cam.cam.png")
        self.assertEqual((self.here / "a/dog.cam.png").read_bytes(), before)

    def test_below_a_folder_as_the_pictures_are(self):
        results = self.json("cam", ".", "--model", self.model, "--out", "maps/")
        names = ["maps/a/cat.cam.png", "maps/b/cat.cam.png", "maps/dog.cam.png"]
        self.assertEqual([r["overlay"] for r in results], names)
        for name in names:
            self.assertTrue((self.here / name).is_file(), name)
        self.assertEqual(len(self.json("cam", ".", "--model", self.model, "--out", "maps/")), 3, "no overlays")

    def test_into_a_directory(self):
        (self.here / "there").mkdir()
        for out, prefix in (("there", "there/"), ("there/", "there/"), ("new/deep/", "new/deep/")):
            results = self.json("cam", "a/cat.png", "dog.bmp", "--model", self.model, "--out", out)
            self.assertEqual([r["overlay"] for r in results], [prefix + "cat.cam.png", prefix + "dog.cam.png"])
            self.assertTrue((self.here / prefix / "dog.cam.png").is_file())

    def test_a_file_is_for_one_picture(self):
        _, err = self.camlite("cam", "a/cat.png", "dog.bmp", "--model", self.model, "--out", "x.png", status=2)
        self.assertIn("x.png/", err)
        self.camlite("cam", "dog.bmp", "--model", self.model, "--out", "x.gif", status=2)
        self.camlite("cam", "dog.bmp", "--model", self.model, "--out", "dog.bmp", status=2)
        self.camlite("cam", "dog.bmp", "--model", self.model, "--out", "a/../dog.bmp", status=2)
        self.camlite("cam", "dog.bmp", "--model", self.model, "--out", "x.png", "--no-overlay", status=2)

    def test_where_nothing_can_be_written(self):
        self.camlite("cam", "dog.bmp", "--model", self.model, "--out", "dog.bmp/below/", status=1)
        self.camlite("cam", "dog.bmp", "--model", self.model, "--out", "missing/x.png", status=1)


class BrokenPictures(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.colours()
        self.good = self.picture("good.png", ((3, 4, 20, 10), RED))

    def refused(self, path, *words):
        """The one picture is refused, the one behind it done."""
        out, err = self.camlite("cam", path, self.good, "--model", self.model, "--no-overlay", status=1)
        self.assertTrue(out.startswith(str(self.good)), out)
        self.assertEqual(err.splitlines()[1:], ["camlite: 1 of 2 pictures failed"])
        for word in (os.fspath(path), *words):
            self.assertIn(str(word), err)

    def test_missing(self):
        self.refused("missing.jpg", "No such file")

    def test_empty(self):
        (self.here / "empty.jpg").touch()
        self.refused("empty.jpg", "empty")

    def test_directory(self):
        (self.here / "folder").mkdir()
        _, err = self.camlite("cam", "folder", self.good, "--model", self.model, "--no-overlay", status=1)
        self.assertIn("folder: no picture in it", err)

    def test_text(self):
        (self.here / "notes.jpg").write_text("not a picture\n")
        self.refused("notes.jpg", "not a JPEG, PNG or BMP")

    def test_truncated(self):
        for name in ("rgb.png", "rgb.jpg", "rgb.bmp"):
            whole = (PICTURES / name).read_bytes()
            for part in (0.1, 0.5, 0.9):
                (self.here / name).write_bytes(whole[: int(len(whole) * part)])
                self.refused(name, "")

    def test_a_huge_declared_size(self):
        self.refused(PICTURES / "huge.png", "limit")
        self.refused(PICTURES / "bomb.png", "")

    def test_an_input_larger_than_the_memory(self):
        # The map of 65536 x 65536 positions would take 48 GB.
        _, err = self.camlite("cam", self.good, "--model", self.model, "--size", "65536", "--whole", status=1)
        self.assertIn("memory", err)

    def test_only_broken_ones(self):
        out, err = self.camlite("cam", "a.jpg", "b.jpg", "--model", self.model, status=1)
        self.assertEqual(out, "")
        self.assertEqual(len(err.splitlines()), 3)
        self.assertIn("2 of 2 pictures failed", err)


class OddNames(ProgramTest):
    def test_bytes_that_are_not_utf8(self):
        path = self.picture(b"caf\xe9.png", ((3, 4, 20, 10), RED))
        (result,) = self.json("cam", path, "--model", self.colours())
        self.assertIn("caf\ufffd.png", result["image"])
        self.assertTrue(os.path.exists(os.fsencode(self.here) + b"/caf\xe9.cam.png"))
        self.camlite("cam", path, "--model", self.colours())

    def test_names_that_look_like_something_else(self):
        shutil.copy(self.picture("x.png", ((3, 4, 20, 10), RED)), self.here / "classify")
        shutil.copy(self.here / "x.png", self.here / "--json")
        out, _ = self.camlite("cam", "--model", self.colours(), "--", "classify", "--json")
        self.assertRegex(out, r"(?s)^classify \(40x30\).*\n\./--json \(40x30\)")

    def test_no_name_sends_commands_to_the_terminal(self):
        path = self.picture("a\x1b[31mb.png", ((3, 4, 20, 10), RED))
        labels = ["red\x1b[2J \u009b31m \u202e", "green \u20ac", "blue"]
        out, _ = self.camlite("cam", path, "--model", self.colours(labels=labels))
        for control in "\x1b\u009b\u202e":
            self.assertNotIn(control, out)
        self.assertIn("red?[2J ?31m ?", out)
        self.assertIn("green \u20ac", out)
        _, err = self.camlite("cam", "gone\x1b[31m.png", "--model", self.colours(), status=1)
        self.assertNotIn("\x1b", err)


class Models(ProgramTest):
    def test_a_network_without_a_cam_head(self):
        write_model(
            self.here / "flat.safetensors",
            "input channels=3 height=4 width=4\nflat flatten input\nfc linear flat out_features=2\n",
            {"fc.weight": np.zeros((2, 48)), "fc.bias": np.zeros(2)},
            preprocessing="resize=4x4\ncrop=0\n",
        )
        self.picture("a.png", ((3, 4, 20, 10), BLUE))
        _, err = self.camlite("cam", "a.png", "a.png", "--model", "flat.safetensors", status=1)
        self.assertIn("flat.safetensors: no class activation maps", err)
        self.assertEqual(len(err.splitlines()), 1)
        self.camlite("classify", "a.png", "--model", "flat.safetensors")

    def test_a_network_by_name(self):
        self.picture("a.png", ((3, 4, 20, 10), BLUE))
        (result,) = self.json("cam", "a.png", "--arch", "vgg16-gap", "--size", "32", "--top", 3, "--threads", 2)
        self.assertEqual(len(result["top"]), 3)
        self.assertTrue((self.here / "a.cam.png").is_file())
        self.camlite("cam", "a.png", "--arch", "vgg16-gap", "--model", "x", status=2)


if __name__ == "__main__":
    unittest.main()
