"""What tests of drawn scenes need."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenes import FONT
from support import missing


@pytest.fixture(scope="session")
def font() -> None:
    """The font whose glyphs scenes are drawn with."""
    if not Path(FONT).is_file():
        missing(f"{FONT} is not there (apt-get install fonts-noto-color-emoji)")
