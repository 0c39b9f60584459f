"""The API: what it describes is what it does, and one embedder's trouble is its own."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image

import diptych
from diptych.embedders.budget import Budget
from diptych.images import collection as opened
from diptych.pipeline import reading
from diptych.queries import TextQuery
from diptych.result import QueryResult
from diptych.web.history import History
from diptych.web.query_queue import QueryQueue
from diptych.web.state import PageState
from served_page import COLOURS, EACH, Steered, client, served, wait_until_ready
from support import need, picture_bytes

ALL = EACH * len(COLOURS)


def ask(http: httpx.Client, text: str, **more: Any) -> dict[str, Any]:
    answers: dict[str, Any] = http.post("/api/search", json={"text": text} | more).json()["answers"]
    return answers


def test_hits_are_those_of_the_workbench(pictures: Path, tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    with served(pictures, ["palette", "random"], store) as page, client(page) as http:
        wait_until_ready(http)
        found = ask(http, "a red picture", k=7)
        described = http.get("/api/comparison", params={"text": "a red picture", "k": 7}).json()
    compared = diptych.compare(pictures, ["palette", "random"], ["a red picture"], k=7, store=store)
    expected = json.loads(compared.to_json() or "")
    assert described["queries"] == expected["queries"]
    for name, ranking in expected["queries"][0]["rankings"].items():
        assert found[name]["state"] == "answered"
        plain = [
            {key: hit[key] for key in ("rank", "image", "id", "label", "score")} for hit in ranking["hits"]
        ]
        assert found[name]["hits"] == plain


def test_a_slow_embedder_holds_up_nobody(pictures: Path, tmp_path: Path) -> None:
    slow = Steered("slow")
    with served(pictures, ["palette", slow], tmp_path / "s.sqlite") as page, client(page) as http:
        wait_until_ready(http)
        slow.may_answer.clear()
        came: list[dict[str, Any]] = []
        waiting = threading.Thread(target=lambda: came.append(ask(http, "red", embedders=["slow"])))
        waiting.start()
        assert ask(http, "red", embedders=["palette"])["palette"]["state"] == "answered"
        shown = http.get("/answer", params={"text": "red"}).text
        assert 'class="col-0' in shown
        assert 'data-embedder="1"' in shown  # the place of the one that has not answered
        assert came == []
        slow.may_answer.set()
        waiting.join()
        assert came[0]["slow"]["state"] == "answered"


def test_a_failing_embedder_says_why_and_may_be_asked_again(pictures: Path, tmp_path: Path) -> None:
    failing = Steered("failing")
    with served(pictures, ["palette", failing], tmp_path / "s.sqlite") as page, client(page) as http:
        wait_until_ready(http)
        failing.fails = True
        answers = ask(http, "red")
        assert answers["palette"]["state"] == "answered"
        assert answers["failing"]["state"] == "failed"
        said = "failing failed on the query 'red': the service is having a bad day"
        assert answers["failing"]["reason"] == said
        failing.fails = False
        assert ask(http, "red")["failing"]["state"] == "answered"


def test_questions_that_come_together_are_embedded_together(pictures: Path, tmp_path: Path) -> None:
    held = Steered("held")
    with served(pictures, [held], tmp_path / "s.sqlite") as page, client(page) as http:
        wait_until_ready(http)
        before = held.calls
        held.may_answer.clear()
        threads = [threading.Thread(target=ask, args=(http, f"query {n}")) for n in range(12)]
        for thread in threads:
            thread.start()
        held.may_answer.set()
        for thread in threads:
            thread.join()
        assert before < held.calls <= before + 12
        assert all(ask(http, f"query {n}")["held"]["state"] == "answered" for n in range(12))


def test_who_stops_waiting_takes_nobody_along(tmp_path: Path) -> None:
    held = Steered("held")
    held.may_answer.clear()
    with diptych.Store(tmp_path / "s.sqlite") as store:
        queue_ = QueryQueue(held, store, Budget(0.0))
        first, second = (queue_.ask([TextQuery(text)]).answered for text in ("first", "second"))
        assert second is not None
        second.cancel()
        held.may_answer.set()
        third = queue_.ask([TextQuery("third")]).answered
        assert first is not None
        assert third is not None
        assert first.result(60) is third.result(60) is None


def test_the_page_works_on_what_there_is_while_more_is_embedded(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.0)
    slow, store, some = Steered("slow"), tmp_path / "s.sqlite", tmp_path / "some"
    for label in ("red", "blue"):
        shutil.copytree(pictures / label, some / label)
    diptych.Workbench(some, [slow], store=store).embed()  # an earlier run came so far
    slow.may_see = threading.Semaphore(0)
    with served(pictures, ["palette", slow], store) as page, client(page) as http:
        # Until the one is ready and what the other had before is taken in.
        while (state := http.get("/api/state").json())["embedders"][0]["state"] != "ready" or state[
            "ranked"
        ] != 2 * EACH:
            time.sleep(0.01)
        indexing = state["embedders"][1]
        assert (indexing["state"], indexing["done"], indexing["total"]) == ("embedding", 0, ALL - 2 * EACH)
        found = ask(http, "red", k=100)
        assert {len(answer["hits"]) for answer in found.values()} == {2 * EACH}
        slow.may_see.release(1000)
        state = wait_until_ready(http)
        assert state["ranked"] == ALL
        assert {len(answer["hits"]) for answer in ask(http, "red", k=100).values()} == {ALL}


def test_the_pages_embedders_share_what_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what one that began sooner has ahead: a window, and the batches it is at."""
    count, ahead = 120, 40
    (tmp_path / "pictures").mkdir()
    for number in range(count):
        (tmp_path / "pictures" / f"{number}.png").write_bytes(picture_bytes((number, 0, 5)))
    decoded: list[bytes] = []
    plain = opened.decoded

    def noted(data: bytes, *arguments: Any, **named: Any) -> AbstractContextManager[Image.Image]:
        decoded.append(data)
        return plain(data, *arguments, **named)

    monkeypatch.setattr(opened, "decoded", noted)
    monkeypatch.setattr(reading, "PATIENCE", 600.0)  # however busy this machine is, neither is slow
    monkeypatch.setattr(reading, "DECODERS", 2)
    both = [Steered("first"), Steered("second")]
    for embedder in both:
        embedder.may_see = threading.Semaphore(0)
    with served(tmp_path / "pictures", both, tmp_path / "s.sqlite") as page, client(page) as http:
        while not all(embedder.sees.wait(0.1) for embedder in both):
            assert http.get("/api/state").is_success
        for embedder in both:
            embedder.may_see.release(1000)
        state = wait_until_ready(http)
    assert [one["state"] for one in state["embedders"]] == ["ready", "ready"]
    assert state["ranked"] == count == len(set(decoded))
    assert len(decoded) <= count + ahead


def test_nothing_is_spent_that_was_not_allowed(pictures: Path, tmp_path: Path) -> None:
    dear = Steered("dear", price=0.01)
    with served(pictures, ["palette", dear], tmp_path / "s.sqlite") as page, client(page) as http:
        state = wait_until_ready(http)
        assert [one["state"] for one in state["embedders"]] == ["ready", "asks"]
        assert state["embedders"][1]["asks"] == pytest.approx(ALL * 0.01, abs=0.1)
        assert ask(http, "red")["dear"]["state"] == "asks"
        assert dear.calls == 0
        state = http.post("/api/allow", json={"dollars": 0.3}).json()
        state = wait_until_ready(http)
        assert state["embedders"][1]["state"] == "ready"
        assert 0.24 <= state["spent"] <= state["allowed"] == 0.3
        assert ask(http, "blue", live=True)["dear"]["state"] == "waits"
        assert ask(http, "blue")["dear"]["state"] == "answered"
        http.post("/api/allow", json={"dollars": 0.0})  # what was allowed is not taken back
        long = "red " * 249
        many = [ask(http, f"{long}{n}")["dear"]["state"] for n in range(8)]
        assert many[-1] == "asks"
        assert http.get("/api/state").json()["spent"] <= 0.3


def test_a_threshold_saved_on_the_page_is_the_one_that_the_command_line_saves(
    pictures: Path, tmp_path: Path
) -> None:
    store = tmp_path / "s.sqlite"
    bench = diptych.Workbench(pictures, ["palette"], store=store)
    for picture in bench.collection.pictures[::3]:
        bench.judge("red", picture.id, int(picture.label == "red"))
    learned = bench.learn_threshold(["red"]).saved()
    assert learned.unjudged > 0
    with served(pictures, ["palette"], store) as page, client(page) as http:
        wait_until_ready(http)
        asked = {"embedder": "palette", "value": learned.value}
        saved = http.get("/export/threshold.json", params=asked).json()
    assert saved == {"diptych_threshold": 1} | json.loads(json.dumps(dataclasses.asdict(learned)))


def test_the_page_judges_and_evaluates_from_the_workbenchs_own_matrices(
    pictures: Path, tmp_path: Path
) -> None:
    bench = diptych.Workbench(pictures, ["palette", "random"], store=tmp_path / "s.sqlite")
    compared = bench.compare(["red"], k=10)
    state = PageState(bench)
    state.start()
    while len(state.ready) < 2:
        time.sleep(0.01)
    bench.judge("red", compared.queries[0].rankings["palette"][0].id, 1)
    assert state.said().relevance is not None
    assert state.evaluation().queries[0].rankings == compared.queries[0].rankings
    assert len(state.pool("red", 5).images) >= 5
    (snapshot, _), whole = state.ready_answers([TextQuery("red")]), bench.index.snapshot(state.ready)
    assert state.index is bench.index
    for name, searcher in whole.searchers.items():
        assert np.shares_memory(searcher.units[:], snapshot.searchers[name].units[:])


def test_over_all_that_was_asked_the_page_says_whether_they_rank_alike(
    pictures: Path, tmp_path: Path
) -> None:
    with served(pictures, ["palette", "random"], tmp_path / "s.sqlite") as page, client(page) as http:
        wait_until_ready(http)
        ask(http, "red", keep=True)
        assert "queries together" not in http.get("/evaluate").text
        ask(http, "green", keep=True)
        text = http.get("/evaluate").text
    assert "All 2 queries together" in text
    together = text.partition("queries together")[2].partition("</section>")[0]
    assert "on average over 2 queries (by luck: about" in together
    assert "Same first picture in" in together
    assert re.search("<b>palette</b>: (A break for|No clear break for any)", together)
    assert "Is one better?" not in together


def test_before_anything_is_judged_a_threshold_has_nothing_to_be_tried_on(
    pictures: Path, tmp_path: Path
) -> None:
    with served(pictures, ["palette"], tmp_path / "s.sqlite") as page, client(page) as http:
        wait_until_ready(http)
        scores = http.get("/api/scores", params={"embedder": "palette"})
        tried = http.get("/api/threshold", params={"embedder": "palette", "value": 0.5})
    assert (scores.status_code, scores.json()["scores"]) == (200, [])
    assert (tried.status_code, tried.json()["judged"]) == (200, 0)


def test_a_full_history_drops_what_was_asked_first_even_where_it_was_looked_at_again() -> None:
    history, texts = History(), [TextQuery(f"query {number}") for number in range(202)]
    for text in texts[:200]:
        history.add(text)
    history.note(texts[0], QueryResult(query="query 0", kind="text", rankings={}))
    history.add(texts[1])  # asked again
    history.add(texts[200])
    history.add(texts[201])
    kept = [past.name for past in history.entries()]
    assert kept == [f"query {number}" for number in (201, 200, 1, *range(199, 2, -1))]


def test_a_workbench_hands_out_the_link(pictures: Path, tmp_path: Path) -> None:
    page = diptych.Workbench(pictures, ["palette"], store=tmp_path / "s.sqlite").serve()
    assert page.url in page._repr_html_()
    assert httpx.get(page.url).status_code == 200
    page.close()


@pytest.fixture(scope="module")
def application(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = tmp_path_factory.mktemp("store") / "store.sqlite"
    with served(pictures, ["palette", "random"], store) as page, client(page) as http:
        wait_until_ready(http)
        ask(http, "red", keep=True)
        hit = ask(http, "red")["palette"]["hits"][0]
        http.post("/api/judgments", json={"text": "red", "picture": hit["id"], "grade": 1})
        yield str(http.base_url).rstrip("/")


def test_whatever_is_sent_there_is_no_fault_of_the_server(application: str) -> None:
    need("schemathesis")
    import schemathesis
    from schemathesis.checks import not_a_server_error

    schema = schemathesis.openapi.from_url(f"{application}/api/openapi.json")
    operations = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        operations += 1

        @settings(max_examples=12, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def never_fails(case: Any) -> None:
            answer = case.call(base_url=application, headers={"Origin": application})
            case.validate_response(answer, checks=[not_a_server_error])

        never_fails()
    assert operations >= 15
