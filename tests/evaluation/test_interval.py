"""One test and one interval: they never disagree, and both hold what they promise, by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.evaluation.interval import MeanTest, mean_interval

DIFFERENCES = st.lists(st.integers(-10, 10).map(lambda n: n / 10), min_size=1, max_size=12)
EXPERIMENTS = 1000


@given(DIFFERENCES, st.sampled_from([0.05, 0.025, 0.05 / 3, 0.005]), st.booleans())
def test_p_reaches_a_level_where_the_interval_of_that_level_leaves_out_0(
    differences: list[float], level: float, ties: bool
) -> None:
    test = MeanTest.of(np.array(differences), ties=ties)
    low, high = test.interval(level)
    assert low <= test.mean <= high
    if len(set(differences)) == 1:  # without spread there is no interval
        assert (low, high) == (-math.inf, math.inf)
        return
    assert (test.p <= level) == (not low <= 0 <= high)


@given(DIFFERENCES)
def test_mirrored_differences_have_the_same_p_and_the_mirrored_interval(differences: list[float]) -> None:
    one, other = (MeanTest.of(sign * np.array(differences), ties=True) for sign in (1, -1))
    assert one.p == pytest.approx(other.p)
    assert one.interval() == pytest.approx(tuple(-end for end in reversed(other.interval())))


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=12))
def test_p_and_interval_reach_at_least_as_far_as_students(values: list[float]) -> None:
    if np.std(values) < 1e-6:
        return
    test, student = MeanTest.of(np.array(values)), stats.ttest_1samp(values, 0)
    low, high = test.interval()
    assert test.p >= student.pvalue - 1e-9
    assert low <= student.confidence_interval().low + 1e-9
    assert high >= student.confidence_interval().high - 1e-9


@given(DIFFERENCES, st.integers(0, 5))
def test_ties_do_not_change_what_the_signs_say(differences: list[float], ties: int) -> None:
    """More ties pull the mean and both ends towards 0, but never across it."""
    alone = MeanTest.of(np.array(differences), ties=True).interval(0.2)
    among = MeanTest.of(np.array([*differences, *[0.0] * ties]), ties=True).interval(0.2)
    if alone[0] <= 0 <= alone[1] and 0 in differences:
        assert among[0] <= 0 <= among[1]


def test_one_value_has_no_interval_nor_have_equal_ones() -> None:
    for values in (np.array([0.4]), np.ones(9), np.zeros(9)):
        assert MeanTest.of(values, ties=True).interval() == (-math.inf, math.inf)
    assert MeanTest.of(np.zeros(9), ties=True).p == 1


def test_five_values_are_too_few_for_a_95_percent_interval() -> None:
    assert np.isinf(mean_interval(np.array([0.1, 0.2, 0.3, 0.4, 0.5]))).all()
    assert np.isfinite(mean_interval(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))).all()


def test_rows_are_independent() -> None:
    values = np.random.default_rng(3).exponential(size=(4, 9))
    low, high = mean_interval(values)
    for row in range(4):
        np.testing.assert_allclose(mean_interval(values[row]), (low[row], high[row]))


WORLDS = {
    "normal": lambda random, shape: random.normal(0, 1, shape),
    "half tied": lambda random, shape: random.normal(0, 0.2, shape) * (random.random(shape) < 0.5),
    "all or nothing": lambda random, shape: random.choice([-1.0, 0.0, 1.0], shape, p=[0.2, 0.6, 0.2]),
}


@pytest.mark.parametrize("queries", [8, 11, 20])
@pytest.mark.parametrize("world", WORLDS)
def test_equal_embedders_are_told_apart_in_at_most_5_of_100_experiments(world: str, queries: int) -> None:
    drawn = WORLDS[world](np.random.default_rng(queries), (EXPERIMENTS, queries))
    wrong = np.mean([MeanTest.of(row, ties=True).p <= 0.05 for row in drawn])
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / EXPERIMENTS)


@pytest.mark.parametrize("queries", [8, 20])
def test_the_interval_holds_the_truth_in_at_least_93_of_100_experiments(queries: int) -> None:
    drawn = np.random.default_rng(queries).gamma(4, 1, (EXPERIMENTS, queries)) - 4
    low, high = mean_interval(drawn)
    assert ((low <= 0) & (high >= 0)).mean() >= 0.93
