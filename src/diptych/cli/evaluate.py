"""`evaluate`: which embedder ranks better, by what is relevant."""

from __future__ import annotations

from typing import Annotated

import typer

from diptych.cli.app import app
from diptych.cli.options import (
    Bank,
    Contrast,
    Debug,
    Export,
    Json,
    JudgmentFile,
    Labels,
    MaxCost,
    Megabytes,
    Megapixels,
    Open,
    Plots,
    Queries,
    QueryFile,
    Quiet,
    Report,
    Source,
    Specs,
    Store,
    Templates,
)
from diptych.cli.outputs import Outputs
from diptych.cli.shared import announce_cost, gather_texts, open_workbench, parse_queries


@app.command()
def evaluate(
    source: Source,
    embedders: Specs,
    texts: Queries = None,
    queries: QueryFile = None,
    labels: Labels = None,
    judgments: JudgmentFile = None,
    k: Annotated[
        int, typer.Option("-k", min=1, help="The depth of nDCG@k and others, and how many hits to keep.")
    ] = 10,
    contrast: Contrast = None,
    bank: Bank = None,
    templates: Templates = None,
    json: Json = None,
    report: Report = None,
    export: Export = None,
    plots: Plots = None,
    open_: Open = False,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say which embedder ranks better by what is relevant, how sure that is, and where to cut."""
    from diptych.images import Limits
    from diptych.queries import text_query

    if labels is not None and judgments is not None:
        raise typer.BadParameter("--labels and --judgments both say what is relevant: give one of them")
    outputs = Outputs(json=json, report=report, export=export, plots=plots, open=open_, rankings=False)
    outputs.check()
    asked = parse_queries(gather_texts(texts, queries), [], Limits(megapixels, megabytes))
    bench = open_workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet, bank, templates)
    if not quiet:
        announce_cost(bench.estimate(asked))
    comparison = bench.evaluate(asked, k, judgments=judgments, labels=labels, contrast=contrast or ())
    everything = [text_query(query.query) for query in comparison.queries]
    outputs.write(comparison, bench, everything, quiet=quiet)
