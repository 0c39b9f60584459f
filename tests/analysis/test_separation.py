"""Who separates its first pictures further, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.analysis.separation import Separation, separations
from diptych.analysis.stratification import Stratification


def lists(gaps: list[float | None], matches: int | None = 3) -> list[Stratification]:
    return [Stratification(verdict="gradual", z_gap=gap, matches=matches) for gap in gaps]


def compared(a: list[float | None], b: list[float | None]) -> Separation:
    (found,) = separations({"A": lists(a), "B": lists(b)})
    return found


def test_the_ratio_is_the_geometric_mean_and_p_scipys_permutation_test_of_its_logarithm() -> None:
    random = np.random.default_rng(0)
    a, b = random.gamma(3, 2, 9), random.gamma(3, 1, 9)
    found = compared(a.tolist(), b.tolist())
    logs = np.log(a / b)
    theirs = stats.permutation_test(
        (logs,), np.mean, permutation_type="samples", n_resamples=10_000, vectorized=True
    )
    assert found.ratio == pytest.approx(stats.gmean(a / b))
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.interval[0] < found.ratio < found.interval[1]


@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=1, max_size=12))
def test_turned_round_it_says_the_same(falls: list[tuple[float, float]]) -> None:
    a, b = ([*each] for each in zip(*falls, strict=True))
    one, other = compared(a, b), compared(b, a)
    assert other.ratio == pytest.approx(1 / one.ratio)
    assert (other.p, other.verdict, other.queries) == (one.p, one.verdict, one.queries)


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([2.0] * 2, "too few queries"),
        ([2.0] * 3, "too few queries"),  # p is 0.25 at best
        ([2.0, 3.0, 2.0, 4.0], "suggestive"),
        ([2.0, 0.5, 2.0, 0.5], "too few queries"),
        ([2.0, 3.0, 2.0, 4.0, 2.0, 3.0], "shown"),
        ([1.0] * 8, "not seen"),
    ],
)
def test_it_is_shown_only_where_the_test_says_so(ratios: list[float], verdict: str) -> None:
    found = compared([*ratios], [1.0] * len(ratios))
    assert found.verdict == verdict
    assert (found.interval is None) == (len(ratios) < 6 or len(set(ratios)) == 1)


def test_several_pairs_are_corrected_for_by_holm() -> None:
    further = [2.0, 3.0, 2.0, 4.0, 2.0, 3.0]
    found = separations({"A": lists([*further]), "B": lists([1.0] * 6), "C": lists([1.0] * 6)})
    assert [(each.a, each.b) for each in found] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert [each.p for each in found] == [0.03125, 0.03125, 1.0]
    assert [each.p_holm for each in found] == [0.09375, 0.09375, 1.0]
    assert [each.verdict for each in found] == ["suggestive", "suggestive", "not seen"]


def test_only_falls_in_deviations_of_the_same_kind_are_compared() -> None:
    (found,) = separations(
        {
            "A": [*lists([2.0, None, 0.0, 2.0]), *lists([2.0, 2.0], matches=None)],
            "B": [*lists([1.0, 1.0, 1.0, 1.0]), *lists([1.0], matches=None), *lists([1.0])],
        }
    )
    assert found.queries == 3
    assert found.ratio == pytest.approx(2)


def test_without_any_nothing_is_said() -> None:
    assert compared([None], [1.0]) == Separation(a="A", b="B", queries=0)
    assert separations({"A": lists([1.0])}) == ()


def test_no_difference_is_shown_in_no_more_than_5_of_100_worlds() -> None:
    random = np.random.default_rng(1)
    worlds = random.gamma(2, size=(400, 2, 8))
    shown = [compared(a.tolist(), b.tolist()).verdict == "shown" for a, b in worlds]
    assert np.mean(shown) <= 0.08
