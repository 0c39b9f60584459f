"""A report begins with pictures: what its first screen holds, how it is sorted, filtered and unfolded.

Every sentence is compared with the demo's report in a real browser, as large as `make demo` writes it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import made_comparisons as made
from accessibility import serious_violations
from commands import run_each

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[3]
SIZES = {"desk": (1400, 900), "telephone": (390, 844)}
CUT_OFF = """() => [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width > 1 && box.right > innerWidth + 1 && !e.closest('.unseen, .scroll, svg');
}).map(e => e.outerHTML.slice(0, 90))"""
"""What stands out of the window, but for what has an ellipsis or scrolls in a region of its own."""

BROKEN = """() => {
    const found = [], range = document.createRange();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode, parent = text.parentElement;
        if (!parent.checkVisibility() || parent.closest('script, style, .unseen, pre, .source')) continue;
        if (parent.closest('thead')?.getBoundingClientRect().width === 1) continue;
        for (const { 0: word, index } of text.data.matchAll(/[a-zA-Z]{2,}/g)) {
            range.setStart(text, index);
            range.setEnd(text, index + word.length);
            const tops = [...range.getClientRects()].map(box => box.top);
            if (Math.max(...tops) - Math.min(...tops) > 6) found.push(word);
        }
    }
    return found;
}"""
"""Words that stand on two lines."""


def demo_command() -> list[str]:
    """The arguments of the command that `make demo` runs."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    line = next(line for line in makefile.splitlines() if "diptych compare sample" in line)
    words = shlex.split(line.replace("$(DEMO)", "."))
    return words[words.index("compare") :]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    (made_it,) = run_each([demo_command()], folder)
    assert made_it.returncode == 0, made_it.stderr
    return folder / "report.html"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two embedders, nothing judged."""
    queries = [made.query(text) for text in ("cat", "a cat on a very long mat", "ant")]
    return made.comparison(*queries).report(tmp_path_factory.mktemp("two") / "two.html")


@pytest.fixture(autouse=True)
def _pages_are_closed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "browser" in request.fixturenames:
        for context in request.getfixturevalue("browser").contexts:
            context.close()


def opened(browser: Browser, path: Path, size: str = "desk", **settings: Any) -> Page:
    width, height = SIZES[size]
    page = browser.new_page(**({"viewport": {"width": width, "height": height}} | settings))
    page.goto(path.as_uri())
    return page


def names(page: Page, where: str) -> list[str]:
    """The queries in sight, in their order."""
    return [text for text in page.locator(f"{where}:visible").all_inner_texts() if text]


@pytest.mark.parametrize(("size", "most"), [("desk", 900), ("telephone", 1100)])
def test_the_first_row_of_pictures_is_on_the_first_screen(
    browser: Browser, demo: Path, size: str, most: int
) -> None:
    page = opened(browser, demo, size)
    row = page.locator(".three").first
    pictures = [picture.bounding_box() for picture in row.locator("svg.picture").all()]
    assert len(pictures) == 3
    for box in pictures:
        assert box is not None
        assert box["y"] + box["height"] < most
        assert box["height"] > 40
        assert box["width"] > 20


def test_the_demos_report_is_below_two_megabytes_each_picture_once(demo: Path) -> None:
    assert demo.stat().st_size < 2_000_000
    pictures = re.findall(r"data:image/\w+;base64,[^\"]+", demo.read_text())
    assert all(picture.startswith("data:image/webp") for picture in pictures)
    assert len(pictures) == len(set(pictures)) > 80


def test_the_first_screen_has_three_answers_and_three_pictures_per_list(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo)
    answers = page.locator("#answers .answers > div")
    assert [one.locator("h2").inner_text() for one in answers.all()] == [
        "Do they rank alike?",
        "Does a list break?",
        "Is one better?",
    ]
    assert answers.nth(2).locator(".answer").first.inner_text().startswith("Cannot tell A from B")
    assert page.locator(".answer").filter(has_text=re.compile(r"\. [A-Z]")).count() == 0  # one sentence each
    answers.first.locator("summary").click()
    assert "Their whole lists agree" in answers.first.inner_text()
    rows = page.locator("table.glance tbody tr")
    assert rows.count() == 22
    for row in rows.all():
        cells = [cell.locator("svg.picture").count() for cell in row.locator("td").all()]
        assert cells[:2] == [3, 3]
        assert cells[2] in {0, 3}


@pytest.mark.parametrize("size", list(SIZES))
def test_a_query_as_long_as_a_page_leaves_room_for_the_others(
    browser: Browser, tmp_path: Path, size: str
) -> None:
    long = "a cat on a very long mat " * 60
    report = made.comparison(made.query(long), made.query("ant")).report(tmp_path / "long.html")
    page = opened(browser, report, size)
    for details in page.locator(".contents details").all():
        details.evaluate("all => all.open = true")
    for named in page.locator(".contents ol a, .glance tbody th a").all():
        assert named.evaluate("link => link.clientHeight / parseFloat(getComputedStyle(link).lineHeight)") < 4
    assert long.strip() in page.locator("#q1 h2").inner_text()


def test_an_unjudged_query_does_not_say_that_nothing_can_be_told(browser: Browser, two: Path) -> None:
    page = opened(browser, two)
    assert page.locator("#answers", has_text="Cannot tell: nothing has been judged.").count() == 1
    assert page.locator("main section.query", has_text=re.compile("cannot tell", re.IGNORECASE)).count() == 0


def test_a_list_has_one_place_where_it_is_cut(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo)
    for column in page.locator(".cols > article").all():
        said = re.findall(r"break after (\d+)", column.inner_text())
        assert len(set(said)) <= 1
        assert "threshold" not in column.inner_text()


@pytest.mark.parametrize("size", list(SIZES))
def test_the_contents_stay_in_view(browser: Browser, demo: Path, size: str) -> None:
    page = opened(browser, demo, size)
    for place in (0, 6_000, 15_000):
        page.evaluate("y => scrollTo(0, y)", place)
        if size == "telephone":
            page.locator(".contents summary").click()
        for name in ("wolf", "a helicopter", "How it was made"):
            link = page.locator(".contents a", has_text=re.compile(f"^{name}$"))
            link.scroll_into_view_if_needed()  # within the contents, where they are long
            box = link.bounding_box()
            assert box is not None
            assert 0 <= box["y"] < SIZES[size][1]
        if size == "telephone":
            page.keyboard.press("Escape")
            assert not page.locator(".panel").is_visible()
    if size == "telephone":
        page.locator(".contents summary").click()
    page.locator(".contents a", has_text="a train").click()
    heading = page.locator("h2", has_text="“a train”").bounding_box()
    assert heading is not None
    assert 0 <= heading["y"] < 200
    assert page.locator(".panel").is_visible() == (size == "desk")


def test_queries_are_sorted_by_disagreement_metric_and_name(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo)
    asked = names(page, ".contents ol a")
    for key, sign in [("apart", -1), ("value", 1)]:
        page.locator("#sort").select_option(key)
        rows = page.locator("tbody.sifted tr")
        values = [row.get_attribute(f"data-{key}") for row in rows.all()]
        known = [float(value) for value in values if value is not None]
        assert known == sorted(known, key=lambda value: sign * value)
        assert values[len(known) :] == [None] * (len(values) - len(known))  # what is not known comes last
    page.locator("#sort").select_option("name")
    assert names(page, ".contents ol a") == names(page, ".glance tbody th a") == sorted(asked)
    assert [text.strip("“”") for text in names(page, "section.query > h2")] == sorted(asked)
    page.locator("#sort").select_option("number")
    assert names(page, ".contents ol a") == asked
    sections = page.locator("main > section").evaluate_all("all => all.map(one => one.className)")
    assert sections[:22] == ["query"] * 22


def test_queries_are_filtered_by_their_words(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo)
    page.locator("#filter").fill("bird a")
    left = ["a bird", "a dog with a bird"]
    assert names(page, ".contents ol a") == names(page, ".glance tbody th a") == left
    assert names(page, "section.query > h2") == [f"“{text}”" for text in left]
    assert page.locator(".sift .count").inner_text() == f"{len(left)} of 22 shown"
    page.locator("#filter").fill("j")  # a letter in the field is not a key for the page
    assert page.evaluate("document.activeElement.id") == "filter"
    page.locator("#filter").fill("quokka")
    assert names(page, ".glance tbody th a") == []
    assert page.locator(".nothing").is_visible()
    page.locator("#filter").fill("")
    assert len(names(page, ".glance tbody th a")) == 22


def test_words_curves_details_and_the_glossary_are_folded_until_opened(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo)
    assert page.locator(".query .finding:visible, .cuts .lane:visible, .reading dl:visible").count() == 0
    page.locator("#q1 summary", has_text="In words").click()
    assert page.locator("#q1 .finding:visible").count() >= 2
    page.evaluate("location.hash = '#read-z'")
    assert page.locator("#read-z").is_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "none"])
@pytest.mark.parametrize("size", list(SIZES))
def test_everything_can_be_read_as_a_gallery_too(
    browser: Browser, demo: Path, size: str, script: bool
) -> None:
    page = opened(browser, demo, size, java_script_enabled=script)
    assert page.locator("#q1 .gallery").is_visible() is False
    page.locator("label[for=view-gallery]").click()
    assert page.locator("#q1 .cols").is_visible() is False
    tiles = page.locator("#q1 .gallery .col-0 .tile")
    assert tiles.count() == 8
    first, second = tiles.nth(0).bounding_box(), tiles.nth(1).bounding_box()
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]
    assert second["x"] > first["x"]
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    page.locator("label[for=view-lists]").click()
    assert page.locator("#q1 .cols").is_visible()


def test_without_a_script_nothing_is_offered_that_needs_one(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo, java_script_enabled=False)
    assert page.locator("#sift, .keys, [role=button]").locator("visible=true").count() == 0
    page.locator("#q1 summary", has_text="In words").click()
    assert page.locator("#q1 .finding:visible").count() >= 2


def test_by_keyboard_alone_pictures_open_and_three_are_one_stop(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo)
    page.locator(".glance tbody th a").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    caption = page.locator("dialog[open] .caption")
    assert caption.inner_text().startswith("1 · ")
    page.keyboard.press("ArrowRight")
    assert caption.inner_text().startswith("2 · ")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    second = page.locator(".glance tbody tr").first.locator("td").nth(1).locator("svg.picture").first
    assert second.evaluate("one => one === document.activeElement")


ZOOMED = {"viewport": {"width": 700, "height": 450}, "device_scale_factor": 2}
"""A desk's window at 200 %."""


@pytest.mark.parametrize("settings", [{}, {"viewport": {"width": 390, "height": 844}}, ZOOMED])
@pytest.mark.parametrize("kind", ["demo", "two"])
def test_nothing_overhangs_or_breaks_a_word(
    browser: Browser, request: pytest.FixtureRequest, kind: str, settings: dict[str, Any]
) -> None:
    page = opened(browser, request.getfixturevalue(kind), **settings)
    width = page.evaluate("innerWidth")
    for view in ("lists", "gallery"):
        page.locator(f"label[for=view-{view}]").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        overhanging = [html for html in page.evaluate(CUT_OFF) if not html.startswith("<bdi")]
        assert overhanging == []
        assert page.evaluate(BROKEN) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_axe_finds_nothing_serious_whatever_is_unfolded(
    browser: Browser, two: Path, size: str, scheme: str
) -> None:
    page = opened(browser, two, size, color_scheme=scheme)
    assert serious_violations(page) == {}
    page.locator("label[for=view-gallery]").click()
    for fold in page.locator("details").all():
        fold.evaluate("one => one.open = true")
    assert serious_violations(page) == {}


def test_nothing_moves_for_whoever_asked_for_that(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo, reduced_motion="reduce")
    moving = """() => [...document.querySelectorAll('*')].filter(e => {
        const style = getComputedStyle(e);
        return style.animationName !== 'none' || style.transitionDuration !== '0s'
            || style.scrollBehavior === 'smooth';
    }).length"""
    assert page.evaluate(moving) == 0


def test_on_paper_everything_in_words_is_unfolded_and_no_control_is_left(browser: Browser, two: Path) -> None:
    page = opened(browser, two)
    page.emulate_media(media="print")
    assert page.locator("#q1 .finding:visible").count() >= 1
    assert page.locator(".reading dl").first.is_visible()
    assert page.locator(".rail:visible, .theme:visible, .fold > summary:visible").count() == 0
    assert page.locator(".glance").is_visible()


@pytest.mark.parametrize("size", ["telephone", "zoomed"])
def test_every_table_fits_a_narrow_screen(browser: Browser, demo: Path, size: str) -> None:
    width, height = {**SIZES, "zoomed": (700, 450)}[size]
    page = opened(browser, demo, viewport={"width": width, "height": height})
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    wider = page.locator(".scroll").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.ariaLabel)"
    )
    assert page.locator(".scroll").count() > 20
    assert wider == []


@pytest.mark.parametrize("size", SIZES)
def test_the_chosen_theme_is_underlined_from_where_its_word_begins(
    browser: Browser, demo: Path, size: str
) -> None:
    page = opened(browser, demo, size)
    begins, ends, margin = page.evaluate(
        """() => {
            const label = document.querySelector(".theme input:checked + label");
            const words = document.createRange();
            words.selectNodeContents(label);
            const [line, text] = [label.getBoundingClientRect(), words.getBoundingClientRect()];
            const own = document.querySelector("h1").getBoundingClientRect();
            return [line.left - text.left, line.right - text.right, line.left - own.left];
        }"""
    )
    assert (begins, ends) == (pytest.approx(0, abs=0.5), pytest.approx(0, abs=0.5))
    if size == "telephone":
        assert margin == pytest.approx(0, abs=0.5)


def test_who_finds_what_leads_to_the_pictures(browser: Browser, demo: Path) -> None:
    page = opened(browser, demo)
    link = page.locator(".shares a").first
    assert int(link.locator("b").inner_text()) > 0
    link.click()
    strip = page.locator(link.get_attribute("href") or "")
    strip.wait_for()
    first = strip.locator("li").first
    assert first.locator("svg.picture").get_attribute("viewBox") == "0 0 104 74"
    assert "has among its first 8" in strip.inner_text()
    assert 0 < strip.locator("li").count() <= 24
    query = first.locator("a")
    query.click()
    assert page.locator(query.get_attribute("href") or "").is_visible()
