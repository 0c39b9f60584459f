"""The sign-flip test of paired differences, and the interval that is its own inversion.

Where chance alone decides which embedder is ahead, flipping signs at random makes samples like the one seen.
Hartigan ("Using subsample values as typical values", JASA 64, 1969) showed that the same
flips, taken around any other value, are counted by the means of subsets: where the differences are symmetric
about their mean, it lies between any two neighbours of the sorted 2^m − 1 subset means with probability 2^−m.
So one sorted array gives the p-value and, at any level, the interval of the values that the test lets stand.

Queries on which both embedders are equal say nothing of the sign and are left out here. Where there are any,
the sample itself counts half (the mid-p of Lancaster, JASA 56, 1961), since the test would be too strict
otherwise (Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13, 2013).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ENUMERATED = 16
"""Up to so many values all subsets are gone through; beyond, a sample of them."""

SAMPLED = 9_999

_KEPT, _BLOCK = 1_000, 500
"""Up to so many values the subsets are kept for the next metric; of more, so many are in memory together."""

_ROUNDING = 1e-12
"""A mean that is nearer to 0 is 0 but for rounding."""


def subset_means(values: Floats) -> Floats:
    """The means of all non-empty subsets, or of 9,999 random ones where there are more than 16 values.

    Args:
        values: Shape (m,), m at least 1.

    Returns:
        Shape (2^m − 1,) or (9,999,).
    """
    if len(values) <= _KEPT:
        chosen, sizes = _subsets(len(values))
        return np.asarray((chosen @ values) / sizes)
    random = np.random.default_rng(0)
    blocks = (
        _sampled(random, min(_BLOCK, SAMPLED - start), len(values)) for start in range(0, SAMPLED, _BLOCK)
    )
    return np.concatenate([block @ values / block.sum(axis=1) for block in blocks])


def sign_flip_p(means: Floats, itself: float = 1.0) -> float:
    """The two-sided p of the hypothesis that the mean is 0.

    Args:
        means: The subset means of the differences.
        itself: How much the sample itself counts: 1, or 0.5 for the mid-p.

    Returns:
        2 · itself / (shape + 1) to 1.
    """
    on_the_other_side = min(int((means <= _ROUNDING).sum()), int((means >= -_ROUNDING).sum()))
    return min(1.0, 2 * (itself + on_the_other_side) / (len(means) + 1))


def typical_values(means: Floats, level: float, itself: float = 1.0) -> tuple[float, float]:
    """Between which values the mean lies: those whose p is above the level.

    Args:
        means: The subset means.
        level: How often the interval may miss; 0.05 for a 95 % interval.
        itself: As for the p.

    Returns:
        Lower and upper end; infinite where there are too few values for this level.
    """
    beyond = math.floor(level * (len(means) + 1) / 2 - itself)
    if beyond < 0:
        return -math.inf, math.inf
    order = np.partition(means, (beyond, len(means) - 1 - beyond))
    return _exact(order[beyond]), _exact(order[-1 - beyond])


def _exact(mean: float) -> float:
    return 0.0 if abs(mean) <= _ROUNDING else float(mean)


def smallest_p(queries: int, itself: float = 1.0) -> float:
    """The smallest p that the test can give with so many queries on which the embedders differ."""
    return 2 * itself / (2**queries if queries <= ENUMERATED else 1 + SAMPLED)


@lru_cache(maxsize=2)  # every metric of every two embedders is tested by the same ones
def _subsets(count: int) -> tuple[Floats, Floats]:
    """Which values each subset holds, shape (subsets, count), and how many these are, shape (subsets,)."""
    if count <= ENUMERATED:
        held = (np.arange(1, 2**count)[:, None] >> np.arange(count) & 1).astype(np.float64)
    else:
        held = _sampled(np.random.default_rng(0), SAMPLED, count)
    return held, held.sum(axis=1)


def _sampled(random: np.random.Generator, subsets: int, count: int) -> Floats:
    drawn = random.integers(0, 2, (subsets, count), np.int8)
    drawn[~drawn.any(axis=1)] = 1
    return drawn.astype(np.float64)
