"""Exact top k: a matrix of images and a matrix of queries in, one `Ranking` a query out.

A score is the cosine similarity in float32. Rows must come in the order in which ties are to be broken (the
pictures' names): equal scores keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.embedders.base import Vectors

_QUERIES_AT_ONCE = 64
_ROWS_AT_ONCE = 8192
_ROUNDING = 1e-4
"""More than a float32 dot product of unit vectors can be off: dimension × 2^-24, 8e-5 for 1,408."""


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


def normalise(vectors: Vectors) -> Vectors:
    """Scale rows to unit length; a row of zeros stays so, and scores 0 with everything.

    Args:
        vectors: Shape (n, dimension), finite.

    Returns:
        Shape (n, dimension), float32.
    """
    units = np.empty(vectors.shape, np.float32)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):  # in double precision, but never all of it at once
        block = vectors[start : start + _ROWS_AT_ONCE].astype(np.float64)
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        units[start : start + _ROWS_AT_ONCE] = block / np.where(lengths == 0, 1, lengths)
    return units


def search(images: Vectors, queries: Vectors, k: int) -> list[Ranking]:
    """Rank the images for each query.

    Args:
        images: Unit rows, shape (n, dimension), in the order in which ties are broken.
        queries: Unit rows, shape (m, dimension).
        k: How many images to return, at most n.

    Returns:
        One ranking for each query, each with min(k, n) images.
    """
    rankings: list[Ranking] = []
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        block = queries[start : start + _QUERIES_AT_ONCE]
        for query, scores in zip(block, block @ images.T, strict=True):
            rankings.append(_best(images, query, scores, min(k, len(images))))
    return rankings


def score_all(images: Vectors, queries: Vectors) -> NDArray[np.float32]:
    """The scores of all images, exactly those that `search` gives the first ones.

    Args:
        images: Unit rows, shape (n, dimension).
        queries: Unit rows, shape (m, dimension).

    Returns:
        Cosine similarities, shape (m, n), float32.
    """
    scores = np.empty((len(queries), len(images)), np.float32)
    exact = queries.astype(np.float64)
    for start in range(0, len(images), _ROWS_AT_ONCE):
        block = images[start : start + _ROWS_AT_ONCE].astype(np.float64)
        scores[:, start : start + _ROWS_AT_ONCE] = exact @ block.T
    return scores


def _best(images: Vectors, query: NDArray[np.float32], rough: NDArray[np.float32], k: int) -> Ranking:
    """Choose by the product's rough scores, then order by scores that don't depend on how BLAS blocks.

    In one matrix product two equal rows may differ in the last bit, which would order ties by chance. So all
    rows that could be among the first k are scored again, in double precision.
    """
    kth = np.partition(rough, len(rough) - k)[len(rough) - k] if k else np.inf
    rows = np.flatnonzero(rough >= kth - _ROUNDING)
    exact = [images[some].astype(np.float64) @ query.astype(np.float64) for some in _blocks(rows)]
    scores = np.concatenate([*exact, np.empty(0)]).astype(np.float32)
    order = np.argsort(-scores, kind="stable")[:k]
    return Ranking(rows[order], scores[order], flat=len(rough) > 1 and bool(np.ptp(rough) == 0))


def _blocks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[start : start + _ROWS_AT_ONCE]
