"""Does a threshold learned on some queries hold for another? The loss when it is learned on all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured
from diptych.evaluation.interval import mean_interval
from diptych.thresholds.threshold import F1, midpoint

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RANKING_LOSS = Concept(
    name="ranking loss",
    reading="What is lost because relevant images don't stand first, even with a threshold for each query",
    range="0–1; 1 − mean best F1",
    unit_free=True,
    source="Diptych: threshold transfer, leave one query out",
)
THRESHOLD_LOSS = Concept(
    name="threshold loss",
    reading="What is lost on top because one threshold has to do for all queries; 0 where it does",
    range="0–1; mean of best F1 − F1 at the threshold learned on the other queries",
    unit_free=True,
    source="Diptych: threshold transfer, leave one query out; a cousin is OPIS, Zhang et al., ICLR 2024",
)
SCALE_DIFFERENCE = Concept(
    name="z against raw scores",
    reading="How much more of the F1 a threshold learned on other queries reaches on z than on raw scores",
    range="−1 to 1, with its 95 % interval; nothing is said where that holds 0",
    unit_free=True,
    source="Diptych: threshold transfer, leave one query out, paired over queries",
)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How far one threshold does for all queries.

    Attributes:
        queries: Which queries have a relevant image, and so an F1: their places in the input.
        thresholds: For each of them the threshold learned on the others.
        best: For each of them the F1 at its own best threshold.
        transferred: For each of them the F1 at the threshold learned on the others.
        undefined: Why a figure is None, by its field's name.
    """

    queries: tuple[int, ...]
    thresholds: tuple[float, ...]
    best: tuple[float, ...] = measured(F1)
    transferred: tuple[float, ...] = measured(F1)
    ranking_loss: float | None = measured(RANKING_LOSS)
    threshold_loss: float | None = measured(THRESHOLD_LOSS)
    undefined: dict[str, str]


def threshold_transfer(scores: Sequence[Floats], relevant: Sequence[Bools]) -> Transfer:
    """Learn a threshold on all queries but one, apply it to that one, for each.

    The threshold learned is the one with the highest mean F1, in the middle between two scores of the
    queries that it is learned on; among equals the highest. Scores may be cosines or z, on any scale that
    all queries share.

    Args:
        scores: For each query those of its judged images.
        relevant: For each query which of these are relevant.

    Returns:
        The losses, None with fewer than two queries that have a relevant image.
    """
    sample = Sample(scores, relevant)
    queries = sample.queries
    if len(queries) < 2:
        why = "fewer than two queries have a relevant image: there is no other to learn a threshold on"
        return Transfer(
            queries=queries,
            thresholds=(),
            best=(),
            transferred=(),
            ranking_loss=None,
            threshold_loss=None,
            undefined=dict.fromkeys(("ranking_loss", "threshold_loss"), why),
        )
    thresholds = [sample.threshold(left_out=query) for query in queries]
    reached = np.array(
        [
            _f1_at(np.array([threshold]), scores[query], relevant[query])[0]
            for threshold, query in zip(thresholds, queries, strict=True)
        ]
    )
    return Transfer(
        queries=queries,
        thresholds=tuple(thresholds),
        best=tuple(sample.best.tolist()),
        transferred=tuple(reached.tolist()),
        ranking_loss=float(1 - sample.best.mean()),
        threshold_loss=float((sample.best - reached).mean()),
        undefined={},
    )


class Sample:
    """The queries that a threshold is learned on: those with a relevant image.

    Args:
        scores: For each query those of its judged images.
        relevant: For each query which of these are relevant.

    Attributes:
        queries: Which queries have a relevant image: their places in the input.
        best: For each of them the F1 at its own best threshold; shape (len(queries),).
    """

    def __init__(self, scores: Sequence[Floats], relevant: Sequence[Bools]) -> None:
        self.queries = tuple(place for place, each in enumerate(relevant) if each.any())
        rows = [np.asarray(scores[query], np.float64) for query in self.queries]
        hits = [relevant[query] for query in self.queries]
        # Up to the next relevant score a higher threshold drops irrelevant images alone: none other is best.
        relevant_scores = [s[r] for s, r in zip(rows, hits, strict=True)]
        self._cuts = np.unique(np.concatenate([np.zeros(0), *relevant_scores]))
        shape = (len(rows), len(self._cuts))
        found = [_f1_at(self._cuts, s, r) for s, r in zip(rows, hits, strict=True)]
        self._f1 = np.array(found).reshape(shape)
        self._below = np.array([_next_below(self._cuts, s) for s in rows]).reshape(shape)
        self._total = self._f1.sum(axis=0)
        self.best: Floats = self._f1.max(axis=1, initial=0)

    def threshold(self, *, left_out: int | None = None) -> float:
        """The threshold with the highest mean F1, of which there must be a query; -inf where it keeps all.

        Args:
            left_out: A query, by its place in the input, that it is not learned on.
        """
        of_all = self._total
        if left_out is not None:
            row = self.queries.index(left_out)
            of_all = of_all - self._f1[row]
        means = np.round(of_all, 9)  # equal sums are equal, in whatever order they were made
        cut = len(means) - 1 - int(means[::-1].argmax())
        below = self._below[:, cut]
        low = float((below if left_out is None else np.delete(below, row)).max())
        return low if low == -np.inf else midpoint(low, float(self._cuts[cut]))


@dataclass(frozen=True)
class ScaleDifference:
    """How much better z carries from query to query than raw scores do.

    Attributes:
        difference: Mean F1 of a query at a threshold learned on the others: on z less on raw scores, -1 to 1.
        interval: Its 95 % interval over queries.
    """

    difference: float = measured(SCALE_DIFFERENCE)
    interval: tuple[float, float] = measured(SCALE_DIFFERENCE)

    @property
    def tells(self) -> bool:
        """Whether the interval leaves out 0: otherwise there is nothing to say."""
        return self.interval[0] > 0 or self.interval[1] < 0

    @property
    def sentence(self) -> str:
        """Which scale does better on other queries, where that is told."""
        better, worse = ("z", "the raw score") if self.difference > 0 else ("the raw score", "z")
        low, high = sorted(abs(end) for end in self.interval)
        digits = 2 if low >= 0.005 else 4  # an interval that leaves out 0 must not be shown to begin there
        return (
            f"On other queries a threshold on {better} does better than one on {worse}:"
            f" F1 {abs(self.difference):.{digits}f} higher (95 % {low:.{digits}f} to {high:.{digits}f})."
        )


def scale_difference(raw: Transfer, z: Transfer) -> ScaleDifference | None:
    """Whether a threshold on z does better on other queries than one on raw scores, paired over queries.

    Returns:
        None with fewer than two queries.
    """
    if len(raw.transferred) < 2:
        return None
    differences = np.array(z.transferred) - np.array(raw.transferred)
    low, high = mean_interval(differences)
    return ScaleDifference(float(differences.mean()), (float(low), float(high)))


def _f1_at(thresholds: Floats, scores: Floats, relevant: Bools) -> Floats:
    """One query's F1 at each threshold."""
    kept = len(scores) - np.searchsorted(np.sort(scores), thresholds, "left")
    right = relevant.sum() - np.searchsorted(np.sort(scores[relevant]), thresholds, "left")
    return np.asarray(2 * right / (kept + relevant.sum()))


def _next_below(cuts: Floats, scores: Floats) -> Floats:
    """One query's highest score below each cut, -inf where there is none."""
    return np.append(-np.inf, np.sort(scores))[np.searchsorted(np.sort(scores), cuts, "left")]
