"""Discounted cumulative gain: the one metric here that uses grades above 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept
from diptych.evaluation.metrics.ranked import Ranked

NDCG = Concept(
    name="nDCG@k",
    reading="1 when the first k are the best possible, in the best order; early ranks count most",
    range="0–1",
    unit_free=True,
    source="Järvelin and Kekäläinen, TOIS 2002, gain = grade, discount log2(rank + 1); trec_eval's ndcg_cut",
)


def ndcg_at(ranking: Ranked, k: int) -> float | None:
    """Σ grade / log2(rank + 1) over the first k, over that of the ideal order; an unjudged image gains 0."""
    return _gain(ranking.grades, k) / _gain(ranking.ideal, k) if ranking.relevant else None


def _gain(grades: NDArray[np.int8], k: int) -> float:
    first = np.maximum(grades[:k], 0)
    return float((first / np.log2(np.arange(2, len(first) + 2))).sum())
