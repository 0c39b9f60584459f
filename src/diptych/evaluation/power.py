"""How many queries it would take to see a difference."""

from __future__ import annotations

import math
from statistics import NormalDist

from diptych.concept import Concept
from diptych.evaluation.sign_flip import ENUMERATED, smallest_p

QUERIES_NEEDED = Concept(
    name="queries needed",
    reading="About how many queries would show a difference of this size, four times out of five",
    range="queries, 6 or more",
    unit_free=True,
    source="Guenther, The American Statistician 1981: the normal approximation of a paired t test's power",
)
NEEDED_RANGE = Concept(
    name="queries needed, range",
    reading="From how few to how many queries that may be, as the effect size itself is only known roughly",
    range="fewest and most queries",
    unit_free=True,
    source="the same at the ends of the effect size's 80 % interval, by Hedges and Olkin, Statistical Methods"
    " for Meta-Analysis, 1985",
)

POWER = 0.8

_SURE = 0.8
"""The confidence of the effect size's interval."""

_FEWEST = 8
"""From fewer queries an effect size is hardly known at all."""

_WIDEST = 10
"""A range whose ends are further apart than by this factor helps nobody to plan."""


def queries_needed(effect: float, alpha: float = 0.05) -> int | None:
    """How many queries a paired comparison needs to be significant with 80 % probability.

    ((z_{1−alpha/2} + z_{0.8}) / effect)² + z²_{1−alpha/2} / 2, and at least as many as the sign-flip test
    needs.

    Args:
        effect: The standardised difference: mean / standard deviation of the differences.
        alpha: The p to stay below; divide it by the number of comparisons where there are several.

    Returns:
        None where the effect is 0: no number of queries shows it.
    """
    if effect == 0:
        return None
    bound = NormalDist().inv_cdf(1 - alpha / 2)
    by_power = math.ceil(((bound + NormalDist().inv_cdf(POWER)) / effect) ** 2 + bound**2 / 2)
    fewest = 1
    while smallest_p(fewest) > alpha and fewest <= ENUMERATED:
        fewest += 1
    return max(by_power, fewest)


def needed_range(effect: float, queries: int, alpha: float = 0.05) -> tuple[int, int] | None:
    """From how few to how many queries may be needed, since the effect is estimated from few.

    Args:
        effect: The standardised difference that was seen.
        queries: Over how many queries, at least 2.
        alpha: The p to stay below.

    Returns:
        None where the range would be noise: there are too few queries, the effect may be 0, or the ends lie
        further apart than tenfold.
    """
    if queries < _FEWEST:
        return None
    reach = NormalDist().inv_cdf((1 + _SURE) / 2) * math.sqrt(1 / queries + effect**2 / (2 * queries))
    weakest, strongest = abs(effect) - reach, abs(effect) + reach
    if weakest <= 0:
        return None
    fewest, most = queries_needed(strongest, alpha), queries_needed(weakest, alpha)
    if fewest is None or most is None or most > _WIDEST * fewest:
        return None
    return fewest, most
