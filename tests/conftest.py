"""Fixtures that all tests share."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from schema import assert_valid_json_in
from support import SHARED, missing, need

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How fast a machine is, is not a test. Where everything must run, hypothesis decides on the examples.
settings.register_profile("quick", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None)
settings.load_profile("thorough" if os.environ.get("DIPTYCH_TEST_ALL") else "quick")


LONG = (
    "web/test_pictures_first",
    "present/html/test_pictures_first",
    "web/test_page",
    "test_docs",
    "present/html/test_report",
    "test_killed",
    "training/test_training",
    "test_cli",
    "embedders/test_open_clip",
    "embedders/test_sentence_transformers",
    "test_evaluate",
    "test_notebooks",
    "present/html/test_relevance",
    "cli/test_thresholds",
    "test_aliases",
    "cli/test_judge",
    "embedders/test_remembered",
    "test_package",
    "test_real",
    "test_second_run",
)
"""The files that take longest. They come first, so that none still runs when everything else is done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first; each file's own order stays."""
    places = {Path(__file__).parent / f"{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start: a run in the background begins with it ignored, for all."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs, vectors and models beside the repository; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared material is not at {SHARED}")
    return SHARED


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    need("playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # The address bar that nobody sees would load two pages of its own with every page that is opened.
        unseen = "WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*flags, f"--disable-features={unseen}"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def embedded_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the sample's pictures, embedded by both models in the package; to be copied."""
    from diptych import Workbench
    from diptych.store.vectors import Store

    path = tmp_path_factory.mktemp("sample") / "store.sqlite"
    with Store(path) as store:
        Workbench("sample", ["mini-s", "mini-b"], store=store).embed()
    return path


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is made for several tests away from the person's own cache as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIPTYCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep a test away from the person's own store, caches, credentials and proxies."""
    monkeypatch.setenv("DIPTYCH_STORE", str(tmp_path / "store.sqlite"))
    monkeypatch.setenv("DIPTYCH_CACHE", str(tmp_path_factory.mktemp("cache")))  # not among a test's pictures
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    for name in (
        "DIPTYCH_CONTACT",
        "DIPTYCH_PRICES",
        "VERTEX_ACCESS_TOKEN",
        *("GEMINI_API_KEY", "CO_API_KEY", "VOYAGE_API_KEY", "JINA_API_KEY"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_PROFILE", "AWS_DEFAULT_REGION"),
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_VERTEX_BASE_URL",
        "GOOGLE_CLOUD_QUOTA_PROJECT",
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _every_saved_comparison_keeps_the_schema(tmp_path: Path) -> Iterator[None]:
    """Hold every comparison that a test wrote as JSON against the published schema."""
    yield
    assert_valid_json_in(tmp_path)
