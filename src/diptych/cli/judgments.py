"""`judgments`: what was judged, into the store from a file and out of it into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from diptych.cli.app import command
from diptych.cli.help import JUDGING, Panel
from diptych.cli.options import SourceOptions
from diptych.cli.shared import check_place, make_console
from diptych.text import count, printable


@command(JUDGING)
def judgments(
    pictures: SourceOptions,
    import_: Annotated[
        Path | None,
        Panel.JUDGMENTS.option(
            "--import", metavar="FILE", help="Add what a file says: TREC qrels, .csv or .jsonl."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        Panel.JUDGMENTS.option(
            metavar="FILE", help="Write everything to a file: .csv, .jsonl, or TREC qrels with queries.tsv."
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        Panel.JUDGMENTS.option(
            metavar="FILE",
            help="Map the query ids of an imported file to texts: one per line, or a .tsv of ids and texts.",
        ),
    ] = None,
) -> None:
    """Show what was judged of these pictures, and where it contradicts itself; import and export it.

    Examples:
      diptych judgments photos/ --export judged.csv
      diptych judgments photos/ --import qrels.trec --queries queries.tsv
    """
    from diptych.images import open_collection
    from diptych.judgments.exchange import export_judgments, import_judgments
    from diptych.judgments.files import WRITTEN
    from diptych.judgments.ledger import recorded
    from diptych.judgments.qrels import read_query_ids
    from diptych.present.terminal.judgments import show_judgments
    from diptych.store.vectors import Store

    check_place(export, *WRITTEN)
    ids = read_query_ids(queries) if queries else None
    collection = open_collection(pictures.source, limits=pictures.limits, progress=pictures.progress())
    with Store(pictures.store) as opened:
        if import_ is not None:
            added = import_judgments(import_, collection, opened, ids)
            pictures.note(f"{count(added.added, 'judgment')} added, {added.there} were there already")
            for words in added.notes:
                pictures.note(printable(words))
        here = recorded(opened).among([picture.id for picture in collection.pictures])
    if export is not None:
        beside = export_judgments(here, export, collection)
        pictures.note(f"judgments: {export}{f', the queries: {beside}' if beside else ''}")
    show_judgments(here, collection, make_console())
