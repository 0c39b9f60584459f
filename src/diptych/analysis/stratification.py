"""One ranking described without labels: where it breaks, how sure that is, how far above the rest its top is.

Every figure is unit-free, so that embedders with different score scales can be set side by side. None of them
says which embedder ranks better: a list can break in the wrong place.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.cuts.autocut import AUTOCUT, autocut
from diptych.analysis.cuts.bank_gap import NARROWEST, BankGaps, deepest_rank
from diptych.analysis.cuts.gap import GAP, least_probable_gap, one_mode_p, scores_needed
from diptych.analysis.cuts.knee import KNEE, knee
from diptych.analysis.cuts.mixture import MIXTURE, mixture_cut
from diptych.analysis.cuts.otsu import EXCESS_VARIANCE, OTSU, excess_variance, otsu
from diptych.analysis.cuts.robust import ROBUST, robust_cut, robust_spread
from diptych.analysis.null import STANDS_OUT
from diptych.analysis.order import best_first
from diptych.concept import Concept, measured

Verdict: TypeAlias = Literal["break", "gradual", "too few images", "all equal", "nothing matches"]
"""The last is in files made before "stands out" was a figure of its own."""

VERDICT = Concept(
    name="verdict",
    reading="break: the scores drop at one place by more than chance would have it; gradual: no clear break"
    "; all equal: every image has the same score",
    range="break, gradual, too few images, all equal; in older files also nothing matches",
    unit_free=True,
    source="this project: a break where its p is at most 0.05 and its z-gap at least 0.5",
)

P = Concept(
    name="p of the break",
    reading="How often a list without a break has a gap as large, for its rank, as the largest here: up to"
    " 0.05 is a break",
    range="0 to 1",
    unit_free=True,
    source="rank among the null bank's own lists of the same images (Barnard 1963); without a bank,"
    " one smooth mode",
)

STABILITY = Concept(
    name="stability",
    reading="How often the largest gap stays at the same place, within one rank, when images are left out at"
    " random: it says how firm the place is, not whether there is a break",
    range="0 to 1",
    unit_free=True,
    source="bootstrap of the collection, 200 resamples, of those that keep an image above the gap;"
    " Efron 1979",
)

PLACE = Concept(
    name="place of the largest gap",
    reading="Where the largest gap is in 8 of 10 resamples, and in the list itself: wide where its place is"
    " unsure",
    range="two ranks",
    unit_free=True,
    source="the shortest such range of the resamples of the stability; after the shorth: Andrews et al. 1972",
)

BAND = Concept(
    name="band",
    reading="The shortest range of ranks in which most of the cuts fall: wide where they disagree",
    range="two ranks",
    unit_free=True,
    source="this project, after the shorth: Andrews et al. 1972",
)

Z_GAP = Concept(
    name="z-gap",
    reading="How far the scores drop at the largest gap: large where the list has two levels",
    range="0 and above; in null standard deviations, without a bank in robust ones of the list's lower half",
    unit_free=True,
    source="largest gap over the standard deviation of the null scores",
)

GAP_SHARE = Concept(
    name="gap share",
    reading="The part of the whole fall from the first score to the last that happens at the greatest gap",
    range="0 to 1",
    unit_free=True,
    source="gap over range",
)

TAIL_SURPRISE = Concept(
    name="tail surprise",
    reading="How improbable the greatest gap is in one smooth mode, as a power of ten: 3 is one in"
    " a thousand",
    range="0 to 16",
    unit_free=True,
    source="minus log10 p of normalised spacings, the number of gaps allowed for",
)

CUTS: Mapping[str, Concept] = {
    "null bank": STANDS_OUT,
    "gap": GAP,
    "otsu": OTSU,
    "robust z": ROBUST,
    "mixture": MIXTURE,
    "knee": KNEE,
    "autocut": AUTOCUT,
}
"""The ways to cut, in the order they are shown."""

LEVEL = 0.05
"""How often a list without a break is called one, at most."""

FEWEST_IMAGES = 4
"""With fewer nobody can say what is a gap."""

FEWEST_WITHOUT_BANK = 7
"""With fewer, and no lists of the same images to compare with, there is none either."""

_FEWEST_LISTS = round(1 / LEVEL) - 1
"""With fewer of the bank's lists no p could be as small as the level."""

_RESAMPLES = 200

_FIRM = 0.5
"""Where the largest gap is in the same place in fewer resamples than this, its place is unsure."""

_MOST_RESAMPLES = 0.8
"""The share of the resamples that `place` tells of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stratification:
    """What can be said of one ranking without labels.

    Attributes:
        verdict: What the ranking does.
        breakpoint: How many images stand above the break; None without one.
        p: How often a list without a break has a gap like the largest here. This and all that follow but
            `stands_out` and `matches` are None with too few images, and where all score the same.
        stability: How firmly the largest gap stays where it is.
        place: After which rank the largest gap is, at the earliest and at the latest, in most resamples; None
            also in files made before it was known.
        band: The first and the last rank of the range in which most of the cuts fall; None with too few
            images.
        stands_out: How many images stand out from unrelated texts; None without a bank.
        matches: The same by its first name, under which older files have it alone.
        z_gap: The fall at the largest gap.
        gap_share: Its part of the whole fall.
        excess_variance: What two classes explain beyond one mode.
        tail_surprise: How improbable the least probable gap is in one smooth mode; None with fewer than
            `FEWEST_WITHOUT_BANK` images.
        cuts: How many images each way to cut keeps, by name; 0 where it finds nothing to keep.
    """

    verdict: Verdict = measured(VERDICT)
    breakpoint: int | None = measured(GAP, default=None)
    p: float | None = measured(P, default=None)
    stability: float | None = measured(STABILITY, default=None)
    place: tuple[int, int] | None = measured(PLACE, default=None)
    band: tuple[int, int] | None = measured(BAND, default=None)
    stands_out: int | None = measured(STANDS_OUT, default=None)
    matches: int | None = None
    z_gap: float | None = measured(Z_GAP, default=None)
    gap_share: float | None = measured(GAP_SHARE, default=None)
    excess_variance: float | None = measured(EXCESS_VARIANCE, default=None)
    tail_surprise: float | None = measured(TAIL_SURPRISE, default=None)
    cuts: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def largest_gap(self) -> int | None:
        """The rank after which the largest gap is, a break or not; None where nobody can say."""
        return self.cuts.get("gap")

    @property
    def unsure(self) -> bool:
        """Whether the list breaks, at a place that changes with which images there are."""
        return self.breakpoint is not None and self.stability is not None and self.stability < _FIRM

    def beside(self, above: int) -> Stratification:
        """The same in a list with one more image, which has `above` of these before it and was left out."""

        def moved(rank: int) -> int:
            return rank + (rank > above)

        return dataclasses.replace(
            self,
            breakpoint=None if self.breakpoint is None else moved(self.breakpoint),
            place=None if self.place is None else (moved(self.place[0]), moved(self.place[1])),
            band=None if self.band is None else (moved(self.band[0]), moved(self.band[1])),
            cuts={name: moved(rank) for name, rank in self.cuts.items()},
        )


def stratify(
    scores: NDArray[np.floating],
    *,
    stands_out: int | None = None,
    unit: float | None = None,
    gaps: BankGaps | None = None,
) -> Stratification:
    """Describe one ranking.

    Args:
        scores: Of every image, in any order; shape (n,), finite. Those that come best first are not sorted.
        stands_out: How many images stand out, by the null bank; None without one.
        unit: The standard deviation of the null scores; without one, that of the ranking's lower half is
            taken.
        gaps: Those of the bank's own rankings of these images; None where there is no bank, or where its
            rankings are not a null for gaps. Those of fewer than 19 rankings are not used.

    Raises:
        ValueError: A score is not finite.
    """
    n = len(scores)
    in_order = n < 2 or bool((scores[1:] <= scores[:-1]).all())
    descending = np.asarray(scores if in_order else scores[best_first(scores)], np.float64)
    if not np.isfinite(descending[[0, -1]] if n else descending).all():
        raise ValueError("a ranking needs finite scores")
    if gaps is not None and len(gaps.sizes) < _FEWEST_LISTS:
        gaps = None
    if n > 1 and descending[0] == descending[-1]:
        return Stratification(verdict="all equal", stands_out=stands_out, matches=stands_out)
    if n < (FEWEST_WITHOUT_BANK if gaps is None else FEWEST_IMAGES):
        return Stratification(verdict="too few images", stands_out=stands_out, matches=stands_out)
    rank, p = _largest_gap(descending, gaps)
    classes = otsu(descending)
    cuts = {
        **({} if stands_out is None else {"null bank": stands_out}),
        "gap": rank,
        "otsu": classes.rank,
        "robust z": robust_cut(descending),
        "mixture": mixture_cut(descending),
        "knee": knee(descending),
        "autocut": autocut(descending),
    }
    fall = float(descending[rank - 1] - descending[rank])
    whole = float(descending[0] - descending[-1])
    unit = robust_spread(descending) if unit is None else unit
    stability, place = _firmness(descending, rank, gaps)
    breaks = p <= LEVEL and fall >= NARROWEST * unit
    return Stratification(
        verdict="break" if breaks else "gradual",
        breakpoint=rank if breaks else None,
        p=p,
        stability=stability,
        place=place,
        band=_band(list(cuts.values())),
        stands_out=stands_out,
        matches=stands_out,
        z_gap=fall / unit if unit > 0 else None,
        gap_share=fall / whole if whole > 0 else 0.0,
        excess_variance=excess_variance(classes, n),
        tail_surprise=_tail_surprise(descending),
        cuts=cuts,
    )


def _largest_gap(descending: NDArray[np.float64], gaps: BankGaps | None) -> tuple[int, float]:
    """How many images stand above the largest gap, and how often chance makes one as large."""
    if gaps is not None:
        ranks, sizes = gaps.largest(descending[None])
        return int(ranks[0]), gaps.p(float(sizes[0]))
    n = len(descending)
    found = least_probable_gap(descending[None, : scores_needed(n)], n)
    return int(found.ranks[0]), one_mode_p(float(found.surprise[0]), n)


def _tail_surprise(descending: NDArray[np.float64]) -> float | None:
    if len(descending) < FEWEST_WITHOUT_BANK:
        return None
    return -float(np.log10(_largest_gap(descending, None)[1]))


def _band(ranks: Sequence[int]) -> tuple[int, int] | None:
    """The shortest range that holds more than half of the cuts, those left out that found nothing."""
    found = sorted(rank for rank in ranks if rank > 0)
    if not found:
        return None
    most = len(found) // 2 + 1
    ranges = [(found[i], found[i + most - 1]) for i in range(len(found) - most + 1)]
    return min(ranges, key=lambda ends: (ends[1] - ends[0], ends))


def _firmness(
    descending: NDArray[np.float64], rank: int, gaps: BankGaps | None
) -> tuple[float, tuple[int, int]]:
    """How many resampled collections have their largest gap within one rank of this one, and where most do.

    The first is a share, 0 to 1.

    A gap of a resample reaches from the last image drawn above it to the first one below: where images at the
    gap were not drawn, it is the same gap. A resample without any image from above can't have it, and says
    nothing of how firm it is.
    """
    n = len(descending)
    drawn = _resamples(n)
    drawn = drawn[drawn[:, 0] < rank]
    lists = descending[drawn]
    ranks = (
        least_probable_gap(lists[:, : scores_needed(n)], n).ranks if gaps is None else gaps.largest(lists)[0]
    )
    each = np.arange(len(drawn))
    last_above = drawn[each, ranks - 1] + 1
    first_below = drawn[each, ranks]
    stability = float(np.mean((last_above <= rank + 1) & (first_below >= rank - 1)))
    return stability, _place(np.clip(rank, last_above, first_below), rank)


def _place(ranks: NDArray[np.intp], rank: int) -> tuple[int, int]:
    """The shortest range that holds most of these ranks, and the list's own."""
    found = np.sort(ranks)
    most = math.ceil(_MOST_RESAMPLES * len(found))
    begin = int(np.argmin(found[most - 1 :] - found[: len(found) - most + 1]))
    return min(rank, int(found[begin])), max(rank, int(found[begin + most - 1]))


@lru_cache(maxsize=8)
def _resamples(n: int) -> NDArray[np.intp]:
    """Which images, by rank, each resampled collection begins with: the same for all rankings of n images."""
    rng = np.random.default_rng(0)
    needed = max(scores_needed(n), deepest_rank(n) + 1)
    return np.stack([_smallest(rng.integers(0, n, n), needed) for _ in range(_RESAMPLES)])


def _smallest(drawn: NDArray[np.intp], needed: int) -> NDArray[np.intp]:
    """The smallest of n numbers drawn from 0 to n - 1, ascending."""
    # About as many are below a number as it says, and the others need no sorting.
    few = drawn[drawn < needed + 8 * needed**0.5]
    return np.sort(few if len(few) >= needed else drawn)[:needed]
