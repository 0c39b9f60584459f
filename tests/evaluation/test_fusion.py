"""Fusing follows the papers' formulas and does not depend on the embedders' order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diptych.evaluation.fusion import reciprocal_rank_fusion, z_score_sum

MATRICES = st.tuples(st.integers(0, 999), st.integers(1, 4), st.integers(2, 30)).map(
    lambda t: np.random.default_rng(t[0]).integers(0, 12, (t[1], t[2])).astype(float)
)


@given(MATRICES)
def test_reciprocal_rank_fusion_is_the_sum_over_ranks(scores: np.ndarray) -> None:
    total: dict[int, float] = dict.fromkeys(range(scores.shape[1]), 0.0)
    for row in scores:
        for rank, image in enumerate(sorted(total, key=lambda image: (-row[image], image)), start=1):
            total[image] += 1 / (60 + rank)
    fused = reciprocal_rank_fusion(scores)
    np.testing.assert_allclose(fused.scores, [total[image] for image in fused.rows], atol=1e-11)
    assert sorted(fused.rows) == list(range(scores.shape[1]))


@given(MATRICES)
def test_z_scores_are_scipys(scores: np.ndarray) -> None:
    expected = sum(np.nan_to_num(stats.zscore(row)) if np.ptp(row) else np.zeros(len(row)) for row in scores)
    fused = z_score_sum(scores)
    np.testing.assert_allclose(fused.scores, np.sort(expected)[::-1], atol=1e-11)


@pytest.mark.parametrize("fuse", [reciprocal_rank_fusion, z_score_sum])
@given(scores=MATRICES)
def test_the_order_of_embedders_and_the_scale_of_scores_change_nothing(
    fuse: object, scores: np.ndarray
) -> None:
    rows = fuse(scores).rows.tolist()
    assert fuse(scores[::-1]).rows.tolist() == rows
    assert fuse(3 * scores + 5).rows.tolist() == rows


def test_equals_keep_the_collections_order() -> None:
    assert reciprocal_rank_fusion(np.array([[3.0, 2, 1], [2, 3, 1]])).rows.tolist() == [0, 1, 2]
    assert z_score_sum(np.zeros((2, 4))).rows.tolist() == [0, 1, 2, 3]
