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
from captions import Caption
from model import SIDE, Setting, Texts
from scenes import Scene, draw, facts, random_scene
from things import things
from tokenizer import encode

SEED = 20_260
WITH_UNHEARD = 0.1
"""How many captions have an unknown word among theirs."""

WHOLE = 0.4
"""How many casual captions tell all of a scene; the others one thing of it."""

NAMES, NONSENSE = 3, 0.25
"""Further texts of a batch, in parts of its scenes: names of anything, and sentences true of nothing."""

Batch = tuple[torch.Tensor, torch.Tensor, list[Texts]]


class Batches(IterableDataset[Batch]):
    """Batches for all steps of a training run.

    Each is pixels of shape (n, 3, SIDE, SIDE); which things are there, of shape (n, things); and, after the
    first `Setting.naming` batches, three sets of texts: what tells all of each scene, what
    people might say of it or of nothing, and names, of which some are true of some scenes. The image side is
    what takes time, so the further texts come nearly for nothing.
    """

    def __init__(self, setting: Setting, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.setting = setting
        self.tokenizer = tokenizer

    def __iter__(self) -> Iterator[Batch]:
        """Each batch has its own seed, so a run can be repeated."""
        for step in range(self.setting.steps):
            rng = np.random.default_rng((SEED, step))
            scenes = [random_scene(rng, ("training",)) for _ in range(self.setting.batch)]
            known = [facts(scene) for scene in scenes]
            pixels = to_pixels([draw(scene, SIDE) for scene in scenes])
            saying = say(scenes, rng) if step >= self.setting.naming else ()
            yield torch.from_numpy(pixels), present(scenes), [self._texts(said, known) for said in saying]

    def _texts(self, said: Sequence[Caption], known: Sequence[frozenset[str]]) -> Texts:
        """Token ids, and of which scenes each text is true."""
        ids = torch.from_numpy(encode(self.tokenizer, [caption.text for caption in said]))
        truth = np.array([[caption.claims <= has for has in known] for caption in said])
        return ids, torch.from_numpy(truth)


def present(scenes: Sequence[Scene]) -> torch.Tensor:
    """Which of all things are in each scene; shape (n, things)."""
    glyphs = [{group.thing.glyph for group in scene.groups} for scene in scenes]
    return torch.from_numpy(np.array([[thing.glyph in some for thing in things()] for some in glyphs]))


def say(scenes: Sequence[Scene], rng: np.random.Generator) -> Iterator[list[Caption]]:
    """The sets of texts that go with a batch."""
    yield [captions.full_caption(scene, rng) for scene in scenes]
    casual = [_casual(scene, rng) for scene in scenes]
    chosen = rng.choice(len(scenes), int(NONSENSE * len(scenes)), replace=False)
    yield [_sometimes_unheard(one, rng) for one in casual] + [captions.nonsense(casual[i]) for i in chosen]
    names = captions.all_names()
    chosen = rng.choice(len(names), min(NAMES * len(scenes), len(names)), replace=False)
    yield [captions.named(names[i], rng) for i in chosen]


def _casual(scene: Scene, rng: np.random.Generator) -> Caption:
    if rng.random() < WHOLE:
        return captions.whole_caption(scene, rng)
    return captions.part_caption(scene, rng)


def _sometimes_unheard(caption: Caption, rng: np.random.Generator) -> Caption:
    return captions.with_an_unheard_word(caption, rng) if rng.random() < WITH_UNHEARD else caption


def to_pixels(pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
    """What the image side takes: shape (n, 3, SIDE, SIDE), -1 to 1."""
    pixels = np.stack([np.asarray(picture) for picture in pictures]).transpose(0, 3, 1, 2)
    return pixels.astype(np.float32) / 127.5 - 1
