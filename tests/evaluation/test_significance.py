"""The verdict agrees with test and interval, and says what it can't tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.concept import concepts
from diptych.errors import DiptychError
from diptych.evaluation.power import queries_needed
from diptych.evaluation.sentences import verdict_clauses
from diptych.evaluation.significance import PairedComparison, compare_embedders, holm

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
def test_a_verdict_needs_both_the_test_and_the_interval(rows: list[list[float | None]]) -> None:
    for found in compare_embedders("AP", {f"e{n}": row for n, row in enumerate(rows)}):
        assert found.wins + found.ties + found.losses == found.queries
        assert found.verdict in ("a better", "b better", "cannot tell")
        if found.verdict != "cannot tell":
            assert found.p is not None
            assert found.p_holm is not None
            assert found.p <= found.p_holm <= 0.05
            assert found.difference is not None
            assert (found.difference > 0) == (found.verdict == "a better")
            assert found.interval is None or not found.interval[0] <= 0 <= found.interval[1]
            assert len(said(found)) == 1
        if found.interval is not None:
            assert found.difference is not None
            assert -1 <= found.interval[0] < found.difference < found.interval[1] <= 1
        for name in concepts(PairedComparison):
            assert (getattr(found, name) is None) == (name in found.undefined), name
        assert "None" not in said(found)[0]
        assert "nan" not in said(found)[0]


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
    assert (found.wins, found.p, found.smallest_p) == (5, 0.0625, 0.0625)
    assert said(found)[0] == (
        "cannot tell A from B with 5 queries; about 6 would be needed to see a difference this size"
    )
    assert said(found)[1] == (
        "with 5 queries on which they differ the smallest p possible is 0.062:"
        " so few can never show a difference"
    )


def test_ties_do_not_help_the_test() -> None:
    found = compare([0.5] * 20 + [0.9, 0.8, 0.7], [0.5] * 20 + [0.1, 0.2, 0.2])
    assert (found.wins, found.ties, found.smallest_p) == (3, 20, 0.25)
    assert found.verdict == "cannot tell"
    assert "with 3 queries on which they differ" in said(found)[1]


def test_equal_embedders_are_said_to_be_equal() -> None:
    found = compare([0.5, 0.4], [0.5, 0.4])
    assert (found.difference, found.p, found.verdict) == (0, 1, "cannot tell")
    assert found.undefined["interval"] == "all queries differ by the same amount"
    assert said(found)[1] == "A and B are equal on every query"


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
    assert said(none)[0] == "cannot tell: no query has nDCG@10 for both embedders"


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
    among_three = compare_embedders("AP", rows)
    assert [(found.a, found.b) for found in among_three] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert {found.verdict for found in among_three} == {"cannot tell"}
    assert "compared among 3 pairs, the smallest p possible is 0.094" in said(among_three[0])[1]


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
