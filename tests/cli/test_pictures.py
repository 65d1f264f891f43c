"""Many pictures: what may be named, how they are shared out, and what is said meanwhile."""

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import unittest

import numpy as np

from support import GREEN, PROGRAM, RED, ProgramTest, write_model


class Folder(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.colours()

    def pictures(self, *names):
        for name in names:
            self.picture(name, ((3, 4, 20, 10), RED))

    def run_on(self, given, *arguments):
        """classify with bytes on standard input; returns (status, stdout, stderr)."""
        done = subprocess.run(
            [PROGRAM, "classify", "--model", self.model, "--json", *arguments],
            input=given,
            cwd=self.here,
            capture_output=True,
            timeout=60,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def seen(self, *arguments):
        """The pictures that these arguments name."""
        return [r["image"] for r in self.json("classify", *arguments, "--model", self.model)]


class Inputs(Folder):
    def test_folders_with_all_below_them_sorted_by_path(self):
        self.pictures("f/b.png", "f/a/z.png", "f/a.png", "f/B.PNG", "f/a/deep/er/y.bmp", "f/x.jpg")
        self.pictures("f/.hidden.png", "f/.git/no.png", "f/a/b.cam.png")
        (self.here / "f/notes.txt").write_text("no picture\n")
        expected = ["f/B.PNG", "f/a.png", "f/a/deep/er/y.bmp", "f/a/z.png", "f/b.png", "f/x.jpg"]
        self.assertEqual(self.seen("f"), expected)
        self.assertEqual(self.seen("f/"), expected)
        self.assertEqual(self.seen("f/a", "f/x.jpg", "f"), ["f/a/deep/er/y.bmp", "f/a/z.png", "f/x.jpg", "f/B.PNG", "f/a.png", "f/b.png"])

    def test_links_to_folders_are_not_followed(self):
        self.pictures("f/a.png")
        os.symlink("..", self.here / "f/up")
        os.symlink("a.png", self.here / "f/b.png")
        self.assertEqual(self.seen("f"), ["f/a.png", "f/b.png"])

    def test_pipes_and_sockets_are_no_pictures_of_a_folder(self):
        self.pictures("f/a.png")
        os.mkfifo(self.here / "f/b.png")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.here / "f/c.png"))
        for of in ("f", "f/*.png"):
            self.assertEqual(self.seen(of), ["f/a.png"])
        self.camlite("classify", "*/b.png", "--model", self.model, status=1)

    def test_patterns(self):
        self.pictures("p/1/a.png", "p/1/b.jpg", "p/2/a.png", "p/2/x/a.png", "p/a1.png", "p/a2.png", "p/.h.png", "p/1/a.cam.png")
        for pattern, names in {
            "p/*.png": ["p/a1.png", "p/a2.png"],
            "p/a?.png": ["p/a1.png", "p/a2.png"],
            "p/a[2-9].png": ["p/a2.png"],
            "p/a[!2].png": ["p/a1.png"],
            "p/*/a.png": ["p/1/a.png", "p/2/a.png"],
            "p/**/a.png": ["p/1/a.png", "p/2/a.png", "p/2/x/a.png"],
            "**/*.jpg": ["p/1/b.jpg"],
            "p/2*": ["p/2/a.png", "p/2/x/a.png"],
            "p/2/**": ["p/2/a.png", "p/2/x/a.png"],
        }.items():
            self.assertEqual(self.seen(pattern), names, pattern)
        self.camlite("classify", "p/.*", "--model", self.model, status=1)  # hidden files never count
        self.assertEqual(self.seen(str(self.here) + "/p/a*.png"), [f"{self.here}/p/a1.png", f"{self.here}/p/a2.png"])

    def test_a_file_of_that_name_is_no_pattern(self):
        self.pictures("a[1].png", "a1.png")
        self.assertEqual(self.seen("a[1].png"), ["a[1].png"])

    def test_each_file_once(self):
        self.pictures("a.png", "b.png")
        self.assertEqual(self.seen("b.png", "./b.png", ".", self.here / "a.png", "x/../a.png"), ["b.png", "./a.png"])

    def test_lists_on_standard_input(self):
        names = ["a b.png", "-x.png", "\u732b.png", "a\nb.png"]
        self.pictures(*names)
        status, out, _ = self.run_on("a b.png\n\n./-x.png\n\u732b.png".encode(), "-")
        self.assertEqual((status, [json.loads(line)["image"] for line in out.splitlines()]), (0, ["a b.png", "./-x.png", "\u732b.png"]))
        for null in ("--null", "-0"):
            status, out, _ = self.run_on("a\nb.png\0a b.png\0".encode(), "-", null)
            self.assertEqual((status, [json.loads(line)["image"] for line in out.splitlines()]), (0, ["a\nb.png", "a b.png"]))

    def test_lists_from_elsewhere(self):
        self.pictures("a.png", "b.png", "c.png")
        (self.here / "c.png").rename(self.here / "c\r")
        status, out, _ = self.run_on(b"a.png\r\nb.png\r\nc\r\n", "-")  # of Windows
        self.assertEqual((status, [json.loads(line)["image"] for line in out.splitlines()]), (0, ["a.png", "b.png", "c\r"]))
        status, out, err = self.run_on(b"a.png\0b.png\0", "-")  # -0 forgotten
        self.assertEqual((status, out), (1, ""))
        self.assertIn("with -0", err)

    def test_an_argument_that_names_none_is_told_and_the_others_are_looked_at(self):
        self.pictures("a.png", "b.png")
        (self.here / "empty").mkdir()
        out, err = self.camlite("classify", "empty", "a.png", "*.jpg", "b.png", "--model", self.model, "--json", status=1)
        self.assertEqual([json.loads(line)["image"] for line in out.splitlines()], ["a.png", "b.png"])
        self.assertIn("empty: no picture in it", err)
        self.assertIn("*.jpg: no picture fits", err)
        # What merges the shards' files could not tell.
        self.camlite("classify", "a.png", "*.jpg", "--model", self.model, "--output", "out.jsonl", "--shard", "1/2", status=2)
        self.assertFalse((self.here / "out.shard-1-of-2.jsonl").exists())

    def test_a_folder_that_cannot_be_read_fails_as_a_picture_does(self):
        self.pictures("f/a/1.png", "f/b/2.png", "f/c/3.png")
        (self.here / "x.cam.png").mkdir(mode=0)
        for folder in (self.here, self.here / "f", self.here / "f/a", self.here / "f/c"):
            folder.chmod(0o755)
        (self.here / "f/b").chmod(0)
        self.addCleanup((self.here / "f/b").chmod, 0o755)
        nobody = 65534
        for what in (["f"], ["f/*"], ["f/**/*.png"], ["f", "x.cam.png"]):
            done = subprocess.run(
                [PROGRAM, "classify", *what, "--model", self.model, "--json"], cwd=self.here, capture_output=True, timeout=60,
                preexec_fn=lambda: os.getuid() == 0 and os.setuid(nobody),  # root can read all of them
            )  # fmt: skip
            self.assertEqual(done.returncode, 1, done.stderr)
            records = {r["image"]: r.get("error") for r in map(json.loads, done.stdout.splitlines())}
            self.assertEqual(records.pop("f/b"), "f/b: cannot read the folder: Permission denied", what)
            records.pop("x.cam.png", None)
            self.assertEqual(records, {"f/a/1.png": None, "f/c/3.png": None})

    def test_nothing_found_says_what_was_looked_for(self):
        (self.here / "empty").mkdir()
        (self.here / "empty/notes.txt").write_text("x")
        for argument in ("empty", "empty/*.png", "gone/**/*.jpg"):
            _, err = self.camlite("classify", argument, "--model", self.model, status=1)
            self.assertIn(argument, err)
            self.assertIn(".jpg, .jpeg, .png or .bmp", err)
        for nothing in (b"", b"\n\n"):
            status, out, err = self.run_on(nothing, "-")
            self.assertEqual((status, out), (1, ""))
            self.assertIn("standard input", err)


class Jobs(Folder):
    def test_the_results_are_the_same_in_the_same_order(self):
        for i in range(40):
            self.picture(f"f/{i}.png", ((0, 0, 1 + i, 10), RED), ((0, 10, 20, i % 7), GREEN), size=(40 + 10 * (i % 5), 40))
        (self.here / "f/17.png").write_bytes(b"broken")
        runs = [self.camlite("cam", "f", "--model", self.model, "--no-overlay", "--json", *jobs, status=1)
                for jobs in ((), ("--jobs", 1), ("--jobs", 7), ("--jobs", 200), ("--jobs", 3, "--threads", 2))]
        self.assertEqual(len(runs[0][0].splitlines()), 40)
        self.assertEqual(len({out for out, _ in runs}), 1)
        self.assertEqual(len({err for _, err in runs}), 1)

    def test_numbers_that_cannot_be(self):
        self.pictures("a.png")
        for wrong in ("0", "-1", "x", "1e9"):
            self.camlite("classify", "a.png", "--jobs", wrong, "--model", self.model, status=2)


class Csv(Folder):
    def rows(self, *arguments, status=0):
        raw = self.run_program(*arguments, "--csv", "--model", self.model)
        self.assertEqual(raw.returncode, status, raw.stderr)
        self.assertEqual(raw.stdout.count(b"\n"), raw.stdout.count(b"\r\n"))
        rows = list(csv.reader(io.StringIO(raw.stdout.decode(), newline=""), strict=True))
        self.assertEqual({len(row) for row in rows}, {len(rows[0])})
        return [dict(zip(rows[0], row)) for row in rows[1:]]

    def test_it_says_what_json_says(self):
        self.picture("a, \"b\".png", ((3, 4, 20, 10), RED), ((28, 15, 9, 12), GREEN))
        self.pictures("c.png")
        (self.here / "d.png").write_bytes(b"broken")
        names = ["a, \"b\".png", "c.png", "d.png"]
        objects = self.json("cam", *names, "--model", self.model, "--top", 2, "--class", "tabby", status=1)
        for row, one in zip(self.rows("cam", *names, "--top", 2, "--class", "tabby", status=1), objects, strict=True):
            self.assertEqual(len(row), 4 + 3 * 7)
            self.assertEqual((row["image"], row["error"]), (one["image"], one.get("error", "")))
            self.assertEqual((row["overlay"], row["overlay_class"]), (one.get("overlay", ""), str(one.get("overlay_class", ""))))
            for k, found in enumerate(one.get("top", [None] * 3), 1):
                box = [row[f"{side}_{k}"] for side in ("x", "y", "width", "height")]
                if found is None:
                    self.assertEqual([row[f"class_{k}"], row[f"label_{k}"], *box], [""] * 6)
                    continue
                self.assertEqual((row[f"class_{k}"], row[f"label_{k}"]), (str(found["class"]), found["label"]))
                self.assertEqual(float(row[f"probability_{k}"]), found["probability"])
                self.assertEqual(box, [str(side) for side in found["box"] or [""] * 4])

    def test_what_is_no_number_is_empty(self):
        self.pictures("c.png")
        write_model(self.here / "nan.safetensors",
                    "input channels=3 height=16 width=16\ngap global_avg_pool input\nfc linear gap out_features=1\n",
                    {"fc.weight": np.zeros((1, 3)), "fc.bias": [np.nan]})  # fmt: skip
        self.model = self.here / "nan.safetensors"
        self.assertIsNone(self.json("classify", "c.png", "--model", self.model)[0]["top"][0]["probability"])
        self.assertEqual(self.rows("classify", "c.png")[0]["probability_1"], "")

    def test_columns_are_those_that_there_can_be(self):
        self.pictures("c.png")
        (row,) = self.rows("classify", "c.png", "--top", 100)
        self.assertEqual(list(row), ["image", "error", *(f"{n}_{k}" for k in (1, 2, 3) for n in ("class", "label", "probability"))])
        (row,) = self.rows("cam", "c.png", "--top", 1, "--no-overlay")
        self.assertEqual(list(row), ["image", "error", "class_1", "label_1", "probability_1", "x_1", "y_1", "width_1", "height_1"])
        self.camlite("cam", "c.png", "--csv", "--json", "--model", self.model, status=2)


class OddNames(Folder):
    def test_bytes_that_are_not_utf8_can_be_had_back(self):
        path = self.picture(b"caf\xe9.png", ((3, 4, 20, 10), RED))
        (result,) = self.json("cam", path, "--model", self.model)
        self.assertEqual(bytes.fromhex(result["image_hex"]), os.fsencode(path))
        self.assertEqual(bytes.fromhex(result["overlay_hex"]), b"caf\xe9.cam.png")


class Progress(Folder):
    def test_a_bar_on_a_terminal(self):
        for i in range(20):
            self.picture(f"f/{i:02}.png", ((3, 4, 20, 10), RED), size=(800, 600))
        look = ("cam", "f", "--model", self.model, "--jobs", 1, "--threads", 1, "--out", "maps/")
        out, said = self.on_a_terminal(*look)
        self.assertEqual(len(re.findall("800x600", out)), 20)
        self.assertRegex(said, r"\[#*\.*\]  \d+ of 20  [\d.]+/s, \d+ s left")
        self.assertTrue(said.endswith("\r\x1b[K"), "the line is cleared in the end")
        self.assertEqual(self.on_a_terminal(*look, "--quiet")[1], "")
        (self.here / "f/00.png").write_bytes(b"no picture")
        self.assertRegex(self.on_a_terminal(*look, status=1)[1], r"\d+ of 20  [\d.]+/s, \d+ s left  1 failed")

    def test_nothing_of_one_picture_and_in_a_pipe(self):
        self.pictures("a.png", "b.png")
        self.assertEqual(self.on_a_terminal("cam", "a.png", "--model", self.model)[1], "")
        _, err = self.camlite("cam", "a.png", "b.png", "--model", self.model)
        self.assertEqual(err, "")


class CtrlC(Folder):
    def begin(self):
        """A run that waits for its second picture of three, and the end of the pipe that it comes through."""
        self.pictures("a.png", "c.png")
        os.mkfifo(self.here / "b.png")
        command = [PROGRAM, "cam", "a.png", "b.png", "c.png", "--model", self.model, "--json", "--jobs", "1", "--threads", "1"]
        run = subprocess.Popen(command, cwd=self.here, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return run, open(self.here / "b.png", "wb")

    def test_it_finishes_what_is_in_flight(self):
        run, pipe = self.begin()
        with pipe:
            run.send_signal(signal.SIGINT)
            pipe.write((self.here / "a.png").read_bytes())
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1, err)
        self.assertEqual([json.loads(line)["image"] for line in out.splitlines()], ["a.png", "b.png"])
        self.assertIn("stopped with 1 picture to go; with --output FILE, --resume would", err.decode())
        self.assertTrue((self.here / "b.cam.png").exists())
        self.assertFalse((self.here / "c.cam.png").exists())

    def test_it_ends_the_page_too(self):
        self.pictures("a.png", "c.png")
        os.mkfifo(self.here / "b.png")
        command = [PROGRAM, "cam", "a.png", "b.png", "c.png", "--model", self.model, "--json", "--no-overlay", "--jobs", "1",
                   "--report", "page"]  # fmt: skip
        run = subprocess.Popen(command, cwd=self.here, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # fmt: skip
        picture = (self.here / "a.png").read_bytes()
        with open(self.here / "b.png", "wb") as pipe:
            pipe.write(picture)
        for _ in range(3):
            run.stdout.readline()
        with open(self.here / "b.png", "wb") as pipe:  # which the page has come to
            run.send_signal(signal.SIGINT)
            pipe.write(picture)
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1, err)
        self.assertIn("report: not written, since the run was stopped", err.decode())
        self.assertFalse((self.here / "page/index.html").exists())

    def test_a_second_one_ends_it_at_once(self):
        run, pipe = self.begin()
        with pipe:
            run.send_signal(signal.SIGINT)
            with self.assertRaises(subprocess.TimeoutExpired):
                run.wait(timeout=0.3)
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=60)
        self.assertEqual(run.returncode, -signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
