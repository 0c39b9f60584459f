"""Thresholds are the best there are, between distinct scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from diptych.thresholds.threshold import Threshold, apply_threshold, best_f1, midpoint

JUDGED = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=30).map(
    lambda pairs: (np.array([s / 10 for s, _ in pairs]), np.array([r for _, r in pairs]))
)


def check(threshold: Threshold, scores: np.ndarray, relevant: np.ndarray) -> None:
    """What a threshold says of itself is what scikit-learn says of keeping score >= value."""
    assert threshold.value is not None
    kept = scores >= threshold.value
    assert threshold.kept == kept.sum()
    assert threshold.f1 == pytest.approx(f1_score(relevant, kept))
    assert threshold.precision == pytest.approx(precision_score(relevant, kept))
    assert threshold.recall == pytest.approx(recall_score(relevant, kept))
    again = apply_threshold(scores, relevant, threshold.value)
    assert again == threshold


@given(JUDGED)
def test_no_cut_has_a_better_f1(judged: tuple[np.ndarray, np.ndarray]) -> None:
    scores, relevant = judged
    assume(relevant.any())
    found = best_f1(scores, relevant)
    check(found, scores, relevant)
    possible = [f1_score(relevant, scores >= t, zero_division=0) for t in [*np.unique(scores), np.inf]]
    assert found.f1 == pytest.approx(max(possible))


def test_the_threshold_is_the_middle_between_two_scores() -> None:
    found = best_f1(np.array([0.4, 0.1, 0.3, 0.2]), np.array([True, False, True, False]))
    assert (found.value, found.f1) == (0.25, 1.0)
    assert found.kept == 2


def test_keeping_all_is_among_the_cuts_and_equal_scores_stay_together() -> None:
    everything = best_f1(np.array([0.3, 0.2, 0.1]), np.array([True, False, True]))
    assert (everything.value, everything.kept) == (0.1, 3)
    tied = best_f1(np.array([0.3, 0.3, 0.1]), np.array([True, False, False]))
    assert (tied.value, tied.kept) == (0.2, 2)


def test_among_equal_cuts_the_one_that_keeps_fewest_is_taken() -> None:
    found = best_f1(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, False, True]))
    assert (found.kept, found.f1) == (1, pytest.approx(2 / 3))


def test_without_a_relevant_image_there_is_no_threshold() -> None:
    found = best_f1(np.ones(3), np.zeros(3, bool))
    assert found.value is found.f1 is found.recall is None
    assert found.undefined["value"] == "none of the 3 judged images is relevant"
    assert best_f1(np.ones(0), np.zeros(0, bool)).value is None


def test_a_threshold_that_keeps_nothing_has_no_precision() -> None:
    found = apply_threshold(np.array([0.1, 0.2]), np.array([True, False]), 0.9)
    assert (found.precision, found.precision_interval, found.recall) == (None, None, 0)
    assert set(found.undefined) == {"precision"}


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_midpoint_parts_two_scores(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assume(low < high)
    assert low < midpoint(low, high) <= high
    assert midpoint(low, float(np.nextafter(low, 2))) == np.nextafter(low, 2)
