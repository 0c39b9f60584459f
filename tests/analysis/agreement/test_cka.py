from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.analysis.agreement.cka import linear_cka
from diptych.retrieval.search import normalise


def units(seed: int, n: int, dimension: int) -> np.ndarray:
    return normalise(np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32))


def hsic(k: np.ndarray, m: np.ndarray) -> float:
    """Song et al. 2012, eq. 5, word for word: the unbiased estimator from two kernel matrices."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    bracket = (
        np.trace(k @ m)
        + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * (one @ k @ m @ one)
    )
    return bracket / (n * (n - 3))


def four_point_hsic(k: np.ndarray, m: np.ndarray) -> float:
    """The same as a U-statistic: the mean over all ordered choices of four different images."""
    n = len(k)
    total = count = 0
    for i, j, q, r in np.ndindex(n, n, n, n):
        if len({i, j, q, r}) == 4:
            total += k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q])
            count += 1
    return total / count


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(4, 40), st.integers(2, 60), st.integers(2, 60))
def test_it_is_the_ratio_of_songs_unbiased_hsic(seed: int, n: int, dim_a: int, dim_b: int) -> None:
    a, b = units(seed, n, dim_a), units(seed + 1, n, dim_b)
    k, m = (rows.astype(np.float64) @ rows.T.astype(np.float64) for rows in (a, b))
    expected = hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))
    assert linear_cka(a, b) == pytest.approx(expected, abs=1e-9)


def test_songs_estimator_is_the_mean_over_fours_of_images() -> None:
    """The oracle checked by what it estimates: E k(m + m'' - 2m'), with all images different."""
    k, m = (rows @ rows.T for rows in (units(1, 7, 3), units(2, 7, 4)))
    assert hsic(k, m) == pytest.approx(four_point_hsic(k, m), abs=1e-6)


def test_unrelated_spaces_have_none_however_many_dimensions_and_however_few_images() -> None:
    """The biased CKA of these is near 1."""
    values = np.array(
        [linear_cka(units(2 * seed, 20, 700), units(2 * seed + 1, 20, 700)) for seed in range(200)]
    )
    assert values.mean() == pytest.approx(0, abs=4 * values.std() / np.sqrt(len(values)))
    assert values.std() > 0


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(4, 60), st.floats(0, 0.9))
def test_it_is_1_up_to_rotation_scale_and_a_shift_of_all_cosines(seed: int, n: int, gap: float) -> None:
    a = units(seed, n, 8)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(8, 8)))[0]
    turned = np.hstack(
        [np.sqrt(1 - gap) * (a @ rotation), np.full((n, 1), np.sqrt(gap))]
    )  # (1 - gap) s + gap
    assert linear_cka(a, turned.astype(np.float32)) == pytest.approx(1, abs=1e-4)


@given(st.integers(0, 10_000), st.integers(4, 30))
def test_it_is_symmetric_and_at_most_1(seed: int, n: int) -> None:
    a, b = units(seed, n, 4), units(seed + 1, n, 9)
    value = linear_cka(a, b)
    assert value is not None
    assert -1 <= value <= 1
    assert value == pytest.approx(linear_cka(b, a), abs=1e-12)


@pytest.mark.parametrize(
    "rows",
    [
        units(1, 3, 5),
        np.ones((9, 4), np.float32) / 2,
        np.eye(6, dtype=np.float32),
        np.zeros((5, 3), np.float32),
    ],
    ids=["three images", "all the same", "all equally unlike", "zeros"],
)
def test_it_is_undefined_where_no_two_images_are_more_alike_than_others(rows: np.ndarray) -> None:
    assert linear_cka(rows, units(2, len(rows), 7)) is None
    assert linear_cka(units(2, len(rows), 7), rows) is None


def test_rounding_alone_is_no_geometry() -> None:
    noise = np.random.default_rng(3).normal(size=(50, 16)).astype(np.float32) * 1e-7
    assert linear_cka(np.float32(0.25) + noise, units(4, 50, 16)) is None
