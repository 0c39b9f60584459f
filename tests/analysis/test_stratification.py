"""The card of one ranking, figure by figure, against slow loops; and that it is unit-free."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from diptych.analysis.cuts.bank_gap import BankGaps
from diptych.analysis.cuts.gap import one_mode_p
from diptych.analysis.stratification import CUTS, Stratification, _band, _firmness, _place, stratify
from diptych.concept import concepts

scores_lists = st.lists(st.integers(-99, 99), min_size=1, max_size=30).map(
    lambda values: np.array(values, np.float32)
)


def greatest_gap(descending: list[float]) -> tuple[int, float]:
    """The rank and the surprise of the least probable gap, by a loop and scipy's F distribution."""
    n = len(descending)
    reach = min(max(n // 2, 4), 100)
    spacing = [k * (descending[k - 1] - descending[k]) for k in range(1, n)]
    best = (1, 0.0)
    for rank in range(1, min(n // 2, n - 2) + 1):
        following = spacing[rank : rank + reach]
        mean = sum(following) / len(following)
        if spacing[rank - 1] > 0:
            ratio = spacing[rank - 1] / mean if mean > 0 else 1e300
            surprise = float(-stats.f.logsf(ratio, 2, 2 * len(following)))
            best = max(best, (rank, surprise), key=lambda found: found[1])
    return best


def stability_by_lists(descending: list[float], rank: int) -> float:
    """The same 200 collections, drawn as lists of images: at which ranks of the whole may each be cut?"""
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(200):
        images = sorted(rng.integers(0, len(descending), len(descending)).tolist())
        if images[0] >= rank:  # nothing from above the gap is left: there can be no such gap
            continue
        break_, _ = greatest_gap([descending[image] for image in images])
        above, below = images[:break_], images[break_:]
        same_gap = [
            cut
            for cut in range(len(descending) + 1)
            if max(above) < cut <= min(below) or cut == max(above) + 1
        ]
        seen.append(any(abs(cut - rank) <= 1 for cut in same_gap))
    return float(np.mean(seen))


@pytest.mark.parametrize("n", [7, 8, 15, 40])
@pytest.mark.parametrize("above", [0, 3])
def test_stability_is_what_resampling_as_lists_finds(n: int, above: int) -> None:
    scores = np.random.default_rng(n).normal(size=n)
    scores[:above] += 5
    descending = -np.sort(-scores)
    rank, _ = greatest_gap(descending.tolist())
    assert _firmness(descending, rank, None)[0] == pytest.approx(
        stability_by_lists(descending.tolist(), rank)
    )


@given(st.integers(1, 60), st.data())
def test_the_place_of_a_gap_is_the_shortest_range_that_holds_four_of_five_resamples(
    rank: int, data: st.DataObject
) -> None:
    ranks = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=30))
    low, high = _place(np.array(ranks), rank)
    assert low <= rank <= high
    held = [(a, b) for a in ranks for b in ranks if 5 * sum(a <= r <= b for r in ranks) >= 4 * len(ranks)]
    shortest = min(b - a for a, b in held)
    assert any(b - a == shortest and (min(a, rank), max(b, rank)) == (low, high) for a, b in held)


def test_an_unsure_break_says_from_where_to_where_it_may_be() -> None:
    rng = np.random.default_rng(3)
    for row in rng.normal(size=(40, 80)):
        found = stratify(row)
        assert found.place is not None
        assert found.place[0] <= found.cuts["gap"] <= found.place[1]
        if found.unsure:
            assert found.place[0] < found.place[1]


def test_a_break_between_two_levels_is_firm_and_one_in_noise_is_not() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(20, 300))
    levels = noise + 20 * (np.arange(300) < 10)
    assert min(stratify(row).stability for row in levels) > 0.95
    assert np.mean([stratify(row).stability for row in noise]) < 0.5


@given(st.lists(st.integers(0, 30), min_size=1, max_size=7))
def test_the_band_is_the_shortest_of_all_ranges_with_most_of_the_cuts(ranks: list[int]) -> None:
    found = [rank for rank in ranks if rank > 0]
    ranges = [
        (high - low, low, high)
        for low in range(1, 31)
        for high in range(low, 31)
        if sum(low <= rank <= high for rank in found) > len(found) / 2
    ]
    shortest = min(ranges, default=None) if found else None
    assert _band(ranks) == (None if shortest is None else shortest[1:])


@pytest.mark.parametrize("n", [7, 30, 300])
def test_each_figure_is_what_its_words_say(n: int) -> None:
    scores = np.random.default_rng(n).gumbel(size=n)
    descending = sorted(scores.tolist(), reverse=True)
    rank, surprise = greatest_gap(descending)
    fall = descending[rank - 1] - descending[rank]
    lower = [abs(s - np.median(scores)) for s in scores if s <= np.median(scores)]
    alone = stratify(scores)
    assert alone.cuts["gap"] == rank
    assert alone.p == pytest.approx(one_mode_p(surprise, n))
    assert 10**-alone.tail_surprise == pytest.approx(alone.p)
    assert alone.gap_share == pytest.approx(fall / (max(scores) - min(scores)))
    assert alone.z_gap == pytest.approx(fall / (1.4826 * np.median(lower)))
    assert list(alone.cuts) == [name for name in CUTS if name != "null bank"]
    gaps = BankGaps(0.5, np.full(3 * n // 4, 0.1), np.array([9.0, 8.0, *[0.1] * 18]))
    falls = -np.diff(descending)[: 3 * n // 4]
    held = stratify(scores, stands_out=2, unit=0.5, gaps=gaps)
    assert held.cuts["gap"] == falls.argmax() + 1  # the usual gaps are all the same
    size = falls.max() / (0.5 ** (2 / 3) * 0.1 ** (1 / 3))
    assert held.p == pytest.approx((1 + np.sum(gaps.sizes >= size)) / 21)
    assert held.z_gap == pytest.approx(falls.max() / 0.5)
    assert list(held.cuts) == list(CUTS)
    assert held.cuts["null bank"] == held.stands_out == held.matches == 2
    assert (held.tail_surprise, held.excess_variance) == (alone.tail_surprise, alone.excess_variance)


def null_gaps(sizes: np.ndarray) -> BankGaps:
    """As of a bank whose lists have largest gaps of these sizes."""
    return BankGaps(1.0, np.full(225, 0.05), sizes)


@pytest.mark.parametrize("stands_out", [0, 10])
@pytest.mark.parametrize(
    ("null", "verdict"),
    [
        (np.zeros(20), "break"),
        (np.zeros(19), "break"),  # 1 of 20 lists is the level
        (np.full(20, 1e9), "gradual"),
        (np.r_[1e9, np.zeros(30)], "gradual"),
        (np.r_[1e9, np.zeros(38)], "break"),
    ],
)
def test_a_list_breaks_where_p_is_at_most_1_in_20_whatever_stands_out(
    stands_out: int, null: np.ndarray, verdict: str
) -> None:
    scores = np.random.default_rng(2).normal(size=300) + 20 * (np.arange(300) < 10)
    found = stratify(scores, stands_out=stands_out, unit=1.0, gaps=null_gaps(null))
    assert (found.verdict, found.stands_out) == (verdict, stands_out)
    assert found.breakpoint == (10 if verdict == "break" else None)
    assert found.largest_gap == 10


def test_without_a_bank_one_smooth_mode_is_the_null() -> None:
    scores = np.random.default_rng(2).normal(size=300) + 20 * (np.arange(300) < 10)
    assert (stratify(scores).verdict, stratify(scores).breakpoint) == ("break", 10)


def test_a_single_picture_far_above_the_rest_stays_where_it_is_whenever_it_is_there() -> None:
    scores = np.random.default_rng(3).normal(size=20)
    scores[0] = 30
    assert stratify(scores).stability == 1


@pytest.mark.parametrize(("deviations", "verdict"), [(0.49, "gradual"), (0.51, "break")])
def test_a_fall_of_less_than_half_a_null_deviation_is_no_break(deviations: float, verdict: str) -> None:
    scores = np.random.default_rng(2).normal(size=300) + 20 * (np.arange(300) < 10)
    descending = np.sort(scores)[::-1]
    unit = (descending[9] - descending[10]) / deviations
    found = stratify(scores, stands_out=10, unit=unit)
    assert (found.verdict, found.p) == (verdict, stratify(scores).p)


@pytest.mark.parametrize("lists", [0, 10, 18])
def test_lists_too_few_to_ever_reach_1_in_20_give_way_to_one_smooth_mode(lists: int) -> None:
    scores = np.random.default_rng(2).normal(size=300) + 20 * (np.arange(300) < 10)
    found = stratify(scores, stands_out=10, gaps=null_gaps(np.zeros(lists)))
    assert (found.verdict, found.p) == ("break", stratify(scores).p)


@given(
    scores_lists, st.sampled_from([0.25, 4.0, 64.0]), st.integers(-64, 64), st.randoms(use_true_random=False)
)
@settings(max_examples=60)
def test_every_figure_is_unit_free_and_the_order_of_the_images_does_not_matter(
    scores: np.ndarray, a: float, c: int, random
) -> None:
    shuffled = scores.tolist()
    random.shuffle(shuffled)
    before, after = stratify(scores), stratify(a * np.array(shuffled) + c)
    for name, concept in concepts(Stratification).items():
        assert concept.unit_free
        if name != "band":
            value = getattr(before, name)
            same = value if isinstance(value, str) or value is None else pytest.approx(value, abs=1e-9)
            assert getattr(after, name) == same, name
    for name in {"gap", "knee", "robust z"} & set(
        before.cuts
    ):  # the others are tested where rounding is kept out
        assert after.cuts[name] == before.cuts[name]


@given(scores_lists)
def test_every_figure_is_in_its_range(scores: np.ndarray) -> None:
    found, n = stratify(scores), len(scores)
    for name in ("p", "stability", "gap_share"):
        value = getattr(found, name)
        assert value is None or 0 <= value <= 1
    assert found.excess_variance is None or found.excess_variance <= 1 + 1e-9
    assert found.tail_surprise is None or found.tail_surprise >= 0
    assert found.z_gap is None or found.z_gap >= 0
    assert found.breakpoint is None or 1 <= found.breakpoint <= n // 2
    assert all(0 <= rank <= n for rank in found.cuts.values())


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("bank", [False, True])
def test_few_images_and_equal_scores_have_no_figures(n: int, bank: bool) -> None:
    gaps = BankGaps.fit(np.random.default_rng(0).normal(size=(20, n)), 1.0) if bank and n >= 4 else None
    count = 0 if bank else None
    equal = stratify(np.full(n, 0.1), stands_out=count, gaps=gaps)
    verdict = "all equal" if n > 1 else "too few images"
    assert equal == Stratification(verdict=verdict, stands_out=count, matches=count)
    different = stratify(np.arange(n, dtype=float), stands_out=count, gaps=gaps)
    if n < (4 if bank else 7):
        assert different == Stratification(verdict="too few images", stands_out=count, matches=count)
    else:
        assert different.verdict in {"gradual", "break"}
        assert (different.p is None, different.tail_surprise is None) == (False, n < 7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [1, 7, 30])
def test_what_is_not_finite_is_refused(bad: float, n: int) -> None:
    scores = np.arange(n, dtype=float)
    scores[n // 2] = bad
    with pytest.raises(ValueError, match="finite"):
        stratify(scores)


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=30, unique=True), st.data())
def test_beside_moves_ranks_past_the_image_that_was_left_out(
    values: list[float], data: st.DataObject
) -> None:
    itself = data.draw(st.integers(0, len(values) - 1))
    order = sorted(range(len(values)), key=lambda image: -values[image])
    others = [image for image in order if image != itself]
    above = order.index(itself)
    found = stratify(np.delete(values, itself))
    found = dataclasses.replace(found, breakpoint=found.cuts["gap"])  # as if it broke
    moved = found.beside(above)

    def last_above(rank: int) -> int:
        """The rank in the whole list of the last image that a cut of the others keeps."""
        return 0 if rank == 0 else order.index(others[rank - 1]) + 1

    assert moved.breakpoint == last_above(found.breakpoint)
    assert moved.cuts == {name: last_above(rank) for name, rank in found.cuts.items()}
    assert moved.band == tuple(last_above(rank) for rank in found.band)
    assert (moved.p, moved.stability, moved.verdict) == (found.p, found.stability, found.verdict)
