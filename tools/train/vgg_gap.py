"""The networks that tools/train makes: 3x3 convolutions, batch normalization, 2x2 max pooling, GAP, linear.

They are written as the paper's tables write them, group by group with a 2x2 pooling between: "32-32/64-64/128" is
three groups, and a 64x64 picture leaves a 16x16 map. A group's layers are

    64    a 3x3 convolution of 64 channels, batch normalization, ReLU
    64s   the same with a 4x4 kernel and stride 2, which costs a sixth of what two 3x3 ones at full size do
    r     two 3x3 convolutions of as many channels as there are, whose result is added to their input before ReLU
"""

from torch import nn
from torch.nn import functional as F


def parse_layers(text):
    """'64s-r/128-r' -> [['64s', 'r'], ['128', 'r']]; ValueError where it cannot be read."""
    groups = [group.split("-") for group in text.split("/")]
    for i, layer in enumerate(layer for group in groups for layer in group):
        width = layer.removesuffix("s")
        if not (width.isdecimal() and int(width) > 0) and (layer != "r" or i == 0):
            raise ValueError(f"{text!r}: {layer!r} is no layer; layers are like 64, 64s or r, and the first is no r")
    return groups


class ConvNorm(nn.Module):
    """norm(conv(x)), the parts of which are called `name`d in the model file."""

    def __init__(self, name, channels, width, kernel=3, stride=1):
        super().__init__()
        self.name = name
        self.conv = nn.Conv2d(channels, width, kernel, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.norm(self.conv(x))


class ConvRelu(ConvNorm):
    """relu(norm(conv(x)))"""

    def forward(self, x):
        return F.relu(super().forward(x), inplace=True)


class Residual(nn.Module):
    """relu(x + norm(conv(relu(norm(conv(x))))))"""

    def __init__(self, names, width):
        super().__init__()
        self.first = ConvRelu(names[0], width, width)
        self.second = ConvNorm(names[1], width, width)
        nn.init.constant_(self.second.norm.weight, 0.2)  # nearly the identity at first: trains faster

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)), inplace=True)


class VggGap(nn.Module):
    """features: (N, 3, H, W) -> (N, C, h, w); logits = linear(mean of the features over h and w)."""

    def __init__(self, layers, classes):
        super().__init__()
        self.layers = layers  # as written
        parts, channels = [], 3
        for g, group in enumerate(parse_layers(layers), start=1):
            if g > 1:
                parts.append(nn.MaxPool2d(2))
            names = (f"conv{g}_{i}" for i in range(1, 1000))
            for layer in group:
                if layer == "r":
                    parts.append(Residual((next(names), next(names)), channels))
                    continue
                kernel, stride = (4, 2) if layer.endswith("s") else (3, 1)
                width = int(layer.removesuffix("s"))
                parts.append(ConvRelu(next(names), channels, width, kernel, stride))
                channels = width
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, pictures):
        return self.classifier(self.features(pictures).to(self.classifier.weight.dtype).mean(dim=(2, 3)))
