"""`emulate`: a stand-in for a hosted embedder on this machine; one command a service, the same options."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from diptych.cli.app import app
from diptych.cli.completion import complete_embedder
from diptych.cli.help import TOOLS, Command, Commands, Panel
from diptych.cli.options import Debug

SERVICES = {
    "vertex": ("VertexEmulator", "Vertex AI's multimodal embedding endpoint"),
    "gemini": ("GeminiEmulator", "Gemini Embedding 2, on Vertex AI and as the Gemini API"),
    "cohere": ("CohereEmulator", "Cohere's embedding endpoint"),
    "voyage": ("VoyageEmulator", "Voyage's multimodal embedding endpoint"),
    "bedrock": ("BedrockEmulator", "Amazon Bedrock's InvokeModel, with Titan Multimodal G1 and Nova"),
    "jina": ("JinaEmulator", "Jina's embedding endpoint"),
}
"""What there is: the class in the module of that name, and what it plays."""

_HELP = """{what}, on 127.0.0.1, without an account.

Examples:
  diptych emulate {service} --embedder mini-b
  diptych emulate {service} --embedder mini-b --latency 0.2 --error-rate 0.1
"""

emulate_app = typer.Typer(cls=Commands, no_args_is_help=True)
app.add_typer(emulate_app, name="emulate", rich_help_panel=TOOLS)


@emulate_app.callback()
def emulate() -> None:
    """Run a stand-in for a hosted embedder on this machine.

    Example:
      diptych emulate cohere --embedder mini-b --latency 0.2 --error-rate 0.1
    """


def _command(service: str) -> Callable[..., None]:
    """The command that plays one service."""

    def run(
        embedder: Annotated[
            str,
            Panel.EMBEDDERS.option(
                "--embedder",
                metavar="SPEC",
                help="Embedder whose vectors it returns.",
                autocompletion=complete_embedder,
            ),
        ],
        port: Annotated[int, Panel.SERVER.option(min=0, max=65535, help="0 takes any free port.")] = 8765,
        latency: Annotated[
            float, Panel.SERVER.option(min=0, metavar="SECONDS", help="What each call takes.")
        ] = 0.0,
        error_rate: Annotated[
            float, Panel.SERVER.option(min=0, max=1, help="The share of calls that fail.")
        ] = 0.0,
        requests_per_minute: Annotated[
            float | None,
            Panel.SERVER.option(min=0, help="Answer 429 above this rate; 0, the default, is no limit."),
        ] = None,
        seed: Annotated[int, Panel.SERVER.option(help="Decides which calls fail.")] = 0,
        debug: Debug = False,
    ) -> None:
        from diptych.embedders import load

        module = importlib.import_module(f"diptych.emulators.{service}")
        emulator = getattr(module, SERVICES[service][0])(
            load(embedder),
            port=port,
            latency=latency,
            error_rate=error_rate,
            requests_per_minute=requests_per_minute or None,
            seed=seed,
        )
        typer.echo(f"{emulator.title}, as {embedder} sees: {emulator.url} (Ctrl-C ends it)")
        typer.echo(f"  {emulator.try_it.format(url=emulator.url)}")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            emulator.serve_forever()

    return run


for _service, (_, _what) in SERVICES.items():
    emulate_app.command(_service, cls=Command, help=_HELP.format(service=_service, what=_what))(
        _command(_service)
    )
