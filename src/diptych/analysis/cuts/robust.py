"""Robust z with a false discovery rate: what stands out from the lower half of the very same ranking."""

from __future__ import annotations

import math
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.null import count_discoveries
from diptych.concept import Concept

ROBUST = Concept(
    name="robust z with false discovery rate",
    reading="How many images stand out from the lower half of this ranking, taken as one normal mode",
    range="0 to the number of images",
    unit_free=True,
    source="median and MAD of the lower half; Benjamini and Hochberg (1995) at 10 %",
)

_NORMAL_MAD = 1.4826
_HIGH = 1.2
"""Below it p is above the false discovery rate."""


def robust_spread(descending: NDArray[np.float64]) -> float:
    """The standard deviation of a normal mode with this lower half; 0 where that is all equal.

    Args:
        descending: Scores, best first; shape (n,), n at least 1.
    """
    median = _middle(descending)
    lower = descending[len(descending) - int(np.searchsorted(descending[::-1], median, side="right")) :]
    half = len(lower) // 2
    if len(lower) % 2:
        return float(_NORMAL_MAD * (median - lower[half]))
    return float(_NORMAL_MAD * ((median - lower[half - 1]) + (median - lower[half])) / 2)


def robust_cut(descending: NDArray[np.float64]) -> int:
    """How many images stand out, with a false discovery rate of 10 %; 0 where the lower half is all equal.

    Args:
        descending: Scores, best first; shape (n,).
    """
    spread = robust_spread(descending)
    if spread == 0:
        return 0
    median, n = _middle(descending), len(descending)

    def z(at: int) -> float:
        return float((descending[at] - median) / spread)

    # The upper tail's p, where it may be small enough. Importing scipy would take longer than all the rest.
    high = bisect_left(range(n), -_HIGH, key=lambda at: -z(at))
    return count_discoveries(n, high, lambda at: math.erfc(z(at) / math.sqrt(2)) / 2)


def _middle(descending: NDArray[np.float64]) -> float:
    """The median of a sorted list."""
    return float((descending[(len(descending) - 1) // 2] + descending[len(descending) // 2]) / 2)
