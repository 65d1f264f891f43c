"""What the tests of the program share: running it, small models and pictures whose results can be computed by hand.

    python3 tests/cli/test_cam.py        with CAMLITE_PROGRAM=build/tools/camlite/camlite in the environment
"""

import json
import os
import pty
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

SOURCE = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CAMLITE_PROGRAM", str(SOURCE / "build/tools/camlite/camlite"))
PICTURES = SOURCE / "tests/fixtures/pictures"
DEFAULT_MODEL = SOURCE / "weights/tiny_vgg_gap.safetensors"

sys.path.insert(0, str(SOURCE / "tools/train"))
from safetensors_file import write_safetensors  # noqa: E402


class ProgramTest(unittest.TestCase):
    """Each test in an empty folder of its own, self.here."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.here = Path(folder.name)

    def run_program(self, *arguments, environment=None):
        """Runs the program in self.here; returns what subprocess.run does."""
        return subprocess.run(
            [PROGRAM, *map(os.fspath, map(lambda a: a if isinstance(a, (str, bytes, Path)) else str(a), arguments))],
            cwd=self.here,
            env={**os.environ, "OMP_NUM_THREADS": "2", **(environment or {})},
            capture_output=True,
            timeout=300,
        )

    def camlite(self, *arguments, status=0, environment=None):
        """Runs the program in self.here; returns (stdout, stderr). Fails the test on another exit status; a tuple has
        those that may be."""
        done = self.run_program(*arguments, environment=environment)
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        allowed = status if isinstance(status, tuple) else (status,)
        self.assertIn(done.returncode, allowed, f"{arguments}\n{out}\n{err}")
        if done.returncode != 0:
            self.assertNotEqual(err, "", "a failure says why")
        for word in ("terminate", "what()", "Traceback", "Sanitizer"):
            self.assertNotIn(word, err)
        return out, err

    def on_a_terminal(self, *arguments, status=0):
        """Runs the program with standard error on a terminal; returns (stdout, what the terminal gets)."""
        ours, theirs = pty.openpty()
        command = [PROGRAM, *map(str, arguments)]
        done = subprocess.run(command, cwd=self.here, stdout=subprocess.PIPE, stderr=theirs, timeout=60)
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 4096):
                said += chunk
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        self.assertEqual(done.returncode, status)
        return done.stdout.decode(), said.decode()

    def json(self, *arguments, status=0):
        """The objects on standard output, one a line."""
        out, _ = self.camlite(*arguments, "--json", status=status)
        return [json.loads(line) for line in out.splitlines()]

    def colours(self, name="colours.safetensors", labels=None):
        """A model of three classes, whose maps are the red, green and blue of the picture itself."""
        path = self.here / name
        write_model(
            path,
            "input channels=3 height=16 width=16\n"
            "conv conv2d input out_channels=3 kernel=1\n"
            "relu relu conv\n"
            "gap global_avg_pool relu\n"
            "fc linear gap out_features=3\n"
            "prob softmax fc\n",
            {
                "conv.weight": np.eye(3).reshape(3, 3, 1, 1),
                "conv.bias": np.zeros(3),
                "fc.weight": COLOUR_WEIGHT * np.eye(3),
                "fc.bias": np.zeros(3),
            },
            labels or COLOUR_LABELS,
        )
        return path

    def picture(self, name, *squares, size=(40, 30)):
        """A black picture with squares of (box, colour); returns its path."""
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        for (x, y, width, height), colour in squares:
            pixels[y : y + height, x : x + width] = colour
        path = self.here / name if isinstance(name, str) else Path(os.fsdecode(os.fsencode(self.here) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path


COLOUR_WEIGHT = 8.0
COLOUR_LABELS = ["n00000001 crimson, red", "n00000002 leaf green", "n00000003 sea green, tabby"]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def write_model(path, graph, tensors, labels=(), notes=None, preprocessing=None):
    metadata = {
        "camlite.version": "1",
        "camlite.graph": graph,
        "camlite.preprocess": preprocessing
        or f"resize=0\ncrop=0\nchannels=rgb\nscale={1 / 255!r}\nmean=0,0,0\nstd=1,1,1\n",
        **(notes or {}),
    }
    if labels:
        metadata["camlite.labels"] = "\n".join(labels) + "\n"
    write_safetensors(path, {k: np.asarray(v, np.float32) for k, v in tensors.items()}, metadata)


def softmax(logits):
    e = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def read_pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
