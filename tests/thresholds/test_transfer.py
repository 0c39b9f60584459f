"""Threshold transfer equals learning by brute force on all queries but one."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.thresholds.transfer import threshold_transfer

SEEDS = st.integers(0, 2**32 - 1)


def queries(seed: int, count: int, integers: bool = False) -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(seed)
    scores, relevant = [], []
    for _ in range(count):
        hits = random.random(random.integers(3, 15)) < 0.4
        hits[0] = True
        row = random.normal(size=len(hits)) + 1.5 * hits + random.normal()
        scores.append(np.round(row) if integers else row)
        relevant.append(hits)
    return scores, relevant


def f1(scores: np.ndarray, relevant: np.ndarray, threshold: float) -> float:
    kept = scores >= threshold
    return float(2 * (kept & relevant).sum() / (kept.sum() + relevant.sum()))


def brute_force(scores: list[np.ndarray], relevant: list[np.ndarray]) -> list[float]:
    """For each query the cut between the others' scores that has their highest mean F1."""
    learned = []
    for query in range(len(scores)):
        others = [row for row in range(len(scores)) if row != query]
        seen = np.unique(np.concatenate([scores[row] for row in others]))
        cuts = [-np.inf, *((seen[1:] + seen[:-1]) / 2), np.inf]
        means = [np.mean([f1(scores[row], relevant[row], cut) for row in others]) for cut in cuts]
        learned.append(cuts[len(cuts) - 1 - int(np.argmax(np.round(means, 9)[::-1]))])
    return learned


@given(SEEDS, st.integers(2, 6), st.booleans())
def test_thresholds_and_losses_equal_brute_force(seed: int, count: int, integers: bool) -> None:
    scores, relevant = queries(seed, count, integers)
    found = threshold_transfer(scores, relevant)
    learned = brute_force(scores, relevant)
    assert found.thresholds == pytest.approx(learned)
    reached = [f1(s, r, t) for s, r, t in zip(scores, relevant, learned, strict=True)]
    best = [max(f1(s, r, t) for t in s) for s, r in zip(scores, relevant, strict=True)]
    assert found.transferred == pytest.approx(reached)
    assert found.best == pytest.approx(best)
    assert found.ranking_loss == pytest.approx(1 - np.mean(best))
    assert found.threshold_loss == pytest.approx(np.mean(best) - np.mean(reached))


@given(SEEDS, st.integers(2, 6), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_losses_do_not_depend_on_the_scale(seed: int, count: int, factor: float, shift: float) -> None:
    scores, relevant = queries(seed, count)
    found = threshold_transfer(scores, relevant)
    scaled = threshold_transfer([factor * row + shift for row in scores], relevant)
    assert scaled.threshold_loss == pytest.approx(found.threshold_loss)
    assert scaled.ranking_loss == pytest.approx(found.ranking_loss)


@given(SEEDS, st.integers(2, 6))
def test_the_losses_lie_between_0_and_1_and_together_make_what_is_lost(seed: int, count: int) -> None:
    found = threshold_transfer(*queries(seed, count))
    assert found.ranking_loss is not None
    assert found.threshold_loss is not None
    assert 0 <= found.ranking_loss <= 1
    assert found.threshold_loss >= -1e-12
    assert found.ranking_loss + found.threshold_loss == pytest.approx(1 - np.mean(found.transferred))


def test_queries_on_shifted_scales_rank_perfectly_and_transfer_badly() -> None:
    relevant = [np.arange(10) >= 5] * 3
    scores = [np.arange(10) + shift for shift in (0.0, 100.0, 200.0)]
    found = threshold_transfer(scores, relevant)
    assert found.ranking_loss == 0
    assert found.threshold_loss == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert threshold_transfer([scores[0]] * 3, relevant).threshold_loss == 0


def test_a_query_without_a_relevant_image_is_left_out() -> None:
    scores, relevant = queries(1, 3)
    nothing = np.zeros(4, bool)
    found = threshold_transfer([scores[0], np.ones(4), *scores[1:]], [relevant[0], nothing, *relevant[1:]])
    assert found.queries == (0, 2, 3)
    assert found.thresholds == threshold_transfer(scores, relevant).thresholds


def test_one_query_has_no_other_to_learn_on() -> None:
    found = threshold_transfer([np.arange(3.0)], [np.array([False, True, True])])
    assert found.threshold_loss is found.ranking_loss is None
    assert "fewer than two queries" in found.undefined["threshold_loss"]


def test_on_real_clip_vectors_a_cosine_threshold_transfers_between_captions(shared: Path) -> None:
    """100 photographs, five captions each, CLIP ViT-B/32."""
    folder = shared / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs"
    with (folder / "metadata.csv").open(encoding="utf-8") as file:
        shown = np.array([row["image_id"] for row in csv.DictReader(file)])
    images, texts = (np.load(folder / f"{kind}_embeddings.npy").astype(float) for kind in ("image", "text"))
    images, texts = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (images, texts))
    ids, rows = np.unique(shown, return_index=True)
    cosines = texts @ images[rows].T
    found = threshold_transfer(list(cosines), list(shown[:, None] == ids))
    assert found.ranking_loss is not None
    assert found.threshold_loss is not None
    assert len(found.queries) == 500
    assert 0.02 < found.ranking_loss < 0.15
    assert 0.05 < found.threshold_loss < 0.3
