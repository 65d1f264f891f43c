"""A trained VggGap as a camlite model: batch normalization folded, float16 or float32, graph, labels, preprocessing."""

import numpy as np
import torch
from torch import nn

import tiny_imagenet
from safetensors_file import write_safetensors


def fold_batch_norm(conv, norm):
    """(weight, bias) of the convolution that computes norm(conv(x)); in double, then rounded once.

    y = gamma * (conv(x) - mean) / sqrt(var + eps) + beta
    """
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = conv.weight.double() * scale[:, None, None, None]
    bias = norm.bias.double() - norm.running_mean.double() * scale
    return weight, bias


def graph_and_tensors(model):
    """The graph text and the folded weights (double arrays) of a VggGap."""
    lines, tensors, source = ["input channels=3 height=64 width=64"], {}, "input"
    modules = list(model.features)
    names = iter(model.names)
    pools = 0
    for i, module in enumerate(modules):
        if isinstance(module, nn.Conv2d):
            name = next(names)
            weight, bias = fold_batch_norm(module, modules[i + 1])
            tensors[f"{name}.weight"] = weight.numpy()
            tensors[f"{name}.bias"] = bias.numpy()
            relu = name.replace("conv", "relu")
            lines.append(f"{name} conv2d {source} out_channels={module.out_channels} kernel=3 padding=1")
            lines.append(f"{relu} relu {name}")
            source = relu
        elif isinstance(module, nn.MaxPool2d):
            pools += 1
            lines.append(f"pool{pools} max_pool2d {source} kernel=2 stride=2")
            source = f"pool{pools}"
    tensors["fc.weight"] = model.classifier.weight.detach().double().numpy()
    tensors["fc.bias"] = model.classifier.bias.detach().double().numpy()
    lines.append(f"gap global_avg_pool {source}")
    lines.append(f"fc linear gap out_features={model.classifier.out_features}")
    lines.append("prob softmax fc")
    return "\n".join(lines) + "\n", tensors


@torch.no_grad()
def export_model(model, labels, path, dtype=np.float16):
    graph, tensors = graph_and_tensors(model)
    numbers = lambda values: ",".join(f"{v:g}" for v in values)
    metadata = {
        "camlite.version": "1",
        "camlite.graph": graph,
        "camlite.labels": "\n".join(labels) + "\n",
        "camlite.preprocess": (
            "resize=64\ncrop=64\nchannels=rgb\n"
            f"scale={1 / 255!r}\nmean={numbers(tiny_imagenet.MEAN)}\nstd={numbers(tiny_imagenet.STD)}\n"
        ),
    }
    write_safetensors(path, {name: array.astype(dtype) for name, array in tensors.items()}, metadata)
