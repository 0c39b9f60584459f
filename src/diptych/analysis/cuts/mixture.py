"""A mixture of two normal distributions: the images that the upper one explains better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.cuts.otsu import otsu
from diptych.concept import Concept

MIXTURE = Concept(
    name="two-normal mixture",
    reading="How many images more likely come from the upper of two normal modes; two are fitted"
    " even where there is one",
    range="a rank, from 1 to the last but one; 0 where the two can't be told apart",
    unit_free=True,
    source="expectation-maximisation (Dempster et al. 1977), begun at Otsu's cut; score modes:"
    " Arampatzis et al. 2009",
)

_STEPS = 50
_ALONE, _GROUPS = 5_000, 5_000
"""Of a longer list only the first scores are taken one by one, the others in so many groups of neighbours."""

_NARROWEST = 0.02
"""A mode is at least this wide, in standard deviations of all scores, or it would shrink onto one of them."""


def mixture_cut(descending: NDArray[np.float64]) -> int:
    """How many images, from the first on, the upper mode explains better than the lower.

    Args:
        descending: Scores, best first; shape (n,), n at least 2.
    """
    start = otsu(descending).rank
    if start == 0:
        return 0
    # Centred, first by a score itself, and in units of their spread: so sums of squares lose no digits.
    scores = descending - descending[-1]
    scores = (scores - scores.mean()) / scores.std()
    groups = _Groups.of(scores)
    share = (groups.starts < start).astype(np.float64)
    for _ in range(_STEPS):
        before, modes = share, groups.modes(share)
        share = _share(modes, groups.means)
        if np.abs(share - before).max() < 1e-4:
            break
    rest = groups.counts * (1 - share + 1e-12)
    lower_mean = (rest @ groups.means) / rest.sum()
    # A wide lower mode may claim the very best again.
    kept = (_share(modes, scores) > 0.5) & (scores > lower_mean)
    return int(kept.argmin()) if not kept.all() else 0


_Modes: TypeAlias = tuple[float, float, float]
"""How much more likely the lower mode is than the upper, as log odds: what x², x and 1 are multiplied by."""


@dataclass(frozen=True)
class _Groups:
    """Neighbouring scores taken together: which mode they come from is as good as the same for them."""

    starts: NDArray[np.intp]
    counts: NDArray[np.float64]
    means: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> _Groups:
        """Each score by itself where they are few enough for that."""
        n = len(scores)
        starts = np.arange(min(n, _ALONE + _GROUPS))
        if n > len(starts):
            starts[_ALONE:] = np.linspace(_ALONE, n, _GROUPS, endpoint=False).astype(np.intp)
        counts = np.diff(starts, append=n).astype(np.float64)
        means, squares = (np.add.reduceat(values, starts) / counts for values in (scores, scores**2))
        return cls(starts, counts, means, squares)

    def modes(self, share: NDArray[np.float64]) -> _Modes:
        """Fit both modes, where each group comes from the upper one by this share."""
        weights = share * self.counts
        upper = float(weights.sum()), float(weights @ self.means), float(weights @ self.squares)
        n = float(self.counts.sum())
        lower = n - upper[0], -upper[1], n - upper[2]  # all scores have mean 0 and variance 1
        square, linear, constant = (
            b - a for a, b in zip(_log_density(*upper), _log_density(*lower), strict=True)
        )
        return square, linear, constant


def _share(modes: _Modes, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The chance that each score comes from the upper mode."""
    square, linear, constant = modes
    return np.asarray(1 / (1 + np.exp(np.minimum((square * scores + linear) * scores + constant, 700))))


def _log_density(count: float, total: float, squared: float) -> tuple[float, float, float]:
    """A mode's weighted log density as a polynomial: what squares, scores and 1 are multiplied by."""
    count += 1e-12
    mean = total / count
    variance = max(squared / count - mean**2, _NARROWEST**2)
    constant = math.log(count) - 0.5 * math.log(variance) - mean**2 / (2 * variance)
    return -1 / (2 * variance), mean / variance, constant
