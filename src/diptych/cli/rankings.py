"""`compare`, `search`, `embed`, `estimate`."""

from __future__ import annotations

from typing import Annotated

import typer

from diptych.cli.app import app
from diptych.cli.options import (
    Bank,
    Contrast,
    Debug,
    Export,
    Hits,
    Json,
    MaxCost,
    Megabytes,
    Megapixels,
    Open,
    Pictures,
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
from diptych.cli.shared import announce_cost, gather_texts, make_console, open_workbench, parse_queries


@app.command()
def compare(
    source: Source,
    embedders: Specs,
    texts: Queries = None,
    queries: QueryFile = None,
    images: Pictures = None,
    k: Hits = 20,
    contrast: Contrast = None,
    each_other: Annotated[
        bool, typer.Option("--contrast-each-other", help="Set each text against the others.")
    ] = False,
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
    """Rank the pictures for each query by each embedder, side by side."""
    from diptych.images import Limits

    asked = gather_texts(texts, queries)
    if not asked and not images:
        raise typer.BadParameter("nothing to search for: give -q TEXT, --queries FILE or --image PATH")
    if each_other and contrast:
        raise typer.BadParameter("--contrast names rivals, --contrast-each-other takes the queries: give one")
    outputs = Outputs(json=json, report=report, export=export, plots=plots, open=open_)
    outputs.check()
    everything = parse_queries(asked, images or [], Limits(megapixels, megabytes))
    bench = open_workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet, bank, templates)
    if not quiet:
        announce_cost(bench.estimate(everything))
    comparison = bench.compare(everything, k, contrast="each other" if each_other else contrast or ())
    outputs.write(comparison, bench, everything, quiet=quiet)


@app.command()
def search(
    source: Source,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A text, or the path of a picture.")],
    embedders: Specs,
    k: Hits = 10,
    contrast: Contrast = None,
    bank: Bank = None,
    templates: Templates = None,
    json: Json = None,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rank the pictures for one query, in the terminal."""
    outputs = Outputs(json=json)
    outputs.check()
    bench = open_workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet, bank, templates)
    if not quiet:
        announce_cost(bench.estimate([query]))
    found = bench.search(query, k, contrast=contrast or ())
    outputs.write(found, bench, [], quiet=quiet)


@app.command()
def embed(
    source: Source,
    embedders: Specs,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Embed the pictures that are not embedded yet, and nothing else."""
    from diptych.present.text import show_filled

    bench = open_workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet)
    if not quiet:
        announce_cost(bench.estimate())
    show_filled(bench.collection, bench.embed(), make_console())


@app.command()
def estimate(
    source: Source,
    embedders: Specs,
    texts: Queries = None,
    queries: QueryFile = None,
    images: Pictures = None,
    bank: Bank = None,
    templates: Templates = None,
    store: Store = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say what a run would take: pictures to embed, calls, minutes, money. Nothing is sent."""
    from diptych.images import Limits
    from diptych.present.text import show_estimates

    asked = gather_texts(texts, queries)
    everything = parse_queries(asked, images or [], Limits(megapixels, megabytes))
    bench = open_workbench(source, embedders, store, None, megapixels, megabytes, quiet, bank, templates)
    show_estimates(bench.estimate(everything), make_console())
