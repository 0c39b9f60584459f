"""How many pictures pass the threshold that was learned for an embedder: from judgments of other queries.

What stands out from unrelated texts is few where many are relevant. Where other queries were judged, what
passes the threshold with the best F1 on these is right far more often (`benchmarks/verdict_promise.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured
from diptych.embedders.base import Vectors
from diptych.judgments.judgments import Judgments
from diptych.retrieval.search import Matrix, score_all
from diptych.thresholds.saved import Scale
from diptych.thresholds.threshold import THRESHOLD
from diptych.thresholds.transfer import Sample, threshold_transfer

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEWEST_QUERIES = 5
"""Learned on so many other queries, what passes has a higher F1 than what stands out in 89 to 100 of 100
draws of them; learned on two, in 70 to 94. More change little (`benchmarks/verdict_promise.py`)."""

EXPECTED_F1 = Concept(
    name="expected F1",
    reading="How well what passes is what is relevant, on average over queries that it was not learned on",
    range="0–1",
    unit_free=True,
    source="Diptych: threshold transfer, leave one query out",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Passing:
    """How many pictures pass the threshold learned on other queries.

    Attributes:
        count: How many of the ranked pictures.
        scale: What it cuts: cosines ("raw").
        queries: On how many other queries it was learned: judged ones to which something is relevant.
    """

    count: int
    threshold: float = measured(THRESHOLD)
    scale: Scale
    queries: int
    f1: float = measured(EXPECTED_F1)


class LearnedOnOthers:
    """One embedder's judged queries: for any query the threshold that the others have.

    Args:
        queries: The judged queries' texts.
        scores: For each of them the cosines of its judged images.
        relevant: For each of them which of these are relevant.
    """

    def __init__(self, queries: Sequence[str], scores: Sequence[Floats], relevant: Sequence[Bools]) -> None:
        self._sample = Sample(scores, relevant)
        self._place = {queries[place]: place for place in self._sample.queries}
        reached = threshold_transfer(scores, relevant).transferred
        self._f1 = float(np.mean(reached)) if reached else 0.0

    def passing(self, query: str, scores: NDArray[np.float32]) -> Passing | None:
        """How many images pass for a query.

        Args:
            query: Its text, which may be one of those judged: it is left out then.
            scores: The cosines of all images; shape (n,).

        Returns:
            None where fewer than `FEWEST_QUERIES` others were judged, or what they have keeps everything.
        """
        left_out = self._place.get(query)
        others = len(self._place) - (left_out is not None)
        if others < FEWEST_QUERIES:
            return None
        threshold = self._sample.threshold(left_out=left_out)
        if threshold == -np.inf:
            return None
        passes = int((scores.astype(np.float64) >= threshold).sum())
        return Passing(count=passes, threshold=threshold, scale="raw", queries=others, f1=self._f1)


def learned_on_others(
    ids: Sequence[str], images: Matrix, texts: Mapping[str, Vectors], judgments: Judgments
) -> LearnedOnOthers:
    """One embedder's judged queries, from its vectors.

    Args:
        ids: The images' ids.
        images: Their unit vectors; shape (n, dimension).
        texts: The unit vectors of the judged queries, by their texts; each of shape (dimension,).
        judgments: The judgments.
    """
    row = {image: place for place, image in enumerate(ids)}
    queries, scores, relevant = [], [], []
    for text, unit in texts.items():
        said = {row[image]: grade for image, grade in judgments.grades(text).items() if image in row}
        if said:
            rows = np.array(sorted(said), np.intp)
            queries.append(text)
            scores.append(score_all(images[rows], unit[None, :])[0].astype(np.float64))
            relevant.append(np.array([said[each] > 0 for each in rows.tolist()]))
    return LearnedOnOthers(queries, scores, relevant)
