"""One query's images against the bank: who is left out, and where ranks then are."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from diptych.analysis.cuts.bank_gap import BankGaps
from diptych.analysis.null import FEWEST_TEXTS, NullModel, discoveries
from diptych.analysis.standing import ImageBackground, TextBackground, stand_alone
from diptych.analysis.stratification import stratify

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "verdict_break.py"))


def bank(seed: int = 0, texts: int = 40, n: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(texts, n))


def test_a_standing_is_the_null_models_and_the_banks_own_lists_are_the_null_for_breaks() -> None:
    scores, model = np.random.default_rng(1).normal(size=60), NullModel.fit(bank())
    scores[:3] += 9
    standing = TextBackground(bank()).stand(scores)
    np.testing.assert_allclose(standing.z, model.z(scores))
    np.testing.assert_array_equal(standing.matches, discoveries(model.p(model.z(scores))))
    gaps = BankGaps.fit(bank(), model.unit)
    expected = stratify(scores, stands_out=int(standing.matches.sum()), unit=model.unit, gaps=gaps)
    assert standing.stratification == expected
    assert standing.stratification.verdict == "break"


def test_texts_that_match_something_are_left_out_for_all_and_related_ones_for_this_query() -> None:
    scores, planted = np.random.default_rng(2).normal(size=60), bank()
    planted[5, :3] += 30
    background = TextBackground(planted)
    assert background.fat.tolist() == [row == 5 for row in range(40)]
    np.testing.assert_array_equal(background.model.tail, NullModel.fit(np.delete(planted, 5, axis=0)).tail)
    standing = background.stand(scores, related=[0, 7, 7])
    np.testing.assert_array_equal(standing.z, NullModel.fit(np.delete(planted, [0, 5, 7], axis=0)).z(scores))


@pytest.mark.parametrize(("related", "left_out"), [(20, 20), (21, 0), (40, 0)])
def test_where_too_few_texts_would_be_left_the_related_ones_stay(related: int, left_out: int) -> None:
    scores = np.random.default_rng(3).normal(size=60)
    assert 40 - FEWEST_TEXTS == 20
    standing = TextBackground(bank()).stand(scores, related=range(related))
    np.testing.assert_array_equal(standing.z, NullModel.fit(bank()[left_out:]).z(scores))


def test_a_bank_of_too_few_texts_or_with_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 20"):
        TextBackground(bank(texts=19))
    with pytest.raises(ValueError, match="finite"):
        TextBackground(np.full((20, 8), np.nan))
    with pytest.raises(ValueError, match="finite"):
        TextBackground(bank()).stand(np.full(60, np.nan))
    with pytest.raises(ValueError, match="finite"):
        stand_alone(np.array([1.0, np.inf]))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_from_4_images_on_it_is_said_whether_the_list_breaks(n: int) -> None:
    standing = TextBackground(bank(n=n)).stand(np.arange(n, dtype=float))
    assert standing.z.shape == standing.matches.shape == (n,)
    assert standing.stratification.verdict in ({"too few images"} if n < 4 else {"gradual", "break"})


def test_a_query_that_scores_all_images_alike_matches_none_whatever_they_are_to_others() -> None:
    effect = np.r_[np.full(3, -20.0), np.zeros(57)]
    standing = TextBackground(bank() + effect).stand(np.full(60, 0.1))
    assert not standing.matches.any()
    assert standing.z[:3].min() > 15  # far above what unrelated texts get there
    assert (standing.stratification.verdict, standing.stratification.matches) == ("all equal", 0)


def similarities(n: int = 80, kind: int = 5) -> np.ndarray:
    """Images of whose kind there are few others."""
    scores = np.random.default_rng(4).normal(size=(n, n))
    scores = (scores + scores.T) / 2
    scores[:kind, :kind] += 12
    np.fill_diagonal(scores, 30)
    return scores


def test_the_image_asked_with_is_no_match_and_ranks_are_moved_past_it() -> None:
    scores = similarities()
    background = ImageBackground(scores[::2], np.arange(0, 80, 2))
    standing = background.stand(scores[2], itself=2)
    assert np.flatnonzero(standing.matches).tolist() == [0, 1, 3, 4]
    card = standing.stratification
    assert (card.verdict, card.breakpoint, card.matches) == ("break", 5, 4)
    assert card.cuts["gap"] == card.cuts["null bank"] == 5
    alone = stratify(np.delete(scores[2], 2), stands_out=4)
    assert alone.breakpoint == 4
    assert card.gap_share == alone.gap_share  # of the others' scores alone


def test_a_picture_from_outside_has_all_images_ranked() -> None:
    scores = similarities()
    background = ImageBackground(scores[::2], np.arange(0, 80, 2))
    outside = 0.7 * np.random.default_rng(5).normal(size=80) + 12 * (np.arange(80) < 5)
    card = background.stand(outside).stratification
    assert (card.breakpoint, card.matches) == (5, 5)


@pytest.mark.parametrize("itself", [None, 2])
def test_without_a_bank_too_the_image_itself_is_left_out(itself: int | None) -> None:
    scores = np.random.default_rng(6).normal(size=15)
    scores[2] = 30
    standing = stand_alone(scores, itself)
    assert standing.z is None
    assert standing.matches is None
    expected = stratify(scores) if itself is None else stratify(np.delete(scores, itself)).beside(0)
    assert standing.stratification == expected
    assert (standing.stratification.breakpoint == 1) == (itself is None)


def test_what_a_bank_image_says_of_itself_is_no_null_score() -> None:
    scores, rows = similarities(kind=0), np.arange(0, 80, 2)
    changed = scores[::2].copy()
    changed[np.arange(40), rows] = 1e6
    query = np.random.default_rng(7).normal(size=80)
    first, second = (ImageBackground(s, rows).stand(query) for s in (scores[::2], changed))
    np.testing.assert_array_equal(first.z, second.z)


def test_images_of_one_kind_do_not_keep_others_of_their_kind_from_matching() -> None:
    """Each bank image has its own kind in the collection: the null's upper tail is taken from the lower."""
    labels = np.arange(80) // 8
    scores = np.random.default_rng(8).normal(size=(80, 80)) + 8 * (labels[:, None] == labels)
    background = ImageBackground(scores[::2], np.arange(0, 80, 2))
    found = np.array([background.stand(scores[row], itself=row).matches for row in range(1, 80, 2)])
    kind = labels[1::2, None] == labels
    assert found[kind].sum() >= 0.9 * (kind.sum() - 40)
    assert found[~kind].mean() < 0.02


def test_on_real_photographs_and_captions_the_bank_finds_what_is_there_and_says_what_is_not(
    shared: Path,
) -> None:
    assert (shared / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs").is_dir()
    null, raw = BENCHMARK["captioned"]().values()
    assert null.none >= 0.85
    assert null.found >= 0.60
    assert null.others < 0.5
    assert null.others < raw.others
    assert null.none > raw.none
