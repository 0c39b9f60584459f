"""Rank-biased overlap: how much two rankings share, averaged over all depths, the first counting most."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

PERSISTENCE = 0.9
"""Webber's p: how likely a reader reads on after each rank. At 0.9 the first 10 ranks weigh 86 %."""

_DEEPEST = 2**13
"""At p = 0.9 deeper ranks weigh less than the smallest number that there is."""

RBO = Concept(
    name="rank-biased overlap (p = 0.9)",
    reading="How much of the top the two share, the first 10 ranks having 86 % of the weight: 1 is the same"
    " order; no agreement is its chance value, not 0",
    range="0–1",
    unit_free=True,
    source="W. Webber, A. Moffat, J. Zobel, A similarity measure for indefinite rankings, ACM TOIS 28(4),"
    " 2010, eq. 32",
)

RBO_BY_CHANCE = Concept(
    name="rank-biased overlap by chance",
    reading="What two unrelated rankings of as many images reach on average: high where there are few images",
    range="0–1",
    unit_free=True,
    source="Webber et al. 2010, eq. 32, with d²/n images shared at depth d, the mean for random orders",
)


def shared_at_depths(rank_a: NDArray[np.intp], rank_b: NDArray[np.intp]) -> NDArray[np.intp]:
    """Count the images that are among the first d of both rankings, for every depth d (Webber's X_d).

    Args:
        rank_a: The rank of each image, 1 to n, shape (n,).
        rank_b: The same in the other ranking.

    Returns:
        Shape (n,), for d = 1 to n; the last is n.
    """
    met_at = np.maximum(rank_a, rank_b)
    return np.cumsum(np.bincount(met_at, minlength=len(met_at) + 1)[1:])


def rbo(shared: NDArray[np.number], p: float = PERSISTENCE) -> float:
    """Extrapolated rank-biased overlap, of two rankings seen to the same depth.

    RBO = (X_k / k) p^k + (1 - p)/p Σ_{d=1..k} (X_d / d) p^d, which is eq. 32 of Webber et al. (2010) for
    lists of equal length: beyond what was seen, the agreement stays what it was at the end.

    Args:
        shared: How many images both have among their first d, X_d, for d = 1 to k, shape (k,), k > 0.
        p: Persistence, above 0 and below 1.

    Returns:
        0 (nothing shared) to 1 (the same order).
    """
    depths, weights = _weights(min(len(shared), _DEEPEST), p)
    beyond = shared[-1] / len(shared) * p ** len(shared)
    return float(min(1.0, beyond + (1 - p) / p * (shared[: len(depths)] / depths @ weights)))


@lru_cache(maxsize=4)
def _weights(n: int, p: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The depths 1 to n, and what each weighs."""
    depths = np.arange(1, n + 1)
    return depths, np.asarray(p**depths, np.float64)


@lru_cache(maxsize=64)
def rbo_by_chance(n: int, p: float = PERSISTENCE) -> float:
    """The mean of `rbo` over two independent random orders of n images, n > 0: 0.1 for 100, 0.75 for 7."""
    return rbo(np.arange(1, n + 1) ** 2 / n, p)
