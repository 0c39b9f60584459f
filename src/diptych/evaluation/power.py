"""How many queries it would take to see a difference."""

from __future__ import annotations

import math
from statistics import NormalDist

from diptych.concept import Concept
from diptych.evaluation.sign_flip import ENUMERATED, smallest_p

QUERIES_NEEDED = Concept(
    name="queries needed",
    reading="About how many queries would show a difference of this size, four times out of five; a"
    " rough guess where it rests on few",
    range="queries, 6 or more",
    unit_free=True,
    source="Guenther, The American Statistician 1981: the normal approximation of a paired t test's power",
)

POWER = 0.8


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
