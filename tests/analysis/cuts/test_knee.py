from __future__ import annotations

import kneed
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.analysis.cuts.knee import knee

lists = st.lists(st.integers(-99, 99), min_size=2, max_size=40).map(
    lambda values: np.array(sorted(values, reverse=True), np.float64)
)


def below_the_line(descending: np.ndarray, index: int) -> float:
    """How far a point is from the line through the first and the last, below positive; axes 0 to 1."""
    n, fall = len(descending), descending[0] - descending[-1]
    x, y = index / (n - 1), (descending[index] - descending[-1]) / fall
    return float((1 - x - y) / np.sqrt(2))


@given(lists)
def test_it_is_the_point_furthest_below_the_line_from_the_first_to_the_last(descending: np.ndarray) -> None:
    if np.ptp(descending) == 0:
        assert knee(descending) == 0
        return
    found = knee(descending)
    assert 1 <= found <= len(descending) - 1
    deepest = max(below_the_line(descending, i) for i in range(1, len(descending)))
    if deepest > 1e-9:  # where no point is below the line, it is the first
        assert below_the_line(descending, found) == pytest.approx(deepest)


@pytest.mark.parametrize("steepness", [1, 3, 8, 20])
@pytest.mark.parametrize("n", [20, 101])
def test_it_is_kneeds_on_a_curve_with_one_bend(n: int, steepness: float) -> None:
    descending = np.exp(-steepness * np.linspace(0, 1, n))
    theirs = kneed.KneeLocator(np.arange(n), descending, S=0, curve="convex", direction="decreasing")
    assert knee(descending) == theirs.knee


def test_it_is_the_last_before_a_flat_foot() -> None:
    assert knee(np.array([9.0, 8, 7, 0, 0, 0, 0, 0, 0, 0])) == 3


@given(lists, st.sampled_from([0.25, 4.0, 1024.0]), st.integers(-64, 64))
def test_it_is_unit_free(descending: np.ndarray, a: float, c: int) -> None:
    assert knee(a * descending + c) == knee(descending)
