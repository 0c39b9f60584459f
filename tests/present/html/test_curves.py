"""Curves made ready for drawing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import made_comparisons as made
from diptych.present.html import curves
from diptych.present.html.layout import Plotted
from diptych.result import Curve


def test_a_curve_with_a_bank_stands_in_its_units_above_the_lists_median() -> None:
    (chart,) = curves.charts(made.query(), made.comparison())
    scores = np.array(made.query().curves["one"].scores)
    assert chart.scale == "z"
    assert chart.traces[0].heights == pytest.approx(((scores - np.median(scores)) / 0.1).tolist())
    assert [trace.letter for trace in chart.traces] == ["A", "B"]
    assert chart.traces[0].cuts == {"null bank": 3, "gap": 3, "knee": 2}


def test_what_has_no_unit_stands_on_a_scale_of_its_own() -> None:
    comparison = made.comparison()
    banks = comparison.overall.banks
    none = dataclasses.replace(banks["two"], unit=None)
    overall = dataclasses.replace(comparison.overall, banks=banks | {"two": none})
    z, share = curves.charts(made.query(), dataclasses.replace(comparison, overall=overall))
    assert (z.scale, [trace.name for trace in z.traces]) == ("z", ["one"])
    assert (share.scale, [trace.name for trace in share.traces]) == ("share", ["two"])
    assert share.traces[0].heights[0] == 1
    assert share.traces[0].heights[-1] == 0
    assert share.traces[0].index == 1


def test_pictures_as_queries_are_not_on_the_scale_of_the_texts() -> None:
    picture = dataclasses.replace(made.query(), kind="image", image_id="id0")
    assert [chart.scale for chart in curves.charts(picture, made.comparison())] == ["share"]


@pytest.mark.parametrize("scores", [(0.5,), (0.5, 0.5, 0.5)])
def test_a_list_without_a_fall_has_no_curve(scores: tuple[float, ...]) -> None:
    curve = Curve(ranks=tuple(range(1, len(scores) + 1)), scores=scores)
    query = dataclasses.replace(made.query(), curves={"one": curve, "two": curve})
    assert curves.charts(query, made.comparison()) == ()


@given(
    scores=st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=60).filter(
        lambda scores: max(scores) - min(scores) > 1e-6
    )
)
def test_every_point_and_mark_is_within_the_drawing(scores: list[float]) -> None:
    curve = Curve(ranks=tuple(range(1, len(scores) + 1)), scores=tuple(sorted(scores, reverse=True)))
    query = dataclasses.replace(made.query(), curves={"one": curve})
    (chart,) = curves.charts(query, made.comparison())
    plot = Plotted(chart)
    points = [
        tuple(map(float, p.split(","))) for p in plot.points(curve.ranks, chart.traces[0].heights).split()
    ]
    assert points[0] == (0, 0)
    assert points[-1] == (100, 100)
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in points)
    assert all(chart.bottom - 1e-9 <= level <= chart.top + 1e-9 for level in curves.height_ticks(chart))


@given(images=st.integers(2, 10**6))
def test_ticks_of_ranks_rise_from_the_first_to_the_last(images: int) -> None:
    ticks = curves.rank_ticks(images)
    assert ticks == sorted(set(ticks))
    assert ticks[0] == 1
    assert ticks[-1] == images
