"""camlite convert of Caffe models: OpenCV's reader of the same files is what their results must be. Files that lie."""

import sys
import unittest

import numpy as np

from caffe_files import CaffeNet, RandomNet, alexnet_star_cam, blob, field, googlenet_cam, varint, vgg16_cam
from support import ProgramTest

try:
    import cv2
except ImportError:
    print("SKIPPED: OpenCV, which Caffe models are compared with, is not there (Debian: python3-opencv)")
    sys.exit(77)


class CaffeTest(ProgramTest):
    def write(self, net, old=False, **how):
        (self.here / "net.caffemodel").write_bytes(net.caffemodel(old, **how))
        (self.here / "net.prototxt").write_text(net.prototxt(old))

    def convert(self, *arguments):
        """The report, as (kind, layer, what)."""
        (done,) = self.json("convert", "net.caffemodel", "out.safetensors", *arguments)
        self.assertEqual(done["format"], "Caffe")
        return [(line["kind"], line["layer"], line["what"]) for line in done["report"]]

    def run_model(self, x, *arguments):
        np.save(self.here / "x.npy", x)
        self.camlite("run", "--model", "out.safetensors", "--input", "x.npy", "--logits", "l.npy", *arguments)
        return np.load(self.here / "l.npy")

    def opencv(self, x, *layers):
        net = cv2.dnn.readNetFromCaffe(str(self.here / "net.prototxt"), str(self.here / "net.caffemodel"))
        net.setInput(x)
        return [np.array(y) for y in net.forward(list(layers))]

    def assert_close(self, is_, should, tolerance=1e-4):
        self.assertEqual(is_.shape, should.shape)
        self.assertGreater(np.abs(should).max(), 0)
        self.assertLess(np.abs(is_ - should).max() / np.abs(should).max(), tolerance)

    def assert_agrees(self, net, result=None, old=False):
        """One small network, whose last layer (or `result`) gives vectors."""
        self.write(net, old)
        x = np.random.default_rng(5).normal(size=net.shape).astype(np.float32)
        (should,) = self.opencv(x, result or net.layers[-1]["name"])
        report = self.convert("--prototxt", "net.prototxt")
        self.assert_close(self.run_model(x), should.reshape(len(x), -1))
        return report

    def refused(self, *words, arguments=()):
        """Converting net.caffemodel says these words and writes nothing."""
        _, err = self.camlite("convert", "net.caffemodel", "out.safetensors", *arguments, status=1)
        for word in words:
            self.assertIn(word, err)
        self.assertFalse((self.here / "out.safetensors").exists())
        return err


class NetworksOfThePaper(CaffeTest):
    def assert_network_agrees(self, net):
        x = np.random.default_rng(4).normal(size=net.shape).astype(np.float32)
        for old in (True, False):
            self.write(net, old)
            logits, probabilities, features = self.opencv(x, "CAM_fc", "prob", "CAM_relu")
            for definition in ((), ("--prototxt", "net.prototxt")):
                report = self.convert(*definition)
                self.assertIn("CAM_pool", [layer for kind, layer, _ in report if kind == "changed"])
                is_ = self.run_model(x, "--features", "f.npy", "--cam", "1,3", "--maps", "m.npy")
                self.assert_close(is_, logits)
                e = np.exp(is_ - is_.max())
                self.assert_close(e / e.sum(), probabilities)
                self.assert_close(np.load(self.here / "f.npy"), features)
                # The mean of a class's map and its bias are its logit.
                blobs = net.layers[-2]["blobs"]
                bias = blobs[1] if len(blobs) > 1 else np.zeros(is_.shape[1])
                mean = np.load(self.here / "m.npy").mean((2, 3))[0]
                np.testing.assert_allclose(mean + bias[[1, 3]], is_[0, [1, 3]], atol=1e-4 * np.abs(is_).max())
        (info,) = self.json("info", "out.safetensors")
        self.assertTrue(info["cam_head"])

    def test_vgg16_cam(self):
        self.assert_network_agrees(vgg16_cam(width=4, classes=20))

    def test_vgg16_cam_without_the_bias_of_its_classifier(self):
        self.assert_network_agrees(vgg16_cam(width=2, classes=10, bias=False))

    def test_alexnet_star_cam(self):
        self.assert_network_agrees(alexnet_star_cam(width=4, classes=20))

    def test_googlenet_cam(self):
        self.assert_network_agrees(googlenet_cam(divisor=8, classes=20))


class Layers(CaffeTest):
    def features(self, channels=4, height=9, width=7, **more):
        """A network that starts with a convolution of the picture, and the value's name."""
        net = RandomNet((1, 3, height, width), **more)
        return net, net.conv("conv", "data", channels, 3, pad=1)

    def test_pooling_rounds_up(self):
        for method in ("MAX", "AVE"):
            for height, width, kernel, stride, pad in [
                (7, 8, 2, 2, 0), (9, 10, 3, 2, 0), (9, 10, 3, 2, 1), (8, 7, 3, 3, 1), (10, 9, 4, 3, 2), (7, 6, 3, 1, 1),
            ]:
                with self.subTest(method=method, height=height, width=width, kernel=kernel, stride=stride, pad=pad):
                    net, value = self.features(height=height, width=width)
                    net.same("Pooling", "pool", value, pool=method, kernel_size=kernel, stride=stride, pad=pad)
                    size = [int(np.ceil((e + 2 * pad - kernel) / stride)) + 1 for e in (height, width)]
                    size = [n - (pad > 0 and (n - 1) * stride >= e + pad) for n, e in zip(size, (height, width))]
                    net.fc("fc", "pool", 6, 4 * size[0] * size[1])
                    self.assert_agrees(net)


if __name__ == "__main__":
    unittest.main()
