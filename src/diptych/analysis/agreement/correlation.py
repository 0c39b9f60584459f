"""Rank correlation of two whole rankings: Kendall's τ-b, and AP correlation, in which the top counts most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.order import best_first, ranks
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


_DIRECTLY = 64
"""Values that differ in their last six bits alone are compared with one another directly."""


def correlations(
    scores_a: NDArray[np.floating],
    scores_b: NDArray[np.floating],
    rank_a: NDArray[np.intp],
    rank_b: NDArray[np.intp],
) -> tuple[float | None, float]:
    """Kendall's τ-b and AP correlation of two rankings: both come from the same count of pairs.

    Args:
        scores_a: One score per image, shape (n,), n > 1, finite.
        scores_b: The same images' other scores.
        rank_a: The rank of each image by the first scores, 1 to n, shape (n,); equal ones in row order.
        rank_b: The same by the other scores.

    Returns:
        As `kendall_tau_b` and `tau_ap`.
    """
    above_both = _above_both(rank_a, rank_b)
    opposite = _pairs(len(rank_a)) - int(above_both.sum(dtype=np.int64))
    return _tau_b(scores_a, scores_b, rank_a, rank_b, opposite), _tau_ap(rank_a, rank_b, above_both)


def kendall_tau_b(scores_a: NDArray[np.floating], scores_b: NDArray[np.floating]) -> float | None:
    """Kendall's τ-b of the scores: equal scores count as such, not as the order that they are shown in.

    Args:
        scores_a: One score per image, shape (n,), finite.
        scores_b: The same images' other scores.

    Returns:
        -1 to 1, or None where it is undefined: one side's scores are all equal.
    """
    # scipy.stats has it too, but importing that takes longer than a whole comparison.
    if len(scores_a) < 2:
        return None
    rank_a, rank_b = (ranks(best_first(scores)) for scores in (scores_a, scores_b))
    return correlations(scores_a, scores_b, rank_a, rank_b)[0]


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
    return _tau_ap(rank_a, rank_b, _above_both(rank_a, rank_b))


def _above_both(rank_a: NDArray[np.intp], rank_b: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many images both rankings have above each, C, in the order of the first; the same either way."""
    return _smaller_before(_reordered(rank_b, rank_a) - 1)


def _reordered(values: NDArray[np.intp], rank: NDArray[np.intp]) -> NDArray[np.intp]:
    """Values of images in the order of their ranks."""
    found = np.empty_like(values)
    found[rank - 1] = values
    return found


def _tau_ap(rank_a: NDArray[np.intp], rank_b: NDArray[np.intp], above_both: NDArray[np.intp]) -> float:
    n = len(rank_a)
    above_a, above_b = np.arange(n), _reordered(rank_b, rank_a) - 1
    share_a = above_both / np.maximum(above_a, 1)
    share_b = above_both / np.maximum(above_b, 1)
    return float((share_a.sum() + share_b.sum()) / (n - 1) - 1)


def _tau_b(
    scores_a: NDArray[np.floating],
    scores_b: NDArray[np.floating],
    rank_a: NDArray[np.intp],
    rank_b: NDArray[np.intp],
    opposite: int,
) -> float | None:
    """τ-b from how many pairs are shown in opposite order, less those of them that are tied on a side."""
    pairs = _pairs(len(scores_a))
    tied_a, tied_both, only_shown_a = _ties(scores_a, scores_b, rank_a, rank_b)
    tied_b, _, only_shown_b = _ties(scores_b, scores_a, rank_b, rank_a)
    if tied_a == pairs or tied_b == pairs:
        return None
    opposite -= only_shown_a + only_shown_b
    same_less_opposite = pairs - tied_a - tied_b + tied_both - 2 * opposite
    return float(same_less_opposite / np.sqrt(pairs - tied_a) / np.sqrt(pairs - tied_b))


def _ties(
    scores: NDArray[np.floating],
    others: NDArray[np.floating],
    rank: NDArray[np.intp],
    other_rank: NDArray[np.intp],
) -> tuple[int, int, int]:
    """How many pairs are tied; how many of these on the other side too; how many the other side turns round.

    Two images that are tied on both sides stand in row order on both: the other side turns none of them.
    """
    order = _reordered(np.arange(len(rank)), rank)
    shown = scores[order]
    as_before = shown[1:] == shown[:-1]
    is_tied = np.append(as_before, False) | np.append(False, as_before)
    rows = order[is_tied]  # usually few
    if not len(rows):
        return 0, 0, 0
    run = np.cumsum(~np.append(False, as_before))[is_tied]
    by_other = np.lexsort((other_rank[rows], run))
    place = np.empty(len(rows), np.intp)
    place[by_other] = np.arange(len(rows))
    new, others = np.diff(run) != 0, others[rows[by_other]]
    turned = _pairs(len(rows)) - int(_smaller_before(place).sum(dtype=np.int64))
    return _pairs_within(new), _pairs_within(new | (others[1:] != others[:-1])), turned


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _pairs_within(new: NDArray[np.bool_]) -> int:
    """How many pairs lie within one run, given for each value but the first whether a run begins there."""
    ends = np.flatnonzero(np.concatenate([[True], new, [True]]))
    lengths = np.diff(ends)
    return int((lengths * (lengths - 1) // 2).sum())


def _smaller_before(values: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each of a permutation's values (0 to n - 1), how many smaller ones stand before it; O(n log n).

    The values are sorted by one bit after another, the highest first, and otherwise stay in their order. Of
    two values, the first bit in which they differ says which is smaller: so each value with that bit counts
    the ones without it that stand before it in its group, which is those with the same higher bits. Behind
    the n values stand as many more as make all groups full; they come before none of the n.
    """
    n = len(values)
    bits, last = max(n - 1, _DIRECTLY - 1).bit_length(), (_DIRECTLY - 1).bit_length()
    now = np.arange(1 << bits, dtype=np.int32)
    now[:n] = values
    counts = np.zeros_like(now)
    of_either = np.arange(len(now) // 2)
    for bit in reversed(range(last, bits)):
        half = 1 << bit
        is_high = (now & half) != 0
        low, high = (np.flatnonzero(mask).reshape(-1, half) for mask in (~is_high, is_high))
        # Before the k-th high value of a group stand k high ones; the others there are low.
        lows_before = high - of_either.reshape(-1, half) - half * np.arange(len(high))[:, None]
        more = counts[high] + lows_before.astype(np.int32)
        counts = np.stack([counts[low], more], axis=1).ravel()
        now = np.stack([now[low], now[high]], axis=1).ravel()
    counts += _smaller_before_in_group((now % _DIRECTLY).astype(np.uint8))
    by_value = np.empty_like(counts)
    by_value[now] = counts
    return by_value[values].astype(np.intp)


def _smaller_before_in_group(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same within each `_DIRECTLY` values: every one is compared with all before it."""
    groups = np.ascontiguousarray(values.reshape(-1, _DIRECTLY).T)
    counts = np.zeros_like(groups)
    for back in range(1, _DIRECTLY):
        counts[back:] += groups[:-back] < groups[back:]
    return counts.T.ravel()
