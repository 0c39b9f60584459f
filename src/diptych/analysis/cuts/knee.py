"""Kneedle: where the curve of the scores bends most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

KNEE = Concept(
    name="knee",
    reading="The last rank before the curve of the scores bends flat; there always is one, so it"
    " proves nothing alone",
    range="a rank, from 1 to the last but one; 0 where all scores are equal",
    unit_free=True,
    source="Kneedle: Satopää et al., ICDCS Workshops 2011, without smoothing and with the one greatest bend",
)


def knee(descending: NDArray[np.float64]) -> int:
    """How many images stand before the knee.

    Both axes are scaled to 0–1; the knee is the point furthest below the line from the first to the last.

    Args:
        descending: Scores, best first; shape (n,), n at least 2.
    """
    fall = descending[0] - descending[-1]
    if fall <= 0:
        return 0
    heights = (descending - descending[-1]) / fall
    below = 1 - np.linspace(0, 1, len(heights)) - heights
    return max(1, int(below.argmax()))
