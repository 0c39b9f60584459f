"""Holm's procedure: several tests at once, none of which may be significant by chance (Holm, 1979)."""

from __future__ import annotations

from collections.abc import Sequence


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's correction: the k-th smallest of m p-values times m − k + 1, never falling, at most 1."""
    order = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        corrected[place] = highest
    return corrected


def holm_levels(ps: Sequence[float | None], level: float) -> list[float]:
    """The level at which each p is tested: those after the first that fails at that one's.

    An interval at this level leaves out 0 exactly where the corrected p is at most `level`.
    """
    order = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    levels, own = [level] * len(ps), level
    passing = True
    for rank, (p, place) in enumerate(order):
        if passing:
            own = level / (len(order) - rank)
            passing = p <= own
        levels[place] = own
    return levels
