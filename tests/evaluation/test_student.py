"""Student's t against scipy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr, stdtrit

from diptych.evaluation.student import two_sided_p, two_sided_reach

DEGREES = st.integers(1, 100_000)


@given(st.floats(-1e6, 1e6), DEGREES)
def test_the_tail_is_scipys(t: float, degrees: int) -> None:
    expected = 2 * float(stdtr(degrees, -abs(t)))
    assert two_sided_p(t, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-200)


@given(st.floats(1e-12, 1 - 1e-9), DEGREES)
def test_the_quantile_is_scipys(level: float, degrees: int) -> None:
    expected = -float(stdtrit(degrees, level / 2))
    assert two_sided_reach(level, degrees) == pytest.approx(expected, rel=1e-8, abs=1e-12)


@given(st.floats(0, 100), DEGREES)
def test_farther_is_rarer(t: float, degrees: int) -> None:
    assert two_sided_p(t, degrees) == two_sided_p(-t, degrees)
    assert 0 <= two_sided_p(t + 0.1, degrees) <= two_sided_p(t, degrees) <= two_sided_p(0, degrees) == 1


def test_one_and_two_degrees_have_closed_forms() -> None:
    for t in (0.001, 0.5, 1.0, 12.7, 1e5):
        assert two_sided_p(t, 1) == pytest.approx(math.atan2(1, t) * 2 / math.pi, rel=1e-12)
        assert two_sided_p(t, 2) == pytest.approx(2 / (t * t + 2 + t * math.sqrt(t * t + 2)), rel=1e-12)
    assert two_sided_reach(0.05, 9) == pytest.approx(2.2621571628, abs=1e-9)  # as in every printed table
    assert two_sided_reach(0, 9) == math.inf
    assert two_sided_reach(1, 9) == pytest.approx(0, abs=1e-12)
