"""A comparison in the terminal: one column an embedder, side by side, and what the reader should know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from diptych.doctor import Check
from diptych.images import Collection, Skipped, count_files, gathered
from diptych.pipeline import Filled
from diptych.pipeline.estimate import Estimate
from diptych.present.terminal.relevance import LETTER_STYLES, relevance_part
from diptych.result import Comparison, Hit, QueryResult, Work
from diptych.text import count, printable


def show(comparison: Comparison, console: Console) -> None:
    """Print a comparison; of what judgments say the verdicts alone, which stand among the findings."""
    for query in comparison.queries:
        console.print(_query(query, fill=console.is_terminal))
        console.print()
    if comparison.relevance is not None:
        console.print(
            Text(
                f"Judged by {printable(comparison.relevance.origin)}; `diptych evaluate` prints the figures."
            )
        )
    console.print(_footer(comparison))


def show_relevance(comparison: Comparison, console: Console) -> None:
    """Print what judgments say, where there are any, and what holds over all queries; no rankings."""
    if comparison.relevance is not None:
        names = [info.name for info in comparison.embedders]
        console.print(relevance_part(comparison.relevance, names))
        console.print()
    console.print(_footer(comparison))


def show_estimates(estimates: Sequence[Estimate], console: Console) -> None:
    """Print what a run would take, one line an embedder."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("embedder")
    for heading in ("to embed", "in the store", "texts", "calls", "minutes", "US dollars"):
        table.add_column(heading, justify="right")
    for e in estimates:
        minutes = "unknown before a first run" if e.minutes is None else f"{e.minutes:.1f}"
        counts = (f"{number:,}" for number in (e.images, e.images_from_store, e.texts, e.calls))
        dollars = f"{e.dollars:.4f}" if e.price_known else "not known"
        table.add_row(Text(printable(e.name)), *counts, minutes, dollars)
    console.print(table)


def _query(query: QueryResult, *, fill: bool) -> RenderableType:
    """One query's columns; they fill a terminal alike, elsewhere they are as wide as what is in them."""
    kind = "" if query.kind == "text" else " (picture)"
    table = Table(
        title=Text(f"{printable(query.query)}{kind}", style="bold"),
        title_justify="left",
        expand=fill,
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("", justify="right", style="dim", min_width=2)
    columns = [_Column(query, name) for name in query.rankings]
    for index, (column, name) in enumerate(zip(columns, query.rankings, strict=True)):
        heading = Text(
            f"{chr(65 + index)} {printable(name)}", style=LETTER_STYLES[index % len(LETTER_STYLES)]
        )
        table.add_column(heading, no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("score", justify="right", min_width=7)
        if column.has_z:
            table.add_column("z", justify="right", min_width=5)
    # One cell a column, a line a hit: laying out a cell for each hit would take longer than the ranking.
    ranks = "\n".join(str(row + 1) for row in range(max(len(column.hits) for column in columns)))
    table.add_row(ranks, *(cell for column in columns for cell in column.cells()))
    return Group(table, *(Text(printable(finding)) for finding in query.findings))


class _Column:
    """One embedder's hits; those after the break are dimmed, and the last before it is underlined."""

    def __init__(self, query: QueryResult, name: str) -> None:
        self.hits = query.rankings[name]
        self.has_z = any(hit.z is not None for hit in self.hits)
        ranking = query.stratification.get(name)
        self._break = ranking.breakpoint if ranking is not None else None

    def cells(self) -> list[Text]:
        """Its names, its scores and, where it has any, its z, each a line a hit."""
        lines = [
            [_name(hit) for hit in self.hits],
            [Text(f"{hit.score:.4f}") for hit in self.hits],
            [Text("" if hit.z is None else f"{hit.z:.1f}") for hit in self.hits],
        ]
        for column in lines:
            for line, hit in zip(column, self.hits, strict=True):
                line.stylize(self._style(hit.rank))
        return [Text("\n").join(column) for column in lines[: 3 if self.has_z else 2]]

    def _style(self, rank: int) -> str:
        if self._break is None or rank < self._break:
            return ""
        return "underline" if rank == self._break else "dim"


def _name(hit: Hit) -> Text:
    name = Text(printable(hit.image))
    labels = [label for label in hit.every_label if f"/{label}/" not in f"/{hit.image}"]
    if labels:
        name.append(f" [{printable(', '.join(labels))}]", style="dim")
    if hit.aliases:
        name.append(f" (and {len(hit.aliases)} more like it)", style="dim")
    if hit.itself:
        name.append(" (the picture asked with)", style="dim")
    return name


def _footer(comparison: Comparison) -> RenderableType:
    lines = [Text(printable(str(finding))) for finding in comparison.overall.findings]
    lines.append(Text(f"{count(comparison.images, 'picture')} of {printable(comparison.source)}"))
    unpriced = {info.name for info in comparison.embedders if not info.price_known}
    for name, work in comparison.work.items():
        new = "embedded no picture"
        if work.images_embedded:
            new = f"embedded {count(work.images_embedded, 'picture')} in {work.seconds:.1f} s"
        cost = ", at a price that is not known here" if name in unpriced else _cost(work)
        lines.append(Text(f"  {printable(name)}: {new}{cost}; {work.images_from_store} from the store"))
    return Group(*lines, *_skipped(comparison.skipped))


def _cost(work: Work) -> str:
    """By the list price: of what came, and of what was sent for it where that is more."""
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
        console.print(Text(f"{printable(name)}: embedded {f.embedded}{rate}, {f.from_store} from the store"))
    names = {picture.id: picture.name for picture in collection.pictures}
    refused = {item: why for f in filled.values() for item, why in f.refused.items()}
    lost = [*collection.skipped, *(Skipped(names[item], why) for item, why in refused.items())]
    console.print(Group(*_skipped(lost)))


def show_checks(checks: Sequence[Check], console: Console) -> None:
    """Print what works and what is missing."""
    for check in checks:
        mark = Text("works    ", "green") if check.works else Text("missing  ", "yellow")
        console.print(
            mark.append(f"{printable(check.what):22}", "bold").append(printable(check.finding), "default")
        )
