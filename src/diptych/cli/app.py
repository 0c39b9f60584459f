"""The command line itself, which the commands are added to, and how it ends."""

from __future__ import annotations

import functools
import io
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import typer

from diptych.cli.completion import rejoin_words
from diptych.cli.help import Command, Start
from diptych.cli.spread import spread
from diptych.errors import DiptychError, DiptychWarning
from diptych.text import printable

app = typer.Typer(
    cls=Start,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",  # keeps the lines of examples apart
    context_settings={"help_option_names": ["-h", "--help"]},
)

_INTERRUPTED = 130  # the exit status that a shell gives to Ctrl-C


@dataclass
class Verbosity:
    """How much to say; the options `--quiet` and `--debug` set it as soon as they are read."""

    quiet: bool = False
    debug: bool = False


def command(panel: str, name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a function as a command, its groups of options spread, to a panel of `diptych --help`."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        app.command(name, cls=Command, rich_help_panel=panel)(spread(function))
        return function

    return add


@app.callback(invoke_without_command=True)
def diptych(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Compare multimodal image embedders side by side on your own pictures."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"diptych {version_of('diptych')}")


def main() -> None:
    """Run the command line; what goes wrong is said in one line, with --debug also in a traceback."""
    verbosity = Verbosity()
    _take_any_character()
    rejoin_words(os.environ)
    warnings.showwarning = functools.partial(_show_warning, verbosity)
    try:
        app(prog_name="diptych", obj=verbosity)
    except SystemExit as exit_:
        if exit_.code == _INTERRUPTED:
            _stop()
        raise
    except DiptychError as error:
        _fail(str(error), verbosity)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: say no more
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", verbosity)
    except Exception as error:  # noqa: BLE001 (a person sees one line, and how to get the rest)
        _fail(f"unexpected {type(error).__name__}: {error} (run with --debug for the traceback)", verbosity)


def _take_any_character() -> None:
    """Let every name and query be printed, whatever the system's own encoding has.

    Windows writes what is redirected in the code page of old programs. A file or a pipe gets UTF-8, unless a
    person asks for another encoding; there, and in a terminal, what it lacks is written as its number.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):  # a program's own, which takes what it takes
            continue
        if stream.isatty() or "PYTHONIOENCODING" in os.environ:
            stream.reconfigure(errors="backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _stop() -> NoReturn:
    """End after Ctrl-C: calls under way have been awaited, or Ctrl-C was pressed again."""
    typer.echo(
        "diptych: stopped; embeddings and judgments are saved; run the same command to resume",
        err=True,
    )
    sys.stdout.flush()
    os._exit(_INTERRUPTED)


def _fail(reason: str, verbosity: Verbosity) -> NoReturn:
    if verbosity.debug:
        traceback.print_exc()
    typer.echo(f"diptych: {printable(' '.join(reason.split()))}", err=True)
    sys.exit(1)


def _show_warning(
    verbosity: Verbosity, message: Warning | str, category: type[Warning], *_where: Any, **_also: Any
) -> None:
    """Say our own warnings in one line, and nothing of other people's."""
    if issubclass(category, DiptychWarning) and not verbosity.quiet:
        typer.echo(f"note: {printable(str(message))}", err=True)
