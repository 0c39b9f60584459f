"""What there is to choose from, told before anything is loaded.

A provider's module may hold a `CARD` beside its `load`; without one its docstring's first line is shown.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Literal

from diptych.embedders.registry import providers

Speed = Literal["fast", "medium", "slow", "very slow", "network"]
"""What one picture takes: up to 5, 25, 100 or more thousand million multiplications, or a service's call."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """One model in a few words.

    Attributes:
        spec: A spec to copy.
        dimension: The length of its vectors, unless asked for less.
        sees: What it sees of a picture: "squashed to 256×256".
        text_tokens: Where a longer text is cut; None where that is not known.
        licence: The model's licence.
        price_per_1k_images: US dollars for a thousand pictures; None where it is not known, 0 for free.
        speed: What one picture takes; None where that is not known.
        retires: The ISO date from which it no longer answers.
    """

    spec: str
    dimension: int | None = None
    sees: str | None = None
    text_tokens: int | None = None
    licence: str = "not stated"
    price_per_1k_images: float | None = 0.0
    speed: Speed | None = None
    retires: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProviderCard:
    """One provider in a few words.

    Attributes:
        about: What it is, in a line.
        spec: A spec to copy.
        needs: What a person must have or set, in words; empty for nothing.
        key: The environment variable that its key comes from.
        modules: Packages it imports, by import name.
        extra: The extra of Diptych that brings them.
        licence: The licence of its models.
        price: What it costs, in words.
        retires: The ISO date after which it no longer answers.
        models: The models that people ask for; where there are none, `spec` stands for all.
    """

    about: str
    spec: str
    needs: str = ""
    key: str | None = None
    modules: tuple[str, ...] = ()
    extra: str | None = None
    licence: str = "not stated"
    price: str = "free"
    retires: str | None = None
    models: tuple[ModelCard, ...] = ()

    def missing(self) -> str | None:
        """The line to run where a package is missing, or the key to set; otherwise None."""
        absent = [name for name in self.modules if not _is_installed(name)]
        if not absent:
            return f"set {self.key}" if self.key and not os.environ.get(self.key) else None
        return f"pip install 'diptych[{self.extra}]'" if self.extra else f"pip install {' '.join(absent)}"


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a dotted name the first part
        return False


def cards() -> dict[str, ProviderCard]:
    """A card for every registered provider, by name."""
    return {name: _card(entry) for name, entry in providers().items()}


def _card(entry: EntryPoint) -> ProviderCard:
    try:
        module = importlib.import_module(entry.module)
    except Exception as error:  # noqa: BLE001 (a plug-in's module may raise anything)
        return ProviderCard(about=f"can't be imported: {error}", spec=entry.name)
    card = getattr(module, "CARD", None)
    if isinstance(card, ProviderCard):
        return card
    first_line = (module.__doc__ or "").strip().partition("\n")[0]
    return ProviderCard(about=first_line or "a plug-in without a description", spec=f"{entry.name}:MODEL")
