"""What a report lays out: columns, the lines between them, what each hit's rank is elsewhere."""

from __future__ import annotations

import dataclasses
import shlex

import pytest

import made_comparisons as made
from diptych.analysis.summary import Interval, StratificationSummary
from diptych.present.html import layout
from diptych.present.html.report import render
from diptych.result import Curve, Finding


def test_hits_after_the_break_are_told_apart_and_without_one_none_is() -> None:
    one, two = layout.columns(made.query())
    assert [row.after for row in one.rows] == [False, False, False, True, True]
    assert not any(row.after for row in two.rows)


@pytest.mark.parametrize("verdict", ["gradual", "too few images", "nothing matches"])
def test_no_hit_is_pale_because_none_stands_out(verdict: str) -> None:
    query = made.query()
    none = dataclasses.replace(made.list_that(verdict), stands_out=0, matches=0)
    _, two = layout.columns(dataclasses.replace(query, stratification=query.stratification | {"two": none}))
    assert not any(row.after for row in two.rows)


def test_each_hit_says_where_the_other_list_has_it() -> None:
    one, two = layout.columns(made.query())
    assert [[(other.rank, other.listed) for other in row.elsewhere] for row in one.rows] == [
        [(3, True)],
        [(2, True)],
        [(1, True)],
        [(None, False)],
        [(31, False)],
    ]
    assert [row.only_here for row in two.rows] == [False, False, False, True, True]
    assert two.rows[3].elsewhere[0].rank == 20


def test_lines_join_the_middles_of_the_rows_of_the_same_image() -> None:
    (hinge,) = layout.hinges(layout.columns(made.query()))
    row, cut = layout.ROW, layout.CUT
    assert {line.image_id: (line.start, line.end) for line in hinge.lines} == {
        "id0": (row // 2, 2 * row + row // 2),
        "id1": (row + row // 2, row + row // 2),
        "id2": (2 * row + row // 2, row // 2),
    }
    assert [line.image_id for line in hinge.lines if line.moved] == ["id0", "id2"]
    assert hinge.height == 5 * row + cut
    assert layout.columns(made.query())[0].middle(4) == 3 * row + cut + row // 2


def test_a_break_below_the_hits_draws_no_line_in_the_list() -> None:
    query = made.query()
    deep = query.stratification | {"one": made.list_that("break", 15)}
    one, _ = layout.columns(dataclasses.replace(query, stratification=deep))
    assert one.cut_after is None
    assert one.height == 5 * layout.ROW


def test_a_list_that_scores_all_the_same_shows_no_hits_and_is_nobodys_elsewhere() -> None:
    query = made.query()
    flat = Curve(ranks=(1, 2, 3), scores=(0.5, 0.5, 0.5))
    one, two = layout.columns(dataclasses.replace(query, curves=query.curves | {"two": flat}))
    assert two.flat
    assert two.rows == ()
    assert all(row.elsewhere == () and not row.only_here for row in one.rows)


def test_bars_are_as_long_as_z_says_and_absent_without_it() -> None:
    query = made.query()
    without = tuple(dataclasses.replace(hit, z=None) for hit in query.rankings["two"])
    one, two = layout.columns(dataclasses.replace(query, rankings=query.rankings | {"two": without}))
    assert [row.bar for row in one.rows] == pytest.approx([1, 6 / 7, 5 / 7, 4 / 7, 3 / 7])
    assert [row.bar for row in two.rows] == [None] * 5


def test_the_three_questions_have_their_answers_and_whom_they_are_about() -> None:
    assert layout.answers(made.comparison().overall.findings) == {
        "alike": [("", "In part: they share 6.")],  # who else
        "break": [("one", "For 1 of 1 query."), ("two", "For 0 of 1 query.")],
        "better": [("", "Cannot tell: nothing has been judged.")],
    }


def test_of_three_embedders_it_is_said_which_two_rank_alike() -> None:
    pairs = (("one", "two"), ("one", "three"))
    findings = [*(Finding("alike", pair, "Largely.") for pair in pairs), Finding(None, (), "Something else.")]
    assert layout.answers(findings) == {"alike": [("one and two", "Largely."), ("one and three", "Largely.")]}


def test_the_command_is_what_was_asked() -> None:
    words = shlex.split(layout.command(made.comparison(made.query("it's; rm -rf /"))))
    assert words == [
        *("diptych", "compare", "my photos", "-e", "one", "-e", "two", "-q", "it's; rm -rf /"),
        *("--contrast", "dog", "-k", "5", "--report", "report.html"),
    ]


def test_texts_set_against_each_other_are_not_named_as_rivals() -> None:
    cat, dog = made.query("cat"), made.query("dog")
    rival = dataclasses.replace(dog.contrast["one"], rivals=("cat",))
    both = made.comparison(cat, dataclasses.replace(dog, contrast={"one": rival}))
    assert "--contrast-each-other" in layout.command(both)
    assert "--contrast " not in layout.command(both)


def test_every_figure_that_is_shown_is_explained_in_the_words_of_its_concept() -> None:
    text = render(made.comparison())
    for group in layout.figures():
        for field, concept in group.concepts.items():
            assert f'id="read-{field}"' in text
            assert concept.unit_free in (True, False)
    links = {part.split('"')[0] for part in text.split('href="#read-')[1:]}
    assert links <= {field for group in layout.figures() for field in group.concepts}


def test_intervals_share_an_axis_that_holds_zero() -> None:
    summaries = made.comparison().overall.stratification
    spread = {
        name: StratificationSummary(
            verdicts={}, figures={"z_gap": Interval(mean=mean, low=mean - 1, high=mean + 1, queries=8)}
        )
        for name, mean in (("one", 3.0), ("two", 1.0))
    }
    assert layout.span(spread, "z_gap", spread["one"].figures["z_gap"]) == layout.Span(50.0, 75.0, 100.0)
    assert layout.span(summaries, "z_gap", Interval(mean=3.0, low=None, high=None, queries=2)) is None


def test_a_comparison_saved_before_anything_was_described_still_makes_a_page() -> None:
    query = made.query()
    bare = dataclasses.replace(
        query, stratification={}, curves={}, agreement=(), contrast={}, related=(), findings=()
    )
    old = dataclasses.replace(made.comparison(), queries=(bare,), overall=type(made.comparison().overall)())
    text = render(old)
    assert "“cat”" in text
    assert "saved before lists were described" in text
