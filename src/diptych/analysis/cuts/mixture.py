"""A mixture of two normal distributions: the images that the upper one explains better."""

from __future__ import annotations

import math

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
    squares = scores**2
    share = np.where(np.arange(len(scores)) < start, 1.0, 0.0)
    for _ in range(_STEPS):
        before, share = share, _responsibility(scores, squares, share)
        if np.abs(share - before).max() < 1e-4:
            break
    lower_mean = np.average(scores, weights=1 - share + 1e-12)
    kept = (share > 0.5) & (scores > lower_mean)  # a wide lower mode may claim the very best again
    return int(kept.argmin()) if not kept.all() else 0


def _responsibility(
    scores: NDArray[np.float64], squares: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One step: fit both modes to the shares, then share each score out anew."""
    upper = float(share.sum()), float(share @ scores), float(share @ squares)
    lower = len(scores) - upper[0], -upper[1], len(scores) - upper[2]  # all have mean 0 and variance 1
    square, linear, constant = (
        b - a for a, b in zip(_log_density(*upper), _log_density(*lower), strict=True)
    )
    return np.asarray(1 / (1 + np.exp(np.minimum(square * squares + linear * scores + constant, 700))))


def _log_density(count: float, total: float, squared: float) -> tuple[float, float, float]:
    """A mode's weighted log density as a polynomial: what squares, scores and 1 are multiplied by."""
    count += 1e-12
    mean = total / count
    variance = max(squared / count - mean**2, _NARROWEST**2)
    constant = math.log(count) - 0.5 * math.log(variance) - mean**2 / (2 * variance)
    return -1 / (2 * variance), mean / variance, constant
