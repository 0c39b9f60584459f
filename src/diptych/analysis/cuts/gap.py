"""The largest gap of a ranking, weighed by how many stand above it, and how improbable it is in one mode.

In one smooth tail the normalised spacings k·(s_k − s_k+1) are about exponential with one common scale (Rényi
1953; Pyke 1965). So each is compared with the mean of those that follow it: their ratio has an F
distribution, and the least probable gap is the candidate for a break. That many gaps are looked at is allowed
for by `EFFECTIVE_GAPS`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

GAP = Concept(
    name="largest gap",
    reading="The rank after which the scores drop most for that rank: where the list breaks if it does",
    range="a rank, from 1 to three quarters of the list; without a bank to half of it",
    unit_free=True,
    source="this project: gap / (null deviation^⅔ · mean gap of the bank's lists there^⅓); without a bank"
    " normalised spacings, Rényi 1953; Pyke, J. R. Stat. Soc. B 27 (1965)",
)

DEEPEST = 2000
"""Gaps further down than this are not looked at: nobody means them by a break."""

EFFECTIVE_GAPS = {
    7: 1.04,
    10: 1.73,
    15: 2.59,
    20: 2.94,
    30: 4.19,
    50: 6.33,
    70: 8.24,
    100: 11,
    150: 15.8,
    200: 19.2,
    250: 39.1,
    300: 69.6,
    400: 158,
    500: 243,
    700: 453,
    1_000: 818,
    2_000: 2110,
    4_000: 4160,
    10_000: 5230,
}
"""How many independent gaps a list of n is worth: such that p <= 0.05 comes up in no more than 4 % of the
lists from a normal, a Gumbel or a t distribution with 5 degrees of freedom, whichever is the worst. Longer
lists have as many as the longest here, for no deeper gap is looked at. `benchmarks/break_calibration.py`
prints the table."""

_LEAST_P = 1e-16
_FEWEST = 4  # spacings that the scale is estimated from
_MOST = 100


@dataclass(frozen=True)
class Gaps:
    """The least probable gap of each of several rankings.

    Attributes:
        ranks: How many images stand above it; shape (lists,).
        surprise: Minus the natural logarithm of its probability, the other gaps not allowed for; shape
            (lists,).
    """

    ranks: NDArray[np.intp]
    surprise: NDArray[np.float64]


def deepest_rank(n: int) -> int:
    """The last rank after which a break is looked for in a list of n."""
    return min(n // 2, DEEPEST)


def scores_needed(n: int) -> int:
    """How many of the first scores of a list of n `least_probable_gap` looks at."""
    return min(n, deepest_rank(n) + _reach(n) + 1)


def least_probable_gap(descending: NDArray[np.float64], n: int) -> Gaps:
    """Find the least probable gap of each ranking.

    Args:
        descending: One ranking per row, best first; at least the first `scores_needed(n)` of its n scores.
        n: How many scores the whole ranking has, at least 3.

    Returns:
        Ranks and surprises. Where all scores are equal the surprise is 0 after rank 1.
    """
    ranks = np.arange(1, min(deepest_rank(n), n - 2) + 1)
    following = np.minimum(_reach(n), n - 1 - ranks)
    spacings = -np.diff(descending, axis=1) * np.arange(1, descending.shape[1])
    sums = np.cumsum(spacings, axis=1)
    last = len(ranks)
    means = (sums.take(ranks + following - 1, axis=1) - sums[:, :last]) / following
    surprise = _minus_log_p(spacings[:, :last], means, following)
    best = surprise.argmax(axis=1)
    return Gaps(ranks[best], surprise[np.arange(len(surprise)), best])


def _minus_log_p(
    spacing: NDArray[np.float64], mean: NDArray[np.float64], following: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Minus log P(F >= spacing / mean), F with 2 and 2·following degrees of freedom: (1 + F/m)^-m."""
    ratio = spacing / np.maximum(mean, 1e-300)  # where all that follow are equal, as good as infinite
    return np.asarray(following * np.log1p(ratio / following))


def one_mode_p(surprise: float, n: int) -> float:
    """The chance that a list of n scores from one smooth mode has a gap as improbable as this one.

    Returns:
        1e-16 to 1: what is less can't be told from rounding.
    """
    sizes = np.log(list(EFFECTIVE_GAPS))
    gaps = float(np.exp(np.interp(np.log(n), sizes, np.log(list(EFFECTIVE_GAPS.values())))))
    return float(np.clip(gaps * np.exp(-surprise), _LEAST_P, 1.0))


def _reach(n: int) -> int:
    return int(np.clip(n // 2, _FEWEST, _MOST))
