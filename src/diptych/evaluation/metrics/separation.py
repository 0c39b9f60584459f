"""How far the relevant images' scores stand apart from the irrelevant ones'; unjudged images are left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept
from diptych.evaluation.metrics.ranked import Ranked

AUROC = Concept(
    name="AUROC",
    reading="How often a relevant image scores above an irrelevant one: 0.5 is chance, 1 a clean break",
    range="0–1",
    unit_free=True,
    source="Hanley and McNeil, Radiology 1982: P(R > I) + P(R = I) / 2",
)
RECALL_AT_FULL_PRECISION = Concept(
    name="recall at full precision",
    reading="The share of the relevant images that score above every irrelevant one: 1 is a clean break",
    range="0–1",
    unit_free=True,
    source="recall at 100 % precision",
)


def auroc(ranking: Ranked) -> float | None:
    """The probability that a relevant image scores higher than an irrelevant one, ties counting half."""
    relevant, irrelevant = _scores(ranking)
    if not len(relevant) or not len(irrelevant):
        return None
    below, up_to = (np.searchsorted(np.sort(irrelevant), relevant, side) for side in ("left", "right"))
    return float((below + up_to).sum() / (2 * len(relevant) * len(irrelevant)))


def recall_at_full_precision(ranking: Ranked) -> float | None:
    """The share of all relevant images that score higher than the best irrelevant one."""
    relevant, irrelevant = _scores(ranking)
    if not ranking.relevant or not len(irrelevant):
        return None
    return float((relevant > irrelevant.max()).sum() / ranking.relevant)


def _scores(ranking: Ranked) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return ranking.scores[ranking.grades > 0], ranking.scores[ranking.grades == 0]
