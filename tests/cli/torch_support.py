"""What the tests against PyTorch share. Without PyTorch and torchvision a test that imports this says so and skips."""

import contextlib
import copy
import sys
from pathlib import Path

import numpy as np

from support import write_safetensors

try:
    import torch
    import torchvision
except ImportError as missing:
    print(f"SKIPPED: {missing}. Debian's python3-torch and python3-torchvision have it.", file=sys.stderr)
    sys.exit(77)

torch.set_num_threads(1)  # tests run side by side


def randomize(module, seed=1):
    """Random weights, and batch normalization with statistics that fit them, so that activations keep their scale at
    any depth but no two channels are alike. Those of smaller pictures are of so few numbers that PyTorch itself is off
    by several hundredths between float and double in the deepest networks."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor, low, high):
        tensor.data = torch.rand(tensor.shape, generator=generator) * (high - low) + low

    module.eval()  # without what is for training alone
    for layer in module.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            uniform(layer.weight, 0.5, 1.5)
            uniform(layer.bias, 0, 0.6)
            layer.momentum = 1.0  # the statistics become those of the next batch
            layer.train()
        elif isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            reach = (6 / layer.weight[0].numel()) ** 0.5
            uniform(layer.weight, -reach, reach)
            if layer.bias is not None:
                uniform(layer.bias, -0.1, 0.1)
    with torch.no_grad():
        module(torch.randn((2, 3, 128, 128), generator=generator))
    return module.eval()


def pictures(batch=1, size=(64, 96), seed=2):
    """(N, 3, H, W) of mean 0 and variance 1."""
    return np.random.default_rng(seed).standard_normal((batch, 3, *size)).astype(np.float32)


@contextlib.contextmanager
def recorded_pooling():
    """A list that gets the input of each average over whole maps."""
    seen = []
    pool, mean = torch.nn.functional.adaptive_avg_pool2d, torch.Tensor.mean

    def recording_pool(x, output_size):
        if output_size in (1, (1, 1), [1, 1]):
            seen.append(x)
        return pool(x, output_size)

    def recording_mean(x, *arguments, **options):
        if arguments and list(arguments[0]) == [2, 3]:
            seen.append(x)
        return mean(x, *arguments, **options)

    torch.nn.functional.adaptive_avg_pool2d, torch.Tensor.mean = recording_pool, recording_mean
    try:
        yield seen
    finally:
        torch.nn.functional.adaptive_avg_pool2d, torch.Tensor.mean = pool, mean


@torch.no_grad()
def results(module, x):
    """Logits (N, K) and features (N, C, h, w), the input of the last average over whole maps, as PyTorch has them in
    double: in float it is no closer to these than camlite."""
    with recorded_pooling() as pooled:
        logits = copy.deepcopy(module).double()(torch.from_numpy(x).double())
    return logits.flatten(1).numpy(), pooled[-1].numpy()


def classifier(module):
    """(weight (K, C), bias (K)) behind the pooling; the identity if the last layer with weights is a convolution."""
    last = [m for m in module.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))][-1]
    if isinstance(last, torch.nn.Linear):
        return last.weight.detach().numpy(), last.bias.detach().numpy()
    return np.eye(last.out_channels, dtype=np.float32), np.zeros(last.out_channels, np.float32)


def save_state_dict(path, module, rename=lambda name: name):
    write_safetensors(path, {rename(k): v.numpy() for k, v in module.state_dict().items()}, {"format": "pt"})


def close(test, is_, should, what, tolerance=1e-4):
    """Within the tolerance of the largest value."""
    test.assertEqual(is_.shape, should.shape, what)
    largest = np.abs(should).max()
    test.assertGreater(largest, 0, f"{what}: nothing to compare with")
    error = np.abs(is_ - should).max() / largest
    test.assertLess(error, tolerance, f"{what}: {error:.1e} of the largest value")


def check_agreement(test, model, module, x, tolerance=1e-4):
    """Runs a camlite model and the PyTorch module that it came from on the same pictures: logits, features and class
    activation maps are the same, and the mean of a map and the bias make the logit."""
    np.save(test.here / "x.npy", x)
    classes = [0, 3, 6]
    test.camlite("run", "--model", model, "--input", "x.npy", "--logits", "logits.npy", "--features", "features.npy",
                 "--cam", ",".join(map(str, classes)), "--maps", "maps.npy")  # fmt: skip
    logits, features, maps = (np.load(test.here / f"{name}.npy") for name in ("logits", "features", "maps"))
    should_logits, should_features = results(module, x)
    weight, bias = classifier(module)
    close(test, logits, should_logits, "logits", tolerance)
    close(test, features, should_features, "features", tolerance)
    close(test, maps, np.einsum("kc,nchw->nkhw", weight[classes], should_features), "maps", tolerance)
    close(test, maps.mean(axis=(2, 3)) + bias[classes], logits[:, classes], "means of maps", tolerance)
