"""Prompt templates: what is sent, what is kept, what it costs, and where it is said."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.embedders import Embedder, load
from diptych.embedders.templates import average, checked, fill, with_templates
from diptych.errors import DiptychError
from diptych.images import open_collection
from diptych.pipeline import embed_queries, is_stored
from diptych.pipeline.estimate import estimate
from diptych.present.html.report import render
from diptych.queries import TextQuery
from diptych.result import Comparison
from diptych.retrieval.search import normalise
from diptych.store.vectors import Store
from diptych.workbench import Workbench
from support import picture_bytes

TEMPLATES = ("a photo of a {}", "{}, drawn", "{}")


class Recorder:
    """An embedder that writes down what it was sent."""

    def __init__(self, inner: Embedder, **facts: Any) -> None:
        self._inner = inner
        self.info = dataclasses.replace(inner.info, name="recorder", **facts)
        self.texts: list[str] = []
        self.images = 0

    def prepare_image(self, image: Any) -> Any:
        return self._inner.prepare_image(image)

    def embed_images(self, prepared: Sequence[Any]) -> Any:
        self.images += len(prepared)
        return self._inner.embed_images(prepared)

    def embed_texts(self, texts: Sequence[str]) -> Any:
        self.texts += texts
        return self._inner.embed_texts(texts)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "templates.sqlite")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.png").write_bytes(picture_bytes((60 * number, 20, 90)))
    return folder


def test_a_query_s_vector_is_the_mean_of_its_sentences_unit_vectors(store: Store) -> None:
    plain = load("random?dimension=8")
    queries = [TextQuery("dog"), TextQuery("cat"), TextQuery("dog")]
    vectors, fresh = embed_queries(queries, with_templates(plain, TEMPLATES), store)
    for query, vector in zip(queries, vectors, strict=True):
        word = query.text
        sentences = plain.embed_texts([f"a photo of a {word}", f"{word}, drawn", word])
        units = sentences / np.linalg.norm(sentences, axis=1, keepdims=True)
        np.testing.assert_allclose(vector, units.mean(axis=0), rtol=1e-6)
    assert fresh == queries[:2]
    assert embed_queries(queries, with_templates(plain, TEMPLATES), store)[1] == []


def test_one_template_is_its_sentence(store: Store) -> None:
    plain = load("random?dimension=8")
    vector = embed_queries([TextQuery("dog")], with_templates(plain, ("a {}",)), store)[0]
    np.testing.assert_array_equal(vector, plain.embed_texts(["a dog"]))


def test_sentences_are_kept_as_the_texts_that_they_are(store: Store) -> None:
    """Nothing of a templated run is ever taken for the plain one, and equal sentences are embedded once."""
    recorder = Recorder(load("random"))
    in_sentences = with_templates(recorder, TEMPLATES[:2])
    embed_queries([TextQuery("dog")], in_sentences, store)
    assert is_stored(TextQuery("dog"), in_sentences, store)
    assert not is_stored(TextQuery("dog"), recorder, store)
    assert is_stored(TextQuery("a photo of a dog"), recorder, store)
    recorder.texts.clear()
    vector, fresh = embed_queries([TextQuery("dog"), TextQuery("a photo of a dog")], recorder, store)
    assert recorder.texts == ["dog"]
    assert fresh == [TextQuery("dog")]
    assert np.abs(vector[0] - vector[1]).max() > 0.01


def test_the_bank_goes_through_the_templates_and_pictures_are_shared(pictures: Path, store: Store) -> None:
    """Else z would measure the words around the query. With and without: one set of picture vectors."""
    recorder = Recorder(load("random"))
    Workbench(pictures, [recorder], store=store).compare(["dog"])
    assert recorder.images == 4
    recorder.texts.clear()
    bench = Workbench(pictures, [recorder], store=store, templates=["a photo of a {}", "a drawing of a {}"])
    found = bench.compare(["dog"])
    assert recorder.images == 4
    assert sorted(recorder.texts) == sorted(
        template.replace("{}", text)
        for text in ["dog", *(text.text for text in bench.bank)]
        for template in ("a photo of a {}", "a drawing of a {}")
    )
    assert found.overall.banks["recorder"].texts > 0
    assert recorder.info.templates == ()  # whoever made it has it as it was


def test_scores_are_those_of_the_mean_vector(pictures: Path, store: Store) -> None:
    bench = Workbench(pictures, ["random?template=a {}|the {}"], store=store)
    found = bench.compare(["dog"])
    plain = load("random")
    names = [picture.name for picture in bench.collection.pictures]
    units = normalise(bench.vectors()[bench.embedders[0].info.name].vectors)
    query = normalise(normalise(plain.embed_texts(["a dog", "the dog"])).mean(axis=0, keepdims=True))
    wanted = dict(zip(names, (units @ query.T)[:, 0], strict=True))
    for hit in found.queries[0].rankings[bench.embedders[0].info.name]:
        assert hit.score == pytest.approx(wanted[hit.image], abs=1e-6)


def test_an_embedder_s_own_templates_go_before_the_run_s(pictures: Path, store: Store) -> None:
    bench = Workbench(pictures, ["random?template=a {}", "palette"], store=store, templates=["the {}"])
    assert [e.info.templates for e in bench.embedders] == [("a {}",), ("the {}",)]


def test_a_comparison_says_what_texts_were_put_into(pictures: Path, store: Store, tmp_path: Path) -> None:
    specs = ["random?template=a <b>photo</b> of a {}|{}", "palette"]
    found = Workbench(pictures, specs, store=store).compare(["a red dog"])
    saved = json.loads(found.to_json())
    assert [e["templates"] for e in saved["embedders"]] == [["a <b>photo</b> of a {}", "{}"], []]
    found.to_json(tmp_path / "found.json")
    opened = Comparison.load(tmp_path / "found.json")
    assert opened.embedders == found.embedders
    page = render(opened)
    assert "“a &lt;b&gt;photo&lt;/b&gt; of a {}”, “{}”: the mean of their unit vectors" in page
    assert page.count("text put into") == 1


def test_every_sentence_is_counted_and_paid_for(pictures: Path, store: Store) -> None:
    recorder = Recorder(load("random"), price_per_1k_characters=2.0, templates=TEMPLATES[:2])
    collection = open_collection(pictures)
    expected = estimate(collection, [TextQuery("dog"), TextQuery("cat")], recorder, store)
    assert expected.texts == 4
    sent = sum(map(len, ["a photo of a dog", "dog, drawn", "a photo of a cat", "cat, drawn"]))
    assert expected.dollars == pytest.approx(sent * 2 / 1000)
    embed_queries([TextQuery("a photo of a dog")], without_templates(recorder), store)
    less = estimate(collection, [TextQuery("dog"), TextQuery("cat")], recorder, store)
    assert less.texts == 3
    assert less.dollars == pytest.approx((sent - len("a photo of a dog")) * 2 / 1000)
    bench = Workbench(collection, [recorder], store=store, bank=[])
    recorder.texts.clear()
    done = bench.compare(["cat"]).work["recorder"]
    assert done.dollars == pytest.approx(sum(map(len, recorder.texts)) * 2 / 1000)
    assert done.queries_embedded == 1


def without_templates(recorder: Recorder) -> Recorder:
    """The same embedder without templates."""
    return Recorder(recorder._inner)


def test_two_sets_of_templates_share_the_price_of_pictures_and_not_that_of_texts(
    pictures: Path, store: Store
) -> None:
    facts = {"price_per_image": 1.0, "price_per_1k_characters": 1000.0}
    plain = Recorder(load("random"), **facts)
    other = Recorder(load("random"), **facts)
    other.info = dataclasses.replace(other.info, name="other", templates=("a {}",))
    allowed = 4 * 1.0 + len("dog") + len("a dog")
    Workbench(pictures, [plain, other], store=store, bank=[], max_cost=allowed).check_budget(
        [TextQuery("dog")]
    )
    tight = Workbench(pictures, [plain, other], store=store, bank=[], max_cost=allowed - 0.5)
    with pytest.raises(DiptychError, match=r"would cost about \$12\.0000"):
        tight.check_budget([TextQuery("dog")])


def test_a_threshold_for_other_templates_is_for_another_embedder() -> None:
    plain = load("random").info
    assert load("random?template=a {}").info.fingerprint == plain.fingerprint
    marks = {load(f"random{option}").info.scoring for option in ("", "?template=a {}", "?template=a {}|{}")}
    assert len(marks) == 3
    assert plain.scoring == plain.fingerprint


@pytest.mark.parametrize("template", ["a photo", "", "a {}|a photo"])
def test_a_template_without_a_place_for_the_query_is_refused(template: str, pictures: Path) -> None:
    with pytest.raises(DiptychError, match=r"has no \{\}, where the query goes"):
        load(f"random?template={template}")
    with pytest.raises(DiptychError, match=r"has no \{\}, where the query goes"):
        Workbench(pictures, ["random"], templates=template.split("|"))


@given(st.lists(st.text(max_size=8).map(lambda text: f"{text}{{}}"), max_size=4), st.text(max_size=12))
def test_every_template_has_the_text_in_it(templates: list[str], text: str) -> None:
    filled = fill(checked(templates), text)
    assert len(filled) == max(1, len(set(templates)))
    assert all(text in sentence for sentence in filled)
    assert fill((), text) == (text,)


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_an_average_ignores_how_long_vectors_are(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 6)).astype(np.float32)
    longer = vectors * rng.uniform(0.5, 20, (count, 1)).astype(np.float32)
    first, second = (mean / np.linalg.norm(mean) for mean in (average(vectors), average(longer)))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_text_that_means_nothing_to_an_embedder_stays_so() -> None:
    np.testing.assert_array_equal(average(np.zeros((2, 3), np.float32)), np.zeros(3))
