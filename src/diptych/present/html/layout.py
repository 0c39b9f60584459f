"""What a report's templates lay out: columns of hits, where other columns have them, lines between.

Lengths are in pixels of the full-size page; the style sheet scales them all alike.
"""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from diptych.analysis.agreement import RankAgreement, SpaceAgreement
from diptych.analysis.null import STANDS_OUT, Z
from diptych.analysis.stratification import CUTS, Stratification
from diptych.analysis.summary import INTERVAL, Interval, StratificationSummary
from diptych.concept import Concept, concepts
from diptych.embedders.names import as_written
from diptych.present.html.curves import Chart, is_flat, letter
from diptych.result import Comparison, Disputed, Finding, Hit, Hub, QueryResult, Question
from diptych.thresholds.passing import Passing

ORDER = (
    "Each list is in the order of its scores."
    " z is for comparing lists, and would order some pictures otherwise."
)
"""What is said where the large figure is not the one that orders."""

ROW, CUT = 86, 30
"""The height of a hit and of the line that says where its list breaks."""

HEADINGS: Mapping[Question, str] = {
    "alike": "Do they rank alike?",
    "break": "Does a list break?",
    "better": "Is one better?",
}


@dataclass(frozen=True)
class Elsewhere:
    """Where another column has a hit.

    Attributes:
        index: Which column.
        rank: Its rank there; None where only this is known: below all that column's hits.
        listed: Whether it is among that column's hits.
        shown: How many hits that column has.
    """

    index: int
    rank: int | None
    listed: bool
    shown: int

    @property
    def letter(self) -> str:
        """The other column's letter."""
        return letter(self.index)


@dataclass(frozen=True)
class HitRow:
    """A hit with what stands beside it.

    Attributes:
        hit: The hit.
        elsewhere: Where each other column that ranks anything has it.
        after: Whether it comes after the break.
        bar: How long its bar is, 0 to 1 of the longest; None without z.
    """

    hit: Hit
    elsewhere: tuple[Elsewhere, ...]
    after: bool
    bar: float | None

    @property
    def only_here(self) -> bool:
        """Whether no other column has it among its hits."""
        return bool(self.elsewhere) and not any(other.listed for other in self.elsewhere)

    @property
    def missing(self) -> str:
        """That no other column has it among its hits: "not in B’s first 10"; empty where one has."""
        if not self.only_here:
            return ""
        whose = f"{self.elsewhere[0].letter}’s" if len(self.elsewhere) == 1 else "the others’"
        return f"not in {whose} first {max(other.shown for other in self.elsewhere):,}"

    @property
    def known_elsewhere(self) -> tuple[Elsewhere, ...]:
        """Where it is in other columns, less what `missing` says already."""
        return tuple(other for other in self.elsewhere if not self.only_here or other.rank is not None)


@dataclass(frozen=True)
class Column:
    """One embedder's list.

    Attributes:
        index: Which embedder.
        name: Its name.
        rows: The hits; none where it ranks nothing.
        ranking: What its list does; None in comparisons saved before that was said.
        flat: Whether it gives all pictures the same score.
        passing: How many pictures pass the threshold learned on other queries; None where none was.
    """

    index: int
    name: str
    rows: tuple[HitRow, ...]
    ranking: Stratification | None
    flat: bool
    passing: Passing | None = None

    @property
    def letter(self) -> str:
        """A, B, C."""
        return letter(self.index)

    @property
    def cut_after(self) -> int | None:
        """The rank after which the list is cut; None where it is not, or below the hits."""
        rank = self.ranking.breakpoint if self.ranking else None
        return rank if rank is not None and rank <= len(self.rows) else None

    @property
    def z_differs(self) -> bool:
        """Whether z, as it is shown, would order the hits otherwise than the score does."""
        return z_differs([row.hit for row in self.rows])

    @property
    def height(self) -> int:
        """Of the list."""
        return ROW * len(self.rows) + (CUT if self.cut_after is not None else 0)

    def middle(self, rank: int) -> int:
        """Where a hit's row has its middle, from the list's top."""
        cut = self.cut_after
        return ROW * (rank - 1) + ROW // 2 + (CUT if cut is not None and rank > cut else 0)


@dataclass(frozen=True)
class Line:
    """An image's line from rank to rank; `moved` where these are more than a place apart."""

    image_id: str
    start: int
    end: int
    moved: bool


@dataclass(frozen=True)
class Hinge:
    """What is drawn between two columns."""

    left: int
    right: int
    height: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class FigureGroup:
    """Concepts that belong together, by an id for links."""

    title: str
    concepts: Mapping[str, Concept]


def columns(query: QueryResult, names: Sequence[str] = (), *, learned: bool = True) -> tuple[Column, ...]:
    """A query's columns, in the order of the embedders.

    Args:
        query: The query.
        names: The names of all embedders, which give each its letter and colour; by default those that
            answered this query.
        learned: Whether to say over a list how many pictures pass the threshold learned on other queries.
    """
    index = {name: place for place, name in enumerate(names or query.rankings)}
    flat = {name: is_flat(query.curves.get(name)) for name in query.rankings}
    highest = max((hit.z or 0.0 for hits in query.rankings.values() for hit in hits), default=0.0)
    ranks = _Ranks(query, flat, index)
    made = []
    for name, hits in query.rankings.items():
        ranking = query.stratification.get(name)
        rows = (
            ()
            if flat[name]
            else tuple(_row(hit, ranks.elsewhere(name, hit), ranking, highest) for hit in hits)
        )
        passing = query.passing.get(name) if learned else None
        made.append(Column(index[name], name, rows, ranking, flat[name], passing))
    return tuple(made)


def _row(
    hit: Hit, elsewhere: tuple[Elsewhere, ...], ranking: Stratification | None, highest: float
) -> HitRow:
    after = ranking is not None and ranking.breakpoint is not None and hit.rank > ranking.breakpoint
    bar = None if hit.z is None else max(hit.z, 0.0) / highest if highest > 0 else 0.0
    return HitRow(hit, elsewhere, after, bar)


class _Ranks:
    """What is known of where each column has an image."""

    def __init__(self, query: QueryResult, flat: Mapping[str, bool], index: Mapping[str, int]) -> None:
        self._index = {name: index[name] for name in query.rankings if not flat[name]}
        self._listed = {name: {hit.id: hit.rank for hit in query.rankings[name]} for name in self._index}
        self._known: dict[str, dict[str, int]] = {name: dict(hits) for name, hits in self._listed.items()}
        for pair in query.agreement:
            for image in pair.disputed:
                self._known.get(pair.a, {})[image.id] = image.rank_a
                self._known.get(pair.b, {})[image.id] = image.rank_b

    def elsewhere(self, name: str, hit: Hit) -> tuple[Elsewhere, ...]:
        return tuple(
            Elsewhere(
                index=index,
                rank=self._known[other].get(hit.id),
                listed=hit.id in self._listed[other],
                shown=len(self._listed[other]),
            )
            for other, index in self._index.items()
            if other != name
        )


def hinges(of_query: Sequence[Column]) -> tuple[Hinge, ...]:
    """The lines between every two columns."""
    return tuple(_hinge(left, right) for left, right in itertools.combinations(of_query, 2))


def _hinge(left: Column, right: Column) -> Hinge:
    ranks = {row.hit.id: row.hit.rank for row in right.rows}
    lines = [
        Line(row.hit.id, left.middle(row.hit.rank), right.middle(there), abs(there - row.hit.rank) > 1)
        for row in left.rows
        if (there := ranks.get(row.hit.id)) is not None
    ]
    lines.sort(key=lambda line: line.moved)  # what moved is drawn over what did not
    return Hinge(left.index, right.index, max(left.height, right.height, 1), tuple(lines))


@dataclass(frozen=True)
class Plotted:
    """A chart's points and marks, in hundredths of its width (from the left) and height (from the top)."""

    chart: Chart

    def x(self, rank: float) -> float:
        """Where a rank stands."""
        return round(100 * math.log(rank) / math.log(self.chart.images), 2)

    def y(self, height: float) -> float:
        """Where a height stands."""
        return round(100 * (self.chart.top - height) / (self.chart.top - self.chart.bottom), 2)

    def points(self, ranks: Iterable[int], heights: Iterable[float]) -> str:
        """The curve, for an SVG polyline."""
        return " ".join(
            f"{self.x(rank):g},{self.y(height):g}" for rank, height in zip(ranks, heights, strict=True)
        )

    def between(self, rank: int) -> float:
        """Where the list is cut after a rank."""
        return min(self.x(rank + 0.5), 100.0)


@dataclass(frozen=True)
class Span:
    """An interval drawn on an axis that all embedders share, in hundredths of its length."""

    left: float
    at: float
    right: float


def span(summaries: Mapping[str, StratificationSummary], figure: str, mean: Interval) -> Span | None:
    """Where an interval is drawn; None where there is none."""
    if mean.low is None or mean.high is None:
        return None
    of_all = [summary.figures[figure] for summary in summaries.values() if figure in summary.figures]
    low = min(0.0, *(interval.low or 0.0 for interval in of_all))
    high = max(0.0, *(interval.high or 0.0 for interval in of_all))
    if high <= low:
        return None
    left, at, right = (
        round(100 * (value - low) / (high - low), 1) for value in (mean.low, mean.mean, mean.high)
    )
    return Span(left, at, right)


def answers(findings: Sequence[Finding]) -> dict[Question, list[tuple[str, str]]]:
    """The answers to each question, each after whom it is about where there are others that it could be."""
    found: dict[Question, list[tuple[str, str]]] = {}
    for finding in findings:
        if finding.question is not None:
            found.setdefault(finding.question, []).append((" and ".join(finding.about), finding.text))
    if len(alike := found.get("alike", [])) == 1:
        found["alike"] = [("", text) for _, text in alike]
    return found


def worst_disputes(comparison: Comparison) -> dict[tuple[str, str], list[tuple[str, Disputed]]]:
    """Of every two embedders, the image that each query's rankings disagree on most, with the query."""
    found: dict[tuple[str, str], list[tuple[str, Disputed]]] = {}
    for query in comparison.queries:
        for pair in query.agreement:
            if pair.disputed:
                found.setdefault((pair.a, pair.b), []).append((short(query), pair.disputed[0]))
    return found


def short(query: QueryResult) -> str:
    """What a query is called in lists: a picture by its file's name."""
    return query.query if query.kind == "text" else query.query.replace("\\", "/").split("/")[-1]


def own_findings(query: QueryResult) -> tuple[str, ...]:
    """What is said of a query's lists by themselves."""
    return query.findings[: len(query.findings) - len(query.contrast)]


def on_rivals(query: QueryResult) -> tuple[str, ...]:
    """What came of setting the query against others, which a person asked for: it ends the findings."""
    return query.findings[len(query.findings) - len(query.contrast) :]


def z_differs(hits: Sequence[Hit]) -> bool:
    """Whether z, in tenths as it is shown, would order hits otherwise than the score does."""
    shown = [round(hit.z, 1) for hit in hits if hit.z is not None]
    return any(after > before for before, after in itertools.pairwise(shown))


def file_name(hit: Hit) -> str:
    """An image's name without the folder that its label is the name of."""
    return hit.image.removeprefix(f"{hit.label}/")


def command(comparison: Comparison) -> str:
    """The command that makes the comparison again, as far as a comparison tells."""
    evaluated = comparison.relevance is not None and comparison.relevance.options
    words = ["diptych", "evaluate" if evaluated else "compare", comparison.source]
    for written in as_written([(info.name, info.spec) for info in comparison.embedders]):
        words += ["-e", written]
    for query in comparison.queries:
        words += ["-q" if query.kind == "text" else "--image", query.query]
    words += _contrast_options(comparison)
    if comparison.relevance is not None:
        words += comparison.relevance.options
    words += [
        "-k",
        str(max((len(hits) for q in comparison.queries for hits in q.rankings.values()), default=1)),
    ]
    return shlex.join([*words, "--report", "report.html"])


def _contrast_options(comparison: Comparison) -> list[str]:
    texts = [query.query for query in comparison.queries if query.kind == "text"]
    rivals = dict.fromkeys(
        rival for q in comparison.queries for contrast in q.contrast.values() for rival in contrast.rivals
    )
    if rivals and set(rivals) == set(texts):
        return ["--contrast-each-other"]
    return [word for rival in rivals for word in ("--contrast", rival)]


def cut_concepts() -> dict[str, Concept]:
    """The ways to cut, but for what stands out, which is a figure of the list."""
    return {name: cut for name, cut in CUTS.items() if cut is not STANDS_OUT}


def figures() -> tuple[FigureGroup, ...]:
    """Every figure that a report shows, in the words that stand beside the code that computes it."""
    of_list = {field: concept for field, concept in concepts(Stratification).items() if field != "breakpoint"}
    cuts = {f"cut-{name.replace(' ', '-')}": cut for name, cut in cut_concepts().items()}
    return (
        FigureGroup("A picture", {"z": Z, **concepts(Hub)}),
        FigureGroup("A list", of_list),
        FigureGroup("Where to cut a list", cuts),
        FigureGroup("Two lists", concepts(RankAgreement)),
        FigureGroup("Two embedders, no query asked", concepts(SpaceAgreement)),
        FigureGroup("Over all queries", {"interval": INTERVAL}),
    )
