from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.analysis.agreement.neighbours import most_disputed, shared_neighbours
from diptych.retrieval.search import normalise
from support import need


def units(seed: int, n: int, dimension: int) -> np.ndarray:
    return normalise(np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 150), st.integers(2, 20), st.data())
def test_it_counts_what_full_sorts_share(seed: int, n: int, dimension: int, data: st.DataObject) -> None:
    a, b = units(seed, n, dimension), units(seed + 1, n, dimension + 3)
    k = data.draw(st.integers(1, n - 1))
    anchors = np.arange(0, n, data.draw(st.integers(1, 3)))
    near_a, near_b = (
        [set([i for i in np.argsort(-(rows @ rows[row])) if i != row][:k]) for row in anchors]
        for rows in (a, b)
    )
    expected = [len(one & other) for one, other in zip(near_a, near_b, strict=True)]
    assert shared_neighbours(a, b, anchors, k).tolist() == expected


@pytest.mark.parametrize("n", [700, 6_000])
def test_neighbours_are_those_of_scikit_learn(n: int) -> None:
    need("sklearn")
    from sklearn.neighbors import NearestNeighbors

    a, b = units(1, n, 12), units(2, n, 30)
    b[:, :12] += 3 * a  # so that some are shared
    b = normalise(b)
    near_a, near_b = (
        NearestNeighbors(n_neighbors=10, metric="cosine").fit(rows).kneighbors(return_distance=False)
        for rows in (a, b)
    )
    expected = [len(set(one) & set(other)) for one, other in zip(near_a, near_b, strict=True)]
    assert 1 < np.mean(expected) < 9
    assert shared_neighbours(a, b, np.arange(n), 10).tolist() == expected


def test_unrelated_spaces_share_what_chance_gives() -> None:
    n, k = 400, 10
    shared = shared_neighbours(units(3, n, 40), units(4, n, 40), np.arange(n), k) / k
    assert shared.mean() == pytest.approx(k / (n - 1), abs=4 * shared.std() / np.sqrt(n))


def test_the_most_disputed_share_least_and_equal_ones_keep_their_order() -> None:
    shared = np.array([3, 0, 2, 3, 0, 1])
    anchors = np.array([10, 20, 30, 40, 50, 60])
    listed = most_disputed(shared, anchors, k=3, most=10)
    assert [d.row for d in listed] == [20, 50, 60, 30]
    assert [d.unshared for d in listed] == pytest.approx([1, 1, 1 - 1 / 5, 1 - 2 / 4])
    assert most_disputed(shared, anchors, k=3, most=1) == listed[:1]


@given(
    st.sets(st.integers(0, 30), min_size=6, max_size=6), st.sets(st.integers(0, 30), min_size=6, max_size=6)
)
def test_unshared_is_one_less_the_jaccard_index(one: set[int], other: set[int]) -> None:
    listed = most_disputed(np.array([len(one & other)]), np.array([0]), k=6, most=1)
    expected = 1 - len(one & other) / len(one | other)
    assert [d.unshared for d in listed] == ([pytest.approx(expected)] if expected else [])
