"""The report: one file that shows everything in a real browser, fetches nothing and trusts no name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import diptych
from support import missing, need, picture_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NASTY = "<img src=x onerror=alert(1)>\u202egpj.exe"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need("playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for label, colour in {"red": (200, 20, 20), "blue": (30, 40, 210)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(4):
            name = NASTY.replace("/", "") if (label, number) == ("red", 0) else str(number)
            data = picture_bytes((colour[0], colour[1], colour[2] + number), (120, 40 + 30 * number))
            (folder / label / f"{name}.png").write_bytes(data)
    (folder / "torn.png").write_bytes(picture_bytes()[:45])
    return folder


@pytest.fixture
def report(pictures: Path, tmp_path: Path) -> Path:
    (tmp_path / "outside.png").write_bytes(picture_bytes((220, 40, 40)))
    queries = ["red", f"a red {NASTY}", pictures / "blue" / "1.png", tmp_path / "outside.png"]
    long_spec = f"random?seed={'1' * 90}"
    return diptych.compare(pictures, ["palette", "random", long_spec], queries, k=5).report(
        tmp_path / "report.html"
    )


def opened(browser: Browser, path: Path, width: int = 1280) -> tuple[Page, list[str]]:
    """The report in the browser, and everything it complained of or asked the network for."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("request", lambda request: trouble.append(request.url) if not local(request.url) else None)
    page.goto(path.as_uri())
    return page, trouble


def local(url: str) -> bool:
    return url.startswith(("file:", "data:"))


def test_the_report_shows_columns_side_by_side_with_pictures(browser: Browser, report: Path) -> None:
    page, trouble = opened(browser, report)
    section = page.locator("#q1")
    left, right, _ = (article.bounding_box() for article in section.locator("article").all())
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"]
    assert section.locator("article").first.locator("li").count() == 5
    assert section.locator("li svg.picture").count() == 15
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


def test_what_was_skipped_and_what_each_embedder_saw_is_told(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report)
    assert page.get_by_text("torn.png").count() == 1
    facts = page.locator("section:has(#fairness)").inner_text()
    assert "palette" in facts
    assert "sees" in facts


def test_the_picture_asked_with_is_shown_and_said(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report)
    assert page.locator("#q3 h2 svg.picture").count() == 1
    assert "each list begins with it" in page.locator("#q3 .finding").inner_text()
    assert page.locator("#q4 h2 svg.picture").count() == 1
    assert page.locator("#q4 .finding").count() == 0


@pytest.mark.parametrize("width", [360, 800, 1280, 2560])
def test_nothing_is_cut_off_at_any_width(browser: Browser, report: Path, width: int) -> None:
    page, _ = opened(browser, report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_each_picture_is_in_the_file_once_and_nothing_is_referred_to(report: Path) -> None:
    content = report.read_text()
    pictures = re.findall(r"data:image/jpeg;base64,[^\"]+", content)
    assert len(pictures) == len(set(pictures)) == 8 + 1
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", content) == []


def test_a_saved_comparison_finds_its_pictures_again_or_does_without(
    pictures: Path, report: Path, tmp_path: Path
) -> None:
    result = diptych.compare(pictures, ["palette"], ["red"], k=3)
    result.to_json(tmp_path / "r.json")
    loaded = diptych.Comparison.load(tmp_path / "r.json")
    assert loaded.report(tmp_path / "again.html").read_text().count("data:image/jpeg") == 3
    pictures.rename(tmp_path / "moved")
    without = loaded.report(tmp_path / "without.html").read_text()
    assert "data:image/jpeg" not in without
    assert without.count("picture not found") == 3
