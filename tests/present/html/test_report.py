"""The report: one file that shows everything in a real browser, fetches nothing and trusts no name."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import diptych
import made_comparisons as made
from accessibility import serious_violations
from diptych.images import Skipped
from support import need, picture_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NASTY = "<img src=x onerror=alert(1)>\u202egpj.exe"


def write_pictures(folder: Path) -> Path:
    for label, colour in {"red": (200, 20, 20), "blue": (30, 40, 210)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(4):
            name = NASTY.replace("/", "") if (label, number) == ("red", 0) else str(number)
            data = picture_bytes((colour[0], colour[1], colour[2] + number), (120, 40 + 30 * number))
            (folder / label / f"{name}.png").write_bytes(data)
    (folder / "torn.png").write_bytes(picture_bytes()[:45])
    return folder


@pytest.fixture(scope="module")
def made_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures, which the reports that tests look at are made of and in."""
    folder = tmp_path_factory.mktemp("reports")
    write_pictures(folder / "pictures")
    return folder


@pytest.fixture(scope="module")
def report(made_in: Path) -> Path:
    pictures, outside = made_in / "pictures", made_in / "outside.png"
    outside.write_bytes(picture_bytes((220, 40, 40)))
    queries = ["red", f"a red {NASTY}", pictures / "blue" / "1.png", outside]
    embedders = ["palette", "random", f"random?seed={'1' * 90}"]
    result = diptych.compare(pictures, embedders, queries, k=5, store=made_in / "store.sqlite")
    return result.report(made_in / "report.html")


@pytest.fixture(scope="module")
def two_columns(made_in: Path) -> Path:
    """A report of two embedders, made by hand: the first list breaks after 3, the second has no break."""
    return made.comparison(made.query("cat"), made.query("dog")).report(made_in / "two.html")


@pytest.fixture(scope="module")
def four_columns(made_in: Path) -> Path:
    embedders, store = ["palette", *(f"random?seed={seed}" for seed in range(3))], made_in / "store.sqlite"
    result = diptych.compare(made_in / "pictures", embedders, ["red", "blue"], k=5, store=store)
    return result.report(made_in / "four.html")


@pytest.fixture(autouse=True)
def _pages_are_closed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test opened: a page that stays open slows those after it."""
    yield
    if "browser" in request.fixturenames:
        for context in request.getfixturevalue("browser").contexts:
            context.close()


def opened(browser: Browser, path: Path, width: int = 1280, **settings: Any) -> tuple[Page, list[str]]:
    """The report in the browser, and everything it complained of or asked the network for."""
    page = browser.new_page(viewport={"width": width, "height": 900}, **settings)
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("request", lambda request: trouble.append(request.url) if not local(request.url) else None)
    page.goto(path.as_uri())
    return page, trouble


def local(url: str) -> bool:
    return url.startswith(("file:", "data:"))


def in_words(page: Page, query: str) -> str:
    """What a query's fold says."""
    page.locator(f"{query} summary", has_text="In words").click()
    return page.locator(f"{query} details[open]").inner_text()


def test_the_report_shows_columns_side_by_side_with_pictures(browser: Browser, report: Path) -> None:
    page, trouble = opened(browser, report)
    section = page.locator("#q1")
    left, right, _ = (article.bounding_box() for article in section.locator(".cols > article").all())
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"]
    assert section.locator("article").first.locator(".hit").count() == 5
    assert section.locator(".hit svg.picture").count() == 15
    assert trouble == []


def test_a_thumbnail_has_the_pictures_colour_and_is_whole(browser: Browser, report: Path) -> None:
    need("PIL")
    import io

    from PIL import Image

    page, _ = opened(browser, report)
    first = page.locator("#q1 article").first.locator("svg.picture").first
    shot = Image.open(io.BytesIO(first.screenshot())).convert("RGB")
    red, green, blue = shot.getpixel((shot.width // 2, shot.height // 2))
    assert red > 150
    assert green < 80
    assert blue < 80


def test_names_and_queries_are_text_whatever_they_hold(browser: Browser, report: Path) -> None:
    page, trouble = opened(browser, report)
    assert page.locator("main img").count() == 0
    assert page.get_by_text("<img src=x onerror=alert(1)>").count() >= 2
    assert "\u202e" not in report.read_text()
    assert trouble == []


@pytest.mark.parametrize(
    "nasty", [NASTY, "</script><script>alert(1)</script>", "{{ 7 * 7 }}\"' onload=alert(1)"]
)
def test_hostile_text_stays_text_wherever_it_stands(browser: Browser, tmp_path: Path, nasty: str) -> None:
    query = made.query(nasty)
    hits = tuple(
        dataclasses.replace(hit, label=nasty, image=nasty, caption=nasty) for hit in query.rankings["one"]
    )
    hostile = dataclasses.replace(
        query, rankings=query.rankings | {"one": hits}, findings=(nasty,), related=(nasty,)
    )
    whole = made.comparison(hostile, hostile)
    infos = (dataclasses.replace(whole.embedders[0], model=nasty, preprocessing=nasty), whole.embedders[1])
    whole = dataclasses.replace(
        whole, embedders=infos, source=nasty, skipped=(Skipped(nasty, nasty),), created=nasty
    )
    page, trouble = opened(browser, whole.report(tmp_path / "hostile.html"))
    shown = nasty.replace("\u202e", "\ufffd")
    assert shown in page.locator("#q1 h2").inner_text()
    assert shown in page.locator("#q1 .hit").first.inner_text()
    assert page.locator("body > script").count() == 1
    assert page.locator("img, main script, [onerror], [onload]").count() == 0
    assert trouble == []


def test_what_was_skipped_and_what_each_embedder_saw_is_told(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report)
    assert page.get_by_text("torn.png").count() == 1
    facts = page.locator("section:has(#fairness)").inner_text()
    assert "palette" in facts
    assert "sees" in facts
    assert "null bank" in facts


def test_the_picture_asked_with_is_shown_and_said(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report)
    assert page.locator("#q3 h2 svg.picture").count() == 1
    assert "each list begins with it" in in_words(page, "#q3")
    assert page.locator("#q4 h2 svg.picture").count() == 1
    assert "each list begins with it" not in in_words(page, "#q4")


def test_the_answers_come_first_and_cannot_tell_is_one(browser: Browser, two_columns: Path) -> None:
    page, _ = opened(browser, two_columns)
    front = page.locator("#answers").inner_text()
    assert "In part: they share 6." in front
    assert "For 1 of 1 query." in front
    assert "Cannot tell: nothing has been judged." in front
    assert "A–B share 6 of the first 10" in page.locator("#q1 .tells").inner_text()


def test_lines_run_from_an_images_row_to_its_row(browser: Browser, two_columns: Path) -> None:
    page, _ = opened(browser, two_columns)
    hinge = page.locator("#q1 .hinge-0-1").bounding_box()
    assert hinge is not None
    assert page.locator("#q1 .hinge path").count() == 3
    for line in page.locator("#q1 .hinge path").all():
        of = line.get_attribute("data-of")
        box = line.bounding_box()
        ends = [
            page.locator(f"#q1 .cols > .col-{column} .hit[data-of={of}]").bounding_box() for column in (0, 1)
        ]
        assert box is not None
        assert all(ends)
        middles = sorted(end["y"] + end["height"] / 2 for end in ends if end)
        assert box["y"] == pytest.approx(middles[0], abs=4)
        assert box["y"] + box["height"] == pytest.approx(middles[1], abs=4)
        assert box["x"] == pytest.approx(hinge["x"], abs=4)


def test_the_break_is_drawn_where_it_is_with_its_stability(browser: Browser, two_columns: Path) -> None:
    page, _ = opened(browser, two_columns)
    items = page.locator("#q1 .cols > .col-0 .hits > li")
    assert [i for i in range(items.count()) if "cut" in (items.nth(i).get_attribute("class") or "")] == [3]
    assert items.nth(3).inner_text() == "break after 3 · same place in 64 %"
    assert page.locator("#q1 .cols > .col-0 .hit.after").count() == 2
    assert page.locator("#q1 .cols > .col-1 .cut").count() == 0
    assert "no clear break" in page.locator("#q1 .cols > .col-1 header").inner_text()


def test_z_is_the_big_figure_and_without_it_the_score(browser: Browser, tmp_path: Path) -> None:
    query = made.query()
    without = tuple(dataclasses.replace(hit, z=None) for hit in query.rankings["two"])
    mixed = dataclasses.replace(query, rankings=query.rankings | {"two": without})
    page, _ = opened(browser, made.comparison(mixed).report(tmp_path / "mixed.html"))
    assert page.locator("#q1 .cols > .col-0 .big").first.inner_text() == "7.0σ"
    assert page.locator("#q1 .cols > .col-0 .small").first.inner_text() == "0.900"
    assert page.locator("#q1 .cols > .col-1 .big").first.inner_text() == "0.900"
    assert page.locator("#q1 .cols > .col-1 .small").count() == 0


def test_a_picture_opens_large_and_arrows_go_down_its_list(browser: Browser, report: Path) -> None:
    page, trouble = opened(browser, report)
    hits = page.locator("#q1 .cols > .col-0 .hit")
    hits.nth(0).locator("svg.picture").click()
    large = page.locator("dialog[open]")
    size = large.locator("svg.view").bounding_box()
    assert size is not None
    assert size["width"] > 480
    assert large.locator(".caption").inner_text().startswith("1 · ")
    page.keyboard.press("ArrowRight")
    assert large.locator(".caption").inner_text().startswith("2 · ")
    second = hits.nth(1).locator("svg.picture").get_attribute("data-picture")
    assert large.locator("use").get_attribute("href") == f"#{second}"
    page.keyboard.press("Escape")
    assert large.count() == 0
    hits.nth(2).locator("svg.picture").focus()
    page.keyboard.press("Enter")
    assert large.count() == 1
    large.get_by_role("button", name="Close").click()
    assert large.count() == 0
    assert trouble == []


def test_j_and_k_go_from_query_to_query(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report)
    focused = "document.activeElement.id"
    for key, title in [("j", "q1-title"), ("j", "q2-title"), ("j", "q3-title"), ("k", "q2-title")]:
        page.keyboard.press(key)
        assert page.evaluate(focused) == title


def test_of_four_columns_two_are_chosen_to_stand_side_by_side(browser: Browser, four_columns: Path) -> None:
    page, trouble = opened(browser, four_columns)
    shown = lambda: [  # noqa: E731
        i for i in range(4) if page.locator(f"#q1 .cols > .col-{i}").is_visible()
    ]
    assert shown() == [0, 1]
    page.locator("label[for=right-3]").click()
    assert shown() == [0, 3]
    assert page.locator("#q1 .hinge-0-3").is_visible()
    page.locator("label[for=left-3]").click()  # the one on the right: they change places
    assert shown() == [0, 3]
    left, right = (page.locator(f"#q1 .cols > .col-{i}").bounding_box() for i in (3, 0))
    assert left is not None
    assert right is not None
    assert left["x"] < right["x"]
    assert page.locator("#q1 .hinge:visible").count() == 1
    assert trouble == []


def test_on_a_narrow_screen_columns_are_one_at_a_time_with_the_others_ranks(
    browser: Browser, two_columns: Path
) -> None:
    page, _ = opened(browser, two_columns, 390)
    assert page.locator("#q1 .cols > .col-0").is_visible()
    assert not page.locator("#q1 .cols > .col-1").is_visible()
    assert not page.locator("#q1 .hinge").is_visible()
    assert page.locator("#q1 .cols > .col-0 .listed").first.is_visible()
    page.locator("label[for=left-1]").click()
    assert not page.locator("#q1 .cols > .col-0").is_visible()
    assert page.locator("#q1 .cols > .col-1").is_visible()


def test_without_scripts_all_is_there_and_columns_and_colours_can_be_chosen(
    browser: Browser, four_columns: Path
) -> None:
    page, _ = opened(browser, four_columns, java_script_enabled=False)
    assert page.locator("#q1 .hit:visible").count() == 10
    assert page.locator("#q1 .hinge:visible").count() == 1
    page.locator("label[for=right-2]").click()
    assert page.locator("#q1 .cols > .col-2").is_visible()
    assert page.locator("svg.picture[role=button]").count() == 0


def test_light_and_dark_follow_the_system_until_one_is_chosen(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.locator("label[for=theme-light]").click()
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="light")
    page.locator("label[for=theme-auto]").click()
    assert page.evaluate(paper) == light != dark
    page.locator("label[for=theme-dark]").click()
    assert page.evaluate(paper) == dark


def test_print_shows_every_column_and_no_controls(browser: Browser, four_columns: Path) -> None:
    page, _ = opened(browser, four_columns, 760)
    page.emulate_media(media="print")
    assert page.locator("#q1 article:visible").count() == 4
    assert page.locator(".chooser:visible, .theme:visible, nav:visible").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["report", "two_columns", "four_columns"])
def test_axe_finds_nothing_serious(
    browser: Browser, request: pytest.FixtureRequest, kind: str, scheme: str
) -> None:
    page, _ = opened(browser, request.getfixturevalue(kind), color_scheme=scheme)
    assert serious_violations(page) == {}


@pytest.mark.parametrize("width", [360, 800, 1280, 2560])
def test_nothing_is_cut_off_at_any_width(browser: Browser, report: Path, width: int) -> None:
    page, _ = opened(browser, report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for link in page.locator("nav a").all():
        target = (link.get_attribute("href") or "").removeprefix("#")
        assert page.locator(f"[id='{target}']").count() == 1


def test_each_picture_is_in_the_file_once_and_nothing_is_referred_to(report: Path) -> None:
    content = report.read_text()
    pictures = re.findall(r"data:image/(?:webp|jpeg);base64,[^\"]+", content)
    assert len(pictures) == len(set(pictures)) == 8 + 1
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", content) == []


def test_a_saved_comparison_finds_its_pictures_again_or_does_without(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures")
    result = diptych.compare(pictures, ["palette"], ["red"], k=3)
    result.to_json(tmp_path / "r.json")
    loaded = diptych.Comparison.load(tmp_path / "r.json")
    assert loaded.report(tmp_path / "again.html").read_text().count("data:image/webp") == 3
    pictures.rename(tmp_path / "moved")
    without = loaded.report(tmp_path / "without.html").read_text()
    assert "data:image/webp" not in without
    assert without.count("picture not found") == 3 + 3
