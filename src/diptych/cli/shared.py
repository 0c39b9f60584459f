"""What several commands do: open a workbench, read queries, say what it costs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from diptych.errors import DiptychError
from diptych.progress import Progress, Silent
from diptych.words import count

if TYPE_CHECKING:
    from rich.console import Console

    from diptych.comparison import Workbench
    from diptych.embedders import Embedder
    from diptych.estimate import Estimate
    from diptych.images import Limits
    from diptych.queries import Query

_UNCUT = 10_000  # columns


def open_workbench(
    source: str,
    embedders: Sequence[str | Embedder],
    store: Path | None,
    max_cost: float | None,
    megapixels: float,
    megabytes: float,
    quiet: bool,
    bank: Path | None = None,
    templates: Sequence[str] | None = None,
) -> Workbench:
    """A workbench as the options ask for, with progress on standard error."""
    from diptych.comparison import Workbench
    from diptych.images import Limits

    return Workbench(
        source,
        embedders,
        store=store,
        limits=Limits(megapixels, megabytes),
        progress=watcher(quiet),
        max_cost=max_cost,
        bank=bank,
        templates=templates or (),
    )


def watcher(quiet: bool) -> Progress:
    """Who watches long work: a person at standard error, or nobody."""
    if quiet:
        return Silent()
    from rich.console import Console

    from diptych.present.progress import progress_for

    return progress_for(Console(stderr=True))


def parse_queries(texts: Sequence[str], pictures: Sequence[Path], limits: Limits) -> list[Query]:
    """Texts stay texts on the command line, whatever they look like; --image says what is a picture."""
    from diptych.queries import image_query, text_query

    words = (text_query(text) for text in dict.fromkeys(texts))
    return [*words, *(image_query(path, limits) for path in dict.fromkeys(pictures))]


def gather_texts(texts: Sequence[str] | None, file: Path | None) -> list[str]:
    """The texts to search with: those given one by one, then those of a file."""
    return [*(texts or []), *(read_lines(file) if file else [])]


def read_lines(path: Path) -> list[str]:
    """The queries of a file: one per line, # begins a comment; of a `.tsv`, after an id and a tab."""
    from diptych.relevance.qrels import read_query_ids

    return list(read_query_ids(path).values())


def check_place(path: Path | None) -> None:
    """Make sure that a file, where one is asked for, can be written later."""
    if path is not None and path.is_dir():
        raise DiptychError(f"can't write {path}: it is a folder")
    if path is not None and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise DiptychError(f"can't write {path}: there is no folder {path.parent} to write to")


def announce_cost(estimates: Sequence[Estimate]) -> None:
    """Say what is about to be sent and what that costs; nothing where it is free."""
    for e in estimates:
        if e.dollars or not e.price_known:
            sent = f"{count(e.images, 'picture')} and {count(e.texts, 'text')}"
            cost = f"about ${e.dollars:.4f}" if e.price_known else "at a price that is not known here"
            note(f"{e.name}: {sent} to send, {cost}", quiet=False)


def make_console() -> Console:
    """Standard output; where it is no terminal, as wide as the tables are, so that nothing is cut."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNCUT
    return console


def note(words: str, quiet: bool) -> None:
    """Say something on standard error."""
    if not quiet:
        typer.echo(words, err=True)
