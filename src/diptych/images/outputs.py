"""The mark of folders that Diptych writes pictures to, by which they are never taken for a person's."""

from __future__ import annotations

from pathlib import Path

from diptych.files import write_whole

MARK = ".diptych-output"
"""A file in such a folder; the folder is passed over wherever it lies inside a source."""

BY_DIPTYCH = f"written by Diptych, as the file {MARK} in it says"

_WORDS = """Diptych wrote what is in this folder, so it is not read as part of the folder around it.
Delete this file to have it read.
"""


def make_output_folder(folder: Path) -> None:
    """Make a folder for pictures, with the mark where nothing else is in it.

    A folder that holds other things already is a person's, and gets no mark.

    Raises:
        OSError: It can't be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if next(folder.iterdir(), None) is None:
        write_whole(folder / MARK, _WORDS.encode())


def is_output_folder(folder: Path) -> bool:
    """Whether what is written there is never taken for a person's pictures: it is marked, new or empty."""
    return (folder / MARK).is_file() or not folder.exists() or next(folder.iterdir(), None) is None
