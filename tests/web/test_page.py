"""The page in a real browser, used as a person would: two embedders, one of them hosted, slow and failing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2 as httpx
import pytest

from diptych.embedders import load
from diptych.emulators.vertex import VertexEmulator
from served_page import EACH, Opened, client, served, wait_until_ready
from support import need, picture_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def hosted() -> Iterator[VertexEmulator]:
    """Another pair of eyes, behind a network: slow, and a tenth of its calls fail."""
    with VertexEmulator(load("random"), latency=0.02, error_rate=0.1, seed=4) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def address(
    pictures: Path, hosted: VertexEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VERTEX_ACCESS_TOKEN", "any")
        embedders = ["palette", f"vertex?project=p&requests_per_minute=0&endpoint={hosted.url}"]
        store = tmp_path_factory.mktemp("store") / "store.sqlite"
        with served(pictures, embedders, store, max_cost=1.0) as page, client(page) as http:
            state = wait_until_ready(http)
            assert [one["state"] for one in state["embedders"]] == ["ready", "ready"]
            yield page.url


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opened]:
    opened = Opened(browser, address)
    yield opened
    opened.close()


def test_a_text_is_answered_side_by_side_and_found_again_by_its_address(opened: Opened) -> None:
    opened.ask("a red picture")
    assert opened.hits(0).count() == opened.hits(1).count() == 10
    assert "red" in opened.hits(0).first.inner_text()
    left, right = (opened.page.locator(f"#answer .col-{n} header").bounding_box() for n in (0, 1))
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"]
    assert opened.page.locator("#answer .hinge path").count() > 0
    opened.index()
    opened.page.locator("#history li").first.get_by_role("link", name="a red picture").wait_for()
    order = opened.names(0)
    opened.page.reload()
    opened.settle()
    assert opened.names(0) == order
    assert opened.page.locator("#text").input_value() == "a red picture"


def test_what_is_free_answers_while_typing_and_what_costs_waits_for_enter(
    opened: Opened, hosted: VertexEmulator
) -> None:
    opened.ask("a green picture")
    opened.page.locator("#answer [data-pending]").wait_for(state="detached")  # its null texts are there
    calls = len(hosted.served)
    opened.page.locator("#text").fill("")
    opened.page.locator("#text").press_sequentially("something blue")
    opened.page.locator("#answer h2").get_by_text("“something blue”").wait_for(state="attached")
    opened.hits(0).first.wait_for()
    waiting = opened.page.locator("#answer .waiting")
    assert re.search(r"Press Enter to ask it: about \$0\.0000", waiting.inner_text())
    assert len(hosted.served) == calls
    opened.page.keyboard.press("Enter")
    opened.hits(1).first.wait_for()
    assert len(hosted.served) > calls


def test_pressing_a_picture_looks_for_others_like_it(opened: Opened) -> None:
    opened.ask("a green picture")
    opened.hits(0).first.locator("button.picture").click()
    opened.page.wait_for_url(re.compile("picture="))
    opened.page.locator("#answer .hit em").get_by_text("asked with").first.wait_for()
    opened.settle()
    assert opened.hits(0).filter(has_text="green").count() >= EACH
    opened.page.go_back()
    opened.page.wait_for_url(re.compile("text="))
    opened.page.locator("#answer h2").get_by_text("“a green picture”").wait_for(state="attached")
    assert opened.page.locator("#text").input_value() == "a green picture"


def test_a_picture_from_outside_is_chosen_dropped_or_pasted(opened: Opened) -> None:
    page = opened.page
    red = {"name": "<i>mine.png", "mimeType": "image/png", "buffer": picture_bytes((215, 40, 40))}
    page.locator("#file").set_input_files([red])  # type: ignore[list-item]
    page.get_by_text("like <i>mine.png").wait_for()
    opened.settle()
    assert "red" in opened.hits(0).first.inner_text()
    for kind, colour in (("drop", "blue"), ("paste", "yellow")):
        hand_over(page, kind, list(picture_bytes({"blue": (25, 40, 225), "yellow": (240, 220, 30)}[colour])))
        page.get_by_text(f"like {kind}.png").wait_for()
        opened.settle()
        assert colour in opened.hits(0).first.inner_text()
    page.locator("#file").set_input_files([red | {"buffer": b"no picture"}])  # type: ignore[list-item]
    page.get_by_role("alert").get_by_text("can't be used as a picture").wait_for()
    opened.trouble[:] = [line for line in opened.trouble if "415" not in line]  # the browser's own note


def hand_over(page: Page, kind: str, data: list[int]) -> None:
    """Drop or paste a file, as a browser does."""
    page.evaluate(
        """([kind, data]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(data)], `${kind}.png`, { type: "image/png" }));
            const event = kind === "drop"
                ? new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true })
                : new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event);
        }""",
        [kind, data],
    )


def test_hits_rivals_and_labels_are_chosen(opened: Opened) -> None:
    opened.ask("a white picture")
    opened.page.locator("#k").fill("5")
    opened.hits(0).nth(5).wait_for(state="detached")
    opened.page.wait_for_url(re.compile("k=5"))  # a permalink shows what is seen
    assert opened.hits(0).count() == 5
    opened.page.locator("#label").select_option("blue")
    opened.page.get_by_text(f"{EACH} of {6 * EACH} pictures are ranked").wait_for()
    opened.settle()
    assert opened.hits(1).count() == EACH
    opened.page.locator("#label").select_option("")
    opened.page.locator("#against").fill("a black picture")
    opened.page.locator("#against").press("Enter")
    opened.page.get_by_text("beats its rivals").wait_for()


def test_a_picture_is_seen_large_and_the_same_one_is_marked_in_every_list(opened: Opened) -> None:
    opened.ask("a red picture")
    opened.hits(0).nth(1).hover()
    of = opened.hits(0).nth(1).get_attribute("data-of")
    assert opened.page.locator(f"#answer .on[data-of='{of}']").count() >= 1
    opened.hits(0).nth(1).locator(".enlarge").click()
    large = opened.page.locator("dialog[open]")
    assert large.locator(".caption").inner_text().startswith("2 · ")
    opened.page.keyboard.press("ArrowRight")
    assert large.locator(".caption").inner_text().startswith("3 · ")
    opened.page.keyboard.press("Escape")
    assert large.count() == 0


def test_a_pool_is_judged_by_keyboard_and_the_verdict_changes(opened: Opened, address: str) -> None:
    page = opened.page
    opened.ask("a black picture")
    black = pictures_labelled(address, "black")
    before = judgments(address)
    page.get_by_role("link", name="Judge").click()
    page.get_by_role("button", name="a black picture").click()
    assert page.locator(".table").get_by_text(re.compile("palette|vertex|black/")).count() == 0
    total = left(page)
    page.keyboard.press("s")
    page.get_by_text(f"{total - 1} left").wait_for()
    page.keyboard.press("u")
    page.get_by_text(f"{total} left").wait_for()
    for done in range(1, total + 1):
        give(page, "y" if shown(page) in black else "n")
        page.get_by_text(re.compile(rf"^{total - done} left")).wait_for()
    page.locator("#verdict").get_by_text(f"{before + total} judgments on").wait_for()
    page.locator("#verdict .answer").get_by_text(re.compile("palette.*vertex.* with [0-9]+ quer")).wait_for()
    page.keyboard.press("u")
    page.get_by_text(re.compile("^1 left")).wait_for()
    page.reload()
    page.get_by_text(re.compile("^1 left")).wait_for()  # what was said before is kept, what was undone is not
    give(page, "n")
    page.get_by_text(re.compile("^0 left")).wait_for()


def left(page: Page) -> int:
    words = page.locator("#left").filter(has_text=re.compile("^[0-9]+ left"))
    words.wait_for()
    return int(words.inner_text().split()[0])


def give(page: Page, key: str) -> None:
    """Say y or n by keyboard, once the picture is there to be seen."""
    page.locator(f"[data-key={key}]:enabled").wait_for()
    page.keyboard.press(key)


def judgments(address: str) -> int:
    """How many there are so far."""
    return int(httpx.get(f"{address}api/verdict", timeout=120).json()["judged"])


def shown(page: Page) -> str:
    return (page.locator("#picture").get_attribute("src") or "").split("/")[2]


def pictures_labelled(address: str, label: str) -> set[str]:
    base = address.rstrip("/")
    with httpx.Client(base_url=base, headers={"Origin": base}, timeout=120) as http:
        found = http.post("/api/search", json={"text": label, "k": 100, "embedders": ["palette"]}).json()
    return {hit["id"] for hit in found["answers"]["palette"]["hits"] if hit["label"] == label}


NOT_YET = """
    const ask = fetch, gate = new Promise((open) => { window.openGate = open; });
    window.fetch = async (...all) => {
        if (String(all[0]).startsWith("/api/state")) await gate;
        return ask(...all);
    };
"""
"""Until a test opens the gate, a page does not know whom to ask."""


def test_who_asks_before_the_page_knows_whom_to_ask_is_answered_by_all(
    browser: Browser, address: str
) -> None:
    other = Opened(browser, address, before=NOT_YET)
    other.page.locator("#text").fill("a green picture")
    other.page.keyboard.press("Enter")
    other.page.evaluate("window.openGate()")
    other.settle()
    other.close()


def test_what_is_written_before_the_page_knows_whom_to_ask_stays(browser: Browser, address: str) -> None:
    at_once = 'document.addEventListener("input", () => window.openGate());'
    other = Opened(browser, address, before=NOT_YET + at_once)
    other.page.locator("#text").press_sequentially("a green picture")
    other.page.locator("#answer h2").get_by_text("“a green picture”").wait_for(state="attached")
    assert other.page.locator("#text").input_value() == "a green picture"
    other.close()


def test_going_back_goes_back(opened: Opened) -> None:
    opened.ask("a red picture")
    opened.ask("a blue picture")
    opened.index()
    opened.page.locator("#history").get_by_role("link", name="a red picture").click()
    opened.page.locator("#answer h2").get_by_text("“a red picture”").wait_for(state="attached")
    opened.page.wait_for_url(re.compile("k=10"))
    opened.page.go_back()
    opened.page.locator("#answer h2").get_by_text("“a blue picture”").wait_for(state="attached")
    assert "a+blue+picture" in opened.page.url


def test_another_place_on_the_page_is_no_other_query(opened: Opened) -> None:
    opened.page.locator("#text").press_sequentially("a white picture")
    opened.page.evaluate("location.hash = 'main'")
    opened.page.locator("#answer h2").get_by_text("“a white picture”").wait_for(state="attached")
    assert opened.page.locator("#text").input_value() == "a white picture"


def test_an_answer_that_is_the_same_again_stays_under_the_pointer(opened: Opened) -> None:
    opened.page.locator("#text").press_sequentially("a yellow picture")
    hit = opened.hits(0).first.element_handle()
    opened.page.wait_for_url(re.compile("text=a\\+yellow"))  # it counts as asked now: it was asked again
    asked = opened.page.locator("#history a").filter(has_text="a yellow picture")
    asked.wait_for(state="attached")
    assert hit is not None
    assert hit.evaluate("(hit) => hit.isConnected")


def test_two_windows_lose_none_of_each_others_words(opened: Opened, browser: Browser, address: str) -> None:
    opened.ask("a yellow picture")
    opened.go("judge?text=a+yellow+picture")
    other = Opened(browser, address, "judge?text=a+yellow+picture")
    total = left(opened.page)
    assert left(other.page) == total
    first = shown(other.page)
    give(opened.page, "y")
    opened.page.get_by_text(f"{total - 1} left").wait_for()
    other.page.keyboard.press("s")
    other.page.get_by_text(f"{total - 1} left").wait_for()
    give(other.page, "n")
    other.page.get_by_text(f"{total - 2} left").wait_for()
    give(opened.page, "n")  # what the other window judged meanwhile is not asked again
    opened.page.get_by_text(re.compile(rf"^{total - 3} left|^{total - 2} left")).wait_for()
    other.close()
    grades = httpx.get(f"{address}api/judgments", params={"text": "a yellow picture"}).json()["grades"]
    assert grades[first] == 1
    assert len(grades) == 2


def test_hits_are_marked_where_they_stand_and_found_marked_again(opened: Opened, address: str) -> None:
    before = judgments(address)
    opened.ask("a blue picture")
    hit = opened.hits(0).first
    hit.hover()
    hit.get_by_role("button", name=": relevant").click()
    opened.page.locator("#better").get_by_text(f"{before + 1} judgment").wait_for()
    opened.page.reload()
    marked = opened.hits(0).first.locator("[data-mark=y][aria-pressed=true]")
    marked.wait_for()
    kept = [json.loads(line) for line in httpx.get(f"{address}export/judgments.jsonl").text.splitlines()]
    assert [one["blind"] for one in kept if one["query"] == "a blue picture"] == [False]
    opened.hits(0).first.hover()
    marked.click()
    marked.wait_for(state="detached")


@pytest.fixture(scope="module")
def judged(address: str) -> str:
    """The page once something was judged on it."""
    with httpx.Client(base_url=address, headers={"Origin": address.rstrip("/")}, timeout=120) as http:
        http.post("/api/search", json={"text": "a red picture", "k": 8}).raise_for_status()
        hits = http.post("/api/search", json={"text": "green", "k": 8, "keep": True}).json()["answers"]
        for hit in hits["palette"]["hits"]:
            word = {"text": "green", "picture": hit["id"], "grade": int(hit["label"] == "green")}
            http.post("/api/judgments", json=word).raise_for_status()
    return address


def test_a_threshold_moves_and_everything_can_be_taken_away(opened: Opened, judged: str) -> None:
    page = opened.page
    opened.go("evaluate")
    effect = page.locator("#effect")
    effect.get_by_text(re.compile("precision .* recall")).wait_for()
    before = effect.inner_text()
    assert page.locator("#above li, #below li").count() > 0
    page.locator("#value").focus()
    page.keyboard.press("End")
    effect.get_by_text(re.compile("^ ?0 of [0-9]+ judged pictures kept")).wait_for()
    page.get_by_role("button", name="best F1").click()
    page.get_by_text(before).wait_for()
    taken = {}
    links = ("Save the threshold", "Judgments as CSV", "as JSON Lines", "as TREC qrels", "as a report")
    for name in links:
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        taken[name] = download.value.path().read_text()
    assert json.loads(taken["Save the threshold"])["embedder"] == "palette"
    assert taken["Judgments as CSV"].startswith("query,")
    assert all(len(line.split()) == 4 for line in taken["as TREC qrels"].splitlines())
    assert "data:image/webp" in taken["as a report"]
    assert "“green”" in taken["as a report"]


def test_a_query_is_saved_as_a_report(opened: Opened) -> None:
    opened.ask("a red picture")
    with opened.page.expect_download() as download:
        opened.page.get_by_role("link", name="Save as report").click()
    report = download.value.path().read_text()
    assert "“a red picture”" in report
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", report) == []


VIEWS = ("", "?text=a+red+picture", "judge", "judge?text=green", "evaluate")


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious(browser: Browser, judged: str, view: str) -> None:
    need("axe_core_python")
    from axe_core_python.sync_playwright import Axe

    looked = Opened(browser, judged, view, bypass_csp=True)
    found = Axe().run(looked.page)["violations"]
    looked.page.emulate_media(color_scheme="dark")
    found += Axe().run(looked.page, options={"runOnly": ["color-contrast"]})["violations"]
    looked.close()
    serious = {
        violation["id"]: [node["html"] for node in violation["nodes"][:3]]
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    }
    assert serious == {}


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_cut_off_at_any_width(browser: Browser, judged: str, view: str) -> None:
    looked = Opened(browser, judged, view)
    for width in (360, 390, 800, 1280, 1920):
        looked.page.set_viewport_size({"width": width, "height": 800})
        assert looked.page.evaluate("document.documentElement.scrollWidth") <= width
    looked.close()
