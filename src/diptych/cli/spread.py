"""Groups of options: declared once as a dataclass, taken by a command as one parameter.

@dataclass(frozen=True, kw_only=True)
class Outputs:
    json: Annotated[str | None, typer.Option("--json", metavar="PATH|-")] = None
    report: Annotated[Path | None, typer.Option(metavar="PATH.html")] = None

@command("Compare embedders")
def compare(outputs: Outputs): ...  # has --json and --report, and calls outputs.write(...)

@command("Compare embedders")
def search(outputs: Annotated[Outputs, Without("report")]): ...  # has --json alone
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Annotated, Any, get_args, get_origin


class Without:
    """Marks a group of which a command lacks some options; these keep their defaults."""

    def __init__(self, *options: str) -> None:
        self.options = options


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer is to see it: each group replaced by its options."""
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[Any, list[str]]] = {}
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        group, lacking = _group(parameter.annotation)
        if group is None:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        options = inspect.signature(group, eval_str=True).parameters.values()
        had = [option for option in options if option.name not in lacking]
        parameters += had
        groups[parameter.name] = group, [option.name for option in had]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        made = {
            name: group(**{option: values.pop(option) for option in had})
            for name, (group, had) in groups.items()
        }
        command(**made, **values)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _group(annotation: Any) -> tuple[Any, set[str]]:
    """The dataclass that a parameter is annotated with, if any, and which of its options to leave out."""
    plain, *marks = get_args(annotation) if get_origin(annotation) is Annotated else [annotation]
    lacking = {option for mark in marks if isinstance(mark, Without) for option in mark.options}
    return (plain, lacking) if is_dataclass(plain) else (None, set())
