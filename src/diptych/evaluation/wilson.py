"""An interval for a share."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def wilson(successes: Floats, trials: Floats, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's score interval of a share (E. B. Wilson, JASA 1927).

    Args:
        successes: How often; shape (…).
        trials: Of how many, at least 1; shape (…).
        confidence: Between 0 and 1.

    Returns:
        Lower and upper ends, each of shape (…), 0 to 1.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    reach = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.maximum(middle - reach, 0), np.minimum(middle + reach, 1)


def wilson_interval(successes: int, trials: int) -> tuple[float, float] | None:
    """The 95 % interval of one share; None where there were no trials."""
    if not trials:
        return None
    low, high = wilson(np.array(float(successes)), np.array(float(trials)))
    return float(low), float(high)
