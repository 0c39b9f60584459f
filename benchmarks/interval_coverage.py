"""How often the interval holds and the verdict is wrong: `python benchmarks/interval_coverage.py`.

Draws many experiments of 8, 20 and 50 queries from worlds where the truth is known. Prints how often each
95 % interval holds the true mean difference, and where that is 0, how often the sign-flip test and the
verdict (test and interval together) find one embedder better nevertheless. They promise 0.95 and 0.05.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diptych.evaluation.interval import mean_interval
from diptych.evaluation.sign_flip import sign_flip_p

Floats = NDArray[np.float64]
World = Callable[[np.random.Generator, tuple[int, int]], Floats]

QUERIES = (8, 20, 50)
REPEATS = 4000
AT_ONCE = 500  # experiments: what is enumerated or resampled of them stays below some 200 MB


def average_precisions(random: np.random.Generator, quality: float, ease: Floats, relevant: int) -> Floats:
    """AP of an embedder over 60 images of which the first few score `quality` + `ease` higher."""
    scores = random.normal(size=(*ease.shape, 60))
    scores[..., :relevant] += (quality + ease + 0.5 * random.normal(size=ease.shape))[..., None]
    hits = np.argsort(-scores, axis=-1) < relevant
    precision = np.cumsum(hits, axis=-1) / np.arange(1, 61)
    return (precision * hits).sum(-1) / relevant


def ap_world(a: float, b: float, relevant: int, spread: float = 1.0) -> World:
    """Differences of AP of two embedders over queries of which some are easier than others."""

    def draw(random: np.random.Generator, shape: tuple[int, int]) -> Floats:
        ease = random.normal(scale=spread, size=shape)
        one, other = (average_precisions(random, quality, ease, relevant) for quality in (a, b))
        return one - other

    return draw


def often_tied(mean: float) -> World:
    """Half of all differences are 0."""
    return lambda random, shape: random.normal(mean, 0.2, shape) * (random.random(shape) < 0.5)


EQUAL: dict[str, World] = {
    "normal": lambda random, shape: random.normal(0, 1, shape),
    "skewed (gamma 4, skew 1)": lambda random, shape: random.gamma(4, 1, shape) - 4,
    "very skewed (exponential, skew 2)": lambda random, shape: random.exponential(1, shape) - 1,
    "AP, 5 relevant": ap_world(1.5, 1.5, relevant=5),
    "AP, 1 relevant": ap_world(2.0, 2.0, relevant=1),
    "half of all tied": often_tied(0),
}
"""Worlds in which the true mean difference is 0."""

UNEQUAL: dict[str, tuple[World, float | None]] = {
    "AP, 5 relevant, a better": (ap_world(2.5, 1.0, relevant=5), None),
    "AP, 1 relevant, a better": (ap_world(2.5, 1.5, relevant=1), None),
    "AP, a nearly perfect": (ap_world(5.0, 2.5, relevant=3), None),
    "half of all tied, a better": (often_tied(0.1), 0.05),
}
"""Worlds in which it is another; None where it has to be measured."""


def coverage(differences: Floats, truth: float) -> float:
    """How many of the rows' intervals hold the truth."""
    low, high = mean_interval(differences)
    return float(((low <= truth + 1e-9) & (truth - 1e-9 <= high)).mean())


def bca_coverage(differences: Floats, truth: float) -> float:
    """The same for scipy's bias-corrected and accelerated bootstrap."""
    from scipy.stats import bootstrap

    held = []
    for start in range(0, len(differences), AT_ONCE):
        block = differences[start : start + AT_ONCE]
        found = bootstrap((block,), np.mean, axis=1, n_resamples=999, rng=0).confidence_interval
        held.append((found.low <= truth + 1e-9) & (truth - 1e-9 <= found.high))
    return float(np.concatenate(held).mean())


def false_positives(differences: Floats) -> tuple[float, float]:
    """How often the test alone, and the test and the interval together, see a difference."""
    blocks = [differences[start : start + AT_ONCE] for start in range(0, len(differences), AT_ONCE)]
    significant = np.concatenate([sign_flip_p(block) for block in blocks]) <= 0.05
    low, high = mean_interval(differences)
    return float(significant.mean()), float((significant & ((low > 0) | (high < 0))).mean())


def main(repeats: int) -> None:
    """Print one line a world and number of queries."""
    heads = ("interval", "BCa", "test wrong", "verdict wrong")
    print(f"{'world':36}{'queries':>8}" + "".join(f"{head:>15}" for head in heads))
    random = np.random.default_rng(0)
    worlds = {name: (draw, 0.0) for name, draw in EQUAL.items()} | UNEQUAL
    for name, (draw, known) in worlds.items():
        truth = float(draw(random, (4000, 50)).mean()) if known is None else known
        for queries in QUERIES:
            differences = draw(random, (repeats, queries))
            with np.errstate(all="ignore"):  # BCa divides by 0 where all differences are equal
                row = [coverage(differences, truth), bca_coverage(differences, truth)]
            row += false_positives(differences) if truth == 0 else ()
            print(f"{name:36}{queries:8}" + "".join(f"{share:15.3f}" for share in row), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS)
