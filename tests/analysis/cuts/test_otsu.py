from __future__ import annotations

import jenkspy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.analysis.cuts.otsu import Otsu, excess_variance, otsu

lists = st.lists(st.integers(-99, 99), min_size=2, max_size=40).map(
    lambda values: np.array(sorted(values, reverse=True), np.float64)
)


def explained_by_loop(descending: np.ndarray, rank: int) -> float:
    within = sum(part.var() * len(part) for part in (descending[:rank], descending[rank:]))
    return float(1 - within / (descending.var() * len(descending)))


@given(lists)
def test_it_explains_most_of_all_divisions_and_the_first_of_equals_is_taken(descending: np.ndarray) -> None:
    if np.ptp(descending) == 0:
        assert otsu(descending) == Otsu(0, 0.0)
        return
    found = otsu(descending)
    all_ranks = [explained_by_loop(descending, rank) for rank in range(1, len(descending))]
    assert found.explained == pytest.approx(max(all_ranks))
    assert found.explained == pytest.approx(all_ranks[found.rank - 1])


@pytest.mark.parametrize("n", [3, 7, 30, 300])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_jenks_natural_break_in_two_classes(n: int, seed: int) -> None:
    scores = np.random.default_rng(seed).gumbel(size=n)
    _, lower_end, _ = jenkspy.jenks_breaks(scores, n_classes=2)
    assert otsu(-np.sort(-scores)).rank == (scores > lower_end).sum()


@pytest.mark.parametrize("n", [2, 3, 7, 10])
@pytest.mark.parametrize("value", [0.0, 0.1, -0.3])
def test_equal_scores_are_not_divided(value: float, n: int) -> None:
    """0.1 is not a binary fraction: the mean of several may be off in the last bit."""
    assert otsu(np.full(n, value)) == Otsu(0, 0.0)


@pytest.mark.parametrize("n", [7, 30, 300, 3000])
def test_excess_variance_is_about_0_for_one_normal_mode(n: int) -> None:
    rng = np.random.default_rng(1)
    excess = [excess_variance(otsu(-np.sort(-rng.normal(3, 2, n))), n) for _ in range(200)]
    assert np.mean(excess) == pytest.approx(0, abs=0.05)


def test_what_one_normal_mode_explains_is_2_over_pi_in_the_limit() -> None:
    assert excess_variance(Otsu(1, 2 / np.pi), 10_000) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("n", [7, 30, 300])
def test_excess_variance_goes_to_1_for_two_points_apart(n: int) -> None:
    jitter = np.random.default_rng(2).normal(size=n)
    modes = np.arange(n) < n // 3
    excess = [
        excess_variance(otsu(-np.sort(-(modes * distance + jitter))), n) for distance in (3, 10, 100, 1000)
    ]
    assert excess == sorted(excess)
    assert excess[-1] == pytest.approx(1, abs=1e-4)
    assert excess_variance(otsu(np.sort(modes)[::-1].astype(float)), n) == pytest.approx(1)


@given(lists, st.sampled_from([0.25, 4.0, 1024.0]), st.integers(-64, 64))
def test_it_is_unit_free(descending: np.ndarray, a: float, c: int) -> None:
    before, after = otsu(descending), otsu(a * descending + c)
    assert after.explained == pytest.approx(before.explained)
    if before.rank:
        same = explained_by_loop(descending, after.rank)  # of equally good ones rounding may take another
        assert same == pytest.approx(before.explained)
