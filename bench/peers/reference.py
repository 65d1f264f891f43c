"""The network in double precision, straight from the operators' definitions: what every engine is held against."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from network import Layer, Network


def _windows(x: np.ndarray, a: dict) -> np.ndarray:
    """(C, H, W), already padded -> (C, Ho, Wo, kernel, kernel) without copying."""
    dilation, stride = a.get("dilation", 1), a["stride"]
    reach = dilation * (a["kernel"] - 1) + 1
    views = np.lib.stride_tricks.sliding_window_view(x, (reach, reach), axis=(1, 2))
    return views[:, ::stride, ::stride, ::dilation, ::dilation]


def _padded(x: np.ndarray, padding: int, value: float) -> np.ndarray:
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding)), constant_values=value)


def _conv2d(x: np.ndarray, layer: Layer) -> np.ndarray:
    a, weight = layer.attributes, layer.weights["weight"].astype(np.float64)
    windows = _windows(_padded(x, a["padding"], 0.0), a)
    outputs, inputs, kernel, _ = weight.shape
    groups = a["groups"]
    result = np.empty((outputs, *windows.shape[1:3]))
    for g in range(groups):
        chosen = slice(g * outputs // groups, (g + 1) * outputs // groups)
        # im2col, a few rows of the output at a time: all of them would take gigabytes.
        for y in range(0, windows.shape[1], 16):
            part = windows[g * inputs : (g + 1) * inputs, y : y + 16]
            columns = part.transpose(0, 3, 4, 1, 2).reshape(inputs * kernel * kernel, -1)
            product = weight[chosen].reshape(outputs // groups, -1) @ columns
            result[chosen, y : y + 16] = product.reshape(-1, *part.shape[1:3])
    return result + layer.weights["bias"].astype(np.float64)[:, None, None] if a["bias"] else result


def _apply(layer: Layer, x: np.ndarray, *others: np.ndarray) -> np.ndarray:
    a, w = layer.attributes, {suffix: array.astype(np.float64) for suffix, array in layer.weights.items()}
    match layer.operator:
        case "conv2d":
            return _conv2d(x, layer)
        case "batch_norm":
            scale = w["weight"] / np.sqrt(w["running_var"] + a["eps"])
            return x * scale[:, None, None] + (w["bias"] - w["running_mean"] * scale)[:, None, None]
        case "relu":
            return np.maximum(x, 0)
        case "add":
            return x + others[0]
        case "max_pool2d":
            return _windows(_padded(x, a["padding"], -np.inf), a).max(axis=(3, 4))
        case "global_avg_pool":
            return x.mean(axis=(1, 2))
        case "linear":
            return w["weight"] @ x + w.get("bias", 0.0)
    return x  # dropout, and softmax, which comes after what is compared


def _one_picture(network: Network, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = {"input": picture.astype(np.float64)}
    for layer in network.layers:
        values[layer.name] = _apply(layer, *(values[source] for source in layer.sources))
    return values[network.features.name], values[network.logits.name]


def reference(network: Network, model: Path, pictures: np.ndarray, cache: Path) -> dict[str, np.ndarray]:
    """The features and logits of pictures (N, C, H, W); from the cache folder if they have been computed before."""
    content = b"1" + model.read_bytes() + pictures.tobytes()  # raise the number when this file computes differently
    stored = cache / f"reference-{hashlib.sha256(content).hexdigest()[:16]}.npz"
    if not stored.exists():
        features, logits = zip(*(_one_picture(network, picture) for picture in pictures))
        part = stored.with_suffix(".part.npz")
        np.savez(part, features=np.stack(features), logits=np.stack(logits))
        part.replace(stored)
    with np.load(stored) as arrays:
        return dict(arrays)


def relative_error(values: np.ndarray, truth: np.ndarray) -> float:
    """The largest difference over the largest true value; infinite if anything is not a number."""
    difference = np.abs(values.astype(np.float64) - truth).max()
    return float(difference / np.abs(truth).max()) if np.isfinite(difference) else float("inf")
