"""Judged pictures by their scores: what a threshold does to them, and which lie at its border."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.errors import DiptychError
from diptych.retrieval.null_bank import bank_mark
from diptych.thresholds.best import best_threshold
from diptych.thresholds.expected import expected
from diptych.thresholds.judged_scores import Bools, Floats, judged_scores, unjudged_above
from diptych.thresholds.promise import at_precision
from diptych.thresholds.saved import SavedThreshold, Scale
from diptych.thresholds.threshold import Threshold, apply_threshold
from diptych.web.state import PageState

BORDER = 6
"""How many pictures on either side of a threshold are shown."""

PRECISION = 0.9


@dataclass(frozen=True)
class JudgedPicture:
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


class JudgedRanking:
    """The judged pictures of every query by one embedder, best first; it takes long to make.

    Args:
        state: Who ranks, and what was judged.
        name: The embedder.
        scale: "raw" for cosines, "z" for how far they stand above unrelated texts.

    Attributes:
        judged: All of them.
        scores: Theirs, in that order; shape (n,).
        relevant: Which are relevant; shape (n,).
        suggestions: Thresholds worth a look, by what they are good for.

    Raises:
        DiptychError: The embedder is not ready, or has no z.
    """

    def __init__(self, state: PageState, name: str, scale: Scale) -> None:
        if name not in state.ready:
            raise DiptychError(f"{name} is not ready: wait until it has embedded the collection")
        self._state, self._name, self._scale = state, name, scale
        answers = state.judged_answers()
        self._cases = judged_scores(answers, name, state.truth().judgments)
        if scale == "z" and any(case.z is None for case in self._cases):
            raise DiptychError(
                f"{name} has no z here: {answers.why_no_bank.get(name, 'there is no null bank')}"
            )
        self.judged = sorted(self._judged(), key=lambda one: -one.score)
        self.scores: NDArray[np.float64] = np.array([one.score for one in self.judged], np.float64)
        self.relevant: NDArray[np.bool_] = np.array([one.relevant for one in self.judged], bool)
        self._by_query: tuple[list[Floats], list[Bools]] = (
            [case.on(scale)[case.judged] for case in self._cases],
            [case.relevant for case in self._cases],
        )
        self.suggestions: dict[str, Threshold] = {
            "best F1": best_threshold(*self._by_query),
            f"precision of {PRECISION:.0%}": at_precision(*self._by_query, PRECISION),
        }

    def _judged(self) -> Iterator[JudgedPicture]:
        for case in self._cases:
            for row in np.flatnonzero(case.judged).tolist():
                score = float(case.on(self._scale)[row])
                yield JudgedPicture(case.query, case.ids[row], score, bool(case.grades[row] > 0))

    def apply(self, value: float) -> Threshold:
        """What a threshold does to them; of one that is suggested also what it was suggested for."""
        for suggested in self.suggestions.values():
            if suggested.value == value:
                return suggested
        scores, relevant = self._by_query
        over_queries = expected([value] * len(scores), scores, relevant, left_out=False)
        return dataclasses.replace(apply_threshold(self.scores, self.relevant, value), expected=over_queries)

    def border(self, value: float) -> tuple[list[JudgedPicture], list[JudgedPicture]]:
        """The last that a threshold keeps, and the first that it does not."""
        kept = int((self.scores >= value).sum())
        return self.judged[max(0, kept - BORDER) : kept], self.judged[kept : kept + BORDER]

    def saved(self, value: float) -> SavedThreshold:
        """A threshold for later runs, with what to expect of it."""
        return SavedThreshold.of(
            self.apply(value),
            self._state.embedders[self._name].info,
            self._scale,
            queries=[case.query for case in self._cases],
            unjudged=unjudged_above(self._cases, self._scale, value),
            bank=bank_mark(self._state.bench.bank) if self._scale == "z" else "",
        )
