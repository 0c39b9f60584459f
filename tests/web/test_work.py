"""The embedders at work, as a person sees them: what is typed stays, what is broken is said."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugins import install
from served_page import Opened, Steered, client, served, wait_until_ready

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BLIND = """
import numpy as np
from diptych.embedders import EmbedderInfo

def load(model):
    return Blind()

class Blind:
    info = EmbedderInfo(
        name="blind", provider="blind", model="1", dimension=4, preprocessing="none", fingerprint="blind/1",
    )
    def prepare_image(self, image):
        return image.size
    def embed_images(self, prepared):
        return np.ones((len(prepared), 4), np.float32)
    def embed_texts(self, texts):
        return np.ones((len(texts), 4), np.float32)
"""


def test_an_embedder_that_cannot_be_right_is_said_to_be_so(
    browser: Browser, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path / "plugins", "blind", BLIND))
    with served(pictures, ["palette", "blind:"], tmp_path / "s.sqlite") as page, client(page) as http:
        good, bad = wait_until_ready(http)["embedders"]
        assert good["complaint"] == ""
        assert bad["state"] == "ready"
        assert bad["complaint"].startswith("looks broken: it gives two different pictures the same vector")
        opened = Opened(browser, page.url)
        opened.ask("red")
        opened.index()
        past = opened.page.locator("#history li").filter(has_text="red")
        past.get_by_text("B all equal").wait_for()
        opened.page.locator("#work").get_by_text("looks broken: it gives two different pictures").wait_for()
        opened.close()


def test_a_sum_that_is_being_typed_stays_while_another_embedder_goes_on(
    browser: Browser, pictures: Path, tmp_path: Path
) -> None:
    dear, slow = Steered("dear", price=0.01), Steered("slow")
    slow.may_see = threading.Semaphore(0)
    with served(pictures, [dear, slow], tmp_path / "s.sqlite") as page, client(page) as http:
        opened = Opened(browser, page.url)
        work = opened.page.locator("#work")
        work.get_by_text("embedding: 0 of 24").wait_for()
        work.get_by_label("Allow up to").fill("5")
        slow.may_see.release(1)
        work.get_by_text("embedding: 4 of 24").wait_for()
        assert work.get_by_label("Allow up to").input_value() == "5"
        work.get_by_role("button", name="Embed them").click()
        work.get_by_text("$5.0000 spent, by list price").wait_for()
        slow.may_see.release(1000)
        state = wait_until_ready(http)
        assert [one["state"] for one in state["embedders"]] == ["ready", "ready"]
        opened.close()
