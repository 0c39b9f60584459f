"""Student's t distribution: its tail and its quantile, to nine digits and more.

They are all that verdicts need of a statistics library, and scipy alone would be half of an installation.
"""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300
"""In place of a denominator of 0, which the continued fraction may pass through."""

_SAME = 1e-15
"""The fraction has settled where a step changes it by less."""

_STEPS = 10_000
"""More than it takes for any number of queries."""


def two_sided_p(t: float, degrees: int) -> float:
    """How often a value of Student's t is as far from 0 as this one.

    Args:
        t: Finite, of either sign.
        degrees: Degrees of freedom, at least 1.

    Returns:
        I_x(degrees / 2, 1 / 2) with x = degrees / (degrees + t²) (Abramowitz and Stegun, 26.7.1), 0 to 1;
        small values keep their digits.
    """
    square = t * t
    return _incomplete_beta(degrees / (degrees + square), square / (degrees + square), degrees / 2, 0.5)


@lru_cache(maxsize=1024)
def two_sided_reach(level: float, degrees: int) -> float:
    """How far from 0 Student's t comes with a given probability: the inverse of `two_sided_p`.

    Args:
        level: The probability, 0 to 1.
        degrees: Degrees of freedom, at least 1.

    Returns:
        The t at or above 0 whose `two_sided_p` is `level`; infinite for 0.
    """
    if level == 0:
        return math.inf
    low, high = 0.0, 1.0
    while two_sided_p(high, degrees) > level:
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if two_sided_p(middle, degrees) > level else (low, middle)
    return high


def _incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), `rest` being 1 - x without its rounding.

    By its continued fraction, on the side where that settles fast (Abramowitz and Stegun, 26.5.8 and 26.5.2).
    """
    if x == 0 or rest == 0:
        return 0.0 if x == 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(rest, x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    return math.exp(scale) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """1 / (1 + d₁ / (1 + d₂ / (1 + …))), by Lentz's method (W. J. Lentz, Applied Optics 15, 1976)."""
    value = down = 1 / _not_zero(1 - (a + b) * x / (a + 1))
    up = 1.0
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = value
        for term in (even, odd):
            up, down = _not_zero(1 + term / up), 1 / _not_zero(1 + term * down)
            value *= up * down
        if abs(value - before) <= _SAME * abs(value):
            break
    return value


def _not_zero(value: float) -> float:
    return value or _TINY
