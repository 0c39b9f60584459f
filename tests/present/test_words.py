"""What is said of one comparison is the same wherever a person reads it: terminal, report, notebook, page."""

from __future__ import annotations

import dataclasses
import html
import io
import re
from collections.abc import Callable, Mapping

import pytest
from rich.console import Console

import made_comparisons
from diptych.analysis.stratification import Stratification
from diptych.images import Skipped
from diptych.present.html import layout, notebook, report
from diptych.present.terminal.rankings import show
from diptych.queries import text_query
from diptych.result import Comparison, Work
from diptych.result.findings import query_findings
from diptych.thresholds.passing import Passing
from diptych.web.history import History

FIRM = dataclasses.replace(made_comparisons.list_that("break", 3), place=(3, 3))
UNSURE = dataclasses.replace(made_comparisons.list_that("break", 3), stability=0.38, place=(1, 5))
GRADUAL = made_comparisons.list_that("gradual")
FEW = Stratification(verdict="too few images")

_NOT_READ = re.compile(r"<(style|script|svg)\b.*?</\1>|<section class=\"reading\".*", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def words(markup: str) -> str:
    """What a person reads of a page."""
    return " ".join(html.unescape(_TAG.sub(" ", _NOT_READ.sub("", markup))).split())


def on_terminal(comparison: Comparison) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False, markup=False, emoji=False)
    show(comparison, console, full=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def in_history(comparison: Comparison) -> str:
    history = History()
    for query in comparison.queries:
        history.add(text_query(query.query))
        history.note(text_query(query.query), query)
    return "\n".join(word for past in history.entries() for word in past.breaks.values())


EVERYWHERE: Mapping[str, Callable[[Comparison], str]] = {
    "terminal": on_terminal,
    "report": lambda comparison: words(report.render(comparison)),
    "notebook": lambda comparison: words(notebook.to_html(comparison)),
    "gallery": lambda comparison: words(comparison.gallery("cat")._repr_html_()),
    "history": in_history,
}


def with_lists(one: Stratification, two: Stratification) -> Comparison:
    query = dataclasses.replace(made_comparisons.query(), stratification={"one": one, "two": two})
    return made_comparisons.comparison(query)


@pytest.mark.parametrize("where", EVERYWHERE)
@pytest.mark.parametrize(
    ("ranking", "said"),
    [
        (FIRM, "break after 3"),
        (UNSURE, "break, place unsure: after 1 to 5"),
        (GRADUAL, "no clear break"),
        (FEW, "too few pictures to tell"),
    ],
)
def test_what_a_list_does_is_said_in_the_same_words(where: str, ranking: Stratification, said: str) -> None:
    text = EVERYWHERE[where](with_lists(ranking, GRADUAL))
    assert said in text
    assert "cut-off" not in text
    assert "clear break" not in text.replace("no clear break", "").replace("No clear break", "")


def test_a_foot_that_is_wider_than_its_column_is_wrapped_and_not_cut() -> None:
    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None, highlight=False)
    show(with_lists(UNSURE, UNSURE), console)
    assert isinstance(console.file, io.StringIO)
    feet = " ".join(console.file.getvalue().split())
    assert "…" not in feet.partition("break, place")[2].partition("In order")[0].partition("--full")[0]
    assert feet.count("unsure") == 2


NUMBERS = re.compile(r"(?<![\w.,:/-])(?!20\d\d-)\d{4,}(?![\w,]|\.\d)")
"""A count of thousands without its commas, but for dates."""


def large() -> Comparison:
    """Of 12,345 pictures, with ranks and figures of thousands wherever one can be."""
    query = made_comparisons.query()
    pair = query.agreement[0]
    disputed = dataclasses.replace(pair.disputed[0], rank_a=1, rank_b=11_222)
    far = dataclasses.replace(
        UNSURE, breakpoint=2_003, place=(1_001, 3_004), stands_out=4_005, matches=4_005, band=(1_006, 2_007)
    )
    falls = dataclasses.replace(GRADUAL, cuts={"gap": 5_006, "otsu": 6_007})
    passing = Passing(count=7_008, threshold=0.2, scale="raw", queries=1_009, f1=0.7)
    hits = tuple(dataclasses.replace(hit, rank=hit.rank + 8_010) for hit in query.rankings["two"])
    asked = dataclasses.replace(
        query,
        rankings=query.rankings | {"two": hits},
        stratification={"one": far, "two": falls},
        agreement=(dataclasses.replace(pair, disputed=(disputed,)),),
        passing={"one": passing, "two": passing},
    )
    asked = dataclasses.replace(asked, findings=query_findings(asked, 12_345, ()))
    work = Work(images_embedded=9_011, images_from_store=3_334, queries_embedded=1, seconds=1.0, dollars=0.0)
    return dataclasses.replace(
        made_comparisons.comparison(asked),
        images=12_345,
        work={"one": work, "two": work},
        skipped=tuple(Skipped(f"p{number:04}x", "no picture") for number in range(1_234)),
    )


@pytest.mark.parametrize("where", EVERYWHERE)
def test_counts_and_ranks_of_thousands_have_their_commas(where: str) -> None:
    assert NUMBERS.findall(EVERYWHERE[where](large())) == []


@pytest.mark.parametrize("where", ["terminal", "report", "notebook"])
def test_where_z_would_order_otherwise_it_is_said_what_orders(where: str) -> None:
    query = made_comparisons.query()
    mixed = tuple(
        dataclasses.replace(hit, z=z)
        for hit, z in zip(query.rankings["one"], (5.0, 7.0, 6.0, 4.0, 3.0), strict=True)
    )
    other = dataclasses.replace(query, rankings=query.rankings | {"one": mixed})
    said = EVERYWHERE[where](made_comparisons.comparison(other))
    assert "in the order of its scores" in said or "by which each list is ordered" in said
    if where != "notebook":  # there it stands below every comparison
        assert "in the order of its scores" not in EVERYWHERE[where](made_comparisons.comparison())


def test_what_was_learned_on_other_queries_is_told_from_what_the_list_does() -> None:
    query = made_comparisons.query()
    passing = Passing(count=12, threshold=0.2, scale="raw", queries=5, f1=0.7)
    asked = dataclasses.replace(query, passing={"one": passing, "two": passing})
    said = EVERYWHERE["notebook"](made_comparisons.comparison(asked))
    assert "no clear break learned from 5 other queries: about 12 of 40 pass" in said


def test_a_picture_that_the_other_list_lacks_is_said_to_be_missing_there() -> None:
    one, two = layout.columns(made_comparisons.query())
    assert [row.missing for row in two.rows] == ["", "", "", "not in A’s first 5", "not in A’s first 5"]
    assert [other.rank for row in one.rows[3:] for other in row.known_elsewhere] == [31]


@pytest.mark.parametrize("where", ["terminal", "report", "notebook"])
def test_what_came_of_a_rival_is_said_once_and_outside_of_what_is_folded(where: str) -> None:
    query = made_comparisons.query()
    rival = "With one, cat beats dog on 1 of 9 pictures; from rank 4 on dog wins."
    asked = dataclasses.replace(query, findings=(*query.findings, rival))
    comparison = made_comparisons.comparison(asked)
    text = EVERYWHERE[where](comparison)
    assert text.count(rival) == 1
    if where != "terminal":
        render = report.render if where == "report" else notebook.to_html
        assert rival in words(re.sub(r"<details.*?</details>", "", render(comparison), flags=re.DOTALL))
