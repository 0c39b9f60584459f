"""How much of what was found is relevant, and how much of the relevant was found.

Unjudged images count as irrelevant in all of these, as in trec_eval; what has no relevant image is undefined.
"""

from __future__ import annotations

import numpy as np

from diptych.concept import Concept
from diptych.evaluation.metrics.ranked import Ranked

AVERAGE_PRECISION = Concept(
    name="average precision (AP)",
    reading="1 when all relevant images stand before all others; sinks the later they come",
    range="0–1",
    unit_free=True,
    source="Buckley and Voorhees, SIGIR 2000; trec_eval's map",
)
PRECISION = Concept(
    name="P@k",
    reading="The share of the first k images that is relevant; can't reach 1 where fewer than k are relevant",
    range="0–1",
    unit_free=True,
    source="trec_eval's P",
)
RECALL = Concept(
    name="R@k",
    reading="The share of the relevant images among the first k; below 1 where more than k are relevant",
    range="0–1",
    unit_free=True,
    source="trec_eval's recall",
)
R_PRECISION = Concept(
    name="R-precision",
    reading="The share of relevant images among the first R, where R is how many are relevant; 1 is perfect",
    range="0–1",
    unit_free=True,
    source="trec_eval's Rprec",
)
RECIPROCAL_RANK = Concept(
    name="reciprocal rank",
    reading="1 / the rank of the first relevant image: 1 where it comes first, 0.5 where it comes second",
    range="0–1",
    unit_free=True,
    source="Voorhees, TREC-8, 1999; trec_eval's recip_rank",
)


def average_precision(ranking: Ranked) -> float | None:
    """The mean, over the relevant images, of the precision at each one's rank; 0 for those not ranked."""
    if not ranking.relevant:
        return None
    ranks = np.flatnonzero(ranking.hits) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).sum() / ranking.relevant)


def precision_at(ranking: Ranked, k: int) -> float | None:
    """Relevant images among the first k, divided by k."""
    return float(ranking.hits[:k].sum() / k) if ranking.relevant else None


def recall_at(ranking: Ranked, k: int) -> float | None:
    """Relevant images among the first k, divided by all that are relevant."""
    return float(ranking.hits[:k].sum() / ranking.relevant) if ranking.relevant else None


def r_precision(ranking: Ranked) -> float | None:
    """The precision at rank R, where R is how many images are relevant."""
    return precision_at(ranking, ranking.relevant)


def reciprocal_rank(ranking: Ranked) -> float | None:
    """1 / the rank of the first relevant image, 0 where none is ranked."""
    if not ranking.relevant:
        return None
    return float(1 / (ranking.hits.argmax() + 1)) if ranking.hits.any() else 0.0
