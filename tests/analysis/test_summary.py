from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import FIGURES, Interval, over_queries, summarise
from diptych.concept import concepts
from diptych.evaluation.interval import mean_interval


def cards(values: list[float | None], figure: str = "z_gap") -> list[Stratification]:
    return [Stratification(verdict="gradual", **{figure: value}) for value in values]


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("queries", [6, 8, 50])
def test_the_interval_is_that_of_differences_between_embedders(figure: str, queries: int) -> None:
    values = np.random.default_rng(queries).gamma(2, size=queries)
    low, high = mean_interval(values)
    found = summarise(cards(values.tolist(), figure)).figures[figure]
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.queries == queries


@pytest.mark.parametrize("queries", [6, 10, 20])
def test_the_interval_holds_the_mean_of_a_skewed_world_about_as_often_as_it_says(queries: int) -> None:
    worlds = np.random.default_rng(queries).gamma(2, size=(400, queries))
    found = [over_queries(values.tolist()) for values in worlds]
    assert np.mean([each.low <= 2 <= each.high for each in found]) > 0.88  # a percentile bootstrap of 6: 0.82


@pytest.mark.parametrize("values", [[2.0], [1.0, 3.0], [None, 2.0, None], [1.0, 2.0, 2.0, 2.0, 3.0]])
def test_with_5_queries_or_fewer_there_is_a_mean_and_no_interval(values: list[float | None]) -> None:
    defined = [value for value in values if value is not None]
    expected = Interval(mean=2.0, low=None, high=None, queries=len(defined))
    assert summarise(cards(values)).figures == {"z_gap": expected}


def test_a_figure_that_no_ranking_has_is_not_there_and_verdicts_are_counted() -> None:
    several = [Stratification(verdict=v) for v in ("break", "nothing matches", "break")]
    summary = summarise(several)
    assert summary.figures == {}
    assert summary.verdicts == {"break": 2, "nothing matches": 1}


@given(st.lists(st.floats(-100, 100), min_size=6, max_size=20))
def test_the_interval_holds_the_mean(values: list[float]) -> None:
    found = summarise(cards(values)).figures["z_gap"]
    if found.low is None:
        assert np.ptp(values) < 1e-9  # without spread nothing is known of other queries
        return
    assert found.low <= found.mean <= found.high


def test_what_is_averaged_are_unit_free_figures_of_a_ranking() -> None:
    for name in FIGURES:
        assert concepts(Stratification)[name].unit_free
