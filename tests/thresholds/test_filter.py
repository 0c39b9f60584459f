"""Filtering: exactly what reaches the threshold, each picture to its best query, one after another."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import diptych
from diptych.embedders import EmbedderInfo, InputRejected
from diptych.errors import DiptychError
from diptych.thresholds.filter import Cut
from support import picture_bytes

QUERIES = ["wolf", "guitar", "a train"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> diptych.Workbench:
    return diptych.Workbench("sample", ["mini-s"], store=tmp_path_factory.mktemp("store") / "s.sqlite")


@pytest.mark.parametrize("scale", ["raw", "z"])
@pytest.mark.parametrize("quantile", [0.0, 0.5, 0.97, 1.0])
def test_exactly_what_reaches_the_threshold_passes_and_goes_to_its_best_query(
    bench: diptych.Workbench, scale: str, quantile: float
) -> None:
    answers = bench.answers(QUERIES)
    found = [by_name["mini-s"] for by_name in answers.by_name]
    table = np.array([a.scores if scale == "raw" else a.standing.z for a in found], float)
    value = float(np.quantile(table, quantile))
    expected = {}
    for column, picture in enumerate(answers.pictures):
        passed = {query: table[row, column] for row, query in enumerate(QUERIES)}
        passed = {query: score for query, score in passed.items() if score >= value}
        if passed:
            expected[picture.id] = max(passed, key=lambda query: passed[query])
    got = list(bench.filter(QUERIES, Cut(scale, value)))
    assert {p.picture.id: p.query for p in got} == expected
    assert len(got) == len(expected)
    for passed in got:
        row, column = QUERIES.index(passed.query), answers.pictures.index(passed.picture)
        assert np.float32(passed.score) == found[row].scores[column]
        assert (passed.z is None) == (scale == "raw")
        assert passed.z is None or passed.z == pytest.approx(table[row, column], abs=6e-4)


def test_by_default_what_matches_more_than_unrelated_texts_passes(bench: diptych.Workbench) -> None:
    answers = bench.answers(["wolf"])
    matches = answers.by_name[0]["mini-s"].standing.matches
    assert matches is not None
    expected = [picture.id for picture, hit in zip(answers.pictures, matches, strict=True) if hit]
    assert [p.picture.id for p in bench.filter(["wolf"])] == expected


def test_a_query_that_says_nothing_passes_nothing_by_z(tmp_path: Path) -> None:
    bank = [f"{colour} {n}" for colour in ("red", "green", "blue", "yellow", "white") for n in range(5)]
    bench = diptych.Workbench("sample", ["palette"], store=tmp_path / "s.sqlite", bank=bank)
    assert list(bench.filter(["red"], Cut("z", -100.0)))
    with pytest.warns(diptych.DiptychWarning, match="finds none"):
        assert list(bench.filter(["a word without colour"], Cut("z", -100.0))) == []


@pytest.mark.parametrize(
    ("embedders", "queries", "cut", "words"),
    [
        (["mini-s"], [], None, "nothing to filter by"),
        (["mini-s"], ["  "], None, "a query is empty"),
        (["mini-s", "palette"], ["red"], None, "one embedder"),
    ],
)
def test_what_can_not_be_filtered_is_refused(
    bench: diptych.Workbench, embedders: list[str], queries: list[str], cut: Cut | None, words: str
) -> None:
    with pytest.raises(DiptychError, match=words):
        diptych.Workbench("sample", embedders, store=bench.store).filter(queries, cut)


def test_without_a_bank_there_is_only_the_raw_scale(bench: diptych.Workbench) -> None:
    unbanked = diptych.Workbench("sample", ["mini-s"], store=bench.store, bank=[])
    assert list(unbanked.filter(["wolf"], Cut("raw", -1.0)))
    with pytest.raises(DiptychError, match="mini-s has no z here, none was asked for"):
        list(unbanked.filter(["wolf"]))


class Colours:
    """Embeds a picture as its mean colour, long drawn out, and counts; refuses what is quite black."""

    def __init__(self, dimension: int = 3, price: float | None = None) -> None:
        self.embedded = 0
        self.info = EmbedderInfo(
            name="colours",
            provider="tests",
            model="colours",
            dimension=dimension,
            preprocessing="mean colour",
            fingerprint=f"tests/colours/{dimension}",
            batch_size=4,
            price_per_image=price,
        )

    def prepare_image(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image, np.float32).mean(axis=(0, 1))

    def embed_images(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        if any(not colour.any() for colour in prepared):
            raise InputRejected("black says nothing")
        self.embedded += len(prepared)
        return np.stack([np.resize(colour, self.info.dimension) for colour in prepared]).astype(np.float32)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        colours = ([1.0, len(text) % 5 / 50, len(text) % 3 / 50] for text in texts)  # all of them reds
        return np.stack([np.resize(colour, self.info.dimension) for colour in colours]).astype(np.float32)


def draw(folder: Path, number: int) -> Path:
    folder.mkdir()
    for n in range(number):
        colour = (255, n % 200, n // 200)
        (folder / f"{n:05}.png").write_bytes(picture_bytes(colour, size=(2, 2)))
    return folder


def test_pictures_pass_while_others_wait_to_be_embedded(tmp_path: Path) -> None:
    colours = Colours()
    bench = diptych.Workbench(draw(tmp_path / "p", 200), [colours], store=tmp_path / "s.sqlite")
    passing = iter(bench.filter(["red"], Cut("raw", 0.5)))
    next(passing)
    assert 0 < colours.embedded < 40
    rest = list(passing)
    assert len(rest) == 199
    assert colours.embedded == 200


def test_what_is_stored_comes_first_and_nothing_is_embedded_twice(tmp_path: Path) -> None:
    folder = draw(tmp_path / "p", 30)
    later = [folder / f"{n:05}.png" for n in range(10)]
    kept = {path: path.read_bytes() for path in later}
    for path in later:
        path.unlink()
    diptych.Workbench(folder, [Colours()], store=tmp_path / "s.sqlite").embed()
    for path, data in kept.items():
        path.write_bytes(data)
    colours = Colours()
    bench = diptych.Workbench(folder, [colours], store=tmp_path / "s.sqlite")
    names = [p.picture.name for p in bench.filter(["red"], Cut("raw", 0.0))]
    assert names[:20] == [f"{n:05}.png" for n in range(10, 30)]
    assert sorted(names) == [f"{n:05}.png" for n in range(30)]
    assert colours.embedded == 10


def test_pictures_that_can_not_be_embedded_are_named(tmp_path: Path) -> None:
    folder = draw(tmp_path / "p", 6)
    (folder / "black.png").write_bytes(picture_bytes((0, 0, 0)))
    (folder / "torn.png").write_bytes(picture_bytes()[:60])
    for cut in (Cut("raw", 0.0), None):
        bench = diptych.Workbench(folder, [Colours()], store=tmp_path / f"{cut}.sqlite")
        found = bench.filter(["red"], cut)
        assert len(list(found)) == (0 if cut is None else 6)
        assert {s.name for s in found.skipped} == {"black.png", "torn.png"}


def test_a_dearer_run_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    colours = Colours(price=1.0)
    folder = draw(tmp_path / "p", 5)
    bench = diptych.Workbench(folder, [colours], store=tmp_path / "s.sqlite", max_cost=2.0)
    with pytest.raises(DiptychError, match="nothing was sent"):
        next(iter(bench.filter(["red"], Cut("raw", 0.0))))
    assert colours.embedded == 0


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    """Four times the pictures take hardly more, though their vectors alone are 12 megabytes more."""
    peaks = []
    for number in (512, 2048):
        colours = Colours(dimension=2048)
        bench = diptych.Workbench(
            draw(tmp_path / f"{number}", number), [colours], store=tmp_path / f"{number}.sqlite"
        )
        ids = [picture.id for picture in bench.collection.pictures]
        for start in range(0, number, 512):
            vectors = np.ones((len(ids[start : start + 512]), 2048), np.float32)
            bench.store.put(colours.info.fingerprint, "image", ids[start : start + 512], vectors)
        tracemalloc.start()
        assert sum(1 for _ in bench.filter(["red"], Cut("raw", 0.1))) == number
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert colours.embedded == 0
    assert peaks[1] < peaks[0] + 4e6
