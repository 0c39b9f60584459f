"""What a few observations guarantee of a mean: an exact test and a lower bound for values between 0 and 1.

Gaffke's test ("Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative
variable", Mathematical Methods of Statistics 14, 2005; as an interval Learned-Miller and Thomas,
arXiv:1905.06208): the n values and a 0 get random weights, all divisions of 1 alike probable; the p of "the
mean is at most t" is the probability that the weighted mean is at most t. For values that are 0 or 1 this is
the exact binomial test (Clopper and Pearson, 1934). For others that it keeps its risk is not proven, but no
exception is known; `benchmarks/verdict_promise.py` measures it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HALVINGS = 40
"""Of the interval from 0 to 1, after which a bound is exact to twelve digits."""

_ROUNDING = 1e-9


def chance_of_at_most(mean: float, values: Floats) -> float:
    """How probable values as high as these are where the true mean is at most this: the test's p.

    The weighted mean is distributed as a B-spline whose knots are the values (Curry and Schoenberg, 1966);
    its distribution function comes from that of one knot by de Boor's recurrence, in averages alone, so that
    rounding does not grow.

    Args:
        mean: The mean to be ruled out, from 0 up to 1.
        values: Observations from 0 to 1, independent of each other; shape (n,).

    Returns:
        The p, 0 to 1.
    """
    knots = np.sort(np.append(0.0, values))
    below = (knots <= mean).astype(np.float64)
    for order in range(1, len(knots)):
        low, high = knots[:-order], knots[order:]
        within = (low <= mean) & (mean < high)
        without_lowest = np.divide(high - mean, high - low, out=np.zeros(len(low)), where=within)
        mixed = without_lowest * below[1:] + (1 - without_lowest) * below[:-1]
        below = np.where(within, mixed, high <= mean)
    return float(below[0])


def guaranteed_mean(values: Floats, risk: float) -> float:
    """The highest mean that can be ruled out at this risk: the true one is at least this, 0 to 1.

    Args:
        values: Observations from 0 to 1, independent of each other; shape (n,).
        risk: How often the guarantee may fail, between 0 and 1.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if chance_of_at_most(middle, values) <= risk else (low, middle)
    return low


def fewest(mean: float, risk: float) -> float:
    """How many observations can guarantee a mean, if each of them is 1: mean**n has to be within the risk."""
    if mean <= 0:
        return 1
    if mean >= 1:
        return math.inf
    return math.ceil(math.log(risk) / math.log(mean) - _ROUNDING)
