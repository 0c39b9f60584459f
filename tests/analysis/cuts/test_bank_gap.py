"""The largest gap by the bank's own lists, against loops; test_break_rates has its rank test, simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.analysis.cuts.bank_gap import NARROWEST, BankGaps, deepest_rank
from diptych.analysis.cuts.gap import DEEPEST


def usual_by_loop(lists: list[list[float]], rank: int) -> float:
    """The mean over lists, and over the ranks up to a third of it away, as far as they are known."""
    n = len(lists[0])
    last = min(n - 1, deepest_rank(n) + deepest_rank(n) // 3)
    ranks = range(rank - rank // 3, min(rank + rank // 3, last) + 1)
    return float(np.mean([one[k - 1] - one[k] for one in lists for k in ranks]))


def sizes_by_loop(one: list[float], lists: list[list[float]], unit: float) -> list[float]:
    """gap / (unit^⅔ · usual^⅓) after each rank; 0 where the gap is too narrow."""
    found = []
    for rank in range(1, deepest_rank(len(one)) + 1):
        gap = one[rank - 1] - one[rank]
        size = gap / math.sqrt(unit * usual_by_loop(lists, rank))
        found.append(size if gap >= NARROWEST * unit else 0.0)
    return found


def descending(rng: np.random.Generator, lists: int, n: int) -> np.ndarray:
    return -np.sort(-rng.normal(size=(lists, n)), axis=1)


@pytest.mark.parametrize("n", [4, 5, 7, 20, 61])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_a_loop_over_ranks_finds(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bank, queries = descending(rng, 22, n), descending(rng, 8, n) * 1.5
    shuffled = rng.permuted(bank, axis=1)
    gaps = BankGaps.fit(shuffled, 0.8)
    lists = bank.tolist()
    for row in range(22):
        others = lists[:row] + lists[row + 1 :]
        assert gaps.sizes[row] == pytest.approx(max(sizes_by_loop(lists[row], others, 0.8)))
    ranks, sizes = gaps.largest(queries)
    for query, rank, size in zip(queries.tolist(), ranks, sizes, strict=True):
        expected = sizes_by_loop(query, lists, 0.8)
        assert size == pytest.approx(max(expected))
        if max(expected) > 0:
            assert rank == int(np.argmax(expected)) + 1
        assert gaps.p(float(size)) == pytest.approx((1 + sum(gaps.sizes >= size)) / 23)


def test_where_no_gap_is_wide_enough_the_largest_is_named_and_it_has_no_size() -> None:
    bank = descending(np.random.default_rng(0), 20, 12)
    gaps = BankGaps.fit(bank, 1.0)
    query = np.linspace(1, 0, 12)
    query[:3] += 0.2
    ranks, sizes = gaps.largest(query[None])
    assert (ranks.tolist(), sizes.tolist()) == ([3], [0.0])
    assert gaps.p(0.0) == 1


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.25, 4.0, 64.0]), st.integers(-64, 64))
def test_it_is_unit_free_and_the_order_of_the_texts_does_not_matter(seed: int, a: float, c: int) -> None:
    rng = np.random.default_rng(seed)
    bank, query = rng.normal(size=(20, 15)), descending(rng, 1, 15)
    before, after = BankGaps.fit(bank, 0.9), BankGaps.fit(a * bank[::-1] + c, a * 0.9)
    np.testing.assert_allclose(after.sizes[::-1], before.sizes, rtol=1e-9)
    (rank, size), (rank_after, size_after) = before.largest(query), after.largest(a * query + c)
    assert rank == rank_after
    np.testing.assert_allclose(size_after, size, rtol=1e-9)


def test_only_the_first_scores_of_long_lists_count() -> None:
    rng = np.random.default_rng(1)
    bank = descending(rng, 20, 4000)
    far = bank.copy()
    far[:, DEEPEST + DEEPEST // 3 + 1 :] -= 100
    np.testing.assert_array_equal(BankGaps.fit(bank, 1.0).sizes, BankGaps.fit(far, 1.0).sizes)
    assert len(BankGaps.fit(bank, 1.0).usual) == deepest_rank(4000) == DEEPEST


def test_a_bank_whose_lists_all_tie_somewhere_has_finite_sizes() -> None:
    bank = np.repeat([[3.0, 2.0, 2.0, 2.0, 1.0, 0.0]], 20, axis=0)
    ranks, sizes = BankGaps.fit(bank, 1.0).largest(np.array([[3.0, 2.0, 2.0, 1.0, 0.5, 0.0]]))
    assert np.isfinite(sizes).all()
    assert ranks.tolist() == [3]
