from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import median_abs_deviation

from diptych.analysis.cuts.autocut import autocut

lists = st.lists(st.integers(-99, 99), min_size=2, max_size=40).map(
    lambda values: np.array(sorted(values, reverse=True), np.float64)
)


def first_jump(descending: np.ndarray, floor: float) -> int:
    """Weaviate's autocut with one jump, told as a walk down the list, in whole numbers.

    A step is steeper than the straight fall where it is larger than the whole fall over n − 1; a jump is the
    last of a run of steep steps. It counts where it is larger than the floor, and in the upper half.
    """
    steps = -np.diff(descending)
    steep = [step * (len(descending) - 1) > descending[0] - descending[-1] for step in steps]
    for i, step in enumerate(steps):
        last_of_its_run = i + 1 == len(steps) or not steep[i + 1]
        if steep[i] and last_of_its_run and step > floor and i + 1 <= len(descending) // 2:
            return i + 1
    return 0


@given(lists)
def test_it_is_the_first_jump_of_a_walk_down_the_list(descending: np.ndarray) -> None:
    floor = 0.5 * median_abs_deviation(descending, scale="normal")
    steps = -np.diff(descending)
    straight = (descending[0] - descending[-1]) / len(steps)
    if (np.abs(steps - straight) > 1e-9).all() and (np.abs(steps - floor) > 1e-3 * floor + 1e-12).all():
        assert autocut(descending) == first_jump(descending, floor)  # elsewhere rounding decides


def test_it_cuts_before_the_jump() -> None:
    assert autocut(np.array([0.9, 0.89, 0.88, 0.5, 0.49, 0.48, 0.47, 0.46])) == 3


def test_steps_within_the_noise_are_no_jumps_and_without_the_floor_they_would_be() -> None:
    rng = np.random.default_rng(1)
    lists = -np.sort(-rng.uniform(size=(300, 50)), axis=1)
    assert np.mean([autocut(row) > 0 for row in lists]) < 0.05
    assert np.mean([first_jump(row, 0.0) > 0 for row in lists]) > 0.95


@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_equal_scores_have_no_jump(n: int) -> None:
    assert autocut(np.full(n, 0.1)) == 0


@given(lists, st.sampled_from([0.25, 4.0, 1024.0]))
def test_it_is_unit_free(descending: np.ndarray, a: float) -> None:
    assert autocut(a * descending) == autocut(descending)
