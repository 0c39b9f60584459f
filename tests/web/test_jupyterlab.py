"""The page in a cell of a real JupyterLab; skipped where none is installed (`pip install jupyterlab`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")

CELL = 'import diptych\nbench = diptych.Workbench("pictures", ["palette", "random"])\nbench.serve()'
MOST = 120_000
"""Milliseconds that a busy machine may take."""


@pytest.fixture
def lab(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a JupyterLab has filed of itself; one notebook is in it."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "pictures").symlink_to(pictures)
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    written = {"cells": [{**cell, "source": CELL}], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "serve.ipynb").write_text(json.dumps(written))
    for name in ("RUNTIME", "CONFIG", "DATA"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name))
    for name in ("SSH_CONNECTION", "SSH_CLIENT"):
        monkeypatch.delenv(name, raising=False)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=os.environ, stdout=log, stderr=log)
    filed = tmp_path / "RUNTIME" / f"jpserver-{server.pid}.json"
    try:
        while not filed.exists():
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield json.loads(filed.read_text())
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_page_works_in_a_cell_of_jupyterlab(browser: Browser, lab: dict[str, Any], host: str) -> None:
    tab = browser.new_page(viewport={"width": 1400, "height": 1000})
    tab.set_default_timeout(MOST)
    tab.goto(f"http://{host}:{lab['port']}/lab/tree/serve.ipynb?token={lab['token']}")
    tab.locator(".jp-CodeCell .cm-content").first.click()
    prompt = tab.locator(".jp-InputPrompt").first
    while prompt.inner_text() == "[ ]:":  # until the kernel is there, nothing is run
        tab.keyboard.press("Control+Enter")
        tab.wait_for_timeout(500)
    frame = tab.frame_locator(".jp-OutputArea iframe")
    frame.locator("#text").fill("red")
    frame.get_by_role("button", name="Search", exact=True).click()
    frame.locator(".col-0 .hit").first.wait_for()
    frame.locator("label[for=view-gallery]").click()
    frame.locator(".col-0 .tile").first.hover()
    frame.locator(".col-0 .tile [data-mark=y]").first.click()
    frame.locator(".col-0 .tile [data-mark=y][aria-pressed=true]").first.wait_for()
    with tab.expect_download() as download:
        frame.get_by_role("link", name="Save as report").click()
    assert "“red”" in download.value.path().read_text()
    tab.close()
