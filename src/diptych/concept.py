"""What a figure means, said once beside the code that computes it.

Each statistic has a `Concept`; the field of a dataclass that holds the statistic is `measured(CONCEPT)`.
Tooltips, legends and `docs/statistics.md` are made from these, so none can say something else than another.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Concept:
    """One figure in words.

    Attributes:
        name: What the field calls it.
        reading: One line: what a high or low value tells.
        range: The values that it can take, with the unit if it has one.
        unit_free: Whether it stays the same when all scores s become a·s + c, a > 0: only such figures may be
            set side by side for embedders whose scores have different scales.
        source: Where the definition comes from.
    """

    name: str
    reading: str
    range: str
    unit_free: bool
    source: str


def measured(concept: Concept, default: Any = dataclasses.MISSING) -> Any:
    """A dataclass field that holds the figure that `concept` describes."""
    return dataclasses.field(default=default, metadata={"concept": concept})


def concepts(kind: type) -> dict[str, Concept]:
    """The concepts of a dataclass's fields, by the field's name, in their order."""
    return {f.name: f.metadata["concept"] for f in dataclasses.fields(kind) if "concept" in f.metadata}
