"""The default model's architecture: 3x3 convolutions, batch normalization, 2x2 max pooling, GAP, linear.

Widths are written as the paper's tables write them: "32-32/64-64/128-128-128/256-256" is four groups of
convolutions with a 2x2 pooling between them, so a 64x64 picture leaves an 8x8 feature map.
"""

from torch import nn


def parse_widths(text):
    """'32-32/64-64' -> [[32, 32], [64, 64]]"""
    return [[int(width) for width in group.split("-")] for group in text.split("/")]


class VggGap(nn.Module):
    """features: (N, 3, H, W) -> (N, C, H / 8, W / 8); logits = linear(mean over H and W)."""

    def __init__(self, widths, classes):
        super().__init__()
        layers, channels = [], 3
        self.names = []  # of each convolution, in the graph: conv1_1, conv1_2, conv2_1, ...
        for g, group in enumerate(widths, start=1):
            if g > 1:
                layers.append(nn.MaxPool2d(2))
            for i, width in enumerate(group, start=1):
                layers += [
                    nn.Conv2d(channels, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(inplace=True),
                ]
                self.names.append(f"conv{g}_{i}")
                channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pictures):
        return self.classifier(self.features(pictures).float().mean(dim=(2, 3)))
