"""Exact top k: a matrix of images and a matrix of queries in, one `Ranking` a query out.

A score is the cosine similarity in float32. Rows must come in the order in which ties are to be broken (the
pictures' names): equal scores keep it.

One matrix product, done in blocks, finds the few images that may be among the first k; no score is kept that
can't matter. But in one product two equal rows may differ in the last bit, which would order ties by chance.
So those few are scored again, in double precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from diptych.embedders.base import Vectors

_QUERIES_AT_ONCE = 128
_SCORES_AT_ONCE = 2**20
"""How many rough scores are there at once, and how many candidates: 4 MB stay in the processor's cache."""

_GROUPS = 8
"""A block's images are taken in so many groups for each hit, so that few of the best share one."""

_ROWS_AT_ONCE = 512
"""Of vectors in double precision: 3 MB for 768 dimensions, which stay in the processor's cache."""


_GATHERED = 2**13
"""Rows of a subset that are copied at once."""


class Subset:
    """Some rows of a matrix as if they were one, without a copy: rows are copied a few at a time when used.

    Args:
        matrix: Shape (n, dimension).
        rows: Which rows, ascending; shape (m,).
    """

    def __init__(self, matrix: Vectors, rows: NDArray[np.intp]) -> None:
        self._matrix, self._rows = matrix, rows
        self.shape = (len(rows), matrix.shape[1])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, where: slice | NDArray[np.intp]) -> Vectors:
        return self._matrix[self._rows[where]]


Matrix: TypeAlias = Vectors | Subset
"""Vectors of images, one per row, in the order in which ties are broken."""


@dataclass(frozen=True)
class Ranking:
    """The best images for one query.

    Attributes:
        rows: Row numbers into the matrix of images, best first; shape (k,).
        scores: Their cosine similarities, -1 to 1, float32; shape (k,).
        flat: Whether all images, beyond the first k too, score exactly the same.
    """

    rows: NDArray[np.intp]
    scores: NDArray[np.float32]
    flat: bool


def normalise(vectors: Vectors, out: Vectors | None = None) -> Vectors:
    """Scale rows to unit length; a row of zeros stays so, and scores 0 with everything.

    Args:
        vectors: Shape (n, dimension), finite.
        out: Where to put the result, which may be `vectors` itself; a new matrix by default.

    Returns:
        Shape (n, dimension), float32.
    """
    units = np.empty(vectors.shape, np.float32) if out is None else out
    for rows in _slices(len(vectors), _ROWS_AT_ONCE):  # in double precision, but never all of it at once
        block = vectors[rows].astype(np.float64)
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        units[rows] = block / np.where(lengths == 0, 1, lengths)
    return units


def search(images: Matrix, queries: Vectors, k: int) -> list[Ranking]:
    """Rank the images for each query.

    Args:
        images: Unit rows, shape (n, dimension), in the order in which ties are broken.
        queries: Unit rows, shape (m, dimension).
        k: How many images to return, at most n.

    Returns:
        One ranking for each query, each with min(k, n) images.
    """
    rankings: list[Ranking] = []
    for some in _slices(len(queries), _QUERIES_AT_ONCE):
        best = [_Best(query, min(k, len(images))) for query in queries[some]]
        for asked, rows in _candidates(images, queries[some], max(1, min(k, len(images)))):
            bounds = np.searchsorted(asked, np.arange(1, len(best)))
            for of_query, mine in zip(best, np.split(rows, bounds), strict=True):
                of_query.look_at(images, mine)
        rankings += [of_query.ranking(len(images)) for of_query in best]
    return rankings


def score_all(images: Matrix, queries: Vectors) -> NDArray[np.float32]:
    """The scores of all images, exactly those that `search` gives the first ones.

    Args:
        images: Unit rows, shape (n, dimension).
        queries: Unit rows, shape (m, dimension).

    Returns:
        Cosine similarities, shape (m, n), float32.
    """
    scores = np.empty((len(queries), len(images)), np.float32)
    exact = queries.astype(np.float64)
    for rows in _slices(len(images), _ROWS_AT_ONCE):
        scores[:, rows] = exact @ images[rows].astype(np.float64).T
    return scores


def rank(scores: NDArray[np.float32], order: NDArray[np.integer], k: int) -> Ranking:
    """The best images by the scores of all; the ranking that `search` gives.

    Args:
        scores: Shape (n,), in the order in which ties are broken.
        order: All rows, best first; shape (n,).
        k: How many images to return, at most n.
    """
    best = order[:k].astype(np.intp)
    flat = len(scores) > 1 and scores[order[0]] == scores[order[-1]]
    return Ranking(best, scores[best], flat=bool(flat))


class _Best:
    """The first k images for one query, of those that were looked at so far."""

    def __init__(self, query: NDArray[np.float32], k: int) -> None:
        self._query = query.astype(np.float64)
        self._k = k
        self._rows = np.empty(0, np.intp)
        self._scores = np.empty(0, np.float32)
        self._seen = 0
        self._lowest, self._highest = np.inf, -np.inf

    def look_at(self, images: Matrix, rows: NDArray[np.intp]) -> None:
        """Take in more images, ascending and all further down than those before."""
        for some in _slices(len(rows), _ROWS_AT_ONCE):
            scores = (images[rows[some]].astype(np.float64) @ self._query).astype(np.float32)
            self._seen += len(scores)
            self._lowest = min(self._lowest, scores.min())
            self._highest = max(self._highest, scores.max())
            self._scores = np.concatenate([self._scores, scores])
            self._rows = np.concatenate([self._rows, rows[some]])
            first = np.argsort(-self._scores, kind="stable")[: self._k]
            self._rows, self._scores = self._rows[first], self._scores[first]

    def ranking(self, n: int) -> Ranking:
        """The first k of n images; where all score the same, all were looked at."""
        flat = n > 1 and self._seen == n and self._lowest == self._highest
        return Ranking(self._rows, self._scores, flat=bool(flat))


def _candidates(
    images: Matrix, queries: Vectors, k: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Which images may be among the first k: pairs of a query and a row, both ascending, some at a time.

    The best scores of groups of images are scores of different images. So the lowest of the k highest of them
    is a bar that k images reach, and what stays below it by more than rounding is out.
    """
    rounding = images.shape[1] * np.finfo(np.float32).eps  # twice what a product of unit vectors can be off
    m = len(queries)
    at_once = max(_SCORES_AT_ONCE // m, _GROUPS * k)
    if isinstance(images, Subset):
        at_once = max(min(at_once, _GATHERED), _GROUPS * k)
    size = max(1, min(at_once, len(images)) // (_GROUPS * k))
    highest = np.full((k, m), -np.inf, np.float32)
    kept: list[tuple[NDArray[np.intp], NDArray[np.float32]]] = []
    for rows in _slices(len(images), at_once):
        scores = images[rows] @ queries.T
        groups = scores[: len(scores) // size * size].reshape(-1, size, m).max(axis=1)
        highest = np.partition(np.concatenate([highest, groups]), -k, axis=0)[-k:]
        found = np.flatnonzero(scores >= highest[0] - rounding)
        kept.append((found + rows.start * m, scores.ravel()[found]))
        if sum(len(pairs) for pairs, _ in kept) > _SCORES_AT_ONCE:  # many tie
            yield _settled(kept, highest[0] - rounding)
            kept = []
    if kept:
        yield _settled(kept, highest[0] - rounding)


def _settled(
    kept: list[tuple[NDArray[np.intp], NDArray[np.float32]]], bars: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """What reaches the bar that has risen since, by query and then by row."""
    rows, asked = np.divmod(np.concatenate([pairs for pairs, _ in kept]), len(bars))
    still = np.concatenate([scores for _, scores in kept]) >= bars[asked]
    rows, asked = rows[still], asked[still]
    order = np.argsort(asked, kind="stable")
    return asked[order], rows[order]


def _slices(n: int, at_once: int) -> Iterator[slice]:
    for start in range(0, n, at_once):
        yield slice(start, min(start + at_once, n))
