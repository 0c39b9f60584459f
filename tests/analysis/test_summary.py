from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import FIGURES, Interval, summarise
from diptych.concept import concepts


def cards(values: list[float | None], figure: str = "z_gap") -> list[Stratification]:
    return [Stratification(verdict="gradual", **{figure: value}) for value in values]


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("queries", [3, 8, 50])
def test_the_interval_is_scipys_percentile_bootstrap_over_queries(figure: str, queries: int) -> None:
    values = np.random.default_rng(queries).gamma(2, size=queries)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    ours = summarise(cards(values.tolist(), figure)).figures[figure]
    assert ours.mean == pytest.approx(values.mean())
    assert ours.queries == queries
    wide = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.08 * wide)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.08 * wide)


@pytest.mark.parametrize("values", [[2.0], [1.0, 3.0], [None, 2.0, None], [1.0, None, 3.0]])
def test_fewer_than_3_queries_with_the_figure_have_a_mean_and_no_interval(values: list[float | None]) -> None:
    defined = [value for value in values if value is not None]
    expected = Interval(mean=2.0, low=None, high=None, queries=len(defined))
    assert summarise(cards(values)).figures == {"z_gap": expected}


def test_a_figure_that_no_ranking_has_is_not_there_and_verdicts_are_counted() -> None:
    several = [Stratification(verdict=v) for v in ("break", "nothing matches", "break")]
    summary = summarise(several)
    assert summary.figures == {}
    assert summary.verdicts == {"break": 2, "nothing matches": 1}


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=20), st.randoms(use_true_random=False))
def test_the_interval_holds_the_mean_and_lies_within_the_values(values: list[float], random) -> None:
    found = summarise(cards(values)).figures["z_gap"]
    assert min(values) - 1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= max(values) + 1e-9


def test_what_is_averaged_are_unit_free_figures_of_a_ranking() -> None:
    for name in FIGURES:
        assert concepts(Stratification)[name].unit_free
