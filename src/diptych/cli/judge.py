"""`judge`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from diptych.cli.app import command
from diptych.cli.help import JUDGING, Panel
from diptych.cli.options import Planned, Setup, TextQueries
from diptych.cli.spread import Without
from diptych.text import count, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diptych.evaluation.significance import PairedComparison
    from diptych.judgments.session import Session
    from diptych.workbench import Workbench


FEWEST_QUERIES = 6
"""With fewer no difference can be significant."""


@command(JUDGING)
def judge(
    setup: Annotated[Setup, Without("bank")],
    queries: TextQueries,
    k: Annotated[
        int, Panel.JUDGMENTS.option("-k", min=1, help="How many of each embedder's hits to judge.")
    ] = 10,
    below: Annotated[
        int,
        Panel.JUDGMENTS.option(
            min=0, metavar="N", help="Extra random pictures to judge, from below the top k."
        ),
    ] = 5,
    graded: Annotated[
        bool, Panel.JUDGMENTS.option("--graded", help="Judge by grades, 0 to 3, rather than yes or no.")
    ] = False,
    by: Annotated[
        str | None, Panel.JUDGMENTS.option(metavar="NAME", help="Who judges; by default your login name.")
    ] = None,
    planned: Planned = None,
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
    from diptych.result.assess import DEPTH

    asked = queries.texts()
    if not asked:
        raise typer.BadParameter("nothing to judge: give -q TEXT or --queries FILE")
    bench = setup.open_workbench()
    setup.announce_cost(bench, asked)
    plan = _plan(bench, asked) if planned is None else planned
    if len(asked) < FEWEST_QUERIES:
        typer.echo(
            f"{count(len(asked), 'query is', 'queries are')} too few to tell which is better: it takes"
            f" {FEWEST_QUERIES} or more. What you judge is kept, and counts when you ask more."
        )
    session = Session(
        list(bench.pool(asked, k, below=below).values()), bench.store, login_name() if by is None else by
    )
    specs = [part for spec in setup.embedders for part in ("-e", spec)]
    same = [part for text in setup.templates or [] for part in ("--template", text)]
    same += ["--store", str(setup.store)] if setup.store else []
    with PictureViewer(bench.collection, no_open=no_open) as viewer, Keys() as keys:
        if viewer.elsewhere:
            page = printable(shlex.join(["diptych", "serve", setup.source, *specs, *same]))
            typer.echo(f"This terminal can't show pictures: {viewer.elsewhere}. In a browser: {page}")
        Dialogue(
            session, keys, viewer, graded=graded, verdict=lambda: _verdict(bench, asked, k, plan, session)
        ).hold()
    options = [*specs, *(part for text in queries.given or [] for part in ("-q", text))]
    options += ["--queries", str(queries.file)] if queries.file else []
    options += same
    options += ["-k", str(k)] if k != DEPTH else []
    options += ["--planned", str(plan)] if plan else []
    again = f"the same command{'' if planned or not plan else f' with --planned {plan}'}"
    _sum_up(
        session, again, len(bench.judgments(asked).queries), ["diptych", "evaluate", setup.source, *options]
    )


def _plan(bench: Workbench, asked: list[str]) -> int:
    """How many queries are planned where nobody said: all that are given, before anything has been judged.

    After the first look a plan would be no plan, so there is none, which takes a stricter test; nor is there
    one for so few queries that they can show nothing.
    """
    return 0 if len(bench.judgments()) or len(asked) < FEWEST_QUERIES else len(asked)


def _verdict(bench: Workbench, asked: list[str], k: int, plan: int, session: Session) -> list[str]:
    """Is one better so far? A verdict that may be read after each query, and how many answers it may take."""
    from diptych.evaluation.sentences import verdict_clauses
    from diptych.judgments.groundtruth import ground_truth
    from diptych.queries import text_query
    from diptych.result.assess import assess

    truth = ground_truth(bench.collection, bench.store, asked).with_plan(plan)
    floors = {embedder.info.name for embedder in bench.embedders if embedder.info.floor}
    found = assess(bench.answers([text_query(text) for text in asked]), truth, k=k, floors=floors)
    said = [clause.sentence for pair in found.decisive for clause in verdict_clauses(pair)]
    return [*said, *_answers_needed(found.decisive, session)]


def _answers_needed(pairs: Sequence[PairedComparison], session: Session) -> list[str]:
    """How many more answers may tell, where the next queries are like those before."""
    from diptych.evaluation.drawn import FIRST

    needed = [
        FIRST * (pair.needed_range[0] - pair.queries)
        for pair in pairs
        if pair.verdict == "cannot tell" and pair.needed_range is not None
    ]
    fewest = max(min(needed, default=0), 0)
    return [f"About {fewest:,} more answers may tell."] if 0 < fewest <= session.left_in(0) else []


def _sum_up(session: Session, again: str, judged: int, evaluate: list[str]) -> None:
    """Say what was done, and what can be done next.

    Args:
        session: What was judged now.
        again: How to go on, in words.
        judged: How many of the queries have a judgment, now or from before.
        evaluate: The command that makes use of the judgments.
    """
    left = session.left + session.skipped
    goes_on = f"{left:,} left, run {again} to continue" if left else "nothing is left to judge"
    typer.echo(f"{count(session.given, 'judgment')} given and kept; {goes_on}.")
    if not judged:
        return
    if judged < FEWEST_QUERIES:
        typer.echo(
            f"{count(judged, 'query is', 'queries are')} judged, and it takes {FEWEST_QUERIES} or more to"
            f" tell which is better: add others to {again} with -q."
        )
    typer.echo(f"Next: {printable(shlex.join(evaluate))}")
