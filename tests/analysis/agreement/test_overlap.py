from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from diptych.analysis.agreement.overlap import overlap, overlap_above_chance, overlap_by_chance

sizes = st.integers(1, 80).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


@given(sizes, st.randoms(use_true_random=False))
def test_it_is_the_size_of_the_intersection(size: tuple[int, int], random) -> None:
    n, k = size
    a, b = random.sample(range(n), n), random.sample(range(n), n)
    rank_a, rank_b = np.argsort(a) + 1, np.argsort(b) + 1
    assert overlap(rank_a, rank_b, k) == len(set(a[:k]) & set(b[:k]))


@given(sizes)
def test_chance_is_the_hypergeometric_mean(size: tuple[int, int]) -> None:
    n, k = size
    shared = np.arange(k + 1)
    assert overlap_by_chance(k, n) == pytest.approx(shared @ hypergeom(n, k, k).pmf(shared))


@given(sizes)
def test_above_chance_is_1_for_all_0_for_chance_and_never_below_minus_1(size: tuple[int, int]) -> None:
    n, k = size
    if k == n:
        assert overlap_above_chance(k, k, n) is None
        return
    assert overlap_above_chance(k, k, n) == pytest.approx(1)
    smallest = max(0, 2 * k - n)
    least = overlap_above_chance(smallest, k, n)
    assert least is not None
    assert -1 <= least < 0
    expected = sum(
        hypergeom(n, k, k).pmf(shared) * overlap_above_chance(shared, k, n)
        for shared in range(smallest, k + 1)
    )
    assert expected == pytest.approx(0, abs=1e-9)
