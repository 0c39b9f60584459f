"""Is one embedder better? Paired comparison over queries, with its uncertainty and a plain verdict."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured
from diptych.errors import DiptychError
from diptych.evaluation.interval import INTERVAL, mean_interval
from diptych.evaluation.power import QUERIES_NEEDED, queries_needed
from diptych.evaluation.sign_flip import P_VALUE, SMALLEST_P, sign_flip_p, smallest_p

Floats = NDArray[np.float64]
Verdict = Literal["a better", "b better", "cannot tell"]

ALPHA = 0.05

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
    range="any number; 0 is no difference",
    unit_free=True,
    source="Cohen, Statistical Power Analysis, 1988",
)
HOLM_P = Concept(
    name="p (Holm)",
    reading="P corrected for how many pairs of embedders are compared; 0.05 or less is called significant",
    range="0–1",
    unit_free=True,
    source="Holm, Scandinavian Journal of Statistics 1979",
)


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """Two embedders compared by one metric over the queries for which both have it.

    Attributes:
        a: The first embedder's name.
        b: The second's.
        metric: The metric's name, such as "nDCG@10".
        pairs: How many pairs of embedders were compared at once.
        queries: How many queries both have the metric for.
        wins: On how many of them a is higher.
        ties: On how many they are equal.
        losses: On how many b is higher.
        verdict: Better only where p (Holm) is at most 0.05 and the interval, where there is one, leaves out
            0.
        undefined: Why a figure is None, by its field's name.
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


def compare_embedders(
    metric: str, values: Mapping[str, Sequence[float | None]]
) -> tuple[PairedComparison, ...]:
    """Compare every pair of embedders by one metric.

    Args:
        metric: Its name, for the sentence.
        values: By the embedder's name its value, 0 to 1, for each query, None where it is undefined; all of
            one length.

    Returns:
        One comparison a pair, in the order of the embedders.

    Raises:
        DiptychError: The embedders have values for different numbers of queries.
    """
    if len({len(row) for row in values.values()}) > 1:
        raise DiptychError(
            f"the embedders have {metric} for different numbers of queries: compare on the same ones"
        )
    names = list(itertools.combinations(values, 2))
    differences = [_differences(values[a], values[b]) for a, b in names]
    ps = [float(sign_flip_p(d)) if len(d) else None for d in differences]
    return tuple(
        _compare(a, b, metric, d, p, p_holm, len(names))
        for (a, b), d, p, p_holm in zip(names, differences, ps, holm(ps), strict=True)
    )


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's correction: the k-th smallest of m p-values times m − k + 1, never falling, at most 1."""
    order = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        corrected[place] = highest
    return corrected


def _differences(a: Sequence[float | None], b: Sequence[float | None]) -> Floats:
    both = [x - y for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    return np.array(both, np.float64).round(12)  # what differs by rounding alone is a tie


def _compare(
    a: str, b: str, metric: str, differences: Floats, p: float | None, p_holm: float | None, pairs: int
) -> PairedComparison:
    queries, wins, losses = len(differences), int((differences > 0).sum()), int((differences < 0).sum())
    difference = float(differences.mean()) if queries else None
    spread = float(differences.std(ddof=1)) if queries > 1 and np.ptp(differences) > 0 else None
    effect = None if difference is None or spread is None else difference / spread
    interval = _interval(differences) if spread is not None else None
    return PairedComparison(
        a=a,
        b=b,
        metric=metric,
        pairs=pairs,
        queries=queries,
        wins=wins,
        ties=queries - wins - losses,
        losses=losses,
        difference=difference,
        interval=interval,
        effect=effect,
        p=p,
        p_holm=p_holm,
        smallest_p=smallest_p(wins + losses) if queries else None,
        queries_needed=None if effect is None else queries_needed(effect, ALPHA / pairs),
        verdict=_verdict(difference, interval, p_holm),
        undefined=_reasons(metric, differences, difference, effect),
    )


def _interval(differences: Floats) -> tuple[float, float]:
    low, high = mean_interval(differences)
    return max(float(low), -1.0), min(float(high), 1.0)  # metrics lie between 0 and 1


def _verdict(difference: float | None, interval: tuple[float, float] | None, p_holm: float | None) -> Verdict:
    if difference is None or p_holm is None or p_holm > ALPHA:
        return "cannot tell"
    if interval is not None and interval[0] <= 0 <= interval[1]:
        return "cannot tell"
    return "a better" if difference > 0 else "b better"


def _reasons(
    metric: str, differences: Floats, difference: float | None, effect: float | None
) -> dict[str, str]:
    everything = ("difference", "interval", "effect", "p", "p_holm", "smallest_p", "queries_needed")
    if difference is None:
        return dict.fromkeys(everything, f"no query has {metric} for both embedders")
    if effect is None:
        one = "one query has no spread" if len(differences) == 1 else "all queries differ by the same amount"
        return dict.fromkeys(("interval", "effect", "queries_needed"), one)
    return {"queries_needed": "the mean difference is 0"} if effect == 0 else {}
