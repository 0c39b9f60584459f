"""The index: filled and asked at once, it answers from one state each, from one matrix, within a bound."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diptych.analysis.standing import Standing
from diptych.embedders import EmbedderInfo
from diptych.embedders.base import Vectors
from diptych.images import Collection, open_collection
from diptych.queries import Query, TextQuery
from diptych.retrieval.index import Index, Snapshot
from diptych.retrieval.null_bank import EmbeddedBank, default_bank
from diptych.retrieval.search import normalise, search
from diptych.retrieval.searcher import Answer, Searcher
from diptych.store.vectors import Store
from support import picture_bytes

DIMENSION = 64


def units(seed: int, count: int) -> np.ndarray:
    return normalise(np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32))


def same(one: Standing, other: Standing) -> bool:
    np.testing.assert_array_equal(one.z, other.z)
    np.testing.assert_array_equal(one.matches, other.matches)
    return one.stratification == other.stratification


class Filled:
    """An embedder whose vectors a test puts into the store; it is never asked to embed a picture."""

    def __init__(self, name: str) -> None:
        self.info = EmbedderInfo(
            name=name, provider="test", model="1", dimension=DIMENSION, preprocessing="", fingerprint=name
        )

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        rows = [np.random.default_rng(len(text)).normal(size=DIMENSION) for text in texts]
        return np.array(rows, np.float32)


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    (tmp_path / "pictures").mkdir()
    for number in range(90):
        path = tmp_path / "pictures" / f"{number:02}.png"
        path.write_bytes(picture_bytes((2 * number, 7, 7), (4, 4)))
    return open_collection(tmp_path / "pictures")


def ask(index: Index, snapshot: Snapshot, name: str, number: int) -> Answer:
    query, unit = TextQuery(f"query {number}"), units(100 + number, 1)
    return index.answers(snapshot, [query], {name: unit}, 5).by_name[0][name]


def from_scratch(snapshot: Snapshot, vectors: dict[str, np.ndarray], number: int) -> Answer:
    """The same answer from vectors alone, without an index."""
    ids = [picture.id for picture in snapshot.pictures]
    matrix = normalise(np.array([vectors[image] for image in ids], np.float32))
    searcher = Searcher(ids, matrix, EmbeddedBank(why_none="none was asked for"))
    (answer,) = searcher.answer([TextQuery(f"query {number}")], units(100 + number, 1), 5)
    return answer


class Rush:
    """Threads that fill an index and threads that ask it, at once; every filling step waits for a look."""

    def __init__(self, index: Index, store: Store, vectors: dict[str, dict[str, np.ndarray]]) -> None:
        self.index, self.store, self.vectors = index, store, vectors
        self.seen: list[tuple[Snapshot, str, int, Answer]] = []
        self._looked, self._filled = threading.Semaphore(0), threading.Event()

    def _fill(self, name: str, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(list(self.vectors[name])).tolist()
        for start in range(0, len(order), 6):
            self._looked.acquire()
            some = order[start : start + 6]
            self.store.put(name, "image", some, np.array([self.vectors[name][image] for image in some]))
            self.index.refresh(Filled(name))

    def _look(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        while not self._filled.is_set():
            snapshot = self.index.snapshot([name for name in self.vectors if self.index.has(name)])
            for name in snapshot.searchers:
                number = int(random.integers(4))
                self.seen.append((snapshot, name, number, ask(self.index, snapshot, name, number)))
            self._looked.release()

    def run(self) -> None:
        with ThreadPoolExecutor(8) as threads:
            looking = [threads.submit(self._look, seed) for seed in range(4)]
            filling = [threads.submit(self._fill, name, seed) for name in self.vectors for seed in (1, 2)]
            for one in filling:
                one.result()
            self._filled.set()
            for one in looking:
                one.result()


def test_threads_that_fill_and_ask_at_once_get_right_answers_of_one_state_each(
    collection: Collection, tmp_path: Path
) -> None:
    store, ids = Store(tmp_path / "s.sqlite"), [picture.id for picture in collection.pictures]
    index = Index(collection, store, [])
    vectors = {name: dict(zip(ids, units(seed, 90), strict=True)) for seed, name in enumerate("ab")}
    for name in vectors:
        index.embed_bank(Filled(name))
    rush = Rush(index, store, vectors)
    rush.run()
    assert len({len(snapshot.pictures) for snapshot, *_ in rush.seen}) > 2
    for snapshot, name, number, answer in rush.seen:  # an older state is still answered from as it was
        expected = from_scratch(snapshot, vectors[name], number)
        for found in (answer, ask(index, snapshot, name, number)):
            np.testing.assert_array_equal(found.scores, expected.scores)
            np.testing.assert_array_equal(found.ranking.rows, expected.ranking.rows)
    assert [picture.id for picture in index.snapshot(["a", "b"]).pictures] == ids


def test_some_pictures_are_ranked_from_the_same_matrix_as_all(collection: Collection, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    ids = [picture.id for picture in collection.pictures]
    index = Index(collection, store, default_bank())
    one, other = Filled("one"), Filled("other")
    store.put("one", "image", ids, units(1, 90))
    store.put("other", "image", ids[::3], units(2, 30))
    for embedder in (one, other):
        index.embed_bank(embedder)
        index.refresh(embedder, {image: "refused" for image in ids if image not in ids[::3]})
    all_of, some_of = index.snapshot(["one"]), index.snapshot(["one", "other"])
    assert (len(all_of.pictures), len(some_of.pictures)) == (90, 30)
    assert all_of.searchers["one"].units.base is None  # the matrix itself
    assert np.shares_memory(all_of.searchers["one"].units, some_of.searchers["one"].units._matrix)
    query, unit = TextQuery("query"), units(3, 1)
    found = index.answers(some_of, [query], {"one": unit}, 30).by_name[0]["one"]
    copied = Searcher(ids[::3], all_of.searchers["one"].units[::3], index.bank("one"))
    (expected,) = copied.answer([query], unit, 30)
    np.testing.assert_array_equal(found.ranking.rows, expected.ranking.rows)
    np.testing.assert_array_equal(found.scores, expected.scores)
    assert same(found.standing, expected.standing)
    first = some_of.searchers["one"].first(unit, 7)
    np.testing.assert_array_equal(first.rows, expected.ranking.rows[:7])
    assert len(index.skipped(["one", "other"])) == 60


def test_an_answer_is_made_once_whoever_asks_at_the_same_time_and_remembered_within_a_bound(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "s.sqlite")
    ids = [picture.id for picture in collection.pictures]
    store.put("one", "image", ids, units(1, 90))
    monkeypatch.setattr("diptych.retrieval.index._ANSWER_BYTES", 20 * 2**16)  # of twenty answers
    index = Index(collection, store, [])
    index.embed_bank(Filled("one"))
    index.refresh(Filled("one"))
    snapshot = index.snapshot(["one"])
    made: list[str] = []
    answer = Searcher.answer

    def counted(searcher: Searcher, queries: Sequence[Query], *more: Any) -> list[Answer]:
        made.extend(query.name for query in queries)
        return answer(searcher, queries, *more)

    monkeypatch.setattr(Searcher, "answer", counted)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: ask(index, snapshot, "one", number % 4), range(64)))
    assert sorted(made) == [f"query {number}" for number in range(4)]
    for number in range(200):
        ask(index, snapshot, "one", number)
    assert len(index._remembered._values) == 20
    made.clear()
    ask(index, snapshot, "one", 199)  # the last one is still known, the first one is not
    ask(index, snapshot, "one", 0)
    assert made == ["query 0"]


def test_more_hits_are_given_than_were_asked_for_before(collection: Collection, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.put("one", "image", [picture.id for picture in collection.pictures], units(1, 90))
    index = Index(collection, store, [])
    index.embed_bank(Filled("one"))
    index.refresh(Filled("one"))
    snapshot, query, unit = index.snapshot(["one"]), TextQuery("query"), units(3, 1)
    for k in (3, 90, 7, 200):
        answer = index.answers(snapshot, [query], {"one": unit}, k).by_name[0]["one"]
        expected = search(snapshot.searchers["one"].units, unit, k)[0]
        np.testing.assert_array_equal(answer.ranking.rows, expected.rows)
        np.testing.assert_array_equal(answer.ranking.scores, expected.scores)


def test_who_fails_to_make_an_answer_tells_those_that_wait_and_it_can_be_made_again(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.put("one", "image", [picture.id for picture in collection.pictures], units(1, 90))
    index = Index(collection, store, [])
    index.embed_bank(Filled("one"))
    index.refresh(Filled("one"))
    snapshot = index.snapshot(["one"])
    with monkeypatch.context() as patch:
        patch.setattr(Searcher, "answer", lambda *_: 1 / 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                ask(index, snapshot, "one", 0)
    assert len(ask(index, snapshot, "one", 0).ranking.rows) == 5
