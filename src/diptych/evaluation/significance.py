"""Is one embedder better? Paired comparison over queries, with its uncertainty and a plain verdict."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured
from diptych.errors import DiptychError
from diptych.evaluation.holm import holm, holm_levels
from diptych.evaluation.interval import INTERVAL, P_VALUE, MeanTest
from diptych.evaluation.power import NEEDED_RANGE, QUERIES_NEEDED, needed_range, queries_needed
from diptych.evaluation.sign_flip import smallest_p
from diptych.evaluation.spending import running_level

Floats = NDArray[np.float64]
Verdict = Literal["a better", "b better", "cannot tell"]

ALPHA = 0.05
"""How often a verdict may call one of equal embedders better."""

DIFFERENCE = Concept(
    name="mean difference",
    reading="By how much the first embedder's metric is higher on average over the queries",
    range="-1–1, in the metric's units",
    unit_free=True,
    source="mean of the paired differences",
)
EFFECT = Concept(
    name="effect size d_z",
    reading="The mean difference in standard deviations of the differences: 0.2 is small, 0.8 large",
    range="any number; 0: no difference",
    unit_free=True,
    source="Cohen, Statistical Power Analysis, 1988",
)
HOLM_P = Concept(
    name="p (Holm)",
    reading="P corrected for how many pairs of embedders are compared; significant up to the level",
    range="0–1",
    unit_free=True,
    source="Holm, Scandinavian Journal of Statistics 1979",
)
SMALLEST_P = Concept(
    name="smallest p possible",
    reading="The p where one embedder is ahead on every query on which they differ; above the level no"
    " result is significant",
    range="0–1",
    unit_free=True,
    source="2 of the 2^m ways to set the signs of m differences; one of them where others tie",
)
LEVEL = Concept(
    name="level",
    reading="How often a verdict may be wrong where the embedders are equal: 0.05, and less while judgments"
    " are still being given, since every look is another chance to err",
    range="0–0.05",
    unit_free=True,
    source="0.05; while judgments are given, alpha spending: Lan and DeMets, Biometrika 1983",
)
CONFIDENCE = Concept(
    name="confidence of the interval",
    reading="How often such an interval holds the true difference: more than 95 % with several embedders, and"
    " while judgments are still being given, as the verdict's level is lower then",
    range="0.95–1",
    unit_free=True,
    source="one minus the level that Holm's procedure gives this pair",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedComparison:
    """Two embedders compared by one metric over the queries for which both have it.

    Attributes:
        a: The first embedder's name.
        b: The second's.
        metric: The metric's name, such as "nDCG@10".
        pairs: How many pairs of embedders were compared at once: for how many p (Holm) is corrected.
        queries: How many queries both have the metric for.
        wins: On how many of them a is higher.
        ties: On how many they are equal.
        losses: On how many b is higher.
        verdict: Better only where p (Holm) is at most the level, which is where the interval leaves out 0.
        undefined: Why a figure is None, by its field's name.
        floor: Which of the two is a floor that any real model should beat, "a" or "b"; None where neither is.
        planned: For judgments that are still being given: how many queries were planned; 0 where nobody said.
            None for judgments that were there before anything was compared.
    """

    a: str
    b: str
    metric: str
    pairs: int
    queries: int
    wins: int
    ties: int
    losses: int
    difference: float | None = measured(DIFFERENCE)
    interval: tuple[float, float] | None = measured(INTERVAL)
    effect: float | None = measured(EFFECT)
    p: float | None = measured(P_VALUE)
    p_holm: float | None = measured(HOLM_P)
    smallest_p: float | None = measured(SMALLEST_P)
    queries_needed: int | None = measured(QUERIES_NEEDED)
    verdict: Verdict
    undefined: dict[str, str]
    needed_range: tuple[int, int] | None = measured(NEEDED_RANGE, default=None)
    level: float = measured(LEVEL, default=ALPHA)
    confidence: float = measured(CONFIDENCE, default=1 - ALPHA)
    floor: Literal["a", "b"] | None = None
    planned: int | None = None


@dataclass(frozen=True)
class _Pair:
    """Two embedders' differences, and what the test says of them; None where no query has the metric."""

    a: str
    b: str
    differences: Floats
    test: MeanTest | None

    @classmethod
    def of(cls, values: Mapping[str, Sequence[float | None]], a: str, b: str) -> _Pair:
        both = [x - y for x, y in zip(values[a], values[b], strict=True) if x is not None and y is not None]
        differences = np.array(both, np.float64).round(9)  # what differs by rounding alone is a tie
        return cls(a, b, differences, MeanTest.of(differences, ties=True) if both else None)


def compare_embedders(
    metric: str,
    values: Mapping[str, Sequence[float | None]],
    *,
    floors: Collection[str] = (),
    planned: int | None = None,
    alpha: float = ALPHA,
) -> tuple[PairedComparison, ...]:
    """Compare every two embedders by one metric.

    A floor, which any real model should beat, is compared with each real one apart: it takes nothing from
    what can be seen among these. Two floors are compared only where there is nothing else.

    Args:
        metric: Its name, for the sentence.
        values: By the embedder's name its value, 0 to 1, for each query, None where it is undefined; all of
            one length.
        floors: Which of the embedders are floors.
        planned: Where judgments are still being given, how many queries were planned, 0 where nobody said;
            None where all judgments were there before.
        alpha: How often any of these verdicts may be wrong.

    Returns:
        One comparison per pair, in the order of the embedders.

    Raises:
        DiptychError: The embedders have values for different numbers of queries.
    """
    if len({len(row) for row in values.values()}) > 1:
        raise DiptychError(
            f"the embedders have {metric} for different numbers of queries: compare on the same ones"
        )
    pairs = [_Pair.of(values, a, b) for a, b in itertools.combinations(values, 2)]
    marked = set(floors) if set(values) - set(floors) else set()
    families = [[pair for pair in pairs if not marked & {pair.a, pair.b}]]
    families += [[pair] for pair in pairs if len(marked & {pair.a, pair.b}) == 1]
    found = {
        (each.a, each.b): each
        for family in families
        for each in _compare(metric, family, marked, planned, alpha)
    }
    return tuple(found[pair.a, pair.b] for pair in pairs if (pair.a, pair.b) in found)


def _compare(
    metric: str, family: Sequence[_Pair], floors: Collection[str], planned: int | None, alpha: float
) -> Iterator[PairedComparison]:
    """Compare the pairs that are corrected for together."""
    judged = max((len(pair.differences) for pair in family), default=0)
    level = alpha if planned is None else running_level(judged, planned, alpha)
    ps = [None if pair.test is None else pair.test.p for pair in family]
    for pair, p_holm, share in zip(family, holm(ps), holm_levels(ps, level), strict=True):
        floor: Literal["a", "b"] | None = "a" if pair.a in floors else "b" if pair.b in floors else None
        in_the_end = alpha * share / level if level else alpha / len(family)  # when all planned are judged
        figures = _figures(pair, share, in_the_end)
        yield PairedComparison(
            **_counts(pair),
            **figures,
            metric=metric,
            pairs=len(family),
            p_holm=p_holm,
            verdict=_verdict(pair, p_holm, level),
            undefined=_reasons(metric, figures, len(pair.differences), level),
            level=level,
            confidence=1 - share,
            floor=floor if len(family) == 1 else None,
            planned=planned,
        )


def _counts(pair: _Pair) -> dict[str, Any]:
    wins, losses = int((pair.differences > 0).sum()), int((pair.differences < 0).sum())
    queries = len(pair.differences)
    return {
        "a": pair.a,
        "b": pair.b,
        "queries": queries,
        "wins": wins,
        "ties": queries - wins - losses,
        "losses": losses,
        "smallest_p": smallest_p(wins + losses, 0.5 if queries > wins + losses else 1.0) if queries else None,
    }


def _figures(pair: _Pair, level: float, in_the_end: float) -> dict[str, Any]:
    """The figures, at the pair's level; the queries needed, at the one that it has in the end."""
    test, queries, effect = pair.test, len(pair.differences), _effect(pair)
    return {
        "difference": None if test is None else test.mean,
        "interval": None if test is None or not level else _interval(test, level),
        "effect": effect,
        "p": None if test is None else test.p,
        "queries_needed": None if effect is None else queries_needed(effect, in_the_end),
        "needed_range": None if not effect else needed_range(effect, queries, in_the_end),
    }


def _effect(pair: _Pair) -> float | None:
    if len(pair.differences) < 2 or np.ptp(pair.differences) == 0:
        return None
    return float(pair.differences.mean() / pair.differences.std(ddof=1))


def _interval(test: MeanTest, level: float) -> tuple[float, float] | None:
    """None where the values can't have one: it would hold all that a metric's difference can be."""
    low, high = test.interval(level)
    return None if math.isinf(low) else (max(low, -1.0), min(high, 1.0))  # metrics lie between 0 and 1


def _verdict(pair: _Pair, p_holm: float | None, level: float) -> Verdict:
    if pair.test is None or p_holm is None or p_holm > level:
        return "cannot tell"
    return "a better" if pair.test.mean > 0 else "b better"


def _reasons(metric: str, figures: Mapping[str, Any], queries: int, level: float) -> dict[str, str]:
    """Why each figure that is None is so."""
    missing = [name for name, figure in figures.items() if figure is None]
    if not queries:
        return dict.fromkeys((*missing, "p_holm", "smallest_p"), f"no query has {metric} for both embedders")
    if figures["effect"] is None:
        why = "one query has no spread" if queries == 1 else "all queries differ by the same amount"
        return dict.fromkeys(missing, why)
    equal, rough = "the mean difference is 0", "the effect size is known too roughly"
    needed = rough if figures["effect"] else equal
    few = "too few queries differ for an interval" if level else "so early nothing can be shown"
    return {name: few if name == "interval" else needed for name in missing}
