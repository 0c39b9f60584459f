"""Arguments of the functions that people call from Python, compared with the types declared for them.

@checked
def compare(queries: Sequence[str], k: int = 20) -> Comparison: ...

compare(["wolf"], None)  # DiptychError: k must be a whole number, not None
"""

from __future__ import annotations

import functools
import inspect
import numbers
import os
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

from diptych.errors import DiptychError

_P = ParamSpec("_P")
_R = TypeVar("_R")

_CALLED: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    type(None): "None",
    Path: "a path",
    os.PathLike: "a path",
    Mapping: "a mapping",
}
"""What types are called; others by their name."""

_NUMBERS: dict[Any, type] = {int: numbers.Integral, float: numbers.Real}
"""What counts as one: numpy's numbers do, True does not."""

_LONGEST = 60
"""Characters of a wrong value that are shown."""


def checked(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """A function that refuses arguments of other types than it says, by `DiptychError` in one line.

    Numbers may be numpy's, and anything that can be gone through may stand for a sequence: the function gets
    Python's own numbers, and a list.
    """
    signature = inspect.signature(function)
    hints: dict[str, Any] = {}

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not hints:
            hints.update(_hints(function))
        given = signature.bind(*args, **kwargs)
        for name, value in given.arguments.items():
            if name in hints:
                given.arguments[name] = plain = _plain(value, hints[name])
                if (said := _wrong(plain, hints[name], name)) is not None:
                    raise DiptychError(said)
        return function(*given.args, **given.kwargs)

    return call


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a function's parameters; what it returns may be named by what is not imported."""
    written = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
    return typing.get_type_hints(
        types.SimpleNamespace(__annotations__=written), globalns=getattr(function, "__globals__", {})
    )


def _plain(value: Any, hint: Any) -> Any:
    """A number as Python's own, which files and SQLite take; what stands for a sequence as a list."""
    options = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    if int in options and isinstance(value, numbers.Integral):
        return value if isinstance(value, int) else int(value)
    if float in options and isinstance(value, numbers.Real):
        return value if isinstance(value, int | float) else float(value)
    others = [each for each in options if _bare(each) is not Sequence]
    stands_for_one = (
        len(others) < len(options)
        and isinstance(value, Iterable)
        and not isinstance(value, str | bytes | Mapping | Sequence)
        and getattr(value, "ndim", 1) == 1  # of more dimensions an array is a picture, or a table
        and not any(_is_one(value, each) for each in others)
    )
    return list(value) if stands_for_one else value


def _wrong(value: Any, hint: Any, name: str) -> str | None:
    """What is wrong with a value, in a sentence without its full stop; None where nothing is."""
    if get_origin(hint) in {Union, types.UnionType}:
        return _wrong_of_all(value, get_args(hint), name)
    if not _is_one(value, hint):
        return f"{name} must be {_called(hint)}, not {_shown(value)}"
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Mapping and parts:
        for key in value:
            if not _is_one(key, parts[0]):
                return f"{name}[{_shown(key)}]: a key must be {_called(parts[0])}"
        return _first(_wrong(each, parts[1], f"{name}[{_shown(key)}]") for key, each in value.items())
    if origin is Sequence and not isinstance(value, str | Iterator):
        return _first(_wrong(each, parts[0], f"{name}[{place}]") for place, each in enumerate(value))
    return None


def _wrong_of_all(value: Any, options: Sequence[Any], name: str) -> str | None:
    """None where one option holds; where the value is a container as one asks for, what is wrong inside."""
    found = [_wrong(value, option, name) for option in options]
    if isinstance(value, str) and "\0" in value and {Path, os.PathLike} & set(map(_bare, options)):
        return f"{name} can't be a path with a null character, as {_shown(value)} is"
    if None in found:
        return None
    inside = [said for said in found if said is not None and said.startswith(f"{name}[")]
    called = list(dict.fromkeys(_called(option) for option in options))
    whole = ", ".join(called[:-1]) + f" or {called[-1]}" if len(called) > 1 else called[0]
    return inside[0] if inside else f"{name} must be {whole}, not {_shown(value)}"


def _is_one(value: Any, hint: Any) -> bool:
    """Whether a value is of a type, whatever it holds."""
    origin = _bare(hint)
    if origin is Any or isinstance(origin, TypeVar):
        return True
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in get_args(hint))
    if origin in _NUMBERS:
        return (
            isinstance(value, _NUMBERS[origin]) and not isinstance(value, bool) and value == value
        )  # no nan
    if origin is None:
        return value is None
    if origin is Sequence:
        return isinstance(value, Iterable) and not isinstance(value, bytes | Mapping)
    if getattr(origin, "_is_protocol", False):
        return all(hasattr(value, member) for member in _members(origin))
    return isinstance(value, origin)


def _members(protocol: type) -> Collection[str]:
    """What an object of a protocol has."""
    named = {*vars(protocol), *getattr(protocol, "__annotations__", {})}
    return {member for member in named if not member.startswith("_")}


def _bare(hint: Any) -> Any:
    """A type without its parameters."""
    return get_origin(hint) or hint


def _called(hint: Any) -> str:
    """What a type is called."""
    origin = _bare(hint)
    if origin is Literal:
        return " or ".join(repr(each) for each in get_args(hint))
    if origin is Sequence:
        return "a list"
    name = getattr(origin, "__name__", str(origin))
    return _CALLED.get(origin) or f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _first(found: Iterable[str | None]) -> str | None:
    return next((said for said in found if said is not None), None)


def _shown(value: Any) -> str:
    """A value in a line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
