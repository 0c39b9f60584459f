from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.analysis.cuts.gap import (
    DEEPEST,
    EFFECTIVE_GAPS,
    deepest_rank,
    least_probable_gap,
    one_mode_p,
    scores_needed,
)

lists = st.lists(st.integers(-99, 99), min_size=3, max_size=60).map(
    lambda values: np.array(sorted(values, reverse=True), np.float64)
)


def surprise_by_loop(descending: np.ndarray, rank: int) -> float:
    """k·(s_k − s_k+1) against the mean of those that follow, by scipy's F distribution."""
    n = len(descending)
    reach = min(max(n // 2, 4), 100)
    spacing = [k * (descending[k - 1] - descending[k]) for k in range(1, n)]
    following = spacing[rank : rank + reach]
    ratio = spacing[rank - 1] / (sum(following) / len(following))
    return float(-stats.f.logsf(ratio, 2, 2 * len(following)))


@pytest.mark.parametrize("n", [3, 4, 7, 10, 31, 300, 450])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_a_loop_over_all_gaps_finds(n: int, seed: int) -> None:
    descending = -np.sort(-np.random.default_rng(seed).gumbel(size=n))
    deepest = min(max(n // 2, 1), n - 2)
    surprises = [surprise_by_loop(descending, rank) for rank in range(1, deepest + 1)]
    found = least_probable_gap(descending[None, : scores_needed(n)], n)
    assert found.ranks.tolist() == [int(np.argmax(surprises)) + 1]
    assert found.surprise[0] == pytest.approx(max(surprises))


@pytest.mark.parametrize("n", [100, 5000])
def test_one_gap_chosen_beforehand_has_the_f_distribution(n: int) -> None:
    """In an exponential list the normalised spacings are exactly exponential: p of one gap is uniform."""
    draw = np.random.default_rng(4).exponential(size=(800, n))
    descending = -np.sort(-draw, axis=1)
    p = [np.exp(-surprise_by_loop(row[:300] if n > 300 else row, 5)) for row in descending]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_no_more_of_a_long_list_is_looked_at_than_needed() -> None:
    descending = -np.sort(-np.random.default_rng(5).normal(size=(2, 9000)), axis=1)
    whole, head = (least_probable_gap(d, 9000) for d in (descending, descending[:, : scores_needed(9000)]))
    assert scores_needed(9000) == DEEPEST + 101
    np.testing.assert_array_equal(whole.ranks, head.ranks)
    np.testing.assert_array_equal(whole.surprise, head.surprise)


def test_several_lists_are_each_as_alone() -> None:
    descending = -np.sort(-np.random.default_rng(6).normal(size=(20, 50)), axis=1)
    together = least_probable_gap(descending, 50)
    alone = [least_probable_gap(row[None], 50) for row in descending]
    assert together.ranks.tolist() == [found.ranks[0] for found in alone]
    assert together.surprise.tolist() == [found.surprise[0] for found in alone]


@given(lists, st.sampled_from([0.25, 4.0, 1024.0]), st.integers(-64, 64))
def test_ranks_and_p_are_unit_free_and_finite_with_ties(descending: np.ndarray, a: float, c: int) -> None:
    n = len(descending)
    before, after = (least_probable_gap(d[None], n) for d in (descending, a * descending + c))
    assert after.ranks == before.ranks
    assert 1 <= before.ranks[0] <= deepest_rank(n)
    p, same = one_mode_p(before.surprise[0], n), one_mode_p(after.surprise[0], n)
    assert same == pytest.approx(p, abs=1e-12)
    assert 0 <= p <= 1


@pytest.mark.parametrize("n", [3, 6, 7, 300])
def test_equal_scores_have_no_surprise(n: int) -> None:
    found = least_probable_gap(np.full((1, n), 0.1), n)
    assert (found.ranks[0], found.surprise[0]) == (1, 0)
    assert one_mode_p(0, n) == 1


def test_a_level_drop_is_as_surprising_as_can_be() -> None:
    found = least_probable_gap(np.repeat([1.0, 0.0], [10, 290])[None], 300)
    assert found.ranks[0] == 10
    assert one_mode_p(found.surprise[0], 300) == 1e-16


@given(st.floats(0, 50), st.floats(0, 50), st.integers(7, 20_000))
def test_the_more_surprising_the_smaller_p(some: float, more: float, n: int) -> None:
    less, greater = sorted([some, more])
    assert one_mode_p(greater, n) <= one_mode_p(less, n)


@pytest.mark.parametrize(
    ("n", "gaps"),
    [
        *EFFECTIVE_GAPS.items(),
        (200_000**0.5, (EFFECTIVE_GAPS[400] * EFFECTIVE_GAPS[500]) ** 0.5),  # the geometric means of both
        (5, EFFECTIVE_GAPS[7]),
        (50_000, EFFECTIVE_GAPS[10_000]),
    ],
)
def test_p_allows_for_the_gaps_in_the_table_and_in_between_in_proportion(n: float, gaps: float) -> None:
    assert one_mode_p(12, n) == pytest.approx(min(1, gaps * np.exp(-12)))


def test_the_table_grows_with_n_from_the_fewest_images() -> None:
    assert list(EFFECTIVE_GAPS) == sorted(EFFECTIVE_GAPS)
    assert list(EFFECTIVE_GAPS.values()) == sorted(EFFECTIVE_GAPS.values())
    assert min(EFFECTIVE_GAPS) == 7
