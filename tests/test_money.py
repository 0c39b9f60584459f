"""What may be spent bounds what is sent, in every run of the tool and on the page."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

import diptych
from diptych import http
from diptych.embedders.budget import NOTHING, Budget, OverBudget, exact
from diptych.embedders.hosted.failures import TRIES
from diptych.emulators.jina import JinaEmulator
from diptych.emulators.replies import DROPPED, Reply, Request
from diptych.emulators.vertex import VertexEmulator
from diptych.errors import DiptychError
from diptych.images import open_collection
from diptych.pipeline import embed_images, embed_queries
from diptych.present.terminal.rankings import show
from diptych.queries import TextQuery
from diptych.store.vectors import Store
from diptych.web.query_queue import QueryQueue
from diptych.web.server import open_page
from embedders.hosted_cases import Script
from served_page import client, wait_until_ready

EACH = 0.0001


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "a-token-of-the-usual-length")
    monkeypatch.setenv("JINA_API_KEY", "a-key-of-the-usual-length")
    prices = tmp_path / "prices.toml"
    prices.write_text(f'["jina:jina-clip-v2"]\nimage = {EACH}\ntext_1k_characters = 0\n')
    monkeypatch.setenv("DIPTYCH_PRICES", str(prices))
    monkeypatch.setattr(http, "_jitter", SimpleNamespace(uniform=lambda least, _most: least))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "p"
    folder.mkdir()
    random = np.random.default_rng(5)
    for number in range(12):
        pixels = random.integers(0, 200, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(params=[VertexEmulator, JinaEmulator], ids=["one by one", "in batches"])
def service(request: pytest.FixtureRequest) -> Iterator[Script]:
    script = Script(request.param)
    with script.emulator:
        yield script


def spec(service: Script, **options: object) -> str:
    more = "".join(f"&{name}={value}" for name, value in options.items())
    name = "vertex?project=p&" if isinstance(service.emulator, VertexEmulator) else "jina?"
    return f"{name}endpoint={service.emulator.url}&requests_per_minute=0{more}"


def images_in(service: Script) -> int:
    return sum(max(1, request.body.count(b'"image":')) for request in service.requests)


def half(request: Request) -> Reply:
    """As many bytes as are announced never come."""
    return Reply(200, b"{", headers={"content-length": "100"})


@pytest.mark.parametrize("fault", ["silence", "reset", "half"])
def test_no_more_is_sent_than_may_be_paid_for(
    pictures: Path, service: Script, fault: str, tmp_path: Path
) -> None:
    over = threading.Event()
    answers: dict[str, Callable[[Request], Reply]] = {
        "silence": lambda _: (over.wait(20), DROPPED)[1],
        "reset": lambda _: DROPPED,
        "half": half,
    }
    service.always = answers[fault]
    bench = diptych.Workbench(
        pictures, [spec(service, timeout=0.2)], store=tmp_path / "s.sqlite", bank=[], max_cost=0.0013
    )
    with pytest.raises(DiptychError) as caught:
        bench.embed()
    over.set()
    assert images_in(service) <= 13
    assert "\n" not in str(caught.value)
    assert "$" in str(caught.value)


def test_without_a_limit_each_picture_is_sent_three_times_at_most(
    pictures: Path, service: Script, tmp_path: Path
) -> None:
    service.always = lambda _: DROPPED
    with Store(tmp_path / "s.sqlite") as store, pytest.raises(DiptychError, match="failed temporarily"):
        embed_images(open_collection(pictures), diptych.load(spec(service)), store)
    assert 12 <= images_in(service) <= 36


def test_one_picture_that_gets_no_answer_costs_three_requests_and_no_other_picture(
    pictures: Path, service: Script, tmp_path: Path
) -> None:
    own, bad = service.emulator, diptych.load(spec(service)).prepare_image(Image.open(pictures / "03.png"))
    code = base64.b64encode(bad)
    answer = super(type(own), own).answer
    service.always = lambda request: DROPPED if code in request.body else answer(request)
    bench = diptych.Workbench(
        pictures, [spec(service)], store=tmp_path / "s.sqlite", bank=[], max_cost=12 * 3 * EACH
    )
    (filled,) = bench.embed().values()
    assert filled.embedded == 11
    (reason,) = filled.set_aside.values()
    assert "gave no whole answer" in reason
    assert sum(code in request.body for request in service.requests) == 3


def test_what_was_sent_is_told_beside_what_it_brought(
    pictures: Path, service: Script, tmp_path: Path
) -> None:
    answer = super(type(service.emulator), service.emulator).answer
    unanswered: list[Request] = []

    def drop_one(request: Request) -> Reply:
        if b'"image"' in request.body and not unanswered:
            unanswered.append(request)
            return DROPPED
        return answer(request)

    service.always = drop_one
    bench = diptych.Workbench(pictures, [spec(service)], store=tmp_path / "s.sqlite", bank=[])
    compared, again = bench.compare(["red"]), bench.compare(["red"])
    (work,) = compared.work.values()
    lost = unanswered[0].body.count(b'"image":')
    assert work.dollars_sent == pytest.approx(work.dollars + lost * EACH)
    (later,) = again.work.values()
    assert later.dollars_sent == later.dollars == 0
    console = Console(width=400, file=io.StringIO())
    show(compared, console, full=True)
    (line,) = (line for line in console.file.getvalue().splitlines() if "from the store" in line)
    assert f"${work.dollars_sent:.4f} with what was sent in vain)" in line


def test_what_is_refused_or_overloaded_costs_nothing(pictures: Path, service: Script, tmp_path: Path) -> None:
    refusals = TRIES - 1  # One request may meet them all: which thread asks next is left to chance.
    service.first = [service.emulator.refuse(503, "Not now.")] * refusals
    bench = diptych.Workbench(
        pictures, [spec(service)], store=tmp_path / "s.sqlite", bank=[], max_cost=12 * EACH
    )
    (filled,) = bench.embed().values()
    assert filled.embedded == 12
    assert len(service.requests) > refusals


def test_what_costs_just_as_much_as_is_allowed_is_done(
    pictures: Path, service: Script, tmp_path: Path
) -> None:
    assert 12 * 0.0001 > 0.0012, "in floating point"
    bench = diptych.Workbench(
        pictures, [spec(service)], store=tmp_path / "s.sqlite", bank=[], max_cost=0.0012
    )
    assert sum(filled.embedded for filled in bench.embed().values()) == 12
    assert images_in(service) == 12


def test_a_workbench_does_not_spend_more_in_several_runs(
    pictures: Path, service: Script, tmp_path: Path
) -> None:
    bench = diptych.Workbench(
        pictures, [spec(service)], store=tmp_path / "s.sqlite", bank=[], max_cost=0.0012
    )
    bench.embed()
    with pytest.raises(DiptychError, match="nothing was sent"):
        bench.compare([np.zeros((9, 9, 3), np.uint8)])
    assert images_in(service) == 12


@given(
    st.lists(st.tuples(st.sampled_from("pt"), st.integers(0, 50)), max_size=30),
    st.integers(0, 300),
    st.integers(0, 100),
)
def test_a_budget_is_never_overspent_and_nothing_in_it_is_lost(
    steps: list[tuple[str, int]], allowed: int, aside: int
) -> None:
    cent = Decimal("0.0001")
    budget = Budget(float(allowed * cent))
    try:
        mine = budget.reserve(aside * cent)
    except OverBudget:
        assert aside > allowed
        return
    other, paid = budget.reserve(), []
    for number, (what, units) in enumerate(steps):
        funds = (mine, other)[number % 2]
        if what == "t" and paid:
            whose, dollars = paid.pop()
            whose.take_back("e", dollars)
            continue
        try:
            funds.pay("e", units * cent)
        except OverBudget:
            assert units
        else:
            paid.append((funds, units * cent))
        assert (
            budget.spent() == sum((dollars for _, dollars in paid), NOTHING) <= exact(float(allowed * cent))
        )
    mine.close()
    other.close()
    assert budget.left == budget.allowed - budget.spent()


# ------------------------------------------------------------------------------------------------ the store


def test_nothing_is_paid_for_where_the_store_can_not_grow(
    pictures: Path, service: Script, tmp_path: Path
) -> None:
    embedder = diptych.load(spec(service))
    with Store(tmp_path / "s.sqlite") as store:
        (pages,) = store._file.rows("PRAGMA page_count")[0]
        store._file.rows(f"PRAGMA max_page_count = {pages}")  # as a disk without room
        with pytest.raises(DiptychError, match="the disk is full"):
            embed_images(open_collection(pictures), embedder, store)
        with pytest.raises(DiptychError, match="the disk is full"):
            embed_queries([TextQuery("red")], embedder, store)
        assert service.requests == []
        store._file.rows("PRAGMA max_page_count = 1000000")
        assert embed_images(open_collection(pictures), embedder, store).embedded == 12
        assert store.items("room for vectors", "image") == []


def test_nothing_more_is_sent_once_something_could_not_be_stored(
    pictures: Path, service: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is under way then is lost; whatever would be sent again, or next, is not."""
    failed = threading.Event()

    def full(*_: object, **__: object) -> None:
        failed.set()
        raise DiptychError("the store can't grow, the disk is full")

    monkeypatch.setattr(Store, "put", full)
    own = super(type(service.emulator), service.emulator).answer
    after: list[Request] = []

    def answer(request: Request) -> Reply:
        if failed.is_set():
            after.append(request)
        return own(request)

    service.always = answer
    with Store(tmp_path / "s.sqlite") as store, pytest.raises(DiptychError, match="the disk is full"):
        embed_images(open_collection(pictures), diptych.load(spec(service, concurrency=1)), store)
    assert after == []


# ------------------------------------------------------------------------------------------------- the page


def test_a_query_without_an_answer_is_sent_three_times_whoever_waits_with_it(
    service: Script, tmp_path: Path
) -> None:
    answer = super(type(service.emulator), service.emulator).answer
    service.always = lambda request: DROPPED if b"a cat" in request.body else answer(request)
    with Store(tmp_path / "s.sqlite") as store:
        budget = Budget(1.0)
        asked = QueryQueue(diptych.load(spec(service)), store, budget)
        tickets = {text: asked.ask([TextQuery(text)]).answered for text in ("a cat", "a dog", "a cow")}
        with pytest.raises(DiptychError, match="gave no whole answer"):
            tickets["a cat"].result(60)
        assert tickets["a dog"].result(60) is tickets["a cow"].result(60) is None
        assert sum(b"a cat" in request.body for request in service.requests) == 3
        sent = sum(request.body.count(b'"text":') for request in service.requests)
        assert budget.spent() == sent * asked.price([TextQuery("a cat")])
        assert budget.left == budget.allowed - budget.spent()


def test_queries_that_could_not_be_stored_are_not_sent_again(
    service: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DiptychError("the store can't grow, the disk is full")

    monkeypatch.setattr(Store, "put", full)
    with Store(tmp_path / "s.sqlite") as store:
        asked = QueryQueue(diptych.load(spec(service)), store, Budget(1.0))
        tickets = [asked.ask([TextQuery(text)]).answered for text in ("a cat", "a dog")]
        for ticket in tickets:
            with pytest.raises(DiptychError, match="the disk is full"):
                ticket.result(60)
    assert sum(request.body.count(b'"text":') for request in service.requests) == 2


def test_a_page_counts_what_was_sent_and_not_what_was_answered(
    pictures: Path, service: Script, tmp_path: Path
) -> None:
    """What it may spend is just enough for answers that come; of these, none does for one picture."""
    code = base64.b64encode(diptych.load(spec(service)).prepare_image(Image.open(pictures / "03.png")))
    answer = super(type(service.emulator), service.emulator).answer
    service.always = lambda request: DROPPED if code in request.body else answer(request)
    bench = diptych.Workbench(pictures, [spec(service)], store=tmp_path / "s.sqlite", bank=[])
    page = open_page(bench, max_cost=0.0012)
    page.start()
    with client(page) as asking:
        (embedder,) = wait_until_ready(asking)["embedders"]
        assert embedder["state"] == "asks"
        assert embedder["spent"] == pytest.approx(images_in(service) * EACH)
        assert images_in(service) <= 12
        asking.post("/api/allow", json={"dollars": 0.1})
        (embedder,) = wait_until_ready(asking)["embedders"]
        assert embedder["state"] == "ready"
        assert embedder["refused"] == 1
        assert embedder["spent"] == pytest.approx(images_in(service) * EACH)
    page.close()
