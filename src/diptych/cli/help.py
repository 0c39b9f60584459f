"""How `--help` looks: options by subject, flags without a type, what every command has at the end."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

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

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, beside the other options that every command has."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel = Panel.GENERAL
        return option


class Commands(TyperGroup):
    """The commands, or those of `emulate`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options."""
        return _plain(super().get_params(ctx))


def _plain(parameters: list[Any]) -> list[Any]:
    """The same, but a flag takes no value, so none is shown beside it."""
    for each in parameters:
        if getattr(each, "is_flag", False):
            each.metavar = ""
    return parameters
