"""A comparison at the end of a notebook's cell: plain HTML with inline styles, no script and no style sheet.

Where a site takes the styles away, tables and lists remain. Neither the page's ground nor the colour of its
text is set, so that it stands on a light page as on a dark one. It is kept small, as it is saved in the
notebook; the report has everything.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import PackageLoader

from diptych.errors import DiptychError
from diptych.evaluation.metrics.figures import DECIDES
from diptych.present.html import front, layout
from diptych.present.html import relevance as judged
from diptych.present.html.curves import INKS
from diptych.present.html.pictures import Embedded, copies
from diptych.present.html.report import environment
from diptych.result import Comparison, QueryResult

MOST_QUERIES, MOST_HITS, MOST_SKIPPED = 20, 20, 50
"""Of more queries, of longer lists, and of more skipped pictures only so many are shown."""

MOST_PICTURES, FEWEST_HITS = 240, 5
"""The more lists there are, the fewer hits of each: about so many in all, but five of each at least."""

BOX, QUALITY = (126, 90), 60
"""Pixels and quality of a picture's copy: about 3 kB."""

ROW, TALL_ROW, SHOWN = 64, 80, (84, 60)
"""Pixels of a hit's row, where there are more than two columns too, and of the picture in it."""

TILE, TILE_QUALITY = (320, 120), 70
"""Pixels and quality of a picture in the gallery: as high as its row, about 5 kB."""

LINES = ("#1f8f8f", "#d0603c", "#6f7ad6", "#a67c1e")
"""`INKS` for lines: at least 3 to 1 against white and against the grounds of dark notebooks."""


@dataclass(frozen=True)
class Shown:
    """What is shown of a query: each embedder's first hits, and the lines between neighbours."""

    query: QueryResult
    columns: tuple[layout.Column, ...]

    @property
    def hinges(self) -> tuple[layout.Hinge, ...]:
        """The lines, left to right; none where an embedder ranks nothing."""
        if any(column.flat for column in self.columns):
            return ()
        return tuple(hinge for pair in itertools.pairwise(self.columns) for hinge in layout.hinges(pair))

    @property
    def images(self) -> list[str]:
        """The ids of the pictures."""
        asked = [self.query.image_id] if self.query.image_id else []
        return [*asked, *(row.hit.id for column in self.columns for row in column.rows)]


def to_html(comparison: Comparison) -> str:
    """The comparison as a piece of HTML."""
    names = [info.name for info in comparison.embedders]
    asked = comparison.queries[:MOST_QUERIES]
    hits = min(MOST_HITS, max(FEWEST_HITS, MOST_PICTURES // max(len(asked) * len(names), 1)))
    shown = [_first(query, names, hits) for query in asked]
    graded = {q.query: q.grades for q in comparison.relevance.queries} if comparison.relevance else {}
    images = list(dict.fromkeys(image for one in shown for image in one.images))
    asked_for = max((len(ranking) for q in asked for ranking in q.rankings.values()), default=0)
    row = ROW if len(names) <= 2 else TALL_ROW
    show = environment(PackageLoader("diptych.present"))
    show.filters["fitted"] = _fitted
    return show.get_template("notebook.html").render(
        comparison=comparison,
        index={name: index for index, name in enumerate(names)},
        shown=shown,
        graded=graded,
        pictures=copies(comparison, images, BOX, QUALITY),
        front=front.answers(comparison),
        glances=front.glances(comparison)[:MOST_QUERIES] if len(comparison.queries) > 1 else (),
        decides=judged.called(comparison.relevance)[DECIDES] if comparison.relevance else "",
        hits=hits,
        hits_left_out=hits < asked_for,
        most_skipped=MOST_SKIPPED,
        inks=INKS,
        lines=LINES,
        row=row,
        tall=row == TALL_ROW,
        cut=layout.CUT,
        scale=row / layout.ROW,
    )


class Gallery:
    """One query's hits as pictures, which shows itself at the end of a notebook's cell.

    Args:
        comparison: What the query is of.
        query: The query.
    """

    def __init__(self, comparison: Comparison, query: QueryResult) -> None:
        self._comparison = comparison
        self._query = query

    def __repr__(self) -> str:
        """In a line."""
        return f"<Gallery of {layout.short(self._query)!r}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        comparison, query = self._comparison, self._query
        shown = layout.columns(query, [info.name for info in comparison.embedders], learned=False)
        images = list(dict.fromkeys(row.hit.id for column in shown for row in column.rows))
        return (
            environment(PackageLoader("diptych.present"))
            .get_template("notebook_gallery.html")
            .render(
                comparison=comparison,
                query=query,
                columns=shown,
                grades=judged.grades(comparison, query),
                pictures=copies(comparison, images, TILE, TILE_QUALITY),
                inks=INKS,
                lines=LINES,
            )
        )


def gallery(comparison: Comparison, name: str) -> Gallery:
    """The gallery of the query that is called so: its text, or its picture's path or file name.

    Raises:
        DiptychError: No query is called so.
    """
    for query in comparison.queries:
        if name in {query.query, layout.short(query)}:
            return Gallery(comparison, query)
    asked = ", ".join(repr(layout.short(query)) for query in comparison.queries)
    raise DiptychError(f"{name!r} was not asked here; choose one of {asked}")


def _first(query: QueryResult, names: Sequence[str], hits: int) -> Shown:
    columns = layout.columns(query, names)
    return Shown(query, tuple(dataclasses.replace(column, rows=column.rows[:hits]) for column in columns))


def _fitted(picture: Embedded, scale: float = 1.0) -> tuple[int, int]:
    """The width and height at which a picture is shown, whole; `scale` makes its box smaller."""
    factor = scale * min(SHOWN[0] / picture.width, SHOWN[1] / picture.height)
    return max(round(factor * picture.width), 1), max(round(factor * picture.height), 1)
