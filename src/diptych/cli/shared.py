"""What several commands do: make sure of a place to write to, print."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING

from diptych.errors import DiptychError

if TYPE_CHECKING:
    from rich.console import Console

_UNCUT = 10_000  # columns


def check_place(path: Path | None, *endings: str) -> None:
    """Make sure that a file, where one is asked for, can be written later under a name that ends so."""
    from diptych.tabular import check_ending

    if path is None:
        return
    check_ending(path, *endings)
    if path.is_dir():
        raise DiptychError(f"can't write {path}: it is a folder")
    if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise DiptychError(f"can't write {path}: there is no folder {path.parent} to write to")


def check_folder(option: str, folder: Path | None, source: str, *, inside: bool) -> None:
    """Make sure that a folder of outputs is meant as one, and lies outside the folder of pictures.

    Another run would take what is inside for pictures.

    Args:
        option: What names the folder.
        folder: Where outputs go, if anywhere.
        source: The pictures.
        inside: Whether the person allows it inside; even then not among pictures of theirs.
    """
    from diptych.images.outputs import is_output_folder

    if folder is None:
        return
    if not folder.is_dir() and mimetypes.guess_type(folder.name)[0]:
        raise DiptychError(f"{option} makes a folder, and {folder} is named like a file: name a folder")
    pictures = Path(source).expanduser()
    if not pictures.is_dir() or not folder.resolve().is_relative_to(pictures.resolve()):
        return
    if not inside:
        raise DiptychError(
            f"{option} {folder} lies inside {source}: name a folder outside of it, or add --inside-source"
        )
    if not is_output_folder(folder):
        raise DiptychError(f"{option} {folder} holds other files of {source}: name a new folder")


def make_console() -> Console:
    """Standard output; where it is not a terminal, as wide as the tables are, so that nothing is cut."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNCUT
    return console
