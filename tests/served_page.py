"""A page served for a test: a real server on a free port, and a real browser to look at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx

from diptych.comparison import Workbench
from diptych.embedders import Embedder
from diptych.web.server import Page, open_page
from support import picture_bytes

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
    return httpx.Client(base_url=base, headers={"Origin": base}, timeout=30)


def wait_until_ready(http: httpx.Client) -> dict[str, Any]:
    """The page's state once no embedder is at work any more."""
    while True:
        state: dict[str, Any] = http.get("/api/state").json()
        if not any(one["state"] in {"waiting", "embedding"} for one in state["embedders"]):
            return state
