"""Shared neighbourhoods: whether two spaces hold the same images alike, without any query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured

MUTUAL_KNN = Concept(
    name="mutual k-nearest neighbours",
    reading="Which share of an image's k nearest images is the same in both spaces, on average: 1 is all of"
    " them; no agreement is its chance value, not 0",
    range="0–1",
    unit_free=True,
    source="M. Huh, B. Cheung, T. Wang, P. Isola, The platonic representation hypothesis, ICML 2024",
)

MUTUAL_KNN_BY_CHANCE = Concept(
    name="mutual k-nearest neighbours by chance",
    reading="Which share two unrelated spaces of as many images would have in common, on average",
    range="0–1",
    unit_free=True,
    source="k/(n - 1), the mean of the hypergeometric distribution over k",
)

UNSHARED = Concept(
    name="unshared neighbourhood",
    reading="How little an image's k nearest images are the same in both spaces: 0 is all, 1 is none",
    range="0–1",
    unit_free=True,
    source="1 - Jaccard index, as in A. Boggust, B. Carter, A. Satyanarayan, Embedding comparator, IUI 2022",
)

_ANCHORS_AT_ONCE = 64
_GROUP = 256
"""How many similarities are looked at by their highest alone, before it is known which ones matter."""


@dataclass(frozen=True, kw_only=True)
class DisputedNeighbourhood:
    """An image that two spaces hold alike with different images.

    Attributes:
        row: The image's row number.
        unshared: How little of its neighbourhoods is shared.
    """

    row: int
    unshared: float = measured(UNSHARED)


def shared_neighbours(
    units_a: NDArray[np.float32], units_b: NDArray[np.float32], anchors: NDArray[np.intp], k: int
) -> NDArray[np.intp]:
    """Count how many of each anchor's k nearest images, itself left out, are the same in both spaces.

    Args:
        units_a: Unit rows, shape (n, dimension of a).
        units_b: The same images' unit rows in the other space, shape (n, dimension of b).
        anchors: The rows whose neighbours are looked for, among all rows; shape (m,).
        k: How many neighbours, below n. Where several are equally near to be the last, any of them is taken.

    Returns:
        Shape (m,), 0 to k.
    """
    shared = [
        (_nearest(units_a, some, k)[:, :, None] == _nearest(units_b, some, k)[:, None, :]).sum(axis=(1, 2))
        for some in np.split(anchors, range(_ANCHORS_AT_ONCE, len(anchors), _ANCHORS_AT_ONCE))
    ]
    return np.concatenate(shared)


def _nearest(units: NDArray[np.float32], anchors: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """The k nearest rows of each anchor, in no order; shape (m, k)."""
    similarity = units[anchors] @ units.T
    similarity[np.arange(len(anchors)), anchors] = -np.inf
    groups = similarity.shape[1] // _GROUP
    if groups <= k:
        return np.argpartition(similarity, -k, axis=1)[:, -k:]
    # The k highest of groups are similarities of k images: what is below the lowest of them is out.
    highest = similarity[:, : groups * _GROUP].reshape(-1, groups, _GROUP).max(axis=2)
    bars = np.partition(highest, -k, axis=1)[:, -k]
    return np.stack(
        [_highest(row, np.flatnonzero(row >= bar), k) for row, bar in zip(similarity, bars, strict=True)]
    )


def _highest(values: NDArray[np.float32], among: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Where the k highest of some of the values are, in no order."""
    return among[np.argpartition(values[among], -k)[-k:]]


def most_disputed(
    shared: NDArray[np.intp], anchors: NDArray[np.intp], k: int, most: int
) -> tuple[DisputedNeighbourhood, ...]:
    """List the anchors whose neighbourhoods share least.

    Args:
        shared: How many of each anchor's k neighbours are the same in both spaces, shape (m,).
        anchors: Their rows, ascending, shape (m,).
        k: The size of a neighbourhood.
        most: How many to list.

    Returns:
        The least shared first, equal ones by row; none that is wholly shared.
    """
    unshared = 1 - shared / (2 * k - shared)
    return tuple(
        DisputedNeighbourhood(row=int(anchors[at]), unshared=float(unshared[at]))
        for at in np.argsort(-unshared, kind="stable")[:most]
        if unshared[at] > 0
    )
