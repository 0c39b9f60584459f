"""Worlds in which it is known which of two embedders is better: real differences, tilted, and generated ones.

A world is a pool of differences of a metric between two embedders, one per query, with weights. Tilting makes
rare what is too frequent (weights exp(λ·x)), so that the mean becomes what is wanted, while ties, skewness
and the bounds of the metric stay as they are in real rankings.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diptych.workbench import Workbench

Floats = NDArray[np.float64]

CAPTIONS = Path(__file__).parents[2] / "shared" / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs"
"""Vectors of photographs with five captions each; worlds from them are left out where there are none."""

DEPTH = 10


@dataclass(frozen=True)
class World:
    """Differences of a metric between two embedders.

    Attributes:
        name: Where they come from.
        pool: One per query.
        weights: How probable each is; they add up to 1.
    """

    name: str
    pool: Floats
    weights: Floats

    @property
    def mean(self) -> float:
        """The true difference."""
        return float(self.weights @ self.pool)

    @property
    def effect(self) -> float:
        """The true difference in standard deviations."""
        return self.mean / float(np.sqrt(self.weights @ (self.pool - self.mean) ** 2))

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Differences over queries."""
        return random.choice(self.pool, shape, p=self.weights)

    def with_mean(self, mean: float) -> World:
        """The same, tilted."""
        low, high = -500.0, 500.0
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self._tilted(middle).mean < mean else (low, middle)
        return self._tilted(low)

    def with_effect(self, effect: float) -> World:
        """The same, tilted to a mean of so many standard deviations."""
        low, high = 0.0, float(self.pool.max())
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.with_mean(middle).effect < effect else (low, middle)
        return self.with_mean(low)

    def symmetric(self) -> World:
        """The same where chance alone decides which embedder is ahead."""
        both = np.concatenate([self.pool, -self.pool])
        return World(self.name, both, np.tile(self.weights, 2) / 2)

    def _tilted(self, by: float) -> World:
        exponent = by * self.pool
        weights = np.exp(exponent - exponent.max())
        return World(self.name, self.pool, weights / weights.sum())


def real_worlds() -> Iterator[World]:
    """Differences between embedders on real rankings: the sample's, and captions of photographs."""
    found = Workbench("sample", ["mini-b", "mini-s", "palette"], bank=[]).evaluate().relevance
    assert found is not None
    for metric, field in (("nDCG@10", "ndcg"), ("AP", "average_precision")):
        values = {
            name: np.array([getattr(query.figures[name], field) for query in found.queries], np.float64)
            for name in ("mini-b", "mini-s", "palette")
        }
        yield _world(f"sample, {metric}: two models", values["mini-b"] - values["mini-s"])
        yield _world(f"sample, {metric}: model and floor", values["mini-b"] - values["palette"])
    if CAPTIONS.is_dir():
        ranks = caption_ranks(3)
        yield _world("captions, nDCG@10", _gain(ranks[0]) - _gain(ranks[1]))
        yield _world("captions, reciprocal rank", 1 / ranks[0] - 1 / ranks[2])
        yield _world("captions, nDCG@10: whole and third", _gain(caption_ranks(1)[0]) - _gain(ranks[1]))


def caption_vectors() -> tuple[Floats, Floats, NDArray[np.intp]]:
    """CLIP's vectors of the photographs and of the captions, and the row of each caption's photograph."""
    with (CAPTIONS / "metadata.csv").open(encoding="utf-8", newline="") as lines:
        ids = [line["image_id"] for line in csv.DictReader(lines)]
    _, first, of_caption = np.unique(ids, return_index=True, return_inverse=True)
    images = np.load(CAPTIONS / "image_embeddings.npy")[first].astype(np.float64)
    texts = np.load(CAPTIONS / "text_embeddings.npy").astype(np.float64)
    return images, texts, of_caption


def caption_ranks(parts: int, dimensions: int = 64) -> list[Floats]:
    """The rank of each caption's photograph, by CLIP's first dimensions, its next ones, and so on.

    With one part, by half of all dimensions.
    """
    images, texts, of_caption = caption_vectors()
    order = np.random.default_rng(0).permutation(images.shape[1])
    size = dimensions if parts > 1 else images.shape[1] // 2
    return [
        _ranks(images, texts, of_caption, order[size * part : size * (part + 1)]) for part in range(parts)
    ]


def outliers(name: str, usual: float, rare: float, share: float) -> World:
    """Most queries speak for one embedder, a few strongly for the other."""
    usually = usual + np.random.default_rng(0).normal(0, 0.1, 500)
    rarely = rare + np.random.default_rng(1).normal(0, 0.1, 500)
    weights = np.concatenate([np.full(500, (1 - share) / 500), np.full(500, share / 500)])
    return World(name, np.concatenate([usually, rarely]), weights)


def generated_worlds() -> Iterator[World]:
    """Differences nobody measured: normal, half tied, with outliers."""
    normal = np.random.default_rng(0).normal(0, 0.25, 1000).clip(-1, 1)
    tied = np.where(np.arange(1000) % 2 == 0, 0.0, normal)
    yield _world("normal", normal)
    yield _world("half tied", tied)
    yield outliers("outliers: +0.3, one in ten −0.5", 0.3, -0.5, 0.10)
    yield outliers("outliers: +0.3, one in twenty −0.7", 0.3, -0.7, 0.05)


def _world(name: str, differences: Floats) -> World:
    defined = differences[~np.isnan(differences)].round(12)
    return World(name, defined, np.full(len(defined), 1 / len(defined)))


def _ranks(images: Floats, texts: Floats, of_caption: NDArray[np.intp], chosen: NDArray[np.intp]) -> Floats:
    image, text = (
        of_all[:, chosen] / np.linalg.norm(of_all[:, chosen], axis=1, keepdims=True)
        for of_all in (images, texts)
    )
    scores = text @ image.T
    own = scores[np.arange(len(scores)), of_caption]
    return np.asarray(1.0 + (scores > own[:, None]).sum(axis=1))


def _gain(ranks: Floats) -> Floats:
    """NDCG@10 of a query with one relevant picture."""
    return np.where(ranks <= DEPTH, 1 / np.log2(1 + ranks), 0.0)
