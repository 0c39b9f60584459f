"""`judge`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from diptych.cli.app import command
from diptych.cli.help import JUDGING, Panel
from diptych.cli.options import Setup, TextQueries
from diptych.cli.spread import Without
from diptych.text import count, printable

if TYPE_CHECKING:
    from diptych.judgments.session import Session
    from diptych.workbench import Workbench


@command(JUDGING)
def judge(
    setup: Annotated[Setup, Without("bank")],
    queries: TextQueries,
    k: Annotated[
        int, Panel.JUDGMENTS.option("-k", min=1, help="How many of each embedder's hits to judge.")
    ] = 10,
    below: Annotated[
        int,
        Panel.JUDGMENTS.option(min=0, metavar="N", help="How many to judge, at random, from below those."),
    ] = 5,
    graded: Annotated[
        bool, Panel.JUDGMENTS.option("--graded", help="Judge by grades, 0 to 3, rather than yes or no.")
    ] = False,
    by: Annotated[
        str | None, Panel.JUDGMENTS.option(metavar="NAME", help="Who judges; by default your login name.")
    ] = None,
    no_open: Annotated[
        bool,
        Panel.JUDGMENTS.option(
            "--no-open", help="Name pictures that the terminal can't show; open no viewer."
        ),
    ] = False,
) -> None:
    """Judge what the embedders find, picture by picture, without being told which of them found it.

    Examples:
      diptych judge photos/ -e clip-ViT-L-14 -e palette -q wolf -q "a red car"
      diptych judge photos/ -e clip-ViT-L-14 -e palette --queries q.txt --graded
    """
    from diptych.cli.judging.dialogue import Dialogue
    from diptych.cli.judging.keys import Keys
    from diptych.cli.judging.viewer import PictureViewer
    from diptych.judgments.ledger import login_name
    from diptych.judgments.session import Session

    asked = queries.texts()
    if not asked:
        raise typer.BadParameter("nothing to judge: give -q TEXT or --queries FILE")
    bench = setup.open_workbench()
    setup.announce_cost(bench, asked)
    session = Session(bench.pool(asked, k, below=below), bench.store, login_name() if by is None else by)
    with PictureViewer(bench.collection, no_open=no_open) as viewer, Keys() as keys:
        Dialogue(session, keys, viewer, graded=graded, verdict=lambda: _verdict(bench, asked)).hold()
    options = [part for spec in setup.embedders for part in ("-e", spec)]
    options += [part for text in queries.given or [] for part in ("-q", text)]
    options += ["--queries", str(queries.file)] if queries.file else []
    options += ["--store", str(setup.store)] if setup.store else []
    _sum_up(session, ["diptych", "evaluate", setup.source, *options])


def _verdict(bench: Workbench, asked: list[str]) -> str:
    """Is one better so far? A verdict that may be read after each query."""
    from diptych.judgments.groundtruth import ground_truth
    from diptych.queries import text_query
    from diptych.result.assess import assess

    truth = ground_truth(bench.collection, bench.store, asked).with_plan(len(asked))
    floors = {embedder.info.name for embedder in bench.embedders if embedder.info.floor}
    found = assess(bench.answers([text_query(text) for text in asked]), truth, floors=floors)
    return "; ".join(found.verdicts)


def _sum_up(session: Session, next_command: list[str]) -> None:
    left = session.left + session.skipped
    goes_on = f"{left} left, the same command goes on from here" if left else "nothing is left to judge"
    typer.echo(f"{count(session.given, 'judgment')} given and kept; {goes_on}.")
    typer.echo(f"What follows from them: {printable(shlex.join(next_command))}")
