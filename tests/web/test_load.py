"""Several people judge at once: what judgments say is made in the background, once for every state."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest

import diptych
from diptych.embedders import load
from diptych.images import decode
from diptych.result import assess
from diptych.web import pictures as page_pictures
from diptych.web import state as page_state
from served_page import client, served, wait_until_ready
from support import picture_bytes

PEOPLE = 8
EACH = 6


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often what judgments say was computed, by the name of the thread that did it."""
    threads: Counter[str] = Counter()

    def counted(*arguments: Any, **options: Any) -> Any:
        threads[threading.current_thread().name] += 1
        return assess.assess(*arguments, **options)

    monkeypatch.setattr(page_state, "assess", counted)
    return threads


def verdict(http: httpx.Client, **asked: Any) -> dict[str, Any]:
    said: dict[str, Any] = http.get("/api/verdict", params=asked).raise_for_status().json()
    return said


def test_what_judgments_say_is_made_once_per_state_and_by_no_request(
    pictures: Path, tmp_path: Path, computed: Counter[str]
) -> None:
    with served(pictures, ["palette", "random"], tmp_path / "s.sqlite") as page:
        with client(page) as http:
            wait_until_ready(http)
            ids = [hit["id"] for hit in hits(http, "red", k=EACH)]

        def judge_and_read(person: int) -> None:
            with client(page) as http:
                text = f"red {person}"
                http.post("/api/search", json={"text": text, "keep": True}).raise_for_status()
                for place, image in enumerate(ids):
                    mark = {"text": text, "picture": image, "grade": place % 2}
                    http.post("/api/judgments", json=mark).raise_for_status()
                    assert verdict(http)["behind"] <= PEOPLE * EACH
                    assert http.get("/evaluate").status_code == 200
                    assert http.get("/api/state").status_code == 200

        with ThreadPoolExecutor(PEOPLE) as people:
            list(people.map(judge_and_read, range(PEOPLE)))
        with client(page) as http:
            said = verdict(http, wait=60)
            again = verdict(http, wait=60)
    assert said == again
    assert (said["judged"], said["queries"], said["current"]) == (PEOPLE * EACH, PEOPLE, True)
    assert set(computed) == {"what judgments say"}
    assert computed.total() <= PEOPLE * EACH + PEOPLE + 1, "a state is a judgment more, or a text more"


def test_however_many_bring_pictures_few_are_in_memory_at_once_and_the_page_answers(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most = Counter[str](), Counter[str]()
    lock, go_on = threading.Lock(), threading.Event()

    def counted(*arguments: Any, **options: Any) -> Any:
        with lock:
            inside["now"] += 1
            most["now"] = max(most["now"], inside["now"])
        go_on.wait()
        try:
            return decode(*arguments, **options)
        finally:
            with lock:
                inside["now"] -= 1

    monkeypatch.setattr(page_pictures, "decode", counted)
    with served(pictures, ["palette"], tmp_path / "s.sqlite") as page, client(page) as http:
        wait_until_ready(http)
        red = hits(http, "red", k=1)[0]["id"]

        def bring(number: int) -> int:
            data = picture_bytes((number, 0, 0), (40, 40))
            return client(page).post("/api/pictures", content=data).status_code

        def look(number: int) -> int:
            size = ("thumbnail", "large")[number % 2]
            return client(page).get(f"/pictures/{red}/{size}").status_code

        with ThreadPoolExecutor(60) as many:  # more than there are threads for requests
            waiting = [many.submit(bring, number) for number in range(50)]
            waiting += [many.submit(look, number) for number in range(10)]
            assert http.get("/api/state").status_code == 200
            assert hits(http, "blue", k=1)
            go_on.set()
            assert {each.result() for each in waiting} == {200}
    assert most["now"] <= page_pictures.AT_ONCE


def hits(http: httpx.Client, text: str, **more: Any) -> list[dict[str, Any]]:
    answers = http.post("/api/search", json={"text": text} | more).raise_for_status().json()["answers"]
    found: list[dict[str, Any]] = next(iter(answers.values()))["hits"]
    return found


@pytest.fixture
def of_two_texts(pictures: Path, tmp_path: Path) -> str:
    """Vectors made elsewhere, of all pictures and of two texts alone."""
    bench = diptych.Workbench(pictures, ["palette"], store=tmp_path / "other.sqlite")
    found = bench.vectors(["red", "blue"])["palette"]
    texts = ["red", "blue"]
    file = tmp_path / "vectors.npz"
    np.savez(
        file,
        vectors=found.vectors,
        names=np.array(found.names),
        texts=np.array(texts),
        text_vectors=np.array([found.text_vectors[found.texts.index(text)] for text in texts]),
    )
    return f"vectors:{file}"


def judged_store(pictures: Path, store: Path, texts: tuple[str, ...]) -> Path:
    bench = diptych.Workbench(pictures, ["palette"], store=store)
    for text in texts:
        for picture in bench.collection.pictures[::2]:
            bench.judge(text, picture.id, int(picture.label == text.split()[0]))
    return store


def test_a_text_that_an_embedder_has_no_vector_of_is_named_and_the_others_are_judged(
    pictures: Path, tmp_path: Path, of_two_texts: str
) -> None:
    store = judged_store(pictures, tmp_path / "s.sqlite", ("red", "blue", "green"))
    with served(pictures, ["palette", of_two_texts], store) as page, client(page) as http:
        wait_until_ready(http)
        said = verdict(http, wait=60)
        assert said["queries"] == 2
        assert "'green'" in said["left_out"]
        assert said["pairs"]
        name = load(of_two_texts).info.name
        shown = http.get("/evaluate")
        assert shown.status_code == 200
        assert "green" in shown.text
        for path in ("/export/evaluation.html", "/export/judgments.csv", "/report?text=red"):
            assert http.get(path).status_code == 200, path
        scores = http.get("/api/scores", params={"embedder": name})
        assert scores.status_code == 200
        assert scores.json()["scores"]
        pool = http.get("/api/pool", params={"text": "green"})
        assert pool.status_code == 400
        assert "green" in pool.json()["detail"]


def test_where_an_embedder_has_a_vector_of_no_text_the_page_says_so_and_goes_on(
    pictures: Path, tmp_path: Path, of_two_texts: str
) -> None:
    store = judged_store(pictures, tmp_path / "s.sqlite", ("green",))
    with served(pictures, ["palette", of_two_texts], store) as page, client(page) as http:
        wait_until_ready(http)
        said = verdict(http, wait=60)
        assert (said["judged"], said["pairs"]) == (0, [])
        assert "'green'" in said["left_out"]
        assert http.get("/evaluate").status_code == 200
        assert http.get("/export/evaluation.html").status_code == 400


def test_a_text_that_an_embedder_refuses_is_left_out_of_an_evaluation_with_a_warning(
    pictures: Path, tmp_path: Path, of_two_texts: str
) -> None:
    store = judged_store(pictures, tmp_path / "s.sqlite", ("red", "blue", "green"))
    bench = diptych.Workbench(pictures, ["palette", of_two_texts], store=store)
    with pytest.warns(diptych.DiptychWarning, match="Left out for every embedder: .*'green'"):
        result = bench.evaluate()
    assert [query.query for query in result.queries] == ["red", "blue"]
    assert result.relevance is not None
    assert any("'green'" in note for note in result.relevance.notes)
    with pytest.raises(diptych.DiptychError, match="'green'"):
        bench.evaluate(["green"])


@pytest.fixture
def slow_to_judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds up what judgments say until it is set."""
    go_on = threading.Event()

    def held(*arguments: Any, **options: Any) -> Any:
        go_on.wait()
        return assess.assess(*arguments, **options)

    monkeypatch.setattr(page_state, "assess", held)
    yield go_on
    go_on.set()


def test_while_a_verdict_is_made_everything_answers_and_the_last_one_is_said_with_how_old_it_is(
    pictures: Path, tmp_path: Path, slow_to_judge: threading.Event
) -> None:
    store = judged_store(pictures, tmp_path / "s.sqlite", ("red", "blue"))
    with served(pictures, ["palette", "random"], store) as page, client(page) as http:
        wait_until_ready(http)
        first = verdict(http, wait=0)
        assert (first["judged"], first["current"]) == (0, False)
        assert "data-behind" in http.get("/evaluate").text
        slow_to_judge.set()
        before = verdict(http, wait=60)
        assert (before["current"], before["behind"]) == (True, 0)
        slow_to_judge.clear()
        for image in [hit["id"] for hit in hits(http, "red", k=3)]:
            http.post(
                "/api/judgments", json={"text": "green", "picture": image, "grade": 0}
            ).raise_for_status()
        now = verdict(http, wait=0)
        assert (now["current"], now["behind"]) == (False, 3)
        assert now["pairs"] == before["pairs"]
        shown = http.get("/evaluate")
        assert "data-behind" in shown.text
        assert "How well each ranks" in shown.text
        with ThreadPoolExecutor(60) as many:  # more than there are threads for requests
            waiting = [many.submit(verdict, http, wait=60) for _ in range(60)]
            assert http.get("/api/state").status_code == 200
            assert http.get("/answer", params={"text": "red"}).status_code == 200
            slow_to_judge.set()
            assert {said.result()["current"] for said in waiting} == {True}
        assert "data-behind" not in http.get("/evaluate").text
