"""The stratification of one embedder's rankings over all queries, with how sure each mean is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diptych.analysis.stratification import Stratification
from diptych.concept import Concept
from diptych.evaluation.interval import mean_interval

INTERVAL = Concept(
    name="mean over queries, with its interval",
    reading="Where the mean would lie for other queries of the same kind: intervals that overlap widely say"
    " nothing of a difference",
    range="95 %",
    unit_free=True,
    source="the interval that differences between embedders have too; none for 5 queries or fewer, where no"
    " test could leave any value out",
)

NO_PROOF = (
    "How far apart scores stand is not proof of better ranking: a list can break in the wrong place."
    " Whether one embedder ranks better takes judgments of what is relevant."
)

FIGURES = ("z_gap", "gap_share", "excess_variance", "tail_surprise")
"""The figures of a stratification that are averaged."""

FEWEST = 6
"""With fewer queries, all signs are alike by chance in more than 5 of 100 cases: no value can be left out."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over queries.

    Attributes:
        mean: The mean.
        low: The lower end of its 95 % interval; None where there is none, as with 5 queries or fewer.
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
            figures[name] = over_queries(values)
    return StratificationSummary(verdicts=dict(Counter(r.verdict for r in rankings)), figures=figures)


def over_queries(values: Sequence[float]) -> Interval:
    """The mean of at least one value, one per query, with its interval."""
    mean, n = float(np.mean(values)), len(values)
    if n < FEWEST:
        return Interval(mean=mean, low=None, high=None, queries=n)
    low, high = (float(end) for end in mean_interval(np.asarray(values, np.float64)))
    if not np.isfinite(low):  # all are equal: how far other queries lie apart is not known
        return Interval(mean=mean, low=None, high=None, queries=n)
    # The ends are sums in another order than the mean, and may pass it by rounding.
    return Interval(mean=mean, low=min(low, mean), high=max(high, mean), queries=n)
