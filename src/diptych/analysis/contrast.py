"""Contrast queries: which images a query wins against named rivals, and where in its ranking they take over.

A high score says "more like this than like an unrelated text"; only a named rival tells dog from wolf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept, measured

MARGIN = Concept(
    name="margin",
    reading="How far the query stands above the best of its rivals on this image; below 0 a rival is nearer",
    range="any number, in the unit of what is compared: null deviations (z), or cosines",
    unit_free=False,
    source="K. Crammer, Y. Singer, On the algorithmic implementation of multiclass kernel-based vector"
    " machines, JMLR 2, 2001",
)

RIVALS_FROM = Concept(
    name="rivals win from rank",
    reading="Going down the query's own ranking: the rank at which its images end and its rivals' begin, to"
    " be read with the exceptions on either side",
    range="1–n, or none where the query wins to the end",
    unit_free=True,
    source="Diptych's own: the cut with the fewest exceptions, as in W. Iba, P. Langley, Induction of"
    " one-level decision trees, ICML 1992",
)


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A query set against its rivals, image by image.

    Attributes:
        query: The query's row in the standings.
        rivals: The rivals' rows.
        wins: Whether the query stands above all its rivals, by image, shape (n,); equal is not above.
        margins: The query's standing less its best rival's, by image, shape (n,).
        best_rivals: Which rival (its row in the standings) is best, by image, shape (n,); of equal ones the
            one named first.
        ranking: Rows of images by margin, the largest first, equal ones in row order, shape (n,).
        rivals_from: The rank in the query's own ranking from which its rivals win: there is the cut with the
            fewest exceptions, of equal ones the first. None where the query wins to the end, or nothing was
            looked at.
        lost_before: Exceptions: images looked at above that rank that the query loses.
        won_after: Exceptions: images looked at from that rank on that the query wins.
    """

    query: int
    rivals: tuple[int, ...]
    wins: NDArray[np.bool_]
    margins: NDArray[np.float64] = measured(MARGIN)
    best_rivals: NDArray[np.intp]
    ranking: NDArray[np.intp]
    rivals_from: int | None = measured(RIVALS_FROM)
    lost_before: int
    won_after: int


def contrast(
    standings: NDArray[np.floating],
    query: int,
    rivals: Sequence[int],
    *,
    order: NDArray[np.intp] | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Contrast:
    """Set one query against others.

    Args:
        standings: How each image stands with each text, shape (m, n): z, or one embedder's cosines.
        query: The row of the query.
        rivals: The rows of its rivals, at least one.
        order: The query's own ranking, rows best first, shape (n,); by its standing by default.
        among: Which images to look at for where the rivals take over, shape (n,); all by default. Best are
            those that the query or a rival matches: on images that show none of them the winner is chance,
            and in a large collection these would outvote the rest.

    Raises:
        ValueError: A number is not finite, shapes differ, a row is not there, or the query has no rival or
            is one.
    """
    _check(standings, query, rivals)
    standings = standings.astype(np.float64)
    against = standings[list(rivals)]
    margins = standings[query] - against.max(axis=0)
    wins = margins > 0
    own_ranking = np.argsort(-standings[query], kind="stable") if order is None else order
    looked_at = np.ones(len(wins), np.bool_) if among is None else among
    rivals_from, lost_before, won_after = _turn(wins[own_ranking], looked_at[own_ranking])
    return Contrast(
        query=query,
        rivals=tuple(rivals),
        wins=wins,
        margins=margins,
        best_rivals=np.asarray(rivals)[against.argmax(axis=0)],
        ranking=np.argsort(-margins, kind="stable"),
        rivals_from=rivals_from,
        lost_before=lost_before,
        won_after=won_after,
    )


def _turn(wins: NDArray[np.bool_], looked_at: NDArray[np.bool_]) -> tuple[int | None, int, int]:
    """Where wins turn into losses down a ranking: the rank, the losses above it, the wins from it on."""
    at = np.flatnonzero(looked_at)
    won = wins[at]
    lost_before = np.concatenate([[0], np.cumsum(~won)])  # by how many of the images are above the cut
    won_after = np.count_nonzero(won) - np.concatenate([[0], np.cumsum(won)])
    above = int(np.argmin(lost_before + won_after))
    rank = int(at[above]) + 1 if above < len(at) else None
    return rank, int(lost_before[above]), int(won_after[above])


def _check(standings: NDArray[np.floating], query: int, rivals: Sequence[int]) -> None:
    if not np.isfinite(standings).all():
        raise ValueError("every number must be finite")
    if not set(rivals) | {query} <= set(range(len(standings))):
        raise ValueError(f"the query and its rivals must be among the {len(standings)} rows")
    if not rivals or query in rivals:
        raise ValueError("a query needs at least one rival other than itself")
