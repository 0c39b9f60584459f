"""`embedders`, `doctor`: what there is to use, and what works here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diptych.cli.app import command
from diptych.cli.completion import complete_embedder
from diptych.cli.help import TOOLS, Panel
from diptych.cli.options import Debug, Store
from diptych.cli.shared import make_console


@command(TOOLS)
def embedders(
    json: Annotated[bool, Panel.OUTPUTS.option("--json", help="Print the list as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """List the embedders: what each sees, costs and needs, its licence and retirement date.

    Examples:
      diptych embedders
      diptych embedders --json > embedders.json
    """
    from diptych.embedders.cards import cards
    from diptych.present.terminal.catalogue import rows, show_catalogue

    if json:
        from json import dumps

        typer.echo(dumps(rows(cards()), ensure_ascii=False, indent=1))
    else:
        show_catalogue(cards(), make_console())


@command(TOOLS)
def doctor(
    embedder: Annotated[
        str | None,
        Panel.EMBEDDERS.option(
            "-e",
            "--embedder",
            metavar="[NAME=]SPEC",
            help="Try this embedder on three pictures and two texts.",
            autocompletion=complete_embedder,
        ),
    ] = None,
    store: Store = None,
    debug: Debug = False,
) -> None:
    """Say what works here and what is missing, with the line to run.

    Examples:
      diptych doctor
      diptych doctor -e clip-ViT-L-14
    """
    from diptych.doctor import examine
    from diptych.present.terminal.rankings import show_checks

    if embedder is not None:
        _try_out(embedder, store)
    else:
        show_checks(examine(store), make_console())


def _try_out(spec: str, store: Path | None) -> None:
    from diptych.doctor import try_embedder
    from diptych.embedders.names import split_alias
    from diptych.embedders.self_check import complaints
    from diptych.errors import DiptychError
    from diptych.present.terminal.catalogue import show_trials

    alias, plain = split_alias(spec)
    name = alias or plain
    trials = try_embedder(spec, store)
    show_trials(name, trials, make_console())
    if complaints(trials):
        raise DiptychError(f"{name} looks broken: {complaints(trials)[0]}")
