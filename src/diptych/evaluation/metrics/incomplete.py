"""How far the judgments reach, and a metric that holds when they reach only part of the way."""

from __future__ import annotations

import numpy as np

from diptych.concept import Concept
from diptych.evaluation.metrics.ranked import UNJUDGED, Ranked

JUDGED = Concept(
    name="judged@k",
    reading="The share of the first k images that is judged; well below 1, the other metrics are too low",
    range="0–1",
    unit_free=True,
    source="Lu, Moffat and Culpepper, Information Retrieval 2016",
)
BPREF = Concept(
    name="bpref",
    reading="Like AP, from judged images alone: 1 when no irrelevant one stands before a relevant one",
    range="0–1",
    unit_free=True,
    source="Buckley and Voorhees, SIGIR 2004; trec_eval's bpref",
)


def judged_at(ranking: Ranked, k: int) -> float | None:
    """Judged images among the first k, divided by how many there are."""
    first = ranking.grades[:k]
    return float((first != UNJUDGED).mean()) if len(first) else None


def bpref(ranking: Ranked) -> float | None:
    """The mean, over the relevant images, of 1 − min(judged irrelevant above it, R) / min(R, N).

    R is how many images are relevant, N how many are judged irrelevant; a relevant image that is not ranked
    adds 0.
    """
    if not ranking.relevant:
        return None
    above = np.cumsum(ranking.grades == 0)[ranking.hits]
    most = max(1, min(ranking.relevant, ranking.irrelevant))  # without an irrelevant one, none is above
    return float((1 - np.minimum(above, ranking.relevant) / most).sum() / ranking.relevant)
