"""What the formats of judgment files share: reading text, naming a line, one row as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diptych.errors import DiptychError
from diptych.judgment import GRADES
from diptych.words import printable


@dataclass(frozen=True, kw_only=True)
class Row:
    """One judgment as a file has it.

    Attributes:
        line: Its line's number, from 1.
        query: The query's text or id.
        image: The image's id or name.
        grade: 0 to 3.
        by: Who judged.
        at: When.
        blind: Whether it was judged without seeing who found the image.
    """

    line: int
    query: str
    image: str
    grade: int
    by: str = ""
    at: str = ""
    blind: bool = False


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        DiptychError: It can't be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DiptychError(f"can't read {printable(str(path))}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DiptychError(f"{printable(str(path))} is not UTF-8 text; save the file as UTF-8") from error


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises:
        DiptychError: It can't be written.
    """
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise DiptychError(f"can't write {printable(str(path))}: {error.strerror}") from error


def place(path: Path, line: int) -> str:
    """A line of a file, in words."""
    return f"{printable(str(path))}, line {line}"


def read_grade(value: object, where: str) -> int:
    """A grade as written.

    Raises:
        DiptychError: It is no whole number from 0 to 3.
    """
    text = "" if isinstance(value, bool) else str(value).strip()
    if text not in map(str, GRADES):
        shown = printable(str(value))
        raise DiptychError(f"{where}: grade {shown!r}; grades are 0 (irrelevant) to {GRADES[-1]}")
    return int(text)
