"""A collection as one embedder sees it: which null a query is compared with, and what is left out of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from diptych.analysis.standing import ImageBackground, Standing, TextBackground, stand_alone
from diptych.queries import ImageQuery, Query, TextQuery
from diptych.retrieval.null_bank import EmbeddedBank, default_bank, related
from diptych.retrieval.search import normalise, score_all, search
from diptych.retrieval.searcher import Searcher

DIMENSION = 64


def units(seed: int, count: int) -> np.ndarray:
    return normalise(np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32))


def ids(n: int) -> list[str]:
    return [f"id {row}" for row in range(n)]


def picture(image_id: str) -> ImageQuery:
    return ImageQuery(name="a picture", id=image_id, image=Image.new("RGB", (2, 2)))


def same(one: Standing, other: Standing) -> bool:
    np.testing.assert_array_equal(one.z, other.z)
    np.testing.assert_array_equal(one.matches, other.matches)
    return one.stratification == other.stratification


@pytest.fixture(scope="module")
def bank() -> EmbeddedBank:
    return EmbeddedBank(default_bank(), units(1, 64))


def stand(searcher: Searcher, query: Query, vector: np.ndarray) -> Standing:
    (answer,) = searcher.answer([query], vector[None], 5)
    return answer.standing


def test_hits_and_scores_are_those_of_search_for_each_query(bank: EmbeddedBank) -> None:
    images, vectors = units(2, 50), units(3, 3)
    answers = Searcher(ids(50), images, bank).answer([TextQuery(text) for text in "abc"], vectors, 7)
    for answer, ranking, scores in zip(
        answers, search(images, vectors, 7), score_all(images, vectors), strict=True
    ):
        np.testing.assert_array_equal(answer.ranking.rows, ranking.rows)
        np.testing.assert_array_equal(answer.scores, scores)


def test_a_text_is_held_against_the_bank_without_what_is_related_to_it(bank: EmbeddedBank) -> None:
    images, vector, query = units(2, 50), units(3, 1)[0], TextQuery("a horse on a beach")
    left_out = related(bank.texts, query)
    assert {bank.texts[row].text for row in left_out} == {"a horse race", "a sandy beach with palm trees"}
    searcher, background = Searcher(ids(50), images, bank), TextBackground(score_all(images, bank.units))
    scores = score_all(images, vector[None])[0]
    assert same(stand(searcher, query, vector), background.stand(scores, left_out))
    assert same(stand(searcher, TextQuery("zebra"), vector), background.stand(scores))
    (answer, unrelated) = searcher.answer([query, TextQuery("zebra")], np.stack([vector, vector]), 5)
    assert set(answer.related) == {bank.texts[row].text for row in left_out}
    assert unrelated.related == ()
    assert (searcher.bank_texts, searcher.why_no_bank) == (64, None)
    np.testing.assert_array_equal(searcher.null.effect, background.model.effect)


def test_texts_that_match_something_here_are_named_and_left_out(bank: EmbeddedBank) -> None:
    images = units(2, 50)
    vectors = bank.units.copy()
    vectors[3] = images[4]
    searcher = Searcher(ids(50), images, EmbeddedBank(bank.texts, vectors))
    assert searcher.left_out == (bank.texts[3].text,)


def test_texts_that_score_all_images_alike_are_no_part_of_the_bank(bank: EmbeddedBank) -> None:
    images, vectors = units(2, 50), bank.units.copy()
    vectors[:40] = 0
    searcher = Searcher(ids(50), images, EmbeddedBank(bank.texts, vectors))
    assert (searcher.bank_texts, searcher.why_no_bank) == (24, None)
    query = TextQuery("a horse race and a kitchen sink full of dishes")  # the sink is not there any more
    kept = EmbeddedBank(bank.texts[40:], vectors[40:])
    expected = Searcher(ids(50), images, kept)
    assert same(stand(searcher, query, units(3, 1)[0]), stand(expected, query, units(3, 1)[0]))
    vectors[40:45] = 0
    none = Searcher(ids(50), images, EmbeddedBank(bank.texts, vectors))
    assert none.why_no_bank == "only 19 of the bank's 64 texts tell its images apart"
    assert (none.null, none.bank_texts, none.left_out) == (None, 0, ())


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ("all the same", "it gives all texts the same vector"),
        ("the same but for rounding", "it gives all texts the same vector"),
        ("different where no picture is", "the null bank's texts do not tell its pictures apart"),
    ],
)
def test_a_bank_that_tells_pictures_apart_by_rounding_alone_is_none(
    bank: EmbeddedBank, texts: str, why: str
) -> None:
    """z of hundreds of powers of ten would come out, in units of rounding errors."""
    images = units(2, 50)
    images[:, -1] = 0
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    vectors = np.repeat(bank.units[:1], len(bank.units), axis=0)
    if texts == "the same but for rounding":
        vectors = vectors * np.linspace(1 - 3e-7, 1 + 3e-7, len(vectors), dtype=np.float32)[:, None]
    if texts == "different where no picture is":
        vectors[:, -1] = np.linspace(-0.5, 0.5, len(vectors))
    searcher = Searcher(ids(50), images, EmbeddedBank(bank.texts, vectors))
    assert searcher.why_no_bank == why
    assert (searcher.null, searcher.bank_texts) == (None, 0)
    standing = stand(searcher, TextQuery("zebra"), vectors[0])
    assert (standing.z, standing.stratification.stands_out) == (None, None)


def test_pictures_that_are_all_alike_but_for_rounding_have_no_z_among_each_other(bank: EmbeddedBank) -> None:
    images = np.repeat(units(2, 1), 50, axis=0)
    images = images * np.linspace(1 - 3e-7, 1 + 3e-7, 50, dtype=np.float32)[:, None]
    searcher = Searcher(ids(50), images, EmbeddedBank(why_none="no bank was wanted"))
    assert stand(searcher, picture("id 0"), images[0]).z is None


def test_without_a_bank_a_text_stands_alone_and_it_is_said_why() -> None:
    images, vector = units(2, 50), units(3, 1)[0]
    searcher = Searcher(ids(50), images, EmbeddedBank(why_none="no bank was wanted"))
    assert (searcher.why_no_bank, searcher.null, searcher.bank_texts, searcher.left_out) == (
        "no bank was wanted",
        None,
        0,
        (),
    )
    assert same(stand(searcher, TextQuery("x"), vector), stand_alone(score_all(images, vector[None])[0]))


@pytest.mark.parametrize("n", [20, 50, 64, 100])
def test_a_picture_is_held_against_other_pictures_evenly_spaced(n: int, bank: EmbeddedBank) -> None:
    images = units(2, n)
    rows = np.array([place * n // min(n, 64) for place in range(min(n, 64))])
    assert len(set(rows.tolist())) == len(rows)
    background = ImageBackground(score_all(images, images[rows]), rows)
    scores = score_all(images, images)
    for searcher in (Searcher(ids(n), images, bank), Searcher(ids(n), images, EmbeddedBank(why_none="none"))):
        assert same(stand(searcher, picture("id 7"), images[7]), background.stand(scores[7], itself=7))
        assert same(stand(searcher, picture("another"), images[7]), background.stand(scores[7]))


@pytest.mark.parametrize("n", [1, 7, 8, 19])
def test_a_picture_among_few_stands_alone_and_does_not_count_itself(n: int, bank: EmbeddedBank) -> None:
    images = units(2, n)
    searcher, scores = Searcher(ids(n), images, bank), score_all(images, images[:1])[0]
    found = stand(searcher, picture("id 0"), images[0])
    assert same(found, stand_alone(scores, itself=0))
    assert found.stratification.breakpoint != 1  # its own score of 1 is not a break
    assert same(stand(searcher, picture("another"), images[0]), stand_alone(scores))


def test_no_queries_have_no_answers(bank: EmbeddedBank) -> None:
    assert Searcher(ids(50), units(2, 50), bank).answer([], units(3, 0), 5) == []
