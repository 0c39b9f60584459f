"""Search finds exactly the best, and orders equals by the collection's order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.search import normalise, score_all, search
from support import need


def unit_rows(seed: int, count: int, dimension: int) -> np.ndarray:
    return normalise(np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 200),
    m=st.integers(1, 5),
    dimension=st.integers(1, 40),
    k=st.integers(1, 250),
)
def test_hits_are_those_of_a_full_sort(seed: int, n: int, m: int, dimension: int, k: int) -> None:
    images, queries = unit_rows(seed, n, dimension), unit_rows(seed + 1, m, dimension)
    exact = (queries.astype(np.float64) @ images.T.astype(np.float64)).astype(np.float32)
    for ranking, scores in zip(search(images, queries, k), exact, strict=True):
        expected = np.argsort(-scores, kind="stable")[:k]
        assert ranking.rows.tolist() == expected.tolist()
        np.testing.assert_allclose(ranking.scores, scores[expected], atol=1e-7)


def test_hits_and_scores_equal_sentence_transformers() -> None:
    need("sentence_transformers")
    from sentence_transformers.util import semantic_search

    images = np.random.default_rng(1).normal(size=(3000, 96)).astype(np.float32) * 7
    queries = np.random.default_rng(2).normal(size=(150, 96)).astype(np.float32)
    theirs = semantic_search(queries, images, top_k=20)
    for ours, hits in zip(search(normalise(images), normalise(queries), 20), theirs, strict=True):
        assert ours.rows.tolist() == [hit["corpus_id"] for hit in hits]
        np.testing.assert_allclose(ours.scores, [hit["score"] for hit in hits], atol=1e-6)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), copies=st.integers(2, 40), others=st.integers(0, 300), k=st.integers(1, 60))
def test_equal_images_keep_the_collections_order(seed: int, copies: int, others: int, k: int) -> None:
    """Wherever equal rows stand in the matrix, one product may score them apart in the last bit."""
    images = unit_rows(seed, copies + others, 771)
    rows = np.sort(np.random.default_rng(seed).permutation(copies + others)[:copies])
    images[rows] = images[rows[0]]
    (ranking,) = search(images, images[rows[:1]], k)
    assert ranking.rows.tolist()[:copies] == rows.tolist()[:k]
    assert len(set(ranking.scores[:copies].tolist())) == 1


def test_a_query_is_ranked_alike_alone_and_among_others() -> None:
    images, queries = unit_rows(3, 5000, 513), unit_rows(4, 130, 513)
    together = search(images, queries, 50)
    for row in (0, 64, 129):
        (alone,) = search(images, queries[row : row + 1], 50)
        assert alone.rows.tolist() == together[row].rows.tolist()
        assert alone.scores.tobytes() == together[row].scores.tobytes()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(0, 200), m=st.integers(0, 5), dimension=st.integers(1, 40)
)
def test_the_scores_of_all_images_are_the_exact_products(seed: int, n: int, m: int, dimension: int) -> None:
    images, queries = unit_rows(seed, n, dimension), unit_rows(seed + 1, m, dimension)
    scores = score_all(images, queries)
    assert (scores.shape, scores.dtype) == ((m, n), np.float32)
    for row in range(m):
        for column in range(n):
            exact = np.dot(queries[row].astype(np.longdouble), images[column].astype(np.longdouble))
            assert abs(scores[row, column] - exact) <= 2**-24 + 1e-12


@pytest.mark.parametrize("n", [50, 8192, 20_000])
def test_the_scores_of_all_images_are_those_that_search_gives_the_first(n: int) -> None:
    images, queries = unit_rows(7, n, 64), unit_rows(8, 70, 64)
    images[n // 2] = images[3]
    for ranking, scores in zip(search(images, queries, 60), score_all(images, queries), strict=True):
        np.testing.assert_array_equal(scores[ranking.rows], ranking.scores)
        np.testing.assert_array_equal(np.argsort(-scores, kind="stable")[:60], ranking.rows[:60])
        assert scores[3] == scores[n // 2]


def test_a_vector_of_zeros_scores_nothing_with_everything_in_order() -> None:
    images = unit_rows(5, 20_000, 8)
    (ranking,) = search(images, normalise(np.zeros((1, 8), np.float32)), 5)
    assert ranking.rows.tolist() == [0, 1, 2, 3, 4]
    assert ranking.scores.tolist() == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e18])
def test_normalising_does_not_depend_on_length(scale: float) -> None:
    rows = np.random.default_rng(6).normal(size=(50, 33)).astype(np.float32)
    np.testing.assert_allclose(normalise((rows * scale).astype(np.float32)), normalise(rows), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(normalise(rows), axis=1), 1, atol=1e-6)
