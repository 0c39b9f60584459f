"""Overlap at k: how many of the first k images two rankings share, and how many they would by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

OVERLAP = Concept(
    name="overlap at k",
    reading="How many images are among the first k of both, in any order; to be read beside its chance value",
    range="0–k images",
    unit_free=True,
    source="J. Bar-Ilan, M. Mat-Hassan, M. Levene, Methods for comparing rankings of search engine results,"
    " Computer Networks 50(10), 2006",
)

OVERLAP_BY_CHANCE = Concept(
    name="overlap at k by chance",
    reading="How many images two unrelated rankings would share among their first k, on average",
    range="0–k images",
    unit_free=True,
    source="k²/n, the mean of the hypergeometric distribution",
)

OVERLAP_ABOVE_CHANCE = Concept(
    name="overlap at k above chance",
    reading="The overlap on a scale where 0 is what chance gives and 1 is all; below 0 is less than chance",
    range="-1–1",
    unit_free=True,
    source="(O - k²/n)/(k - k²/n), corrected as in J. Cohen, A coefficient of agreement for nominal scales,"
    " Educational and Psychological Measurement 20(1), 1960",
)


def overlap(rank_a: NDArray[np.intp], rank_b: NDArray[np.intp], k: int) -> int:
    """Count the images that are among the first k of both rankings.

    Args:
        rank_a: The rank of each image, 1 to n, shape (n,).
        rank_b: The same in the other ranking.
        k: How deep to look.
    """
    return int(np.count_nonzero((rank_a <= k) & (rank_b <= k)))


def overlap_by_chance(k: int, n: int) -> float:
    """The mean overlap at k of two independent random orders of n images: k²/n."""
    return k * k / n


def overlap_above_chance(shared: int, k: int, n: int) -> float | None:
    """The overlap with 0 for what chance gives and 1 for all k; None where the first k are all n images."""
    if k >= n:
        return None
    chance = overlap_by_chance(k, n)
    return (shared - chance) / (k - chance)
