"""How `--help` looks: options by subject, flags without a type, what every command has at the end."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from rich.console import RenderableType

COMPARING = "Compare embedders"
JUDGING = "Judge, evaluate and filter"
TOOLS = "Set up and test"
"""The subjects of commands."""


class Panel(StrEnum):
    """The subjects of options, in the order in which `--help` shows them."""

    EMBEDDERS = "Embedders"
    QUERIES = "Queries"
    JUDGMENTS = "Judgments"
    THRESHOLD = "Threshold"
    SERVER = "Server"
    OUTPUTS = "Outputs"
    LIMITS = "Limits"
    GENERAL = "General"

    def option(self, *names: str, **settings: Any) -> Any:
        """A `typer.Option` that is shown with this subject."""
        return typer.Option(*names, rich_help_panel=self, **settings)


class Command(TyperCommand):
    """A command whose options are shown by subject, whatever the order of its parameters."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its parameters: arguments, which have no panel, then panel by panel."""
        order = [None, *Panel]
        return sorted(_plain(super().get_params(ctx)), key=lambda each: order.index(each.rich_help_panel))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take what was written; what is wrong of it says what was probably meant."""
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            error.message += _meant(self, ctx, error)
            raise

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, beside the other options that every command has."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel = Panel.GENERAL
        return option


_UsageError: Any = typer.BadParameter.__base__
"""What wrong usage raises; typer names only this one's children."""


def _meant(command: Command, ctx: Any, error: Any) -> str:
    """Which commands take an option that this one lacks, or how a query is given; otherwise nothing."""
    if (option := getattr(error, "option_name", None)) is not None and hasattr(error, "possibilities"):
        every = ctx.parent.command.commands if ctx.parent else {}
        if taking := [name for name, each in every.items() if option in _options(each)]:
            error.possibilities = None
            return f" ({', '.join(taking)} {'has' if len(taking) == 1 else 'have'} it)"
        return ""
    if error.message.startswith("Got unexpected extra") and "-q" in _options(command):
        return ": write -q before each text to search for"
    return ""


def _options(command: Any) -> set[str]:
    """The options that a command takes, as they are written."""
    return {written for each in command.params for written in each.opts if written.startswith("-")}


class Commands(TyperGroup):
    """The commands, or those of `emulate`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options."""
        return _plain(super().get_params(ctx))


class Start(Commands):
    """All of Diptych: what it is, three commands to start with, then the rest by subject."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (as the base class has it)
        """Print the first page."""
        from rich.console import Console

        console = Console(highlight=False, markup=False, emoji=False)
        for part in self._page(ctx):
            console.print(part)

    def _page(self, ctx: Any) -> Iterator[RenderableType]:
        from rich.text import Text

        yield Text(f"{_WHAT_IT_IS}\n")
        yield Text("Start with", "bold")
        yield _two_columns(START)
        commands = [self.commands[name] for name in self.list_commands(ctx)]
        longest = max(len(each.name or "") for each in commands)
        for subject, some in groupby(commands, key=lambda each: getattr(each, "rich_help_panel", "")):
            yield Text(f"\n{subject}", "bold")
            yield _two_columns([(each.name or "", each.get_short_help_str(1000)) for each in some], longest)
        yield Text("\nOptions", "bold")
        options = [option for each in self.get_params(ctx) if (option := each.get_help_record(ctx))]
        yield _two_columns(options)
        yield Text("\n`diptych COMMAND --help` says more of each.", "dim")


_WHAT_IT_IS = (
    "Diptych compares multimodal image embedders side by side on your own pictures:"
    " do they rank alike, does a list break, is one better?"
)
START = (
    ("diptych compare sample -e mini-s -e mini-b -q wolf", "see it work, offline"),
    ("diptych serve photos/ -e clip-ViT-L-14 -e palette", "your own, in a browser"),
    ("diptych doctor", "what works here"),
)
"""What to begin with, and what each does."""


def _two_columns(rows: Any, least: int = 0) -> RenderableType:
    """What to write, and what it does; where there is no room beside it, below."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=least)
    table.add_column(ratio=1)
    for written, does in rows:
        table.add_row(Text(written, "cyan"), Text(does))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _plain(parameters: list[Any]) -> list[Any]:
    """The same, but a flag takes no value, so none is shown beside it."""
    for each in parameters:
        if getattr(each, "is_flag", False):
            each.metavar = ""
    return parameters
