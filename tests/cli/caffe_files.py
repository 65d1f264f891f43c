"""Caffe's files, written without Caffe: weights (.caffemodel, protobuf's wire format) and definitions (.prototxt), in
the style of 2014 (`layers`, types are numbers) and of today (`layer`, types are words).

    net = CaffeNet((1, 3, 8, 8))
    net.layer("Convolution", "conv1", "data", blobs=[w, b], num_output=4, kernel_size=3)
    net.layer("ReLU", "relu1", "conv1", top="conv1")
    path.write_bytes(net.caffemodel(old=True))
    path.write_text(net.prototxt(old=True))
"""

import struct

import numpy as np

# Of each type: the parameters' name, their number in old and new layers, the type's number in old ones.
TYPES = {
    "Accuracy": ("accuracy_param", 27, 102, "ACCURACY", 1),
    "BatchNorm": ("batch_norm_param", None, 139, None, None),
    "Bias": ("bias_param", None, 141, None, None),
    "Clip": ("clip_param", None, 148, None, None),
    "Concat": ("concat_param", 9, 104, "CONCAT", 3),
    "Convolution": ("convolution_param", 10, 106, "CONVOLUTION", 4),
    "Data": ("transform_param", 36, 100, "DATA", 5),
    "Dropout": ("dropout_param", 12, 108, "DROPOUT", 6),
    "Eltwise": ("eltwise_param", 24, 110, "ELTWISE", 25),
    "Flatten": ("flatten_param", None, 135, "FLATTEN", 8),
    "InnerProduct": ("inner_product_param", 17, 117, "INNER_PRODUCT", 14),
    "Input": ("input_param", None, 143, None, None),
    "LRN": ("lrn_param", 18, 118, "LRN", 15),
    "PReLU": ("prelu_param", None, 131, None, None),
    "Pooling": ("pooling_param", 19, 121, "POOLING", 17),
    "Power": ("power_param", 21, 122, "POWER", 26),
    "ReLU": ("relu_param", 30, 123, "RELU", 18),
    "Reshape": ("reshape_param", None, 133, None, None),
    "Scale": ("scale_param", None, 142, None, None),
    "Sigmoid": ("sigmoid_param", 38, 124, "SIGMOID", 19),
    "Slice": ("slice_param", 31, 126, "SLICE", 33),
    "Softmax": ("softmax_param", 39, 125, "SOFTMAX", 20),
    "SoftmaxWithLoss": ("softmax_param", 39, 125, "SOFTMAX_LOSS", 21),
    "Split": ("split_param", None, None, "SPLIT", 22),
    "TanH": ("tanh_param", 37, 127, "TANH", 23),
}

# The numbers of the parameters' fields, as Caffe's public format has them.
FIELDS = {
    "batch_norm_param": {"use_global_stats": 1, "eps": 3},
    "clip_param": {"min": 1, "max": 2},
    "concat_param": {"concat_dim": 1, "axis": 2},
    "convolution_param": {
        "num_output": 1, "bias_term": 2, "pad": 3, "kernel_size": 4, "group": 5, "stride": 6, "pad_h": 9, "pad_w": 10,
        "kernel_h": 11, "kernel_w": 12, "stride_h": 13, "stride_w": 14, "axis": 16, "dilation": 18,
    },
    "dropout_param": {"dropout_ratio": 1},
    "eltwise_param": {"operation": 1, "coeff": 2},
    "flatten_param": {"axis": 1, "end_axis": 2},
    "inner_product_param": {"num_output": 1, "bias_term": 2, "axis": 5, "transpose": 6},
    "input_param": {"shape": 1},
    "lrn_param": {"local_size": 1, "alpha": 2, "beta": 3, "norm_region": 4, "k": 5},
    "pooling_param": {
        "pool": 1, "kernel_size": 2, "stride": 3, "pad": 4, "kernel_h": 5, "kernel_w": 6, "stride_h": 7, "stride_w": 8,
        "pad_h": 9, "pad_w": 10, "global_pooling": 12, "round_mode": 13,
    },
    "power_param": {"power": 1, "scale": 2, "shift": 3},
    "prelu_param": {"channel_shared": 2},
    "relu_param": {"negative_slope": 1},
    "reshape_param": {"shape": 1},
    "scale_param": {"axis": 1, "num_axes": 2, "bias_term": 4},
    "slice_param": {"axis": 3, "slice_point": 2},
    "softmax_param": {"axis": 2},
    "transform_param": {"scale": 1, "mirror": 2, "crop_size": 3, "mean_file": 4, "mean_value": 5},
}

# Words that are numbers in the binary format.
ENUMS = {
    "operation": {"PROD": 0, "SUM": 1, "MAX": 2},
    "pool": {"MAX": 0, "AVE": 1, "STOCHASTIC": 2},
    "norm_region": {"ACROSS_CHANNELS": 0, "WITHIN_CHANNEL": 1},
    "round_mode": {"CEIL": 0, "FLOOR": 1},
    "phase": {"TRAIN": 0, "TEST": 1},
}


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """One field of a message; what it is written as follows from the value's type."""
    if isinstance(value, (list, tuple)):
        return b"".join(field(number, v) for v in value)
    if isinstance(value, np.ndarray):
        value = value.astype(value.dtype.newbyteorder("<")).tobytes()  # packed
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(int(value))


def blob_shape(extents):
    return field(1, b"".join(varint(e) for e in extents))


def blob(array, legacy=False, double=False):
    array = np.asarray(array, np.float64 if double else np.float32)
    data = field(8 if double else 5, array)
    if not legacy:
        return field(7, blob_shape(array.shape)) + data
    four = (1,) * (4 - array.ndim) + array.shape
    return b"".join(field(i + 1, e) for i, e in enumerate(four)) + data


def parameters(message, values):
    """In binary."""
    out = b""
    for name, value in values.items():
        if name in ENUMS:
            value = ENUMS[name][value]
        elif name == "shape":
            value = blob_shape(value)
        out += field(FIELDS[message][name], value)
    return out


def text_value(name, value):
    if name == "shape":
        return f"shape {{ {' '.join(f'dim: {e}' for e in value)} }}"
    if isinstance(value, (list, tuple)):
        return " ".join(text_value(name, v) for v in value)
    if isinstance(value, bool):
        return f"{name}: {str(value).lower()}"
    if isinstance(value, str) and name not in ENUMS:
        value = f'"{value}"'
    return f"{name}: {value}"


class CaffeNet:
    def __init__(self, shape=None, data="data", name="net"):
        self.name, self.data, self.shape = name, data, shape
        self.layers = []

    def layer(self, type, name, bottom=(), top=None, blobs=(), phase=None, **params):
        as_list = lambda x: [x] if isinstance(x, str) else list(x)  # noqa: E731
        self.layers.append({
            "type": type, "name": name, "bottom": as_list(bottom), "top": as_list(name if top is None else top),
            "blobs": list(blobs), "phase": phase, "params": params,
        })
        return name

    def binary_layer(self, layer, old, weights=True, legacy=None, double=False):
        message, old_number, new_number, _, type_number = TYPES.get(layer["type"], (None,) * 5)
        out = b""
        if old:
            out += field(2, layer["bottom"]) + field(3, layer["top"]) + field(4, layer["name"]) + field(5, type_number)
        else:
            out += field(1, layer["name"]) + field(2, layer["type"]) + field(3, layer["bottom"])
            out += field(4, layer["top"])
        if weights:
            legacy = old if legacy is None else legacy
            blobs = [b if isinstance(b, bytes) else blob(b, legacy, double) for b in layer["blobs"]]
            out += field(6 if old else 7, blobs)
        if layer["phase"]:
            out += field(32 if old else 8, field(1, ENUMS["phase"][layer["phase"]]))
        if layer["params"]:
            out += field(old_number if old else new_number, parameters(message, layer["params"]))
        return out

    def caffemodel(self, old=False, **how):
        out = field(1, self.name)
        if self.shape:
            out += field(3, self.data)
            out += field(4, list(self.shape)) if old else field(8, blob_shape(self.shape))
        return out + b"".join(field(2 if old else 100, self.binary_layer(l, old, **how)) for l in self.layers)

    def prototxt(self, old=False):
        out = f'name: "{self.name}"\n'
        if self.shape and old:
            out += f'input: "{self.data}"\n' + "".join(f"input_dim: {e}\n" for e in self.shape)
        elif self.shape:
            out += f'input: "{self.data}"\ninput_shape {{ {" ".join(f"dim: {e}" for e in self.shape)} }}\n'
        for layer in self.layers:
            message, _, _, type_word, _ = TYPES.get(layer["type"], (None,) * 5)
            out += "layers {\n" if old else "layer {\n"
            out += f'  name: "{layer["name"]}"\n  type: ' + (type_word if old else f'"{layer["type"]}"') + "\n"
            out += "".join(f'  bottom: "{b}"\n' for b in layer["bottom"])
            out += "".join(f'  top: "{t}"\n' for t in layer["top"])
            if layer["phase"]:
                out += f"  include {{ phase: {layer['phase']} }}\n"
            if layer["params"]:
                inside = "".join(f"    {text_value(n, v)}\n" for n, v in layer["params"].items())
                out += f"  {message} {{\n{inside}  }}\n"
            out += "}\n"
        return out


class RandomNet(CaffeNet):
    """With random weights of a size that keeps values near 1, whatever the depth."""

    def __init__(self, shape, seed=1, **more):
        super().__init__(shape, **more)
        self.random = np.random.default_rng(seed)
        self.channels = {self.data: shape[1]} if shape else {}

    def normal(self, *shape, scale=1.0):
        return (self.random.normal(size=shape) * scale).astype(np.float32)

    def conv(self, name, bottom, out, kernel, group=1, bias=True, **params):
        depth = self.channels[bottom] // group
        h, w = (kernel, kernel) if isinstance(kernel, int) else kernel
        blobs = [self.normal(out, depth, h, w, scale=(2 / (depth * h * w)) ** 0.5)]
        if bias:
            blobs.append(self.normal(out, scale=0.1))
        else:
            params["bias_term"] = False
        if group > 1:
            params["group"] = group
        size = {"kernel_size": kernel} if isinstance(kernel, int) else {"kernel_h": h, "kernel_w": w}
        self.channels[name] = out
        return self.layer("Convolution", name, bottom, blobs=blobs, num_output=out, **size, **params)

    def conv_relu(self, name, bottom, out, kernel, relu=None, **params):
        self.conv(name, bottom, out, kernel, **params)
        self.layer("ReLU", relu or f"relu_{name}", name, top=name)  # in place
        return name

    def same(self, type, name, bottom, top=None, blobs=(), **params):
        """A layer that keeps the channels."""
        self.channels[top or name] = self.channels[bottom if isinstance(bottom, str) else bottom[0]]
        self.layer(type, name, bottom, top, blobs, **params)
        return top or name

    def fc(self, name, bottom, out, features, bias=True, **params):
        blobs = [self.normal(out, features, scale=features**-0.5)]
        if bias:
            blobs.append(self.normal(out, scale=0.1))
        else:
            params["bias_term"] = False
        self.channels[name] = out
        return self.layer("InnerProduct", name, bottom, blobs=blobs, num_output=out, **params)


def cam_head(net, bottom, channels, classes, pool, group=1, bias=True):
    """What the paper puts behind each network's last convolution, under its authors' names."""
    net.conv_relu("CAM_conv", bottom, channels, 3, group=group, pad=1, relu="CAM_relu")
    net.same("Pooling", "CAM_pool", "CAM_conv", pool="AVE", kernel_size=pool, stride=pool)
    net.fc("CAM_fc", "CAM_pool", classes, channels, bias=bias)
    net.same("Softmax", "prob", "CAM_fc")
    return net


def vgg16_cam(width=64, classes=1000, bias=True):
    net = RandomNet((1, 3, 224, 224), name="VGG16-CAM")
    value = "data"
    for stage, (convolutions, factor) in enumerate([(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)], 1):
        for i in range(1, convolutions + 1):
            value = net.conv_relu(f"conv{stage}_{i}", value, factor * width, 3, pad=1)
        if stage < 5:
            value = net.same("Pooling", f"pool{stage}", value, pool="MAX", kernel_size=2, stride=2)
    return cam_head(net, value, 16 * width, classes, 14, group=2, bias=bias)


def alexnet_star_cam(width=32, classes=1000):
    net = RandomNet((1, 3, 227, 227), name="AlexNet*-CAM")
    value = net.conv_relu("conv1", "data", 3 * width, 11, stride=4)
    value = net.same("LRN", "norm1", value, local_size=5, alpha=0.0001, beta=0.75)
    value = net.same("Pooling", "pool1", value, pool="MAX", kernel_size=3, stride=2)
    value = net.conv_relu("conv2", value, 8 * width, 5, pad=2, group=2)
    value = net.same("LRN", "norm2", value, local_size=5, alpha=0.0001, beta=0.75)
    value = net.same("Pooling", "pool2", value, pool="MAX", kernel_size=3, stride=2)
    value = net.conv_relu("conv3", value, 12 * width, 3, pad=1)
    value = net.conv_relu("conv4", value, 12 * width, 3, pad=1, group=2)
    value = net.conv_relu("conv5", value, 8 * width, 3, pad=1, group=2)
    value = net.conv_relu("conv6", value, 16 * width, 3, pad=1)
    value = net.conv_relu("conv7", value, 16 * width, 3, pad=1)
    return cam_head(net, value, 32 * width, classes, 13)


INCEPTIONS = {  # 1x1, 3x3 reduced, 3x3, 5x5 reduced, 5x5, behind the pooling
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
}


def googlenet_cam(divisor=1, classes=1000):
    net = RandomNet((1, 3, 224, 224), name="GoogLeNet-CAM")
    value = net.conv_relu("conv1/7x7_s2", "data", 64 // divisor, 7, pad=3, stride=2)
    value = net.same("Pooling", "pool1/3x3_s2", value, pool="MAX", kernel_size=3, stride=2)
    value = net.same("LRN", "pool1/norm1", value, local_size=5, alpha=0.0001, beta=0.75)
    value = net.conv_relu("conv2/3x3_reduce", value, 64 // divisor, 1)
    value = net.conv_relu("conv2/3x3", value, 192 // divisor, 3, pad=1)
    value = net.same("LRN", "conv2/norm2", value, local_size=5, alpha=0.0001, beta=0.75)
    value = net.same("Pooling", "pool2/3x3_s2", value, pool="MAX", kernel_size=3, stride=2)
    for name, widths in INCEPTIONS.items():
        one, three_in, three, five_in, five, pooled = (w // divisor for w in widths)
        at = f"inception_{name}"
        if name == "4a":
            value = net.same("Pooling", "pool3/3x3_s2", value, pool="MAX", kernel_size=3, stride=2)
        parts = [net.conv_relu(f"{at}/1x1", value, one, 1)]
        net.conv_relu(f"{at}/3x3_reduce", value, three_in, 1)
        parts.append(net.conv_relu(f"{at}/3x3", f"{at}/3x3_reduce", three, 3, pad=1))
        net.conv_relu(f"{at}/5x5_reduce", value, five_in, 1)
        parts.append(net.conv_relu(f"{at}/5x5", f"{at}/5x5_reduce", five, 5, pad=2))
        net.same("Pooling", f"{at}/pool", value, pool="MAX", kernel_size=3, stride=1, pad=1)
        parts.append(net.conv_relu(f"{at}/pool_proj", f"{at}/pool", pooled, 1))
        value = net.layer("Concat", f"{at}/output", parts)
        net.channels[value] = one + three + five + pooled
    return cam_head(net, value, 1024 // divisor, classes, 14)
