"""The C interface: the programs of docs/embedding.md beside the camlite program, and what goes wrong.

    python3 tests/embed/test_c_api.py    with CXX, CAMLITE_LIBRARY and CAMLITE_PROGRAM in the environment
"""

import ctypes
import json
import os
import re
import subprocess
import sys
import types
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/cli"))
from support import DEFAULT_MODEL, PROGRAM, ProgramTest, write_model  # noqa: E402

LIBRARY = Path(os.environ["CAMLITE_LIBRARY"])
COFFEE = SOURCE / "docs/pictures/coffee.jpg"


def block(language):
    """The program of this language in docs/embedding.md."""
    text = (SOURCE / "docs/embedding.md").read_text()
    return re.search(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1]


see = types.ModuleType("see")
exec(compile(block("python"), "docs/embedding.md", "exec"), see.__dict__)
lib = see.load_library(str(LIBRARY))


class Examples(ProgramTest):
    """What the documented programs say, and what `camlite cam` and `camlite run` say of the same pixels."""

    def setUp(self):
        super().setUp()
        Image.open(COFFEE).save(self.here / "photo.png")
        Image.open(self.here / "photo.png").save(self.here / "photo.ppm")
        out, _ = self.camlite("cam", "photo.png", "--model", DEFAULT_MODEL, "--top", 5, "--json")
        self.top = json.loads(out)["top"]
        self.assertEqual(len(self.top), 5)

    def build(self, text, flags, *more):
        """see, from see.c and whatever comes behind it on the command line."""
        (self.here / "see.c").write_text(text)
        compiler = os.environ["CXX"].split()
        flags = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", *flags]
        subprocess.run([*compiler, *flags, "-x", "c", "-c", "see.c"], cwd=self.here, check=True)
        subprocess.run([*compiler, "see.o", *more, "-o", "see"], cwd=self.here, check=True)

    def see(self, status=0, model=DEFAULT_MODEL):
        done = subprocess.run(["./see", model, "photo.ppm"], cwd=self.here, capture_output=True, text=True,
                              env={**os.environ, "LD_LIBRARY_PATH": str(LIBRARY.parent)})
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def check_what_it_sees(self):
        lines = self.see().stdout.splitlines()
        for line, expected in zip(lines, self.top):
            _, index, probability, label = line.split(" ", 3)
            self.assertEqual((int(index), label), (expected["class"], expected["label"]))
            self.assertAlmostEqual(float(probability), expected["probability"], delta=1e-6)
        boxes = [line for line in lines if line.startswith("box")]
        self.assertEqual(boxes[0], "box " + " ".join(map(str, self.top[0]["box"])))
        self.assertEqual(len(lines) - 5 - len(boxes), 8, "a map of 8 x 8")
        self.assertIn("photo.ppm", self.see(model="photo.ppm", status=1).stderr)

    def test_c(self):
        self.build(block("c"), [f"-I{SOURCE / 'include'}"], LIBRARY)
        self.check_what_it_sees()

    def test_c_beside_the_single_file(self):
        subprocess.run([SOURCE / "tools/amalgamate", "single"], cwd=self.here, check=True)
        (self.here / "camlite.cpp").write_text(block("cpp"))
        # Quickly: not optimized, with the build's kernels.
        self.build(block("c").replace("<camlite/camlite.h>", '"camlite.h"'), ["-Isingle"],
                   "-std=c++20", "-O0", "-DCAMLITE_SEPARATE_KERNELS", "-Isingle", "camlite.cpp", LIBRARY.parent / "libkernels.a")
        self.check_what_it_sees()

    def test_python(self):
        classes, boxes = see.see(lib, str(DEFAULT_MODEL), Image.open(self.here / "photo.png"))
        self.assertEqual([(index, label) for index, _, label in classes],
                         [(expected["class"], expected["label"]) for expected in self.top])
        for (_, probability, _), expected in zip(classes, self.top):
            self.assertAlmostEqual(probability, expected["probability"], delta=1e-6)
        self.assertEqual(list(boxes[0]), self.top[0]["box"])


class Interface(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = DEFAULT_MODEL.read_bytes()
        self.network = lib.camlite_load_memory(self.model, len(self.model), 1)
        self.assertTrue(self.network, lib.camlite_last_error())
        self.addCleanup(lib.camlite_free_network, self.network)
        # As large as the network's input: all that happens to the pixels is that they are normalized.
        self.pixels = np.random.default_rng(7).integers(0, 256, (64, 64, 3), np.uint8)

    def predict(self, pixels, stride=None):
        seen = lib.camlite_predict(self.network, pixels.tobytes(), 64, 64, stride or 192)
        self.assertTrue(seen, lib.camlite_last_error())
        self.addCleanup(lib.camlite_free_prediction, seen)
        return seen

    def map_of(self, seen, index):
        values = (ctypes.c_float * 64)()
        self.assertEqual(lib.camlite_map(seen, index, values, 64), 0, lib.camlite_last_error())
        return np.array(values, np.float32)

    def assert_fails(self, result, *words):
        self.assertIn(result, (None, -1))
        error = lib.camlite_last_error().decode()
        for word in words:
            self.assertIn(word, error)

    def test_an_error_that_is_too_long_ends_with_a_whole_character(self):
        for blanks in range(3):
            path = "x" * blanks + "\u732b" * 600
            self.assertIsNone(lib.camlite_load(path.encode(), 1))
            error = lib.camlite_last_error()
            self.assertGreater(len(error), 1020)
            self.assertTrue(path.startswith(error.decode()), error)

    def test_version(self):
        header = (SOURCE / "include/camlite/version.hpp").read_text()
        numbers = re.findall(r"(?m)^#define CAMLITE_VERSION_\w+ (\d+)$", header)
        self.assertEqual(lib.camlite_version().decode(), ".".join(numbers))

    def test_maps_are_the_programs(self):
        seen = self.predict(self.pixels)
        header = json.loads(self.model[8:8 + int.from_bytes(self.model[:8], "little")])
        preprocess = header["__metadata__"]["camlite.preprocess"]
        mean, std = (np.array(re.search(rf"^{key}=(.*)$", preprocess, re.MULTILINE)[1].split(","), float)
                     for key in ("mean", "std"))
        normalized = (self.pixels / 255 - mean) / std
        np.save(self.here / "x.npy", normalized.transpose(2, 0, 1)[None].astype(np.float32))
        self.camlite("run", "--model", DEFAULT_MODEL, "--input", "x.npy", "--cam", "3,17", "--maps", "maps.npy",
                     "--logits", "logits.npy")
        maps, logits = np.load(self.here / "maps.npy"), np.load(self.here / "logits.npy").ravel()
        for i, index in enumerate((3, 17)):
            np.testing.assert_allclose(self.map_of(seen, index), maps.reshape(2, 64)[i], atol=1e-4)
        count = lib.camlite_classes(self.network)
        self.assertEqual(count, len(logits))
        top = (see.Class * 300)()
        self.assertEqual(lib.camlite_top(seen, top, 300), count)
        for one in top[:count]:
            self.assertAlmostEqual(one.logit, float(logits[one.index]), delta=1e-4)
        self.assertAlmostEqual(sum(one.probability for one in top[:count]), 1, delta=1e-5)

    def test_rows_with_a_stride(self):
        padded = np.full((64, 200), 99, np.uint8)
        padded[:, :192] = self.pixels.reshape(64, 192)
        for index in (0, 199):
            self.assertEqual(self.map_of(self.predict(padded, 200), index).tobytes(),
                             self.map_of(self.predict(self.pixels), index).tobytes())

    def test_size_and_view(self):
        seen = self.predict(self.pixels)
        width, height, view = ctypes.c_int64(), ctypes.c_int64(), see.Box()
        self.assertEqual(lib.camlite_map_size(seen, width, height), 0)
        self.assertEqual((width.value, height.value), (8, 8))
        self.assertEqual(lib.camlite_view(seen, view), 0)
        self.assertEqual((view.x, view.y, view.width, view.height), (0, 0, 64, 64))

    def test_a_prediction_outlives_its_network(self):
        network = lib.camlite_load_memory(self.model, len(self.model), 1)
        seen = lib.camlite_predict(network, self.pixels.tobytes(), 64, 64, 192)
        lib.camlite_free_network(network)
        top = (see.Class * 1)()
        self.assertEqual(lib.camlite_top(seen, top, 1), 1)
        self.assertIn(top[0].label, self.model)
        lib.camlite_free_prediction(seen)

    def test_boxes_without_room_are_counted(self):
        seen = self.predict(self.pixels)
        found = lib.camlite_boxes(seen, 3, 0.5, None, 0)
        boxes = (see.Box * 64)()
        self.assertEqual(lib.camlite_boxes(seen, 3, 0.5, boxes, 64), found)
        self.assertGreater(found, 0)

    def test_the_model_says_where_its_boxes_are_cut(self):
        done = subprocess.run([PROGRAM, "info", DEFAULT_MODEL, "--json"], capture_output=True, check=True)
        threshold = json.loads(done.stdout)["box_threshold"]
        self.assertAlmostEqual(lib.camlite_box_threshold(self.predict(self.pixels)), threshold, places=6)

    def test_null_is_an_error(self):
        seen, cell = self.predict(self.pixels), ctypes.c_int64()
        for call, function, name in (
            (lambda: lib.camlite_load(None, 1), "load", "path"),
            (lambda: lib.camlite_load_memory(None, 8, 1), "load_memory", "data"),
            (lambda: lib.camlite_classes(None), "classes", "network"),
            (lambda: lib.camlite_predict(None, b"abc", 1, 1, 3), "predict", "network"),
            (lambda: lib.camlite_predict(self.network, None, 1, 1, 3), "predict", "pixels"),
            (lambda: lib.camlite_top(None, None, 0), "top", "prediction"),
            (lambda: lib.camlite_top(seen, None, 1), "top", "out"),
            (lambda: lib.camlite_view(None, see.Box()), "view", "prediction"),
            (lambda: lib.camlite_view(seen, None), "view", "out"),
            (lambda: lib.camlite_map_size(None, cell, cell), "map_size", "prediction"),
            (lambda: lib.camlite_map_size(seen, None, cell), "map_size", "width"),
            (lambda: lib.camlite_map_size(seen, cell, None), "map_size", "height"),
            (lambda: lib.camlite_map(None, 0, None, 0), "map", "prediction"),
            (lambda: lib.camlite_map(seen, 0, None, 64), "map", "out"),
            (lambda: lib.camlite_box_threshold(None), "box_threshold", "prediction"),
            (lambda: lib.camlite_boxes(None, 0, 0.2, None, 0), "boxes", "prediction"),
            (lambda: lib.camlite_boxes(seen, 0, 0.2, None, 1), "boxes", "out"),
        ):
            with self.subTest(function, name=name):
                self.assert_fails(call(), f"camlite_{function}: {name} is null")
        lib.camlite_free_network(None)
        lib.camlite_free_prediction(None)

    def test_what_cannot_be_is_said(self):
        seen, room = self.predict(self.pixels), (ctypes.c_float * 63)()
        self.assert_fails(lib.camlite_load(b"no/such.safetensors", 1), "no/such.safetensors")
        self.assert_fails(lib.camlite_load(str(DEFAULT_MODEL).encode(), -3), "-3")
        self.assert_fails(lib.camlite_load_memory(self.model, 1000, 1), "model in memory")
        self.assert_fails(lib.camlite_predict(self.network, b"abc", 0, 1, 3), "0 x 1")
        self.assert_fails(lib.camlite_predict(self.network, b"abcdef", 2, 1, 5), "5 bytes")
        self.assert_fails(lib.camlite_map(seen, 200, room, 63), "200")
        self.assert_fails(lib.camlite_map(seen, 0, room, 63), "63")
        self.assert_fails(lib.camlite_boxes(seen, 0, 1.5, None, 0), "1.5")
        self.assert_fails(lib.camlite_top(seen, None, -1), "-1")
        write_model(self.here / "many.safetensors", "input channels=3 height=32768 width=32768\nf flatten input\n", {})
        self.assert_fails(lib.camlite_load(str(self.here / "many.safetensors").encode(), 1), "classes without labels")

    def test_no_memory_is_an_error_too(self):
        self.assert_fails(lib.camlite_predict(self.network, b"abc", 1 << 50, 1, 3 << 50), "memory")

    def test_only_the_interface_is_exported(self):
        out = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True).stdout
        names = [line.split()[-1] for line in out.splitlines()]
        header = (SOURCE / "include/camlite/camlite.h").read_text()
        declared = set(re.findall(r"\b(camlite_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)))
        self.assertEqual({name for name in names if name.startswith("camlite_")}, declared)


if __name__ == "__main__":
    unittest.main()
