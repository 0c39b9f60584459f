"""Where to cut scores so that what is kept is relevant. An image is kept where its score >= the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured
from diptych.text import count
from diptych.thresholds.expected import Expected

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

THRESHOLD = Concept(
    name="threshold",
    reading="Images that score at least this are kept; it holds for this embedder alone",
    range="in the units of the scores",
    unit_free=False,
    source="the middle between two neighbouring scores that were seen",
)
F1 = Concept(
    name="F1",
    reading="How well the kept images are the relevant ones: 1 when they are the same",
    range="0–1",
    unit_free=True,
    source="van Rijsbergen, Information Retrieval, 1979: harmonic mean of precision and recall",
)
KEPT_PRECISION = Concept(
    name="precision",
    reading="The share of the kept images that is relevant, among those judged so far",
    range="0–1",
    unit_free=True,
    source="of the judged images of all queries together",
)
KEPT_RECALL = Concept(
    name="recall",
    reading="The share of the relevant images that is kept, among those judged so far",
    range="0–1",
    unit_free=True,
    source="of the judged images of all queries together",
)
PROMISED = Concept(
    name="promised precision",
    reading="Over new queries for which anything passes, its precision is on average this or more",
    range="0–1, with the risk that a promise is wrong",
    unit_free=True,
    source="learn then test: Angelopoulos et al., arXiv:2110.01052; each test Gaffke's, 2005",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What is promised of a threshold, about queries like those it was learned on.

    Over new queries for which anything passes, the precision of what passes is on average at least this. Of
    sets of judgments like this one, no more than the share `risk` lead to such a promise that is not true.

    Attributes:
        precision: The precision promised, 0 to 1.
        risk: How often such a promise may be wrong, 0 to 1.
        queries: For how many of the judged queries anything passes: what it rests on.
    """

    precision: float = measured(PROMISED)
    risk: float = measured(PROMISED)
    queries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """A threshold and what it does to judged images. On those it was chosen on it looks a little too good.

    Attributes:
        precision_interval: None now, for judgments of one query are not independent: `expected`
            has an interval over queries. In files made before there was that, Wilson's.
        recall_interval: Likewise.
        kept: How many judged images it keeps.
        judged: How many there are.
        undefined: Why a figure is None, by its field's name.
        expected: What it is worth on a query, over queries; None where queries were not told apart.
        promise: What is promised of it, where anything is.
    """

    value: float | None = measured(THRESHOLD)
    f1: float | None = measured(F1)
    precision: float | None = measured(KEPT_PRECISION)
    precision_interval: tuple[float, float] | None = measured(KEPT_PRECISION)
    recall: float | None = measured(KEPT_RECALL)
    recall_interval: tuple[float, float] | None = measured(KEPT_RECALL)
    kept: int
    judged: int
    undefined: dict[str, str]
    expected: Expected | None = None
    promise: Promise | None = None


def best_f1(scores: Floats, relevant: Bools) -> Threshold:
    """The threshold with the highest F1; among equals the one that keeps fewest.

    Cuts lie between different scores only, so that images that score the same are kept together; keeping all
    and keeping none are among them. To keep all, the threshold is the lowest score that was seen.

    Args:
        scores: Of the judged images; shape (n,).
        relevant: Which of them are relevant; shape (n,).

    Returns:
        The threshold, without a value where nothing is relevant.
    """
    if not relevant.any():
        return no_threshold(len(scores), nothing_relevant(len(scores)))
    cuts = _Cuts(scores, relevant)
    f1 = 2 * cuts.right / (cuts.kept + relevant.sum())
    return cuts.threshold(int(f1.argmax()))


def apply_threshold(scores: Floats, relevant: Bools, value: float) -> Threshold:
    """What a given threshold does to judged images: precision, recall and F1."""
    return _measure(value, scores >= value, relevant)


def pooled(scores: Sequence[Floats], relevant: Sequence[Bools]) -> tuple[Floats, Bools, NDArray[np.intp]]:
    """The judged images of all queries together: their scores, which are relevant, and whose they are."""
    owner = np.repeat(np.arange(len(scores)), np.array([len(each) for each in scores], np.intp))
    none = (np.zeros(0), np.zeros(0, bool))
    return np.concatenate([*scores, none[0]]), np.concatenate([*relevant, none[1]]), owner


class _Cuts:
    """Every way to cut judged scores between different values, from keeping none to keeping all."""

    def __init__(self, scores: Floats, relevant: Bools) -> None:
        order = np.argsort(-scores, kind="stable")
        self._scores, self._relevant = scores[order], relevant[order]
        ends = np.flatnonzero(np.append(np.diff(self._scores) != 0, True)) + 1
        self.kept = np.append(0, ends).astype(np.float64)
        self.right = np.append(0, np.cumsum(self._relevant)[ends - 1]).astype(np.float64)

    def threshold(self, cut: int) -> Threshold:
        """The threshold in the middle of a cut; only cut 0 keeps none, and it is never the best."""
        kept = int(self.kept[cut])
        above = self._scores[kept - 1]
        value = above if kept == len(self._scores) else midpoint(self._scores[kept], above)
        return _measure(float(value), np.arange(len(self._scores)) < kept, self._relevant)


def midpoint(low: float, high: float) -> float:
    """The middle of two scores, or the higher one where no number lies between them."""
    middle = low + (high - low) / 2
    return float(middle if low < middle else high)


def _measure(value: float, kept: Bools, relevant: Bools) -> Threshold:
    keeps, wanted, right = int(kept.sum()), int(relevant.sum()), int((kept & relevant).sum())
    undefined: dict[str, str] = {}
    if not keeps:
        undefined["precision"] = "no judged image is kept"
    if not wanted:
        undefined |= dict.fromkeys(("f1", "recall"), "no judged image is relevant")
    return Threshold(
        value=value,
        f1=2 * right / (keeps + wanted) if wanted else None,
        precision=right / keeps if keeps else None,
        precision_interval=None,
        recall=right / wanted if wanted else None,
        recall_interval=None,
        kept=keeps,
        judged=len(kept),
        undefined=undefined,
    )


def nothing_relevant(judged: int) -> str:
    """Why there is no threshold where nothing is relevant."""
    return f"none of the {count(judged, 'judged image')} is relevant"


def no_threshold(judged: int, reason: str) -> Threshold:
    """That there is no threshold, and why."""
    return Threshold(
        value=None,
        f1=None,
        precision=None,
        precision_interval=None,
        recall=None,
        recall_interval=None,
        kept=0,
        judged=judged,
        undefined=dict.fromkeys(("value", "f1", "precision", "recall"), reason),
    )
