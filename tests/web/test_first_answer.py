"""A hosted embedder's null texts, a request each, are sent once its first answer is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diptych.embedders import load
from diptych.emulators.replies import Reply, Request
from diptych.emulators.vertex import VertexEmulator
from diptych.retrieval.null_bank import default_bank
from served_page import COLOURS, EACH, Opened, client, served, wait_until_ready

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BANK = [text.text for text in default_bank()]


class Patient(VertexEmulator):
    """Keeps what was sent, in its order; answers null texts only when it is let."""

    def __init__(self) -> None:
        super().__init__(load("random"))
        self.sent: list[str] = []
        self.may_compare = threading.Event()

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        if request.method == "POST":
            text = json.loads(request.body)["instances"][0].get("text")
            self.sent.append(text or "a picture")
            if text in BANK:
                self.may_compare.wait()
        return super().answer(request)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "any")
    with Patient() as emulator:
        yield emulator
        emulator.may_compare.set()


def spec(service: Patient) -> str:
    return f"vertex?project=p&requests_per_minute=0&endpoint={service.url}"


def test_a_command_asks_first_and_says_what_was_found_before_null_texts_are_sent(
    pictures: Path, service: Patient, tmp_path: Path
) -> None:
    service.may_compare.set()
    command = [sys.executable, "-m", "diptych", "compare", str(pictures), "-q", "red", "-e", spec(service)]
    command += ["--store", str(tmp_path / "s.sqlite")]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    images = EACH * len(COLOURS)
    assert service.sent[: 1 + images] == ["red", *["a picture"] * images]
    assert sorted(service.sent[1 + images :]) == sorted(BANK)
    assert "finds for “red” first: " in done.stderr
    again = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=300)
    assert "finds for" not in again.stderr
    assert len(service.sent) == 1 + images + len(BANK)


def test_the_page_shows_hits_first_and_fills_in_where_the_list_breaks(
    browser: Browser, pictures: Path, service: Patient, tmp_path: Path
) -> None:
    store = tmp_path / "s.sqlite"
    with served(pictures, ["palette", spec(service)], store, max_cost=1.0) as page, client(page) as http:
        wait_until_ready(http)
        assert set(service.sent) == {"a picture"}
        opened = Opened(browser, page.url)
        opened.ask("a red picture")
        assert opened.hits(1).count() == 10
        theirs = opened.page.locator("#answer .col-1 header")
        theirs.get_by_text("being computed").wait_for()
        assert opened.page.locator("#answer .col-1 .cut").count() == 0
        opened.page.locator("#work").get_by_text(f"embedding null texts: 0 of {len(BANK)}").wait_for()
        assert next(text for text in service.sent if text != "a picture") == "a red picture"
        service.may_compare.set()
        theirs.get_by_text("being computed").wait_for(state="detached")
        theirs.get_by_text("break").or_(theirs.get_by_text("stands out")).first.wait_for()
        opened.page.locator("#work").get_by_text("null texts").wait_for(state="hidden")
        opened.close()
        assert set(BANK) <= set(service.sent)
        spent = http.get("/api/state").json()["spent"]
        assert 0 < spent < 1
