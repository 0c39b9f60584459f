"""What the tests of the page share."""

from __future__ import annotations

from pathlib import Path

import pytest

from served_page import paint
from support import need


@pytest.fixture(autouse=True)
def _what_the_page_needs() -> None:
    need("fastapi")
    need("uvicorn")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of one colour each, in a folder for every colour."""
    return paint(tmp_path_factory.mktemp("pictures"))
