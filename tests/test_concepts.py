"""Every statistic says what it means, beside the code that computes it."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import diptych
from diptych.analysis import stratification, summary
from diptych.concept import Concept, concepts

DOCS = Path(__file__).resolve().parents[1] / "docs"

OTHERWISE_SAID = {
    ("diptych.analysis.cuts.bank_gap", "BankGaps", "unit"): "the unit of Z and Z_GAP",
    ("diptych.analysis.cuts.otsu", "Otsu", "explained"): "shown is the excess over one mode",
    ("diptych.analysis.summary", "Interval", "mean"): "INTERVAL",
    ("diptych.analysis.summary", "Interval", "low"): "INTERVAL",
    ("diptych.analysis.summary", "Interval", "high"): "INTERVAL",
    ("diptych.evaluation.interval", "MeanTest", "mean"): "the figure that is averaged",
    ("diptych.evaluation.interval", "MeanTest", "error"): "what the interval is made of",
    ("diptych.evaluation.interval", "MeanTest", "p"): "P_VALUE",
    ("diptych.evaluation.interval", "MeanTest", "_share"): "what the interval is made of",
    ("diptych.evaluation.interval", "MeanTest", "_itself"): "what p is made of",
    ("diptych.evaluation.metrics.figures", "Mean", "value"): "the figure that is averaged",
    ("diptych.thresholds.transfer", "Transfer", "thresholds"): "THRESHOLD",
}
"""Fields with numbers that have no concept of their own, and what says what they are."""


def modules(*rooms: str) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(diptych.__path__, "diptych."):
        if found.name.startswith(tuple(f"diptych.{room}" for room in rooms)):
            yield importlib.import_module(found.name)


def kinds(*rooms: str) -> Iterator[type]:
    for module in modules(*rooms):
        for value in vars(module).values():
            if dataclasses.is_dataclass(value) and getattr(value, "__module__", None) == module.__name__:
                yield value  # type: ignore[misc]


def holds_a_statistic(field: dataclasses.Field[object]) -> bool:
    """Whether it is a number, or several, and no mere count or rank; arrays are what figures are from."""
    return re.search(r"(?<![.\w])float(?!\w)", str(field.type)) is not None


ROOMS = (
    "analysis", "evaluation", "thresholds.expected", "thresholds.passing", "thresholds.saved",
    "thresholds.threshold", "thresholds.transfer",
)  # fmt: skip
FIELDS = [(kind, field) for kind in kinds(*ROOMS) for field in dataclasses.fields(kind)]
STATISTICS = [(kind, field.name) for kind, field in FIELDS if holds_a_statistic(field)]
DEFINED = {
    id(value): value
    for module in modules(*ROOMS, "result")
    for value in vars(module).values()
    if isinstance(value, Concept)
}
SAID = {id(concept): concept for kind in kinds(*ROOMS, "result") for concept in concepts(kind).values()} | {
    id(concept): concept for concept in stratification.CUTS.values()
}


def test_there_are_statistics() -> None:
    assert len(STATISTICS) > 30
    assert len(DEFINED) > 30


@pytest.mark.parametrize(("kind", "name"), STATISTICS, ids=lambda value: getattr(value, "__name__", value))
def test_every_field_that_holds_a_statistic_has_a_concept(kind: type, name: str) -> None:
    if (kind.__module__, kind.__name__, name) not in OTHERWISE_SAID:
        assert name in concepts(kind)


def test_what_is_said_otherwise_is_still_there() -> None:
    assert {(kind.__module__, kind.__name__, name) for kind, name in STATISTICS} >= set(OTHERWISE_SAID)
    assert not [name for module, kind, name in OTHERWISE_SAID if name in _fields(module, kind)]


def _fields(module: str, kind: str) -> dict[str, Concept]:
    return concepts(getattr(importlib.import_module(module), kind))


@pytest.mark.parametrize("concept", DEFINED.values(), ids=lambda concept: concept.name)
def test_a_concept_says_everything_in_a_line(concept: Concept) -> None:
    for text in (concept.name, concept.reading, concept.range, concept.source):
        assert text.strip() == text != ""
        assert "\n" not in text
        assert not text.endswith(".")
        assert "  " not in text
    assert isinstance(concept.unit_free, bool)


@pytest.mark.parametrize("cut", stratification.CUTS)
def test_every_cut_has_a_concept(cut: str) -> None:
    assert isinstance(stratification.CUTS[cut], Concept)


def test_no_two_figures_have_the_same_name() -> None:
    names = [concept.name for concept in DEFINED.values()]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("concept", DEFINED.values(), ids=lambda concept: concept.name)
def test_a_concept_is_that_of_a_field_or_a_cut_or_in_the_documents(concept: Concept) -> None:
    page = DOCS / "statistics.md"
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    assert id(concept) in SAID or concept is summary.INTERVAL or concept.name in written


def test_the_cards_figures_are_unit_free() -> None:
    for name, concept in concepts(stratification.Stratification).items():
        assert concept.unit_free, name
