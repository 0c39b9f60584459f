"""Scores joined with judgments: what thresholds are learned from, tried out on and measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.evaluation.metrics.ranked import UNJUDGED
from diptych.judgments.judgments import Judgments
from diptych.retrieval.searcher import Answers
from diptych.thresholds.saved import Scale

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class JudgedScores:
    """One query with judgments: all pictures' scores by one embedder, and what was judged of them.

    Attributes:
        query: The query.
        ids: The pictures' ids; shape (n,).
        raw: Their cosine similarities; shape (n,).
        z: How far they stand above unrelated texts; shape (n,). None without a null bank.
        grades: Their grades, `UNJUDGED` where nobody judged; shape (n,).
    """

    query: str
    ids: Sequence[str]
    raw: Floats
    z: Floats | None
    grades: NDArray[np.int8]

    @property
    def judged(self) -> Bools:
        """Which pictures are judged; shape (n,)."""
        return np.asarray(self.grades != UNJUDGED)

    @property
    def relevant(self) -> Bools:
        """Which of the judged pictures are relevant; shape (judged,)."""
        return np.asarray(self.grades[self.judged] > 0)

    def on(self, scale: Scale) -> Floats:
        """All scores on a scale, of which there must be one; shape (n,)."""
        scores = self.raw if scale == "raw" else self.z
        if scores is None:
            raise ValueError("there is no z without a null bank")
        return scores


def judged_scores(answers: Answers, name: str, judgments: Judgments) -> list[JudgedScores]:
    """Every query that has judgments on the ranked pictures, by one embedder.

    Args:
        answers: What each embedder makes of each query.
        name: The embedder.
        judgments: The judgments.
    """
    ids = [picture.id for picture in answers.pictures]
    found = []
    for query, by_name in zip(answers.queries, answers.by_name, strict=True):
        said = judgments.grades(query.name) if query.kind == "text" else {}
        grades = np.array([said.get(image, UNJUDGED) for image in ids], np.int8)
        if (grades != UNJUDGED).any():
            answer = by_name[name]
            found.append(
                JudgedScores(query.name, ids, answer.scores.astype(np.float64), answer.standing.z, grades)
            )
    return found


def unjudged_above(cases: Sequence[JudgedScores], scale: Scale, value: float) -> int:
    """How many pictures reach a threshold that nobody judged, over all queries: precision leaves them out."""
    return sum(int(((case.on(scale) >= value) & ~case.judged).sum()) for case in cases)
