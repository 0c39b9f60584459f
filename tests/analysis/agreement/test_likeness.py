"""The word for how far two embedders agree, and what unrelated rankings would reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.analysis.agreement import RankAgreement, likeness, rank_agreement
from diptych.analysis.agreement.likeness import overlap_p, words
from diptych.analysis.summary import Interval, over_queries


def of_lists(*pairs: tuple[np.ndarray, np.ndarray]) -> list[RankAgreement]:
    """How far rankings by these scores agree."""
    return [
        rank_agreement(a, b, np.argsort(-a, kind="stable"), np.argsort(-b, kind="stable"))[0]
        for a, b in pairs
    ]


def unrelated(images: int, queries: int, seed: int = 0) -> list[RankAgreement]:
    random = np.random.default_rng(seed)
    return of_lists(*((random.random(images), random.random(images)) for _ in range(queries)))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.85, 0.95, ("largely",)),
        (0.8, 0.9, ("largely",)),
        (0.7, 0.9, ("in part", "largely")),
        (0.5, 0.79, ("in part",)),
        (0.4, 0.8, ("in part", "largely")),
        (0.3, 0.4, ("hardly", "in part")),
        (0.3, 0.39, ("hardly",)),
        (0.0, 0.95, ("hardly", "in part", "largely")),
        (None, None, ("in part",)),  # all eight queries share as much
    ],
)
def test_a_word_is_said_where_the_interval_lies_on_one_side(
    low: float | None, high: float | None, expected: tuple[str, ...]
) -> None:
    assert words(Interval(mean=0.6, low=low, high=high, queries=8), 0.0) == expected


def test_what_luck_explains_is_hardly_alike_or_gets_no_word() -> None:
    assert words(Interval(mean=0.2, low=0.1, high=0.3, queries=8), 0.5) == ("hardly",)
    assert words(Interval(mean=0.5, low=0.1, high=0.9, queries=8), 0.06) == ()


@pytest.mark.parametrize(("k", "images"), [(10, 11), (10, 40), (3, 7)])
def test_the_share_of_one_query_has_the_hypergeometric_distribution(k: int, images: int) -> None:
    for shared in range(k + 1):
        expected = stats.hypergeom(images, k, k).sf(shared - 1)
        assert overlap_p(shared, 1, k, images) == pytest.approx(expected)


@given(st.integers(2, 6), st.integers(11, 30), st.integers(0, 1000))
def test_several_queries_are_as_often_shared_as_in_drawn_rankings(
    queries: int, images: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    drawn = random.hypergeometric(10, images - 10, 10, (4000, queries)).sum(axis=1)
    shared = int(np.median(drawn))
    assert overlap_p(shared, queries, 10, images) == pytest.approx((drawn >= shared).mean(), abs=0.05)


@pytest.mark.parametrize("queries", [1, 5, 6, 12])
def test_unrelated_rankings_of_11_pictures_are_never_called_largely_alike(queries: int) -> None:
    for seed in range(200):
        found = likeness("A", "B", unrelated(11, queries, seed), [], 11)
        assert not found.words or "hardly" in found.words


def test_one_to_five_queries_have_figures_and_no_word() -> None:
    same = np.arange(40.0)
    found = likeness("A", "B", of_lists(*[(same, same)] * 5), [True] * 5, 40)
    assert (found.words, found.shared, found.by_chance) == ((), 10.0, 2.5)
    assert (found.first_shared, found.first_queries) == (5, 5)
    assert likeness("A", "B", of_lists(*[(same, same)] * 6), [True] * 6, 40).words == ("largely",)


def test_it_is_the_mean_of_the_queries_figures_in_which_both_rank_something() -> None:
    pairs = unrelated(40, 8)
    flat = of_lists((np.ones(40), np.arange(40.0)))
    found = likeness("A", "B", [*flat, *pairs], [False, True, True], 40)
    assert found.queries == 8
    assert found.taus == tuple(figures.kendall_tau_b for figures in pairs)
    assert found.shared == pytest.approx(np.mean([figures.overlap_at_k for figures in pairs]))
    assert found.above_chance == over_queries([figures.overlap_above_chance for figures in pairs])
    assert found.tau == over_queries(found.taus)
    low, high = stats.binomtest(2, 3).proportion_ci(method="wilson")
    assert found.first_interval == (pytest.approx(low), pytest.approx(high))


def test_up_to_10_pictures_share_all_their_first_and_have_tau_alone() -> None:
    pairs = of_lists(*[(np.arange(7.0), np.array([1.0, 0, 2, 3, 4, 5, 6]))] * 4)
    found = likeness("A", "B", pairs, [], 7)
    assert (found.shared, found.above_chance, found.overlap_p, found.words) == (None, None, None, ())
    assert found.taus == (pytest.approx(1 - 4 / 42),) * 4
    assert found.tau_p < 0.001


def test_the_p_of_tau_is_that_of_unrelated_rankings() -> None:
    at_most = [likeness("A", "B", unrelated(7, 4, seed), [], 7).tau_p <= 0.05 for seed in range(600)]
    assert np.mean(at_most) == pytest.approx(0.05, abs=0.03)


def test_without_a_query_in_which_both_rank_something_nothing_is_said() -> None:
    found = likeness("A", "B", of_lists((np.ones(40), np.arange(40.0))), [], 40)
    assert (found.queries, found.taus, found.tau, found.words, found.first_interval) == (
        0,
        (),
        None,
        (),
        None,
    )
