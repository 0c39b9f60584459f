"""The two sides of a built-in model, computed with NumPy: nothing else need be installed to run them.

`training/model.py` is the same network as it is trained, and says why it is made this way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]
"""By the names that `training/export.py` gives them: `image.…` and `text.…`."""

_HEAD = 32
"""Numbers that one head of attention looks at."""

_EPSILON = np.float32(1e-5)


def image_vectors(weights: Weights, pixels: Floats) -> Floats:
    """Pictures to vectors: convolutions, then each channel's mean and maximum.

    Args:
        weights: Of the model.
        pixels: Shape (n, 3, height, width), -1 to 1.

    Returns:
        Shape (n, dimension).
    """
    x = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
    x = _convolve(weights, "image.first", x, stride=2)
    for number in range(_count(weights, "image.halved.")):
        x = _convolve(weights, f"image.halved.{number}", x, stride=2)
        inner = _convolve(weights, f"image.inner.{number}", x, stride=1)
        x = np.maximum(x + _convolve_alone(weights, f"image.beside.{number}", inner, stride=1), 0)
    maps = x.reshape(len(x), -1, x.shape[-1])
    return _linear(weights, "image.out", np.concatenate([maps.mean(1), maps.max(1)], axis=1))


def text_vectors(weights: Weights, ids: NDArray[np.int64]) -> Floats:
    """Texts to vectors: a small transformer; what it finds out is read off the first token.

    Args:
        weights: Of the model.
        ids: Shape (n, length), 0 being no token.

    Returns:
        Shape (n, dimension).
    """
    absent = np.where(ids == 0, np.float32(-np.inf), np.float32(0))[:, None, None, :]
    x: Floats = weights["text.tokens.weight"][ids] + weights["text.places"][: ids.shape[1]]
    for number in range(_count(weights, "text.layers.")):
        layer = f"text.layers.{number}"
        x = x + _attend(weights, layer, _normalise(weights, f"{layer}.before", x), absent)
        each = _linear(weights, f"{layer}.each.1", _normalise(weights, f"{layer}.each.0", x))
        x = x + _linear(weights, f"{layer}.each.3", _gelu(each))
    return _linear(weights, "text.out", _normalise(weights, "text.norm", x[:, 0]))


def _count(weights: Weights, prefix: str) -> int:
    return len({name.removeprefix(prefix).split(".")[0] for name in weights if name.startswith(prefix)})


def _convolve(weights: Weights, name: str, x: Floats, stride: int) -> Floats:
    return np.maximum(_convolve_alone(weights, name, x, stride), 0)


def _convolve_alone(weights: Weights, name: str, x: Floats, stride: int) -> Floats:
    """A 3×3 convolution of maps of shape (n, height, width, channels), with a border of zeros."""
    kernel = weights[f"{name}.weight"]  # (out, in, 3, 3)
    height, width = x.shape[1:3]
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    around = [padded[:, i : i + height : stride, j : j + width : stride] for i in range(3) for j in range(3)]
    flat = kernel.transpose(2, 3, 1, 0).reshape(-1, len(kernel))
    grown: Floats = np.concatenate(around, axis=-1) @ flat + weights[f"{name}.bias"]
    return grown


def _attend(weights: Weights, layer: str, x: Floats, absent: Floats) -> Floats:
    n, length, width = x.shape
    parts = _linear(weights, f"{layer}.to_all", x).reshape(n, length, 3, width // _HEAD, _HEAD)
    query, key, value = parts.transpose(2, 0, 3, 1, 4)
    scores = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(_HEAD)) + absent
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    seen = shares / shares.sum(axis=-1, keepdims=True) @ value
    return _linear(weights, f"{layer}.out", seen.transpose(0, 2, 1, 3).reshape(n, length, width))


def _linear(weights: Weights, name: str, x: Floats) -> Floats:
    product: Floats = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return product


def _normalise(weights: Weights, name: str, x: Floats) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
    normal: Floats = scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return normal


def _gelu(x: Floats) -> Floats:
    """X Φ(x); the error function to 2e-7 (Abramowitz and Stegun, 7.1.26), for NumPy has none."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    polynomial = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    erf = np.copysign(1 - polynomial * np.exp(-z * z), x)
    curved: Floats = x / 2 * (1 + erf)
    return curved
