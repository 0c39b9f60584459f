"""The page within a notebook's cell: shown by that notebook alone."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2 as httpx
import pytest

from diptych.web import jupyter
from diptych.web.server import Page, open_page
from diptych.workbench import Workbench

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextlib.contextmanager
def notebook(content: dict[str, str]) -> Iterator[str]:
    """The origin of a server that shows this under "html", as a notebook shows a cell's output."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>notebook</title>{content['html']}".encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def served(bench: Workbench, framed_by: set[str]) -> Iterator[Page]:
    page = open_page(bench, framed_by=framed_by)
    page.start()
    yield page
    page.close()


def test_the_page_works_in_its_own_notebook_s_frame_and_in_no_other(
    browser: Browser, pictures: Path, tmp_path: Path
) -> None:
    cell = {"html": ""}
    bench = Workbench(pictures, ["palette", "random"], store=tmp_path / "s.sqlite")
    bench.embed()
    with notebook(cell) as own, notebook(cell) as other, served(bench, {own}) as page:
        cell["html"] = page._repr_html_()
        tab = browser.new_page()
        tab.goto(own)
        frame = tab.frame_locator("iframe")
        frame.locator("#text").fill("red")
        frame.get_by_role("button", name="Search", exact=True).click()
        frame.locator(".hit").first.wait_for()
        tab.goto(other)
        tab.wait_for_load_state("networkidle")
        assert tab.frame_locator("iframe").locator("#text").count() == 0
        tab.close()


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors "
)
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
TOLD = {"content-length", "content-type", "date"}


@pytest.mark.parametrize("path", ["", "evaluate", "api/state", "api/nothing-here", "static/web.css"])
@pytest.mark.parametrize(
    ("framed_by", "ancestors", "more"),
    [
        (
            {"http://localhost:8888", "http://127.0.0.1:8888"},
            "http://127.0.0.1:8888 http://localhost:8888",
            {},
        ),
        (set(), "'none'", {"x-frame-options": "DENY"}),
    ],
    ids=["in a notebook", "elsewhere"],
)
def test_every_header_says_who_may_frame_it_and_what_it_may_load(
    framed_by: set[str], ancestors: str, more: dict[str, str], path: str, pictures: Path, tmp_path: Path
) -> None:
    with served(Workbench(pictures, ["palette"], store=tmp_path / "s.sqlite"), framed_by) as page:
        answer = httpx.get(page.url + path)
    headers = {name: value for name, value in answer.headers.items() if name not in TOLD}
    assert headers == ALWAYS | more | {"content-security-policy": POLICY + ancestors}


def test_the_frame_is_a_sandbox_without_the_notebook_s_rights(pictures: Path, tmp_path: Path) -> None:
    with served(
        Workbench(pictures, ["palette"], store=tmp_path / "s.sqlite"), {"http://localhost:1"}
    ) as page:
        shown = page._repr_html_()
    assert 'sandbox="allow-scripts allow-same-origin allow-forms allow-downloads"' in shown
    assert 'referrerpolicy="no-referrer"' in shown
    assert f'src="{page.url}"' in shown


def test_without_a_notebook_the_page_is_a_link_and_no_frame_shows_it(pictures: Path, tmp_path: Path) -> None:
    with served(Workbench(pictures, ["palette"], store=tmp_path / "s.sqlite"), set()) as page:
        assert "<iframe" not in page._repr_html_()
        assert page.url in page._repr_html_()


@pytest.mark.parametrize(
    ("filed", "elsewhere", "expected"),
    [
        ("http://localhost:8888/", {}, {"http://localhost:8888", "http://127.0.0.1:8888"}),
        ("http://localhost:8888/", {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, set()),
        ("http://localhost:8888/user/me/", {}, set()),
        ("https://localhost:8888/", {}, set()),
        ("http://example.org:8888/", {}, set()),
        ("http://localhost:port/", {}, set()),
        (None, {}, set()),
    ],
)
def test_only_a_jupyter_server_of_this_machine_may_frame(
    filed: str | None,
    elsewhere: dict[str, str],
    expected: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in jupyter._ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_PARENT_PID", "123")
    monkeypatch.setattr(jupyter, "_is_a_notebook", lambda: True)
    if filed is not None:
        (tmp_path / "jpserver-123.json").write_text(json.dumps({"url": filed}))
    assert jupyter.notebook_origins() == expected
