"""The sign-flip test, by going through all signs; and the interval that is its inversion."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.evaluation.sign_flip import sign_flip_p, smallest_p, subset_means, typical_values

TENTHS = st.lists(st.integers(-5, 5).filter(bool).map(lambda n: n / 10), min_size=1, max_size=9)


@given(TENTHS, st.sampled_from([0.5, 1.0]))
def test_p_is_the_share_of_all_signs_that_reach_as_far(differences: list[float], itself: float) -> None:
    tenths = [round(10 * difference) for difference in differences]
    sums = [
        sum(s * d for s, d in zip(signs, tenths, strict=True))
        for signs in itertools.product((1, -1), repeat=len(tenths))
    ]
    reached = sum(each >= abs(sum(tenths)) for each in sums)
    expected = min(1.0, 2 * (reached - 1 + itself) / len(sums))
    assert sign_flip_p(subset_means(np.array(differences)), itself) == pytest.approx(expected)


@given(st.lists(st.integers(-5, 5).map(lambda n: n / 8), min_size=2, max_size=9))  # their sums are exact
def test_p_equals_scipys_exact_test(differences: list[float]) -> None:
    found = stats.permutation_test(
        (np.array(differences),), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(subset_means(np.array(differences))) == pytest.approx(min(1.0, found.pvalue))


@pytest.mark.parametrize("queries", [17, 40, 1200])
def test_beyond_16_queries_p_is_sampled_and_near_scipys(queries: int) -> None:
    differences = np.random.default_rng(1).normal(1.8 / np.sqrt(queries), 1, queries)
    sampled = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=2
    ).pvalue
    assert sign_flip_p(subset_means(differences)) == pytest.approx(sampled, abs=0.02)
    assert sign_flip_p(subset_means(differences)) == sign_flip_p(subset_means(differences))


@pytest.mark.parametrize("queries", range(1, 20))
def test_the_smallest_p_is_that_of_queries_that_all_agree(queries: int) -> None:
    assert sign_flip_p(subset_means(np.ones(queries))) == pytest.approx(smallest_p(queries))


@given(TENTHS, st.floats(0.001, 0.6), st.integers(-60, 60).map(lambda n: n / 100 + 0.0033))
def test_the_interval_holds_exactly_the_values_that_the_test_lets_stand(
    values: list[float], level: float, mean: float
) -> None:
    low, high = typical_values(subset_means(np.array(values)), level)
    p = sign_flip_p(subset_means(np.array(values) - mean))
    assert (p > level) == (low <= mean <= high)


@given(TENTHS)
def test_typical_values_are_those_of_hartigan(values: list[float]) -> None:
    """The k-th smallest of all subset means leaves k / 2^m on its side."""
    means = sorted(
        sum(chosen) / len(chosen)
        for size in range(1, len(values) + 1)
        for chosen in itertools.combinations(values, size)
    )
    level = 0.3
    k = math.floor(level * 2 ** len(values) / 2) - 1
    low, high = typical_values(subset_means(np.array(values)), level)
    if k < 0:
        assert (low, high) == (-math.inf, math.inf)
    else:
        assert (low, high) == pytest.approx((means[k], means[-1 - k]), abs=1e-9)
