"""Writing a model as the `mini` embedder reads it: the weights of both sides, and the words beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model import Block, Clip

Weights = dict[str, NDArray[np.float32]]


def export(model: Clip, tokenizer: Tokenizer, folder: Path) -> None:
    """Write `weights.npz` and `words.txt` to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model.cpu().eval()
    weights = _image_weights(model)
    weights |= {f"text.{name}": tensor.numpy() for name, tensor in model.text.state_dict().items()}
    np.savez(folder / "weights.npz", **weights)
    words = sorted(tokenizer.get_vocab(), key=tokenizer.token_to_id)
    (folder / "words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")


def _image_weights(model: Clip) -> Weights:
    """The image side's, each normalisation worked into the convolution before it."""
    first, *layers = model.image.layers
    weights = _fused("image.first", first[0], first[1])
    for number, (halved, block) in enumerate(zip(layers[::2], layers[1::2], strict=True)):
        assert isinstance(block, Block)
        inner, convolution, normalisation = block.inner
        weights |= _fused(f"image.halved.{number}", halved[0], halved[1])
        weights |= _fused(f"image.inner.{number}", inner[0], inner[1])
        weights |= _fused(f"image.beside.{number}", convolution, normalisation)
    return weights | _named("image.out", model.image.out)


def _fused(name: str, convolution: nn.Conv2d, normalisation: nn.BatchNorm2d) -> Weights:
    return _named(name, fuse_conv_bn_eval(convolution, normalisation))


def _named(name: str, layer: nn.Module) -> Weights:
    return {f"{name}.{part}": np.ascontiguousarray(tensor) for part, tensor in layer.state_dict().items()}
