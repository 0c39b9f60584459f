"""The level of a verdict that is made anew after each judged query.

Looking again after every query would call one of two equal embedders better in one session of five. So each
look may spend only a part of the error rate that the whole session has (Lan and DeMets, "Discrete sequential
boundaries for clinical trials", Biometrika 70, 1983). Where it is known how many queries will be judged, as
little as possible is spent early, after O'Brien and Fleming; then the last look is nearly as good as a single
one. Where it is not, the rate is spread over as many as there may be.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEP = 0.05
"""Of the grid on which the sum of standard normal differences lies."""

_REACH = 8.0
"""How far one difference may take that sum, and how far beyond the boundary it is followed."""

_HALF_SPENT = 20
"""Where nobody said how many queries there will be, half of the rate is spent after so many."""

_FOR_THE_PLAN = 0.9
"""How much of the rate is for the queries planned; the rest is for those that are judged beyond the plan."""

_NOTHING = 1e-10
"""What is less is not spent at this look."""


@lru_cache(maxsize=64)
def running_level(judged: int, planned: int, alpha: float) -> float:
    """The p that a verdict over the queries judged so far must reach.

    Args:
        judged: How many queries were judged so far.
        planned: How many there will be; 0 where nobody said. For more than planned a tenth of the rate is
            left.
        alpha: How often any look of the whole session may call one of two equal embedders better.

    Returns:
        0 to alpha; 0 where nothing can be shown yet.
    """
    if judged < 1:
        return 0.0
    spent = [_spent(look, planned, alpha) for look in range(judged + 1)]
    sums, density = np.zeros(1), np.ones(1) / _STEP
    level = 0.0
    for look in range(1, judged + 1):
        sums, density = _one_more(sums, density)
        boundary = _boundary(sums, density, spent[look] - spent[look - 1])
        level = math.erfc(boundary / math.sqrt(2 * look))
        inside = np.abs(sums) < boundary
        sums, density = sums[inside], density[inside]
    return min(level, alpha)


def _spent(judged: int, planned: int, alpha: float) -> float:
    """How much of the rate all looks up to here may spend together."""
    from statistics import NormalDist

    if not planned:
        return alpha * judged / (judged + _HALF_SPENT)
    if not judged:
        return 0.0
    if judged > planned:
        return alpha * (_FOR_THE_PLAN + (1 - _FOR_THE_PLAN) * (1 - planned / judged))
    of_plan = alpha * _FOR_THE_PLAN
    return 2 * math.erfc(-NormalDist().inv_cdf(of_plan / 4) / math.sqrt(2 * judged / planned))


def _one_more(sums: Floats, density: Floats) -> tuple[Floats, Floats]:
    """The distribution of the sum with one more difference."""
    around = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    kernel = np.exp(-(around**2) / 2) / math.sqrt(2 * math.pi)
    half = (len(sums) + len(around) - 2) // 2
    grown: Floats = np.convolve(density, kernel) * _STEP
    return np.arange(-half, half + 1, dtype=np.float64) * _STEP, grown


def _boundary(sums: Floats, density: Floats, spend: float) -> float:
    """Beyond which sum, on either side, the share of all sessions that may be spent now lies."""
    if spend < _NOTHING:
        return math.inf
    beyond = 2 * np.cumsum(density[::-1])[::-1] * _STEP
    positive = sums >= 0
    return float(np.interp(-spend, -beyond[positive], sums[positive] - _STEP / 2))
