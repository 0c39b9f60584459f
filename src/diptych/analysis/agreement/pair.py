"""Everything that is said of how two embedders agree: per query, and over the collection.

None of it says which is better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.agreement.cka import CKA, linear_cka
from diptych.analysis.agreement.correlation import KENDALL_TAU_B, TAU_AP, correlations
from diptych.analysis.agreement.disputes import Dispute, disputes
from diptych.analysis.agreement.neighbours import (
    MUTUAL_KNN,
    MUTUAL_KNN_BY_CHANCE,
    DisputedNeighbourhood,
    UnitRows,
    most_disputed,
    shared_neighbours,
)
from diptych.analysis.agreement.overlap import (
    OVERLAP,
    OVERLAP_ABOVE_CHANCE,
    OVERLAP_BY_CHANCE,
    overlap,
    overlap_above_chance,
    overlap_by_chance,
)
from diptych.analysis.agreement.rbo import RBO, RBO_BY_CHANCE, rbo, rbo_by_chance, shared_at_depths
from diptych.concept import measured

MOST_ANCHORS = 1000
"""Of a larger collection, this many images, evenly spaced over it, stand for all when spaces are compared."""

_FEWEST_ANCHORS, _MOST_SIMILARITIES = 200, 10**8
"""Of more than 100,000 images fewer stand for all, so that no more similarities than these are needed in one
space; the mean over 200 has a standard error of about 0.014, over 1,000 of 0.006."""

_ROWS_AT_ONCE = 2**10
"""They stay in the processor's cache."""

MOST_DISPUTED = 10
"""How many disputed neighbourhoods are listed."""


@dataclass(frozen=True, kw_only=True)
class RankAgreement:
    """How far two rankings of the same images for one query agree.

    Where one side scores all images the same it ranks nothing (their order is that of their names), so no
    figure is defined and no image is disputed; neither is any for a single image.

    Attributes:
        k: How deep the overlap and the disputes look: as asked, or all images where they are fewer.
        rbo: Extrapolated rank-biased overlap, p = 0.9.
        rbo_by_chance: What unrelated rankings of as many images reach.
        overlap_at_k: How many images both have among their first k.
        overlap_by_chance: How many unrelated rankings would.
        overlap_above_chance: The overlap with chance at 0 and all at 1; None where k is all images.
        kendall_tau_b: Kendall's τ-b of all scores.
        tau_ap: Symmetric AP correlation of the whole rankings.
    """

    k: int
    rbo: float | None = measured(RBO)
    rbo_by_chance: float | None = measured(RBO_BY_CHANCE)
    overlap_at_k: int | None = measured(OVERLAP)
    overlap_by_chance: float | None = measured(OVERLAP_BY_CHANCE)
    overlap_above_chance: float | None = measured(OVERLAP_ABOVE_CHANCE)
    kendall_tau_b: float | None = measured(KENDALL_TAU_B)
    tau_ap: float | None = measured(TAU_AP)


@dataclass(frozen=True, kw_only=True)
class SpaceAgreement:
    """How far two spaces hold the same images alike.

    A space in which all images are the same has no neighbourhoods: then no figure is defined.

    Attributes:
        anchors: From how many images the figures are: all, or a sample evenly spaced over the rows. Their
            neighbours are looked for among all images; CKA is over the anchors alone.
        k: The size of a neighbourhood: as asked, or half of the others where images are few, since two
            neighbourhoods of nearly all images could not differ.
        mutual_knn: The share of neighbours that both spaces have in common.
        mutual_knn_by_chance: The share that unrelated spaces would.
        cka: Linear CKA with the unbiased HSIC; None also for fewer than 4 images.
    """

    anchors: int
    k: int
    mutual_knn: float | None = measured(MUTUAL_KNN)
    mutual_knn_by_chance: float | None = measured(MUTUAL_KNN_BY_CHANCE)
    cka: float | None = measured(CKA)


def rank_agreement(
    scores_a: NDArray[np.floating],
    scores_b: NDArray[np.floating],
    order_a: NDArray[np.intp],
    order_b: NDArray[np.intp],
    k: int = 10,
) -> tuple[RankAgreement, tuple[Dispute, ...]]:
    """Compare two rankings of the same images.

    Args:
        scores_a: One score per image, in row order, shape (n,).
        scores_b: The same images' scores from the other embedder.
        order_a: All row numbers, the best first, equal scores in row order; shape (n,).
        order_b: The same for the other.
        k: How deep a reader looks, above 0.

    Returns:
        The figures, and the images of either's first k at different ranks, the most disputed first.

    Raises:
        ValueError: The arrays don't belong together, a score is not finite, or k is below 1.
    """
    _check(scores_a, scores_b, k)
    n = len(scores_a)
    rank_a, rank_b = _ranks(order_a, n), _ranks(order_b, n)
    k = min(k, n)
    if _all_the_same(scores_a) or _all_the_same(scores_b):
        nothing = RankAgreement(
            k=k,
            rbo=None,
            rbo_by_chance=None,
            overlap_at_k=None,
            overlap_by_chance=None,
            overlap_above_chance=None,
            kendall_tau_b=None,
            tau_ap=None,
        )
        return nothing, ()
    shared = overlap(rank_a, rank_b, k)
    kendall_tau_b, tau_ap = correlations(scores_a, scores_b, rank_a, rank_b)
    figures = RankAgreement(
        k=k,
        rbo=rbo(shared_at_depths(rank_a, rank_b)),
        rbo_by_chance=rbo_by_chance(n),
        overlap_at_k=shared,
        overlap_by_chance=overlap_by_chance(k, n),
        overlap_above_chance=overlap_above_chance(shared, k, n),
        kendall_tau_b=kendall_tau_b,
        tau_ap=tau_ap,
    )
    return figures, disputes(rank_a, rank_b, k)


def space_agreement(
    units_a: UnitRows, units_b: UnitRows, k: int = 10
) -> tuple[SpaceAgreement, tuple[DisputedNeighbourhood, ...]]:
    """Compare two spaces by what is near to what in them.

    Args:
        units_a: Unit rows, shape (n, dimension of a).
        units_b: The same images' unit rows in the other space, shape (n, dimension of b).
        k: How many neighbours an image has, above 0.

    Returns:
        The figures, and the anchors whose neighbourhoods share least, at most 10.

    Raises:
        ValueError: Not the same number of rows, a vector is not finite, or k is below 1.
    """
    _check(units_a, units_b, k)
    n = len(units_a)
    k = min(k, (n - 1) // 2)
    sample = min(n, MOST_ANCHORS, max(_FEWEST_ANCHORS, _MOST_SIMILARITIES // max(n, 1)))
    if k < 1 or _all_the_same(units_a) or _all_the_same(units_b):
        nothing = SpaceAgreement(
            anchors=sample, k=max(k, 0), mutual_knn=None, mutual_knn_by_chance=None, cka=None
        )
        return nothing, ()
    anchors = np.arange(sample) * n // sample
    shared = shared_neighbours(units_a, units_b, anchors, k)
    figures = SpaceAgreement(
        anchors=sample,
        k=k,
        mutual_knn=float(shared.mean() / k),
        mutual_knn_by_chance=k / (n - 1),
        cka=linear_cka(units_a[anchors], units_b[anchors]),
    )
    return figures, most_disputed(shared, anchors, k, MOST_DISPUTED)


def _ranks(order: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """The rank of each row, 1 to n."""
    found = np.zeros(n, np.intp)
    if order.shape == (n,) and n > 0 and order.min() >= 0 and order.max() < n:
        found[order] = np.arange(1, n + 1)
    if not found.all():
        raise ValueError(f"an order must hold each of the rows 0 to {n - 1} once")
    return found


def _check(a: UnitRows | NDArray[np.floating], b: UnitRows | NDArray[np.floating], k: int) -> None:
    if len(a) != len(b):
        raise ValueError(f"{len(a)} images on one side, {len(b)} on the other")
    if not all(
        np.isfinite(end) for side in (a, b) for rows in _blocks(side) for end in (rows.min(), rows.max())
    ):
        raise ValueError("every number must be finite")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")


def _all_the_same(side: UnitRows | NDArray[np.floating]) -> bool:
    """Whether there is nothing to tell one image from another by; true for one image and for none."""
    return all((rows == side[:1]).all() for rows in _blocks(side))


def _blocks(side: UnitRows | NDArray[np.floating]) -> Iterator[NDArray[np.floating]]:
    """All rows, some at a time."""
    for start in range(0, len(side), _ROWS_AT_ONCE):
        yield side[start : start + _ROWS_AT_ONCE]
