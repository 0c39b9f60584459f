"""Photograph what Diptych looks like, into docs/images: `make screenshots`.

Everything that is shown is real: the page that `diptych serve sample` serves, the report that `diptych
compare sample` writes and what it prints, the output of a notebook's cell; all of the drawn scenes that come
with Diptych. Each is taken light and dark, on a desk's screen and on a telephone's. `python
docs/make_screenshots.py page judge-dark` takes those alone whose names begin so.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import io
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2 as httpx
from PIL import Image
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from diptych import Comparison, samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Page

IMAGES = Path(__file__).parent / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
HEIGHTS = {1400: 900, 390: 844}  # of a desk's screen and a telephone's, by their widths, in CSS pixels
SCALES = {1400: 1, 390: 2}  # a picture's pixels for each of these
LARGEST = 60_000  # bytes of a picture
QUALITIES = range(90, 0, -5)  # of WebP with loss

EMBEDDERS = ("mini-s", "mini-b")
APART = ("mini-b", "palette")  # the verdict on these is clear
SHOWN = "sailboat"  # both lists break, lines cross, and one embedder puts horses among the boats
JUDGED = "a banana"  # not a query of the sample, so that all is left to judge

ALL_THERE = """async () => {
  await document.fonts.ready;
  const inView = ({ top, height }) => height && top < innerHeight;
  const pictures = [...document.images].filter((one) => inView(one.getBoundingClientRect()));
  await Promise.all(pictures.map((one) => one.decode()));
}"""
CELL = f'bench = diptych.Workbench("sample", ["mini-s", "mini-b"])\nbench.search("{SHOWN}")'
PROMPT = "$ diptych compare sample -e mini-s -e mini-b -e palette\n\n"
FRAME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Diptych</title>
<meta name="viewport" content="width=device-width"><style>
body {{ margin: 0; padding: 24px; background: {ground}; color: {ink}; font: 14px/1.5 system-ui, sans-serif; }}
pre {{ margin: 0; font: 13px/1.4 "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap; }}
main {{ max-width: 1180px; margin: 0 auto; }}
.cell {{ padding: 10px 14px; margin-bottom: 18px; border: 1px solid {rule}; background: {cell}; }}
.screen {{ padding: 16px 24px; font-size: 21px; line-height: 1.35; white-space: pre; }}
</style><body>{content}</body></html>"""
GROUNDS = {
    "light": {"ground": "#ffffff", "ink": "#1f1d1a", "cell": "#f5f5f5", "rule": "#e0e0e0"},
    "dark": {"ground": "#14191f", "ink": "#e9e5dc", "cell": "#1e252d", "rule": "#343b44"},
}
INKS = {
    "light": ["#1f1d1a", "#b0431f", "#2e7d32", "#8a6100", "#1d5fa8", "#8b3a86", "#0d6e6e", "#68635b"],
    "dark": ["#343b44", "#f08b6b", "#8ccf7e", "#e0b65c", "#7fb2ef", "#d59ad0", "#5cc0bd", "#e9e5dc"],
}


class Studio:
    """What is photographed, each made when it is first asked for.

    Args:
        folder: Takes the store and whatever else is made.
        closing: What ends with the studio.
    """

    def __init__(self, folder: Path, closing: contextlib.ExitStack) -> None:
        self._folder = folder
        self._closing = closing
        own = {"DIPTYCH_STORE": str(folder / "store.sqlite"), "DIPTYCH_CACHE": str(folder / "cache")}
        self._surroundings = os.environ | own

    @cached_property
    def page(self) -> str:
        """The address of a page with two embedders."""
        return self._serve(EMBEDDERS, (*samples.queries().values(), SHOWN, JUDGED))

    @cached_property
    def page_of_apart(self) -> str:
        """The address of a page with two embedders of which one is better."""
        return self._serve(APART, samples.queries().values())

    def _serve(self, embedders: Iterable[str], queries: Iterable[str]) -> str:
        """The address of a page where these were asked; it is served until the studio closes."""
        options = ("--port", "0", "--no-open", "--quiet", "--planned", str(len(samples.queries())))
        command = self._command("serve", "sample", *each("-e", embedders), *options)
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self._surroundings)
        self._closing.callback(server.wait)
        self._closing.callback(server.terminate)
        assert server.stdout is not None
        address = server.stdout.readline().split()[0].rstrip("/")
        prepare_page(address, queries)
        return address

    @cached_property
    def report(self) -> str:
        """The report's address."""
        return (self._compared / "report.html").as_uri()

    @cached_property
    def cell(self) -> str:
        """A notebook's cell with its output, as HTML."""
        saved = self._folder / "searched.json"
        self._diptych("search", "sample", SHOWN, *each("-e", EMBEDDERS), "--json", str(saved), "--quiet")
        return f'<pre class="cell">{html.escape(CELL)}</pre>{Comparison.load(saved)._repr_html_()}'

    @cached_property
    def terminal(self) -> Text:
        """A terminal's screen after `diptych compare`."""
        return Text.from_ansi(PROMPT + (self._compared / "printed").read_text(encoding="utf-8"))

    @cached_property
    def _compared(self) -> Path:
        """The folder of what `diptych compare` wrote and printed."""
        made = self._folder / "compared"
        made.mkdir()
        pictures = ("sample", *each("-e", (*EMBEDDERS, "palette")), "--quiet")
        self._diptych("embed", *pictures)  # so that nothing says how long that took
        report = ("--report", str(made / "report.html"))
        printed = self._diptych("compare", *pictures, *report)
        (made / "printed").write_text(printed, encoding="utf-8")
        return made

    def _diptych(self, *arguments: str) -> str:
        """What `diptych …` prints in a terminal of 100 columns and sixteen colours."""
        terminal = {"TTY_COMPATIBLE": "1", "COLUMNS": "100", "TERM": "xterm-256color"}
        command, surroundings = self._command(*arguments), self._surroundings | terminal
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=surroundings).stdout

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "diptych", *arguments]


def each(option: str, values: Iterable[str]) -> list[str]:
    """An option given once for each value."""
    return [part for value in values for part in (option, value)]


def prepare_page(address: str, queries: Iterable[str]) -> None:
    """Ask the queries, and wait until nothing is under way any more."""
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=120) as http:
        while any(one["state"] != "ready" for one in http.get("/api/state").json()["embedders"]):
            time.sleep(0.05)
        for text in queries:
            http.post("/api/search", json={"text": text, "keep": True}).raise_for_status()
        while not http.get("/api/verdict", params={"wait": 30}).json()["current"]:
            pass


def show_page(studio: Studio, page: Page, _colours: str) -> None:
    """A query's answer on the page."""
    page.goto(f"{studio.page}/?text={SHOWN}")
    answered = "#answer:not([aria-busy]):has(.col-0:not(.waiting)):has(.col-1:not(.waiting))"
    page.locator(answered).wait_for()
    page.locator("#better:not(:empty)").wait_for()


def show_gallery(studio: Studio, page: Page, colours: str) -> None:
    """The same as a gallery."""
    page.add_init_script("localStorage.setItem('view', 'gallery')")
    show_page(studio, page, colours)


def show_judge(studio: Studio, page: Page, _colours: str) -> None:
    """A picture to judge."""
    page.goto(f"{studio.page}/judge?text={JUDGED}")
    page.locator("[data-key=y]:enabled").wait_for()
    page.locator("#verdict .difference").first.wait_for()
    page.locator("#queries li").first.wait_for()


def show_evaluate(studio: Studio, page: Page, _colours: str) -> None:
    """What the judgments say."""
    page.goto(f"{studio.page_of_apart}/evaluate")
    page.locator("#verdict .difference").first.wait_for()
    page.locator("#effect:not(:empty)").wait_for()


def show_report(studio: Studio, page: Page, _colours: str) -> None:
    """The report, without the time, which always differs."""
    page.goto(studio.report)
    page.locator("header.front .over").evaluate("one => one.textContent = 'Diptych'")


def show_notebook(studio: Studio, page: Page, colours: str) -> None:
    """A notebook's cell."""
    page.set_content(FRAME.format(content=f"<main>{studio.cell}</main>", **GROUNDS[colours]))


def show_terminal(studio: Studio, page: Page, colours: str) -> None:
    """A terminal's screen."""
    console = Console(record=True, file=io.StringIO(), width=100)
    console.print(studio.terminal)
    theme = terminal_theme(GROUNDS[colours]["ground"], GROUNDS[colours]["ink"], INKS[colours])
    screen = console.export_html(theme=theme, inline_styles=True, code_format="{code}")
    page.set_content(FRAME.format(content=f'<pre class="screen">{screen}</pre>', **GROUNDS[colours]))


def terminal_theme(ground: str, ink: str, inks: list[str]) -> TerminalTheme:
    """A terminal's colours, from `#rrggbb`."""

    def rgb(colour: str) -> tuple[int, int, int]:
        red, green, blue = bytes.fromhex(colour[1:])
        return red, green, blue

    return TerminalTheme(rgb(ground), rgb(ink), [rgb(colour) for colour in inks])


VIEWS: dict[str, tuple[Callable[[Studio, Page, str], None], tuple[int, ...]]] = {
    "page": (show_page, (1400, 390)),
    "gallery": (show_gallery, (1400, 390)),
    "judge": (show_judge, (1400, 390)),
    "evaluate": (show_evaluate, (1400, 390)),
    "report": (show_report, (1400, 390)),
    "notebook": (show_notebook, (1400, 390)),
    "terminal": (show_terminal, (1400,)),
}


def photograph(studio: Studio, browser: Browser, view: str, colours: str, width: int) -> Image.Image:
    """The first screen of a view, once all that is to be seen of it is there."""
    show, _ = VIEWS[view]
    with browser.new_context(
        viewport={"width": width, "height": HEIGHTS[width]},
        device_scale_factor=SCALES[width],
        color_scheme="dark" if colours == "dark" else "light",
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        show(studio, page, colours)
        page.evaluate(ALL_THERE)
        height = page.evaluate(
            "Math.min(innerHeight, Math.floor(document.body.getBoundingClientRect().height))"
        )
        clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": height}
        return Image.open(io.BytesIO(page.screenshot(animations="disabled", clip=clip))).convert("RGB")


def encode(picture: Image.Image) -> bytes:
    """WebP that is small enough: sharp where few colours do, as for text, otherwise with some loss."""
    few = picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE).convert("RGB")
    sharp = (webp(one, lossless=True) for one in (picture, few))
    lossy = (webp(picture, quality=quality) for quality in QUALITIES)
    return next(made for made in itertools.chain(sharp, lossy) if len(made) <= LARGEST)


def webp(picture: Image.Image, **options: float) -> bytes:
    """A picture as WebP."""
    made = io.BytesIO()
    picture.save(made, "WEBP", method=6, **options)
    return made.getvalue()


def find_browser() -> str:
    """The path of a Chromium; without one the program ends with a line that says so."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        sys.exit("playwright is not installed: pip install 'diptych[test]'")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or sys.exit(f"none of {', '.join(BROWSERS)} is on PATH: install Chromium")


def main() -> None:
    """Take the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "names", nargs="*", default=[""], help="how the names begin of what to take; by default all"
    )
    parser.add_argument("--to", type=Path, default=IMAGES, help="the folder that takes them")
    asked = parser.parse_args()
    chromium = find_browser()
    from playwright.sync_api import sync_playwright

    asked.to.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        studio = Studio(folder, closing)
        playwright = closing.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for view, (_, widths) in VIEWS.items():
            for colours, width in itertools.product(("light", "dark"), widths):
                name = f"{view}-{colours}-{width}"
                if name.startswith(tuple(asked.names)):
                    made = encode(photograph(studio, browser, view, colours, width))
                    (asked.to / f"{name}.webp").write_bytes(made)
                    print(f"{name}.webp {len(made) / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
