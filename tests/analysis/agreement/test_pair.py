from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.analysis.agreement import Dispute, RankAgreement, SpaceAgreement, rank_agreement, space_agreement
from diptych.analysis.agreement.pair import MOST_ANCHORS
from diptych.retrieval.search import normalise

scores = st.integers(2, 40).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-20, 20), min_size=n, max_size=n)] * 2)
)
FIGURES = ("rbo", "overlap_at_k", "overlap_above_chance", "kendall_tau_b", "tau_ap")


def agreement(
    a: list[int] | np.ndarray, b: list[int] | np.ndarray, k: int = 10
) -> tuple[RankAgreement, tuple[Dispute, ...]]:
    a, b = np.array(a, np.float32), np.array(b, np.float32)
    return rank_agreement(a, b, np.argsort(-a, kind="stable"), np.argsort(-b, kind="stable"), k)


def units(seed: int, n: int, dimension: int) -> np.ndarray:
    return normalise(np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32))


def test_a_small_case_by_hand() -> None:
    """a: 0 1 2 3 4, b: 1 0 2 4 3; at k = 2 both show 0 and 1, chance is 4/5."""
    result, disputed = agreement([9, 8, 7, 6, 5], [8, 9, 7, 5, 6], k=2)
    assert result.k == 2
    assert result.overlap_at_k == 2
    assert result.overlap_by_chance == pytest.approx(0.8)
    assert result.overlap_above_chance == pytest.approx(1)
    assert result.kendall_tau_b == pytest.approx(1 - 2 * 2 / 10)
    assert result.tau_ap == pytest.approx(2 / 4 * (0 + 1 + 1 + 3 / 4) - 1)
    assert result.rbo == pytest.approx(0.9**5 + 1 / 9 * (0 + 0.9**2 + 0.9**3 + 3 / 4 * 0.9**4 + 0.9**5))
    assert [(d.row, d.rank_a, d.rank_b) for d in disputed] == [(0, 1, 2), (1, 2, 1)]


@given(scores, st.integers(1, 50))
def test_ranks_agree_as_well_one_way_as_the_other(pair: tuple[list[int], list[int]], k: int) -> None:
    ours, our_disputes = agreement(*pair, k)
    theirs, their_disputes = agreement(*pair[::-1], k)
    for name in FIGURES:
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name))
    assert [d.row for d in our_disputes] == [d.row for d in their_disputes]


@given(scores, st.integers(1, 50))
def test_nothing_changes_when_scores_are_scaled_and_shifted(
    pair: tuple[list[int], list[int]], k: int
) -> None:
    a, b = (np.array(side, np.float32) for side in pair)
    assert agreement(4 * a + 64, b / 8 - 2, k) == agreement(a, b, k)


@given(st.permutations(range(25)))
def test_the_same_order_agrees_wholly_whatever_the_scores(order: list[int]) -> None:
    result, disputed = agreement(order, [value**3 for value in order])
    assert [getattr(result, name) for name in FIGURES] == pytest.approx([1, 10, 1, 1, 1])
    assert disputed == ()


@given(st.permutations(range(25)))
def test_reversed_orders_agree_less_than_chance(order: list[int]) -> None:
    result, _ = agreement(order, [-value for value in order])
    assert (result.kendall_tau_b, result.tau_ap, result.overlap_at_k) == pytest.approx((-1, -1, 0))
    assert result.rbo < result.rbo_by_chance
    assert result.overlap_above_chance < 0


@pytest.mark.parametrize(
    ("a", "b"), [([5, 5, 5], [1, 2, 3]), ([3, 1, 2], [0, 0, 0]), ([1, 1], [1, 1]), ([4], [9]), ([], [])]
)
def test_who_scores_all_images_the_same_ranks_nothing(a: list[int], b: list[int]) -> None:
    result, disputed = agreement(a, b)
    figures = [getattr(result, f.name) for f in dataclasses.fields(result) if f.name != "k"]
    assert figures == [None] * len(figures)
    assert disputed == ()
    assert result.k == len(a)


def test_two_images_and_a_k_of_all_have_no_overlap_above_chance() -> None:
    result, _ = agreement([2, 1], [1, 2])
    assert (result.k, result.overlap_at_k, result.overlap_above_chance) == (2, 2, None)
    assert (result.kendall_tau_b, result.tau_ap) == pytest.approx((-1, -1))


@given(scores, st.integers(1, 50))
def test_no_figure_is_ever_nan(pair: tuple[list[int], list[int]], k: int) -> None:
    result, _ = agreement(*pair, k)
    assert all(value is None or np.isfinite(value) for value in (getattr(result, name) for name in FIGURES))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    order = np.arange(4)
    fine, broken = np.array([4.0, 3, 2, 1]), np.array([bad, 3, 2, 1])
    for pair in ((fine, broken), (broken, fine)):
        with pytest.raises(ValueError, match="finite"):
            rank_agreement(*pair, order, order)
        with pytest.raises(ValueError, match="finite"):
            space_agreement(*(np.tile(side[:, None], 2) for side in pair))


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    three, four = np.arange(3.0), np.arange(4.0)
    with pytest.raises(ValueError, match="3 images on one side, 4 on the other"):
        rank_agreement(three, four, np.arange(3), np.arange(4))
    with pytest.raises(ValueError, match="3 images on one side, 4 on the other"):
        space_agreement(units(1, 3, 2), units(1, 4, 2))
    for order in (np.array([0, 1, 1]), np.arange(2), np.array([1, 2, 3])):
        with pytest.raises(ValueError, match="each of the rows 0 to 2 once"):
            rank_agreement(three, three, np.arange(3), order)
    with pytest.raises(ValueError, match="k must be at least 1"):
        rank_agreement(three, three, np.arange(3), np.arange(3), k=0)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(4, 80), st.floats(0, 0.5))
def test_a_space_agrees_wholly_with_itself_turned_and_with_all_cosines_shifted(
    seed: int, n: int, gap: float
) -> None:
    a = units(seed, n, 6)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))[0]
    turned = np.hstack([np.sqrt(1 - gap) * (a @ rotation), np.full((n, 1), np.sqrt(gap))]).astype(np.float32)
    same, disputed = space_agreement(a, a)
    assert same.mutual_knn == 1
    assert disputed == ()
    result, _ = space_agreement(a, turned)
    assert result.mutual_knn == pytest.approx(1, abs=0.02)  # near ties may fall either way
    assert result.cka == pytest.approx(1, abs=1e-4)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(1, 20))
def test_spaces_agree_as_well_one_way_as_the_other(seed: int, n: int, k: int) -> None:
    a, b = units(seed, n, 5), units(seed + 1, n, 11)
    ours, our_disputes = space_agreement(a, b, k)
    theirs, their_disputes = space_agreement(b, a, k)
    assert ours.mutual_knn == theirs.mutual_knn
    assert our_disputes == their_disputes
    assert ours.cka == pytest.approx(theirs.cka, abs=1e-12)


@pytest.mark.parametrize(("n", "k"), [(3, 1), (7, 3), (20, 9), (21, 10), (500, 10)])
def test_a_neighbourhood_is_at_most_half_of_the_others(n: int, k: int) -> None:
    result, _ = space_agreement(units(1, n, 8), units(2, n, 8), k=10)
    assert (result.k, result.anchors) == (k, n)
    assert result.mutual_knn_by_chance == pytest.approx(k / (n - 1))


def test_three_images_have_neighbours_but_no_cka() -> None:
    result, _ = space_agreement(units(1, 3, 4), units(2, 3, 4))
    assert result.mutual_knn is not None
    assert result.cka is None


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (units(1, 1, 4), units(2, 1, 4)),
        (units(1, 2, 4), units(2, 2, 4)),
        (units(1, 0, 4), units(2, 0, 4)),
        (units(1, 9, 4), np.zeros((9, 3), np.float32)),
        (np.tile(units(1, 1, 4), (9, 1)), units(2, 9, 4)),
    ],
    ids=["one image", "two images", "none", "zeros", "all the same"],
)
def test_without_neighbourhoods_nothing_is_said_of_a_space(a: np.ndarray, b: np.ndarray) -> None:
    result, disputed = space_agreement(a, b)
    assert result == SpaceAgreement(
        anchors=len(a), k=result.k, mutual_knn=None, mutual_knn_by_chance=None, cka=None
    )
    assert disputed == ()


def test_a_large_collection_is_sampled_evenly_and_close_to_the_whole() -> None:
    n = 3 * MOST_ANCHORS + 1
    base = np.random.default_rng(5).normal(size=(n, 12))
    a, b = (
        normalise((base + np.random.default_rng(seed).normal(size=base.shape)).astype(np.float32))
        for seed in (6, 7)
    )
    sampled, disputed = space_agreement(a, b)
    assert sampled.anchors == MOST_ANCHORS
    assert sampled.mutual_knn_by_chance == pytest.approx(10 / (n - 1))
    similar_a, similar_b = a @ a.T, b @ b.T
    for similar in (similar_a, similar_b):
        np.fill_diagonal(similar, -1)
    near_a, near_b = (np.argsort(-similar, axis=1)[:, :10] for similar in (similar_a, similar_b))
    whole = np.array([len(set(one) & set(other)) for one, other in zip(near_a, near_b, strict=True)]) / 10
    assert sampled.mutual_knn == pytest.approx(whole.mean(), abs=4 * whole.std() / np.sqrt(MOST_ANCHORS))
    for dispute in disputed:
        shared = 10 * whole[dispute.row]
        assert dispute.unshared == pytest.approx(1 - shared / (20 - shared))
    assert space_agreement(a, b) == (sampled, disputed)
