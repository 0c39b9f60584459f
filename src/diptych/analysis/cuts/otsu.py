"""Otsu's threshold, for two classes the same as Jenks' natural break: the cut that explains most variance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

OTSU = Concept(
    name="Otsu, or Jenks with two classes",
    reading="The rank that divides the scores into two classes with the least variance within;"
    " there always is one",
    range="a rank, from 1 to the last but one; 0 where all scores are equal",
    unit_free=True,
    source="Otsu, IEEE Trans. SMC 9 (1979); Jenks 1967",
)

EXCESS_VARIANCE = Concept(
    name="excess variance explained",
    reading="What two classes explain of the variance beyond what they do for one normal mode: 0 is"
    " one mode, 1 two points",
    range="up to 1; below 0 where two classes explain less than they do for one mode",
    unit_free=True,
    source="goodness of variance fit (Jenks 1967), less its mean for normal scores of the same number",
)

_LISTS = 200


@dataclass(frozen=True)
class Otsu:
    """The best division into two classes.

    Attributes:
        rank: How many images are in the upper class.
        explained: The share of the variance that lies between the classes, 0 to 1.
    """

    rank: int
    explained: float


def otsu(descending: NDArray[np.float64]) -> Otsu:
    """Divide a ranking into the two classes that explain most of its variance.

    Args:
        descending: Scores, best first; shape (n,), n at least 2.
    """
    explained = _explained(descending[None])[0]
    best = int(explained.argmax())
    return Otsu(best + 1, float(explained[best])) if explained[best] > 0 else Otsu(0, 0.0)


def excess_variance(found: Otsu, n: int) -> float:
    """How far beyond one mode of n scores two classes explain the variance."""
    one_mode = _one_mode(n)
    return (found.explained - one_mode) / (1 - one_mode)


def _explained(descending: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the variance between classes, for each list and each rank to cut after."""
    centred = descending - descending[:, -1:]  # first by a score itself: equal ones are then exactly 0
    centred -= centred.mean(axis=1, keepdims=True)
    n = descending.shape[1]
    above = np.arange(1, n)
    sums = np.cumsum(centred, axis=1)[:, :-1]
    between = sums**2 * n / (above * (n - above))
    total = (centred**2).sum(axis=1, keepdims=True)
    return np.asarray(np.divide(between, total, out=np.zeros_like(between), where=total > 0))


@lru_cache(maxsize=64)
def _one_mode(n: int) -> float:
    """The mean share that two classes explain of n normal scores: about 2/pi for many, more for few."""
    if n < 3:
        return 1 - 1e-9  # two classes explain two scores wholly, whatever they are
    rng = np.random.default_rng(0)
    lists = -np.sort(-rng.standard_normal((_LISTS, min(n, 2000))), axis=1)
    return float(_explained(lists).max(axis=1).mean())
