"""What several commands do: make sure of a place to write to, print."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from diptych.errors import DiptychError

if TYPE_CHECKING:
    from rich.console import Console

_UNCUT = 10_000  # columns


def check_place(path: Path | None) -> None:
    """Make sure that a file, where one is asked for, can be written later."""
    if path is not None and path.is_dir():
        raise DiptychError(f"can't write {path}: it is a folder")
    if path is not None and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise DiptychError(f"can't write {path}: there is no folder {path.parent} to write to")


def make_console() -> Console:
    """Standard output; where it is no terminal, as wide as the tables are, so that nothing is cut."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNCUT
    return console
