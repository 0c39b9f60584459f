"""Rank correlation of two whole rankings: Kendall's τ-b, and AP correlation, in which the top counts most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

KENDALL_TAU_B = Concept(
    name="Kendall's τ-b",
    reading="1: every two images stand in the same order in both; 0: as many pairs in the opposite order as"
    " in the same; the images far down, which nobody looks at, count as much as the first",
    range="-1–1",
    unit_free=True,
    source="M. G. Kendall, The treatment of ties in ranking problems, Biometrika 33(3), 1945",
)

TAU_AP = Concept(
    name="AP correlation",
    reading="As Kendall's τ, but differences at the top count most: 1 is the same order, 0 what chance gives",
    range="-1–1",
    unit_free=True,
    source="E. Yilmaz, J. A. Aslam, S. Robertson, A new rank correlation coefficient for information"
    " retrieval, SIGIR 2008; the symmetric form, the mean of both directions",
)


def kendall_tau_b(scores_a: NDArray[np.floating], scores_b: NDArray[np.floating]) -> float | None:
    """Kendall's τ-b of the scores: equal scores count as such, not as the order that they are shown in.

    Args:
        scores_a: One score per image, shape (n,), finite.
        scores_b: The same images' other scores.

    Returns:
        -1 to 1, or None where it is undefined: one side's scores are all equal.
    """
    # scipy.stats has it too, but importing that takes longer than a whole comparison.
    n = len(scores_a)
    order = np.lexsort((scores_b, scores_a))
    a, b = scores_a[order], scores_b[order]
    new_a, new_b = np.diff(a) != 0, np.diff(b) != 0
    pairs = n * (n - 1) // 2
    tied_a, tied_b = _pairs_within(new_a), _pairs_within(np.diff(np.sort(b)) != 0)
    if tied_a == pairs or tied_b == pairs:
        return None
    place = np.empty(
        n, np.intp
    )  # of b; equal ones in the order in which they stand, which is not an inversion
    place[np.argsort(b, kind="stable")] = np.arange(n)
    opposite = pairs - int(_smaller_before(place).sum())
    same_less_opposite = pairs - tied_a - tied_b + _pairs_within(new_a | new_b) - 2 * opposite
    return float(same_less_opposite / np.sqrt(pairs - tied_a) / np.sqrt(pairs - tied_b))


def _pairs_within(new: NDArray[np.bool_]) -> int:
    """How many pairs lie within one run, given for each value but the first whether a run begins there."""
    ends = np.flatnonzero(np.concatenate([[True], new, [True]]))
    lengths = np.diff(ends)
    return int((lengths * (lengths - 1) // 2).sum())


def tau_ap(rank_a: NDArray[np.intp], rank_b: NDArray[np.intp]) -> float:
    """AP correlation of two rankings without ties, symmetric: neither is the truth.

    One direction is 2/(n - 1) Σ_{i=2..n} C(i)/(i - 1) - 1, where C(i) counts the images above the one at rank
    i that the other ranking has above it too (Yilmaz et al. 2008). It is the chance that, for a random image
    below the first, a random one above it is above it in the other ranking too, put on the scale -1 to 1.

    Args:
        rank_a: The rank of each image, 1 to n, shape (n,), n > 1; equal scores rank as they are shown.
        rank_b: The same in the other ranking.

    Returns:
        -1 (reversed) to 1 (the same order); 0 on average for unrelated rankings.
    """
    n = len(rank_a)
    above_a = np.arange(n)
    above_b = np.empty(n, np.intp)  # from here on images stand in the order of a
    above_b[rank_a - 1] = rank_b - 1
    above_both = _smaller_before(above_b)  # C, the same in either direction
    share_a = above_both / np.maximum(above_a, 1)
    share_b = above_both / np.maximum(above_b, 1)
    return float((share_a.sum() + share_b.sum()) / (n - 1) - 1)


def _smaller_before(values: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each of a permutation's values (0 to n - 1), how many smaller ones stand before it; O(n log n).

    The values are sorted by one bit after another, the highest first, and otherwise stay in their order. Of
    two values, the first bit in which they differ says which is smaller: so each value with that bit counts
    the ones without it that stand before it in its group, which is those with the same higher bits.
    """
    n = len(values)
    integer = np.dtype(np.int32 if n < 2**31 else np.int64)
    counts = np.zeros(n, integer)  # by value
    at = np.arange(n, dtype=integer)
    now: NDArray[np.signedinteger] = values.astype(integer)
    for bit in reversed(range((n - 1).bit_length())):
        is_high = (now >> bit & 1).astype(bool)
        group = now >> (bit + 1) << (bit + 1)  # the smallest value of its group, so also where this begins
        lows = np.zeros(n + 1, integer)
        np.cumsum(~is_high, out=lows[1:])
        lows_before = lows[at] - lows[group]
        counts[now[is_high]] += lows_before[is_high]
        place = np.where(is_high, at - lows_before + (1 << bit), group + lows_before)
        following = np.empty_like(now)
        following[place] = now
        now = following
    return counts[values].astype(np.intp)
