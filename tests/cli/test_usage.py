"""The command line itself: help, version, wrong usage, the default model."""

import subprocess
import unittest

from PIL import Image

from support import PROGRAM, RED, ProgramTest

COMMANDS = ("cam", "classify", "run", "info", "bench")


class Usage(ProgramTest):
    def test_help(self):
        out, err = self.camlite("--help")
        self.assertEqual(err, "")
        for command in COMMANDS:
            self.assertRegex(out, rf"\n  {command} ")
        self.assertIn("Examples:", out)
        self.assertEqual(self.camlite()[0], out)

    def test_help_of_each_command_has_examples(self):
        for command in COMMANDS:
            out, _ = self.camlite(command, "--help")
            self.assertIn(f"\n  camlite {command} ", out)
            self.assertLessEqual(max(map(len, out.splitlines())), 100)

    def test_wrong_usage(self):
        for arguments in (
            ["paint"], ["--paint"], ["cam"], ["classify"], ["run"], ["cam", "--paint"], ["cam", "a.png", "--top"],
            ["cam", "a.png", "--top", "0"], ["cam", "a.png", "--top", "-1"], ["cam", "a.png", "--top", "1.5"],
            ["cam", "a.png", "--top", "many"], ["cam", "a.png", "--size", "0"], ["cam", "a.png", "--alpha", "2"],
            ["cam", "a.png", "--alpha", "nan"], ["cam", "a.png", "--threads", "0"], ["info", "a", "b"],
            ["cam", "a.png", "--model"], ["cam", "a.png", "--groups", "2"], [""],
        ):  # fmt: skip
            out, _ = self.camlite(*arguments, status=2)
            self.assertEqual(out, "", arguments)

    def test_an_unknown_command_is_named(self):
        self.assertIn('"paint"', self.camlite("paint", status=2)[1])
        self.picture("a.png", ((0, 0, 9, 10), RED))
        self.assertIn("camlite cam a.png looks at it", self.camlite("a.png", status=2)[1])

    def test_an_unknown_option_is_told_from_one_that_is_elsewhere(self):
        for arguments, said in (
            (["classify", "a.png", "--class", "cat"], "camlite classify has no --class; that is an option of camlite cam\n"),
            (["cam", "a.png", "--colourmap", "jet"], "camlite cam has no --colourmap; did you mean --colormap?"),
            (["cam", "a.png", "--treshold=0.4"], "camlite cam has no --treshold; did you mean --threshold?"),
            (["cam", "a.png", "--paint"], "--paint"),
            (["info", "a", "b"], "b"),
        ):
            self.assertIn(said, self.camlite(*arguments, status=2)[1])
        self.assertIn("Usage:", self.camlite("classify", "--class", "cat", "--help")[0])

    def test_version(self):
        out, _ = self.camlite("--version")
        self.assertRegex(out, r"^camlite \d+\.\d+\.\d+.*\ndefault model: ")

    def test_output_that_cannot_be_written(self):
        self.picture("p.png", ((3, 4, 20, 10), RED))
        with open("/dev/full", "w") as full:
            command = [PROGRAM, "classify", "p.png", "--model", str(self.colours())]
            done = subprocess.run(command, cwd=self.here, stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count(b"standard output: cannot write"), 1)

    def test_a_run_ends_when_its_output_cannot_be_written(self):
        for i in range(200):
            self.picture(f"f/{i}.png", ((3, 4, 20, 10), RED))
        with open("/dev/full", "w") as full:
            command = [PROGRAM, "classify", "f", "--json", "--jobs", "1", "--model", str(self.colours())]
            done = subprocess.run(command, cwd=self.here, stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count(b"standard output: cannot write"), 1)
        self.assertIn(b"stopped with 200 pictures to go", done.stderr)


class Limits(ProgramTest):
    def test_of_pixels(self):
        model = self.colours()
        self.picture("p.png", ((3, 4, 20, 10), RED))
        with Image.open(self.here / "p.png") as picture:
            pixels = picture.width * picture.height
        self.camlite("classify", "p.png", "--model", model, "--max-pixels", pixels)
        _, err = self.camlite("classify", "p.png", "--model", model, "--max-pixels", pixels - 1, status=1)
        self.assertIn(f"more than the limit of {pixels - 1} (raise ImageLimits::pixels, or the program's --max-pixels)", err)

    def test_of_memory(self):
        self.picture("p.png", ((3, 4, 20, 10), RED))
        looking = ("classify", "p.png", "--model", self.colours(), "--max-memory", 1)
        self.camlite(*looking)
        _, err = self.camlite(*looking, "--size", 20000, status=1)
        self.assertIn("the limit is 1024 MB (raise NetworkOptions::memory_limit, or the program's --max-memory)", err)


class DefaultModel(ProgramTest):
    def test_named_by_the_environment(self):
        named = {"CAMLITE_MODEL": str(self.colours())}
        self.picture("p.png", ((3, 4, 20, 10), RED))
        out, _ = self.camlite("classify", "p.png", environment=named)
        self.assertIn("crimson", out)
        out, _ = self.camlite("--version", environment=named)
        self.assertIn(f"{named['CAMLITE_MODEL']} (named by the environment variable CAMLITE_MODEL)", out)

    def test_named_but_missing(self):
        _, err = self.camlite("info", environment={"CAMLITE_MODEL": "nowhere.safetensors"}, status=1)
        self.assertIn("nowhere.safetensors", err)

    def test_model_goes_before_the_environment(self):
        self.colours()
        self.camlite("info", "colours.safetensors", environment={"CAMLITE_MODEL": "nowhere.safetensors"})


if __name__ == "__main__":
    unittest.main()
