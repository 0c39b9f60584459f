"""A page served for a test: a real server on a free port, and a real browser to look at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
import numpy as np
from PIL import Image

from diptych.embedders import Embedder, EmbedderInfo, TransientError
from diptych.embedders.base import Vectors
from diptych.web.server import Page, open_page
from diptych.workbench import Workbench
from support import picture_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator
    from playwright.sync_api import Page as BrowserPage

COLOURS = {
    "red": (205, 25, 25),
    "blue": (30, 45, 210),
    "green": (25, 150, 45),
    "yellow": (235, 215, 40),
    "black": (12, 12, 12),
    "white": (248, 248, 248),
}
EACH = 4


def paint(folder: Path) -> Path:
    """Pictures of one colour each, in a folder for every colour."""
    for label, colour in COLOURS.items():
        (folder / label).mkdir(parents=True)
        for number in range(EACH):
            shade = tuple(min(255, value + 2 * number) for value in colour)
            data = picture_bytes((shade[0], shade[1], shade[2]), (120, 40 + 30 * number))
            (folder / label / f"{number}.png").write_bytes(data)
    return folder


@contextmanager
def served(
    pictures: Path, embedders: Sequence[str | Embedder], store: Path, **options: Any
) -> Iterator[Page]:
    """A page that answers as long as the block lasts."""
    page = open_page(Workbench(pictures, embedders, store=store), **options)
    page.start()
    try:
        yield page
    finally:
        page.close()


def client(page: Page) -> httpx.Client:
    """Who asks as the page itself does."""
    base = page.url.partition("/?")[0].rstrip("/")
    return httpx.Client(base_url=base, headers={"Origin": base}, timeout=120)


def wait_until_ready(http: httpx.Client) -> dict[str, Any]:
    """The page's state once no embedder is at work any more."""
    while True:
        state: dict[str, Any] = http.get("/api/state").json()
        if not any(one["state"] in {"waiting", "embedding"} for one in state["embedders"]):
            return state
        time.sleep(0.02)


class Steered:
    """An embedder that a test holds up, lets fail or lets cost; it sees the mean colour."""

    def __init__(self, name: str, *, price: float | None = None) -> None:
        self.info = EmbedderInfo(
            name=name,
            provider="test",
            model="1",
            dimension=3,
            preprocessing="the mean colour",
            fingerprint=f"steered/{name}",
            batch_size=4,
            price_per_image=price,
            price_per_1k_characters=price,
        )
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.may_see = threading.Semaphore(10_000)
        self.sees = threading.Event()
        self.fails = False
        self.calls = 0

    def prepare_image(self, image: Image.Image) -> Any:
        return np.asarray(image, np.float32).mean(axis=(0, 1))

    def embed_images(self, prepared: Sequence[Any]) -> Vectors:
        self.sees.set()
        self.may_see.acquire()
        return np.stack(prepared).astype(np.float32)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.may_answer.wait()
        if self.fails:
            raise TransientError("the service is having a bad day")
        self.calls += 1
        rows = [np.random.default_rng(abs(hash(text)) % 2**32).uniform(0, 255, 3) for text in texts]
        return np.array(rows, np.float32)


class Opened:
    """A page in a browser, and everything it complained of.

    Args:
        browser: The browser.
        url: The page's own address.
        view: What to open of it.
        before: A script to run before those of the page.
        settings: Of the browser's context.
    """

    def __init__(
        self, browser: Browser, url: str, view: str = "", *, before: str = "", **settings: Any
    ) -> None:
        self.context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | settings))
        self.page: BrowserPage = self.context.new_page()
        self.page.set_default_timeout(120_000)  # nothing takes long, but a machine may be busy
        self.page.set_default_navigation_timeout(120_000)
        self.trouble: list[str] = []
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("dialog", lambda dialog: self.trouble.append(dialog.message))
        self.page.on("request", self._watch)
        if before:
            self.page.add_init_script(before)
        self.url = url
        self.go(view)

    def _watch(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.trouble.append(request.url)

    def close(self) -> None:
        """Close it; nothing must have gone wrong on it."""
        self.context.close()
        assert self.trouble == []

    def go(self, view: str) -> None:
        """Open another view and wait until it shows what it has to say."""
        self.page.goto(f"{self.url}{view}")
        if view.startswith("?"):
            self.settle()
        if view.startswith("judge"):
            self.page.locator("#verdict p").first.wait_for()
            self.page.locator("#left, #queries" if "?" in view else "#queries").first.wait_for()
        if view.startswith("evaluate"):
            self.page.locator("#verdict p").first.wait_for()
            self.page.locator("#effect:not(:empty), .verdict .flat").first.wait_for()

    def ask(self, text: str) -> None:
        """Write a query and press Enter."""
        self.page.locator("#text").fill(text)
        self.page.keyboard.press("Enter")
        self.page.locator("#answer h2").get_by_text(f"“{text}”").wait_for(state="attached")
        self.settle()

    def settle(self) -> None:
        """Wait until both embedders have answered and that is shown."""
        self.page.locator(
            "#answer:not([aria-busy]):has(.col-0:not(.waiting)):has(.col-1:not(.waiting))"
        ).wait_for()
        self.page.locator("#better:not(:empty)").wait_for()

    def index(self) -> None:
        """Open the index of what was asked."""
        self.page.locator("#past:not([open]) > summary").click()

    def hits(self, column: int) -> Locator:
        """The hits of an embedder."""
        return self.page.locator(f"#answer .col-{column} .hit")

    def names(self, column: int) -> list[str]:
        """The names of their pictures."""
        return list(self.hits(column).locator(".file").all_inner_texts())
