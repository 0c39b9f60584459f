"""`serve`: the local page."""

from __future__ import annotations

import contextlib
import os
from typing import Annotated

import typer

from diptych.cli.app import app
from diptych.cli.options import Bank, Debug, Megabytes, Megapixels, Quiet, Source, Specs, Store, Templates
from diptych.cli.shared import open_workbench


@app.command()
def serve(
    source: Source,
    embedders: Specs,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Listen elsewhere than on this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8600,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
    bank: Bank = None,
    templates: Templates = None,
    store: Store = None,
    max_cost: Annotated[
        float, typer.Option(metavar="USD", min=0, help="Spend so much without asking on the page.")
    ] = 0.0,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Open a page to compare, judge and evaluate embedders in, as long as this runs."""
    # Many small products at once: threads of BLAS would only wait for each other. Before numpy is there.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from diptych.web.server import open_page

    bench = open_workbench(source, embedders, store, None, megapixels, megabytes, quiet, bank, templates)
    page = open_page(bench, host=host, port=port, max_cost=max_cost)
    typer.echo(f"{page.url} (Ctrl-C ends it)")
    if not no_open:
        typer.launch(page.url)
    with contextlib.suppress(KeyboardInterrupt):
        page.run()
    # What is being embedded is not waited for: every batch is stored whole, or not at all.
    os._exit(0)
