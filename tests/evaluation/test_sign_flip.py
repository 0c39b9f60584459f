"""The sign-flip test is scipy's, exact where all signs are gone through."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.evaluation.sign_flip import sign_flip_p, smallest_p

EIGHTHS = st.lists(st.integers(-5, 5).map(lambda n: n / 8), min_size=2, max_size=9)  # their sums are exact
TENTHS = st.lists(st.integers(-5, 5).map(lambda n: n / 10), min_size=1, max_size=9)


@given(EIGHTHS)
def test_p_equals_scipys_exact_test_by_enumeration(differences: list[float]) -> None:
    found = stats.permutation_test(
        (np.array(differences),), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert float(sign_flip_p(np.array(differences))) == pytest.approx(min(1.0, found.pvalue))


@given(TENTHS)
def test_p_is_the_share_of_all_signs_that_reach_as_far(differences: list[float]) -> None:
    tenths = [round(10 * difference) for difference in differences]
    sums = [
        abs(sum(s * d for s, d in zip(signs, tenths, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(tenths))
    ]
    share = sum(reached >= abs(sum(tenths)) for reached in sums) / len(sums)
    assert float(sign_flip_p(np.array(differences))) == pytest.approx(share)


@pytest.mark.parametrize("queries", [17, 40])
def test_beyond_16_queries_p_is_sampled_and_near_scipys(queries: int) -> None:
    differences = np.random.default_rng(1).normal(0.3, 1, queries)
    sampled = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=2
    ).pvalue
    assert float(sign_flip_p(differences)) == pytest.approx(sampled, abs=0.02)
    assert float(sign_flip_p(differences)) == float(sign_flip_p(differences))


@pytest.mark.parametrize("queries", range(1, 20))
def test_the_smallest_p_is_that_of_queries_that_all_agree(queries: int) -> None:
    p = float(sign_flip_p(np.ones(queries)))
    assert p == pytest.approx(smallest_p(queries), abs=3e-4)
    assert p >= smallest_p(queries)


def test_5_queries_can_never_be_significant_and_6_can() -> None:
    assert smallest_p(5) == 0.0625
    assert smallest_p(6) == 0.03125
