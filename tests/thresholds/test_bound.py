"""What observations guarantee of a mean: exact where theory has an answer, and kept at its risk elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.thresholds.bound import chance_of_at_most, fewest, guaranteed_mean

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(np.array)
MEANS = st.floats(0.01, 0.99)


@given(st.integers(0, 30), st.integers(0, 30), MEANS)
def test_of_values_that_are_0_or_1_it_is_the_exact_binomial_test(right: int, wrong: int, mean: float) -> None:
    values = np.repeat([1.0, 0.0], [right, wrong])
    if not len(values):
        return
    exact = stats.binomtest(right, right + wrong, mean, alternative="greater").pvalue
    assert chance_of_at_most(mean, values) == pytest.approx(exact, abs=1e-12)


@given(st.integers(1, 40), st.integers(0, 40), st.sampled_from([0.05, 0.1, 0.3]))
def test_and_the_bound_that_of_clopper_and_pearson(right: int, wrong: int, risk: float) -> None:
    values = np.repeat([1.0, 0.0], [right, wrong])
    exact = stats.beta.ppf(risk, right, wrong + 1)
    assert guaranteed_mean(values, risk) == pytest.approx(exact, abs=1e-9)


@given(SHARES, MEANS, st.integers(0, 2**32 - 1))
def test_it_is_the_chance_of_a_randomly_weighted_mean(values: np.ndarray, mean: float, seed: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(values) + 1), 4000)
    means = weights[:, 1:] @ values
    assert chance_of_at_most(mean, values) == pytest.approx((means <= mean).mean(), abs=0.05)


@given(SHARES, MEANS, MEANS, st.integers(0, 11), st.floats(0, 1))
def test_higher_values_and_lower_means_are_ruled_out_more_easily(
    values: np.ndarray, one: float, other: float, place: int, more: float
) -> None:
    low, high = sorted((one, other))
    assert 0 <= chance_of_at_most(low, values) <= chance_of_at_most(high, values) + 1e-12 <= 1 + 1e-12
    raised = values.copy()
    raised[place % len(values)] = max(more, raised[place % len(values)])
    assert chance_of_at_most(low, raised) <= chance_of_at_most(low, values) + 1e-9


@given(SHARES, st.floats(0.01, 0.5))
def test_the_guarantee_lies_below_the_mean_that_was_seen_and_is_where_the_test_turns(
    values: np.ndarray, risk: float
) -> None:
    bound = guaranteed_mean(values, risk)
    assert 0 <= bound <= values.mean() + 1e-9
    if bound > 1e-6:
        assert chance_of_at_most(bound - 1e-7, values) <= risk
        assert chance_of_at_most(bound + 1e-7, values) >= risk - 1e-6


def test_sixteen_of_sixteen_guarantee_87_percent_at_a_risk_of_one_in_ten() -> None:
    assert guaranteed_mean(np.ones(16), 0.1) == pytest.approx(0.1 ** (1 / 16))


@given(st.floats(0.05, 0.99), st.floats(0.01, 0.5))
def test_the_fewest_that_can_guarantee_a_mean_can_and_one_less_can_not(mean: float, risk: float) -> None:
    enough = int(fewest(mean, risk))
    assert chance_of_at_most(mean, np.ones(enough)) <= risk * (1 + 1e-6)
    if enough > 1:
        assert chance_of_at_most(mean, np.ones(enough - 1)) > risk * (1 - 1e-6)


def test_no_number_of_observations_guarantees_1_and_any_guarantees_0() -> None:
    assert fewest(1, 0.1) == np.inf
    assert fewest(0, 0.1) == 1


def test_a_mean_is_seldom_taken_for_more_than_it_is() -> None:
    """Values with a mean of exactly .8, of every shape that is known to be hard for such tests."""
    random = np.random.default_rng(0)
    for n in (12, 25):
        for low, high in ((0, 1), (0.5, 1), (0, 0.85), (0.75, 1), (0, 0.81)):
            chance = (0.8 - low) / (high - low)
            draws = np.where(random.random((1500, n)) < chance, float(high), float(low))
            claimed = np.mean([chance_of_at_most(0.8, values) <= 0.1 for values in draws])
            assert claimed <= 0.1 + 3 * np.sqrt(0.09 / 1500)
