"""Lists of pictures written by a person: a manifest (CSV or JSON Lines) or a text file of addresses."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diptych.errors import DiptychError
from diptych.images.entries import one_line

if TYPE_CHECKING:
    import _csv

_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One picture that a list names.

    Attributes:
        path: A file, as written; None where there is an address.
        url: Its address on the web; None where there is a path.
        name: What to call it, where the list says so.
        label: What it shows.
        caption: A sentence about it.
    """

    path: str | None = None
    url: str | None = None
    name: str | None = None
    label: str | None = None
    caption: str | None = None


def is_address(text: str) -> bool:
    """Whether a text is meant as an address on the web rather than as a path."""
    return _SCHEME.match(text) is not None


def checked_address(text: str, where: str) -> str:
    """Take an http(s) address, or raise a one-line `DiptychError` that names the place it is written at."""
    if not _ADDRESS.fullmatch(text):
        raise DiptychError(f"{where}: {one_line(text)!r} is no http:// or https:// address")
    return text


def read_addresses(path: Path) -> list[Row]:
    """Read a text file of addresses, one a line; blank lines and those that start with # are passed over.

    Raises:
        DiptychError: It can't be read, is not UTF-8, or a line is no http(s) address.
    """
    rows = []
    for number, line in enumerate(_LINE_END.split(_text(path)), 1):
        url = line.strip()
        if url and not url.startswith("#"):
            rows.append(Row(url=checked_address(url, _place(path, number))))
    return rows


def read_csv(path: Path) -> list[Row]:
    """Read a CSV manifest: a header with `path` or `url`, and `name`, `label`, `caption` where wanted.

    Raises:
        DiptychError: It can't be read, is not UTF-8, has neither column, or a line is malformed.
    """
    text = _text(path)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)  # spreadsheets write what is the custom of the country
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [column.strip().lower() for column in next(_csv_lines(reader, path), [])]
    if not {"path", "url"} & set(header):
        columns = ", ".join(map(one_line, header)) or "none"
        raise DiptychError(f"{one_line(path)} has no column path or url; its columns: {columns}")
    rows = []
    for fields in _csv_lines(reader, path):
        place = _place(path, reader.line_num)
        if len(fields) != len(header):
            raise DiptychError(f"{place}: {len(fields)} fields, where the header has {len(header)}")
        rows.append(_row(dict(zip(header, fields, strict=True)), place))
    return rows


def read_json_lines(path: Path) -> list[Row]:
    """Read a JSON Lines manifest: one object a line, with the keys that a CSV has as columns.

    Raises:
        DiptychError: It can't be read, is not UTF-8, or a line is malformed.
    """
    rows = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            raise DiptychError(f"{_place(path, number)}: no JSON ({reason})") from error
        if not isinstance(value, dict):
            raise DiptychError(f"{_place(path, number)}: no JSON object")
        rows.append(_row({key.strip().lower(): field for key, field in value.items()}, _place(path, number)))
    return rows


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DiptychError(
            f"{one_line(path)} can't be read: {(error.strerror or 'error').lower()}"
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DiptychError(f"{_place(path, line)}: not UTF-8 text; save the file as UTF-8") from error


def _place(path: Path, line: int) -> str:
    return f"{one_line(path)}, line {line}"


def _csv_lines(reader: _csv.Reader, path: Path) -> Iterator[list[str]]:
    """Go through the lines of a CSV that are not blank."""
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield fields
    except csv.Error as error:
        raise DiptychError(f"{_place(path, reader.line_num)}: {error}") from error


def _row(fields: Mapping[str, object], place: str) -> Row:
    path, url, name, label, caption = (
        _field(fields.get(key), key, place) for key in ("path", "url", "name", "label", "caption")
    )
    if path is None and url is None:
        columns = ", ".join(one_line(column) for column in fields) or "nothing"
        raise DiptychError(f"{place}: neither a path nor a url (it has {columns})")
    if path is not None:
        return Row(path, None, name, label, caption)
    return Row(None, checked_address(url or "", place), name, label, caption)


def _field(value: object, key: str, place: str) -> str | None:
    """A field as text; None where it is missing or blank."""
    if value is None or isinstance(value, str):
        return (value or "").strip() or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise DiptychError(f"{place}: {key} is no text")
