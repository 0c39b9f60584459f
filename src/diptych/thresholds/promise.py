"""The lowest threshold whose precision can be promised for new queries, at a stated risk.

Learn then test (Angelopoulos et al., arXiv:2110.01052), with queries as the sample. Thresholds are tried from
the top down, and each has to rule out that what passes is less precise than wanted; the first that can't ends
it. So a threshold is promised only if all those above it are, and the risk is that of one test: the first
threshold that is not good enough would have to pass by chance.

A query of which nothing passes says nothing of precision, so no test counts it. (Counted as faultless, as
learn then test is often used, it lets thresholds be promised at which hardly a query keeps anything, and of
what these keep half is wrong.) So the first test is where a quarter of the queries keep something, and as
many as could keep the promise if all that passes were right: else one wrong image at the top would end it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from diptych.text import count
from diptych.thresholds.bound import chance_of_at_most, fewest, guaranteed_mean
from diptych.thresholds.expected import expected
from diptych.thresholds.threshold import (
    Promise,
    Threshold,
    apply_threshold,
    midpoint,
    no_threshold,
    nothing_relevant,
    pooled,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RISK = 0.1
"""Of so many sets of judgments one leads to a promise that is not true."""

_STEP = 50
"""From one test to the next one more image in so many passes: a thousand tests find no more than 100."""


def at_precision(
    scores: Sequence[Floats], relevant: Sequence[Bools], target: float, risk: float = RISK
) -> Threshold:
    """The lowest threshold at which a precision can be promised.

    Args:
        scores: For each query those of its judged images.
        relevant: For each query which of these are relevant.
        target: The precision wanted, 0 to 1.
        risk: How often such a promise may be wrong, between 0 and 1.

    Returns:
        The threshold with its promise; without a value, and with the reason, where there is none.
    """
    together, wanted, _ = pooled(scores, relevant)
    judged = len(together)
    if not wanted.any():
        return no_threshold(judged, nothing_relevant(judged))
    needed = fewest(target, risk)
    if len(scores) < needed:
        return no_threshold(judged, _too_few(len(scores), target, needed, risk))
    lowest: tuple[float, int] | None = None
    for value, precision in _from_the_top(scores, relevant, max(int(needed), -(-len(scores) // 4))):
        if chance_of_at_most(target, precision) > risk:
            if lowest is None:
                return no_threshold(judged, _not_sure(precision, len(scores), target, risk))
            break
        lowest = value, len(precision)
    if lowest is None:
        raise ValueError("a judged query without a judged image")
    value, passing = lowest
    return dataclasses.replace(
        apply_threshold(together, wanted, value),
        expected=expected([value] * len(scores), scores, relevant, left_out=False),
        promise=Promise(precision=target, risk=risk, queries=passing),
    )


def _from_the_top(
    scores: Sequence[Floats], relevant: Sequence[Bools], first: int
) -> Iterator[tuple[float, Floats]]:
    """Thresholds from where `first` queries keep something, each with the precisions of all that do."""
    together, wanted, owner = pooled(scores, relevant)
    order = np.argsort(-together, kind="stable")
    together, wanted, owner = together[order], wanted[order], owner[order]
    ends = np.flatnonzero(np.append(np.diff(together) != 0, True)) + 1
    kept, right = np.zeros(len(scores)), np.zeros(len(scores))
    done = tested = 0
    for end in ends.tolist():
        kept += np.bincount(owner[done:end], minlength=len(scores))
        right += np.bincount(owner[done:end], wanted[done:end], minlength=len(scores))
        done = end
        passing = kept > 0
        if passing.sum() >= first and (not tested or end - tested > tested // _STEP):
            tested = end
            value = together[end - 1] if end == len(together) else midpoint(together[end], together[end - 1])
            yield float(value), right[passing] / kept[passing]


def _too_few(queries: int, target: float, needed: float, risk: float) -> str:
    if needed == np.inf:
        return f"{_out_of_reach(target)} from any number of queries"
    best = guaranteed_mean(np.ones(queries), risk)
    return (
        f"{_out_of_reach(target)} from {count(queries, 'judged query', 'judged queries')}: even if all that"
        f" passes were right, so few guarantee only {_percent(best)}; judge {needed:.0f} or more"
    )


def _not_sure(precision: Floats, queries: int, target: float, risk: float) -> str:
    """Where the first threshold that is tried can't be promised: how good it is, and what that guarantees."""
    sure = guaranteed_mean(precision, risk)
    right = (
        f"all that passes is right for {len(precision):,} of {len(precision):,} queries so far"
        if (precision == 1).all()
        else f"what passes is right in {_percent(precision.mean())} on average so far"
    )
    return (
        f"{_out_of_reach(target)} yet: where a picture passes for {len(precision):,} of"
        f" {count(queries, 'query', 'queries')}, {right}; with so few queries that guarantees only"
        f" {_percent(sure)}"
    )


def _out_of_reach(target: float) -> str:
    return f"not attainable: a precision of {100 * target:.4g}% can't be promised"


def _percent(share: float) -> str:
    """Rounded down: a guarantee is never said to be more than it is."""
    return f"{int(100 * share + 1e-9)}%"
