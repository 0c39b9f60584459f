"""Autocut, as vector databases offer it: the list is cut before the first jump."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

AUTOCUT = Concept(
    name="autocut",
    reading="The rank before the first jump that is steeper than a straight fall and larger than"
    " the noise of the list",
    range="a rank, from 1 to half of the list; 0 where there is no such jump in the upper half",
    unit_free=True,
    source="Weaviate's autocut (one jump), with a noise floor of half a robust standard deviation",
)

_FLOOR = 0.5
_NORMAL_MAD = 1.4826


def autocut(descending: NDArray[np.float64]) -> int:
    """How many images stand before the first jump.

    The scores' fall from the first to the last, less that of a straight line, rises where the list falls
    faster than the line; it has a local maximum just after each jump.

    Args:
        descending: Scores, best first; shape (n,), n at least 2.
    """
    fall = descending[0] - descending[-1]
    if fall <= 0:
        return 0
    steps = -np.diff(descending)
    ahead = (descending[0] - descending) / fall - np.linspace(0, 1, len(descending))
    rises = np.diff(ahead) > 0
    after = np.append(rises[1:], False)
    noise = _NORMAL_MAD * np.median(np.abs(descending - np.median(descending)))
    jumps = np.flatnonzero((rises & ~after & (steps > _FLOOR * noise))[: len(descending) // 2])
    return int(jumps[0]) + 1 if jumps.size else 0
