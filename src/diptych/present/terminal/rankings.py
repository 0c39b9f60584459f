"""A comparison in the terminal: the answers, then one column per embedder, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from diptych.doctor import Check
from diptych.embedders.base import EmbedderInfo
from diptych.images import Collection, Skipped, count_files, gathered
from diptych.pipeline import Filled
from diptych.present.html.curves import letter
from diptych.present.html.layout import ORDER, on_rivals, z_differs
from diptych.present.terminal.columns import ListColumn, ListLine, draw, letter_style
from diptych.present.terminal.names import shorten_all
from diptych.present.terminal.picture import Screen
from diptych.present.terminal.relevance import relevance_part
from diptych.present.terminal.strips import show_strips
from diptych.present.terminal.verdict import verdict
from diptych.result import Comparison, Hit, QueryResult, Work
from diptych.result.breaks import break_in_words
from diptych.text import count, printable

_FIRST = {1: 10, 2: 5, 3: 5}
"""How many hits of each list are printed, by the number of queries; of more queries the first one alone."""

_MARKS = {True: ("✓", "bold green"), False: ("×", "red")}
"""What stands before a hit that was judged relevant, or not, and how it looks."""

_MARKED = "✓ judged relevant, × judged not."

_MOST_QUERIES = 8
"""So many of them fit a screen beside the answers."""


def show(
    comparison: Comparison,
    console: Console,
    *,
    full: bool = False,
    rows: int | None = None,
    screen: Screen | None = None,
) -> None:
    """Print a comparison: the answers, then the rankings.

    Args:
        comparison: The comparison.
        console: Where to print.
        full: Whether to print all there is to know.
        rows: How many hits of each ranking to print; by default fewer, the more queries there are.
        screen: How to show each query's first pictures; None for not at all.
    """
    queries = comparison.queries
    printed = _FIRST.get(len(queries), 0) if rows is None or len(queries) not in _FIRST else rows
    for part in verdict(comparison, console, full=full):
        console.print(part)
    if screen is not None and comparison.collection is not None:
        for query in queries:
            show_strips(query, comparison.collection, console, screen)
            console.print()
    if full or printed:
        for query in queries:
            for part in _query(query, comparison, console.width, None if full else printed, full=full):
                console.print(part)
            console.print()
    else:
        for line in _first_hits(comparison, console.width):
            console.print(line)
        console.print()
    for line in closing(comparison, full=full, notes=_notes(comparison, None if full else printed or 1)):
        console.print(line)


def show_relevance(comparison: Comparison, console: Console, *, full: bool = False) -> None:
    """Print the answers, then what judgments say, where there are any; no rankings."""
    for part in verdict(comparison, console, full=full):
        console.print(part)
    if comparison.relevance is not None:
        names = [info.name for info in comparison.embedders]
        for part in _parted(relevance_part(comparison.relevance, names, console.width, full=full)):
            console.print(part)
    if rivals := [finding for query in comparison.queries for finding in on_rivals(query)]:
        for finding in rivals:
            console.print(Text(printable(finding)))
        console.print()
    for line in closing(comparison, full=full):
        console.print(line)


def _parted(parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    """Parts with one empty line at their end, and never two together."""
    empty_before = True
    for part in (*parts, Text("")):
        empty = isinstance(part, Text) and not part.plain
        if not (empty and empty_before):
            yield part
        empty_before = empty


def _query(
    query: QueryResult, comparison: Comparison, width: int, rows: int | None, *, full: bool
) -> Iterator[RenderableType]:
    """One query's lists side by side, with where each breaks; in full also the sentences."""
    kind = "" if query.kind == "text" else " (picture)"
    yield Text(f"{printable(query.query)}{kind}", style="bold")
    grades = _grades(comparison, query)
    columns = [
        ListColumn(
            heading=f"{letter(index)} {printable(name)}",
            style=letter_style(index),
            cells=[_cell(query, name, hit, grades) for hit in query.rankings[name][:rows]],
            foot=_fall(query, name),
        )
        for index, name in enumerate(query.rankings)
    ]
    longest = max(len(column.cells) for column in columns)
    yield from draw(columns, [f"{row + 1:,}" for row in range(longest)], width)
    said = query.findings if full else on_rivals(query)
    if said:
        yield from (Text(""), *(Text(printable(finding)) for finding in said))


def _notes(comparison: Comparison, rows: int | None) -> Iterator[str]:
    """How to read the lists, where so many of their hits need it."""
    shown = [(q, hits[:rows]) for q in comparison.queries for hits in q.rankings.values()]
    if any(z_differs(hits) for _, hits in shown):
        yield ORDER
    if any(hit.id in _grades(comparison, query) for query, hits in shown for hit in hits):
        yield _MARKED


def _first_hits(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    """What each embedder ranks first, one line per query: of many queries that is what can be looked over."""
    queries = comparison.queries[:_MOST_QUERIES]
    columns = [
        ListColumn(
            heading=f"{letter(index)} {printable(info.name)}",
            style=letter_style(index),
            cells=[_first(query, info.name, _grades(comparison, query)) for query in queries],
        )
        for index, info in enumerate(comparison.embedders)
    ]
    asked = shorten_all((query.query for query in queries), max(16, width // 5))
    labels = [asked[query.query] for query in queries]
    yield from draw(columns, labels, width, heading="Ranked first")
    if more := len(comparison.queries) - len(queries):
        yield Text(f"… and {count(more, 'more query', 'more queries')}", "dim")
    yield from (Text(printable(finding)) for query in comparison.queries for finding in on_rivals(query))


def _first(query: QueryResult, name: str, grades: Mapping[str, int]) -> ListLine:
    if _all_equal(query, name):
        return ListLine("(all equal)", style="dim")
    return _cell(query, name, query.rankings[name][0], grades)


def _cell(query: QueryResult, name: str, hit: Hit, grades: Mapping[str, int]) -> ListLine:
    """A hit; one after the break is dimmed, and the last before it is underlined."""
    labels = [label for label in hit.every_label if f"/{label}/" not in f"/{hit.image}"]
    notes = [f"[{', '.join(labels)}]"] if labels else []
    notes += [f"(and {len(hit.aliases):,} more like it)"] if hit.aliases else []
    notes += ["(the query picture)"] if hit.itself else []
    figures = {"score": f"{hit.score:.4f}"} | ({} if hit.z is None else {"z": f"{hit.z:.1f}"})
    last = query.stratification[name].breakpoint if name in query.stratification else None
    style = "" if last is None or hit.rank < last else "underline" if hit.rank == last else "dim"
    mark, colour = _MARKS[bool(grades[hit.id])] if hit.id in grades else ("", "")
    return ListLine(
        printable(hit.image),
        printable(" ".join(notes)),
        figures,
        mark,
        colour,
        "dim" if _all_equal(query, name) else style,
    )


def _grades(comparison: Comparison, query: QueryResult) -> Mapping[str, int]:
    """What judgments say of a query's hits, by the picture's id."""
    judged = () if comparison.relevance is None else comparison.relevance.queries
    return next((each.grades for each in judged if each.query == query.query), {})


def _all_equal(query: QueryResult, name: str) -> bool:
    return name in query.stratification and query.stratification[name].verdict == "all equal"


def _fall(query: QueryResult, name: str) -> str:
    """Whether a list breaks, in the fewest words."""
    ranking = query.stratification.get(name)
    return "" if ranking is None else break_in_words(ranking)


_FEW = 3
"""So many skipped files are named where not all are."""


def closing(comparison: Comparison, *, full: bool, notes: Iterable[str] = ()) -> Iterator[Text]:
    """What was done and what was skipped, how to read what is above, and how to see more."""
    done = [
        (info, comparison.work[info.name]) for info in comparison.embedders if info.name in comparison.work
    ]
    if full:
        yield from (Text(_work(info, work)) for info, work in done)
    elif new := [
        _new_work(info, work)
        for info, work in done
        if work.images_embedded or work.dollars or work.dollars_sent
    ]:
        yield Text(f"Pictures embedded now: {'; '.join(new)}.")
    skipped = _skipped(comparison.skipped)
    most = len(skipped) if full else 1 + _FEW
    yield from skipped[:most]
    if len(skipped) > most:
        yield Text(f"  … and {len(skipped) - most:,} more")
    hints = [*notes, *([] if full else ["--full prints every hit, figure and finding."])]
    if hints[:-1] and hints[-2] == _MARKED:  # short ones, in one line
        hints[-2:] = [" ".join(hints[-2:])]
    yield from (Text(hint, "dim") for hint in hints)


def _work(info: EmbedderInfo, work: Work) -> str:
    new = "embedded no picture"
    if work.images_embedded:
        new = f"embedded {count(work.images_embedded, 'picture')} in {work.seconds:.1f} s"
    return f"{printable(info.name)}: {new}{_cost(info, work)}; {work.images_from_store:,} from the store"


def _new_work(info: EmbedderInfo, work: Work) -> str:
    new = f"{printable(info.name)} {work.images_embedded:,} in {work.seconds:.1f} s"
    return f"{new}{_cost(info, work)}"


def _cost(info: EmbedderInfo, work: Work) -> str:
    """By the list price: of what came, and of what was sent for it where that is more."""
    if not info.price_known:
        return ", at a price that is not known here"
    cost = f", about ${work.dollars:.4f}" if work.dollars else ""
    sent = work.dollars_sent or 0.0
    if sent < work.dollars or math.isclose(sent, work.dollars):
        return cost
    return f"{cost} (${sent:.4f} with what was sent in vain)"


def _skipped(skipped: Sequence[Skipped]) -> list[Text]:
    heading = [Text(f"{count_files(skipped):,} skipped:")] if skipped else []
    return heading + [Text(f"  {printable(s.called)}: {printable(s.reason)}") for s in gathered(skipped)]


def show_filled(collection: Collection, filled: Mapping[str, Filled], console: Console) -> None:
    """Print what `embed` did."""
    for name, f in filled.items():
        rate = f" ({f.embedded / f.seconds:.1f} a second)" if f.embedded and f.seconds else ""
        console.print(
            Text(f"{printable(name)}: embedded {f.embedded:,}{rate}, {f.from_store:,} from the store")
        )
    names = {picture.id: picture.name for picture in collection.pictures}
    refused = {item: why for f in filled.values() for item, why in f.refused.items()}
    lost = [*collection.skipped, *(Skipped(names[item], why) for item, why in refused.items())]
    console.print(Group(*_skipped(lost)))


def show_checks(checks: Sequence[Check], console: Console) -> None:
    """Print what works, what is there, and what is missing."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for whole in (True, True, False):
        table.add_column(no_wrap=whole)
    for check in checks:
        style = {"works": "green", "missing": "yellow"}.get(check.state, "")
        table.add_row(
            Text(check.state, style), Text(printable(check.what), "bold"), Text(printable(check.finding))
        )
    console.print(table)
    console.print(Text("Installed or found is not tried: `diptych doctor -e SPEC` tries one.", "dim"))
