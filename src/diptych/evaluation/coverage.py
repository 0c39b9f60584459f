"""How far judgments reach, in sentences: what nobody judged, and what that does to the metrics."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diptych.evaluation.metrics.figures import Mean
from diptych.text import count

_UNEVEN = 0.1
"""Means of judged@k further apart than this favour the embedder whose hits were judged."""

_NAMED = 5


@dataclass(frozen=True)
class Coverage:
    """How far the judgments of one query reach.

    Attributes:
        query: Its text.
        relevant: How many images are relevant.
        judged: How many images are judged.
        unjudged_first: How many of the embedders' first k nobody judged.
    """

    query: str
    relevant: int
    judged: int
    unjudged_first: int


def coverage_notes(
    queries: Sequence[Coverage], means: Mapping[str, Mapping[str, Mean]], embedders: Sequence[str], k: int
) -> tuple[str, ...]:
    """What a reader should know of the judgments before believing the metrics."""
    notes = []
    if unjudged := [each.query for each in queries if not each.judged]:
        notes.append(f"Nobody judged {_named(unjudged)}: every figure is undefined there.")
    if barren := [each.query for each in queries if each.judged and not each.relevant]:
        notes.append(
            f"No picture here is relevant to {_named(barren)}: most figures are undefined there, and left out"
            " of the means."
        )
    unsure = [each.unjudged_first for each in queries if each.judged and each.unjudged_first]
    if unsure:
        were = "was" if sum(unsure) == 1 else "were"
        notes.append(
            f"{count(sum(unsure), 'picture')} among the embedders' first {k} {were} never judged, over"
            f" {count(len(unsure), 'query', 'queries')}. Unjudged ones count as irrelevant, except in bpref:"
            " judge them before you trust small differences."
        )
    return (*notes, *_uneven(means, embedders, k))


def _uneven(means: Mapping[str, Mapping[str, Mean]], embedders: Sequence[str], k: int) -> list[str]:
    reach = {name: value for name in embedders if (value := means[name]["judged"].value) is not None}
    if len(reach) < 2 or max(reach.values()) - min(reach.values()) <= _UNEVEN:
        return []
    best, worst = max(reach, key=reach.__getitem__), min(reach, key=reach.__getitem__)
    shares = f"{reach[best]:.0%} of the first {k} of {best} are judged, and {reach[worst]:.0%} of {worst}"
    return [f"{shares}: that favours {best}, whatever the figures say."]


def _named(queries: Sequence[str]) -> str:
    shown = ", ".join(f"“{textwrap.shorten(query, 60, placeholder='…')}”" for query in queries[:_NAMED])
    more = len(queries) - _NAMED
    return f"{shown} and {count(more, 'more query', 'more queries')}" if more > 0 else shown
