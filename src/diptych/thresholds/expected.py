"""What to expect of a threshold on a new query: figures of each query, their mean and its interval.

The query is what is drawn anew. A query with many pictures is one observation, as one with few is: judgments
of one query rise and fall together, so that an interval over judgments would be far too short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured
from diptych.evaluation.interval import mean_interval
from diptych.text import count

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EXPECTED_PRECISION = Concept(
    name="expected precision",
    reading="The share of what passes that is relevant, on average over queries for which anything passes",
    range="0–1, with the 95 % interval of its mean",
    unit_free=True,
    source="Diptych: each query cut at the threshold learned on the others",
)
EXPECTED_RECALL = Concept(
    name="expected recall",
    reading="The share of the relevant images that passes, on average over queries that have any",
    range="0–1, with the 95 % interval of its mean",
    unit_free=True,
    source="Diptych: each query cut at the threshold learned on the others",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What a threshold is worth on a query, over queries.

    Attributes:
        queries: How many queries have judgments.
        passing: For how many of them a judged image passes: precision is about these.
        left_out: Whether each query was cut at a threshold learned on the others alone. Otherwise all were
            cut at the same, which looks too good where it was chosen by these queries.
        undefined: Why a figure is None, by its field's name.
    """

    precision: float | None = measured(EXPECTED_PRECISION)
    precision_interval: tuple[float, float] | None = measured(EXPECTED_PRECISION)
    recall: float | None = measured(EXPECTED_RECALL)
    recall_interval: tuple[float, float] | None = measured(EXPECTED_RECALL)
    queries: int
    passing: int
    left_out: bool
    undefined: dict[str, str]


def precisions(values: Sequence[float], scores: Sequence[Floats], relevant: Sequence[Bools]) -> Floats:
    """Each query's precision at a threshold, of those queries of which a judged image passes.

    Args:
        values: A threshold for each query.
        scores: For each query those of its judged images.
        relevant: For each query which of these are relevant.
    """
    passes = [s >= value for value, s in zip(values, scores, strict=True)]
    found = [float(r[kept].mean()) for kept, r in zip(passes, relevant, strict=True) if kept.any()]
    return np.array(found, np.float64)


def expected(
    values: Sequence[float], scores: Sequence[Floats], relevant: Sequence[Bools], *, left_out: bool
) -> Expected:
    """What to expect of thresholds.

    Args:
        values: A threshold for each query.
        scores: For each query those of its judged images.
        relevant: For each query which of these are relevant.
        left_out: Whether each query's threshold was learned on the others alone.
    """
    precision = precisions(values, scores, relevant)
    recall = [
        float((s[r] >= value).mean()) for value, s, r in zip(values, scores, relevant, strict=True) if r.any()
    ]
    undefined: dict[str, str] = {}
    return Expected(
        precision=_mean(precision, "precision", "no judged image passes for any query", undefined),
        precision_interval=_interval(precision, "precision_interval", undefined),
        recall=_mean(np.array(recall), "recall", "no judged image is relevant", undefined),
        recall_interval=_interval(np.array(recall), "recall_interval", undefined),
        queries=len(scores),
        passing=len(precision),
        left_out=left_out,
        undefined=undefined,
    )


def _mean(values: Floats, name: str, why_none: str, undefined: dict[str, str]) -> float | None:
    if not len(values):
        undefined[name] = why_none
        return None
    return float(values.mean())


def _interval(values: Floats, name: str, undefined: dict[str, str]) -> tuple[float, float] | None:
    """The 95 % interval of a mean of shares; None where so few queries have none."""
    if len(values) >= 2:
        low, high = (float(end) for end in mean_interval(values))
        if np.isfinite(low) and np.isfinite(high):
            return max(low, 0.0), min(high, 1.0)
    undefined[name] = f"{count(len(values), 'query', 'queries')}: too few for an interval"
    return None
