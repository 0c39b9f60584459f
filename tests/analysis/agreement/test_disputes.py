from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.analysis.agreement.disputes import disputes

orders = st.integers(1, 60).flatmap(lambda n: st.tuples(st.permutations(range(n)), st.permutations(range(n))))


def test_a_move_at_the_top_counts_more_than_the_same_move_far_down() -> None:
    rank_a = np.arange(1, 6001)
    rank_b = rank_a.copy()
    rank_b[[1, 39]], rank_b[[4999, 5037]] = [40, 2], [5038, 5000]
    listed = disputes(rank_a, rank_b, k=6000)
    assert [(d.rank_a, d.rank_b) for d in listed] == [(2, 40), (40, 2), (5000, 5038), (5038, 5000)]
    assert [d.times_deeper for d in listed] == pytest.approx([20, 20, 1.0076, 1.0076])
    assert [d.row for d in disputes(rank_a, rank_b, k=10)] == [1, 39]


@given(orders, st.integers(1, 20))
def test_it_lists_just_what_a_loop_over_all_images_finds(pair: tuple[list[int], list[int]], k: int) -> None:
    rank_a, rank_b = (np.argsort(order) + 1 for order in pair)
    expected = []
    for row in range(len(rank_a)):
        high, low = sorted((int(rank_a[row]), int(rank_b[row])))
        if high <= k and high != low:
            expected.append((-low / high, high, row))
    listed = disputes(rank_a, rank_b, k)
    assert [(-d.times_deeper, min(d.rank_a, d.rank_b), d.row) for d in listed] == sorted(expected)
    assert all((d.rank_a, d.rank_b) == (rank_a[d.row], rank_b[d.row]) for d in listed)
    assert len(listed) <= 2 * k


@given(orders, st.integers(1, 20))
def test_both_sides_are_treated_alike(pair: tuple[list[int], list[int]], k: int) -> None:
    rank_a, rank_b = (np.argsort(order) + 1 for order in pair)
    ours, theirs = disputes(rank_a, rank_b, k), disputes(rank_b, rank_a, k)
    assert [(d.row, d.rank_a, d.rank_b) for d in ours] == [(d.row, d.rank_b, d.rank_a) for d in theirs]
    assert disputes(rank_a, rank_a, k) == ()
