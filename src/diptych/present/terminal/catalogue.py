"""The catalogue of embedders in the terminal, and what an embedder did when it was tried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diptych.embedders.cards import ModelCard, ProviderCard
from diptych.embedders.licences import forbids_commerce
from diptych.embedders.self_check import Trial
from diptych.text import printable

_WIDE = 124
"""Columns from which a model's facts stand beside its name, and not below it."""


def rows(cards: Mapping[str, ProviderCard]) -> list[dict[str, Any]]:
    """The catalogue as plain data, one entry per model."""
    return [
        {
            "name": model.spec,
            "provider": provider,
            "about": card.about,
            "dimension": model.dimension,
            "sees": model.sees,
            "max_text_tokens": model.text_tokens,
            "licence": model.licence,
            "not_for_commerce": forbids_commerce(model.licence),
            "usd_per_1000_images": model.price_per_1k_images,
            "speed": model.speed,
            "retires": model.retires,
            "needs": card.needs or None,
            "missing": card.missing(),
        }
        for provider, card in cards.items()
        for model in _models(card)
    ]


def _models(card: ProviderCard) -> Sequence[ModelCard]:
    if card.models:
        return card.models
    free = 0.0 if card.price == "free" else None
    return [
        ModelCard(
            spec=card.spec, licence=card.licence, price_per_1k_images=free, retires=card.retires, speed=None
        )
    ]


def show_catalogue(cards: Mapping[str, ProviderCard], console: Console) -> None:
    """Print what embedders there are to choose from, by provider."""
    wide = console.width >= _WIDE
    longest = max((len(printable(m.spec)) for card in cards.values() for m in _models(card)), default=0)
    if wide:
        console.print(_table([], longest, header=True), style="dim")
    for name, card in cards.items():
        console.print(_heading(name, card))
        models = _models(card)
        body = _table(models, longest) if wide else Group(*(_lines(model) for model in models))
        console.print(Padding(body, (0, 0, 1, 2), expand=False))
    for line in _LEGEND:
        console.print(Text(line, "dim"))


_LEGEND = (
    "Give a name after -e, in quotes. Numbers: the length of a vector; many models make shorter ones too.",
    "Speed: what one picture takes. Licences in the models' own words: read them before you rely on them.",
)


def _heading(name: str, card: ProviderCard) -> RenderableType:
    told = []
    if missing := card.missing():
        told.append(Text(f"missing here: {printable(missing)}", "yellow"))
    if card.needs:
        told.append(Text(f"needs {printable(card.needs)}", "dim"))
    about = Text(printable(name), "bold").append(f"  {printable(card.about)}", "not bold")
    return Group(about, *(Padding(line, (0, 0, 0, 2), expand=False) for line in told))


def _table(models: Sequence[ModelCard], longest: int, *, header: bool = False) -> Table:
    table = Table(box=None, show_header=header, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("  name" if header else "", width=longest + (2 if header else 0), no_wrap=True)
    table.add_column("numbers", width=7, justify="right")
    table.add_column("sees", width=19, no_wrap=True)
    table.add_column("tokens", width=7, justify="right")
    table.add_column("$/1,000", width=7, justify="right", no_wrap=True)
    table.add_column("speed", width=9, no_wrap=True)
    table.add_column("licence")
    for model in models:
        table.add_row(
            Text(printable(model.spec), "cyan"),
            f"{model.dimension:,}" if model.dimension else "",
            Text(printable(model.sees or "")),
            f"{model.text_tokens:,}" if model.text_tokens else "",
            _price(model, "unknown"),
            _speed(model),
            _licence(model),
        )
        for note in _notes(model):
            table.add_row(note)
    return table


def _lines(model: ModelCard) -> RenderableType:
    price = _price(model, "price unknown")
    licence = _licence(model)
    facts = [
        Text(f"{model.dimension:,} numbers" if model.dimension else ""),
        Text(printable(model.sees or "")),
        Text(f"{model.text_tokens:,} tokens" if model.text_tokens else ""),
        Text(f"{price} / 1,000" if price.startswith("$") else price),
        _speed(model) if model.speed != "network" else Text(""),  # which the price says too
        Text("licence ").append(licence) if licence.plain == "not stated" else licence,
    ]
    line = Text(" · ").join(fact for fact in facts if fact.plain)
    return Group(
        Text(printable(model.spec), "cyan"), Padding(line, (0, 0, 0, 2), expand=False), *_notes(model)
    )


def _notes(model: ModelCard) -> list[Text]:
    notes = [Text(f"  retires {printable(model.retires)}", "red")] if model.retires else []
    if forbids_commerce(model.licence):
        notes.append(Text("  not for commercial use", "yellow"))
    return notes


def _speed(model: ModelCard) -> Text:
    return Text(model.speed or "", "yellow" if model.speed in {"slow", "very slow"} else "")


def _licence(model: ModelCard) -> Text:
    is_service = model.licence.endswith("terms of service")
    return Text("its terms" if is_service else printable(model.licence))


def _price(model: ModelCard, unknown: str) -> str:
    if model.price_per_1k_images is None:
        return unknown
    return f"${model.price_per_1k_images:.2f}" if model.price_per_1k_images else "free"


def show_trials(name: str, trials: Sequence[Trial], console: Console) -> None:
    """Print what an embedder did when it was tried out."""
    console.print(Text(printable(name), "bold"))
    for trial in trials:
        mark = Text("  right  ", "green") if trial.passed else Text("  WRONG  ", "bold red")
        console.print(mark.append(printable(trial.found), "default"))
