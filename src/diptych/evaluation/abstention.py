"""Are an embedder's confident queries its good ones? Without the others, its metric should rise."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured

Floats = NDArray[np.float64]

NAUC = Concept(
    name="nAUC of abstention",
    reading="Whether confidence predicts success: 1 perfectly, 0 not at all, below 0 the wrong way",
    range="at most 1",
    unit_free=True,
    source="Gisserot-Boukhlef et al., TMLR 2024 (arXiv 2402.12997); MTEB",
)
NAUC_INTERVAL = Concept(
    name="95 % interval of nAUC",
    reading="Where the nAUC over all queries of this kind lies; one that holds 0 leaves open whether"
    " confidence tells anything",
    range="lower and upper end, at most 1",
    unit_free=True,
    source="bias-corrected and accelerated bootstrap over queries, 999 resamples; Efron, JASA 1987",
)

RATES = np.linspace(0, 0.9, 10)
"""The shares of queries abstained on."""

FEWEST = 20
"""With fewer queries an nAUC is mostly chance: with 11 its standard deviation is .30 to .36."""

_RESAMPLES = 999

_MOST_UNDEFINED = 0.05
"""Where the metric is the same throughout more of the resamples than this, too few queries differ in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Abstention:
    """How well an embedder's confidence in a query predicts its metric there.

    Attributes:
        queries: How many queries this rests on.
        undefined: Why a figure is None, by its field's name.
    """

    highest: float | None = measured(NAUC)
    spread: float | None = measured(NAUC)
    lead: float | None = measured(NAUC)
    highest_interval: tuple[float, float] | None = measured(NAUC_INTERVAL, default=None)
    spread_interval: tuple[float, float] | None = measured(NAUC_INTERVAL, default=None)
    lead_interval: tuple[float, float] | None = measured(NAUC_INTERVAL, default=None)
    queries: int
    undefined: dict[str, str]


def abstention(scores: Floats, metric: Floats) -> Abstention:
    """The nAUC of three kinds of confidence: highest score, spread of the scores, lead of the first.

    Args:
        scores: One row per query; shape (m, n).
        metric: The metric of each; shape (m,).
    """
    fields = ("highest", "spread", "lead")
    drawn = _resamples(len(metric))
    if why := _why_not(metric, drawn):
        undefined = dict.fromkeys(fields, why)
        return Abstention(highest=None, spread=None, lead=None, queries=len(metric), undefined=undefined)
    ranked = -np.sort(-scores, axis=1)
    highest, spread, lead = ranked[:, 0], scores.std(axis=1), ranked[:, 0] - ranked[:, :2][:, -1]
    return Abstention(
        highest=nauc(highest, metric),
        spread=nauc(spread, metric),
        lead=nauc(lead, metric),
        highest_interval=_interval(highest, metric, drawn),
        spread_interval=_interval(spread, metric, drawn),
        lead_interval=_interval(lead, metric, drawn),
        queries=len(metric),
        undefined={},
    )


def nauc(confidence: Floats, metric: Floats) -> float | None:
    """The area between the metric-against-abstention curve and a flat line, over that of an oracle.

    Args:
        confidence: One number per query, higher is surer; shape (m,).
        metric: Shape (m,).

    Returns:
        At most 1; None where the metric is the same for every query, or there is none.
    """
    return float(_naucs(confidence, metric)) if len(metric) and np.ptp(metric) else None


def _why_not(metric: Floats, drawn: NDArray[np.intp]) -> str | None:
    """Why nothing can be said from these queries; None where something can."""
    if not len(metric):
        return "no query has the metric"
    if len(metric) < FEWEST:
        queries = "1 query is" if len(metric) == 1 else f"{len(metric):,} queries are"
        return f"{queries} too few: with fewer than {FEWEST} it would be mostly chance"
    if not np.ptp(metric):
        return "the metric is the same for every query"
    if np.mean(np.ptp(metric[drawn], axis=1) == 0) > _MOST_UNDEFINED:
        return "the metric is the same for nearly every query"
    return None


def _interval(confidence: Floats, metric: Floats, drawn: NDArray[np.intp]) -> tuple[float, float]:
    """Holds 88 to 97 % in worlds of 20 and 50 queries: `python benchmarks/verdict_alike.py`."""
    found = _naucs(confidence, metric)
    telling = drawn[np.ptp(metric[drawn], axis=1) > 0]
    resampled = _naucs(confidence[telling], metric[telling])
    without = np.array([np.delete(np.arange(len(metric)), query) for query in range(len(metric))])
    influence = (left := _naucs(confidence[without], metric[without])).mean() - left
    size = float((influence**2).sum() ** 1.5)
    acceleration = float((influence**3).sum()) / (6 * size) if size else 0.0
    below = (np.mean(resampled < found) + np.mean(resampled <= found)) / 2
    normal = NormalDist()
    bias = normal.inv_cdf(float(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn))))
    ends = [bias + normal.inv_cdf(level) for level in (0.025, 0.975)]
    levels = [normal.cdf(bias + end / (1 - acceleration * end)) for end in ends]
    low, high = np.quantile(resampled, levels)
    return float(low), float(high)


def _resamples(queries: int) -> NDArray[np.intp]:
    return np.random.default_rng(0).integers(0, queries, (_RESAMPLES, queries) if queries else (0, 0))


def _naucs(confidence: Floats, metric: Floats) -> Floats:
    """The nAUC of each row; shapes (…, m) to (…)."""
    flat = metric.mean(-1) * (RATES[-1] - RATES[0])
    by_confidence = np.take_along_axis(metric, np.argsort(confidence, -1, kind="stable"), -1)
    return np.asarray((_area(by_confidence) - flat) / (_area(np.sort(metric, -1)) - flat))


def _area(metric: Floats) -> Floats:
    """The area under the mean of what is left, as more and more is taken from the front of each row."""
    count = metric.shape[-1]
    left_out = np.minimum(np.round(RATES * count).astype(int), count - 1)
    left = np.cumsum(metric[..., ::-1], -1)[..., ::-1][..., left_out] / (count - left_out)
    return np.asarray(np.trapezoid(left, RATES, axis=-1))
