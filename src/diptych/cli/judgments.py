"""`judgments`: what was judged, into the store from a file and out of it into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diptych.cli.app import app
from diptych.cli.options import Debug, Megabytes, Megapixels, Quiet, Source
from diptych.cli.options import Store as StoreOption
from diptych.cli.shared import check_place, make_console, note, watcher
from diptych.words import count, printable


@app.command()
def judgments(
    source: Source,
    import_: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="Add what a file says: TREC qrels, .csv or .jsonl."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write everything to a file: .csv, .jsonl, or TREC qrels with queries.tsv."
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Whose ids an imported file has: one a line, or a .tsv of ids and texts."
        ),
    ] = None,
    store: StoreOption = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show what was judged of these pictures, and where it contradicts itself; import and export it."""
    from diptych.images import Limits, open_collection
    from diptych.judging import export_judgments, import_judgments
    from diptych.present.judgments import show_judgments
    from diptych.relevance.kept import recorded
    from diptych.relevance.qrels import read_query_ids
    from diptych.store import Store

    check_place(export)
    ids = read_query_ids(queries) if queries else None
    limits = Limits(megapixels, megabytes)
    collection = open_collection(source, limits=limits, progress=watcher(quiet))
    with Store(store) as opened:
        if import_ is not None:
            added = import_judgments(import_, collection, opened, ids)
            note(f"{count(added.added, 'judgment')} added, {added.there} were there already", quiet)
            for words in added.notes:
                note(printable(words), quiet)
        here = recorded(opened).among([picture.id for picture in collection.pictures])
    if export is not None:
        beside = export_judgments(here, export, collection)
        note(f"judgments: {export}{f', the queries: {beside}' if beside else ''}", quiet)
    show_judgments(here, collection, make_console())
