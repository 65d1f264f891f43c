"""camlite convert of Caffe models: OpenCV's reader of the same files is what their results must be. Files that lie."""

import sys
import unittest

import numpy as np

from caffe_files import CaffeNet, RandomNet, alexnet_star_cam, blob, blob_shape, field, googlenet_cam, varint, vgg16_cam
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

    def test_pooling_in_one_direction_and_of_the_whole_map(self):
        # Of a width of 12, OpenCV 4.6 keeps a fifth window that starts behind the map; Caffe has four, since there is
        # padding in one direction.
        net, value = self.features(height=9, width=11)
        value = net.same("Pooling", "pool", value, pool="MAX", kernel_h=3, kernel_w=2, stride_h=2, stride_w=3, pad_h=1,
                         pad_w=0)
        net.fc("fc", value, 6, 4 * 5 * 4)
        self.assert_agrees(net)
        net, value = self.features()
        net.same("Pooling", "whole", value, pool="MAX", global_pooling=True)
        net.fc("fc", "whole", 6, 4)
        self.assert_agrees(net)

    def test_pooling_that_rounds_down(self):
        # OpenCV 4.6 does not know round_mode. Windows that fit whole are the same as those of the map without its last
        # row and column.
        net, value = self.features(height=8, width=9)
        net.same("Pooling", "pool", value, pool="MAX", kernel_size=3, stride=2, round_mode="FLOOR")
        net.fc("fc", "pool", 6, 4 * 3 * 4)
        self.write(net)
        self.convert()
        x = net.normal(1, 3, 8, 9)
        w, b = net.layers[0]["blobs"]
        f = np.zeros((4, 8, 9))
        padded = np.pad(x[0], ((0, 0), (1, 1), (1, 1)))
        for y in range(8):
            for u in range(9):
                f[:, y, u] = np.einsum("ocij,cij->o", w, padded[:, y : y + 3, u : u + 3]) + b
        pooled = np.array([[f[:, y : y + 3, u : u + 3].max((1, 2)) for u in (0, 2, 4, 6)] for y in (0, 2, 4)])
        w, b = net.layers[2]["blobs"]
        self.assert_close(self.run_model(x), (w @ pooled.transpose(2, 0, 1).ravel() + b)[None])

    def test_convolutions(self):
        for params in (
            dict(kernel=3, group=2, stride=2), dict(kernel=(1, 3), pad_h=0, pad_w=1, stride_h=2, stride_w=1),
            dict(kernel=3, dilation=2, pad=[2]), dict(kernel=3, pad=[1, 2], stride=[2, 1], bias=False),
            dict(kernel=3, group=4, pad=1),
        ):
            with self.subTest(params):
                net, value = self.features(height=9, width=8)
                net.conv("second", value, 8, **params)
                net.same("Pooling", "whole", "second", pool="AVE", global_pooling=True)
                net.fc("fc", "whole", 5, 8)
                self.assert_agrees(net)

    def test_a_classifier_of_the_whole_map_has_its_weights_in_caffes_order(self):
        net, value = self.features(height=5, width=6)
        net.fc("fc", value, 7, 4 * 5 * 6)
        net.same("ReLU", "relu", "fc", top="fc")
        net.same("Dropout", "drop", "fc", top="fc", dropout_ratio=0.4)
        net.fc("fc2", "fc", 3, 7, bias=False)
        net.same("Softmax", "prob", "fc2")
        self.assert_agrees(net, "fc2")
        self.assert_agrees(net, "fc2", old=True)

    def test_flatten_and_reshape_to_vectors(self):
        for type_, params in (("Flatten", {}), ("Flatten", {"axis": 1}), ("Reshape", {"shape": (0, -1)}),
                              ("Reshape", {"shape": (1, 120)}), ("Reshape", {"shape": (-1, 120)})):
            net, value = self.features(height=5, width=6)
            net.layer(type_, "vector", value, **params)
            net.fc("fc", "vector", 7, 120)
            self.assert_agrees(net)

    def test_a_transposed_classifier(self):
        # OpenCV 4.6 takes no notice of `transpose`: the network without it is what this one must be.
        net, value = self.features(height=4, width=4)
        net.fc("fc", value, 7, 64)
        self.assert_agrees(net)
        x = net.normal(*net.shape)
        should = self.run_model(x)
        fc = net.layers[-1]
        fc["blobs"][0] = np.ascontiguousarray(fc["blobs"][0].T)
        fc["params"]["transpose"] = True
        self.write(net)
        self.convert()
        self.assert_close(self.run_model(x), should)

    def test_batch_normalization_and_scale(self):
        for count in (1.0, 999.5):
            for before in ("conv", "relu"):  # folded into the convolution, and where that cannot be
                net, value = self.features()
                if before == "relu":
                    value = net.same("ReLU", "relu", value)
                statistics = [net.normal(4), net.random.uniform(0.5, 2, 4)]
                blobs = [s * count for s in statistics] + [np.array([count])]
                net.same("BatchNorm", "bn", value, blobs=blobs, eps=0.001, use_global_stats=True)
                net.same("Scale", "scale", "bn", top="bn", blobs=[net.normal(4), net.normal(4)], bias_term=True)
                net.same("ReLU", "relu2", "bn", top="bn")
                net.fc("fc", "bn", 6, 4 * 9 * 7)
                report = self.assert_agrees(net)
                folded = {layer: what for kind, layer, what in report if kind == "folded"}
                self.assertEqual(folded["scale"], "into conv" if before == "conv" else "into bn")

    def test_bias_and_power_are_scales(self):
        net, value = self.features()
        value = net.same("ReLU", "relu", value)
        net.same("Power", "power", value, scale=0.5, shift=-2.0)
        net.same("ReLU", "relu2", "power")
        net.same("Power", "nothing", "relu2", power=1.0)
        net.fc("fc", "nothing", 6, 4 * 9 * 7)
        report = self.assert_agrees(net)
        self.assertIn(("dropped", "nothing", "x * 1 + 0 is x"), report)
        # OpenCV 4.6 has no Bias layer: it is the Power layer whose shift it is.
        x = net.normal(*net.shape)
        should = self.run_model(x)
        net.layers[2] = {**net.layers[2], "params": {"scale": 0.5}}
        net.layers.insert(3, {"type": "Bias", "name": "bias", "bottom": ["power"], "top": ["power"], "phase": None,
                              "blobs": [np.full(4, -2.0)], "params": {}})
        self.write(net)
        self.convert()
        self.assert_close(self.run_model(x), should)

    def test_eltwise(self):
        for params in ({}, {"operation": "SUM"}, {"operation": "PROD"}, {"operation": "MAX"},
                       {"operation": "SUM", "coeff": [1.0, -1.0]}, {"operation": "SUM", "coeff": [0.5, 2.0]}):
            net, value = self.features()
            net.conv("left", value, 4, 3, pad=1)
            net.conv("right", value, 4, 1)
            net.same("Eltwise", "sum", ["left", "right"], **params)
            net.fc("fc", "sum", 6, 4 * 9 * 7)
            self.assert_agrees(net)

    def test_concat_and_slice(self):
        net, value = self.features(channels=6)
        net.layer("Slice", "slice", value, top=["a", "b"], slice_point=[2])
        net.channels.update(a=2, b=4)
        net.conv("left", "a", 3, 3, pad=1)
        net.layer("Concat", "all", ["left", "b", value], axis=1)
        net.fc("fc", "all", 6, 13 * 9 * 7)
        self.assert_agrees(net)

    def test_activations(self):
        net, value = self.features()
        value = net.same("ReLU", "leaky", value, negative_slope=0.1)
        value = net.same("PReLU", "prelu", value, blobs=[net.random.uniform(0, 1, 4)])
        value = net.same("Power", "shifted", value, shift=-0.5)
        value = net.same("PReLU", "shared", value, blobs=[np.array([0.25])], channel_shared=True)
        value = net.same("Sigmoid", "sigmoid", value)
        net.fc("fc", value, 6, 4 * 9 * 7)
        self.assert_agrees(net)

    def test_clip(self):
        net, value = self.features()
        net.same("ReLU", "relu6", value)
        net.fc("fc", "relu6", 6, 4 * 9 * 7)
        self.assert_agrees(net)
        x = net.normal(*net.shape)
        should = self.run_model(x)
        net.layers[1] = {**net.layers[1], "type": "Clip", "params": {"min": 0.0, "max": 1e30}}
        self.write(net)
        self.convert()
        self.assert_close(self.run_model(x), should)

    def test_normalization_across_channels(self):
        net, value = self.features(channels=9)
        net.same("LRN", "norm", value, local_size=5, alpha=0.5, beta=0.6)
        net.fc("fc", "norm", 6, 9 * 9 * 7)
        self.assert_agrees(net)
        # OpenCV 4.6 takes no notice of k, but (k + a s)^-b is k^-b (1 + a/k s)^-b.
        x = net.normal(*net.shape)
        should = self.run_model(x)
        net.layers[1]["params"].update(alpha=1.0, k=2.0)
        net.layers[2]["blobs"][0] *= 2**0.6
        self.write(net)
        self.convert()
        self.assert_close(self.run_model(x), should)

    def test_every_way_to_store_numbers(self):
        net, value = self.features()
        net.fc("fc", value, 6, 4 * 9 * 7)
        self.assert_agrees(net)
        x = net.normal(*net.shape)
        should = self.run_model(x)
        # OpenCV 4.6 does not read doubles.
        for how in (dict(legacy=True), dict(double=True), dict(old=True, double=True), dict(old=True, legacy=False)):
            self.write(net, **how)
            self.convert()
            self.assert_close(self.run_model(x), should)
        # NVIDIA's branch has bytes: of type 0, double, 1, float, or 2, half.
        for number, dtype in ((0, np.float64), (1, np.float32), (2, np.float16)):
            raw = CaffeNet(net.shape)
            for layer in net.layers:
                blobs = [field(7, blob_shape(b.shape)) + field(10, number) + field(12, b.astype(dtype).tobytes())
                         for b in layer["blobs"]]
                raw.layers.append({**layer, "blobs": blobs})
            self.write(raw)
            if number == 2:
                (half,) = self.opencv(x, "fc")
            self.convert()
            self.assert_close(self.run_model(x), half if number == 2 else should)


class Definitions(CaffeTest):
    def small(self, **more):
        net = RandomNet((1, 3, 16, 16), **more)
        net.conv_relu("conv1", "data", 4, 3, pad=1)
        net.same("Pooling", "pool", "conv1", pool="AVE", global_pooling=True)
        net.fc("fc", "pool", 5, 4)
        return net

    def test_in_place_and_not_are_the_same(self):
        net = self.small()
        self.assert_agrees(net)
        x = net.normal(*net.shape)
        should = self.run_model(x)
        net.layers[1]["top"] = net.layers[2]["bottom"] = ["elsewhere"]
        self.write(net)
        self.convert()
        self.assert_close(self.run_model(x), should)

    def test_who_reads_a_value_after_it_was_changed_in_place_reads_what_it_became(self):
        net = RandomNet((1, 3, 8, 8))
        net.conv("a", "data", 4, 3, pad=1)
        net.conv("b", "a", 4, 1)
        net.same("ReLU", "relu", "a", top="a")
        net.same("Eltwise", "sum", ["a", "b"])
        net.fc("fc", "sum", 5, 256)
        self.assert_agrees(net)

    def test_blobs_whose_names_are_other_layers(self):
        net = RandomNet((1, 3, 8, 8), data="input")
        net.channels["x"] = net.channels["y"] = 4
        net.conv("input", "input", 4, 3, pad=1)
        net.layers[-1]["top"] = ["x"]
        net.conv("y", "x", 4, 1)
        net.layers[-1]["top"] = ["z"]
        net.same("ReLU", "x", "x", top="y")
        net.same("Eltwise", "a sum", ["y", "z"], top="sum")
        net.fc("fc", "sum", 5, 256)
        self.write(net)
        x = net.normal(*net.shape)
        report = self.convert()
        self.assertIn(("changed", "a_sum", 'was called "a sum" in the file'), report)
        self.assertIn(("changed", "input_2", 'was called "input" in the file'), report)
        # OpenCV knows layers by their names, and these confuse it.
        for layer, name in zip(net.layers, ["l0", "l1", "l2", "l3", "l4"]):
            layer["name"] = name
        self.write(net)
        (should,) = self.opencv(x, "l4")
        self.assert_close(self.run_model(x), should)

    def training(self, **transform):
        """A network as it is trained: data and labels, a loss, an accuracy, and what training puts between."""
        net = RandomNet(None)
        net.channels["data"] = 3
        net.layer("Data", "data", top=["data", "label"], phase="TRAIN", **transform)
        net.layer("Data", "data", top=["data", "label"], phase="TEST", **transform)
        net.layer("Split", "label_split", "label", top=["label_1", "label_2"])
        net.conv("conv1", "data", 4, 3, pad=1)
        net.layer("Split", "conv1_split", "conv1", top=["conv1_1", "conv1_2"])
        net.channels.update(conv1_1=4, conv1_2=4)
        net.conv("left", "conv1_1", 4, 3, pad=1)
        net.same("Eltwise", "sum", ["left", "conv1_2"])
        net.layer("Dropout", "noise", "sum", top="sum", phase="TRAIN", dropout_ratio=0.7)
        net.same("Pooling", "pool", "sum", pool="AVE", global_pooling=True)
        net.fc("fc", "pool", 5, 4)
        net.layer("Accuracy", "top1", ["fc", "label_1"], phase="TEST")
        net.layer("SoftmaxWithLoss", "loss", ["fc", "label_2"])
        return net

    def deployed(self, net, size):
        """The same without what only training needs, for OpenCV."""
        deploy = RandomNet((1, 3, size, size))
        names = {"conv1_1": "conv1", "conv1_2": "conv1"}
        deploy.layers = [
            {**l, "bottom": [names.get(b, b) for b in l["bottom"]]} for l in net.layers
            if l["type"] in ("Convolution", "Eltwise", "Pooling", "InnerProduct")
        ]
        return deploy

    def test_a_network_that_was_trained(self):
        net = self.training(crop_size=32, mean_value=[104.0, 117.0, 123.0], mirror=True)
        for old in (True, False):
            self.write(net, old)
            report = self.convert()
            dropped = {layer for kind, layer, _ in report if kind == "dropped"}
            self.assertLessEqual({"data", "noise", "top1", "loss", "label_split"}, dropped)
            self.assertEqual(len({"conv1", "left", "sum", "fc"} & dropped), 0)
            (info,) = self.json("info", "out.safetensors")
            self.assertEqual(info["preprocessing"].split(),
                             ["resize=36x36", "crop=32", "channels=bgr", "scale=1", "mean=104,117,123", "std=1,1,1"])
            x = net.normal(2, 3, 32, 32)
            is_ = self.run_model(x)
            self.write(self.deployed(net, 32))
            (should,) = self.opencv(x, "fc")
            self.assert_close(is_, should)

    def test_the_size_of_pictures_that_no_file_says(self):
        net = self.training()
        self.write(net)
        report = self.convert()
        self.assertIn("224x224 is assumed (--size)", " ".join(what for _, layer, what in report if layer == "data"))
        self.run_model(net.normal(1, 3, 224, 224))
        self.convert("--size", "48x40")
        (info,) = self.json("info", "out.safetensors")
        self.assertEqual(info["input"], [1, 48, 40, 3])

    def test_scale_and_mean_of_the_data_layer(self):
        for transform, expected in (
            (dict(scale=0.5, mean_value=[127.0]), ["scale=0.5", "mean=63.5,63.5,63.5"]),
            (dict(scale=0.5), ["scale=0.5", "mean=0,0,0"]),
            (dict(scale=0.5, mean_file="mean.binaryproto"), ["scale=0.5", "mean=52,58.5,61.5"]),
        ):
            self.write(self.training(crop_size=16, **transform))
            report = self.convert()
            (info,) = self.json("info", "out.safetensors")
            for line in expected:
                self.assertIn(line, info["preprocessing"].split())
            said = any("mean.binaryproto" in what for _, _, what in report)
            self.assertEqual(said, "mean_file" in transform)

    def test_a_mean_picture(self):
        self.write(self.training(crop_size=16, mean_file="mean.binaryproto"))
        picture = np.random.default_rng(1).uniform(90, 130, (3, 4, 5)).astype(np.float32)
        for how in (dict(legacy=True), dict(), dict(double=True)):
            (self.here / "mean.binaryproto").write_bytes(blob(picture, **how))
            self.convert("--mean", "mean.binaryproto")
            (info,) = self.json("info", "out.safetensors")
            (line,) = [line for line in info["preprocessing"].split() if line.startswith("mean=")]
            mean = [float(number) for number in line.removeprefix("mean=").split(",")]
            np.testing.assert_allclose(mean, picture.mean((1, 2), dtype=np.float64), rtol=1e-6)
        for content in (b"", b"noise", blob(picture[:2]), blob(picture)[:-7]):
            (self.here / "bad.binaryproto").write_bytes(content)
            _, err = self.camlite("convert", "net.caffemodel", "bad.safetensors", "--mean", "bad.binaryproto", status=1)
            self.assertIn("bad.binaryproto", err)

    def test_weights_are_matched_by_name(self):
        net = self.small()
        self.write(net)
        stranger = {**net.layers[0], "name": "stranger"}
        weights = CaffeNet()
        weights.layers = [net.layers[3], stranger, net.layers[0]]  # in any order, with more
        (self.here / "net.caffemodel").write_bytes(weights.caffemodel())
        report = self.convert("--prototxt", "net.prototxt")
        self.assertIn(("dropped", "stranger", "its weights: net.prototxt has no such layer"), report)
        x = net.normal(*net.shape)
        is_ = self.run_model(x)
        self.write(net)
        self.assert_close(is_, self.opencv(x, "fc")[0])

    def test_layers_without_weights_are_named(self):
        net = self.small()
        self.write(net)
        net.layers = net.layers[:1]
        (self.here / "net.caffemodel").write_bytes(net.caffemodel())
        self.refused("net.caffemodel", "net.prototxt", ": fc\n", arguments=("--prototxt", "net.prototxt"))
        net = self.small()
        (self.here / "net.caffemodel").write_bytes(net.caffemodel(weights=False))
        self.refused("net.caffemodel", "conv1, fc")

    def test_mistakes_in_a_definition_have_a_line_and_a_column(self):
        net = self.small()
        self.write(net)
        right = (self.here / "net.prototxt").read_text()
        for wrong, place in ((right.replace("kernel_size: 3", "kernel_size: three"), "11:18"),
                             (right + "layer { name: ", ""), (right.replace("layer {", "layer ", 1), "5:3"),
                             (right.replace('"Convolution"', "Convolution", 1), "6:9"), ("\x00\xff", "1: a NUL"),
                             ("a { " * 200000, "1: braces"), ("layer { " * 200000, "1: braces"),
                             ("a: [" * 100000, "1: braces"), ('name: "\\\n' + "a{" * 200000, "2: braces"),
                             ('name: "\x00' + "a{" * 200000, "1: a NUL"), ('\nname: "\\\x00' + "a{" * 200000, "2: a NUL"), ("layer {}" * 10001, "10000 layers"), ("", "no layer"), ("# nothing\n", "no layer")):
            (self.here / "net.prototxt").write_bytes(wrong.encode("latin-1"))
            err = self.refused("net.prototxt:", arguments=("--prototxt", "net.prototxt"))
            self.assertIn(place, err)
            self.assertNotIn("libprotobuf", err)

    def test_what_a_definition_has_that_is_not_known_is_said(self):
        net = self.small()
        self.write(net)
        definition = (self.here / "net.prototxt").read_text()
        definition = definition.replace("pad: 1", 'pad: 1\n    weight_filler { type: "xavier" std: 0.1 }\n    strid: 2')
        (self.here / "net.prototxt").write_text(definition)
        report = self.convert("--prototxt", "net.prototxt")
        self.assertEqual([(layer, "strid" in what) for kind, layer, what in report if "net.prototxt" in layer],
                         [("net.prototxt:14:10", True)])

    def test_layers_that_camlite_has_not(self):
        for type_, params, words in (
            ("TanH", {}, ["tanh", "TanH", "nothing for"]),
            ("Pooling", dict(pool="STOCHASTIC", kernel_size=2), ["stochastic"]),
            ("LRN", dict(norm_region="WITHIN_CHANNEL"), ["within"]), ("Power", dict(power=2.0), ["power"]),
            ("Softmax", dict(axis=2), ["axis 2"]),
            ("Reshape", dict(shape=(0, 2, -1)), ["(0, 2, -1)", "(1, 4, 16, 16)"]),
            ("Flatten", dict(axis=2), ["axes 2"]), ("Pooling", dict(kernel_size=2, stride=0), ["stride"]),
            ("Pooling", dict(kernel_size=40), ["40"]), ("Clip", dict(min=0.0), ["max"]),
        ):
            net = self.small()
            net.layers.insert(1, {"type": type_, "name": type_.lower(), "bottom": ["conv1"], "top": ["conv1"],
                                  "blobs": [], "phase": None, "params": params})
            self.write(net)
            self.refused("net.caffemodel", type_.lower(), *words)


class FilesThatLie(CaffeTest):
    def small(self):
        net = RandomNet((1, 3, 8, 8))
        net.conv_relu("conv1", "data", 2, 3, pad=1)
        net.same("Pooling", "pool", "conv1", pool="AVE", global_pooling=True)
        net.fc("fc", "pool", 3, 2)
        net.same("Softmax", "prob", "fc")
        return net

    def try_bytes(self, data):
        """Whether these bytes are refused, with the file's name; else they are a model after all."""
        (self.here / "net.caffemodel").write_bytes(data)
        _, err = self.camlite("convert", "net.caffemodel", "out.safetensors", status=(0, 1))
        if err:
            self.assertIn("net.caffemodel", err)
            self.assertNotIn("libprotobuf", err)
            self.assertLess(len(err), 1000)
        self.assertEqual((self.here / "out.safetensors").exists(), not err)
        (self.here / "out.safetensors").unlink(missing_ok=True)
        return bool(err)

    def test_cut_short(self):
        for old in (True, False):
            whole = self.small().caffemodel(old)
            cuts = [*range(1, 60, 5), *range(60, len(whole), 29), len(whole) - 1]
            refused = [self.try_bytes(whole[:cut]) for cut in cuts]
            # A file that ends between two layers is a smaller network.
            self.assertGreater(sum(refused), 0.8 * len(cuts))
            (self.here / "net.caffemodel").write_bytes(whole[:-3])
            self.refused("layer 5 is damaged")

    def test_noise_in_it(self):
        random = np.random.default_rng(8)
        for old in (True, False):
            whole = self.small().caffemodel(old)
            for _ in range(40):
                noisy = bytearray(whole)
                for at in random.integers(0, len(whole), random.integers(1, 6)):
                    noisy[at] = random.integers(0, 256)
                self.try_bytes(bytes(noisy))

    def test_lengths_that_reach_behind_the_end(self):
        whole = self.small().caffemodel()
        for length in (len(whole), 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1):
            for inside in (field(1, "x"), b""):
                # A layer, a blob in a layer, numbers in a blob in a layer.
                lies = varint(100 << 3 | 2) + varint(length) + inside
                self.assertTrue(self.try_bytes(whole + lies))
                blobs = varint(7 << 3 | 2) + varint(length) + inside
                self.assertTrue(self.try_bytes(field(100, field(1, "x") + blobs) + whole))
                data = varint(5 << 3 | 2) + varint(length) + inside
                self.assertTrue(self.try_bytes(field(100, field(1, "x") + field(7, data)) + whole))

    def test_recursion(self):
        group = varint(50 << 3 | 3)  # an unknown group, which nests
        for data in (group * 200000, field(100, group * 200000)):
            self.assertTrue(self.try_bytes(self.small().caffemodel() + data))
        nested = b""
        for _ in range(2000):
            nested = field(7, nested)
        self.try_bytes(field(100, nested))

    def test_more_layers_than_any_network_has(self):
        group = varint(50 << 3 | 3) + varint(50 << 3 | 4)
        for layer in (field(100, b""), field(2, b"")):
            (self.here / "net.caffemodel").write_bytes(group + 10001 * layer)
            self.refused("net.caffemodel", "10000 layers")

    def test_wrong_wire_types(self):
        whole = self.small().caffemodel()
        for lie in (field(100, 7), field(100, 1.5), field(2, 3), field(1, 5), field(100, field(7, 3)),
                    field(100, field(7, field(5, "abc"))), field(100, field(7, field(7, 3))), varint(100 << 3 | 7),
                    field(100, field(106, 5)), field(100, field(106, field(1, "many"))), varint(2), varint(0)):
            self.try_bytes(whole + lie)
            self.try_bytes(lie + whole)
            self.try_bytes(lie)

    def layer_with(self, i, **changes):
        net = self.small()
        net.layers[i] = {**net.layers[i], **changes}
        self.write(net)

    def with_params(self, i, **params):
        net = self.small()
        net.layers[i]["params"].update(params)
        self.write(net)

    def test_blobs_that_do_not_fit(self):
        w, b = self.small().layers[0]["blobs"]
        data = field(5, w)
        for blobs, words in (
            ([], ["no weights for conv1"]), ([w], ["1 blobs", "2"]), ([w, b, b], ["3 blobs"]),
            ([w[:, :2], b], ["(2, 2, 3, 3)", "(2, 3, 3, 3)"]), ([w.reshape(3, 2, 3, 3), b], ["(3, 2, 3, 3)"]),
            ([w, w], ["bias"]), ([w, b[:1]], ["bias is (1)", "(2)"]),
            ([field(7, blob_shape(w.shape)), b], ["0 numbers"]),
            ([field(7, blob_shape(w.shape)) + data + field(5, w), b], ["108 numbers"]),
            ([field(7, blob_shape((2, 3, 3, -3))) + data, b], ["-3"]),
            ([field(7, blob_shape((2**62, 2**62, 4))) + data, b], [str(2**62)]),
            ([field(7, blob_shape((2,) * 100)) + data, b], ["..."]), ([data, b], ["(0, 0, 0, 0)"]),
            ([field(1, -1) + field(2, 3) + field(3, 3) + field(4, 3) + data, b], ["(-1, 3, 3, 3)"]),
            ([field(7, blob_shape(w.shape)) + field(12, b"12345") + field(10, 1), b], ["5 bytes"]),
        ):
            with self.subTest(words=words):
                self.layer_with(0, blobs=blobs)
                self.refused("net.caffemodel", "conv1", *words)

    def test_parameters_that_cannot_be(self):
        for params, words in (
            (dict(num_output=0), ["out_channels"]), (dict(num_output=2**32 - 1), ["4294967295"]),
            (dict(kernel_size=0), ["kernel"]), (dict(kernel_size=2**32 - 1), ["4294967295"]),
            (dict(kernel_size=[3, 3, 3]), ["3 numbers"]), (dict(kernel_h=3), ["kernel_size"]),
            (dict(stride=0), ["stride"]), (dict(dilation=2**32 - 1), ["8589934591"]),
            (dict(pad=2**32 - 1), ["63 bits"]), (dict(group=0), ["groups"]), (dict(group=2), ["groups"]),
            (dict(axis=-1), ["axis -1"]), (dict(axis=2), ["axis 2"]),
        ):
            with self.subTest(params):
                self.with_params(0, **params)
                self.refused("net.caffemodel", "conv1", *words)

    def test_inputs_that_cannot_be(self):
        for shape in ((1, 3, 8), (1, 3, 8, 8, 8), (1, 3, -8, 8), (1, 0, 8, 8), (1, 3, 2**40, 8), (1, 2**31, 8, 8)):
            net = self.small()
            net.shape = shape
            self.write(net)
            self.refused("net.caffemodel", '"data"')

    def test_a_graph_that_does_not_hang_together(self):
        for i, changes, words in (
            (0, dict(bottom=["nowhere"]), ["nowhere"]), (0, dict(bottom=[]), ["reads nothing"]),
            (0, dict(top=[]), ["makes nothing"]), (0, dict(top=["conv1", "b"]), ["2 blobs"]),
            (2, dict(bottom=["conv1", "conv1"]), ["2 blobs"]), (3, dict(bottom=["conv1"]), ["(3, 2)", "(3, 128)"]),
            (1, dict(type=""), ["type"]), (1, dict(type="ReLU\x1b[31m"), ["nothing for"]),
        ):
            self.layer_with(i, **changes)
            err = self.refused("net.caffemodel", *words)
            self.assertNotIn("\x1b", err)
        self.write(CaffeNet((1, 3, 8, 8)))
        self.refused("net.caffemodel")

    def test_names_of_any_bytes(self):
        net = self.small()
        for layer, name in zip(net.layers, (b"\xff\xfe", b"a\x00b", b"\n=,", "\u00e4".encode(), b"input")):
            layer["name"] = name
        (self.here / "net.caffemodel").write_bytes(net.caffemodel())
        report = self.convert()
        self.assertLessEqual({"__", "a_b", "___", "input_2"}, {layer for kind, layer, _ in report if kind == "changed"})
        (info,) = self.json("info", "out.safetensors")
        self.assertEqual([layer["name"] for layer in info["layers"]], ["__", "___", "\u00e4", "input_2"])

    def test_numbers_that_are_none(self):
        net = self.small()
        net.layers.insert(1, {"type": "LRN", "name": "norm", "bottom": ["conv1"], "top": ["conv1"], "blobs": [],
                              "phase": None, "params": {"local_size": 5, "alpha": float("inf")}})
        self.write(net)
        self.refused("norm", "inf")
        net.layers[1] = {**net.layers[1], "type": "BatchNorm", "params": {},
                         "blobs": [np.zeros(2), np.array([1.0, -1.0]), np.ones(1)]}
        self.write(net)
        self.refused("norm", "variance", "channel 1")

    def test_the_first_style_of_all(self):
        (self.here / "net.caffemodel").write_bytes(field(2, field(1, field(1, "conv1")) + field(2, "data")))
        self.refused("net.caffemodel", "upgrade_net_proto_binary")

    def test_both_styles_at_once(self):
        net = self.small()
        (self.here / "net.caffemodel").write_bytes(net.caffemodel(True) + net.caffemodel(False))
        self.refused("net.caffemodel", "old style")


if __name__ == "__main__":
    unittest.main()
