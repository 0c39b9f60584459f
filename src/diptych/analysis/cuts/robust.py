"""Robust z with a false discovery rate: what stands out from the lower half of the very same ranking."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.null import discoveries
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


def robust_spread(scores: NDArray[np.float64]) -> float:
    """The standard deviation of a normal mode with this lower half; 0 where that is all equal."""
    median = np.median(scores)
    return float(_NORMAL_MAD * np.median(median - scores[scores <= median]))


def robust_cut(descending: NDArray[np.float64]) -> int:
    """How many images stand out, with a false discovery rate of 10 %; 0 where the lower half is all equal.

    Args:
        descending: Scores, best first; shape (n,).
    """
    spread = robust_spread(descending)
    if spread == 0:
        return 0
    z = (descending - np.median(descending)) / spread
    # The upper tail's, where p may be small enough. Importing scipy would take longer than all the rest.
    p = np.ones_like(z)
    high = z > _HIGH
    p[high] = [math.erfc(each) / 2 for each in z[high] / math.sqrt(2)]
    return int(discoveries(p).sum())
