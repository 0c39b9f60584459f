"""However often one looks, equal embedders are seldom told apart, and what is there is still found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from diptych.evaluation.spending import running_level

SESSIONS = 20_000


def crossed(planned: int, looks: int, effect: float = 0.0) -> tuple[float, float]:
    """How often normal differences reach the level at any look, and at the last one."""
    drawn = np.random.default_rng(planned).normal(effect, 1, (SESSIONS, looks)).cumsum(axis=1)
    z = np.abs(drawn) / np.sqrt(np.arange(1, looks + 1))
    reached = 2 * stats.norm.sf(z) <= [running_level(look, planned, 0.05) for look in range(1, looks + 1)]
    return float(reached.any(axis=1).mean()), float(reached[:, -1].mean())


@pytest.mark.parametrize(("planned", "looks"), [(11, 11), (20, 20), (60, 60), (0, 60), (6, 60), (20, 60)])
def test_no_difference_is_seen_at_any_look_in_at_most_5_of_100_sessions(planned: int, looks: int) -> None:
    assert crossed(planned, looks)[0] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SESSIONS)


def test_all_of_the_rate_is_spent_by_the_end_of_the_plan() -> None:
    assert crossed(20, 20)[0] == pytest.approx(0.045, abs=0.006)


def test_a_plan_costs_little_power_at_its_end() -> None:
    effect = 2.8 / np.sqrt(60)  # a single test at the end finds it in 80 of 100
    _, at_the_end = crossed(60, 60, effect)
    assert at_the_end >= 0.85 * 0.8


def test_two_looks_have_the_boundaries_that_are_published() -> None:
    """Lan and DeMets 1983: O'Brien-Fleming spending of 0.05, half and all of the plan: z 2.963, 1.969."""
    first, last = (stats.norm.isf(running_level(look, 2, 0.05 / 0.9) / 2) for look in (1, 2))
    assert first == pytest.approx(2.963, abs=0.005)
    assert last == pytest.approx(1.969, abs=0.005)


def test_levels_lie_between_0_and_the_whole_rate() -> None:
    assert running_level(0, 10, 0.05) == 0
    assert running_level(1, 1, 0.05) == pytest.approx(0.045, abs=1e-4)
    assert all(0 <= running_level(k, 0, 0.05) <= 0.05 for k in range(1, 100, 7))
