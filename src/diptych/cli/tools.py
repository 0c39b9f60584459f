"""`embedders`, `doctor`, `emulate`: what there is to use, what works here, a stand-in for what does not."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from diptych.cli.app import app
from diptych.cli.options import Debug, Store
from diptych.cli.shared import make_console

emulate_app = typer.Typer(help="Run a stand-in for a hosted embedder on this machine.", no_args_is_help=True)
app.add_typer(emulate_app, name="emulate")


@app.command()
def embedders(debug: Debug = False) -> None:
    """List the embedders: what there is, what each needs, licence, price, retirement date."""
    from diptych.embedders.cards import cards
    from diptych.present.text import show_cards

    show_cards(cards(), make_console())


@app.command()
def doctor(store: Store = None, debug: Debug = False) -> None:
    """Say what works here and what is missing, with the line to run."""
    from diptych.doctor import examine
    from diptych.present.text import show_checks

    show_checks(examine(store), make_console())


@emulate_app.callback()
def emulate() -> None:
    """Run a stand-in for a hosted embedder on this machine."""


@emulate_app.command("vertex")
def emulate_vertex(
    embedder: Annotated[
        str, typer.Option("--embedder", metavar="SPEC", help="Whose vectors it answers with.")
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8765,
    latency: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Added to each call.")] = 0.0,
    error_rate: Annotated[float, typer.Option(min=0, max=1, help="The share of calls that fail.")] = 0.0,
    requests_per_minute: Annotated[
        float | None, typer.Option(min=0, help="Answer 429 above this rate; 0 is no limit, as by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which calls fail.")] = 0,
    debug: Debug = False,
) -> None:
    """Vertex AI's multimodal embedding endpoint, on 127.0.0.1, without an account."""
    from diptych.embedders import load
    from diptych.emulators.vertex import VertexEmulator

    emulator = VertexEmulator(
        load(embedder),
        port=port,
        latency=latency,
        error_rate=error_rate,
        requests_per_minute=requests_per_minute or None,
        seed=seed,
    )
    typer.echo(f"Vertex's multimodal embedding endpoint, as {embedder} sees: {emulator.url} (Ctrl-C ends it)")
    typer.echo(
        f"  VERTEX_ACCESS_TOKEN=any diptych compare SOURCE -e 'vertex?project=any&endpoint={emulator.url}' …"
    )
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        emulator.serve_forever()
