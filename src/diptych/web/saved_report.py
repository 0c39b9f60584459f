"""What was asked on a page as one file that can be sent: below 5 MB, and it says what it leaves out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from diptych.present.html.pictures import LARGE_BOX, copies, shown
from diptych.present.html.report import render
from diptych.queries import Query, TextQuery
from diptych.result import Comparison
from diptych.text import count
from diptych.web.state import PageState

MOST_BYTES = 5_000_000
"""Of a report: what mail takes everywhere."""

OTHERS = 10
"""Hits of each query asked before the one that is saved."""

_MOST_HITS = 900
"""Of all lists together: each is about 2 kB of page."""

_FOR_PICTURES = 3_200_000
_OF_A_PICTURE = 26_000
"""Bytes of a photograph of `LARGE_BOX` within a page, as a rule."""

_SMALLER = 0.75
_SMALLEST = 0.2


def saved_report(state: PageState, queries: Sequence[Query], rivals: Sequence[TextQuery], k: int) -> str:
    """The report of a query and of those asked before it.

    Args:
        state: The page.
        queries: The query to save, then the others, latest first.
        rivals: Texts that the query was set against.
        k: How many hits of the query; of the others at most `OTHERS`.

    Returns:
        The report, below `MOST_BYTES` wherever smaller pictures achieve that.

    Raises:
        DiptychError: No embedder has answered any of the queries.
    """
    lists = max(1, len(state.embedders))
    others = max(0, _MOST_HITS // lists - k) // OTHERS
    comparison = state.report(queries[: 1 + others], rivals, k)
    first, *rest = comparison.queries
    shorter = [
        dataclasses.replace(query, rankings={name: hits[:OTHERS] for name, hits in query.rankings.items()})
        for query in rest
    ]
    words = [f"the query saved with its first {count(k, 'hit')} per list"]
    if rest:
        words.append(f"{count(len(rest), 'other query', 'other queries')} with the first {min(k, OTHERS)}")
    if left_out := len(queries) - 1 - len(rest):
        words.append(f"{count(left_out, 'query', 'queries')} asked earlier or not answered left out")
    kept = "; ".join(words)
    return fitted(dataclasses.replace(comparison, queries=(first, *shorter)), kept)


def fitted(comparison: Comparison, kept: str = "") -> str:
    """A report whose pictures are as small as it takes for `MOST_BYTES`, which it says.

    Args:
        comparison: What to show.
        kept: What else the report says of what it holds, as clauses.
    """
    ids = shown(comparison)
    scale = min(1.0, (_FOR_PICTURES / (_OF_A_PICTURE * max(1, len(ids)))) ** 0.5)
    while True:
        scale = max(scale, _SMALLEST)
        box = (round(scale * LARGE_BOX[0]), round(scale * LARGE_BOX[1]))
        pixels = f"pictures at most {box[0]} × {box[1]} pixels"
        words = f"Made small enough to send: {'; '.join(filter(None, [kept, pixels]))}."
        report = render(comparison, copies(comparison, ids, box), words)
        if len(report.encode()) < MOST_BYTES or scale == _SMALLEST:
            return report
        scale *= _SMALLER
