"""The nAUC of abstention is MTEB's: 1 for an oracle, 0 for what does not tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import auc

from diptych.evaluation.abstention import RATES, abstention, nauc


def by_definition(confidence: np.ndarray, metric: np.ndarray) -> float:
    """arXiv 2402.12997, with scikit-learn's area: keep the surest (1 − rate) of the queries."""

    def area(order: list[int]) -> float:
        curve = []
        for rate in RATES:
            keep = max(1, len(order) - round(rate * len(order)))
            curve.append(np.mean([metric[query] for query in order[len(order) - keep :]]))
        return float(auc(RATES, curve))

    everybody = range(len(metric))
    flat = 0.9 * metric.mean()
    surest, oracle = (area(sorted(everybody, key=lambda q: values[q])) for values in (confidence, metric))
    return (surest - flat) / (oracle - flat)


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_nauc_equals_its_definition(seed: int, queries: int) -> None:
    random = np.random.default_rng(seed)
    confidence, metric = random.random(queries), random.random(queries)
    assert nauc(confidence, metric) == pytest.approx(by_definition(confidence, metric))


def test_an_oracle_has_1_and_the_wrong_way_round_is_below_0() -> None:
    metric = np.random.default_rng(0).random(30)
    assert nauc(metric * 5 - 1, metric) == pytest.approx(1)
    assert (nauc(-metric, metric) or 0) < -0.5


def scores_of(queries: int) -> np.ndarray:
    return np.random.default_rng(queries).random((queries, 6))


def test_confidence_is_the_highest_score_the_spread_and_the_lead() -> None:
    scores, metric = scores_of(30), np.random.default_rng(1).random(30)
    found = abstention(scores, metric)
    ordered = np.sort(scores, axis=1)
    assert found.highest == pytest.approx(nauc(scores.max(axis=1), metric))
    assert found.spread == pytest.approx(nauc(scores.std(axis=1), metric))
    assert found.lead == pytest.approx(nauc(ordered[:, -1] - ordered[:, -2], metric))
    assert (found.queries, found.undefined) == (30, {})


def test_its_interval_is_scipys_bca_bootstrap_over_queries() -> None:
    scores, metric = scores_of(40), np.random.default_rng(1).random(40)
    found = abstention(scores, metric)
    theirs = stats.bootstrap(
        (scores.max(axis=1), metric), nauc, paired=True, vectorized=False, n_resamples=3000,
        method="BCa", rng=1,
    ).confidence_interval  # fmt: skip
    wide = theirs.high - theirs.low
    assert found.highest_interval == pytest.approx((theirs.low, theirs.high), abs=0.1 * wide)


def test_the_interval_of_what_does_not_tell_holds_0_and_that_of_an_oracle_does_not() -> None:
    random = np.random.default_rng(3)
    metric = random.random(60)
    blind = abstention(random.random((60, 5)), metric)
    oracle = abstention(np.outer(metric, np.linspace(0.1, 1, 5)), metric)
    assert blind.highest_interval[0] < 0 < blind.highest_interval[1]
    assert oracle.highest_interval == (pytest.approx(1), pytest.approx(1))


FEW = "it would be mostly chance"


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ([0.5] * 30, "the metric is the same for every query"),
        ([0.5] * 29 + [0.4], "the metric is the same for nearly every query"),
        ([], "no query has the metric"),
        ([0.1, 0.2], f"2 queries are too few: with fewer than 20 {FEW}"),
        (np.linspace(0, 1, 19), f"19 queries are too few: with fewer than 20 {FEW}"),
    ],
)
def test_where_nothing_can_be_predicted_it_is_none_with_the_reason(metric: list[float], why: str) -> None:
    found = abstention(scores_of(len(metric)), np.array(metric))
    assert found.highest is found.spread is found.lead is None
    assert found.highest_interval is found.spread_interval is found.lead_interval is None
    assert found.undefined == dict.fromkeys(("highest", "spread", "lead"), why)


def test_20_queries_are_enough() -> None:
    assert abstention(scores_of(20), np.linspace(0, 1, 20)).undefined == {}
