"""What is expected of a threshold is what leaving each query out gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.evaluation.interval import mean_interval
from diptych.thresholds.best import best_threshold
from diptych.thresholds.threshold import best_f1

SEEDS = st.integers(0, 2**32 - 1)


def queries(seed: int, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 12, count)
    scores = [np.round(random.normal(size=n), 1) for n in sizes]
    return scores, [random.random(len(s)) < 0.4 for s in scores]


@given(SEEDS, st.integers(2, 9))
def test_each_query_is_cut_at_the_threshold_that_the_others_have(seed: int, count: int) -> None:
    scores, relevant = queries(seed, count)
    found = best_threshold(scores, relevant)
    pooled = best_f1(np.concatenate(scores), np.concatenate(relevant))
    assert (found.value, found.f1, found.precision) == (pooled.value, pooled.f1, pooled.precision)
    precision, recall = [], []
    for query in range(count):
        others = [place for place in range(count) if place != query]
        cut = best_f1(
            np.concatenate([scores[place] for place in others]),
            np.concatenate([relevant[place] for place in others]),
        ).value
        if cut is None:
            continue
        kept = scores[query] >= cut
        if kept.any():
            precision.append(relevant[query][kept].mean())
        if relevant[query].any():
            recall.append(kept[relevant[query]].mean())
    if found.expected is None:
        assert precision == recall == []
        return
    assert found.expected.left_out
    assert found.expected.passing == len(precision)
    for name, values in (("precision", precision), ("recall", recall)):
        mean, interval = getattr(found.expected, name), getattr(found.expected, f"{name}_interval")
        assert mean == (pytest.approx(np.mean(values)) if values else None)
        assert (mean is None) == (name in found.expected.undefined)
        assert (interval is None) == (f"{name}_interval" in found.expected.undefined)
        if interval is not None:
            low, high = mean_interval(np.array(values))
            assert interval == pytest.approx((max(low, 0), min(high, 1)))
            assert 0 <= interval[0] <= mean <= interval[1] <= 1


def test_queries_are_the_sample_however_many_judgments_each_has() -> None:
    scores, relevant = queries(3, 8)
    once = best_threshold(scores, relevant).expected
    often = best_threshold([np.tile(s, 9) for s in scores], [np.tile(r, 9) for r in relevant]).expected
    assert once == often


def test_one_query_has_no_other() -> None:
    assert best_threshold([np.arange(3.0)], [np.array([False, True, True])]).expected is None
    assert best_threshold([], []).expected is None
