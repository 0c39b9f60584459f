"""The nAUC of abstention is MTEB's: 1 for an oracle, 0 for what does not tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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


def test_confidence_is_the_highest_score_the_spread_and_the_lead() -> None:
    scores = np.array([[0.1, 0.9, 0.8], [0.5, 0.5, 0.4], [0.2, 0.6, 0.1], [0.0, 0.7, 0.65]])
    metric = np.array([0.4, 0.1, 0.9, 0.5])
    found = abstention(scores, metric)
    lead = np.array([0.1, 0.0, 0.4, 0.05])
    assert found.highest == pytest.approx(nauc(scores.max(axis=1), metric))
    assert found.spread == pytest.approx(nauc(scores.std(axis=1), metric))
    assert found.lead == pytest.approx(nauc(lead, metric))
    assert (found.queries, found.undefined) == (4, {})


@pytest.mark.parametrize(
    ("metric", "why"),
    [([0.5, 0.5], "the metric is the same for every query"), ([], "no query has the metric")],
)
def test_where_nothing_can_be_predicted_it_is_none_with_the_reason(metric: list[float], why: str) -> None:
    found = abstention(np.arange(6.0).reshape(2, 3)[: len(metric)], np.array(metric))
    assert found.highest is found.spread is found.lead is None
    assert set(found.undefined.values()) == {why}
