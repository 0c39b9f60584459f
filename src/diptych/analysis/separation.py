"""Which embedder separates its first pictures further over all queries: no proof of better ranking."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.stratification import Stratification
from diptych.concept import Concept, measured
from diptych.evaluation.holm import holm, holm_levels
from diptych.evaluation.interval import MeanTest
from diptych.evaluation.sign_flip import smallest_p
from diptych.evaluation.significance import ALPHA

Shown: TypeAlias = Literal["shown", "suggestive", "not seen", "too few queries"]

RATIO = Concept(
    name="ratio of separations",
    reading="How many times as far the first embedder's scores fall at their z-gap as the second's: above 1"
    " they stand further apart, which does not say that they are in the right place",
    range="above 0; 1: no difference",
    unit_free=True,
    source="geometric mean over the queries of the ratio of z-gaps, both in the same kind of deviation",
)
RATIO_INTERVAL = Concept(
    name="interval of the ratio of separations",
    reading="Where the ratio over all queries of this kind lies; one that holds 1 leaves open who separates"
    " further",
    range="lower and upper end; 95 % for two embedders, for several as wide as the correction asks for",
    unit_free=True,
    source="the interval of the mean log ratio",
)
SEPARATION_P = Concept(
    name="p of the ratio of separations",
    reading="How often ratios this far from 1 come about where chance alone decides who separates further",
    range="0 to 1",
    unit_free=True,
    source="sign-flip test of the log ratios, Fisher 1935, and Student's t: the larger",
)
SEPARATION_HOLM_P = Concept(
    name="p (Holm) of the ratio of separations",
    reading="The same corrected for how many pairs of embedders are compared; 0.05 or less is called shown",
    range="0 to 1",
    unit_free=True,
    source="Holm, Scandinavian Journal of Statistics 1979",
)

SUGGESTIVE = 0.2
"""A p up to this is suggestive: four queries that all agree have 0.125, and can't have less."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Separation:
    """How much further one embedder separates its first pictures than another, over queries.

    Attributes:
        a: The first embedder's name.
        b: The second's.
        queries: For how many queries both have a z-gap in the same kind of deviation.
        verdict: Shown where p (Holm) is at most 0.05, suggestive where p is at most 0.2, otherwise not seen;
            too few queries where so few could not show anything.
    """

    a: str
    b: str
    queries: int
    ratio: float | None = measured(RATIO, default=None)
    interval: tuple[float, float] | None = measured(RATIO_INTERVAL, default=None)
    p: float | None = measured(SEPARATION_P, default=None)
    p_holm: float | None = measured(SEPARATION_HOLM_P, default=None)
    verdict: Shown = "too few queries"


def separations(rankings: Mapping[str, Sequence[Stratification]]) -> tuple[Separation, ...]:
    """Compare how far every two embedders separate their first pictures.

    Args:
        rankings: By the name of each embedder to compare, what its rankings do: one per query, the queries
            in the same order.

    Returns:
        One per pair, in the order of the embedders.
    """
    pairs = list(itertools.combinations(rankings, 2))
    logs = [_log_ratios(rankings[a], rankings[b]) for a, b in pairs]
    tests = [MeanTest.of(each) if len(each) else None for each in logs]
    ps = [None if test is None else test.p for test in tests]
    return tuple(
        _separation(a, b, test, p_holm, level)
        for (a, b), test, p_holm, level in zip(pairs, tests, holm(ps), holm_levels(ps, ALPHA), strict=True)
    )


def _log_ratios(of_a: Sequence[Stratification], of_b: Sequence[Stratification]) -> NDArray[np.float64]:
    """Of the queries for which both fall, in deviations of the same kind: the bank's or robust ones."""
    falls = [
        (a.z_gap, b.z_gap)
        for a, b in zip(of_a, of_b, strict=True)
        if a.z_gap and b.z_gap and (a.matches is None) == (b.matches is None)
    ]
    return np.array([np.log(a / b) for a, b in falls], np.float64).round(12)


def _separation(a: str, b: str, test: MeanTest | None, p_holm: float | None, level: float) -> Separation:
    if test is None or p_holm is None:
        return Separation(a=a, b=b, queries=0)
    return Separation(
        a=a,
        b=b,
        queries=test.count,
        ratio=float(np.exp(test.mean)),
        interval=_interval(test, level),
        p=test.p,
        p_holm=p_holm,
        verdict=_verdict(test.count, test.p, p_holm),
    )


def _interval(test: MeanTest, level: float) -> tuple[float, float] | None:
    """At the level at which this pair is tested: interval and test never contradict."""
    low, high = test.interval(level)
    return (float(np.exp(low)), float(np.exp(high))) if np.isfinite([low, high]).all() else None


def _verdict(queries: int, p: float, p_holm: float) -> Shown:
    if p_holm <= ALPHA:
        return "shown"
    if p <= SUGGESTIVE:
        return "suggestive"
    return "too few queries" if smallest_p(queries) > ALPHA else "not seen"
