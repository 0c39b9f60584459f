"""Few judgments, drawn: on average they tell what all would, whatever was expected."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import dcg_score

from diptych.evaluation.drawn import FIRST, Judged, Lists, discounts, estimates, followed

Floats = NDArray[np.float64]


def lists(weights: Sequence[Sequence[float]], kinds: Sequence[int], order: Sequence[int]) -> Lists:
    return Lists(np.array(weights, float), np.array(kinds), np.array(order))


def after(whole: Sequence[float], judged: int) -> Floats:
    """The gains in the order of judging, of which so many are known."""
    return np.where(np.arange(len(whole)) < judged, whole, np.nan)


@given(st.data(), st.integers(2, 5), st.integers(1, 4))
def test_the_mean_over_all_orders_is_the_true_difference(
    data: st.DataObject, pictures: int, judged: int
) -> None:
    tenths = st.lists(st.integers(0, 10).map(lambda tenth: tenth / 10), min_size=pictures, max_size=pictures)
    first, second = np.array(data.draw(tenths)), np.array(data.draw(tenths))
    second = np.where(first == second, first + 0.3, second)
    kinds = data.draw(st.lists(st.integers(0, 2), min_size=pictures, max_size=pictures))
    gains = np.array(data.draw(tenths))
    others = [
        Judged(
            lists([[0.5, 0.1, 0.2], [0.1, 0.5, 0.3]], [0, 1, 2], [0, 1, 2]), np.array(data.draw(tenths)[:3])
        )
        for _ in range(2)
        if pictures >= 3
    ]
    mean, whole = 0.0, 0.0
    for order in itertools.permutations(range(pictures)):
        of_query = lists([first, second], kinds, order)
        probability = float(np.prod(of_query.stakes / np.cumsum(of_query.stakes[::-1])[::-1]))
        told = estimates(
            [Judged(of_query, after(gains[list(order)].tolist(), min(judged, pictures))), *others]
        )[0]
        mean += probability * (told[0] - told[1])
        whole += probability
    assert whole == pytest.approx(1)
    assert mean == pytest.approx(float((first - second) @ gains))


@given(
    st.lists(st.integers(0, 1), min_size=12, max_size=12),
    st.permutations(range(12)),
    st.permutations(range(12)),
    st.integers(1, 10),
)
def test_where_all_are_judged_the_difference_is_that_of_scikit_learns_dcg(
    gains: list[int], first: list[int], second: list[int], k: int
) -> None:
    ranks = np.array([first, second])
    of_query = Lists.of("query", [f"{row}" for row in range(12)], ranks, k)
    (told,) = estimates([Judged(of_query, np.array(gains, float)[of_query.order])])
    ideal = (1 / np.log2(np.arange(2, k + 2))).sum()
    expected = [dcg_score([gains], [-row.astype(float)], k=k) / ideal for row in ranks]
    assert told[0] - told[1] == pytest.approx(expected[0] - expected[1])


def test_what_all_rank_alike_need_not_be_judged() -> None:
    of_query = Lists.of("query", ["a", "b", "c", "d"], np.array([[0, 1, 2, 3], [0, 2, 1, 3]]), 3)
    assert sorted(of_query.order.tolist()) == [1, 2]
    assert not Lists.of("query", ["a", "b"], np.array([[0, 1], [0, 1]]), 2).order.size


def test_high_stakes_come_first_more_often_as_often_as_chance_says() -> None:
    ranks = np.array([[0, 5], [5, 0]])
    weights = discounts(np.array([[0, 4, 9], [9, 9, 9]]), 9)
    stakes = np.ptp(weights, axis=0)[:2]
    firsts = [
        Lists.of(f"query {number}", ["a", "b"], np.array([[0, 4], [9, 9]]), 9).order[0]
        for number in range(2000)
    ]
    assert np.mean(np.array(firsts) == 0) == pytest.approx(stakes[0] / stakes.sum(), abs=0.04)
    assert (
        Lists.of("query", ["a", "b"], ranks, 9).order.tolist()
        == Lists.of("query", ["a", "b"], ranks, 9).order.tolist()
    )


def test_the_order_is_nearly_the_same_with_one_embedder_more() -> None:
    random = np.random.default_rng(0)
    pictures = [f"{number}" for number in range(30)]
    same = []
    for query in range(40):
        ranks = np.array([random.permutation(30) for _ in range(3)])
        two, three = (Lists.of(f"{query}", pictures, ranks[:number], 10).order for number in (2, 3))
        same.append(len(set(two[:FIRST].tolist()) & set(three[:FIRST].tolist())) / FIRST)
    assert np.mean(same) > 2 * FIRST / 20


def test_a_skipped_picture_counts_as_expected_and_many_are_no_estimate() -> None:
    ten = lists([np.linspace(1, 0.1, 10), np.zeros(10)], [0] * 10, range(10))
    gains = np.array([1, np.nan, 1, 1, 0, 1, 1, *[np.nan] * 3])
    assert Judged(ten, gains).reached == 7
    assert Judged(ten, gains).counts
    assert np.isfinite(estimates([Judged(ten, gains)])).all()
    holes = np.array([1, np.nan, np.nan, np.nan, 0, 1, 1, *[np.nan] * 3])
    assert Judged(ten, holes).reached == 1
    assert not Judged(ten, holes).counts


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=8, max_size=8), st.integers(1, 8))
def test_one_that_is_complete_needs_no_expectation(gains: list[float], judged: int) -> None:
    eight = lists([np.linspace(1, 0.1, 8), np.linspace(0.1, 1, 8)], [0] * 8, range(8))
    other = Judged(eight, after(gains, judged))
    alone, beside = (
        estimates([Judged(eight, np.array(gains))]),
        estimates([Judged(eight, np.array(gains)), other]),
    )
    assert alone[0].tolist() == beside[0].tolist()


@pytest.mark.parametrize(
    ("in_order", "astray", "holds"),
    [(30, 0, True), (30, 1, True), (30, 3, True), (30, 4, False), (3, 1, True), (3, 2, False), (0, 0, True)],
)
def test_where_the_order_was_left_there_is_no_estimate(in_order: int, astray: int, holds: bool) -> None:
    twelve = lists([np.linspace(0.2, 0.1, 12), np.zeros(12)], [0] * 12, range(12))
    every_other = np.where(np.arange(12) % 2, 1.0, np.nan)
    untouched = [Judged(twelve, after([1.0] * 12, 0))] * 40
    judged = [Judged(twelve, after([1.0] * 12, FIRST))] * in_order + [Judged(twelve, every_other)] * astray
    assert followed([*untouched, *judged]) == holds


@pytest.mark.parametrize("relevant", [0.1, 0.8])
def test_what_one_embedder_found_alone_is_not_said_to_make_it_better(relevant: float) -> None:
    """As where another tool's judgments are of one embedder's list: the other's own pictures are unjudged."""
    random = np.random.default_rng(0)
    queries = []
    for number in range(60):
        scores = random.normal(size=40) + 0.3 * random.normal(size=(2, 40))
        ranks = np.argsort(np.argsort(-scores, axis=1), axis=1)
        found = np.flatnonzero((ranks < 10).any(axis=0))
        of_query = Lists.of(str(number), [str(each) for each in found], ranks[:, found], 10)
        gains = np.where(random.random(len(found)) < relevant, 1.0, 0.0)
        known = np.where(ranks[0, found] < 10, gains, np.nan)
        queries.append(Judged(of_query, known[of_query.order]))
    assert sum(query.counts for query in queries) > 10
    assert not followed(queries)
