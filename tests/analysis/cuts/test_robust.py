from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.analysis.cuts.robust import robust_cut, robust_spread

lists = st.lists(st.integers(-99, 99), min_size=1, max_size=40).map(
    lambda values: np.array(sorted(values, reverse=True), np.float64)
)


@given(lists)
def test_it_is_what_scipy_finds(descending: np.ndarray) -> None:
    median = np.median(descending)
    lower = descending[descending <= median]
    spread = stats.median_abs_deviation(lower, center=lambda values, axis: median, scale="normal")
    assert robust_spread(descending) == pytest.approx(spread, rel=1e-4)
    if spread == 0:
        assert robust_cut(descending) == 0
        return
    adjusted = stats.false_discovery_control(stats.norm.sf((descending - median) / robust_spread(descending)))
    assert robust_cut(descending) in {(adjusted <= 0.1 - 1e-9).sum(), (adjusted <= 0.1 + 1e-9).sum()}


def test_the_spread_is_that_of_the_mode_below_whatever_stands_above() -> None:
    scores = -np.sort(-np.random.default_rng(1).normal(5, 2, 20_001))
    assert robust_spread(scores) == pytest.approx(2, rel=0.05)
    scores[scores > 5] *= 10
    assert robust_spread(scores) == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7])
def test_equal_scores_have_nothing_that_stands_out(n: int) -> None:
    assert robust_cut(np.full(n, 0.1)) == 0
    assert robust_spread(np.full(n, 0.1)) == 0


@given(lists, st.sampled_from([0.25, 4.0, 1024.0]), st.integers(-64, 64))
def test_it_is_unit_free(descending: np.ndarray, a: float, c: int) -> None:
    assert robust_cut(a * descending + c) == robust_cut(descending)
    assert robust_spread(a * descending + c) == pytest.approx(a * robust_spread(descending))
