"""Where to cut scores so that what is kept is relevant. An image is kept where its score >= the threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured
from diptych.evaluation.wilson import wilson, wilson_interval
from diptych.text import count

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
    range="0–1, with its 95 % interval",
    unit_free=True,
    source="interval: Wilson, JASA 1927",
)
KEPT_RECALL = Concept(
    name="recall",
    reading="The share of the relevant images that is kept, among those judged so far",
    range="0–1, with its 95 % interval",
    unit_free=True,
    source="interval: Wilson, JASA 1927",
)


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold and what it does to judged images. On those it was chosen on it looks a little too good.

    Attributes:
        kept: How many judged images it keeps.
        judged: How many there are.
        undefined: Why a figure is None, by its field's name.
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
        return _none(len(scores), _nothing_relevant(scores))
    cuts = _Cuts(scores, relevant)
    f1 = 2 * cuts.right / (cuts.kept + relevant.sum())
    return cuts.threshold(int(f1.argmax()))


def at_precision(scores: Floats, relevant: Bools, target: float) -> Threshold:
    """The lowest threshold whose precision is at least a target by the lower end of its Wilson interval.

    Args:
        scores: Of the judged images; shape (n,).
        relevant: Which of them are relevant; shape (n,).
        target: The precision wanted, 0 to 1.

    Returns:
        The threshold, without a value where the target is not attainable.
    """
    if not relevant.any():
        return _none(len(scores), _nothing_relevant(scores))
    cuts = _Cuts(scores, relevant)
    sure, _ = wilson(cuts.right[1:], cuts.kept[1:])
    attained = np.flatnonzero(sure >= target)
    if len(attained):
        return cuts.threshold(int(attained[-1]) + 1)
    best = int(sure.argmax())
    kept = f"{int(cuts.right[1 + best])} relevant of {int(cuts.kept[1 + best])} kept"
    return _none(
        len(scores),
        f"not attainable: a precision of {target:.0%} can't be promised from these"
        f" {count(len(scores), 'judgment')}; the best that can is {sure[best]:.0%} ({kept})",
    )


def apply_threshold(scores: Floats, relevant: Bools, value: float) -> Threshold:
    """What a given threshold does to judged images: precision, recall and F1, with intervals."""
    return _measure(value, scores >= value, relevant)


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
        undefined |= dict.fromkeys(("precision", "precision_interval"), "no judged image is kept")
    if not wanted:
        undefined |= dict.fromkeys(("f1", "recall", "recall_interval"), "no judged image is relevant")
    return Threshold(
        value=value,
        f1=2 * right / (keeps + wanted) if wanted else None,
        precision=right / keeps if keeps else None,
        precision_interval=wilson_interval(right, keeps),
        recall=right / wanted if wanted else None,
        recall_interval=wilson_interval(right, wanted),
        kept=keeps,
        judged=len(kept),
        undefined=undefined,
    )


def _nothing_relevant(scores: Floats) -> str:
    return f"none of the {count(len(scores), 'judged image')} is relevant"


def _none(judged: int, reason: str) -> Threshold:
    names = ("value", "f1", "precision", "precision_interval", "recall", "recall_interval")
    return Threshold(
        value=None,
        f1=None,
        precision=None,
        precision_interval=None,
        recall=None,
        recall_interval=None,
        kept=0,
        judged=judged,
        undefined=dict.fromkeys(names, reason),
    )
