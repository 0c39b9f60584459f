"""A dataclass from the plain data that `dataclasses.asdict` made of it, by the types of its fields."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_Kind = TypeVar("_Kind")


def rebuilt(kind: type[_Kind], saved: Mapping[str, Any]) -> _Kind:
    """Make a dataclass again; keys that it has no field for are passed over, missing ones get its defaults.

    Raises:
        KeyError, TypeError, AttributeError: The data is of another shape.
    """
    described: Any = kind  # mypy takes no class of a type variable for hashable
    return kind(
        **{name: _value(hint, saved[name]) for name, hint in _hints(described).items() if name in saved}
    )


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _value(hint: Any, saved: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return rebuilt(hint, saved)  # type: ignore[arg-type]
    if origin in {Union, types.UnionType}:  # ours are all "or None"
        (told,) = (each for each in inner if each is not type(None))
        return None if saved is None else _value(told, saved)
    if origin is tuple and inner[1:] == (Ellipsis,):
        return tuple(_value(inner[0], each) for each in saved)
    if origin is tuple:
        return tuple(_value(each, value) for each, value in zip(inner, saved, strict=True))
    if origin is dict:
        return {key: _value(inner[1], value) for key, value in saved.items()}
    return saved
