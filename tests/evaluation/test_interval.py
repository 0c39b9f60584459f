"""The interval holds what it promises with few queries, and the verdict is seldom wrong: by simulation."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.evaluation.interval import mean_interval

SIMULATION = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"))
EXPERIMENTS = 2000  # a share of 0.95 is then known to 0.01 with 95 % confidence

WORLDS = {name: (SIMULATION["EQUAL"][name], 0.0) for name in SIMULATION["EQUAL"] if "tied" not in name}
WORLDS["AP, a better"] = (SIMULATION["UNEQUAL"]["AP, 5 relevant, a better"][0], None)


@pytest.mark.parametrize("queries", [8, 20, 50])
@pytest.mark.parametrize("world", WORLDS)
def test_the_interval_holds_the_truth_in_93_to_97_of_100_experiments(world: str, queries: int) -> None:
    draw, known = WORLDS[world]
    random = np.random.default_rng(queries)
    truth = float(draw(random, (1500, 50)).mean()) if known is None else known
    assert 0.93 <= SIMULATION["coverage"](draw(random, (EXPERIMENTS, queries)), truth) <= 0.97


@pytest.mark.parametrize("queries", [8, 20, 50])
@pytest.mark.parametrize("world", SIMULATION["EQUAL"])
def test_equal_embedders_are_told_apart_in_at_most_6_of_100_experiments(world: str, queries: int) -> None:
    differences = SIMULATION["EQUAL"][world](np.random.default_rng(queries), (EXPERIMENTS, queries))
    _, verdict = SIMULATION["false_positives"](differences)
    assert verdict <= 0.06


def test_the_bootstrap_would_fall_short_with_8_queries() -> None:
    differences = np.random.default_rng(0).normal(size=(1000, 8))
    assert SIMULATION["bca_coverage"](differences, 0.0) < 0.91


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30), st.floats(0.5, 0.99))
def test_the_interval_reaches_at_least_as_far_as_students(values: list[float], confidence: float) -> None:
    low, high = mean_interval(np.array(values), confidence)
    assert np.isfinite([low, high]).all()
    if np.std(values) > 1e-9:
        student = stats.ttest_1samp(values, 0).confidence_interval(confidence)
        assert low <= student.low + 1e-9
        assert high >= student.high - 1e-9


def test_values_without_skewness_have_students_interval() -> None:
    values = np.array([-0.4, -0.1, 0.0, 0.0, 0.1, 0.4]) + 0.2
    student = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(mean_interval(values), (student.low, student.high), atol=1e-6)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=12))
def test_mirrored_values_have_the_mirrored_interval(values: list[float]) -> None:
    low, high = mean_interval(np.array(values))
    mirrored_low, mirrored_high = mean_interval(-np.array(values))
    np.testing.assert_allclose((mirrored_low, mirrored_high), (-high, -low), atol=1e-6)


def test_rows_are_independent() -> None:
    values = np.random.default_rng(3).exponential(size=(4, 9))
    low, high = mean_interval(values)
    for row in range(4):
        np.testing.assert_allclose(mean_interval(values[row]), (low[row], high[row]))


def test_hall_s_transformation_is_the_inverse_of_his_formula() -> None:
    """g1(T) = T + γT²/3 + γ²T³/27 + γ/(6n), at the end where it reaches further than Student's."""
    values = np.random.default_rng(5).exponential(size=12)
    mean, spread, skew = values.mean(), values.std(ddof=1), stats.skew(values)
    _, high = mean_interval(values)
    t = (mean - high) / spread
    g1 = t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / (6 * 12)
    assert g1 == pytest.approx(-stats.t.ppf(0.975, 11) / np.sqrt(12))
