"""A small CLIP: an image side, a text side, and the loss that brings a picture and its caption together.

A. Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from things import things
from tokenizer import LIMIT

Texts = tuple[Tensor, Tensor]
"""Token ids of shape (texts, length), and of which pictures each is true, of shape (texts, pictures)."""

SIDE = 64
"""Pixels of a picture's side."""

APART = 20.0
"""How much it counts in the loss that what does not belong together is unlike."""


@dataclass(frozen=True)
class Setting:
    """What a model is made of and how long it learns.

    Attributes:
        widths: Channels of the image side, doubled in depth where the picture is halved.
        text_width: Numbers for one token.
        text_layers: Transformer layers of the text side.
        dimension: The length of the vectors.
        steps: Batches that it sees.
        naming: How many of them, the first ones, come without texts: see `Clip.loss`.
        batch: Scenes in a batch.
        rate: The highest learning rate.
    """

    widths: tuple[int, ...]
    text_width: int
    text_layers: int
    dimension: int
    steps: int
    naming: int
    batch: int = 128
    rate: float = 3e-3


SETTINGS = {
    "mini-s": Setting((16, 32, 64, 88), 64, 1, 96, steps=1400, naming=500),
    "mini-b": Setting((24, 48, 112, 192), 128, 2, 192, steps=2400, naming=1000),
}
TINY = Setting((8, 16, 16, 16), 32, 1, 32, steps=16, naming=4, batch=32)
"""For tests: it learns next to nothing, in seconds."""


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Block(nn.Module):
    """Two convolutions beside a shortcut (K. He et al., 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _convolution(width, width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (n, width, height, width of the map)."""
        return functional.relu(x + self.inner(x))


class ImageSide(nn.Module):
    """Pictures to vectors: a plain convolutional network."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        first, *others = setting.widths
        layers: list[nn.Module] = [_convolution(3, first, stride=2)]
        before = first
        for width in others:
            layers += [_convolution(before, width, stride=2), Block(width)]
            before = width
        self.layers = nn.Sequential(*layers)
        self.out = nn.Linear(2 * before, setting.dimension)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """From shape (n, 3, `SIDE`, `SIDE`), -1 to 1, to (n, dimension)."""
        return self.out(self.features(pixel_values))

    def features(self, pixel_values: Tensor) -> Tensor:
        """What there is, wherever it is: each channel's mean and maximum; shape (n, twice the last width)."""
        maps = self.layers(pixel_values).flatten(2)
        return torch.cat([maps.mean(2), maps.amax(2)], dim=1)


class TextLayer(nn.Module):
    """Attention over the tokens, then each token by itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // 32
        self.before = nn.LayerNorm(width)
        self.to_all = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.each = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Keep the shape (n, length, width); `mask` is True for tokens, of shape (n, 1, 1, length)."""
        n, length, width = x.shape
        parts = self.to_all(self.before(x)).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.out(seen.transpose(1, 2).reshape(n, length, width))
        return x + self.each(x)


class TextSide(nn.Module):
    """Texts to vectors: a small transformer; what it finds out is read off the first token."""

    def __init__(self, setting: Setting, vocabulary: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, setting.text_width, padding_idx=0)
        self.places = nn.Parameter(torch.randn(LIMIT, setting.text_width) * 0.02)
        self.layers = nn.ModuleList(TextLayer(setting.text_width) for _ in range(setting.text_layers))
        self.norm = nn.LayerNorm(setting.text_width)
        self.out = nn.Linear(setting.text_width, setting.dimension)
        nn.init.normal_(self.tokens.weight, std=0.05)

    def forward(self, input_ids: Tensor) -> Tensor:
        """From shape (n, length), 0 being no token, to (n, dimension)."""
        mask = (input_ids != 0)[:, None, None, :]
        x = self.tokens(input_ids) + self.places[: input_ids.shape[1]]
        for layer in self.layers:
            x = layer(x, mask)
        return self.out(self.norm(x[:, 0]))


class Clip(nn.Module):
    """Both sides, and what the loss learns: its temperature, and how like a text "none of these" is."""

    def __init__(self, setting: Setting, vocabulary: int) -> None:
        super().__init__()
        self.image = ImageSide(setting)
        self.text = TextSide(setting, vocabulary)
        self.scale = nn.Parameter(torch.tensor(2.65926))  # its exponential is 1/0.07
        self.none = nn.Parameter(torch.tensor(0.2))
        self.namer = nn.Linear(2 * setting.widths[-1], len(things()))

    def loss(self, pixels: Tensor, present: Tensor, sets: Sequence[Texts]) -> Tensor:
        """How badly the image side names the things in pictures, and both sides find each other.

        Args:
            pixels: What the image side takes.
            present: Which things are in each picture; shape (n, things).
            sets: Texts, and of which pictures each is true; the sets are contrasted one by one. There are
                none at first: what to call things is learned much faster by those who can tell them apart.
        """
        features = self.image.features(pixels)
        naming = _contrast(self.namer(features), present.to(features.dtype))
        if not sets:
            return naming
        images = functional.normalize(self.image.out(features), dim=1)
        return naming + torch.stack([self._contrast_texts(images, *texts) for texts in sets]).mean()

    def _contrast_texts(self, images: Tensor, ids: Tensor, truth: Tensor) -> Tensor:
        """How badly pictures find their texts, and texts their pictures or that there are none.

        It is CLIP's, with three additions. A text may be true of several pictures: then they share the
        answer. Among the answers to a text is "none of these": so what is true of nothing comes to score low
        with every picture, and all that is true above it. And texts and pictures that do not belong together
        are drawn to the likeness 0: so that what is not there scores alike with all pictures, and the vectors
        use all of their dimensions.
        """
        texts, true = functional.normalize(self.text(ids), dim=1), truth.to(images.dtype)
        scale, likeness = self.scale.exp().clamp(max=100), texts @ images.T
        none = self.none.expand(len(texts), 1)
        true_of_none = (true.sum(1, keepdim=True) == 0).to(true.dtype)
        to_texts = _contrast(scale * likeness.T, true.T)
        to_pictures = _contrast(scale * torch.cat([likeness, none], 1), torch.cat([true, true_of_none], 1))
        apart = (likeness.square() * (1 - true)).sum() / (1 - true).sum()
        return (to_texts + to_pictures) / 2 + APART * apart


def _contrast(scores: Tensor, true: Tensor) -> Tensor:
    """Cross-entropy with all true answers, in equal shares; a row that has none does not count."""
    some = true.sum(1) > 0
    return functional.cross_entropy(scores[some], true[some] / true[some].sum(1, keepdim=True))
