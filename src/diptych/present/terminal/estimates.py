"""What a run would take, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diptych.pipeline.estimate import Estimate
from diptych.text import count, printable

_WIDE = 120
"""Columns from which an embedder's figures stand beside its name, and not below it."""


def texts_in_words(estimate: Estimate) -> str:
    """What the texts to embed are: "1 query and 64 null texts"; with templates also how many that makes."""
    kinds = [count(estimate.queries, "query", "queries")] if estimate.queries else []
    kinds += [count(estimate.null_texts, "null text")] if estimate.null_texts else []
    words = " and ".join(kinds) or "no texts"
    if estimate.texts != estimate.queries + estimate.null_texts:
        words += f" ({count(estimate.texts, 'text')} in their templates)"
    return words


def show_estimates(estimates: Sequence[Estimate], console: Console) -> None:
    """Print what a run would take, one line per embedder; in a narrow terminal a paragraph."""
    if console.width < _WIDE:
        for estimate in estimates:
            console.print(Text(printable(estimate.name), "bold"))
            told = Table.grid(padding=(0, 2, 0, 0))
            for heading, words in _figures(estimate).items():
                told.add_row(Text(heading, "dim"), words)
            console.print(Padding(told, (0, 0, 1, 2)))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("embedder")
    for heading in _figures(estimates[0]):
        table.add_column(heading, justify="right")
    for estimate in estimates:
        table.add_row(Text(printable(estimate.name)), *_figures(estimate).values())
    console.print(table)


def _figures(estimate: Estimate) -> dict[str, str]:
    minutes = "unknown before a first run" if estimate.minutes is None else f"{estimate.minutes:.1f}"
    return {
        "to embed": f"{estimate.images:,}",
        "in the store": f"{estimate.images_from_store:,}",
        "texts": texts_in_words(estimate),
        "calls": f"{estimate.calls:,}",
        "minutes": minutes,
        "US dollars": f"{estimate.dollars:.4f}" if estimate.price_known else "not known",
    }
