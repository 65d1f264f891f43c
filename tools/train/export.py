"""A VggGap as a camlite model file, and back.

The file's `train.layers` note tells which network it is. With folded batch normalization it is a model to use, and one
that training can begin with (`begin_with`); with batch normalization of its own it can also be a teacher.
"""

import math

import numpy as np
import torch
from torch import nn

import tiny_imagenet
from safetensors_file import read_safetensors, write_safetensors
from vgg_gap import ConvNorm, ConvRelu, Residual, VggGap

DTYPES = {"F16": np.float16, "F32": np.float32}
_NORM_TENSORS = ("weight", "bias", "running_mean", "running_var")


def fold_batch_norm(conv, norm):
    """(weight, bias) of the convolution that computes norm(conv(x)); in double.

    y = gamma * (conv(x) - mean) / sqrt(var + eps) + beta
    """
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = conv.weight.double() * scale[:, None, None, None]
    bias = norm.bias.double() - norm.running_mean.double() * scale
    return weight, bias


class _Graph:
    """The lines of camlite.graph and the tensors (double) of a network that is walked through."""

    def __init__(self, fold, size):
        self.fold, self.source, self.pools = fold, "input", 0
        self.lines = [f"input channels=3 height={size} width={size}"]
        self.tensors = {}

    def line(self, name, operator, inputs=None, **attributes):
        words = [name, operator, inputs or self.source] + [f"{k}={v}" for k, v in attributes.items()]
        self.lines.append(" ".join(words))
        self.source = name

    def conv_norm(self, part):
        conv, norm, name = part.conv, part.norm, part.name
        attributes = {"out_channels": conv.out_channels, "kernel": conv.kernel_size[0]}
        if conv.stride != (1, 1):
            attributes["stride"] = conv.stride[0]
        attributes["padding"] = conv.padding[0]
        if self.fold:
            self.line(name, "conv2d", **attributes)
            self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"] = fold_batch_norm(conv, norm)
        else:
            self.line(name, "conv2d", **attributes, bias=0)
            self.tensors[f"{name}.weight"] = conv.weight
            self.line(name.replace("conv", "norm"), "batch_norm", eps=f"{norm.eps:g}")
            for suffix in _NORM_TENSORS:
                self.tensors[f"{self.source}.{suffix}"] = getattr(norm, suffix)
        if isinstance(part, ConvRelu):
            self.line(name.replace("conv", "relu"), "relu")

    def part(self, part):
        if isinstance(part, ConvNorm):
            self.conv_norm(part)
        elif isinstance(part, Residual):
            start, name = self.source, part.second.name
            self.conv_norm(part.first)
            self.conv_norm(part.second)
            self.line(name.replace("conv", "add"), "add", f"{self.source},{start}")
            self.line(name.replace("conv", "relu"), "relu")
        elif isinstance(part, nn.MaxPool2d):
            self.pools += 1
            self.line(f"pool{self.pools}", "max_pool2d", kernel=2, stride=2)
        else:
            raise TypeError(f"no graph for {part}")

    def head(self, classifier):
        self.line("gap", "global_avg_pool")
        self.line("fc", "linear", out_features=classifier.out_features)
        self.line("prob", "softmax")
        self.tensors["fc.weight"], self.tensors["fc.bias"] = classifier.weight, classifier.bias


def raise_maps(weight, share):
    """The weights (classes, channels) of the linear layer with share times their standard deviation added to all.

    The same number is then added to every class's logit, so probabilities are what they were; a class's map becomes
    M_k(x, y) + share * std * sum over c of f(x, y, c), which is higher wherever there is anything at all: boxes from
    it reach farther over the object than its most telling part.
    """
    return weight.double() + share * weight.double().std()


@torch.no_grad()
def write_model(path, network, labels, dtype="F16", fold=True, map_raise=0.0, box_threshold=0.2, size=64, notes=None):
    """Writes the network as a camlite model. `notes` are further metadata, str -> str."""
    graph = _Graph(fold, size)
    for part in network.features:
        graph.part(part)
    graph.head(network.classifier)
    tensors = graph.tensors
    if map_raise:
        tensors["fc.weight"] = raise_maps(tensors["fc.weight"], map_raise)
    numbers = lambda values: ",".join(f"{v:g}" for v in values)
    metadata = {
        "camlite.version": "1",
        "camlite.graph": "\n".join(graph.lines) + "\n",
        "camlite.labels": "\n".join(labels) + "\n",
        "camlite.preprocess": (
            f"resize={size}\ncrop={size}\nchannels=rgb\n"
            f"scale={1 / 255!r}\nmean={numbers(tiny_imagenet.MEAN)}\nstd={numbers(tiny_imagenet.STD)}\n"
        ),
        "camlite.boxes": f"threshold={box_threshold:g}\n",
        "train.layers": network.layers,
        "train.map_raise": f"{map_raise:g}",
        **(notes or {}),
    }
    arrays = {name: tensor.detach().cpu().numpy().astype(DTYPES[dtype]) for name, tensor in tensors.items()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{path}: {name} has values that are not finite in {dtype}")
    write_safetensors(path, arrays, metadata)


def read_model(path):
    """(network, notes): what write_model(fold=False) wrote, in evaluation mode; ValueError for other files."""
    tensors, notes = read_safetensors(path)
    if "train.layers" not in notes or "fc.bias" not in tensors:
        raise ValueError(f"{path}: has no note train.layers or no tensor fc.bias, it was not written by tools/train")
    network = VggGap(notes["train.layers"], len(tensors["fc.bias"]))
    begin_with(path, network)
    return network, notes


@torch.no_grad()
def begin_with(path, network, pictures=None):
    """Gives the network the function that the model file computes; ValueError where the file is of another network.

    A convolution with folded batch normalization gets it back, such that it changes nothing on `pictures`, normalized,
    (N, 3, H, W): with mean and var of a channel of conv(x) over all pictures and places,

        gamma = sqrt(var + eps), beta = bias + mean

    where all filters are first scaled to the length that random ones have at the beginning, so that a learning rate
    does what it did there. Without pictures, a file with folded batch normalization is refused. A residual layer that
    the file does not have begins as the identity: its second gamma is 0. The network is left in evaluation mode.
    """
    tensors, notes = read_safetensors(path)
    unused = set(tensors)

    def copy(target, name):
        if name not in tensors:
            raise ValueError(f"{path}: has no tensor {name} of {network.layers}")
        if tensors[name].shape != tuple(target.shape):
            raise ValueError(f"{path}: {name} is {tensors[name].shape}, {network.layers} needs {tuple(target.shape)}")
        unused.discard(name)
        target.copy_(torch.from_numpy(tensors[name].astype(np.float32)))

    def unfold(norm, y):
        """Called with y = conv(x) before the normalization"""
        norm.running_mean.copy_(y.mean(dim=(0, 2, 3)))
        norm.running_var.copy_(y.var(dim=(0, 2, 3), unbiased=False))
        norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps) / norm.filter_scale)
        norm.bias.add_(norm.running_mean / norm.filter_scale)

    added, hooks = set(), []
    for part in network.modules():
        if isinstance(part, Residual) and not {f"{p.name}.weight" for p in (part.first, part.second)} & set(tensors):
            nn.init.zeros_(part.second.norm.weight)
            added |= {part.first, part.second}
        elif isinstance(part, ConvNorm) and part not in added:
            conv, norm = part.conv, part.norm
            length = math.sqrt(2 / (conv.kernel_size[0] ** 2 * conv.out_channels) * conv.weight[0].numel())
            copy(conv.weight, f"{part.name}.weight")
            norm_name = part.name.replace("conv", "norm")
            if f"{norm_name}.weight" in tensors:
                for suffix in _NORM_TENSORS:
                    copy(getattr(norm, suffix), f"{norm_name}.{suffix}")
                continue
            if pictures is None:
                raise ValueError(f"{path}: the batch normalization of {part.name} is folded, --save-weights keeps it")
            copy(norm.bias, f"{part.name}.bias")
            norm.filter_scale = length / conv.weight.flatten(1).norm(dim=1).clamp(min=1e-6)
            conv.weight.mul_(norm.filter_scale[:, None, None, None])
            hooks.append(norm.register_forward_pre_hook(lambda norm, inputs: unfold(norm, *inputs)))
    linear = network.classifier
    copy(linear.weight, "fc.weight")
    copy(linear.bias, "fc.bias")
    linear.weight.sub_(float(notes.get("train.map_raise", 0)) * linear.weight.std())
    if unused:
        raise ValueError(f"{path}: {network.layers} has no place for {', '.join(sorted(unused))}")
    network.eval()
    if hooks:
        network(pictures)
    for hook in hooks:
        hook.remove()
