"""The stratification of one embedder's rankings over all queries, with how sure each mean is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diptych.analysis.stratification import Stratification
from diptych.concept import Concept

INTERVAL = Concept(
    name="mean over queries, with its interval",
    reading="Where the mean would lie for other queries of the same kind: intervals that overlap widely say"
    " nothing of a difference",
    range="95 %",
    unit_free=True,
    source="percentile bootstrap over queries, 2,000 resamples; Efron 1979",
)

NO_PROOF = (
    "How far apart scores stand is no proof of better ranking: a list can break in the wrong place."
    " Whether one embedder ranks better takes judgments of what is relevant."
)

FIGURES = ("z_gap", "gap_share", "excess_variance", "tail_surprise")
"""The figures of a stratification that are averaged."""

_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over queries.

    Attributes:
        mean: The mean.
        low: The lower end of its 95 % bootstrap interval; None for fewer than 3 queries.
        high: The upper end.
        queries: How many queries it is over.
    """

    mean: float
    low: float | None
    high: float | None
    queries: int


@dataclass(frozen=True, kw_only=True)
class StratificationSummary:
    """One embedder's rankings over all queries.

    Attributes:
        verdicts: How many rankings got each verdict.
        figures: The mean of each of `FIGURES`, where any ranking has it.
    """

    verdicts: Mapping[str, int]
    figures: Mapping[str, Interval]


def summarise(rankings: Sequence[Stratification]) -> StratificationSummary:
    """Sum up one embedder's rankings, of at least one query."""
    figures = {}
    for name in FIGURES:
        values = [value for ranking in rankings if (value := getattr(ranking, name)) is not None]
        if values:
            figures[name] = _interval(values)
    return StratificationSummary(verdicts=dict(Counter(r.verdict for r in rankings)), figures=figures)


def _interval(values: Sequence[float]) -> Interval:
    mean, n = float(np.mean(values)), len(values)
    if n < 3:
        return Interval(mean=mean, low=None, high=None, queries=n)
    drawn = np.random.default_rng(0).integers(0, n, (_RESAMPLES, n))
    low, high = np.quantile(np.asarray(values)[drawn].mean(axis=1), [0.025, 0.975])
    return Interval(mean=mean, low=float(low), high=float(high), queries=n)
