"""`compare`, `search`, `embed`, `estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diptych.cli.app import app
from diptych.cli.options import (
    Bank,
    Contrast,
    Debug,
    Hits,
    Json,
    MaxCost,
    Megabytes,
    Megapixels,
    Pictures,
    Queries,
    QueryFile,
    Quiet,
    Source,
    Specs,
    Store,
)
from diptych.cli.shared import (
    announce_cost,
    check_places,
    make_console,
    note,
    open_workbench,
    parse_queries,
    print_comparison,
    read_lines,
    save_json,
)

if TYPE_CHECKING:
    from diptych.result import Comparison


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
    json: Json = None,
    report: Annotated[Path | None, typer.Option(metavar="PATH.html", help="Write an HTML report.")] = None,
    export: Annotated[Path | None, typer.Option(metavar="DIR", help="Write files for other tools.")] = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw each query's figures, as SVG and PNG.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rank the pictures for each query by each embedder, side by side."""
    from diptych.images import Limits
    from diptych.present.export import make_folders, write_export
    from diptych.present.plots import make_folder

    asked = [*(texts or []), *(read_lines(queries) if queries else [])]
    if not asked and not images:
        raise typer.BadParameter("nothing to search for: give -q TEXT, --queries FILE or --image PATH")
    if open_ and report is None:
        raise typer.BadParameter("--open opens a report: name it with --report PATH.html")
    if each_other and contrast:
        raise typer.BadParameter("--contrast names rivals, --contrast-each-other takes the queries: give one")
    # What would stop the run at its end, or soon, stops it before anything is read or paid for.
    check_places(json, report)
    if export is not None:
        make_folders(export)
    if plots is not None:
        make_folder(plots)
    everything = parse_queries(asked, images or [], Limits(megapixels, megabytes))
    bench = open_workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet, bank)
    if not quiet:
        announce_cost(bench.estimate(everything))
    comparison = bench.compare(everything, k, contrast="each other" if each_other else contrast or ())
    # Files first: whoever reads the terminal's output may stop reading.
    save_json(comparison, json)
    _save_pages(comparison, report, plots, quiet)
    if export is not None:
        write_export(comparison, bench.vectors(everything), export)
        note(f"files for other tools: {export}", quiet)
    print_comparison(comparison, json)
    if open_ and report is not None:
        typer.launch(report.resolve().as_uri())


def _save_pages(comparison: Comparison, report: Path | None, plots: Path | None, quiet: bool) -> None:
    """Write what people look at."""
    if report is not None:
        comparison.report(report)
        note(f"report: {report}", quiet)
    if plots is not None:
        comparison.plots(plots)
        note(f"plots: {plots}", quiet)


@app.command()
def search(
    source: Source,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A text, or the path of a picture.")],
    embedders: Specs,
    k: Hits = 10,
    contrast: Contrast = None,
    bank: Bank = None,
    json: Json = None,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rank the pictures for one query, in the terminal."""
    bench = open_workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet, bank)
    check_places(json, None)
    found = bench.search(query, k, contrast=contrast or ())
    save_json(found, json)
    print_comparison(found, json)


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
    store: Store = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say what a run would take: pictures to embed, calls, minutes, money. Nothing is sent."""
    from diptych.images import Limits
    from diptych.present.text import show_estimates

    asked = [*(texts or []), *(read_lines(queries) if queries else [])]
    everything = parse_queries(asked, images or [], Limits(megapixels, megabytes))
    bench = open_workbench(source, embedders, store, None, megapixels, megabytes, quiet, bank)
    show_estimates(bench.estimate(everything), make_console())
