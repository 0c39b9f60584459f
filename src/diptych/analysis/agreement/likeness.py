"""How far two embedders' rankings agree over all queries, and which word the queries settle for it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np

from diptych.analysis.agreement.correlation import KENDALL_TAU_B
from diptych.analysis.agreement.overlap import OVERLAP, OVERLAP_BY_CHANCE, overlap_by_chance
from diptych.analysis.agreement.pair import RankAgreement
from diptych.analysis.summary import FEWEST, Interval, over_queries
from diptych.concept import Concept, measured
from diptych.evaluation.wilson import wilson_interval

Word: TypeAlias = Literal["hardly", "in part", "largely"]

WORDS = Concept(
    name="agreement in a word",
    reading="Largely: of the first k they share at least 0.8, chance taken off; hardly: less than 0.4; in"
    " part: between. Several words where the interval over the queries leaves several open, none without"
    " an interval or where luck explains as much",
    range="hardly, in part, largely",
    unit_free=True,
    source="this project",
)
OVERLAP_P = Concept(
    name="p of the overlap",
    reading="How often unrelated rankings share as many among their first k: above 0.05 luck explains it",
    range="0 to 1",
    unit_free=True,
    source="the hypergeometric distribution, summed over the queries",
)
TAU_P = Concept(
    name="p of τ-b",
    reading="How often unrelated rankings agree as well on average: above 0.05 luck explains it",
    range="0 to 1",
    unit_free=True,
    source="normal approximation with variance 2(2n+5)/(9n(n-1)) for each query; Kendall 1938",
)
FIRST_SHARED = Concept(
    name="same first picture",
    reading="Of all queries of this kind, the share for which both rank the same picture first",
    range="lower and upper end of a 95 % interval, 0 to 1",
    unit_free=True,
    source="Wilson, JASA 1927",
)

ALIKE, UNALIKE = 0.8, 0.4
"""Overlaps of the first k, chance taken off: largely alike from the one on, hardly below the other."""

LUCK = 0.05
"""What unrelated rankings reach more often than this is not told from luck."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Likeness:
    """How far two embedders' rankings agree over all queries for which both rank something.

    Attributes:
        a: The first embedder's name.
        b: The second's.
        queries: How many queries these are.
        k: How deep the overlap looks.
        shared: How many of their first k they share on average. This, and what rests on it, is None where the
            first k are all pictures.
        by_chance: How many unrelated rankings would.
        above_chance: The overlap with chance at 0 and all at 1.
        taus: Kendall's τ-b of the whole rankings, one per query.
        tau: Their mean.
        first_shared: For how many queries both rank the same picture first.
        first_queries: Of how many: those for which each has one picture before all others.
    """

    a: str
    b: str
    queries: int
    k: int
    shared: float | None = measured(OVERLAP, default=None)
    by_chance: float | None = measured(OVERLAP_BY_CHANCE, default=None)
    above_chance: Interval | None = None
    overlap_p: float | None = measured(OVERLAP_P, default=None)
    words: tuple[Word, ...] = measured(WORDS, default=())
    taus: tuple[float, ...] = measured(KENDALL_TAU_B, default=())
    tau: Interval | None = None
    tau_p: float | None = measured(TAU_P, default=None)
    first_shared: int = 0
    first_queries: int = 0
    first_interval: tuple[float, float] | None = measured(FIRST_SHARED, default=None)


def likeness(
    a: str, b: str, rankings: Sequence[RankAgreement], same_first: Sequence[bool], images: int
) -> Likeness:
    """Sum up how two embedders' rankings agree.

    Args:
        a: The first embedder's name.
        b: The second's.
        rankings: How far the two rankings agree for each query, of at least one.
        same_first: For each query where each ranking has a first picture, whether it is the same one.
        images: How many pictures were ranked.
    """
    telling = [figures for figures in rankings if figures.kendall_tau_b is not None]
    taus = tuple(figures.kendall_tau_b for figures in telling if figures.kendall_tau_b is not None)
    first = sum(same_first)
    found = Likeness(
        a=a,
        b=b,
        queries=len(telling),
        k=rankings[0].k,
        taus=taus,
        tau=over_queries(taus) if taus else None,
        tau_p=_tau_p(taus, images) if taus else None,
        first_shared=first,
        first_queries=len(same_first),
        first_interval=wilson_interval(first, len(same_first)),
    )
    return _with_overlap(found, telling, images)


def _with_overlap(found: Likeness, telling: Sequence[RankAgreement], images: int) -> Likeness:
    above = [f.overlap_above_chance for f in telling if f.overlap_above_chance is not None]
    if not above:
        return found
    shared = [figures.overlap_at_k or 0 for figures in telling]
    interval, p = over_queries(above), overlap_p(sum(shared), len(shared), found.k, images)
    return dataclasses.replace(
        found,
        shared=float(np.mean(shared)),
        by_chance=overlap_by_chance(found.k, images),
        above_chance=interval,
        overlap_p=p,
        words=words(interval, p),
    )


def words(above_chance: Interval, p: float) -> tuple[Word, ...]:
    """The words that are left open for an overlap with chance taken off.

    Args:
        above_chance: Its mean over the queries.
        p: How often unrelated rankings share as much.

    Returns:
        One where the interval lies on one side of each boundary, several neighbours where it does not; none
        where there is no interval, or luck explains more than "hardly".
    """
    if above_chance.queries < FEWEST:
        return ()
    low, high = above_chance.low, above_chance.high
    if low is None or high is None:  # so many queries, and all share alike: that is one side
        low = high = above_chance.mean
    reached: dict[Word, bool] = {
        "hardly": low < UNALIKE,
        "in part": low < ALIKE and high >= UNALIKE,
        "largely": high >= ALIKE,
    }
    left_open = tuple(word for word, open_ in reached.items() if open_)
    return left_open if p <= LUCK or left_open == ("hardly",) else ()


def overlap_p(shared: int, queries: int, k: int, images: int) -> float:
    """How often unrelated rankings share at least so many of their first k, all queries together."""
    whole = math.comb(images, k)
    once = np.array([math.comb(k, i) * math.comb(images - k, k - i) / whole for i in range(k + 1)])
    total = np.ones(1)
    for _ in range(queries):
        total = np.convolve(total, once)
    return min(1.0, float(total[shared:].sum()))


def _tau_p(taus: Sequence[float], images: int) -> float:
    variance = 2 * (2 * images + 5) / (9 * images * (images - 1)) / len(taus)
    return 1 - NormalDist(0, math.sqrt(variance)).cdf(float(np.mean(taus)))
