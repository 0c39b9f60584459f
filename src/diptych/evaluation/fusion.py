"""What several embedders give together: their rankings of one collection, made into one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RRF_K = 60
"""How little the first ranks stand out; the value of Cormack, Clarke and Büttcher."""


@dataclass(frozen=True, kw_only=True)
class Fused:
    """A fused ranking.

    Attributes:
        rows: Row numbers of the images, best first, equals in the collection's order; shape (n,).
        scores: Their fused scores, falling; shape (n,).
    """

    rows: NDArray[np.intp]
    scores: Floats


def reciprocal_rank_fusion(scores: Floats) -> Fused:
    """Rank by Σ 1 / (60 + rank) over the embedders (Cormack, Clarke and Büttcher, SIGIR 2009).

    Args:
        scores: One row per embedder, images in the collection's order, which breaks ties; shape (embedders,
            n).
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.argsort(order, axis=1) + 1
    return _ranked((1 / (RRF_K + ranks)).sum(axis=0))


def z_score_sum(scores: Floats) -> Fused:
    """Rank by the sum of the embedders' scores, each brought to mean 0 and standard deviation 1.

    An embedder that scores all images alike adds nothing. (Shaw and Fox, TREC-2, 1994, with z for their
    scaling.)

    Args:
        scores: As for `reciprocal_rank_fusion`.
    """
    spread = scores.std(axis=1, keepdims=True)
    centred = scores - scores.mean(axis=1, keepdims=True)
    flat = np.ptp(scores, axis=1, keepdims=True) == 0
    return _ranked((np.where(flat, 0, centred) / np.where(flat, 1, spread)).sum(axis=0))


def _ranked(fused: Floats) -> Fused:
    rounded = np.round(fused, 12)  # sums in another order of embedders must not order equals otherwise
    rows = np.argsort(-rounded, kind="stable")
    return Fused(rows=rows, scores=rounded[rows])
