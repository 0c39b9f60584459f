"""The order of scores, compared with numpy's; and how often all scores of a query are sorted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from diptych.analysis import stratification
from diptych.analysis.agreement import correlation
from diptych.analysis.order import best_first, ranks
from diptych.images import Collection, Limits, Picture
from diptych.queries import TextQuery
from diptych.result.describe import describe_comparison
from diptych.retrieval import searcher
from diptych.retrieval.index import Snapshot
from diptych.retrieval.null_bank import EmbeddedBank, default_bank
from diptych.retrieval.search import normalise

finite = st.floats(-2, 2, width=32) | st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0**-140, -(2.0**-140)])


@given(hnp.arrays(np.float32, st.integers(0, 40), elements=finite))
def test_it_is_that_of_a_stable_sort_in_either_precision(scores: np.ndarray) -> None:
    expected = np.argsort(-scores, kind="stable")
    np.testing.assert_array_equal(best_first(scores), expected)
    np.testing.assert_array_equal(best_first(scores.astype(np.float64)), expected)
    assert ranks(expected)[expected].tolist() == list(range(1, len(scores) + 1))


def test_a_query_is_sorted_once_per_embedder_and_pairs_are_counted_once_per_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n, names, queries = 300, "ab", [TextQuery(f"number {row}") for row in range(3)]
    rng, sorts, counts = np.random.default_rng(0), [], []

    def sorting(scores: np.ndarray) -> np.ndarray:
        sorts.append(len(scores))
        return best_first(scores)

    real = correlation._above_both

    def counting(rank_a: np.ndarray, rank_b: np.ndarray) -> np.ndarray:
        counts.append(len(rank_a))
        return real(rank_a, rank_b)

    for module in (searcher, stratification):
        monkeypatch.setattr(module, "best_first", sorting)
    monkeypatch.setattr(correlation, "_above_both", counting)
    pictures = tuple(Picture(id=f"{row:064x}", name=f"{row:04}") for row in range(n))

    def units(count: int) -> np.ndarray:
        return normalise(rng.standard_normal((count, 32), np.float32))

    ids, bank = [picture.id for picture in pictures], EmbeddedBank(default_bank(), units(64))
    of_each = {name: searcher.Searcher(ids, units(n), bank) for name in names}
    found = {name: one.answer(queries, units(len(queries)), 5) for name, one in of_each.items()}
    by_query = [dict(zip(names, row, strict=True)) for row in zip(*found.values(), strict=True)]
    describe_comparison(
        Collection("made up", list(pictures), (), {}, Limits()),
        (),
        Snapshot(pictures, of_each),
        searcher.Answers(pictures, queries, by_query),
        k=5,
        work={},
    )
    assert sorts == [n] * len(queries) * len(names)
    assert counts == [n] * len(queries)
