"""`threshold`: where to cut an embedder's scores, learned from judgments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from diptych.cli.app import app
from diptych.cli.options import (
    Bank,
    Debug,
    JudgmentFile,
    Labels,
    MaxCost,
    Megabytes,
    Megapixels,
    Queries,
    QueryFile,
    Quiet,
    Source,
    Specs,
    Store,
    Templates,
)
from diptych.cli.shared import announce_cost, check_place, gather_texts, make_console, note, open_workbench


@app.command()
def threshold(
    source: Source,
    embedders: Specs,
    texts: Queries = None,
    queries: QueryFile = None,
    labels: Labels = None,
    judgments: JudgmentFile = None,
    scale: Annotated[
        Literal["raw", "z"],
        typer.Option(help="What to cut: scores as they are, or how far they stand above unrelated texts."),
    ] = "raw",
    precision: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="P", help="Keep as much as this precision allows; by default best F1."
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the threshold to a file for `filter`.")
    ] = None,
    bank: Bank = None,
    templates: Templates = None,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Learn from judgments at which score one embedder's hits stop being relevant."""
    from diptych.present.threshold import show_threshold
    from diptych.relevance.threshold_file import save_threshold

    if labels is not None and judgments is not None:
        raise typer.BadParameter("--labels and --judgments both say what is relevant: give one of them")
    if len(embedders) > 1:
        raise typer.BadParameter("a threshold holds for one embedder: give one -e")
    check_place(save)
    asked = gather_texts(texts, queries)
    bench = open_workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet, bank, templates)
    if not quiet:
        announce_cost(bench.estimate(asked))
    learned = bench.learn_threshold(
        asked, judgments=judgments, labels=labels, scale=scale, precision=precision
    )
    if save is not None and learned.threshold.value is not None:
        save_threshold(learned.saved(), save)
        note(f"threshold: {save}", quiet)
    show_threshold(learned, make_console())
    if save is not None:
        learned.saved()  # says that there is none to save
