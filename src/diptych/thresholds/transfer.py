"""Does a threshold learned on some queries hold for another? The loss when it is learned on all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured
from diptych.thresholds.threshold import F1, midpoint

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RANKING_LOSS = Concept(
    name="ranking loss",
    reading="What is lost because relevant images don't stand first, even with a threshold for each query",
    range="0–1; 1 − mean best F1",
    unit_free=True,
    source="Diptych: threshold transfer, leave one query out",
)
THRESHOLD_LOSS = Concept(
    name="threshold loss",
    reading="What is lost on top because one threshold has to do for all queries; 0 where it does",
    range="0–1; mean of best F1 − F1 at the threshold learned on the other queries",
    unit_free=True,
    source="Diptych: threshold transfer, leave one query out; a cousin is OPIS, Zhang et al., ICLR 2024",
)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How far one threshold does for all queries.

    Attributes:
        queries: Which queries have a relevant image, and so an F1: their places in the input.
        thresholds: For each of them the threshold learned on the others.
        best: For each of them the F1 at its own best threshold.
        transferred: For each of them the F1 at the threshold learned on the others.
        undefined: Why a figure is None, by its field's name.
    """

    queries: tuple[int, ...]
    thresholds: tuple[float, ...]
    best: tuple[float, ...] = measured(F1)
    transferred: tuple[float, ...] = measured(F1)
    ranking_loss: float | None = measured(RANKING_LOSS)
    threshold_loss: float | None = measured(THRESHOLD_LOSS)
    undefined: dict[str, str]


def threshold_transfer(scores: Sequence[Floats], relevant: Sequence[Bools]) -> Transfer:
    """Learn a threshold on all queries but one, apply it to that one, for each.

    The threshold learned is the one with the highest mean F1, in the middle between two scores of the
    queries that it is learned on; among equals the highest. Scores may be cosines or z, on any scale that
    all queries share.

    Args:
        scores: For each query those of its judged images.
        relevant: For each query which of these are relevant.

    Returns:
        The losses, None with fewer than two queries that have a relevant image.
    """
    queries = tuple(place for place, each in enumerate(relevant) if each.any())
    if len(queries) < 2:
        why = "fewer than two queries have a relevant image: there is no other to learn a threshold on"
        return Transfer(
            queries=queries,
            thresholds=(),
            best=(),
            transferred=(),
            ranking_loss=None,
            threshold_loss=None,
            undefined=dict.fromkeys(("ranking_loss", "threshold_loss"), why),
        )
    rows = [np.asarray(scores[query], np.float64) for query in queries]
    hits = [relevant[query] for query in queries]
    # Up to the next relevant score a higher threshold drops irrelevant images alone: no other cut is best.
    cuts = np.unique(np.concatenate([s[r] for s, r in zip(rows, hits, strict=True)]))
    f1 = np.stack([_f1_at(cuts, s, r) for s, r in zip(rows, hits, strict=True)])
    below = np.stack([_next_below(cuts, s) for s in rows])
    thresholds = [_learned(f1, cuts, below, query) for query in range(len(queries))]
    best = f1.max(axis=1)
    reached = np.array(
        [_f1_at(np.array([t]), s, r)[0] for t, s, r in zip(thresholds, rows, hits, strict=True)]
    )
    return Transfer(
        queries=queries,
        thresholds=tuple(thresholds),
        best=tuple(best.tolist()),
        transferred=tuple(reached.tolist()),
        ranking_loss=float(1 - best.mean()),
        threshold_loss=float((best - reached).mean()),
        undefined={},
    )


def _f1_at(thresholds: Floats, scores: Floats, relevant: Bools) -> Floats:
    """One query's F1 at each threshold."""
    kept = len(scores) - np.searchsorted(np.sort(scores), thresholds, "left")
    right = relevant.sum() - np.searchsorted(np.sort(scores[relevant]), thresholds, "left")
    return np.asarray(2 * right / (kept + relevant.sum()))


def _next_below(cuts: Floats, scores: Floats) -> Floats:
    """One query's highest score below each cut, -inf where there is none."""
    return np.append(-np.inf, np.sort(scores))[np.searchsorted(np.sort(scores), cuts, "left")]


def _learned(f1: Floats, cuts: Floats, below: Floats, left_out: int) -> float:
    """The threshold with the highest mean F1 over all queries but one; -inf where it keeps everything."""
    others = np.round(
        f1.sum(axis=0) - f1[left_out], 9
    )  # equal sums are equal, in whatever order they were made
    cut = len(others) - 1 - int(others[::-1].argmax())
    low = float(np.delete(below[:, cut], left_out).max())
    return low if low == -np.inf else midpoint(low, float(cuts[cut]))
