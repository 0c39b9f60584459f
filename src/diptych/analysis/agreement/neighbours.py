"""Shared neighbourhoods: whether two spaces hold the same images alike, without any query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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

_ROWS_AT_ONCE = 2048
"""Of images whose similarities with all anchors are there at once: 8 MB for 1,000 anchors."""

_GROUP = 64
"""How many similarities are looked at by their highest alone, before it is known which ones matter."""


class UnitRows(Protocol):
    """Unit rows of which some can be read at a time: a matrix, or some rows of one that nobody copied."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102

    def __len__(self) -> int: ...

    def __getitem__(self, where: slice | NDArray[np.intp], /) -> NDArray[np.float32]: ...


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
    units_a: UnitRows, units_b: UnitRows, anchors: NDArray[np.intp], k: int
) -> NDArray[np.intp]:
    """Count how many of each anchor's k nearest images, itself left out, are the same in both spaces.

    Args:
        units_a: Unit rows, shape (n, dimension of a).
        units_b: The same images' unit rows in the other space, shape (n, dimension of b).
        anchors: The rows whose neighbours are looked for, among all rows; ascending, shape (m,).
        k: How many neighbours, below n. Where several are equally near to be the last, any of them is taken.

    Returns:
        Shape (m,), 0 to k.
    """
    of_a, of_b = _nearest(units_a, anchors, k), _nearest(units_b, anchors, k)
    return np.asarray((of_a[:, :, None] == of_b[:, None, :]).sum(axis=(1, 2)))


def _nearest(units: UnitRows, anchors: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """The k nearest rows of each anchor, in no order; shape (m, k).

    Each block of images is read once, for all anchors. The highest similarities of groups of images are those
    of different images: what is below the k-th highest of them is out.
    """
    if len(units) <= _ROWS_AT_ONCE:
        return _nearest_of_few(units, anchors, k)
    of_anchors = units[anchors].T
    highest = np.full((k, len(anchors)), -np.inf, np.float32)
    kept: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]] = []
    for start in range(0, len(units), _ROWS_AT_ONCE):
        similarity = units[start : start + _ROWS_AT_ONCE] @ of_anchors
        first, end = np.searchsorted(anchors, (start, start + len(similarity)))
        similarity[anchors[first:end] - start, np.arange(first, end)] = -np.inf
        size = _GROUP if len(similarity) >= _GROUP * k else 1
        groups = similarity[: len(similarity) // size * size].reshape(-1, size, len(anchors)).max(axis=1)
        highest = np.partition(np.concatenate([highest, groups]), -k, axis=0)[-k:]
        at = np.flatnonzero(similarity >= highest[0])
        rows, asked = np.divmod(at, len(anchors))
        kept.append((asked, rows + start, similarity.ravel()[at]))
    asked, rows, values = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    order = np.lexsort((-values, asked))
    first_of_each = np.searchsorted(asked[order], np.arange(len(anchors)))
    return np.asarray(rows[order[first_of_each[:, None] + np.arange(k)]])


def _nearest_of_few(units: UnitRows, anchors: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """The same where all similarities fit into the cache."""
    similarity = units[anchors] @ units[:].T
    similarity[np.arange(len(anchors)), anchors] = -np.inf
    return np.argpartition(similarity, -k, axis=1)[:, -k:]


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
