"""A precision is promised only where judgments bear it, and the promise is kept as often as is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from diptych.thresholds.promise import RISK, at_precision

SEEDS = st.integers(0, 2**32 - 1)


def population(
    random: np.random.Generator, queries: int, apart: float, images: int = 30
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Queries at levels of their own, of which each has one to five relevant images."""
    scores, relevant = [], []
    for _ in range(queries):
        wanted = np.arange(images) < random.integers(1, 6)
        scores.append(random.normal(0, 0.5) + wanted * random.normal(apart, 1) + random.normal(size=images))
        relevant.append(wanted)
    return scores, relevant


def precision(scores: list[np.ndarray], relevant: list[np.ndarray], value: float) -> float:
    """Averaged over the queries for which anything passes."""
    return float(
        np.mean([r[s >= value].mean() for s, r in zip(scores, relevant, strict=True) if s.max() >= value])
    )


@pytest.mark.parametrize("apart", [3.0, 4.0, 5.0])
def test_a_promise_is_broken_as_seldom_as_is_said(apart: float) -> None:
    random = np.random.default_rng(int(apart))
    scores, relevant = population(random, 400, apart)
    broken = made = 0
    for _ in range(120):
        some = random.integers(0, 400, 40)
        value = at_precision([scores[i] for i in some], [relevant[i] for i in some], 0.8).value
        if value is not None:
            made += 1
            broken += precision(scores, relevant, value) < 0.8
    assert broken / 120 <= RISK + 0.05
    assert made > 0 or apart < 5


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(12, 30), st.sampled_from([0.5, 0.7, 0.8]))
def test_each_threshold_from_the_first_down_to_the_one_promised_bears_it(
    seed: int, queries: int, target: float
) -> None:
    """Every score is tried here, and the test is another: of precisions of 0 or 1 it is the binomial's."""
    random = np.random.default_rng(seed)
    scores = [random.normal(0, 1, 1) for _ in range(queries)]
    relevant = [np.array([random.random() < stats.norm.cdf(s[0] + 1.5)]) for s in scores]
    found = at_precision(scores, relevant, target)
    order = np.argsort(-np.concatenate(scores))
    right = np.cumsum(np.concatenate(relevant)[order])
    first = max(int(np.ceil(np.log(RISK) / np.log(target))), -(-queries // 4))
    lowest = None
    for kept in range(first, queries + 1):
        if stats.binomtest(int(right[kept - 1]), kept, target, alternative="greater").pvalue > RISK:
            break
        lowest = kept
    if not right[-1] or queries < first or lowest is None:
        assert found.value is None
    else:
        assert found.kept == lowest
        assert found.promise is not None
        assert (found.promise.precision, found.promise.risk) == (target, RISK)
        assert found.promise.queries == lowest


def test_many_judgments_of_few_queries_promise_nothing() -> None:
    """A thousand pictures judged right for ten queries are ten observations."""
    scores, relevant = [np.arange(100.0)] * 10, [np.ones(100, bool)] * 10
    found = at_precision(scores, relevant, 0.8)
    assert found.value is None
    assert found.undefined["value"] == (
        "not attainable: a precision of 80% can't be promised from 10 judged queries: even if all that"
        " passes were right, so few guarantee only 79%; judge 11 or more"
    )
    enough = at_precision([*scores, scores[0]], [*relevant, relevant[0]], 0.8)
    assert (enough.value, enough.kept) == (0, 1100)


def test_what_can_not_be_promised_yet_says_how_good_it_is_and_what_that_guarantees() -> None:
    scores = [np.array([1.0 + i, 0.0]) for i in range(16)]
    relevant = [np.array([i >= 2, False]) for i in range(16)]
    found = at_precision(scores, relevant, 0.8)
    assert found.promise is not None  # the highest fourteen are right
    assert (found.kept, found.promise.queries) == (14, 14)
    worse = at_precision(scores, relevant[::-1], 0.8)
    assert worse.undefined["value"] == (
        "not attainable: a precision of 80% can't be promised yet: where a picture passes for 11 of 16"
        " queries, what passes is right in 81% on average so far; with so few queries that"
        " guarantees only 58%"
    )


def test_certainty_is_never_promised_and_nothing_where_nothing_is_relevant() -> None:
    sure = at_precision([np.ones(2)] * 30, [np.ones(2, bool)] * 30, 1.0)
    assert "can't be promised from any number of queries" in sure.undefined["value"]
    nothing = at_precision([np.ones(2)] * 30, [np.zeros(2, bool)] * 30, 0.5)
    assert nothing.undefined["value"] == "none of the 60 judged images is relevant"
    assert at_precision([], [], 0.5).value is None


@given(SEEDS, st.integers(1, 40))
def test_a_query_more_that_is_all_right_never_takes_a_promise_away_at_the_same_threshold(
    seed: int, queries: int
) -> None:
    random = np.random.default_rng(seed)
    scores, relevant = population(random, queries, 8.0, images=6)
    found = at_precision(scores, relevant, 0.8)
    if found.value is not None:
        assert found.precision is not None
        assert found.expected is not None
        assert found.expected.precision is not None
        assert found.expected.precision >= 0.8
        assert not found.expected.left_out
