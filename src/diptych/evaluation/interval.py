"""An interval for a mean over queries that holds with few of them.

The bias-corrected bootstrap (BCa) is mostly used, but with 8 queries its 95 % intervals hold 80 to 90 %
(`python benchmarks/interval_coverage.py`). What takes its place is the span of two t intervals: Student's,
and Hall's with the skewness taken out ("On the removal of skewness by transformation", JRSS B 54, 1992).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

Floats = NDArray[np.float64]

INTERVAL = Concept(
    name="95 % interval",
    reading="Where the difference over all queries of this kind lies, in 95 of 100 such experiments; one that"
    " holds 0 leaves open which embedder is better",
    range="lower and upper end, in the metric's units",
    unit_free=True,
    source="Student's t and Hall, JRSS B 54, 1992, whichever reaches further",
)

_FLAT = 1e-6
"""A skewness below which the correction is not told from rounding."""


def mean_interval(values: Floats, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """An interval for the mean of each row.

    Over 8, 20 and 50 queries, 95 % intervals hold 94 to 97 % for normal and skewed values and for differences
    of AP. With 8 queries on half of which the embedders tie, they hold 91 to 98 %.

    Args:
        values: At least two in each row; shape (…, m).
        confidence: Between 0 and 1.

    Returns:
        Lower and upper ends, each of shape (…).
    """
    from scipy.special import stdtrit

    count = values.shape[-1]
    mean, spread = values.mean(-1), values.std(-1, ddof=1)
    reach = stdtrit(count - 1, (1 + confidence) / 2) / np.sqrt(count)
    skew = _skewness(values)
    high = np.maximum(reach, -_unskewed(-reach, skew, count))
    low = np.maximum(reach, _unskewed(reach, skew, count))
    return mean - low * spread, mean + high * spread


def _skewness(values: Floats) -> Floats:
    centred = values - values.mean(-1, keepdims=True)
    spread = values.std(-1, keepdims=True)
    return np.asarray(((centred / np.where(spread > 0, spread, 1)) ** 3).mean(-1))


def _unskewed(reach: float, skew: Floats, count: int) -> Floats:
    """The (mean − true mean) / sd that has this reach once skewness is taken out: Hall's g1, inverted."""
    safe = np.where(np.abs(skew) < _FLAT, _FLAT, skew)
    return np.asarray(3 / safe * (np.cbrt(1 + safe * (reach - safe / (6 * count))) - 1))
