"""The page shows pictures first: measured in a real browser, with three embedders and two judged queries."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from diptych import samples
from served_page import Opened, Steered, client, served, wait_until_ready
from support import need

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

KINDS = {kind: kind for kind in ("bird", "horse", "mushroom", "rose", "wolf")} | {
    "dog": "nova_scotia_duck_tolling_retriever"
}
JUDGED = ("a red horse", "a brown dog")
DESKTOP, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
ZOOMED = {"width": 700, "height": 450}
"""A window of 1400 × 900 pixels at 200 %."""

ASKED = "?text=a+red+horse&k=10"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pictures")
    for kind, name in KINDS.items():
        (folder / name).mkdir()
        for path in (samples.FOLDER / kind).iterdir():  # other bytes: those of the package are judged
            Image.open(path).save(folder / name / f"{path.stem}.png")
    store = tmp_path_factory.mktemp("store") / "store.sqlite"
    with served(folder, ["mini-b", "mini-s", "palette"], store) as page, client(page) as http:
        wait_until_ready(http)
        for text in JUDGED:
            found = http.post("/api/search", json={"text": text, "k": 8, "keep": True}).json()["answers"]
            for hit in found["mini-b"]["hits"]:
                word = {"text": text, "picture": hit["id"], "grade": int(hit["rank"] < 4)}
                http.post("/api/judgments", json=word).raise_for_status()
        yield page.url


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opened]:
    opened = Opened(browser, address, ASKED, viewport=DESKTOP)
    yield opened
    opened.close()


def box(place: Locator) -> dict[str, float]:
    """Where something stands, once it is seen."""
    place.wait_for()
    found = place.bounding_box()
    assert found is not None
    return {**found, "right": found["x"] + found["width"], "bottom": found["y"] + found["height"]}


def first_picture(opened: Opened) -> dict[str, float]:
    return box(opened.page.locator("#answer li[data-of] .picture").first)


@pytest.mark.parametrize("view", ["list", "gallery"])
@pytest.mark.parametrize(("window", "most"), [(DESKTOP, 200), (PHONE, 320)], ids=["desktop", "phone"])
def test_pictures_begin_right_below_the_query(
    browser: Browser, address: str, window: Any, most: int, view: str
) -> None:
    looked = Opened(
        browser, address, ASKED, viewport=window, before=f"localStorage.setItem('view', '{view}')"
    )
    assert first_picture(looked)["y"] - box(looked.page.locator(".box"))["bottom"] <= most
    looked.close()


@pytest.mark.parametrize("text", [*JUDGED, "a blue picture"])
def test_eight_hits_of_two_embedders_are_seen_without_scrolling(opened: Opened, text: str) -> None:
    opened.ask(text)
    whole = [
        opened.hits(column).evaluate_all(
            "hits => hits.filter(hit => hit.getBoundingClientRect().bottom <= innerHeight).length"
        )
        for column in range(3)
    ]
    assert opened.page.evaluate("scrollY") == 0
    assert sorted(whole)[1] >= 8


def test_verdicts_are_one_line_and_the_rest_opens_and_stays_open(opened: Opened) -> None:
    heads = opened.page.locator("#answer .cols header")
    for place in range(3):
        name, does = (box(heads.nth(place).locator(part)) for part in ("h3", ".does"))
        assert does["y"] < name["bottom"]
        assert does["bottom"] - does["y"] < 24
    line = opened.page.locator("#rest > summary")
    assert "of the first 10" in line.inner_text()
    assert box(line)["height"] < 36
    said = opened.page.locator("#answer .answers, #answer .finding, #answer .curves")
    assert not any(one.is_visible() for one in said.all())
    line.click()
    assert all(one.is_visible() for one in said.all())
    opened.ask("a blue picture")
    assert opened.page.locator("#answer .finding").first.is_visible()


def test_what_is_said_of_all_queries_is_said_once(opened: Opened) -> None:
    for text in JUDGED:
        opened.ask(text)
        words = opened.page.locator("body").inner_text()
        assert len(re.findall("cannot tell", words, re.IGNORECASE)) == 1
        assert "annot tell" not in opened.page.locator("#answer").inner_text()
    assert re.match(
        r"Cannot tell yet; \d+ judgments on 2 queries\.", opened.page.locator("#better").inner_text()
    )


def test_one_cut_off_is_given_for_a_list_and_the_others_open(opened: Opened) -> None:
    for column in range(3):
        words = opened.page.locator(f"#answer .col-{column} header .does").all_inner_texts()
        assert len(words) == 1
        if "break after" in words[0]:
            assert "pass" not in words[0]
    opened.page.get_by_text("All figures of this query").click()
    assert opened.page.get_by_role("rowheader", name="kept by").first.is_visible()


def rows_of(tiles: Locator) -> list[list[dict[str, float]]]:
    """The pictures of a gallery, row by row."""
    rows: dict[float, list[dict[str, float]]] = {}
    for tile in tiles.all():
        picture = box(tile.locator(".picture"))
        rows.setdefault(round(picture["y"]), []).append(picture)
    return list(rows.values())


def test_a_gallery_has_justified_rows_of_three_heights_and_is_remembered(opened: Opened) -> None:
    page = opened.page
    page.locator("label[for=view-gallery]").click()
    tiles = opened.page.locator("#answer .col-0 .tile")
    tiles.first.wait_for()
    assert tiles.count() == 10
    page.locator("label[for=place-beneath]").click()
    for step, height in enumerate((120, 200, 320)):
        page.locator("#size").fill(str(step))
        edge = box(page.locator("#answer .gallery"))["right"]
        for band in page.locator("#answer .col-0 .tiles").all():
            *full, last = rows_of(band.locator(".tile"))
            for row in full:
                assert max(one["height"] for one in row) - min(one["height"] for one in row) < 1.5
                assert 0.85 * height <= row[0]["height"] <= 1.55 * height
                assert abs(row[-1]["right"] - edge) < 1.5 or len(row) == 1
            assert last[0]["height"] <= 1.55 * height
    page.reload()
    opened.settle()
    assert page.locator("#view-gallery").is_checked()
    assert page.locator("#place-beneath").is_checked()
    assert page.locator("#size").input_value() == "2"
    tiles.first.wait_for()
    assert opened.hits(0).count() == 0


def test_on_a_telephone_a_gallery_begins_with_its_smallest_pictures(browser: Browser, address: str) -> None:
    keep = "localStorage.setItem('view', 'gallery')"
    looked = Opened(browser, address, ASKED, viewport=PHONE, before=keep)
    assert looked.page.locator("#size").input_value() == "0"
    assert box(looked.page.locator("#answer .col-0 .tile").first)["height"] <= 1.55 * 120
    looked.close()


def test_in_a_gallery_an_embedder_has_a_column_or_a_row(opened: Opened) -> None:
    page = opened.page
    page.locator("label[for=view-gallery]").click()
    left, right = page.locator("#answer .gallery > .col-0"), page.locator("#answer .gallery > .col-1")
    right.wait_for()
    assert box(left)["right"] < box(right)["x"]
    assert box(left)["y"] == box(right)["y"]
    page.locator("label[for=place-beneath]").click()
    assert box(left)["bottom"] < box(right)["y"]
    assert box(left)["x"] == box(right)["x"]


def test_in_a_gallery_ranks_are_small_and_the_break_is_a_rule_across(opened: Opened) -> None:
    page = opened.page
    broken = opened.page.locator("#answer article:has(.cut)").first
    who = broken.get_attribute("aria-label")
    after = re.search(r"break after (\d+)", broken.locator(".cut").inner_text())
    assert after is not None
    page.locator("label[for=view-gallery]").click()
    column = page.locator(f"#answer .gallery > article[aria-label='{who}']")
    cut = column.locator(".cut")
    cut.wait_for()
    assert abs(box(cut)["width"] - box(column)["width"]) < 1.5
    above, below = (box(column.locator(".tile").nth(int(after[1]) + step)) for step in (-1, 0))
    assert above["bottom"] <= box(cut)["y"] < box(cut)["bottom"] <= below["y"]
    under = column.locator(".tile .under").first
    assert re.fullmatch(r"1\s+-?[\d.]+σ", under.inner_text())
    assert under.evaluate("one => parseFloat(getComputedStyle(one).fontSize)") <= 13


@pytest.mark.parametrize("view", ["list", "gallery"])
def test_pointing_at_a_picture_or_the_focus_on_it_marks_it_in_every_list_and_says_its_ranks(
    opened: Opened, view: str
) -> None:
    page = opened.page
    page.locator(f"label[for=view-{view}]").click()
    places: dict[str, dict[int, int]] = {}
    page.locator("#answer .col-0 .tile" if view == "gallery" else "#answer .col-0 .hit").first.wait_for()
    for column in range(3):
        hits = page.locator(f"#answer .col-{column} li[data-of]")
        for rank, of in enumerate(hits.evaluate_all("all => all.map(one => one.dataset.of)"), start=1):
            places.setdefault(of, {})[column] = rank
    of, ranks = next((of, ranks) for of, ranks in places.items() if {0, 1} <= ranks.keys())
    hit = page.locator(f"#answer .col-0 li[data-of='{of}']")
    page.mouse.move(2, 2)
    for look in (hit.hover, hit.locator(".picture").focus):
        look()
        assert page.locator(f"#answer li.on[data-of='{of}']").count() == len(ranks)
        assert page.locator("#answer li.on").count() == len(ranks)
        said = hit.locator(".elsewhere")
        assert said.is_visible()
        assert re.search(rf"B\D+{ranks[1]}\b", said.inner_text())
        page.mouse.move(2, 2)


FOCUSED = """() => {
    const hit = document.activeElement.closest("#answer li[data-of]");
    if (!hit) return null;
    const column = hit.closest("article");
    const hits = [...column.querySelectorAll("li[data-of]")];
    return [Number(column.className.match(/col-(\\d+)/)[1]), hits.indexOf(hit) + 1];
}"""


def test_everything_is_done_by_keys_alone(opened: Opened) -> None:
    page, keys = opened.page, opened.page.keyboard
    page.locator("body").click(position={"x": 2, "y": 2})
    keys.press("/")
    keys.type("a jug with g and j and 1/2?")
    assert page.locator("#text").input_value() == "a jug with g and j and 1/2?"
    page.locator("#text").fill("a blue picture")
    keys.press("Enter")
    page.locator("#answer h2:focus").get_by_text("“a blue picture”").wait_for(state="attached")
    opened.settle()
    for key, where in (
        ("j", [0, 1]),
        ("j", [0, 2]),
        ("k", [0, 1]),
        ("j", [0, 2]),
        ("2", [1, 2]),
        ("3", [2, 2]),
    ):
        keys.press(key)
        assert page.evaluate(FOCUSED) == where
    keys.press("g")
    page.locator("#answer .tile").first.wait_for()
    assert page.evaluate(FOCUSED) == [2, 2]
    keys.press("?")
    shown = page.locator("dialog[open]")
    assert {"/", "j", "k", "g", "?"} <= set(shown.locator("kbd").all_inner_texts())
    keys.press("g")
    assert page.locator("#answer .tile").count() > 0
    keys.press("Escape")
    keys.press("Enter")
    page.wait_for_url(re.compile("picture="))


def test_keys_bring_an_embedder_to_the_front_where_one_is_seen(browser: Browser, address: str) -> None:
    looked = Opened(browser, address, ASKED, viewport=PHONE)
    looked.page.locator("#text").press("Escape")
    looked.page.keyboard.press("2")
    assert looked.page.evaluate(FOCUSED) == [1, 1]
    assert looked.hits(1).first.is_visible()
    assert not looked.hits(0).first.is_visible()
    looked.close()


def test_the_answer_stays_under_the_pointer(opened: Opened) -> None:
    page = opened.page
    page.locator("#k").fill("40")
    opened.hits(0).nth(39).wait_for()
    page.locator("#text").press("Escape")
    opened.hits(1).nth(19).evaluate("hit => hit.scrollIntoView({block: 'center'})")
    opened.hits(1).nth(19).hover(position={"x": 60, "y": 20})
    of = opened.hits(1).nth(19).get_attribute("data-of")
    under = """() => document.querySelector("#answer .col-1 li[data-of]:hover")?.dataset.of"""
    page.keyboard.press("g")
    page.locator("#answer .tile").first.wait_for()
    held = page.locator(f"#answer .col-1 .tile[data-of='{of}']")
    assert page.evaluate("scrollY") > 0
    assert 0 <= box(held)["y"] <= DESKTOP["height"]
    place = box(held)["y"]
    page.locator("#answer .tile").first.evaluate("() => new Promise(requestAnimationFrame)")
    assert abs(box(held)["y"] - place) < 2
    page.keyboard.press("g")
    opened.hits(1).nth(19).wait_for()
    assert page.evaluate(under) == of


def test_the_index_shows_what_was_asked_with_its_pictures(opened: Opened) -> None:
    opened.ask("a blue picture")
    opened.index()
    asked = opened.page.locator("#history li").filter(has_text="a blue picture")
    for letter in ("A", "B", "C"):
        shown = asked.locator(".list").filter(has=opened.page.locator(f".letter:text-is('{letter}')"))
        assert shown.locator("img").count() == 3
    size = asked.locator("img").first.evaluate(
        "async one => { await one.decode(); return one.naturalWidth; }"
    )
    assert size > 1
    opened.page.locator("#history").get_by_role("link", name="a red horse").click()
    opened.page.locator("#answer h2").get_by_text("“a red horse”").wait_for(state="attached")
    assert not opened.page.locator("#history").is_visible()


def test_the_index_stands_open_beside_a_wide_page(browser: Browser, address: str) -> None:
    looked = Opened(browser, address, ASKED, viewport={"width": 1700, "height": 1000})
    index = looked.page.locator("#history")
    index.wait_for()
    assert box(index)["right"] < box(looked.page.locator("#answer"))["x"]
    looked.close()


BROKEN = r"""() => {
    const found = [];
    const range = document.createRange();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        const parent = node.parentElement;
        if (!node.data.trim() || parent.closest(".unseen, option, .skip, script, pre")) continue;
        if (!parent.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        for (const word of node.data.matchAll(/[\p{L}\p{N}]+/gu)) {
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            const boxes = [...range.getClientRects()].filter((box) => box.width > 0);
            if (new Set(boxes.map((box) => Math.round(box.top))).size > 1) found.push(`broken: ${word[0]}`);
            const box = boxes[0];
            if (!box) continue;
            let scrolls = false;
            for (let around = parent; around !== document.body && !scrolls; around = around.parentElement) {
                const style = getComputedStyle(around);
                const edge = around.getBoundingClientRect();
                scrolls = /auto|scroll/.test(style.overflowX + style.overflowY);
                if (scrolls || style.textOverflow === "ellipsis" || style.overflowX !== "hidden") continue;
                const inside = box.right <= edge.right + 1 && box.bottom <= edge.bottom + 1;
                if (!inside) found.push(`clipped: ${word[0]}`);
            }
            const ends = getComputedStyle(parent).textOverflow === "ellipsis"
                || parent.closest(".file, strong, h3, .collection");
            if (!scrolls && !ends && box.right > innerWidth + 1) found.push(`overhangs: ${word[0]}`);
        }
    }
    return found;
}"""
"""Words that are broken, cut off or beyond the window; a name that ends in an ellipsis is none."""

WINDOWS = [PHONE, ZOOMED, DESKTOP, {"width": 1700, "height": 1000}]


@pytest.mark.parametrize(("view", "place"), [("list", ""), ("gallery", "beneath"), ("gallery", "beside")])
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: str(window["width"]))
def test_nothing_overhangs_clips_or_breaks_a_word(
    browser: Browser, address: str, window: Any, view: str, place: str
) -> None:
    keep = f"localStorage.setItem('view', '{view}'); localStorage.setItem('place', '{place}')"
    looked = Opened(browser, address, ASKED, viewport=window, before=keep, reduced_motion="reduce")
    page = looked.page
    assert page.evaluate(BROKEN) == []
    looked.ask("brown mushrooms")
    for part in ("#rest > summary", "#past:not([open]) > summary", "#options"):
        if page.locator(part).count() and page.locator(part).is_visible():
            assert page.evaluate(BROKEN) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]
            page.locator(part).click()
    assert page.evaluate(BROKEN) == []
    page.locator("body").press("Escape")
    page.evaluate("document.querySelector('#past').open = false")
    page.locator("#answer li[data-of]:visible .picture").first.click()
    page.wait_for_url(re.compile("picture="))
    page.locator("#answer em:text('asked with')").first.wait_for(state="attached")
    assert page.evaluate(BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]
    looked.close()


@pytest.mark.parametrize("view", ["", "judge", "judge?text=a+red+horse", "evaluate"])
def test_no_word_is_broken_in_the_other_views(browser: Browser, address: str, view: str) -> None:
    looked = Opened(browser, address, view, viewport=PHONE)
    assert looked.page.evaluate(BROKEN) == []
    looked.close()


@pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_button_on_a_picture_lies_within_it(browser: Browser, address: str, window: Any) -> None:
    looked = Opened(browser, address, ASKED, viewport=window)
    hit = looked.hits(0).first
    hit.hover()
    button, picture = box(hit.locator(".enlarge")), box(hit.locator(".picture"))
    assert picture["x"] <= button["x"]
    assert button["right"] <= picture["right"] + 0.5
    assert button["bottom"] <= picture["bottom"] + 0.5
    looked.close()


def test_nothing_moves_by_itself_for_who_wants_no_motion(browser: Browser, address: str) -> None:
    looked = Opened(browser, address, ASKED, viewport=DESKTOP, reduced_motion="reduce")
    moving = looked.page.evaluate(
        """() => {
            document.getElementById("answer").setAttribute("aria-busy", "true");
            return [...document.querySelectorAll("*")].filter((one) => {
                const style = getComputedStyle(one);
                const still = style.transitionDuration === "0s" && style.animationName === "none";
                return !still || style.scrollBehavior === "smooth";
            }).length;
        }"""
    )
    assert moving == 0
    looked.close()


@pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing(browser: Browser, address: str, window: Any) -> None:
    need("axe_core_python")
    from axe_core_python.sync_playwright import Axe

    keep = "localStorage.setItem('view', 'gallery')"
    looked = Opened(browser, address, ASKED, viewport=window, before=keep, bypass_csp=True)
    looked.page.locator("#rest > summary").click()
    found = Axe().run(looked.page)["violations"]
    looked.page.emulate_media(color_scheme="dark")
    found += Axe().run(looked.page, options={"runOnly": ["color-contrast"]})["violations"]
    looked.close()
    assert {one["id"]: [node["html"] for node in one["nodes"][:3]] for one in found} == {}


def test_a_saved_report_stays_below_5_megabytes_and_says_what_it_leaves_out(
    browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "noise"
    folder.mkdir()
    random = np.random.default_rng(4)
    for number in range(220):  # nothing compresses worse
        pixels = random.integers(0, 256, (180, 240, 3), np.uint8)
        Image.fromarray(pixels).resize((480, 360)).save(folder / f"{number}.jpg", quality=80)
    one, other = Steered("one"), Steered("other")
    with served(folder, [one, other], tmp_path / "store.sqlite") as page, client(page) as http:
        wait_until_ready(http)
        for number in range(45):
            http.post("/api/search", json={"text": f"query {number}", "keep": True}).raise_for_status()
        looked = Opened(browser, page.url, "?text=the+one+saved&k=100")
        assert "below 5 MB" in looked.page.locator("#save").inner_text()
        with looked.page.expect_download() as download:
            looked.page.locator("#save").click()
        report = download.value.path().read_text()
        looked.close()
    assert len(report.encode()) < 5_000_000
    pictures = re.findall(r'href="data:image/(\w+);', report)
    assert len(pictures) >= 100
    assert set(pictures) == {"webp"}
    assert "the query saved with its first 100 hits per list" in report
    assert re.search(r"\d+ other queries with the first 10; \d+ queries asked earlier", report)
    section = report[report.index('id="q1"') : report.index('id="q2"')]
    assert re.search(r'class="rank">100<', section)


def test_on_a_phone_what_is_not_needed_first_is_folded_and_works(browser: Browser, address: str) -> None:
    looked = Opened(browser, address, ASKED, viewport=PHONE)
    page = looked.page
    folded = ("#terms", ".standing .rests", ".folder", "#rest > .answers", "#history")
    assert [part for part in folded if page.locator(part).first.is_visible()] == []
    rows = page.locator("#options, #past summary, #shape .choice, #standing, .chooser, #rest summary")
    assert len({round(box(row)["bottom"] / 12) for row in rows.all() if row.is_visible()}) <= 4
    assert box(page.locator(".masthead"))["bottom"] <= 96
    page.locator("#options").click()
    page.locator("#against").fill("a dog")
    page.locator("#against").press("Enter")
    page.wait_for_url(re.compile("against=a"))
    page.locator("#options").click()
    assert not page.locator("#terms").is_visible()
    looked.close()


def test_marks_differ_in_shape_and_colour(browser: Browser, address: str) -> None:
    look = """(button) => {
        const { borderRadius, backgroundColor, color } = getComputedStyle(button);
        return [button.textContent, borderRadius, backgroundColor, color];
    }"""
    for colours in ("light", "dark"):
        looked = Opened(browser, address, ASKED, viewport=DESKTOP, color_scheme=colours)
        marked = [looked.page.locator(f"[data-mark={key}][aria-pressed=true]").first for key in "yn"]
        yes, no = (one.evaluate(look) for one in marked)
        assert (yes[:2], no[:2]) == (["✓", "50%"], ["×", "0px"])
        assert yes[2] != no[2]
        assert yes[3] != no[3]
        looked.close()


@pytest.mark.parametrize("window", [PHONE, ZOOMED], ids=["phone", "zoomed"])
def test_tables_fit_a_narrow_screen(browser: Browser, address: str, window: Any) -> None:
    looked = Opened(browser, address, "evaluate", viewport=window)
    page = looked.page
    page.locator("section[aria-labelledby=metrics] summary").click()
    assert page.locator(".scroll").count() >= 4
    wider = page.locator(".scroll").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth)"
    )
    assert wider == []
    assert page.evaluate(BROKEN) == []
    labels = (
        page.locator("table.stack")
        .first.locator("tr:first-child td")
        .evaluate_all(
            """cells => cells.map(cell =>
                [getComputedStyle(cell, "::before").content, cell.scrollWidth <= cell.clientWidth])"""
        )
    )
    assert {'"nDCG@10 "', '"average precision (AP) "'} <= {label for label, _ in labels}
    assert all(fits for _, fits in labels)
    looked.close()


def test_a_table_that_goes_on_beyond_its_edge_shows_it(browser: Browser, address: str) -> None:
    looked = Opened(browser, address, "evaluate", viewport={"width": 780, "height": 900})
    table = looked.page.locator(".scroll").first
    assert table.evaluate("one => one.scrollWidth > one.clientWidth")

    def shade(edge: int) -> int:
        """How much darker the edge is than the table's middle, in the row between two lines of text."""
        shot = Image.open(io.BytesIO(table.screenshot())).convert("L")
        return int(shot.getpixel((shot.width // 2, 2))) - int(shot.getpixel((edge % shot.width, 2)))

    assert (shade(0), shade(-1)) == (0, pytest.approx(70, abs=40))
    table.evaluate("one => one.scrollLeft = one.scrollWidth")
    assert (shade(0), shade(-1)) == (pytest.approx(70, abs=40), 0)
    looked.close()


@pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_end_of_judging_says_what_was_done_and_what_comes_next(
    browser: Browser, address: str, window: Any
) -> None:
    text = f"a yellow bird {window['width']}"
    looked = Opened(browser, address, f"?text={text}", viewport=window)
    looked.go(f"judge?text={text}")
    page, key = looked.page, "y"
    while not page.locator("#done").is_visible():
        page.locator("[data-key=y]:enabled").wait_for()
        before = page.locator("#left").inner_text()
        page.keyboard.press(key)
        page.wait_for_function("before => document.getElementById('left').innerText !== before", arg=before)
        key = "n"
    tally = re.fullmatch(
        r"(\d+) judged: 1 relevant, (\d+) not relevant\.", page.locator("#tally").inner_text()
    )
    assert tally
    assert int(tally[1]) == int(tally[2]) + 1
    assert page.locator("#found img").count() == 1
    assert page.locator("[data-key=y]").is_hidden()
    # At one moment, as the verdict is drawn anew whenever there is a newer one.
    verdict = page.wait_for_function(
        """() => {
            const [said, done] = ["#verdict p", "#done"].map((one) => document.querySelector(one));
            if (!said || !said.offsetHeight) return null;
            const { top, bottom } = said.getBoundingClientRect();
            return { top, bottom, done: done.getBoundingClientRect().bottom };
        }"""
    ).json_value()
    assert verdict["top"] > verdict["done"]
    assert verdict["bottom"] <= window["height"]
    assert page.evaluate(BROKEN) == []
    page.keyboard.press("u")
    page.locator("[data-key=y]:enabled").wait_for()
    assert page.locator("#done").is_hidden()
    assert page.locator("#left").inner_text().startswith("1 left")
    page.keyboard.press("n")
    page.get_by_role("link", name="See who found them").click()
    page.locator("#answer .hit").first.wait_for()
    looked.close()
