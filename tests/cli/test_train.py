"""tools/train: a run that was interrupted ends with the same bits as one that was not; what it exports is what PyTorch
computes. On a Tiny ImageNet of generated pictures."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

from support import PROGRAM, SOURCE, ProgramTest

try:
    import torch
except ImportError as missing:
    print(f"SKIPPED: {missing}. Debian's python3-torch has it.", file=sys.stderr)
    sys.exit(77)

import augment
import choose_boxes
import export
import tiny_imagenet
from safetensors_file import read_safetensors
from vgg_gap import VggGap, parse_layers

torch.set_num_threads(1)
CLASSES, PICTURES = 200, 3
LAYERS = "8s-r/16-r/24"


def make_data(root):
    """Two hundred classes of three pictures: coloured noise, a colour a class, and the boxes of Tiny ImageNet's files."""
    random = np.random.default_rng(4)
    words = []
    for k in range(CLASSES):
        wnid = f"n{k:08d}"
        folder = root / "train" / wnid / "images"
        folder.mkdir(parents=True)
        boxes = []
        for i in range(PICTURES):
            pixels = random.integers(0, 80, (64, 64, 3)) + random.integers(0, 170, 3) * (k + 1) // CLASSES
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{wnid}_{i}.JPEG")
            boxes.append(f"{wnid}_{i}.JPEG\t{i}\t10\t{50 + i}\t60\n")
        (root / "train" / wnid / f"{wnid}_boxes.txt").write_text("".join(boxes))
        words.append(f"{wnid}\tthing {k}, object {k}\n")
    (root / "words.txt").write_text("".join(words))


class Train(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.data = Path(cls.folder.name) / "data"
        make_data(cls.data)
        cls.cache = Path(cls.folder.name) / "cache"

    def decoded(self):
        """The file of decoded pictures that all runs share."""
        tiny_imagenet.training_split(self.data, self.cache)
        return self.cache / "train.npz"

    def command(self, run, *more):
        settings = ["--layers", LAYERS, "--sizes", "16:0.5,32:0.5", "--batch", 50, "--epochs", 2, "--held-out", 1]
        settings += ["--threads", 1, "--device", "cpu", "--precision", "float32"]
        files = ["--data", self.data, "--cache", self.cache, "--run", self.here / run]
        return [sys.executable, SOURCE / "tools/train/train.py", *map(str, [*files, *settings, *more])]

    def train(self, run, *more, status=0):
        """Runs train.py; returns what it said on standard error."""
        done = subprocess.run(self.command(run, *more), capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def checkpoint(self, run):
        return torch.load(self.here / run / "checkpoint.pt", map_location="cpu")

    def same(self, is_, should, what):
        """Nested dicts and lists of tensors and numbers: all bits."""
        if isinstance(should, torch.Tensor):
            self.assertTrue(torch.equal(is_, should), what)
        elif isinstance(should, dict):
            self.assertEqual(is_.keys(), should.keys(), what)
            for key in should:
                self.same(is_[key], should[key], f"{what}/{key}")
        elif isinstance(should, list):
            self.assertEqual(len(is_), len(should), what)
            for i, (a, b) in enumerate(zip(is_, should)):
                self.same(a, b, f"{what}/{i}")
        else:
            self.assertEqual(is_, should, what)

    def test_an_interrupted_run_ends_with_the_same_bits(self):
        options = ("--mix", 0.5, "--erase", 0.5, "--export")
        self.train("whole", *options, self.here / "whole.safetensors")
        parts = (*options, self.here / "parts.safetensors")
        for _ in range(3):
            said = self.train("parts", *parts, "--stop-after", 0, status=3)
            self.assertIn("the same command goes on", said)
        self.assertEqual(self.checkpoint("parts")["done"], 3)
        self.assertFalse((self.here / "parts.safetensors").exists())
        self.train("parts", *parts)
        self.same(self.checkpoint("parts"), self.checkpoint("whole"), "checkpoint")
        self.assertEqual(
            (self.here / "parts.safetensors").read_bytes(), (self.here / "whole.safetensors").read_bytes()
        )
        # Loss and accuracies of each epoch, too; only the speed differs.
        logs = [(self.here / run / "log.tsv").read_text().splitlines() for run in ("parts", "whole")]
        self.assertEqual(len(logs[0]), 1 + 2)
        for parts_line, whole_line in zip(*logs, strict=True):
            self.assertEqual(parts_line.split("\t")[:-1], whole_line.split("\t")[:-1])

    def test_ctrl_c_keeps_what_was_done(self):
        running = subprocess.Popen(
            self.command("stopped", "--epochs", 1000), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(running.kill)
        deadline = time.monotonic() + 120
        while not (self.here / "stopped/checkpoint.pt").exists():
            self.assertLess(time.monotonic(), deadline, "no checkpoint after the first epoch")
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 3, said)
        self.assertIn(f"stopped at step {self.checkpoint('stopped')['done']} of", said)

    def test_a_run_folder_is_not_gone_on_with_under_other_settings(self):
        self.train("run", "--stop-after", 0, status=3)
        said = self.train("run", "--rate", 0.3, status=1)
        self.assertIn("rate: 0.1 there, 0.3 here", said)

    def test_minutes_choose_the_number_of_epochs(self):
        started = time.monotonic()
        self.train("run", "--minutes", 0.1)
        took = time.monotonic() - started
        epochs = float(json.loads((self.here / "run/settings.json").read_text())["epochs"])
        self.assertGreater(epochs, 0)
        # Other programs may slow the run down or the measurement before it; 6 s are not 10 minutes in any case.
        self.assertLess(took, 120)
        done = self.checkpoint("run")["done"]
        self.assertEqual(done, max(1, round(epochs * (CLASSES * (PICTURES - 1) // 50))))

    def exported_and_averaged(self):
        """A trained network in PyTorch, and its files of both types of weights. Trained once, a copy for each test."""
        made = Path(self.folder.name) / "made"
        if not made.exists():
            here, self.here = self.here, made
            self.train("run", "--export", made / "half.safetensors", "--save-weights", made / "on.safetensors")
            self.train("run", "--export", made / "full.safetensors", "--dtype", "F32")
            self.here = here
        shutil.copytree(made, self.here, dirs_exist_ok=True)
        network = VggGap(LAYERS, CLASSES)
        network.load_state_dict(self.checkpoint("run")["averaged"])
        return network.eval()

    @torch.no_grad()
    def test_camlite_computes_what_pytorch_does(self):
        network = self.exported_and_averaged().double()
        pictures = np.random.default_rng(1).normal(size=(3, 3, 64, 64)).astype(np.float32)
        np.save(self.here / "x.npy", pictures)
        should = network(torch.from_numpy(pictures).double()).numpy()
        features = network.features(torch.from_numpy(pictures).double()).numpy()
        # The weights that were raised add the same number to all logits of a picture.
        raised = 0.8 * network.classifier.weight.double().std().item()
        should_raised = should + raised * features.mean((2, 3)).sum(1, keepdims=True)
        weight = network.classifier.weight[7].numpy() + raised
        should_map = np.einsum("c,nchw->nhw", weight, features)
        for model, expected, tolerance in (
            ("half", should_raised, 1e-3),
            ("full", should_raised, 1e-5),
            ("on", should, 2e-3),
        ):
            out = ("--logits", "logits.npy", "--cam", 7, "--maps", "maps.npy")
            self.camlite("run", "--model", f"{model}.safetensors", "--input", "x.npy", *out)
            error = np.abs(np.load(self.here / "logits.npy") - expected).max() / np.abs(expected).max()
            self.assertLess(error, tolerance, model)
            if model != "on":
                maps = np.load(self.here / "maps.npy")[:, 0]
                self.assertLess(np.abs(maps - should_map).max() / np.abs(should_map).max(), tolerance, model)

    def test_pictures_are_preprocessed_as_in_training(self):
        """A picture file through camlite gets the probabilities of the decoded picture in PyTorch."""
        network = self.exported_and_averaged()
        path = sorted((self.data / "train").glob("*/images/*.JPEG"))[40]
        with Image.open(path) as picture:
            pixels = torch.from_numpy(np.asarray(picture.convert("RGB")).copy()).permute(2, 0, 1)[None]
        with torch.no_grad():
            should = torch.softmax(network(augment.normalized(pixels)), 1)[0]
        (answer,) = self.json("classify", "--model", "full.safetensors", "--top", CLASSES, path)
        self.assertEqual(len(answer["top"]), CLASSES)
        for entry in answer["top"]:
            self.assertAlmostEqual(entry["probability"], should[entry["class"]].item(), delta=1e-4)
            self.assertEqual(entry["label"].split()[0], f"n{entry['class']:08d}")

    def test_choosing_boxes_counts_those_that_overlap_by_half(self):
        """Against pixels counted by hand in what the program says, and against a model exported with that raise."""
        self.exported_and_averaged()
        boxes = tiny_imagenet.training_boxes(self.data, 2)
        self.assertEqual(len(boxes), CLASSES)
        counted = by_hand = 0
        for wnid, pictures in list(boxes.items())[:10]:
            self.assertEqual([path.name for path, _ in pictures], [f"{wnid}_1.JPEG", f"{wnid}_2.JPEG"])
            counted += choose_boxes.right_boxes(PROGRAM, self.here / "half.safetensors", wnid, pictures, 0.6)
            for path, truth in pictures:
                (answer,) = self.json("cam", "--model", "half.safetensors", "--no-overlay", "--threshold", 0.6,
                                      "--top", 1, "--class", wnid, path)  # fmt: skip
                entry = next(entry for entry in answer["top"] if entry["label"].startswith(wnid))
                x, y, width, height = entry["box"]
                is_, should = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
                is_[y : y + height, x : x + width] = True
                should[truth[1] : truth[3] + 1, truth[0] : truth[2] + 1] = True
                by_hand += (is_ & should).sum() / (is_ | should).sum() >= 0.5
        self.assertEqual(counted, by_hand)
        self.assertTrue(0 < counted < 20, f"{counted} of 20 right: all or none would show nothing")

        choose_boxes.raised(self.here / "half.safetensors", self.here / "again.safetensors", 0.1)
        self.train("run", "--export", self.here / "exported.safetensors", "--map-raise", 0.1)
        (is_, _), (should, _) = (read_safetensors(self.here / f"{name}.safetensors") for name in ("again", "exported"))
        for name in should:
            self.assertLess(np.abs(is_[name].astype(float) - should[name]).max(), 1e-3, name)

    def test_saved_weights_can_be_trained_on_and_teach(self):
        network = self.exported_and_averaged()
        read, _ = export.read_model(self.here / "on.safetensors")
        for (name, is_), should in zip(read.state_dict().items(), network.state_dict().values()):
            if is_.is_floating_point():
                self.assertLess((is_ - should).abs().max(), 1e-3 * max(1e-3, should.abs().max()), name)
        with self.assertRaisesRegex(ValueError, "folded"):
            export.read_model(self.here / "half.safetensors")
        self.train("on", "--start-from", self.here / "on.safetensors", "--from", 0.5)
        self.assertEqual(self.checkpoint("on")["done"], 16)
        self.train("taught", "--teacher", self.here / "on.safetensors", "--layers", "8s/16", "--epochs", 1)
        # With nothing else to learn from, the teacher's own answers are a loss of none.
        self.train("same", "--teacher", self.here / "on.safetensors", "--start-from", self.here / "on.safetensors",
                   "--teacher-share", 1, "--rate", 0, "--epochs", 1)  # fmt: skip
        losses = {run: float((self.here / run / "log.tsv").read_text().splitlines()[1].split("\t")[3])
                  for run in ("taught", "same")}  # fmt: skip
        self.assertGreater(losses["taught"], 1)
        self.assertLess(losses["same"], 0.3)  # batch statistics are not the running ones

    def test_training_begins_with_the_function_of_a_model(self):
        """A model with folded batch normalization and raised maps, with residual layers added: the same probabilities."""
        network = self.exported_and_averaged()
        pictures = augment.normalized(torch.from_numpy(np.load(self.decoded())["pictures"]).permute(0, 3, 1, 2))
        for layers in (LAYERS, "8s-r/16-r-r/24-r"):
            for model, tolerance in (("full", 1e-4), ("half", 5e-2), ("on", 5e-2)):
                with self.subTest(layers=layers, model=model):
                    begun = VggGap(layers, CLASSES)
                    export.begin_with(self.here / f"{model}.safetensors", begun, pictures[:100])
                    with torch.no_grad():
                        is_, should = begun(pictures[100:120]), network(pictures[100:120])
                        self.assertLess((is_ - should).abs().max(), tolerance * should.abs().max())
                        # In training, batches are normalized by their own statistics: nearly the same.
                        trained = begun.train()(pictures[:100]).softmax(1)
                    if model == "full":
                        self.assertLess((trained - network(pictures[:100]).softmax(1)).abs().max(), 1e-4)
                        lengths = [p.conv.weight.flatten(1).norm(dim=1) for p in begun.modules() if hasattr(p, "conv")]
                        self.assertTrue(all((one / one[0] - 1).abs().max() < 1e-3 for one in lengths[:3]))

        for layers, message in (("8s-r/16-r/32", r"conv3_1\.weight is \(24, 16, 3, 3\), .* \(32, 16, 3, 3\)"),
                                ("8s-r/16-r/24-24", r"has no tensor conv3_2\.weight"),
                                ("8s/16-r/24", r"has no place for conv1_2\.bias, conv1_2\.weight")):  # fmt: skip
            with self.assertRaisesRegex(ValueError, message):
                export.begin_with(self.here / "full.safetensors", VggGap(layers, CLASSES), pictures[:9])
        said = self.train("other", "--start-from", self.here / "full.safetensors", "--layers", "8s/16", status=1)
        self.assertRegex(said, r"--start-from: .*full\.safetensors")
        self.assertNotIn("Traceback", said)
        self.train("more", "--start-from", self.here / "half.safetensors", "--layers", "8s-r/16-r/24-r", "--epochs", 1)

    def test_the_recipe_is_one_command_that_goes_on(self):
        settings = ["--layers", LAYERS, "--sizes", "16:1", "--batch", 50, "--epochs", 1, "--held-out", 1, "--threads", 1]

        def recipe(*more):
            command = [SOURCE / "tools/train/recipe.sh", "cpu", self.data, self.here, self.here / "model.safetensors"]
            environment = {**os.environ, "PYTHON": sys.executable}
            done = subprocess.run([str(part) for part in [*command, *settings, *more]], env=environment,
                                  capture_output=True, text=True, timeout=300)  # fmt: skip
            return done.returncode, done.stderr

        (self.here / "train.npz").symlink_to(self.decoded())
        self.assertEqual(recipe("--stop-after", 0)[0], 3)
        self.assertFalse((self.here / "stage1.safetensors").exists())
        status, said = recipe()
        self.assertEqual(status, 0, said)
        self.assertIn("going on from", said)
        (_, notes), (_, half_way) = (read_safetensors(self.here / f"{f}.safetensors") for f in ("model", "stage1"))
        self.assertEqual((half_way["train.layers"], notes["train.layers"]), (LAYERS, LAYERS))
        # Of 400 pictures' 8 steps the first stage does 5, and the second begins behind them.
        done = [self.checkpoint(stage)["done"] for stage in ("stage1", "stage2")]
        self.assertEqual(done, [5, 8])
        self.assertEqual(len((self.here / "stage2/log.tsv").read_text().splitlines()), 2)
        self.camlite("info", "model.safetensors")


class Parts(unittest.TestCase):
    def test_resampling_is_pillows_resize(self):
        pixels = np.random.default_rng(2).integers(0, 256, (64, 64, 3)).astype(np.uint8)
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
        for left, top, width, height, size, mirrored in (
            (0, 0, 64, 64, 48, False),
            (3.5, 10.25, 40.5, 30, 64, False),
            (0, 8, 64, 56, 32, True),
        ):
            image = Image.fromarray(pixels).resize((size, size), Image.BILINEAR, (left, top, left + width, top + height))
            should = np.asarray(image.transpose(Image.FLIP_LEFT_RIGHT) if mirrored else image).astype(float)
            f = lambda v: torch.tensor([float(v)])
            rows = augment.resampling(f(top), f(height), torch.tensor([False]), size)
            columns = augment.resampling(f(left), f(width), torch.tensor([mirrored]), size)
            is_ = augment.resampled(x, rows, columns)[0].permute(1, 2, 0).numpy()
            self.assertLess(np.abs(is_ - should).max(), 1.6, "Pillow rounds to bytes twice")

    def test_without_strength_a_picture_is_only_normalized_or_mirrored(self):
        pictures = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (20, 3, 64, 64)).astype(np.uint8))
        classes = torch.arange(20)
        unchanged = augment.Augmentation(crop=1.0)
        # A crop of the whole area in another shape is clipped to the picture.
        x, others, own = unchanged(pictures, classes, 64, np.random.default_rng(0))
        self.assertEqual(x.shape, (20, 3, 64, 64))
        self.assertTrue(torch.equal(others, classes) and (own == 1).all())
        again, _, _ = unchanged(pictures, classes, 64, np.random.default_rng(0))
        self.assertTrue(torch.equal(x, again))

    def test_mixed_pictures_say_what_is_in_them(self):
        pictures = torch.zeros(40, 3, 64, 64, dtype=torch.uint8)
        pictures[::2] = 255  # every other one is white
        x, others, own = augment.Augmentation(crop=1.0, mix=0.5)(
            pictures, torch.arange(40), 32, np.random.default_rng(1)
        )
        self.assertTrue(torch.equal(others, torch.arange(40).roll(1)))
        for i in range(40):
            of_its_own = (x[i, 0] > 0) == (i % 2 == 0)
            self.assertAlmostEqual(of_its_own.float().mean().item(), own[i].item(), places=5)
        self.assertTrue(8 <= (own < 1).sum() <= 32)

    def test_layers_that_cannot_be_read(self):
        for text in ("", "64-", "r-64", "64x", "0", "64//64", "-64"):
            with self.assertRaises(ValueError, msg=text):
                parse_layers(text)

    def test_raised_weights_keep_probabilities(self):
        network = VggGap("8/16", 5).eval()
        x = torch.randn(2, 3, 32, 32)
        with torch.no_grad():
            before = torch.softmax(network(x), 1)
            network.classifier.weight.copy_(export.raise_maps(network.classifier.weight, 0.7))
            after = torch.softmax(network(x), 1)
        self.assertLess((before - after).abs().max(), 1e-5)


if __name__ == "__main__":
    unittest.main()
