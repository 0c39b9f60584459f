"""One test of a mean over queries, and the one interval that is its inversion, so that they never disagree.

Two tests must both see a difference: the sign-flip test, which supposes no distribution, and Student's t,
which keeps it honest where few queries differ. The p-value is the larger of the two, and the interval the
span of both intervals: exactly the values that the larger p lets stand. Alone, either errs more often
(`python benchmarks/verdicts.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept
from diptych.evaluation.sign_flip import sign_flip_p, subset_means, typical_values
from diptych.evaluation.student import two_sided_p, two_sided_reach

Floats = NDArray[np.float64]

INTERVAL = Concept(
    name="interval",
    reading="The mean differences that the test does not rule out: where it holds 0, either embedder may be"
    " the better one; where one is called better, it never does",
    range="lower and upper end, in the metric's units",
    unit_free=True,
    source="typical values: Hartigan, JASA 1969, and Student's t, whichever reaches further",
)
P_VALUE = Concept(
    name="p",
    reading="How often differences this far from 0 come about where chance alone decides which embedder is"
    " ahead; 0.05 or less is called significant",
    range="0–1",
    unit_free=True,
    source="sign-flip test: Fisher, The Design of Experiments, 1935, its mid-p; and Student's t: the larger",
)


@dataclass(frozen=True)
class MeanTest:
    """What can be said of the mean of one sample.

    Attributes:
        mean: The sample's mean.
        error: Its standard error.
        count: How many values there are.
        p: The p of the hypothesis that the true mean is 0.
    """

    mean: float
    error: float
    count: int
    p: float
    _means: Floats
    _share: float
    _itself: float

    @classmethod
    def of(cls, values: Floats, *, ties: bool = False) -> MeanTest:
        """Test a sample.

        Args:
            values: Shape (m,), m at least 1, finite.
            ties: Whether a 0 is a tie, which says nothing of the sign, rather than a value like others.
        """
        count, mean = len(values), float(values.mean())
        telling = values[values != 0] if ties else values
        if not len(telling):
            return cls(0.0, 0.0, count, 1.0, np.zeros(0), 0.0, 1.0)
        error = float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf
        means, itself = subset_means(telling), 1.0 if len(telling) == count else 0.5
        p = max(sign_flip_p(means, itself), _student_p(mean, error, count))
        return cls(mean, error, count, p, means, len(telling) / count, itself)

    def interval(self, level: float = 0.05) -> tuple[float, float]:
        """The values that the test lets stand; infinite ends where there are too few, or all are equal.

        Args:
            level: How often the interval may miss.
        """
        if self.error == 0:  # nothing is known of how far other samples lie apart
            return -math.inf, math.inf
        low, high = (self._share * end for end in typical_values(self._means, level, self._itself))
        reach = _student_reach(self.error, self.count, level)
        return min(low, self.mean - reach), max(high, self.mean + reach)


def mean_interval(values: Floats, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """An interval for the mean of each row.

    Args:
        values: Shape (…, m), m at least 1.
        confidence: Between 0 and 1.

    Returns:
        Lower and upper ends, each of shape (…); infinite for fewer than 6 values at 95 %, and for equal ones.
    """
    ends = np.array(
        [MeanTest.of(row).interval(1 - confidence) for row in values.reshape(-1, values.shape[-1])]
    )
    low, high = ends.reshape(-1, 2).T
    rows = values.shape[:-1]
    return low.reshape(rows)[()], high.reshape(rows)[()]  # one row gives two numbers


def _student_p(mean: float, error: float, count: int) -> float:
    if error == 0:
        return 0.0 if mean else 1.0
    return 1.0 if math.isinf(error) else two_sided_p(mean / error, count - 1)


def _student_reach(error: float, count: int, level: float) -> float:
    return error if error == 0 or math.isinf(error) else error * two_sided_reach(level, count - 1)
