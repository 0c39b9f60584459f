from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.analysis.cuts.mixture import mixture_cut

lists = st.lists(st.integers(-99, 99), min_size=2, max_size=40).map(
    lambda values: np.array(sorted(values, reverse=True), np.float64)
)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_scikit_learns_where_the_modes_are_apart(share: float, width: float, seed: int) -> None:
    from sklearn.mixture import GaussianMixture

    rng, upper = np.random.default_rng(seed), int(200 * share)
    scores = np.r_[rng.normal(10, width, upper), rng.normal(0, 1, 200 - upper)]
    theirs = GaussianMixture(2, random_state=0, n_init=5).fit(scores[:, None])
    kept = (theirs.predict(scores[:, None]) == theirs.means_.argmax()).sum()
    assert mixture_cut(-np.sort(-scores)) == kept == upper


@given(lists)
def test_it_is_a_rank_and_0_where_all_are_equal(descending: np.ndarray) -> None:
    assert 0 <= mixture_cut(descending) < len(descending)
    if np.ptp(descending) == 0:
        assert mixture_cut(descending) == 0


@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_scores_that_are_equal_but_for_rounding_are_not_divided(n: int) -> None:
    assert mixture_cut(np.full(n, 0.1)) == 0


def test_where_a_wide_lower_mode_has_the_very_best_they_cannot_be_told_apart() -> None:
    narrow, wide = 3 + 0.05 * np.linspace(-1, 1, 20), np.random.default_rng(0).normal(0, 3, 60)
    assert (wide > 3.5).sum() > 5
    assert mixture_cut(np.sort(np.r_[narrow, wide])[::-1]) == 0


@given(lists, st.sampled_from([0.25, 4.0, 1024.0]))
def test_it_is_unit_free(descending: np.ndarray, a: float) -> None:
    assert mixture_cut(a * descending) == mixture_cut(descending)


@pytest.mark.parametrize("upper", [7, 300, 9_000, 20_000])
def test_of_a_long_list_groups_of_neighbours_are_as_good_as_every_score(
    upper: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(upper)
    descending = -np.sort(-np.r_[rng.normal(5, 1, upper), rng.normal(0, 1, 60_000)])
    grouped = mixture_cut(descending)
    monkeypatch.setattr("diptych.analysis.cuts.mixture._ALONE", 80_000)
    assert abs(grouped - mixture_cut(descending)) <= 1 + 0.005 * grouped
