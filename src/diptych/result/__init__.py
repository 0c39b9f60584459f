"""A comparison as a value, its parts, and its form as JSON."""

from __future__ import annotations

from diptych.result.comparison import Comparison
from diptych.result.rankings import (
    Agreement,
    ContrastResult,
    Curve,
    Disputed,
    DisputedNeighbours,
    Finding,
    Hit,
    Hub,
    NullBank,
    Overall,
    QueryResult,
    Question,
    Spaces,
    Won,
    Work,
)
from diptych.result.relevance import (
    OnScale,
    QueryRelevance,
    Relevance,
    Thresholds,
)

__all__ = [
    "Agreement",
    "Comparison",
    "ContrastResult",
    "Curve",
    "Disputed",
    "DisputedNeighbours",
    "Finding",
    "Hit",
    "Hub",
    "NullBank",
    "OnScale",
    "Overall",
    "QueryRelevance",
    "QueryResult",
    "Question",
    "Relevance",
    "Spaces",
    "Thresholds",
    "Won",
    "Work",
]
