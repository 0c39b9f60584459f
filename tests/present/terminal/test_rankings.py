"""A comparison in terminals of many widths: three embedders can be read, and the verdict comes first."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

import made_comparisons
from diptych.evaluation.complementarity import Complementarity
from diptych.images import Skipped
from diptych.present.terminal.rankings import show
from diptych.result import Comparison, Finding, Hit, QueryRelevance, QueryResult, Relevance

SPECS = ("zs:zs-mnv2-256", "zs:zs-mnv1-025-128", "palette")
PICTURES = [f"golden_retriever/commons_golden_retriever_{number:02}.webp" for number in range(12)]


def hit(rank: int, name: str, *, z: bool) -> Hit:
    return Hit(
        rank=rank, image=name, id=name, label="golden_retriever", score=1 / rank, z=9.0 - rank if z else None
    )


def query(text: str) -> QueryResult:
    made = made_comparisons.query(text)
    lists = {
        spec: tuple(hit(rank, PICTURES[(rank + turn) % 12], z=spec != "palette") for rank in range(1, 13))
        for turn, spec in enumerate(SPECS)
    }
    falls = {
        spec: made_comparisons.list_that("break" if spec == SPECS[0] else "gradual", 3) for spec in SPECS
    }
    falls[SPECS[1]] = made_comparisons.list_that("gradual")
    falls["palette"] = made_comparisons.list_that("all equal")
    return dataclasses.replace(
        made, rankings=lists, stratification=falls, findings=("A sentence of it.",), contrast={}
    )


def comparison(*queries: str, skipped: int = 0) -> Comparison:
    asked = [query(text) for text in queries]
    whole = made_comparisons.comparison(made_comparisons.query())
    infos = [made_comparisons.info(spec) for spec in SPECS]
    return dataclasses.replace(
        whole,
        embedders=(*infos[:2], dataclasses.replace(infos[2], floor=True)),
        queries=tuple(asked),
        skipped=tuple(Skipped(f"{number}.txt", f"reason {number}") for number in range(skipped)),
        overall=dataclasses.replace(
            whole.overall,
            findings=(
                Finding("alike", SPECS[:2], "In part: they share 5. And more of that."),
                Finding("alike", SPECS[::2], "Cannot tell."),
                Finding("break", SPECS[:1], "Yes, after 3."),
                Finding("better", (), f"{SPECS[0]} ranks better than {SPECS[1]} (nDCG@10 +0.16)."),
            ),
        ),
    )


def shown(
    result: Comparison, width: int, *, terminal: bool = True, full: bool = False, rows: int | None = None
) -> list[str]:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=terminal,
        color_system=None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    show(result, console, full=full, rows=rows)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def table(lines: list[str]) -> list[str]:
    """The lines of ranks."""
    return [line for line in lines if re.match(r" [ \d]\d   ", line)]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_three_embedders_can_be_read_at_every_width(width: int) -> None:
    lines = shown(comparison("a dog"), width)
    assert max(map(cell_len, lines)) <= width
    for letter, spec in zip("ABC", SPECS, strict=True):
        assert any(f"{letter} {spec}" in line for line in lines), "no embedder's name is cut"
    for line in table(lines):
        for name in filter(lambda word: word.startswith("golden"), line.split()):
            assert cell_len(name) >= 18
            assert name.endswith(".webp")
    short = {name for line in table(lines) for name in line.split() if name.startswith("golden")}
    assert len(short) == 12, "different pictures look different, one picture the same in each column"


def test_columns_lose_their_scores_before_they_are_set_below_each_other() -> None:
    result = comparison("a dog")
    heads = {
        width: next(line for line in shown(result, width) if " A zs" in line) for width in (60, 80, 100, 200)
    }
    assert "C palette" not in heads[60]
    assert "C palette" in heads[80]
    assert "z" not in heads[80].split()
    assert "score" not in heads[100]
    assert heads[100].split().count("z") == 2
    assert heads[200].split().count("score") == 3


def test_the_verdict_comes_first_then_the_table_and_where_each_list_breaks() -> None:
    lines = shown(comparison("a dog"), 100)
    text = "\n".join(lines)
    order = ["Is one better?", "ranks better", "Do they rank alike?", "Does a list break?", "a dog", "A zs:"]
    places = [text.index(words, text.index("Is one better?")) for words in order]
    assert places == sorted(places)
    (foot,) = [line for line in lines if "break after" in line]
    assert foot.split("  ")[-1].strip() == "all equal"
    assert "no clear break" in foot


def test_the_rest_is_for_those_who_ask() -> None:
    brief, full = (shown(comparison("a dog", skipped=9), 100, full=full) for full in (False, True))
    assert len(table(brief)) == 10
    assert len(table(full)) == 12
    for words in ("A sentence of it.", "And more of that.", "reason 8"):
        assert not any(words in line for line in brief)
        assert any(words in line for line in full)
    assert "9 skipped:" in brief
    assert any("reason 0" in line for line in brief)
    assert "--full" in brief[-1]
    assert "--full" not in full[-1]


def test_how_many_are_printed_goes_by_how_many_are_asked() -> None:
    assert len(table(shown(comparison("a dog", "a cat"), 100))) == 10
    assert len(table(shown(comparison("a dog", "a cat"), 100, rows=7))) == 14
    many = shown(comparison(*"abcdef"), 100)
    assert table(many) == []
    assert sum("golden" in line and "(all equal)" in line for line in many) == 6
    assert len(many) <= 30


def test_elsewhere_than_on_a_terminal_nothing_is_shortened() -> None:
    lines = shown(comparison("a dog"), 10_000, terminal=False)
    assert "Is one better? zs:zs-mnv2-256 ranks better than zs:zs-mnv1-025-128 (nDCG@10 +0.16)." in lines
    assert any(line.count(PICTURES[3]) for line in lines)
    assert not any("…" in line for line in lines)


def test_marks_of_judgments_differ_in_shape_and_colour_and_are_explained() -> None:
    one = comparison("a dog")
    relevance = Relevance(
        origin="somebody",
        k=10,
        fusions=(),
        queries=(
            QueryRelevance(
                query="a dog",
                relevant=1,
                irrelevant=1,
                unjudged=0,
                unjudged_first=0,
                figures={},
                grades={PICTURES[1]: 1, PICTURES[2]: 0},
            ),
        ),
        means={},
        comparisons=(),
        verdicts=(),
        complementarity=Complementarity(relevant=1, pairs=(), union_recall=None),
        thresholds={},
        abstention={},
        contradictions=(),
        notes=(),
    )
    judged = dataclasses.replace(one, relevance=relevance)
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    show(judged, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    before = {mark: re.search(rf"\x1b\[([\d;]+)m{mark}", text) for mark in "✓×"}
    codes = [found[1] for found in before.values() if found is not None]
    assert len(set(codes)) == 2
    assert "✓ judged relevant, × judged not." in text
    assert "judged relevant" not in "\n".join(shown(one, 200))
