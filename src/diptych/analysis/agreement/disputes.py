"""The images that two rankings of one query disagree on most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured

TIMES_DEEPER = Concept(
    name="times deeper",
    reading="How many times deeper one ranking has the image than the other: 20 for ranks 2 and 40, 1.01 for"
    " 5,000 and 5,038",
    range="1–n",
    unit_free=True,
    source="Diptych's own; that ranks count by their logarithm is as in K. Järvelin, J. Kekäläinen, Cumulated"
    " gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002",
)


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """An image that two rankings put at different ranks.

    Attributes:
        row: The image's row number.
        rank_a: Its rank in the first ranking, from 1.
        rank_b: Its rank in the second.
        times_deeper: The larger rank over the smaller.
    """

    row: int
    rank_a: int
    rank_b: int
    times_deeper: float = measured(TIMES_DEEPER)


def disputes(rank_a: NDArray[np.intp], rank_b: NDArray[np.intp], k: int) -> tuple[Dispute, ...]:
    """List the images that at least one ranking has among its first k, and that the two rank differently.

    Args:
        rank_a: The rank of each image, 1 to n, shape (n,).
        rank_b: The same in the other ranking.
        k: How deep a reader looks.

    Returns:
        At most 2k, the most disputed first; equally disputed ones by their better rank, then by row.
    """
    better, worse = np.minimum(rank_a, rank_b), np.maximum(rank_a, rank_b)
    rows = np.flatnonzero((better <= k) & (better < worse))
    deeper = worse[rows] / better[rows]
    return tuple(
        Dispute(
            row=int(rows[at]),
            rank_a=int(rank_a[rows[at]]),
            rank_b=int(rank_b[rows[at]]),
            times_deeper=float(deeper[at]),
        )
        for at in np.lexsort((better[rows], -deeper))
    )
