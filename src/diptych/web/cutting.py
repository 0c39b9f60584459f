"""Judged pictures by their scores: what a threshold does to them, and which lie at its border."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.bank import bank_mark
from diptych.embedders.base import EmbedderInfo
from diptych.errors import DiptychError
from diptych.queries import TextQuery
from diptych.relevance.threshold_file import SavedThreshold, Scale
from diptych.relevance.thresholds import Threshold, apply_threshold, at_precision, best_f1
from diptych.web.ready import Ready

BORDER = 6
"""How many pictures on either side of a threshold are shown."""

PRECISION = 0.9


@dataclass(frozen=True)
class Judged:
    """One judged picture for one query.

    Attributes:
        text: The query.
        picture: The picture's id.
        score: Its score or z.
        relevant: What was said.
    """

    text: str
    picture: str
    score: float
    relevant: bool


class Cutting:
    """The judged pictures of every query by one embedder, best first.

    Args:
        ready: Who ranks, and what was said.
        name: The embedder.
        scale: "raw" for cosines, "z" for how far they stand above unrelated texts.

    Raises:
        DiptychError: The embedder is not ready, or has no z.
    """

    def __init__(self, ready: Ready, name: str, scale: Scale) -> None:
        if name not in ready.names:
            raise DiptychError(f"{name} is not ready: wait until it has embedded the collection")
        self._scale: Scale = scale
        self.judged = sorted(_judged(ready, name, scale), key=lambda one: -one.score)
        self.scores: NDArray[np.float64] = np.array([one.score for one in self.judged], np.float64)
        self.relevant: NDArray[np.bool_] = np.array([one.relevant for one in self.judged], bool)

    def apply(self, value: float) -> Threshold:
        """What a threshold does to them."""
        return apply_threshold(self.scores, self.relevant, value)

    def suggestions(self) -> dict[str, Threshold]:
        """Thresholds worth a look, by what they are good for."""
        return {
            "best F1": best_f1(self.scores, self.relevant),
            f"precision of {PRECISION:.0%}": at_precision(self.scores, self.relevant, PRECISION),
        }

    def border(self, value: float) -> tuple[list[Judged], list[Judged]]:
        """The last that a threshold keeps, and the first that it does not."""
        kept = int((self.scores >= value).sum())
        return self.judged[max(0, kept - BORDER) : kept], self.judged[kept : kept + BORDER]

    def saved(self, value: float, info: EmbedderInfo, bank: tuple[TextQuery, ...]) -> SavedThreshold:
        """A threshold for later runs, with what to expect of it."""
        found = self.apply(value)
        return SavedThreshold(
            embedder=info.name,
            fingerprint=info.scoring,
            scale=self._scale,
            queries=tuple(dict.fromkeys(one.text for one in self.judged)),
            judgments=len(self.judged),
            value=value,
            precision=found.precision,
            precision_interval=found.precision_interval,
            recall=found.recall,
            recall_interval=found.recall_interval,
            bank=bank_mark(bank) if self._scale == "z" else "",
        )


def _judged(ready: Ready, name: str, scale: Scale) -> Iterator[Judged]:
    answers, judgments = ready.answers(), ready.truth().judgments
    for query, by_name in zip(answers.queries, answers.by_name, strict=True):
        grades = judgments.grades(query.name)
        scores = by_name[name].scores if scale == "raw" else by_name[name].standing.z
        if grades and scores is None:
            raise DiptychError(f"{name} has no z here: {answers.why_no_z.get(name, 'there is no null bank')}")
        for picture, score in zip(
            answers.pictures, () if scores is None else scores, strict=scores is not None
        ):
            if picture.id in grades:
                yield Judged(query.name, picture.id, float(score), grades[picture.id] > 0)
