"""The verdict agrees with test and interval, and says what it can't tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.concept import concepts
from diptych.errors import DiptychError
from diptych.evaluation.holm import holm
from diptych.evaluation.power import needed_range, queries_needed
from diptych.evaluation.sentences import verdict_clauses
from diptych.evaluation.significance import PairedComparison, compare_embedders

TENTHS = st.none() | st.integers(0, 10).map(lambda n: n / 10)
ROWS = st.integers(1, 12).flatmap(
    lambda m: st.lists(st.lists(TENTHS, min_size=m, max_size=m), min_size=2, max_size=4)
)


def compare(a: list[float | None], b: list[float | None]) -> PairedComparison:
    (found,) = compare_embedders("nDCG@10", {"A": a, "B": b})
    return found


def said(found: PairedComparison) -> list[str]:
    return [str(clause) for clause in verdict_clauses(found)]


def noisy(mean: float, spread: float, queries: int) -> tuple[list[float | None], list[float | None]]:
    b = np.random.default_rng(7).uniform(0.2, 0.5, queries)
    z = stats.zscore(np.random.default_rng(8).normal(size=queries), ddof=1)
    return list(b + mean + spread * z), list(b)


@given(ROWS)
def test_the_verdict_the_test_and_the_interval_never_disagree(rows: list[list[float | None]]) -> None:
    for found in compare_embedders("AP", {f"e{n}": row for n, row in enumerate(rows)}):
        assert found.wins + found.ties + found.losses == found.queries
        assert (found.verdict == "cannot tell") == (found.p_holm is None or found.p_holm > found.level)
        if found.verdict != "cannot tell":
            assert found.difference is not None
            assert (found.difference > 0) == (found.verdict == "a better")
            assert len(said(found)) == 1
        if found.interval is not None:
            assert (found.verdict == "cannot tell") == (found.interval[0] <= 0 <= found.interval[1])
            assert found.difference is not None
            assert -1 <= found.interval[0] <= found.difference <= found.interval[1] <= 1
        for name in concepts(PairedComparison):
            assert (getattr(found, name) is None) == (name in found.undefined), name
        assert "None" not in "".join(said(found))
        assert "nan" not in "".join(said(found))


@given(ROWS)
def test_exchanging_the_embedders_mirrors_the_verdict(rows: list[list[float | None]]) -> None:
    one, other = compare(rows[0], rows[1]), compare(rows[1], rows[0])
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    assert one.p == other.p
    mirror = {"a better": "b better", "b better": "a better", "cannot tell": "cannot tell"}
    assert other.verdict == mirror[one.verdict]


def test_a_clear_difference_is_told_in_one_sentence_whichever_comes_first() -> None:
    a, b = noisy(0.12, 0.15, 18)
    found = compare(a, b)
    assert found.verdict == "a better"
    assert found.difference == pytest.approx(0.12)
    assert found.effect == pytest.approx(0.8)
    assert found.interval is not None
    low, high = found.interval
    told = f"A ranks better than B (nDCG@10 +0.12, 95 % {low:.2f} to {high:.2f}, 18 queries)"
    assert said(found)[0] == told
    assert said(compare(b, a))[0] == told.replace("A", "B").replace("than B", "than A")


def test_5_queries_that_all_agree_can_not_tell_and_it_says_why() -> None:
    found = compare([0.9, 0.8, 0.7, 0.9, 0.6], [0.1, 0.2, 0.2, 0.3, 0.1])
    assert (found.wins, found.smallest_p) == (5, 0.0625)
    assert said(found)[1] == "they differ on 5 queries, which is too few to reach significance: it takes 6"
    assert found.interval is None


def test_ties_do_not_help_the_test() -> None:
    found = compare([0.5] * 20 + [0.9, 0.8, 0.7], [0.5] * 20 + [0.1, 0.2, 0.2])
    assert (found.wins, found.ties, found.smallest_p) == (3, 20, 0.125)
    assert found.verdict == "cannot tell"
    assert "they differ on 3 queries, which is too few" in said(found)[1]


def test_ten_of_eleven_queries_won_are_enough() -> None:
    """What a person sees at once, where an interval that jumped once said "cannot tell"."""
    a = [1.0, 0.9, 1.0, 1.0, 0.95, 1.0, 0.9, 1.0, 1.0, 1.0, 0.3]
    b = [0.1, 0.2, 0.0, 0.3, 0.10, 0.2, 0.1, 0.0, 0.2, 0.1, 0.6]
    assert compare(a, b).verdict == "a better"


def test_equal_embedders_are_said_to_be_equal() -> None:
    found = compare([0.5, 0.4], [0.5, 0.4])
    assert (found.difference, found.p, found.verdict) == (0, 1, "cannot tell")
    assert found.undefined["interval"] == "all queries differ by the same amount"
    assert said(found) == ["A and B are equal on every query"]


def test_rounding_is_no_difference() -> None:
    assert compare([0.1 + 0.2, 0.5], [0.3, 0.5]).ties == 2
    assert compare([0.3, 0.2], [0.2, 0.1]).interval is None


def test_an_interval_that_leaves_out_0_is_not_shown_to_begin_there() -> None:
    a, b = noisy(0.02, 0.037, 18)
    found = compare(a, b)
    assert found.interval is not None
    assert 0 < found.interval[0] < 0.005
    assert f"nDCG@10 +0.0200, 95 % {found.interval[0]:.4f} to" in said(found)[0]


def test_a_constant_difference_is_told_by_the_test_alone() -> None:
    found = compare([1.0] * 8, [0.0] * 8)
    assert found.interval is None
    assert said(found)[0] == "A ranks better than B (nDCG@10 +1.00, 8 queries)"


def test_queries_without_the_metric_for_both_are_left_out() -> None:
    found = compare([0.5, None, 0.7], [0.4, 0.3, None])
    assert found.queries == 1
    assert found.undefined["interval"] == "one query has no spread"
    none = compare([None, 0.1], [0.2, None])
    assert (none.queries, none.difference, none.p) == (0, None, None)
    assert said(none)[0] == "cannot tell A from B: no query has nDCG@10 for both embedders"


def test_embedders_measured_on_different_queries_are_refused() -> None:
    with pytest.raises(DiptychError, match="different numbers of queries"):
        compare([0.1], [0.1, 0.2])


def test_more_pairs_need_more_queries() -> None:
    rows = {
        name: [level + 0.01 * q * q for q in range(6)]
        for name, level in zip("ABC", (0, 0.2, 0.4), strict=True)
    }
    rows["B"][0] += 0.01
    rows["C"][1] += 0.02
    assert compare(rows["A"], rows["B"]).verdict == "b better"
    among_three = compare_embedders("AP", {name: row[:5] for name, row in rows.items()})
    assert [(found.a, found.b) for found in among_three] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert {found.verdict for found in among_three} == {"cannot tell"}
    assert "which is too few to reach significance for 3 pairs of embedders" in said(among_three[0])[1]


def test_each_interval_has_the_level_at_which_holm_tests_its_pair() -> None:
    random = np.random.default_rng(3)
    ease = random.uniform(0.2, 0.5, 12)
    rows = {
        name: list(ease + level + random.normal(0, 0.05, 12))
        for name, level in (("A", 0.3), ("B", 0), ("C", 0))
    }
    found = {(each.a, each.b): each for each in compare_embedders("AP", rows)}
    assert found["B", "C"].verdict == "cannot tell"
    assert sorted(each.confidence for each in found.values()) == pytest.approx([0.95, 0.975, 1 - 0.05 / 3])
    assert "98.3 %" in said(max(found.values(), key=lambda each: each.confidence))[0]


def test_a_floor_takes_nothing_from_the_comparison_of_real_models() -> None:
    random = np.random.default_rng(1)
    rows = {name: list(random.uniform(0.4, 1, 12)) for name in ("clip", "vertex")}
    alone = compare_embedders("AP", rows)
    rows["palette"] = list(random.uniform(0, 0.3, 12))
    among = compare_embedders("AP", rows, floors={"palette"})
    assert among[0] == alone[0]
    assert [(found.a, found.b, found.floor, found.pairs) for found in among[1:]] == [
        ("clip", "palette", "b", 1),
        ("vertex", "palette", "b", 1),
    ]
    assert said(among[1])[0].startswith("clip ranks better than the baseline palette (")


def test_floors_alone_are_compared_like_any_embedders() -> None:
    rows = {"palette": [0.1, 0.2], "random": [0.3, 0.1]}
    (found,) = compare_embedders("AP", rows, floors={"palette", "random"})
    assert found.floor is None


def test_while_judging_the_same_queries_take_a_stricter_level() -> None:
    a, b = noisy(0.12, 0.15, 12)
    assert compare(a, b).verdict == "a better"
    (planned,) = compare_embedders("nDCG@10", {"A": a, "B": b}, planned=40)
    assert planned.verdict == "cannot tell"
    assert planned.level < 0.001
    assert said(planned)[0].startswith("cannot tell A from B with 12 queries of 40 planned")
    assert said(planned)[1] == ("the difference stands out, but 40 queries were planned: judge on to be sure")
    (unknown,) = compare_embedders("nDCG@10", {"A": a, "B": b}, planned=0)
    assert 0 < unknown.level < 0.005
    (done,) = compare_embedders("nDCG@10", {"A": a, "B": b}, planned=12)
    assert 0.03 < done.level < 0.05


@given(st.lists(st.none() | st.floats(0, 1), max_size=8))
def test_holm_never_falls_below_p_nor_below_that_of_a_smaller_p(ps: list[float | None]) -> None:
    corrected = holm(ps)
    pairs = sorted((p, c) for p, c in zip(ps, corrected, strict=True) if p is not None and c is not None)
    assert [c is None for c in corrected] == [p is None for p in ps]
    assert all(p <= c <= 1 for p, c in pairs)
    assert [c for _, c in pairs] == sorted(c for _, c in pairs)


def test_holm_s_own_procedure_rejects_the_same() -> None:
    """Step down: the smallest p against 0.05 / m, the next against 0.05 / (m − 1), until one fails."""
    random = np.random.default_rng(4)
    for _ in range(200):
        ps = list(random.uniform(0, 0.08, 5))
        rejected = set()
        for rank, place in enumerate(np.argsort(ps)):
            if ps[place] > 0.05 / (5 - rank):
                break
            rejected.add(int(place))
        assert {place for place, p in enumerate(holm(ps)) if p is not None and p <= 0.05} == rejected


@pytest.mark.parametrize("effect", [0.2, 0.35, 0.5, 0.8, 1.0])
def test_the_queries_needed_give_the_paired_t_test_80_percent_power(effect: float) -> None:
    needed = queries_needed(effect)
    assert needed is not None
    power = {}
    for n in (needed - 2, needed + 2):
        bound = stats.t.ppf(0.975, n - 1)
        power[n] = stats.nct.sf(bound, n - 1, effect * np.sqrt(n))
    assert power[needed - 2] < 0.8 < power[needed + 2]


def test_no_fewer_queries_are_needed_than_the_test_can_use() -> None:
    assert queries_needed(50.0) == 6
    assert queries_needed(-50.0, alpha=0.05 / 3) == 7
    assert queries_needed(0.0) is None


@pytest.mark.parametrize("effect", [0.3, 0.6])
def test_the_range_of_queries_needed_holds_the_right_number_in_8_of_10_experiments(effect: float) -> None:
    random = np.random.default_rng(2)
    right = queries_needed(effect)
    drawn = random.normal(effect, 1, (2000, 60))
    effects = drawn.mean(axis=1) / drawn.std(axis=1, ddof=1)
    said_of = [found for each in effects if (found := needed_range(float(each), 60)) is not None]
    assert right is not None
    assert np.mean([low <= right <= high for low, high in said_of]) == pytest.approx(0.8, abs=0.06)


def test_a_range_that_would_be_noise_is_left_out() -> None:
    assert needed_range(0.05, 8) is None
    assert needed_range(0.5, 8) is None
    found = needed_range(0.5, 100)
    assert found is not None
    low, high = found
    assert low < (queries_needed(0.5) or 0) < high
