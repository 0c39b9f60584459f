"""`judge`."""

from __future__ import annotations

import getpass
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from diptych.cli.app import app
from diptych.cli.options import (
    Debug,
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
from diptych.cli.shared import announce_cost, gather_texts, open_workbench
from diptych.words import count, printable

if TYPE_CHECKING:
    from diptych.relevance.session import Session


@app.command()
def judge(
    source: Source,
    embedders: Specs,
    texts: Queries = None,
    queries: QueryFile = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many of each embedder's hits to judge.")] = 10,
    below: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many to judge, at random, from below those.")
    ] = 5,
    graded: Annotated[
        bool, typer.Option("--graded", help="Judge by grades, 0 to 3, rather than yes or no.")
    ] = False,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who judges; by default your login name.")
    ] = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Name pictures that the terminal can't show; open no viewer.")
    ] = False,
    templates: Templates = None,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Judge what the embedders find, picture by picture, without being told which of them found it."""
    from diptych.cli.dialogue import Dialogue
    from diptych.cli.keys import Keys
    from diptych.cli.shower import Shower
    from diptych.relevance.session import Session

    asked = gather_texts(texts, queries)
    if not asked:
        raise typer.BadParameter("nothing to judge: give -q TEXT or --queries FILE")
    bench = open_workbench(
        source, embedders, store, max_cost, megapixels, megabytes, quiet, templates=templates
    )
    if not quiet:
        announce_cost(bench.estimate(asked))
    session = Session(bench.pool(asked, k, below=below), bench.store, _login() if by is None else by)
    with Shower(bench.collection, no_open=no_open) as shower, Keys() as keys:
        Dialogue(session, keys, shower, graded=graded).hold()
    options = [part for spec in embedders for part in ("-e", spec)]
    options += [part for text in texts or [] for part in ("-q", text)]
    options += ["--queries", str(queries)] if queries else []
    options += ["--store", str(store)] if store else []
    _sum_up(session, ["diptych", "evaluate", source, *options])


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return ""


def _sum_up(session: Session, next_command: list[str]) -> None:
    left = session.left + session.skipped
    goes_on = f"{left} left, the same command goes on from here" if left else "nothing is left to judge"
    typer.echo(f"{count(session.given, 'judgment')} given and kept; {goes_on}.")
    typer.echo(f"What follows from them: {printable(shlex.join(next_command))}")
