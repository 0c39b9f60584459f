from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from diptych.analysis.agreement.correlation import kendall_tau_b, tau_ap

orders = st.integers(2, 60).flatmap(lambda n: st.tuples(st.permutations(range(n)), st.permutations(range(n))))
coarse = st.integers(2, 30).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-3, 3), min_size=n, max_size=n)] * 2)
)


def ranks(order: list[int]) -> np.ndarray:
    return np.argsort(order) + 1


def one_way(order: list[int], truth: list[int]) -> float:
    """Yilmaz et al. 2008, eq. 3, word for word."""
    n = len(order)
    correct = [
        sum(truth.index(above) < truth.index(order[i]) for above in order[:i]) / i for i in range(1, n)
    ]
    return 2 / (n - 1) * sum(correct) - 1


@given(orders)
def test_tau_ap_is_the_mean_of_both_directions_by_definition(pair: tuple[list[int], list[int]]) -> None:
    a, b = pair
    assert tau_ap(ranks(a), ranks(b)) == pytest.approx((one_way(a, b) + one_way(b, a)) / 2, abs=1e-12)


@given(orders)
def test_tau_ap_is_symmetric_1_for_the_same_order_and_minus_1_reversed(
    pair: tuple[list[int], list[int]],
) -> None:
    a, b = pair
    assert tau_ap(ranks(a), ranks(b)) == pytest.approx(tau_ap(ranks(b), ranks(a)), abs=1e-12)
    assert tau_ap(ranks(a), ranks(a)) == pytest.approx(1)
    assert tau_ap(ranks(a), ranks(a[::-1])) == pytest.approx(-1)


@pytest.mark.parametrize("n", [3, 10, 1000])
def test_exchanging_the_first_two_costs_tau_ap_more_than_the_last_two_and_tau_the_same(n: int) -> None:
    """By hand: of the n - 1 shares only the exchanged pair's lower one changes, by 1 or by 1/(n - 1)."""
    rows = np.arange(1, n + 1)
    first, last = rows.copy(), rows.copy()
    first[[0, 1]], last[[-2, -1]] = [2, 1], [n, n - 1]
    assert tau_ap(rows, first) == pytest.approx(1 - 2 / (n - 1))
    assert tau_ap(rows, last) == pytest.approx(1 - 2 / (n - 1) ** 2)
    assert kendall_tau_b(-rows, -first) == kendall_tau_b(-rows, -last)


def test_tau_ap_of_unrelated_rankings_is_0_on_average() -> None:
    generator = np.random.default_rng(1)
    values = [tau_ap(np.arange(1, 31), generator.permutation(30) + 1) for _ in range(4000)]
    assert np.mean(values) == pytest.approx(0, abs=4 * np.std(values) / np.sqrt(len(values)))


def test_tau_ap_holds_where_n_is_large() -> None:
    """Both directions counted by the definition, rank by rank."""
    rank_b = np.random.default_rng(2).permutation(5000) + 1
    rank_a = np.arange(1, 5001)
    above = np.array([np.count_nonzero(rank_b[:i] < rank_b[i]) for i in range(5000)])
    deeper = rank_b > 1
    shares_a, shares_b = above[1:] / (rank_a[1:] - 1), above[deeper] / (rank_b[deeper] - 1)
    assert tau_ap(rank_a, rank_b) == pytest.approx(shares_a.mean() + shares_b.mean() - 1, abs=1e-12)


@settings(max_examples=200)
@given(coarse)
def test_tau_b_counts_pairs_as_kendall_does(pair: tuple[list[int], list[int]]) -> None:
    a, b = pair
    signs = [
        (np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i, j in itertools.combinations(range(len(a)), 2)
    ]
    untied_a, untied_b = sum(x != 0 for x, _ in signs), sum(y != 0 for _, y in signs)
    value = kendall_tau_b(np.array(a, np.float32), np.array(b, np.float32))
    if untied_a == 0 or untied_b == 0:
        assert value is None
    else:
        assert value == pytest.approx(sum(x * y for x, y in signs) / np.sqrt(untied_a * untied_b), abs=1e-9)
        assert value == pytest.approx(kendalltau(a, b).statistic)


@given(orders)
def test_tau_b_is_unchanged_when_scores_are_scaled_and_shifted(pair: tuple[list[int], list[int]]) -> None:
    a, b = (np.array(scores, np.float32) for scores in pair)
    assert kendall_tau_b(a, b) == kendall_tau_b(4 * a + 7, b / 2 - 3)
