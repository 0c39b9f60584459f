"""How far judgments reach, in sentences: what nobody judged, and what that does to the metrics."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diptych.evaluation.metrics.figures import Mean
from diptych.text import count

_UNEVEN = 0.1
"""Means of judged@k further apart than this favour the embedder whose hits were judged."""

ENOUGH = 0.5
"""The share of the embedders' first k that must be judged by hand for a query to take part in a verdict."""

_NAMED = 5


@dataclass(frozen=True)
class Coverage:
    """How far the judgments of one query reach.

    Attributes:
        query: Its text.
        relevant: How many images are relevant.
        judged: How many images are judged.
        unjudged_first: How many of the embedders' first k nobody judged.
        pool: How many pictures the embedders' first k are together.
        counts: Whether the query takes part in the figures' means.
        telling: How many pictures can change which embedder is better.
        told: How many of these are judged; None where they were not judged in their order, or are not needed
            for a verdict.
    """

    query: str
    relevant: int
    judged: int
    unjudged_first: int
    pool: int
    counts: bool
    telling: int = 0
    told: int | None = None


def enough(judged: int, pool: int) -> bool:
    """Whether enough of what the embedders found for a query is judged for it to take part in a verdict.

    What nobody judged counts as irrelevant. Where that is most of what they found, the figures say who judged
    what, or for which other collection, rather than who ranks better.

    Args:
        judged: How many of the embedders' first k are judged.
        pool: How many pictures these are together.
    """
    return judged >= ENOUGH * pool


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
    if barely := [each for each in queries if each.judged and not each.counts and each.told is None]:
        shares = [f"{each.pool - each.unjudged_first} of {each.pool}" for each in barely]
        takes = "this query takes" if len(barely) == 1 else "these queries take"
        notes.append(
            f"Fewer than half of the embedders' first {k} are judged for"
            f" {_named([each.query for each in barely], shares)}: {takes} no part in the verdict."
        )
    notes += _estimated([each for each in queries if each.told is not None])
    unsure = [
        each.unjudged_first for each in queries if each.judged and each.unjudged_first and each.told is None
    ]
    if unsure:
        were = "was" if sum(unsure) == 1 else "were"
        notes.append(
            f"{count(sum(unsure), 'picture')} among the embedders' first {k} {were} never judged, over"
            f" {count(len(unsure), 'query', 'queries')}. Unjudged ones count as irrelevant, except in bpref:"
            " judge them before you trust small differences."
        )
    return (*notes, *_uneven(means, embedders, k))


def _estimated(queries: Sequence[Coverage]) -> list[str]:
    if not queries:
        return []
    told, telling = sum(each.told or 0 for each in queries), sum(each.telling for each in queries)
    if told == telling:
        judged = f"All {telling:,} pictures that can change which embedder is better are judged"
        return [f"{judged}: the verdict needs no others. Every other figure counts these as irrelevant."]
    note = (
        f"{told:,} of the {telling:,} pictures that can change which embedder is better are judged. The"
        " verdict estimates what the others would say; every other figure counts them as irrelevant."
    )
    return [note]


def _uneven(means: Mapping[str, Mapping[str, Mean]], embedders: Sequence[str], k: int) -> list[str]:
    reach = {name: value for name in embedders if (value := means[name]["judged"].value) is not None}
    if len(reach) < 2 or max(reach.values()) - min(reach.values()) <= _UNEVEN:
        return []
    best, worst = max(reach, key=reach.__getitem__), min(reach, key=reach.__getitem__)
    shares = f"{reach[best]:.0%} of the first {k} of {best} are judged, and {reach[worst]:.0%} of {worst}"
    return [f"{shares}: that favours {best}, whatever the figures say."]


def _named(queries: Sequence[str], asides: Sequence[str] = ()) -> str:
    """The first few by name, each with its aside where there are any."""
    short = [f"“{textwrap.shorten(query, 60, placeholder='…')}”" for query in queries[:_NAMED]]
    if asides:
        short = [f"{query} ({aside})" for query, aside in zip(short, asides, strict=False)]
    shown = ", ".join(short)
    more = len(queries) - _NAMED
    return f"{shown} and {count(more, 'more query', 'more queries')}" if more > 0 else shown
