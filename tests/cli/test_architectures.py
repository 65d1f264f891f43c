"""Networks by name, and their weights from PyTorch's state dicts, against the networks themselves in PyTorch: those of
torchvision, and those of the paper written down here from its layer lists."""

import json
import sys
import unittest
from collections import OrderedDict

import numpy as np

from support import ProgramTest, write_safetensors
from torch_support import check_agreement, pictures, randomize, save_state_dict, torch, torchvision

try:
    from torchcam.methods import CAM
except ImportError as missing:
    print(f"NOT TESTED beside torchcam: {missing}", file=sys.stderr)
    CAM = None

nn = torch.nn
CLASSES = 10


def sequential(*layers):
    return nn.Sequential(OrderedDict(layers))


def head(channels, groups=1, norm=False):
    """What the paper puts behind the last convolution (Zhou et al., CVPR 2016, section 3.1)."""
    return [
        ("CAM_conv", nn.Conv2d(channels, 1024, 3, padding=1, groups=groups)),
        *([("CAM_bn", nn.BatchNorm2d(1024))] if norm else []),
        ("CAM_relu", nn.ReLU()),
        ("CAM_pool", nn.AdaptiveAvgPool2d(1)),
        ("flatten", nn.Flatten()),
        ("CAM_fc", nn.Linear(1024, CLASSES)),
    ]


def vgg16_gap(groups=1, norm=False):
    """Simonyan and Zisserman, ICLR 2015, table 1, column D."""
    layers, channels = [], 3
    for stage, widths in enumerate([(64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3], 1):
        for i, width in enumerate(widths, 1):
            layers.append((f"conv{stage}_{i}", nn.Conv2d(channels, width, 3, padding=1)))
            if norm:
                layers.append((f"bn{stage}_{i}", nn.BatchNorm2d(width)))
            layers.append((f"relu{stage}_{i}", nn.ReLU()))
            channels = width
        if stage < 5:
            layers.append((f"pool{stage}", nn.MaxPool2d(2)))
    return sequential(*layers, *head(512, groups, norm))


def alexnet(conv5, *behind):
    """Krizhevsky et al., NIPS 2012, section 3.5, without what is behind its fifth layer."""
    normalized = dict(alpha=1e-4, beta=0.75, k=1)
    return sequential(
        ("conv1", nn.Conv2d(3, 96, 11, stride=4)),
        ("relu1", nn.ReLU()),
        ("pool1", nn.MaxPool2d(3, 2, ceil_mode=True)),
        ("norm1", nn.LocalResponseNorm(5, **normalized)),
        ("conv2", nn.Conv2d(96, 256, 5, padding=2, groups=2)),
        ("relu2", nn.ReLU()),
        ("pool2", nn.MaxPool2d(3, 2, ceil_mode=True)),
        ("norm2", nn.LocalResponseNorm(5, **normalized)),
        ("conv3", nn.Conv2d(256, 384, 3, padding=1)),
        ("relu3", nn.ReLU()),
        ("conv4", nn.Conv2d(384, 384, 3, padding=1, groups=2)),
        ("relu4", nn.ReLU()),
        ("conv5", nn.Conv2d(384, conv5, 3, padding=1, groups=2)),
        ("relu5", nn.ReLU()),
        *behind,
    )


def alexnet_star_gap(groups=1):
    """As the authors released it."""
    return alexnet(
        384,
        ("pool5", nn.MaxPool2d(3, 1)),
        ("conv6", nn.Conv2d(384, 512, 3, padding=1, groups=groups)),
        ("relu6", nn.ReLU()),
        ("conv7", nn.Conv2d(512, 512, 3, padding=1, groups=groups)),
        ("relu7", nn.ReLU()),
        ("pool8_global", nn.AdaptiveAvgPool2d(1)),
        ("drop8", nn.Dropout()),
        ("flatten", nn.Flatten()),
        ("fc9", nn.Linear(512, CLASSES)),
    )


class GoogLeNetGap(nn.Module):
    """Szegedy et al., CVPR 2015, table 1, to inception (4e); layers are called as in the authors' Caffe release."""

    # Input, 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
    INCEPTION = {
        "3a": (192, 64, 96, 128, 16, 32, 32),
        "3b": (256, 128, 128, 192, 32, 96, 64),
        "4a": (480, 192, 96, 208, 16, 48, 64),
        "4b": (512, 160, 112, 224, 24, 64, 64),
        "4c": (512, 128, 128, 256, 24, 64, 64),
        "4d": (512, 112, 144, 288, 32, 64, 64),
        "4e": (528, 256, 160, 320, 32, 128, 128),
    }

    def __init__(self, groups=1):
        super().__init__()
        self.add_module("conv1/7x7_s2", nn.Conv2d(3, 64, 7, 2, 3))
        self.add_module("conv2/3x3_reduce", nn.Conv2d(64, 64, 1))
        self.add_module("conv2/3x3", nn.Conv2d(64, 192, 3, padding=1))
        for name, (inputs, a, b1, b3, c1, c5, d) in self.INCEPTION.items():
            for layer, *sizes in [
                ("1x1", inputs, a, 1), ("3x3_reduce", inputs, b1, 1), ("3x3", b1, b3, 3),
                ("5x5_reduce", inputs, c1, 1), ("5x5", c1, c5, 5), ("pool_proj", inputs, d, 1),
            ]:  # fmt: skip
                self.add_module(f"inception_{name}/{layer}", nn.Conv2d(*sizes, padding=sizes[-1] // 2))
        for name, layer in head(832, groups):
            self.add_module(name, layer)

    def forward(self, x):
        layer = self.get_submodule
        conv = lambda name, x: torch.relu(layer(name)(x))
        norm, pool = nn.LocalResponseNorm(5, 1e-4, 0.75, 1), nn.MaxPool2d(3, 2, ceil_mode=True)
        x = norm(pool(conv("conv1/7x7_s2", x)))
        x = pool(norm(conv("conv2/3x3", conv("conv2/3x3_reduce", x))))
        for name in self.INCEPTION:
            if name == "4a":
                x = pool(x)
            at = f"inception_{name}/"
            x = torch.cat(
                [
                    conv(at + "1x1", x),
                    conv(at + "3x3", conv(at + "3x3_reduce", x)),
                    conv(at + "5x5", conv(at + "5x5_reduce", x)),
                    conv(at + "pool_proj", nn.functional.max_pool2d(x, 3, 1, 1)),
                ],
                1,
            )
        for name, layer in head(832):
            x = self.get_submodule(name)(x)
        return x


def nin():
    """Lin et al., ICLR 2014: three convolutions, the last two of 1x1, four times."""
    layers, relu = [], iter(["relu0", *(f"relu{i}" for i in (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12))])
    for names, sizes in [
        (("conv1", "cccp1", "cccp2"), [(3, 96, 11, 4), (96, 96, 1), (96, 96, 1)]),
        (("conv2", "cccp3", "cccp4"), [(96, 256, 5, 1, 2), (256, 256, 1), (256, 256, 1)]),
        (("conv3", "cccp5", "cccp6"), [(256, 384, 3, 1, 1), (384, 384, 1), (384, 384, 1)]),
        (("conv4-1024", "cccp7-1024", "cccp8-1024"), [(384, 1024, 3, 1, 1), (1024, 1024, 1), (1024, CLASSES, 1)]),
    ]:
        if layers:
            layers.append((f"pool{len(layers) // 6}", nn.MaxPool2d(3, 2, ceil_mode=True)))
        for name, size in zip(names, sizes):
            layers += [(name, nn.Conv2d(*size)), (next(relu), nn.ReLU())]
    return sequential(*layers, ("pool4", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()))


def googlenet_gap(groups=1):
    return GoogLeNetGap(groups)


class Architectures(ProgramTest):
    def agrees(self, arch, module, *options):
        """Converts the module's state dict for this network, and compares the results with the module's own."""
        randomize(module)
        save_state_dict(self.here / "weights.safetensors", module)
        (done,) = self.json("convert", "weights.safetensors", "model.safetensors", "--arch", arch, *options)
        self.assertEqual(done["classes"], CLASSES)
        self.assertTrue(done["cam_head"])
        check_agreement(self, "model.safetensors", module, pictures())
        return done

    def torchvision(self, arch):
        module = getattr(torchvision.models, arch)(weights=None, num_classes=CLASSES)
        self.agrees(arch, module)
        return module

    def maps_are_torchcams(self, module, features, classifier):
        """The same class activation map as torchcam's, scaled to [0, 1] as it does. After `agrees`."""
        if CAM is None:
            self.skipTest("torchcam is not installed; tests/cli/requirements.txt names it")
        x, k = pictures(1), 4
        with CAM(module, target_layer=features, fc_layer=classifier, input_shape=x.shape[1:]) as torchcam:
            (should,) = torchcam(k, module(torch.from_numpy(x)))
        np.save(self.here / "x.npy", x)
        self.camlite("run", "--model", "model.safetensors", "--input", "x.npy", "--cam", k, "--maps", "map.npy")
        seen = np.load(self.here / "map.npy")[:, 0]
        seen = (seen - seen.min()) / (seen.max() - seen.min())
        np.testing.assert_allclose(seen, should.detach().numpy(), atol=1e-3)

    def test_vgg16_gap(self):
        module = vgg16_gap()
        self.agrees("vgg16-gap", module)
        self.maps_are_torchcams(module, "CAM_relu", "CAM_fc")

    def test_vgg16_gap_in_groups(self):
        self.agrees("vgg16-gap", vgg16_gap(groups=2))

    def test_vgg16_bn_gap(self):
        done = self.agrees("vgg16-bn-gap", vgg16_gap(norm=True))
        self.assertIn({"kind": "dropped", "layer": "num_batches_tracked", "what": "14 of them, no weights"},
                      done["report"])  # fmt: skip
        self.assertIn({"kind": "folded", "layer": "CAM_bn", "what": "into CAM_conv"}, done["report"])

    def test_alexnet_gap(self):
        self.agrees("alexnet-gap", alexnet(256, *head(256)))

    def test_alexnet_star_gap(self):
        self.agrees("alexnet-star-gap", alexnet_star_gap(groups=2))

    def test_googlenet_gap(self):
        self.agrees("googlenet-gap", googlenet_gap())

    def test_nin(self):
        self.agrees("nin", nin())

    def test_squeezenet1_1(self):
        self.torchvision("squeezenet1_1")

    def test_resnet18(self):
        self.maps_are_torchcams(self.torchvision("resnet18"), "layer4", "fc")

    def test_resnet50(self):
        self.torchvision("resnet50")

    def test_mobilenet_v2(self):
        self.maps_are_torchcams(self.torchvision("mobilenet_v2"), "features", "classifier.1")

    def test_densenet121(self):
        self.torchvision("densenet121")


class StateDicts(ProgramTest):
    """What files there are."""

    def setUp(self):
        super().setUp()
        self.module = randomize(torchvision.models.squeezenet1_1(weights=None, num_classes=CLASSES))
        self.tensors = {name: tensor.numpy() for name, tensor in self.module.state_dict().items()}

    def convert(self, tensors=None, arch="squeezenet1_1", status=0, path="weights.safetensors"):
        """The report; or, where it fails, what it says."""
        if tensors is not None:
            write_safetensors(self.here / path, tensors, {})
        out, err = self.camlite("convert", path, "out.safetensors", "--arch", arch, "--json", status=status)
        if status != 0:
            self.assertFalse((self.here / "out.safetensors").exists())
            return err
        report = [(line["kind"], line["layer"], line["what"]) for line in json.loads(out)["report"]]
        return [line for line in report if line[1] != "preprocessing"]

    def test_names_that_wrappers_add_are_taken_off(self):
        wrapped = {f"module._orig_mod.{name}": tensor for name, tensor in self.tensors.items()}
        report = self.convert(wrapped)
        self.assertEqual([layer for kind, layer, _ in report if kind == "changed"], ["module.", "_orig_mod."])
        check_agreement(self, "out.safetensors", self.module, pictures(batch=2))

    def test_what_only_training_needs_is_dropped(self):
        tensors = {
            **self.tensors,
            "features.0.num_batches_tracked": np.array(7, np.int64),
            "features.0.total_ops": np.zeros(1, np.float64),
            "aux1.conv.weight": np.zeros((4, 4), np.float32),
            "loss2/fc.bias": np.zeros(4, np.float32),
        }
        dropped = [layer for kind, layer, _ in self.convert(tensors) if kind == "dropped"]
        self.assertEqual(dropped[:4], ["num_batches_tracked", "total_ops", "aux1", "loss2"])

    def test_the_old_names_of_densenet(self):
        module = torchvision.models.densenet121(weights=None, num_classes=CLASSES)
        old = lambda name: name.replace(".norm", ".norm.").replace(".conv", ".conv.") if "denselayer" in name else name
        save_state_dict(self.here / "weights.safetensors", module, old)
        report = self.convert(arch="densenet121")
        self.assertIn(("changed", "denselayer", "old names, norm.1 and the like, 580 of them: norm1"), report)

    def test_sixteen_bit_weights(self):
        self.convert({name: tensor.astype(np.float16) for name, tensor in self.tensors.items()})

    def test_missing_unexpected_and_misshapen_tensors_are_named_all_at_once(self):
        tensors = dict(self.tensors)
        del tensors["features.3.squeeze.bias"]
        del tensors["features.9.expand3x3.weight"]
        tensors["features.4.squeeze.weight"] = np.zeros((16, 128, 3, 3), np.float32)
        tensors["classifier.1.bias"] = np.zeros(11, np.float32)
        tensors["classifier.6.weight"] = np.zeros((1, 2, 3, 4, 5), np.float32)
        err = self.convert(tensors, status=1)
        for words in (
            "weights.safetensors",
            "squeezenet1_1 with 10 classes",
            "of the 52 tensors",
            "2 missing: features.3.squeeze.bias [16], features.9.expand3x3.weight [192, 48, 3, 3]",
            "2 of another shape: features.4.squeeze.weight [16, 128, 3, 3], not [16, 128, 1, 1], classifier.1.bias [11],"
            " not [10]",
            '1 unexpected: "classifier.6.weight" [1, 2, 3, 4, 5]',
        ):
            self.assertIn(words, err)

    def test_the_weights_of_another_network(self):
        err = self.convert(self.tensors, arch="resnet18", status=1)
        self.assertIn("102 missing: conv1.weight [64, 3, 7, 7], ", err)
        self.assertIn("and 97 others", err)
        self.assertIn("52 unexpected", err)

    def test_a_network_that_is_not_known(self):
        self.assertIn("resnet1000 not in {vgg16-gap,", self.convert(self.tensors, arch="resnet1000", status=2))

    def test_a_file_that_is_cut_off(self):
        write_safetensors(self.here / "whole.safetensors", self.tensors, {})
        whole = (self.here / "whole.safetensors").read_bytes()
        for length in (9, 100, 10000, len(whole) - 1):
            (self.here / "weights.safetensors").write_bytes(whole[:length])
            self.assertIn("weights.safetensors", self.convert(status=1))

    def test_hostile_shapes(self):
        for shape in [(0, 512, 1, 1), (2**40, 0, 1, 1), (10, 0, 512, 1), (10,), (), (10, 512, 1, 1, 1)]:
            tensors = {**self.tensors, "classifier.1.weight": np.zeros(shape, np.float32)}
            self.assertIn("weights.safetensors", self.convert(tensors, status=1))
        integers = {**self.tensors, "classifier.1.bias": np.zeros(CLASSES, np.int64)}
        self.assertIn("classifier.1.bias", self.convert(integers, status=1))

    def test_without_the_networks_name(self):
        write_safetensors(self.here / "weights.safetensors", self.tensors, {})
        _, err = self.camlite("convert", "weights.safetensors", "out.safetensors", status=2)
        self.assertIn("--arch", err)


if __name__ == "__main__":
    unittest.main()
