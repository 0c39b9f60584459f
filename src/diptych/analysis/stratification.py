"""One ranking described without labels: where it breaks, how sure that is, how far above the rest its top is.

Every figure is unit-free, so that embedders with different score scales can be set side by side. None of them
says which embedder ranks better: a list can break in the wrong place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.cuts.autocut import AUTOCUT, autocut
from diptych.analysis.cuts.gap import GAP, least_probable_gap, one_mode_p, scores_needed
from diptych.analysis.cuts.knee import KNEE, knee
from diptych.analysis.cuts.mixture import MIXTURE, mixture_cut
from diptych.analysis.cuts.otsu import EXCESS_VARIANCE, OTSU, excess_variance, otsu
from diptych.analysis.cuts.robust import ROBUST, robust_cut, robust_spread
from diptych.analysis.null import MATCHES
from diptych.concept import Concept, measured

Verdict: TypeAlias = Literal["break", "gradual", "nothing matches", "too few images"]

VERDICT = Concept(
    name="verdict",
    reading="break: the scores fall at one place by more than chance would have it; gradual: no clear break;"
    " nothing matches: no image scores above what unrelated texts get, or all score the same",
    range="break, gradual, nothing matches, too few images",
    unit_free=True,
    source="this project: a break where its p is at most 0.05 and its z-gap at least 0.5",
)

P = Concept(
    name="p of the break",
    reading="How often a list without a break has a gap as improbable as the greatest here: below"
    " 0.05 is a break",
    range="0 to 1",
    unit_free=True,
    source="rank among the null-query bank's own lists on the same images; without a bank, one smooth mode",
)

STABILITY = Concept(
    name="stability",
    reading="The share of resampled collections in which the break falls within one rank of here:"
    " near 1 is firm",
    range="0 to 1",
    unit_free=True,
    source="bootstrap of the collection, 200 resamples; Efron 1979",
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
    reading="The fall at the greatest gap: large where the list has two levels",
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
    "null bank": MATCHES,
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

NARROWEST = 0.5
"""A fall of fewer deviations is no break, however regular the scores below: a cut there separates nothing."""

FEWEST_IMAGES = 7
"""With fewer there is no saying what is a gap."""

_FEWEST_LISTS = round(1 / LEVEL) - 1
"""With fewer of the bank's lists no p could be as small as the level."""

_RESAMPLES = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Stratification:
    """What can be said of one ranking without labels.

    Attributes:
        verdict: What the ranking does.
        breakpoint: How many images stand above the break; None without one.
        p: How often a list without a break has a gap like the greatest here. This and all that follow but
            `matches` are None with too few images, and where all score the same.
        stability: How firmly the greatest gap stays where it is.
        band: The first and the last rank of the range in which most of the cuts fall; None with too few
            images.
        matches: How many images match; None without a bank.
        z_gap: The fall at the greatest gap.
        gap_share: Its part of the whole fall.
        excess_variance: What two classes explain beyond one mode.
        tail_surprise: How improbable the greatest gap is.
        cuts: How many images each way to cut keeps, by name; 0 where it finds nothing to keep.
    """

    verdict: Verdict = measured(VERDICT)
    breakpoint: int | None = measured(GAP, default=None)
    p: float | None = measured(P, default=None)
    stability: float | None = measured(STABILITY, default=None)
    band: tuple[int, int] | None = measured(BAND, default=None)
    matches: int | None = measured(MATCHES, default=None)
    z_gap: float | None = measured(Z_GAP, default=None)
    gap_share: float | None = measured(GAP_SHARE, default=None)
    excess_variance: float | None = measured(EXCESS_VARIANCE, default=None)
    tail_surprise: float | None = measured(TAIL_SURPRISE, default=None)
    cuts: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def beside(self, above: int) -> Stratification:
        """The same in a list with one more image, which has `above` of these before it and was left out."""

        def moved(rank: int) -> int:
            return rank + (rank > above)

        return dataclasses.replace(
            self,
            breakpoint=None if self.breakpoint is None else moved(self.breakpoint),
            band=None if self.band is None else (moved(self.band[0]), moved(self.band[1])),
            cuts={name: moved(rank) for name, rank in self.cuts.items()},
        )


def stratify(
    scores: NDArray[np.floating],
    *,
    matches: int | None = None,
    unit: float | None = None,
    null_surprises: NDArray[np.float64] | None = None,
) -> Stratification:
    """Describe one ranking.

    Args:
        scores: Of every image, in any order; shape (n,), finite.
        matches: How many images match, by the null-query bank; None without one.
        unit: The standard deviation of the null scores; without one, that of the ranking's lower half is
            taken.
        null_surprises: The surprise of the greatest gap in each of the bank's own rankings of these images;
            None where there is no bank, or where its rankings are no null for gaps. Fewer than 19 are not
            used.

    Raises:
        ValueError: A score is not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("a ranking needs finite scores")
    n = len(scores)
    if n < FEWEST_IMAGES or np.ptp(scores) == 0:
        nothing = matches == 0 or n >= FEWEST_IMAGES
        return Stratification(verdict="nothing matches" if nothing else "too few images", matches=matches)
    descending = -np.sort(-np.asarray(scores, np.float64))
    gap = least_probable_gap(descending[None, : scores_needed(n)], n)
    rank, surprise = int(gap.ranks[0]), float(gap.surprise[0])
    p = _p(surprise, n, null_surprises)
    classes = otsu(descending)
    cuts = {
        **({} if matches is None else {"null bank": matches}),
        "gap": rank,
        "otsu": classes.rank,
        "robust z": robust_cut(descending),
        "mixture": mixture_cut(descending),
        "knee": knee(descending),
        "autocut": autocut(descending),
    }
    band, stability = _band(list(cuts.values())), _stability(descending, rank)
    fall = float(descending[rank - 1] - descending[rank])
    whole = float(descending[0] - descending[-1])
    unit = robust_spread(descending) if unit is None else unit
    breaks = p <= LEVEL and fall >= NARROWEST * unit
    verdict: Verdict = "nothing matches" if matches == 0 else "break" if breaks else "gradual"
    return Stratification(
        verdict=verdict,
        breakpoint=rank if verdict == "break" else None,
        p=p,
        stability=stability,
        band=band,
        matches=matches,
        z_gap=fall / unit if unit > 0 else None,
        gap_share=fall / whole if whole > 0 else 0.0,
        excess_variance=excess_variance(classes, n),
        tail_surprise=-float(np.log10(one_mode_p(surprise, n))),
        cuts=cuts,
    )


def _p(surprise: float, n: int, null_surprises: NDArray[np.float64] | None) -> float:
    """The share of lists, this one and the bank's, whose greatest gap is as improbable as this one's."""
    if null_surprises is None or len(null_surprises) < _FEWEST_LISTS:
        return one_mode_p(surprise, n)
    return (1 + int((null_surprises >= surprise).sum())) / (1 + len(null_surprises))


def _band(ranks: Sequence[int]) -> tuple[int, int] | None:
    """The shortest range that holds more than half of the cuts, those left out that found nothing."""
    found = sorted(rank for rank in ranks if rank > 0)
    if not found:
        return None
    most = len(found) // 2 + 1
    ranges = [(found[i], found[i + most - 1]) for i in range(len(found) - most + 1)]
    return min(ranges, key=lambda ends: (ends[1] - ends[0], ends))


def _stability(descending: NDArray[np.float64], rank: int) -> float:
    """The share of resampled collections whose greatest gap is within one rank of this one.

    A gap of a resample reaches from the last image drawn above it to the first one below: where images at the
    gap were not drawn, it is the same gap.
    """
    drawn = _resamples(len(descending))
    gaps = least_probable_gap(descending[drawn], len(descending))
    lists = np.arange(len(drawn))
    last_above = drawn[lists, gaps.ranks - 1] + 1
    first_below = drawn[lists, gaps.ranks]
    return float(np.mean((last_above <= rank + 1) & (first_below >= rank - 1)))


@lru_cache(maxsize=8)
def _resamples(n: int) -> NDArray[np.intp]:
    """Which images, by rank, each resampled collection begins with: the same for all rankings of n images."""
    rng = np.random.default_rng(0)
    rows = [np.sort(rng.integers(0, n, n))[: scores_needed(n)] for _ in range(_RESAMPLES)]
    return np.stack(rows)
