"""A comparison as a value, its parts, and its form as JSON."""

from __future__ import annotations

from diptych.result.comparison import Comparison
from diptych.result.parts import (
    Agreement,
    ContrastResult,
    Curve,
    Disputed,
    DisputedNeighbours,
    Hit,
    Hub,
    NullBank,
    Overall,
    QueryResult,
    Spaces,
    Won,
    Work,
)

__all__ = [
    "Agreement",
    "Comparison",
    "ContrastResult",
    "Curve",
    "Disputed",
    "DisputedNeighbours",
    "Hit",
    "Hub",
    "NullBank",
    "Overall",
    "QueryResult",
    "Spaces",
    "Won",
    "Work",
]
