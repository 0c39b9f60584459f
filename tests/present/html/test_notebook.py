"""What a notebook shows: plain HTML that needs no script and no style sheet, light or dark, styled or not."""

from __future__ import annotations

import dataclasses
import itertools
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import diptych
import made_comparisons as made
from accessibility import serious_violations
from diptych.images import Skipped
from diptych.present.html import notebook
from diptych.result import Comparison
from support import picture_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NASTY = "<img src=x onerror=alert(1)>\u202egpj.exe"

JUPYTER = """
table { border-collapse: collapse; table-layout: fixed; margin: 0 auto 1em; font-size: 12px; }
td, th { text-align: right; vertical-align: middle; padding: .5em; }
tbody tr:nth-child(even) { background: #7772; }
"""
"""What JupyterLab's style sheet does to every table of an output."""

GROUNDS = {"white": "#000", "#111": "#e0e0e0", "#1e1e1e": "#ccc", "#383838": "#d5d5d5"}
"""The grounds of Jupyter, JupyterLab in the dark, VS Code and Colab in the dark, with their text's colour."""


def write_pictures(folder: Path) -> Path:
    for label, colour in {"red": (200, 20, 20), "blue": (30, 40, 210)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(4):
            name = NASTY.replace("/", "") if (label, number) == ("red", 0) else str(number)
            data = picture_bytes((colour[0], colour[1], colour[2] + number), (120, 40 + 30 * number))
            (folder / label / f"{name}.png").write_bytes(data)
    (folder / "torn.png").write_bytes(picture_bytes()[:45])
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "pictures")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("shown")
    pictures, outside = write_pictures(folder / "pictures"), folder / "outside.png"
    outside.write_bytes(picture_bytes((220, 40, 40)))
    bench = diptych.Workbench(pictures, ["palette", "random", "random?seed=2"], store=folder / "store.sqlite")
    return bench.compare(["red", f"a red {NASTY}", pictures / "blue" / "1.png", outside], k=5)._repr_html_()


def opened(
    browser: Browser, fragment: str, ground: str = "white", width: int = 1140
) -> tuple[Page, list[str]]:
    """An output in a notebook's page, and everything it complained of or asked the network for."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("request", lambda request: trouble.append(request.url) if request.url[:5] != "data:" else None)
    style = f"body {{ background: {ground}; color: {GROUNDS[ground]}; }} {JUPYTER}"
    page.set_content(
        f"<!doctype html><html lang=en><title>n</title><style>{style}</style><body><main>{fragment}</main>"
    )
    return page, trouble


class Elements(HTMLParser):
    """The elements of a fragment, each with its attributes."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str]]] = []
        self.feed(fragment)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, {name: value or "" for name, value in attrs}))


def unstyled(fragment: str) -> str:
    """What a code-hosting site leaves: no style, no drawing."""
    return re.sub(r"<svg.*?</svg>", "", re.sub(r'\sstyle="[^"]*"', "", fragment), flags=re.DOTALL)


def words(fragment: str) -> str:
    """The text of a fragment, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", fragment))


def test_there_is_no_script_no_style_sheet_and_nothing_to_fetch(shown: str) -> None:
    names = {
        *("div", "p", "h3", "h4", "b", "small", "br", "bdi", "code", "ul", "li", "img"),
        *(
            "details",
            "summary",
            "table",
            "thead",
            "tbody",
            "tr",
            "td",
            "th",
            "svg",
            "path",
            "polyline",
            "span",
        ),
    }
    found = Elements(shown)
    assert {name for name, _ in found.all} == names
    attributes = {attribute for _, attributes in found.all for attribute in attributes}
    assert not {name for name in attributes if name.startswith("on") or name in {"class", "href", "id"}}
    assert all(attributes["src"].startswith("data:image/") for name, attributes in found.all if name == "img")


def test_the_page_keeps_its_own_ground_and_colour_of_text(shown: str) -> None:
    grounds = set(re.findall(r"background:([^;\"]+)", shown))
    assert grounds <= {"none", *notebook.INKS, *notebook.LINES}
    assert set(re.findall(r"[;\"]color:([^;\"]+)", shown)) <= {"inherit", "#fff"}


def test_names_and_queries_are_text(browser: Browser, shown: str) -> None:
    page, trouble = opened(browser, shown)
    assert trouble == []
    assert page.locator("img:not([src^='data:'])").count() == 0
    shown_text = page.locator("body").inner_text()
    assert "a red <img src=x onerror=alert(1)>" in shown_text
    assert "\u202e" not in shown_text


def test_both_lists_stand_side_by_side_with_their_pictures(browser: Browser, shown: str) -> None:
    page, _ = opened(browser, shown)
    first = page.locator("h4", has_text="“red”").locator("xpath=following-sibling::table[1]")
    lists = first.locator("table")
    boxes = [lists.nth(place).bounding_box() for place in range(lists.count())]
    assert all(box is not None for box in boxes)
    lefts = [box["x"] for box in boxes if box]
    assert lefts == sorted(lefts)
    assert len(set(lefts)) == len(lefts) == 3
    assert len({box["y"] for box in boxes if box}) == 1
    assert lists.nth(0).locator("img").count() == 5
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def test_pictures_are_whole_and_fit_their_row(browser: Browser, shown: str) -> None:
    page, _ = opened(browser, shown)
    sizes = page.evaluate(
        "[...document.images].map(i => [i.width, i.height, i.naturalWidth / i.naturalHeight])"
    )
    assert sizes
    for width, height, shape in sizes:
        assert width <= notebook.SHOWN[0]
        assert height <= notebook.SHOWN[1]
        assert width / height == pytest.approx(shape, rel=0.05)


def test_lines_meet_the_rows_that_they_join(browser: Browser) -> None:
    page, _ = opened(browser, made.comparison()._repr_html_())
    joined = page.evaluate(
        """() => [...document.querySelectorAll('svg[aria-hidden] path')].map(path => {
            const box = path.getBoundingClientRect(), [x, y] = [box.left - 20, box.right + 20];
            const length = path.getTotalLength(), matrix = path.getScreenCTM();
            return [path.getPointAtLength(0), path.getPointAtLength(length)]
                .map(point => point.matrixTransform(matrix))
                .map((point, side) => document.elementFromPoint(side ? point.x + 30 : point.x - 20, point.y)
                    .closest('tr').querySelector('[title]').title);
        })"""
    )
    assert len(joined) == 3
    assert all(left == right for left, right in joined)


def test_a_list_breaks_where_it_breaks(browser: Browser) -> None:
    page, _ = opened(browser, made.comparison()._repr_html_())
    rows = page.locator("td > table").nth(0).locator("tr").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "break", "4", "5"]
    assert "same place in 64 %" in rows[3]
    assert len(page.locator("td > table").nth(1).locator("tr").all()) == 5


@pytest.mark.parametrize("strip", [False, True], ids=["styled", "unstyled"])
def test_everything_is_said_in_words(strip: bool) -> None:
    shown = made.comparison()._repr_html_()
    said = words(unstyled(shown) if strip else shown)
    for sentence in (
        "Do they rank alike? 6 of the first 10 shared 2.5 by chance",
        "Does the list break? A break after 3 same place in 64 % when pictures are left out at random; 3 of",
        ("B no clear break most unusual fall 2.6 σ, after 3; by chance in 20 of 100 lists; 3 of 40 stand"),
        "Is one better? Cannot tell: nothing has been judged.",
        "Both rank cat/0.png first.",
        "A one break after 3",
        "B two no clear break",
        "1 picture not found cat 0.png 3 in B 7.0 σ 0.900",
        "4 picture not found cat 3.png not in B’s first 5",
        "5 picture not found cat 4.png not in B’s first 5 , 31 in B",
        "break after 3 , same place in 64 %",
        'Everything: .report("report.html")',
    ):
        assert sentence in said


def test_several_queries_begin_with_the_answers_over_all() -> None:
    said = words(made.comparison(made.query("cat"), made.query("dog"))._repr_html_())
    assert "2 queries on 40 pictures Do they rank alike? In part: they share 6." in said
    assert "Does a list break? A For 1 of 1 query. B For 0 of 1 query." in said
    assert said.index("In part") < said.index("“cat”") < said.index("“dog”")


def test_what_judgments_say_stands_beside_the_hits(pictures: Path) -> None:
    bench = diptych.Workbench(pictures, ["palette", "random"])
    one = words(bench.evaluate(["red"], 8, labels="folder")._repr_html_())
    assert (one.count("red , relevant"), one.count("blue , not relevant")) == (8, 8)
    assert "Is one better? Cannot tell A from B with 1 query" in one
    two = words(bench.evaluate(["red", "blue"], 8, labels="folder")._repr_html_())
    assert two.count("Is one better? Cannot tell A from B with 2 queries") == 1
    assert "nothing has been judged" not in one + two


def test_what_was_skipped_is_named_with_the_reason(shown: str) -> None:
    assert "1 skipped torn.png: the file is cut off" in words(shown)
    many = tuple(Skipped(f"{number}.png", "is broken") for number in range(60))
    said = words(dataclasses.replace(made.comparison(), skipped=many)._repr_html_())
    assert "60 skipped 0.png: is broken" in said
    assert "49.png: is broken and 10 more" in said


def test_a_list_of_equal_scores_is_not_shown(pictures: Path) -> None:
    with pytest.warns(diptych.DiptychWarning, match="colour words"):
        said = words(diptych.compare(pictures, ["palette", "random"], ["wolf"])._repr_html_())
    assert "All 8 pictures have the same score here." in said
    assert "A all equal" in said


def lists(fragment: str) -> list[int]:
    """How many hits each list shows."""
    found = re.findall(
        r"<table[^>]*><tbody>\s*<tr style=\"background:none;height:64px\">.*?</table>", fragment, re.DOTALL
    )
    return [len(re.findall("height:64px", one)) for one in found]


@pytest.mark.parametrize(
    ("queries", "hits", "shown"), [(1, 5, 5), (23, 5, 5), (10, 30, 12), (6, 30, 20), (1, 30, 20)]
)
def test_long_comparisons_are_cut_and_say_so(queries: int, hits: int, shown: int) -> None:
    images = list(range(hits))
    one = dataclasses.replace(made.query(), rankings={name: made.hits(images) for name in made.RANKS})
    asked = [dataclasses.replace(one, query=f"query {number}") for number in range(queries)]
    fragment = made.comparison(*asked)._repr_html_()
    assert lists(fragment) == [shown] * 2 * min(queries, notebook.MOST_QUERIES)
    said = words(fragment)
    assert (f"Of each list the first {shown} are shown." in said) == (shown < hits)
    assert ("3 more queries left out here." in said) == (queries == 23)


def test_it_is_small(shared: Path) -> None:
    texts = [
        f"{what} {where}"
        for what, where in itertools.product(
            ("red", "blue", "green", "white"), ("", "sky", "grass", "sea", "snow")
        )
    ]
    result = diptych.compare(shared / "data" / "photos" / "animals", ["palette", "random"], texts, k=20)
    assert len(result.queries) == 20
    assert len(result._repr_html_()) < 1_500_000
    assert len(repr(result)) < 100


def test_a_saved_comparison_shows_itself_too(pictures: Path, tmp_path: Path) -> None:
    result = diptych.compare(pictures, ["palette", "random"], ["red"])
    result.to_json(tmp_path / "result.json")
    loaded = Comparison.load(tmp_path / "result.json")
    assert loaded._repr_html_() == result._repr_html_()
    shutil.rmtree(pictures)
    assert "picture not found" in Comparison.load(tmp_path / "result.json")._repr_html_()


def test_lines_can_be_seen_on_every_ground() -> None:
    for line, ground in itertools.product(notebook.LINES, GROUNDS):
        assert contrast(line, {"white": "#ffffff", "#111": "#111111"}.get(ground, ground)) >= 3
    for ink in notebook.INKS:
        assert contrast(ink, "#ffffff") >= 4.5


def contrast(a: str, b: str) -> float:
    """The contrast of two colours, as WCAG has it."""
    darker, lighter = sorted(luminance(colour) for colour in (a, b))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", ["white", "#383838"])
def test_axe_finds_nothing_serious(browser: Browser, ground: str) -> None:
    page, _ = opened(browser, made.comparison(made.query("cat"), made.query("dog"))._repr_html_(), ground)
    assert serious_violations(page) == {}


@pytest.mark.parametrize("width", [400, 760, 1140])
def test_nothing_is_wider_than_what_can_be_scrolled(browser: Browser, shown: str, width: int) -> None:
    page, _ = opened(browser, shown, width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_curve_has_its_axes_named(browser: Browser) -> None:
    page, _ = opened(browser, made.comparison()._repr_html_())
    shown = page.locator("body").inner_text()
    assert "rank (logarithmic)" in shown
    assert (
        "score, as a share of the list’s own fall" in shown or "score above the list’s median, in σ" in shown
    )


def test_a_gallery_shows_one_querys_pictures(browser: Browser, pictures: Path) -> None:
    result = diptych.compare(pictures, ["palette", "random"], ["red", "blue"], k=5)
    page, trouble = opened(browser, result.gallery("blue")._repr_html_(), width=390)
    assert page.locator("img").count() == 10
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert trouble == []
    with pytest.raises(diptych.DiptychError, match="'green' was not asked here; choose one of 'red', 'blue'"):
        result.gallery("green")


@pytest.mark.parametrize("width", [390, 1140])
def test_where_another_list_has_a_hit_is_said_whole(browser: Browser, width: int) -> None:
    page, _ = opened(browser, made.comparison()._repr_html_(), width=width)
    cut = page.locator("td[title]").evaluate_all(
        """cells => cells.flatMap(cell => [...cell.querySelectorAll("small")]
            .filter(one => / in B$/.test(one.textContent))
            .filter(one => one.getBoundingClientRect().right > cell.getBoundingClientRect().right)
            .map(one => one.textContent))"""
    )
    assert page.locator("td[title] small", has_text="in B").count() > 0
    assert cut == []
