"""What hosted models cost and when they retire: one dated data file, which a person can override."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from diptych.errors import DiptychError
from diptych.paths import prices_path
from diptych.text import dollars

SHIPPED = Path(__file__).with_name("prices.toml")

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English: how token prices become prices of characters."""

_MOST_PIXELS = 1024 * 1024
"""In a picture as it is sent."""

_PRICES = (
    "image",
    "image_billion_pixels",
    "image_million_tokens",
    "image_tokens",
    "text_1k_characters",
    "text_million_tokens",
)
_KEYS = {*_PRICES, "retires", "note"}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms a hosted model is available.

    Attributes:
        per_image: US dollars for one picture; None where it is not known.
        per_1k_characters: US dollars for a thousand characters of text; None where it is not known.
        retires: The day from which the model no longer answers; None where none is announced.
        note: What to know about the figures, or an empty string.
        as_of: The day on which they were looked up.
    """

    per_image: float | None = None
    per_1k_characters: float | None = None
    retires: date | None = None
    note: str = ""
    as_of: date

    @property
    def price_known(self) -> bool:
        """Whether it can be told what a run will cost."""
        return self.per_image is not None and self.per_1k_characters is not None

    @property
    def price(self) -> str:
        """The price in words, with the day."""
        parts = []
        if self.per_image is not None:
            parts.append(f"{dollars(self.per_image)} a picture")
        if self.per_1k_characters is not None:
            parts.append(f"{dollars(self.per_1k_characters)} per 1,000 characters of text")
        known = ", ".join(parts) or "not known here"
        missing = "" if self.price_known or not parts else ", the rest not known here"
        return f"{known}{missing} ({self.as_of})"


def terms(provider: str, model: str) -> Terms:
    """Look up the terms of one model: in the person's file first, key by key, then in Diptych's own.

    Args:
        provider: The provider, such as `vertex`.
        model: The model as the provider names it.

    Raises:
        DiptychError: The person's file can't be read or is not of the documented form.
    """
    shipped, own = _read(SHIPPED), _read(prices_path())
    name = f"{provider}:{model}"
    table = {**shipped.get(name, {}), **own.get(name, {})}
    as_of = own["as_of"] if name in own and "as_of" in own else shipped["as_of"]
    return Terms(
        per_image=_per_image(table),
        per_1k_characters=_per_1k_characters(table),
        retires=table.get("retires"),
        note=table.get("note", ""),
        as_of=as_of,
    )


def _per_image(table: Mapping[str, Any]) -> float | None:
    if "image" in table:
        return float(table["image"])
    if "image_billion_pixels" in table:
        return float(table["image_billion_pixels"] * _MOST_PIXELS / 1e9)
    if {"image_million_tokens", "image_tokens"} <= table.keys():
        return float(table["image_million_tokens"] * table["image_tokens"] / 1e6)
    return None


def _per_1k_characters(table: Mapping[str, Any]) -> float | None:
    if "text_1k_characters" in table:
        return float(table["text_1k_characters"])
    if "text_million_tokens" in table:
        return float(table["text_million_tokens"] / 1e6 * 1000 / CHARACTERS_PER_TOKEN)
    return None


def _read(path: Path) -> dict[str, Any]:
    """Read a file of prices; one that is not there holds none."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if "DIPTYCH_PRICES" in os.environ and path != SHIPPED:
            raise DiptychError(f"DIPTYCH_PRICES names {path}, which is not there") from None
        return {}
    except OSError as error:
        raise DiptychError(f"can't read the prices {path}: {error.strerror}") from error
    except ValueError as error:  # no UTF-8, no TOML
        raise DiptychError(f"the prices {path} are not TOML: {error}") from error
    for name, table in tables.items():
        _check(path, name, table)
    return tables


def _check(path: Path, name: str, table: object) -> None:
    if name == "as_of":
        if type(table) is not date:
            raise DiptychError(f"the prices {path}: as_of must be a date such as 2026-11-23")
        return
    if not isinstance(table, dict) or not table.keys() <= _KEYS:
        raise DiptychError(f"the prices {path}: [{name}] takes {', '.join(sorted(_KEYS))} and nothing else")
    for key, value in table.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
        right = {"retires": type(value) is date, "note": isinstance(value, str)}.get(key, number)
        if not right:
            raise DiptychError(f"the prices {path}: {key} of [{name}] can't be {value!r}")
