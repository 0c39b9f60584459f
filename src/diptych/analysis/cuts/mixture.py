"""A mixture of two normal distributions: the images that the upper one explains better."""

from __future__ import annotations

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
    upper = np.arange(len(descending)) < start
    share = np.where(upper, 1.0, 0.0)
    floor = (_NARROWEST * descending.std()) ** 2
    for _ in range(_STEPS):
        before = share
        share = _responsibility(descending, before, floor)
        if np.abs(share - before).max() < 1e-4:
            break
    lower_mean = np.average(descending, weights=1 - share + 1e-12)
    kept = (share > 0.5) & (descending > lower_mean)  # a wide lower mode may claim the very best again
    return int(kept.argmin()) if not kept.all() else 0


def _responsibility(
    scores: NDArray[np.float64], share: NDArray[np.float64], floor: float
) -> NDArray[np.float64]:
    """One step: fit both modes to the shares, then share each score out anew."""
    logs = []
    for weights in (share, 1 - share):
        total = weights.sum() + 1e-12
        squares = (scores - (weights * scores).sum() / total) ** 2
        variance = max(float((weights * squares).sum() / total), floor)
        logs.append(np.log(total) - 0.5 * np.log(variance) - squares / (2 * variance))
    return np.asarray(1 / (1 + np.exp(np.clip(logs[1] - logs[0], -700, 700))))
