"""Search finds exactly the best, and orders equals by the collection's order."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.retrieval import search as room
from diptych.retrieval.search import normalise, score_all, search
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


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 300),
    m=st.integers(1, 7),
    k=st.integers(1, 40),
    order=st.sampled_from(["chance", "best last", "best first"]),
    block=st.sampled_from([1, 40, 200, 1000]),
)
def test_hits_are_those_of_a_full_sort_however_it_is_cut_into_blocks(
    seed: int, n: int, m: int, k: int, order: str, block: int
) -> None:
    """Few different images, so that most scores are tied; blocks so small that the bar rises many times."""
    random = np.random.default_rng(seed)
    images = normalise(random.integers(-1, 2, (n, 3)).astype(np.float32))
    queries = normalise(random.integers(-1, 2, (m, 3)).astype(np.float32))
    if order != "chance":
        ascending = np.argsort(score_all(images, queries[:1])[0], kind="stable")
        images = images[ascending if order == "best last" else ascending[::-1]]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(room, "_SCORES_AT_ONCE", block)
        patched.setattr(room, "_QUERIES_AT_ONCE", 3)
        patched.setattr(room, "_GROUPS", 2)
        found = search(images, queries, k)
    for ranking, scores in zip(found, score_all(images, queries), strict=True):
        assert ranking.rows.tolist() == np.argsort(-scores, kind="stable")[:k].tolist()
        assert ranking.scores.tobytes() == scores[ranking.rows].tobytes()
        assert ranking.flat == (n > 1 and len(set(scores.tolist())) == 1)


@pytest.mark.parametrize("n", [2, 9, 1500])
def test_equal_images_are_flat_whatever_the_product_makes_of_them(n: int) -> None:
    images = np.repeat(unit_rows(9, 1, 771), n, axis=0)
    queries = unit_rows(10, 20, 771)
    assert all(ranking.flat for ranking in search(images, queries, 5))
    images[n - 1] = unit_rows(11, 1, 771)
    assert not any(ranking.flat for ranking in search(images, queries, 1))


def peak_megabytes(images: np.ndarray, queries: np.ndarray, k: int) -> float:
    tracemalloc.start()
    try:
        search(images, queries, k)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_images_times_queries() -> None:
    """All scores of 128 queries would be 51 MB; where 48 queries tie all images, 4.8 million may be first."""
    images = unit_rows(12, 100_000, 4)
    few, many = (peak_megabytes(images[:n], unit_rows(13, 128, 4), 20) for n in (20_000, 100_000))
    assert many < 1.2 * few < 30
    assert peak_megabytes(images, np.zeros((48, 4), np.float32), 20) < 200


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


def test_normalising_in_place_takes_no_second_matrix() -> None:
    rows = np.random.default_rng(6).normal(size=(20_000, 64)).astype(np.float32)
    expected = normalise(rows)
    tracemalloc.start()
    assert normalise(rows, out=rows) is rows
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.25 * rows.nbytes
    assert rows.tobytes() == expected.tobytes()
