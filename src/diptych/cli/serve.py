"""`serve`: the local page."""

from __future__ import annotations

import contextlib
import os
from typing import Annotated

import typer

from diptych.cli.app import command
from diptych.cli.help import COMPARING, Panel
from diptych.cli.options import Planned, Setup
from diptych.cli.spread import Without


@command(COMPARING)
def serve(
    setup: Annotated[Setup, Without("max_cost")],
    host: Annotated[
        str, Panel.SERVER.option(metavar="ADDRESS", help="Listen elsewhere than on this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, Panel.SERVER.option(min=0, max=65535, help="0 takes any free port.")] = 8600,
    no_open: Annotated[bool, Panel.SERVER.option("--no-open", help="Open no browser.")] = False,
    max_cost: Annotated[
        float,
        Panel.LIMITS.option(
            metavar="USD", min=0, help="Spend up to this much without confirmation on the page."
        ),
    ] = 0.0,
    planned: Planned = None,
) -> None:
    """Open a page to compare, judge and evaluate embedders in, as long as this runs.

    Example:
      diptych serve photos/ -e clip-ViT-L-14 -e 'vertex?project=MY-PROJECT'
    """
    # Many small products at once: threads of BLAS would only wait for each other. Before numpy is there.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from diptych.web.server import open_page

    page = open_page(setup.open_workbench(), host=host, port=port, max_cost=max_cost, planned=planned or 0)
    typer.echo(f"{page.url} (Ctrl-C ends it)")
    if not no_open:
        typer.launch(page.url)
    with contextlib.suppress(KeyboardInterrupt):
        page.run()
    # What is being embedded is not waited for: every batch is stored whole, or not at all.
    os._exit(0)
