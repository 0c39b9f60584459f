"""The null bank's z and p, compared with loops, scipy and fresh draws of the same null."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from diptych.analysis.null import FALSE_DISCOVERIES, NullModel, discoveries, null_z

FAMILIES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "gumbel": lambda rng, shape: rng.gumbel(size=shape),
    "t5": lambda rng, shape: rng.standard_t(5, shape),
}
halves = st.integers(-64, 64).map(lambda eighths: eighths / 8)


def grid(rows: st.SearchStrategy[int], columns: st.SearchStrategy[int]) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float64, st.tuples(rows, columns), elements=halves)


def moderated(own: list[float], degrees: int) -> list[float]:
    """Smyth 2004, equation 6: (d0·s0² + d·s²) / (d0 + d), with d0 = 64 and s0² the images' mean."""
    prior = sum(own) / len(own)
    return [(64 * prior + degrees * s2) / (64 + degrees) for s2 in own]


def z_by_loops(bank: np.ndarray, query: np.ndarray) -> list[float]:
    """Section by section: centre each text, average over texts, divide by the moderated spread."""
    centred = [[s - float(np.median(row)) for s in row] for row in bank]
    effects, own = [], []
    for image in range(bank.shape[1]):
        column = [row[image] for row in centred]
        effect = sum(column) / len(column)
        effects.append(effect)
        own.append(sum((value - effect) ** 2 for value in column) / (len(column) - 1))
    spreads = [s2**0.5 for s2 in moderated(own, len(bank) - 1)]
    middle = float(np.median(query))
    return [(s - middle - e) / spread for s, e, spread in zip(query, effects, spreads, strict=True)]


@given(st.integers(3, 12), st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_z_is_what_a_loop_over_images_and_texts_finds(texts: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bank, queries = rng.normal(size=(texts, n)) + rng.normal(size=n), rng.normal(size=(2, n))
    model = NullModel.fit(bank)
    expected = [z_by_loops(bank, query) for query in queries]
    np.testing.assert_allclose([model.z(query) for query in queries], expected, atol=1e-9)


@given(st.integers(4, 12), st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_a_bank_texts_own_z_is_what_it_gets_from_the_others(texts: int, n: int, seed: int) -> None:
    bank = np.random.default_rng(seed).normal(size=(texts, n))
    alone = [NullModel.fit(np.delete(bank, row, axis=0)).z(bank[row]) for row in range(texts)]
    np.testing.assert_allclose(null_z(bank), alone, atol=1e-9)


@given(st.integers(3, 30), st.integers(1, 40), st.sampled_from([0.01, 1, 1000]), st.integers(0, 2**32 - 1))
def test_what_is_kept_of_the_null_z_is_what_sorting_them_all_gives(
    texts: int, n: int, spread: float, seed: int
) -> None:
    """Also where nearly all of them, or none, are between the bounds of what they are counted in."""
    rng = np.random.default_rng(seed)
    bank = np.round(spread * rng.standard_t(1, (texts, n)), 1)
    model, pooled = NullModel.fit(bank), np.sort(null_z(bank), axis=None)
    assert model.size == pooled.size
    np.testing.assert_array_equal(model.tail, pooled[pooled.size - len(model.tail) :])
    assert len(model.tail) / model.size >= FALSE_DISCOVERIES
    assert len(model.tail) <= FALSE_DISCOVERIES * model.size + 2
    np.testing.assert_allclose(model.quantiles, np.quantile(pooled, np.linspace(0, 1, 101)), 1e-12, 1e-12)
    np.testing.assert_array_equal(model.highest, null_z(bank).max(axis=1))


@given(grid(st.integers(3, 8), st.integers(1, 12)), st.data())
def test_p_is_the_share_of_all_null_scores_that_are_as_high(bank: np.ndarray, data: st.DataObject) -> None:
    """Where it is no more than the rate of false discoveries: above that nobody asks how much."""
    model, residuals = NullModel.fit(bank), null_z(bank)
    own = st.sampled_from(residuals.ravel().tolist())
    z = data.draw(hnp.arrays(np.float64, 5, elements=own | st.floats(-9, 9)))
    as_high = [sum(1 for row in residuals for null in row if null >= value) for value in z]
    share = np.array([(1 + count) / (1 + bank.size) for count in as_high])
    low = share <= FALSE_DISCOVERIES
    np.testing.assert_allclose(model.p(z)[low], share[low])
    assert (model.p(z)[~low] > FALSE_DISCOVERIES).all()


@pytest.mark.parametrize("texts", [20, 64])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_p_is_as_rare_as_it_says_and_what_matches_by_chance_is_one_query_in_ten(
    family: str, texts: int
) -> None:
    """100 banks with 20 queries each, 300 images: the standard error of the rate is about 1 %."""
    rng, draw = np.random.default_rng(7), FAMILIES[family]
    smallest, any_match = [], []
    for _ in range(100):
        effect = rng.normal(size=300)
        bank = draw(rng, (texts, 300)) + effect
        model = NullModel.fit(bank)
        p = np.stack([model.p(model.z(query)) for query in draw(rng, (20, 300)) + effect])
        smallest.append(np.mean(p <= 0.001) / 0.001)
        any_match.append(np.mean([discoveries(row).any() for row in p]))
    assert np.mean(smallest) == pytest.approx(1, abs=0.2)
    assert np.mean(any_match) <= FALSE_DISCOVERIES + 0.03


@given(st.lists(st.floats(0, 1), max_size=40), st.sampled_from([0.01, 0.1, 0.5]))
def test_discoveries_are_those_of_scipy(p: list[float], rate: float) -> None:
    p = np.array(p)
    adjusted = stats.false_discovery_control(p) if p.size else p
    clear = np.abs(adjusted - rate) > 1e-12  # in between rounding decides
    np.testing.assert_array_equal(discoveries(p, rate)[clear], (adjusted <= rate)[clear])


@given(grid(st.integers(3, 8), st.integers(1, 12)), st.integers(0, 2**32 - 1), st.sampled_from([0.25, 1, 8]))
def test_z_and_p_and_matches_are_unit_free(bank: np.ndarray, seed: int, a: float) -> None:
    """Whatever the scale of all scores, and whatever is added to all of one query, which says nothing."""
    rng = np.random.default_rng(seed)
    query = rng.integers(-64, 64, bank.shape[1]) / 8
    before, after = NullModel.fit(bank), NullModel.fit(a * bank - 3)
    assume(before.unit > 1e-6)  # where all texts rank alike, rounding is all there is
    z = before.z(query)
    for other in (after.z(a * query - 3), after.z(a * query + 16)):
        np.testing.assert_allclose(other, z, atol=1e-9)
    np.testing.assert_allclose(after.quantiles, before.quantiles, atol=1e-9)
    np.testing.assert_allclose(after.hubness, before.hubness, atol=1e-9)
    assert after.unit == pytest.approx(a * before.unit)


def test_a_text_whose_others_all_score_alike_stands_as_far_out_in_any_scale() -> None:
    bank = np.array([[-0.25, 0.25], [0, 0], [0, 0], [0, 0]])
    z = null_z(bank)
    assert np.isfinite(z).all()
    assert z[0, 1] > 1e3
    np.testing.assert_allclose(null_z(8 * bank - 3), z)


def test_p_and_matches_are_the_same_in_another_scale() -> None:
    rng = np.random.default_rng(1)
    bank, query = rng.normal(size=(30, 200)), rng.normal(size=200)
    query[:5] += 8
    before, after = NullModel.fit(bank), NullModel.fit(4 * bank + 64)
    p = before.p(before.z(query))
    np.testing.assert_array_equal(after.p(after.z(4 * query - 32)), p)
    assert discoveries(p)[:5].all()


@given(grid(st.integers(3, 8), st.integers(2, 12)), st.randoms(use_true_random=False))
def test_the_order_of_images_and_texts_does_not_matter(bank: np.ndarray, random) -> None:
    images, texts = list(range(bank.shape[1])), list(range(len(bank)))
    random.shuffle(images)
    random.shuffle(texts)
    before, after = NullModel.fit(bank), NullModel.fit(bank[texts][:, images])
    np.testing.assert_allclose(after.z(bank[0][images]), before.z(bank[0])[images], atol=1e-9)
    np.testing.assert_allclose(after.quantiles, before.quantiles, atol=1e-9)


def test_a_hub_matches_no_unrelated_query_although_it_scores_highest() -> None:
    rng = np.random.default_rng(2)
    effect = np.r_[6.0, rng.normal(size=199) * 0.3]
    model = NullModel.fit(rng.normal(size=(64, 200)) + effect)
    queries = rng.normal(size=(200, 200)) + effect
    assert np.mean(queries.argmax(axis=1) == 0) > 0.9
    assert np.mean([discoveries(model.p(model.z(query)))[0] for query in queries]) < 0.02
    assert model.hubness.argmax() == 0
    assert model.hubness[0] == pytest.approx(6, abs=0.6)
    assert abs(np.median(model.hubness)) < 1e-12


def test_an_image_that_scores_alike_for_all_texts_is_held_to_its_own_spread() -> None:
    rng = np.random.default_rng(3)
    own = np.repeat([0.5, 2.0], 100)
    model = NullModel.fit(rng.normal(size=(64, 200)) * own)
    assert np.corrcoef(model.spread, own)[0, 1] > 0.95
    pooled = np.sqrt(np.mean(own**2))
    assert (np.minimum(own, pooled) - 0.15 < model.spread).all()
    assert (model.spread < np.maximum(own, pooled) + 0.6).all()
    assert model.unit == pytest.approx(np.sqrt(np.mean(model.spread**2)))


def test_a_mirrored_null_has_its_lower_tail_twice() -> None:
    rng = np.random.default_rng(4)
    bank = rng.normal(size=(20, 30))
    bank[np.arange(20), np.arange(20)] += 20  # each has its own kind here
    plain, mirrored = NullModel.fit(bank), NullModel.fit(bank, mirrored=True)
    lower = null_z(bank)[null_z(bank) <= 0]
    expected = np.sort(np.r_[lower, -lower])
    assert mirrored.size == len(expected)
    np.testing.assert_array_equal(mirrored.tail, expected[-len(mirrored.tail) :])
    assert mirrored.tail[-1] < 5 < plain.tail[-1]


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(0, 39))
def test_a_text_that_matches_something_is_found_among_the_bank(seed: int, planted: int) -> None:
    rng = np.random.default_rng(seed)
    bank = rng.normal(size=(40, 300))
    bank[planted, :5] += 15
    assert NullModel.fit(bank).fat[planted]


@pytest.mark.parametrize("n", [7, 88, 1000])
@pytest.mark.parametrize("family", FAMILIES)
def test_hardly_any_clean_text_is_left_out(family: str, n: int) -> None:
    rng = np.random.default_rng(5)
    shares = [NullModel.fit(FAMILIES[family](rng, (64, n))).fat.mean() for _ in range(30)]
    assert np.mean(shares) < 0.01


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7])
def test_few_images_and_equal_scores_have_a_finite_z(n: int) -> None:
    for bank in (np.random.default_rng(6).normal(size=(20, n)), np.full((20, n), 0.3)):
        model = NullModel.fit(bank)
        z = model.z(np.full(n, 0.2))
        assert np.isfinite(z).all()
        assert ((model.p(z) > 0) & (model.p(z) <= 1)).all()
        assert not NullModel.fit(np.full((20, n), 0.3)).fat.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    bank = np.zeros((20, 8))
    bank[3, 4] = bad
    with pytest.raises(ValueError, match="finite"):
        NullModel.fit(bank)
    with pytest.raises(ValueError, match="finite"):
        null_z(bank)


@given(st.integers(20, 30), st.integers(1, 60), st.integers(0, 999), st.floats(-1, 6))
def test_what_stands_out_is_what_is_discovered_among_all_p(
    texts: int, n: int, seed: int, lift: float
) -> None:
    rng = np.random.default_rng(seed)
    model = NullModel.fit(rng.standard_normal((texts, n)))
    z = rng.standard_normal(n) + lift * (rng.random(n) < 0.3)
    np.testing.assert_array_equal(model.stand_out(z), discoveries(model.p(z)))
