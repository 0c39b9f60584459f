"""The threshold with the best F1, and what to expect of it on a query that it was not learned on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diptych.thresholds.expected import Expected, expected
from diptych.thresholds.threshold import Threshold, best_f1, pooled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def best_threshold(scores: Sequence[Floats], relevant: Sequence[Bools]) -> Threshold:
    """The threshold with the highest F1 over the judged images of all queries together.

    What to expect of it is measured by leaving each query out once, and cutting it where F1 is best for the
    others.

    Args:
        scores: For each query those of its judged images.
        relevant: For each query which of these are relevant.

    Returns:
        The threshold, without a value where nothing is relevant; its `expected` is None with one query.
    """
    together, wanted, _ = pooled(scores, relevant)
    return dataclasses.replace(best_f1(together, wanted), expected=_left_out(scores, relevant))


def _left_out(scores: Sequence[Floats], relevant: Sequence[Bools]) -> Expected | None:
    together, wanted, owner = pooled(scores, relevant)
    order = np.argsort(-together, kind="stable")  # once: what is in order already is sorted in no time
    learned: dict[int, float] = {}
    for query in range(len(scores)):
        others = order[owner[order] != query]
        value = best_f1(together[others], wanted[others]).value
        if value is not None:
            learned[query] = value
    if not learned:
        return None
    return expected(
        list(learned.values()),
        [scores[query] for query in learned],
        [relevant[query] for query in learned],
        left_out=True,
    )
