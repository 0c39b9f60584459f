"""Text files that people write: CSV, JSON Lines, JSON and plain lists, with the file and line in every error.

All are UTF-8, with or without a byte order mark, or UTF-16 with one, as Excel's "Unicode text" is. Lines end
in LF, CR or both, and blank ones are skipped.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diptych.errors import DiptychError
from diptych.files import write_whole
from diptych.text import count, nearest, printable

JSON_LINES = frozenset({".jsonl", ".ndjson"})
"""The suffixes of JSON Lines files."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATOR = re.compile(r'"?sep=([^"\r\n ])"?(?=[\r\n]|$)', re.IGNORECASE)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a CSV or one line of JSON Lines.

    Attributes:
        line: The number of its first line, from 1.
        where: The file and that line, for messages.
        fields: Its values by column or key, in lower case.
    """

    line: int
    where: str
    fields: Mapping[str, object]

    @property
    def columns(self) -> str:
        """The names of its columns or keys, for messages."""
        return ", ".join(map(printable, self.fields)) or "nothing"

    def text(self, column: str) -> str:
        """A value as text without surrounding spaces; empty where it is missing.

        Raises:
            DiptychError: It is neither text nor a number.
        """
        value = self.fields.get(column)
        if value is None or isinstance(value, str):
            return (value or "").strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise DiptychError(f"{self.where}: {column} must be a string")


def read_table(path: Path) -> Iterator[Record]:
    """The rows of a `.jsonl` or `.ndjson` file, or of any other as CSV.

    Raises:
        DiptychError: It can't be read, or a line is malformed.
    """
    return _read_json_lines(path) if path.suffix.lower() in JSON_LINES else _read_csv(path)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, as written, each after its number.

    Raises:
        DiptychError: The file can't be read.
    """
    lines = _LINE_END.split(_decoded(path))
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())


def read_list(path: Path) -> Iterator[tuple[int, str]]:
    """The items of a list, one per line, each after its line's number; # begins a comment.

    Raises:
        DiptychError: The file can't be read.
    """
    lines = ((number, line.strip()) for number, line in read_lines(path))
    return ((number, line) for number, line in lines if not line.startswith("#"))


def read_json(path: Path) -> Any:
    """The value that a JSON file holds.

    Raises:
        DiptychError: It can't be read or is not valid JSON.
    """
    return _parse_json(read_text(path), path, 1)


def read_text(path: Path) -> str:
    """A file's text with LF for every line end.

    Raises:
        DiptychError: It can't be read or is not UTF-8.
    """
    return _LINE_END.sub("\n", _decoded(path))


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file as UTF-8, line ends as they are, whole or not at all.

    Args:
        path: The file.
        text: What it shall hold.
        private: Whether nobody else may read a file that is made here.

    Raises:
        DiptychError: It can't be written.
    """
    try:
        write_whole(path, text.encode(), private=private)
    except OSError as error:
        raise DiptychError(f"can't write {printable(str(path))}: {error.strerror}") from error


def defused(cell: str) -> str:
    """A text as a cell that a spreadsheet shows: one that it would take for a formula begins with `'`.

    For files that Diptych does not read itself: there a text stays as it is.
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def check_ending(path: Path, *endings: str) -> None:
    """Refuse to write one kind of file under the name of another, such as HTML into `report.pdf`.

    Args:
        path: Where to write; a name without an ending, such as `/dev/stdout`, promises nothing.
        endings: What the name may end in, the usual first.

    Raises:
        DiptychError: It ends in something else.
    """
    if path.suffix and path.suffix.lower() not in endings:
        shown, usual = printable(str(path)), printable(path.with_suffix(endings[0]).name)
        raise DiptychError(f"{shown} is not what is written there: name it {usual}")


def place(path: Path, line: int) -> str:
    """A line of a file, for messages."""
    return f"{printable(str(path))}, line {line}"


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")
    except OSError as error:
        meant = _meant(path) if isinstance(error, FileNotFoundError) else ""
        raise DiptychError(f"can't read {printable(str(path))}: {error.strerror}{meant}") from error
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(error.encoding, "replace")
        line = len(_LINE_END.split(before))
        raise DiptychError(f"{place(path, line)}: not UTF-8 text; save the file as UTF-8") from error


def _meant(path: Path) -> str:
    """What lies beside a missing file under nearly its name, as a question; empty where nothing does."""
    try:
        near = nearest(path.name, [item.name for item in path.parent.iterdir()])
    except OSError:
        return ""
    return f"; did you mean {printable(str(path.with_name(near)))}?" if near else ""


def _read_csv(path: Path) -> Iterator[Record]:
    rows = _csv_rows(path)
    _, header = next(rows, (1, []))
    columns = [column.strip().lower() for column in header]
    for line, fields in rows:
        where = place(path, line)
        if len(fields) != len(columns):
            raise DiptychError(f"{where}: {count(len(fields), 'field')}, where the header has {len(columns)}")
        yield Record(line, where, dict(zip(columns, fields, strict=True)))


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV that hold anything, each after the number of its first line."""
    delimiter, text = _delimiter(_decoded(path))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise DiptychError(f"{place(path, line)}: {error}") from error


def _delimiter(text: str) -> tuple[str, str]:
    """A CSV's delimiter, and its text without the `sep=;` that Excel reads it from.

    Without one it is the comma, semicolon or tab that the header has most of: spreadsheets write what is the
    custom of the country.
    """
    if told := _SEPARATOR.match(text):
        return told[1], text[told.end() :]  # its line end stays, so that lines are counted right
    header = _LINE_END.split(_QUOTED.sub("", text.lstrip("\r\n ")), maxsplit=1)[0]
    return max(",;\t", key=header.count), text


def _read_json_lines(path: Path) -> Iterator[Record]:
    for number, line in read_lines(path):
        fields = _parse_json(line, path, number)
        where = place(path, number)
        if not isinstance(fields, dict):
            raise DiptychError(f"{where}: not a JSON object")
        yield Record(number, where, {key.strip().lower(): value for key, value in fields.items()})


def _parse_json(text: str, path: Path, line: int) -> Any:
    """The value of a JSON text that begins at a line of a file."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line, reason = line + error.lineno - 1, error.msg
    except RecursionError:
        reason = "nested too deeply"
    except ValueError:
        reason = "a number has too many digits"
    raise DiptychError(f"{place(path, line)}: not valid JSON ({reason})")
