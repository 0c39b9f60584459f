"""Does an embedder know when it is right? Without the queries it is least sure of, its metric should rise."""

from __future__ import annotations

from dataclasses import dataclass

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

RATES = np.linspace(0, 0.9, 10)
"""The shares of queries abstained on."""


@dataclass(frozen=True, kw_only=True)
class Abstention:
    """How well an embedder's confidence in a query predicts its metric there.

    Attributes:
        queries: How many queries this rests on; below 10 or so it is hardly more than chance.
        undefined: Why a figure is None, by its field's name.
    """

    highest: float | None = measured(NAUC)
    spread: float | None = measured(NAUC)
    lead: float | None = measured(NAUC)
    queries: int
    undefined: dict[str, str]


def abstention(scores: Floats, metric: Floats) -> Abstention:
    """The nAUC of three kinds of confidence: highest score, spread of the scores, lead of the first.

    Args:
        scores: One row a query; shape (m, n).
        metric: The metric of each; shape (m,).
    """
    ranked = -np.sort(-scores, axis=1)
    why = "the metric is the same for every query" if len(metric) else "no query has the metric"
    values = {
        "highest": nauc(ranked[:, 0], metric),
        "spread": nauc(scores.std(axis=1), metric),
        "lead": nauc(ranked[:, 0] - ranked[:, :2][:, -1], metric),
    }
    undefined = {name: why for name, value in values.items() if value is None}
    return Abstention(**values, queries=len(metric), undefined=undefined)


def nauc(confidence: Floats, metric: Floats) -> float | None:
    """The area between the metric-against-abstention curve and a flat line, over that of an oracle.

    Args:
        confidence: One number a query, higher is surer; shape (m,).
        metric: Shape (m,).

    Returns:
        At most 1; None where the metric is the same for every query, or there is none.
    """
    if len(metric) == 0 or np.ptp(metric) == 0:
        return None
    flat = metric.mean() * (RATES[-1] - RATES[0])
    gained, possible = (_area(metric[np.argsort(by, kind="stable")]) - flat for by in (confidence, metric))
    return float(gained / possible)


def _area(metric: Floats) -> float:
    """The area under the mean of what is left, as more and more is taken from the front."""
    left_out = np.minimum(np.round(RATES * len(metric)).astype(int), len(metric) - 1)
    return float(np.trapezoid([metric[start:].mean() for start in left_out], RATES))
