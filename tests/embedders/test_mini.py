"""The models in the package: that they are there, small, and what their cards say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import diptych
from diptych.embedders import EmbedderUnavailable, load, mini
from diptych.embedders.base import InputRejected
from diptych.embedders.cards import cards
from diptych.embedders.mini.embedder import MiniEmbedder
from diptych.embedders.mini.words import split
from diptych.errors import DiptychError, DiptychWarning

MODELS = Path(mini.__file__).parent / "models"
LIMITS = {"mini-s": 3_000_000, "mini-b": 8_000_000}
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8))


def recalls(name: str) -> list[float]:
    """The held-out figures in a model's card: recall@1, @5, @10 of scenes, then of combinations."""
    card = (MODELS / name / "README.md").read_text(encoding="utf-8")
    return [float(found) for found in re.findall(r"recall@\d+ ([01]\.\d+)", card)]


@pytest.mark.parametrize("name", LIMITS)
def test_a_model_is_there_by_its_name_and_small(name: str) -> None:
    embedder = load(name)
    assert embedder.info.name == name
    assert embedder.info.provider == "mini"
    assert embedder.info.model.startswith(f"{name}@")
    assert embedder.info.licence == "apache-2.0"
    assert embedder.info.max_text_tokens == 32
    assert sum(path.stat().st_size for path in (MODELS / name).rglob("*")) < LIMITS[name]
    vectors = embedder.embed_images([embedder.prepare_image(PICTURE)])
    assert vectors.shape == embedder.embed_texts(["a wolf"]).shape == (1, embedder.info.dimension)


def test_the_names_alone_and_with_the_provider_are_the_same_models() -> None:
    assert load("mini:b").info.fingerprint == load("mini-b").info.fingerprint
    assert load("mini:s").info.fingerprint == load("mini-s").info.fingerprint
    assert load("mini-s").info.fingerprint != load("mini-b").info.fingerprint


def test_vectors_are_filed_alike_wherever_the_package_lies(tmp_path: Path) -> None:
    shutil.copytree(MODELS / "mini-s", tmp_path / "elsewhere")
    assert MiniEmbedder(tmp_path / "elsewhere").info.fingerprint == load("mini-s").info.fingerprint


def test_mini_s_is_about_a_quarter_of_mini_b() -> None:
    sizes = {name: (MODELS / name / "weights.npz").stat().st_size for name in LIMITS}
    assert 0.2 < sizes["mini-s"] / sizes["mini-b"] < 0.33


@pytest.mark.parametrize(("spec", "message"), [("mini:x", "write mini-s or mini-b"), ("mini", "mini-b")])
def test_another_model_is_refused_in_one_line(spec: str, message: str) -> None:
    with pytest.raises(EmbedderUnavailable, match=message) as caught:
        load(spec)
    assert "\n" not in str(caught.value)


def test_an_option_is_refused_and_a_misspelt_name_set_right() -> None:
    with pytest.raises(EmbedderUnavailable, match="mini has no option variant"):
        load("mini-b?variant=fp16")
    with pytest.raises(DiptychError, match="mini-b"):
        load("minib")


def test_the_list_of_embedders_says_what_they_know_and_what_not() -> None:
    card = cards()["mini"]
    assert load(card.spec).info.provider == "mini"
    assert card.missing() is None
    for words in ("mini-s", "mini-b", "drawn", "nothing of photographs"):
        assert words in card.about


@pytest.mark.parametrize("name", LIMITS)
def test_a_model_has_a_card_with_its_figures_and_limits(name: str) -> None:
    card = (MODELS / name / "README.md").read_text(encoding="utf-8")
    assert f"# {name}" in card
    assert "What it does not know" in card
    assert "Apache-2.0" in card
    assert len(recalls(name)) == 6


def test_the_figures_in_the_cards_order_as_the_sizes_promise() -> None:
    scenes_at_1, _, scenes_at_10, combinations_at_1, *_ = recalls("mini-b")
    assert scenes_at_1 >= 0.85
    assert scenes_at_10 >= 0.98
    assert recalls("mini-s")[0] < scenes_at_1 - 0.05
    assert recalls("mini-s")[3] < combinations_at_1


@pytest.mark.parametrize("name", LIMITS)
def test_the_catalogue_says_what_the_models_are(name: str) -> None:
    (card,) = (model for model in mini.CARD.models if model.spec == name)
    info = load(name).info
    assert (card.dimension, card.text_tokens) == (info.dimension, info.max_text_tokens)
    assert info.preprocessing.startswith(f"{card.sees},")


@pytest.mark.parametrize("name", LIMITS)
def test_the_figures_in_a_card_and_its_log_agree(name: str) -> None:
    log = Path(__file__).resolve().parents[2] / "training" / f"{name}.log"
    figures = [
        line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(f"{name}  held-out")
    ]
    card = (MODELS / name / "README.md").read_text(encoding="utf-8")
    assert all(line in card for line in figures[-2:])


def test_an_unknown_word_is_embedded_and_says_less_than_a_known_one() -> None:
    bench = diptych.Workbench("sample", ["mini-b"])
    known, unknown = (bench.search(text, k=120).queries[0].rankings["mini-b"] for text in ("wolf", "zqvxjk"))
    assert known[0].score > unknown[0].score


def test_a_text_is_read_by_its_words_whatever_is_around_them() -> None:
    assert split("  A Wolf—left of a\tCAFÉ’s “owl”!") == ["a", "wolf", "left", "of", "a", "cafe", "s", "owl"]
    assert split("") == split(" …! ") == []
    embedder = load("mini-b")
    plain, dressed = embedder.embed_texts(["two red apples", "Two  RED, apples."])
    np.testing.assert_array_equal(plain, dressed)


def test_a_long_text_is_cut_and_said_so_and_what_is_no_text_refused() -> None:
    embedder = load("mini-s")
    with pytest.warns(DiptychWarning, match="cut after 32 tokens, all that mini-s reads: wolf wolf"):
        vectors = embedder.embed_texts(["wolf " * 31, "wolf " * 32])
    np.testing.assert_allclose(*vectors, atol=1e-5)
    with pytest.raises(InputRejected, match="not valid Unicode"):
        embedder.embed_texts(["\ud800"])
    assert embedder.embed_texts([]).shape == embedder.embed_images([]).shape == (0, 96)


@pytest.mark.parametrize("name", LIMITS)
def test_a_vector_does_not_depend_on_what_is_embedded_with_it(name: str) -> None:
    embedder = load(name)
    texts = ["wolf", "a small green apple left of two birds", ""]
    alone = np.vstack([embedder.embed_texts([text]) for text in texts])
    np.testing.assert_allclose(embedder.embed_texts(texts), alone, atol=1e-5)
    pictures = [embedder.prepare_image(PICTURE), embedder.prepare_image(PICTURE.rotate(180))]
    alone = np.vstack([embedder.embed_images([picture]) for picture in pictures])
    np.testing.assert_allclose(embedder.embed_images(pictures), alone, atol=1e-5)
