"""`compare`, `search`, `embed`, `estimate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from diptych.cli.app import command
from diptych.cli.help import COMPARING, Panel
from diptych.cli.options import Contrast, Hits, Queries, Setup
from diptych.cli.outputs import Outputs
from diptych.cli.shared import make_console
from diptych.cli.spread import Without

if TYPE_CHECKING:
    from diptych.queries import Askable


@command(COMPARING)
def compare(
    setup: Setup,
    queries: Queries,
    *,
    k: Annotated[
        int | None,
        Panel.OUTPUTS.option(
            "-k", min=1, help="How many hits of each ranking; by default 20, the first of which are printed."
        ),
    ] = None,
    contrast: Contrast = None,
    each_other: Annotated[
        bool, Panel.QUERIES.option("--contrast-each-other", help="Set each text against the others.")
    ] = False,
    outputs: Outputs,
) -> None:
    """Rank the pictures for each query by each embedder, side by side.

    Examples:
      diptych compare photos/ -e clip-ViT-L-14 -e palette -q wolf -q "a red car"
      diptych compare sample -e mini-s -e mini-b --report r.html --open
    """
    asked = queries.parse(setup.limits) or setup.own_queries()
    if not asked:
        raise typer.BadParameter("nothing to search for: give -q TEXT, --queries FILE or --image PATH")
    if each_other and contrast:
        raise typer.BadParameter("--contrast names rivals, --contrast-each-other takes the queries: give one")
    outputs.check(setup.source)
    bench = setup.open_workbench()
    setup.announce_cost(bench, asked)
    comparison = bench.compare(asked, k or 20, contrast="each other" if each_other else contrast or ())
    outputs.write(comparison, bench, asked, setup, rows=k)


@command(COMPARING)
def search(
    setup: Setup,
    query: Annotated[
        str | None,
        typer.Argument(metavar="QUERY", help="A text, a picture's path, or image:NAME."),
    ] = None,
    *,
    text: Annotated[
        list[str] | None,
        Panel.QUERIES.option("-q", "--query", metavar="TEXT", help="The same as QUERY, for a text."),
    ] = None,
    k: Hits = 10,
    contrast: Contrast = None,
    outputs: Annotated[Outputs, Without("report", "export", "plots", "inside_source", "open")],
) -> None:
    """Rank the pictures for one query, in the terminal.

    Examples:
      diptych search photos/ "golden retriever" -e clip-ViT-L-14 -e palette
      diptych search sample wolf -e mini-s -e mini-b --contrast dog
    """
    asked = _only_query(query, text or [])
    outputs.check(setup.source)
    bench = setup.open_workbench()
    setup.announce_cost(bench, [asked])
    found = bench.search(asked, k, contrast=contrast or ())
    outputs.write(found, bench, [], setup, rows=k)


def _only_query(query: str | None, texts: list[str]) -> Askable:
    """The one query that was given, either way."""
    from diptych.queries import text_query

    given: list[Askable] = [*([] if query is None else [query]), *map(text_query, texts)]
    if not given:
        raise typer.BadParameter("nothing to search for: give a QUERY after SOURCE, or -q TEXT")
    if len(given) > 1:
        raise typer.BadParameter("search takes one query; `diptych compare` takes several, each after -q")
    return given[0]


@command(COMPARING)
def embed(setup: Annotated[Setup, Without("bank", "templates")]) -> None:
    """Embed the pictures that are not embedded yet, and nothing else.

    Examples:
      diptych embed photos/ -e clip-ViT-L-14 -e palette
      diptych embed photos/ -e 'vertex?project=MY-PROJECT' --max-cost 0.50
    """
    from diptych.present.terminal.rankings import show_filled

    bench = setup.open_workbench()
    setup.announce_cost(bench)
    show_filled(bench.collection, bench.embed(), make_console())


@command(COMPARING)
def estimate(setup: Annotated[Setup, Without("max_cost")], queries: Queries) -> None:
    """Say what a run would take: pictures to embed, calls, minutes, money. Nothing is sent.

    Example:
      diptych estimate photos/ -e 'vertex?project=MY-PROJECT' -q wolf -q dog
    """
    from diptych.present.terminal.estimates import show_estimates

    asked = queries.parse(setup.limits)
    show_estimates(setup.open_workbench().estimate(asked), make_console())
