"""What a model learns from: batches of scenes with captions, drawn as they are needed and never twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer
from torch.utils.data import IterableDataset

import captions
from model import SIDE, Setting
from scenes import draw, random_scene
from tokenizer import encode

SEED = 20_260
ONE_UNKNOWN, ALL_UNKNOWN = 0.08, 0.03
"""How many captions have a made-up word in place of one of theirs, and how many are made up altogether."""


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Batches(IterableDataset[Batch]):
    """Batches for all steps of a training run.

    Each is pixels of shape (n, 3, SIDE, SIDE), and token ids of two captions: one that tells all, and one as
    people might put it. The image side is what takes time, so the second comes nearly for nothing.
    """

    def __init__(self, setting: Setting, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.setting = setting
        self.tokenizer = tokenizer
        self.words = captions.vocabulary()

    def __iter__(self) -> Iterator[Batch]:
        """Each batch has its own seed, so a run can be repeated."""
        for step in range(self.setting.steps):
            rng = np.random.default_rng((SEED, step))
            scenes = [random_scene(rng, ("training",)) for _ in range(self.setting.batch)]
            full = [captions.full_caption(scene, rng) for scene in scenes]
            casual = [with_unknown_words(captions.caption(scene, rng), self.words, rng) for scene in scenes]
            pixels = to_pixels([draw(scene, SIDE) for scene in scenes])
            ids = (torch.from_numpy(encode(self.tokenizer, texts)) for texts in (full, casual))
            yield torch.from_numpy(pixels), *ids


def to_pixels(pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
    """What the image side takes: shape (n, 3, SIDE, SIDE), -1 to 1."""
    pixels = np.stack([np.asarray(picture) for picture in pictures]).transpose(0, 3, 1, 2)
    return pixels.astype(np.float32) / 127.5 - 1


def with_unknown_words(text: str, words: Sequence[str], rng: np.random.Generator) -> str:
    """Put made-up words in now and then, so that unknown words come to say little."""
    chance = rng.random()
    if chance < ALL_UNKNOWN:
        return " ".join(_made_up(words, rng) for _ in range(rng.integers(1, 4)))
    parts = text.split()
    if chance < ALL_UNKNOWN + ONE_UNKNOWN and len(parts) > 1:
        parts[rng.integers(len(parts))] = _made_up(words, rng)
    return " ".join(parts)


def _made_up(words: Sequence[str], rng: np.random.Generator) -> str:
    """The beginning of one word and the end of another."""
    one, other = (words[i] for i in rng.integers(len(words), size=2))
    return one[: rng.integers(1, 5)] + other[-rng.integers(1, 5) :]
