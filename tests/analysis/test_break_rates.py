"""How often a list without a break is said to break, and how often a true break is seen: by simulation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from diptych.analysis.cuts.bank_gap import NARROWEST
from diptych.analysis.cuts.gap import least_probable_gap, one_mode_p, scores_needed
from diptych.analysis.standing import Standing, TextBackground, stand_alone
from diptych.analysis.stratification import LEVEL

FAMILIES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "gumbel": lambda rng, shape: rng.gumbel(size=shape),
    "t5": lambda rng, shape: rng.standard_t(5, shape),
}
SIZES = (7, 10, 30, 88, 300, 1000, 10_000)
SIZES_WITH_BANK = (4, *SIZES)


def most_by_chance(lists: int) -> float:
    """How many of these lists may break where each does with the promised chance, 999 times in 1000."""
    return float(stats.binom.ppf(0.999, lists, LEVEL))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("family", FAMILIES)
def test_noise_without_a_bank_breaks_in_no_more_than_1_of_20_lists(family: str, n: int) -> None:
    lists = 4000 if n <= 300 else 1500 if n == 1000 else 300
    scores = FAMILIES[family](np.random.default_rng(n), (lists, n))
    gaps = least_probable_gap(-np.sort(-scores, axis=1)[:, : scores_needed(n)], n)
    breaks = [one_mode_p(surprise, n) <= LEVEL for surprise in gaps.surprise]
    assert sum(breaks) <= most_by_chance(lists)
    for row in [*range(5), *np.flatnonzero(breaks)[:5]]:  # the verdict is this p's, and the gap's size
        card = stand_alone(scores[row]).stratification
        assert card.verdict == ("break" if breaks[row] and card.z_gap >= NARROWEST else "gradual")


def noise_against_a_bank(family: str, n: int, has_effect: bool) -> Iterator[Standing]:
    """Two queries of each bank: those of one bank are not independent trials."""
    rng, draw = np.random.default_rng(n), FAMILIES[family]
    for _ in range(5 if n == 10_000 else 30):
        effect = has_effect * rng.normal(size=n)
        background = TextBackground(draw(rng, (64, n)) + effect)
        yield from (background.stand(scores) for scores in draw(rng, (2, n)) + effect)


@pytest.mark.parametrize("n", SIZES_WITH_BANK)
@pytest.mark.parametrize("family", FAMILIES)
def test_noise_against_a_bank_breaks_in_no_more_than_1_of_20_lists_and_mostly_none_stands_out(
    family: str, n: int
) -> None:
    cards = [
        standing.stratification
        for has_effect in (False, True)
        for standing in noise_against_a_bank(family, n, has_effect)
    ]
    breaks = sum(card.verdict == "break" for card in cards)
    assert breaks <= most_by_chance(len(cards))
    nothing = sum(card.stands_out == 0 for card in cards)
    assert nothing >= stats.binom.ppf(0.001, len(cards), 0.85)


@pytest.mark.parametrize(("n", "deviations", "least"), [(7, 4, 0.85), (54, 3, 0.93), (300, 3, 0.93)])
def test_one_image_some_deviations_above_the_rest_is_seen(n: int, deviations: float, least: float) -> None:
    rng, seen = np.random.default_rng(n), []
    for _ in range(40):
        effect = 0.5 * rng.normal(size=n)
        background = TextBackground(rng.normal(size=(64, n)) + effect)
        for scores in rng.normal(size=(3, n)) + effect:
            scores[0] = scores.max() + deviations * background.model.unit
            seen.append(background.stand(scores).stratification.breakpoint == 1)
    assert np.mean(seen) >= least


def is_seen(standing: Standing) -> bool:
    rank = standing.stratification.breakpoint
    return rank is not None and abs(rank - 10) <= 1


@pytest.mark.parametrize("bank", ["no bank", "a bank", "a bank, and images of different effect"])
def test_10_of_300_images_7_deviations_above_the_rest_are_seen_8_times_in_10(bank: str) -> None:
    rng = np.random.default_rng(10)
    effect = 0.5 * rng.normal(size=300) * ("effect" in bank)
    background = None if bank == "no bank" else TextBackground(rng.normal(size=(64, 300)) + effect)
    seen, matches = [], []
    for _ in range(60):
        scores = rng.normal(size=300) + effect
        scores[:10] += 7
        standing = stand_alone(scores) if background is None else background.stand(scores)
        seen.append(is_seen(standing))
        matches.append(10 if standing.matches is None else standing.matches[:10].sum())
    assert np.mean(seen) >= 0.8
    assert np.mean(matches) > 9.9
