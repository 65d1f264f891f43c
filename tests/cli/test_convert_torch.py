"""tools/convert/from_torch.py: torchvision's networks that end in global average pooling, through ONNX, against
themselves in PyTorch; checkpoints; and the program's refusals.

Every day one network a family, made thinner where torchvision has none that is quick. All that torchvision has, at
full size, with CAMLITE_ALL_NETWORKS=1 in the environment (ten minutes).
"""

import contextlib
import functools
import io
import os
import pickle
import subprocess
import sys
import unittest
import unittest.mock

import numpy as np

from support import PROGRAM, SOURCE, ProgramTest
from torch_support import check_agreement, close, pictures, randomize, results, torch, torchvision

sys.path.insert(0, str(SOURCE / "tools/convert"))
import from_torch  # noqa: E402

models = torchvision.models
nn = torch.nn
CLASSES = 10

ALL = [
    "densenet121", "densenet161", "densenet169", "densenet201",
    "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5",
    "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l",
    "googlenet", "inception_v3",
    "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small",
    "regnet_x_16gf", "regnet_x_1_6gf", "regnet_x_32gf", "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf",
    "regnet_x_8gf", "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf", "regnet_y_400mf",
    "regnet_y_800mf", "regnet_y_8gf",
    "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
    "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "wide_resnet101_2", "wide_resnet50_2",
    "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
    "squeezenet1_0", "squeezenet1_1",
]  # fmt: skip


def thin_resnet(**options):
    return models.resnet.ResNet(models.resnet.Bottleneck, [1, 1, 1, 1], num_classes=CLASSES, **options)


def thin_efficientnet_v2():
    from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConvConfig

    return EfficientNet(
        [
            FusedMBConvConfig(1, 3, 1, 24, 24, 1),
            FusedMBConvConfig(4, 3, 2, 24, 48, 2),
            MBConvConfig(4, 3, 2, 48, 64, 2),
            MBConvConfig(6, 3, 1, 64, 80, 1),
        ],
        dropout=0.2,
        num_classes=CLASSES,
        norm_layer=functools.partial(nn.BatchNorm2d, eps=1e-3),
        last_channel=128,
    )


def named(name):
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return getattr(models, name)(weights=None, num_classes=CLASSES, **more)


THIN = {
    "resnet": lambda: thin_resnet(),
    "resnext": lambda: thin_resnet(groups=32, width_per_group=4),
    "wide_resnet": lambda: thin_resnet(width_per_group=128),
    "densenet": lambda: models.DenseNet(12, (2, 3, 2, 2), 24, num_classes=CLASSES),
    "mnasnet": lambda: named("mnasnet0_5"),
    "mobilenet_v2": lambda: models.MobileNetV2(num_classes=CLASSES, width_mult=0.5),
    "mobilenet_v3": lambda: named("mobilenet_v3_small"),
    "efficientnet": lambda: named("efficientnet_b0"),
    "efficientnet_v2": thin_efficientnet_v2,
    "regnet_x": lambda: named("regnet_x_400mf"),
    "regnet_y": lambda: named("regnet_y_400mf"),
    "shufflenet_v2": lambda: named("shufflenet_v2_x0_5"),
    "squeezenet1_0": lambda: named("squeezenet1_0"),
    "squeezenet1_1": lambda: named("squeezenet1_1"),
    "googlenet": lambda: named("googlenet"),
    "inception_v3": lambda: named("inception_v3"),
}


class TorchTest(ProgramTest):
    def export(self, module, out="model.safetensors", **options):
        return from_torch.export(module, self.here / out, camlite=PROGRAM, **options)


class Networks(TorchTest):
    """One test a network: see below."""

    def converts(self, make):
        module = make()
        size = (75, 107) if isinstance(module, models.Inception3) else (64, 96)  # 75 is its least
        randomize(module)
        report = self.export(module, size=size)
        self.assertEqual(report["classes"], CLASSES)
        (info,) = self.json("info", "model.safetensors")
        x = pictures(size=size)
        if isinstance(module, models.MobileNetV3):
            self.assertFalse(info["cam_head"])
            self.assertRegex(info["cam_reason"], r"\(linear\).* \(linear\) stand between .* \(global_avg_pool\)")
            np.save(self.here / "x.npy", x)
            self.camlite("run", "--model", "model.safetensors", "--input", "x.npy", "--logits", "y.npy")
            close(self, np.load(self.here / "y.npy"), results(module, x)[0], "logits")
            return
        self.assertTrue(info["cam_head"], info["cam_reason"])
        self.assertEqual(info["cam_classifier"] is None, isinstance(module, models.SqueezeNet))
        check_agreement(self, "model.safetensors", module, x)


def add_tests():
    networks = dict(THIN)
    if os.environ.get("CAMLITE_ALL_NETWORKS"):
        networks |= {f"all_{name}": functools.partial(named, name) for name in ALL}
    for name, make in networks.items():
        setattr(Networks, f"test_{name}", lambda self, make=make: self.converts(make))


add_tests()


def small_net():
    """A network for the program's --module."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    )  # fmt: skip


class Export(TorchTest):
    def test_the_module_keeps_its_mode(self):
        module = small_net().train()
        module[1].eval()
        self.export(module, size=16)
        self.assertEqual([part.training for part in module], [True, False, True, True, True, True])

    def test_labels_preprocessing_size_and_type(self):
        self.export(small_net(), size=(16, 24), labels=list("abcde"), preprocess="unit", dtype="f16")
        (info,) = self.json("info", "model.safetensors")
        self.assertEqual(info["labels"], list("abcde"))
        self.assertEqual(info["input"], [1, 16, 24, 3])
        self.assertIn("mean=0,0,0", info["preprocessing"])

    def test_what_makes_no_logits_is_said(self):
        class Two(nn.Module):
            def forward(self, x):
                return x, x

        for module, word in [(Two(), "tuple"), (nn.Conv2d(3, 4, 3), r"\(2, 4, 14, 14\)"), (nn.Linear(7, 2), "fails")]:
            with self.assertRaisesRegex(from_torch.ConversionError, word):
                self.export(module, size=16)
        self.assertFalse((self.here / "model.safetensors").exists())

    def test_what_the_program_says_is_passed_on(self):
        with self.assertRaisesRegex(from_torch.ConversionError, "2 labels for 5 classes"):
            self.export(small_net(), size=16, labels=["a", "b"])


class Program(TorchTest):
    def from_torch(self, *arguments, status=0):
        """What the program says, with these arguments in self.here; in this process, since importing PyTorch takes
        longer than everything else."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.here), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            with unittest.mock.patch.dict(os.environ, {"CAMLITE": PROGRAM}):
                try:
                    ended = from_torch.main([*map(str, arguments)])
                except SystemExit as exit:
                    ended = exit.code
        self.assertEqual(ended, status, out.getvalue() + err.getvalue())
        return out.getvalue() if status == 0 else err.getvalue()

    def test_a_checkpoint_of_a_network_by_name(self):
        module = randomize(models.squeezenet1_1(weights=None, num_classes=CLASSES))
        torch.save({"epoch": 3, "state_dict": module.state_dict()}, self.here / "checkpoint.pth")
        self.from_torch("checkpoint.pth", "out.safetensors", "--arch", "squeezenet1_1")
        check_agreement(self, "out.safetensors", module, pictures())
        self.assertIn("checkpoint.pth", self.from_torch("checkpoint.pth", "o.safetensors", "--arch", "nin", status=1))

    def test_a_checkpoint_of_a_module(self):
        module = randomize(small_net())
        torch.save({f"module.{k}": v for k, v in module.state_dict().items()}, self.here / "weights.pth")
        out = self.from_torch("weights.pth", "out.safetensors", "--module", "test_convert_torch:small_net",
                              "--size", "32x48", "--verify")  # fmt: skip
        self.assertIn("verified: logits within", out)
        self.assertIn("class activation maps", out)
        x = pictures(size=(32, 48))
        np.save(self.here / "x.npy", x)
        self.camlite("run", "--model", "out.safetensors", "--input", "x.npy", "--logits", "y.npy")
        close(self, np.load(self.here / "y.npy"), results(module, x)[0], "logits")

    def test_a_checkpoint_that_runs_code_does_not(self):
        class Evil:
            def __reduce__(self):
                return os.mkdir, (str(here / "ran"),)

        here = self.here
        torch.save({"state_dict": small_net().state_dict(), "evil": Evil()}, here / "evil.pth")
        err = self.from_torch("evil.pth", "out.safetensors", "--arch", "nin", status=1)
        self.assertIn("--trust", err)
        self.assertFalse((here / "ran").exists())
        err = self.from_torch("evil.pth", "out.safetensors", "--arch", "nin", "--trust", status=1)
        self.assertIn("WARNING", err)
        self.assertTrue((here / "ran").exists())

    def test_what_is_no_checkpoint(self):
        (self.here / "text.pth").write_text("hello")
        (self.here / "empty.pth").write_bytes(b"")
        (self.here / "numbers.pth").write_bytes(pickle.dumps([1, 2, 3]))
        torch.save({"epoch": 3}, self.here / "epoch.pth")
        for name in ("text.pth", "empty.pth", "numbers.pth", "epoch.pth", "missing.pth"):
            self.assertIn(name, self.from_torch(name, "out.safetensors", "--arch", "nin", status=1))

    def test_usage(self):
        program = SOURCE / "tools/convert/from_torch.py"
        done = subprocess.run([sys.executable, program, "--help"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--module", done.stdout)
        for arguments in (["out"], ["a", "b", "c", "--arch", "nin"], ["out", "--arch", "nin"],
                          ["a", "out", "--arch", "nin", "--verify"], ["a", "out", "--arch", "nin", "--module", "x:y"],
                          ["out", "--module", "x:y", "--size", "0"], ["out", "--module", "x:y", "--kwargs", "[]"]):  # fmt: skip
            self.from_torch(*arguments, status=2)
        for module, word in [("torchvision", "PACKAGE:FACTORY"), ("nowhere:net", "nowhere"), ("os:getcwd", "str"),
                             ("torchvision.models:resnet1", "resnet1")]:  # fmt: skip
            self.assertIn(word, self.from_torch("out.safetensors", "--module", module, status=1))
        err = self.from_torch("out.safetensors", "--module", "test_convert_torch:small_net", "--camlite", "nowhere",
                              status=1)  # fmt: skip
        self.assertIn("nowhere", err)


if __name__ == "__main__":
    unittest.main()
