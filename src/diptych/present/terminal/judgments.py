"""Judgments in the terminal: how many there are of each query, and where they contradict each other."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from diptych.images import Collection
from diptych.judgments.judgments import Contradiction, Judgments
from diptych.store.judgment import Judgment
from diptych.text import count, printable


def show_judgments(judgments: Judgments, collection: Collection, console: Console) -> None:
    """Print what was judged of a collection."""
    if not len(judgments):
        console.print(Text(f"nothing is judged of {printable(collection.source)}"))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("query")
    for heading in ("judged", "relevant", "blind"):
        table.add_column(heading, justify="right")
    table.add_column("by")
    by_query: dict[str, list[Judgment]] = {}
    for judgment in judgments:
        by_query.setdefault(judgment.query, []).append(judgment)
    for query, said in by_query.items():
        people = ", ".join(sorted({printable(judgment.by) or "somebody" for judgment in said}))
        blind = sum(judgment.blind for judgment in said)
        figures = tuple(f"{number:,}" for number in (len(said), len(judgments.relevant(query)), blind))
        table.add_row(Text(printable(query)), *figures, Text(people))
    console.print(table)
    names = {picture.id: picture.name for picture in collection.pictures}
    contradictions = judgments.contradictions(names)
    if contradictions:
        pictures = count(len(contradictions), "picture")
        console.print(Text(f"{pictures} got different grades for one query; the one given last counts:"))
    for each in contradictions:
        console.print(Text(f"  {_contradiction(each)}"))


def _contradiction(each: Contradiction) -> str:
    words = ", then ".join(_word(judgment) for judgment in each.said)
    return f"{printable(each.query)}, {printable(each.image)}: {words}"


def _word(judgment: Judgment) -> str:
    known = " ".join(filter(None, (printable(judgment.by), judgment.at)))
    return f"{judgment.grade}{f' ({known})' if known else ''}"
