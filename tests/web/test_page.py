"""The page in a real browser, used as a person would: two embedders, one of them hosted, slow and failing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diptych.embedders import load
from diptych.emulators.vertex import VertexEmulator
from served_page import EACH, client, served, wait_until_ready
from support import need, picture_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSING = {"viewport": {"width": 1280, "height": 900}}


class Opened:
    """A page in a browser, and everything it complained of."""

    def __init__(self, browser: Browser, url: str, **settings: Any) -> None:
        self.context = browser.new_context(**(BROWSING | settings))
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(60_000)  # CI's machines are slow at times
        self.trouble: list[str] = []
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("dialog", lambda dialog: self.trouble.append(dialog.message))
        self.page.on("request", self._watch)
        self.url = url
        self.page.goto(url)

    def _watch(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.trouble.append(request.url)

    def ask(self, text: str) -> None:
        self.page.locator("#text").fill(text)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile("text="))
        self.settle()

    def settle(self) -> None:
        """Wait until both embedders have answered and that is shown."""
        self.hits(1).first.wait_for()
        self.page.locator("#answer:not([aria-busy])").wait_for()

    def names(self, column: int) -> list[str]:
        return list(self.page.locator(f"#answer .col-{column} .hit .file").all_inner_texts())

    def hits(self, column: int) -> Any:
        return self.page.locator(f"#answer .col-{column} .hit")


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
    opened.context.close()
    assert opened.trouble == []


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
    assert opened.page.locator("#history a").first.inner_text() == "a red picture"
    order = opened.names(0)
    opened.page.reload()
    opened.settle()
    assert opened.names(0) == order
    assert opened.page.locator("#text").input_value() == "a red picture"


def test_what_is_free_answers_while_typing_and_what_costs_waits_for_enter(
    opened: Opened, hosted: VertexEmulator
) -> None:
    calls = len(hosted.served)
    opened.page.locator("#text").press_sequentially("something blue", delay=30)
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
    opened.page.get_by_text("the picture asked with").first.wait_for()
    assert opened.hits(0).filter(has_text="green").count() >= EACH
    opened.page.go_back()
    opened.page.wait_for_url(re.compile("text="))
    assert opened.page.locator("#text").input_value() == "a green picture"


def test_a_picture_from_outside_is_chosen_dropped_or_pasted(opened: Opened) -> None:
    page = opened.page
    red = {"name": "<i>mine.png", "mimeType": "image/png", "buffer": picture_bytes((215, 40, 40))}
    page.locator("#file").set_input_files([red])  # type: ignore[list-item]
    page.get_by_text("like <i>mine.png").wait_for()
    assert "red" in opened.hits(0).first.inner_text()
    for kind, colour in (("drop", "blue"), ("paste", "yellow")):
        hand_over(page, kind, list(picture_bytes({"blue": (25, 40, 225), "yellow": (240, 220, 30)}[colour])))
        page.get_by_text(f"like {kind}.png").wait_for()
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
    assert opened.hits(0).count() == 5
    opened.page.locator("#label").select_option("blue")
    opened.page.get_by_text(f"{EACH} of {6 * EACH} pictures are ranked").wait_for()
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
    page.get_by_role("link", name="Judge").click()
    page.locator("#verdict").get_by_text("nothing has been judged").wait_for()
    page.get_by_role("button", name="a black picture").click()
    page.locator("#picture").wait_for()
    assert page.locator(".table").get_by_text(re.compile("palette|vertex|black/")).count() == 0
    total = left(page)
    black = pictures_labelled(address, "black")
    page.keyboard.press("s")
    page.get_by_text(f"{total - 1} left").wait_for()
    page.keyboard.press("u")
    page.get_by_text(f"{total} left").wait_for()
    for done in range(1, total + 1):
        key = "y" if shown(page) in black else "n"
        page.keyboard.press(key)
        page.get_by_text(re.compile(rf"^{total - done} left")).wait_for()
    page.locator("#verdict").get_by_text(
        re.compile("Cannot tell palette from vertex.* with 1 query")
    ).wait_for()
    page.keyboard.press("u")
    page.get_by_text(re.compile("^1 left")).wait_for()
    page.reload()
    page.get_by_text(re.compile("^1 left")).wait_for()  # what was said before is kept, what was undone is not
    page.keyboard.press("n")
    page.get_by_text(re.compile("^0 left")).wait_for()


def left(page: Page) -> int:
    words = page.locator("#left").filter(has_text=re.compile("^[0-9]+ left"))
    words.wait_for()
    return int(words.inner_text().split()[0])


def shown(page: Page) -> str:
    return (page.locator("#picture").get_attribute("src") or "").split("/")[2]


def pictures_labelled(address: str, label: str) -> set[str]:
    import httpx2 as httpx

    base = address.rstrip("/")
    with httpx.Client(base_url=base, headers={"Origin": base}) as http:
        found = http.post("/api/search", json={"text": label, "k": 100, "embedders": ["palette"]}).json()
    return {hit["id"] for hit in found["answers"]["palette"]["hits"] if hit["label"] == label}


def test_who_asks_before_the_page_knows_whom_to_ask_is_answered_by_all(
    browser: Browser, address: str
) -> None:
    other = Opened(browser, address)
    other.page.add_init_script(
        "const ask = fetch, gate = new Promise((open) => { window.openGate = open; });"
        "window.fetch = async (...all) => {"
        " if (String(all[0]).endsWith('/api/state')) await gate;"
        " return ask(...all); };"
    )
    other.page.goto(address)
    other.page.locator("#text").fill("a green picture")
    other.page.keyboard.press("Enter")
    other.page.evaluate("window.openGate()")
    other.settle()
    assert other.trouble == []
    other.context.close()


def test_two_windows_lose_none_of_each_others_words(opened: Opened, browser: Browser, address: str) -> None:
    opened.ask("a yellow picture")
    query = f"{address}judge?text=a+yellow+picture"
    opened.page.goto(query)
    other = Opened(browser, query)
    total = left(opened.page)
    assert left(other.page) == total
    first = shown(other.page)
    opened.page.keyboard.press("y")
    opened.page.get_by_text(f"{total - 1} left").wait_for()
    other.page.keyboard.press("s")
    other.page.get_by_text(f"{total - 1} left").wait_for()
    other.page.keyboard.press("n")
    other.page.get_by_text(f"{total - 2} left").wait_for()
    opened.page.keyboard.press("n")  # what the other window judged meanwhile is not asked again
    opened.page.get_by_text(re.compile(rf"^{total - 3} left|^{total - 2} left")).wait_for()
    other.context.close()
    import httpx2 as httpx

    grades = httpx.get(f"{address}api/judgments", params={"text": "a yellow picture"}).json()["grades"]
    assert grades[first] == 1
    assert len(grades) == 2


def test_hits_are_marked_where_they_stand_and_found_marked_again(opened: Opened, address: str) -> None:
    opened.ask("a blue picture")
    hit = opened.hits(0).first
    hit.hover()
    hit.get_by_role("button", name=": relevant").click()
    opened.page.locator("#better").get_by_text("Cannot tell").wait_for()
    opened.page.reload()
    marked = opened.hits(0).first.locator("[data-mark=y][aria-pressed=true]")
    marked.wait_for()
    import httpx2 as httpx

    kept = [json.loads(line) for line in httpx.get(f"{address}export/judgments.jsonl").text.splitlines()]
    assert [one["blind"] for one in kept if one["query"] == "a blue picture"] == [False]
    opened.hits(0).first.hover()
    marked.click()
    marked.wait_for(state="detached")


def test_a_threshold_moves_and_everything_can_be_taken_away(opened: Opened) -> None:
    page = opened.page
    page.goto(f"{opened.url}evaluate")
    page.locator("#effect").get_by_text(re.compile("precision .* recall")).wait_for()
    before = page.locator("#effect").inner_text()
    assert page.locator("#above li, #below li").count() > 0
    page.locator("#value").focus()
    page.keyboard.press("End")
    page.locator("#effect").filter(has_text="0 of").wait_for()
    assert page.locator("#effect").inner_text() != before
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
    assert "data:image/jpeg" in taken["as a report"]
    assert "a black picture" in taken["as a report"]


def test_a_query_is_saved_as_a_report(opened: Opened) -> None:
    opened.ask("a red picture")
    with opened.page.expect_download() as download:
        opened.page.get_by_role("link", name="Save as report").click()
    report = download.value.path().read_text()
    assert "“a red picture”" in report
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", report) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "view", ["", "?text=a+red+picture", "judge", "judge?text=a+black+picture", "evaluate"]
)
def test_axe_finds_nothing_serious(browser: Browser, address: str, view: str, scheme: str) -> None:
    need("axe_core_python")
    from axe_core_python.sync_playwright import Axe

    looked = Opened(browser, address, color_scheme=scheme, bypass_csp=True)
    looked.page.goto(f"{address}{view}")
    looked.page.wait_for_load_state("networkidle")
    found = Axe().run(looked.page)["violations"]
    looked.context.close()
    serious = {
        violation["id"]: [node["html"] for node in violation["nodes"][:3]]
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    }
    assert serious == {}


@pytest.mark.parametrize("width", [360, 390, 800, 1280, 1920])
def test_nothing_is_cut_off_at_any_width(browser: Browser, address: str, width: int) -> None:
    looked = Opened(browser, address, viewport={"width": width, "height": 800}, bypass_csp=True)
    for view in ("", "?text=a+red+picture", "judge?text=a+red+picture", "evaluate"):
        looked.page.goto(f"{address}{view}")
        looked.page.wait_for_load_state("networkidle")
        assert looked.page.evaluate("document.documentElement.scrollWidth") <= width
    looked.context.close()
