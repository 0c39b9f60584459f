"""Judgments as CSV and as JSON Lines, with the same columns or keys.

`query` (the text), `image` (its name), `id` (its id), `grade`, `by`, `at`, `blind`. To be read, a row needs
`query`, `grade`, and one of `id` and `image`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from diptych.errors import DiptychError
from diptych.relevance.judgments import Judgments
from diptych.relevance.rows import Row, place, read_grade, read_text, write_text
from diptych.words import printable

COLUMNS = ("query", "image", "id", "grade", "by", "at", "blind")
_BLIND = {"": False, "false": False, "0": False, "no": False, "true": True, "1": True, "yes": True}


def read_csv(path: Path) -> list[Row]:
    """The rows of a CSV, as they are written.

    Raises:
        DiptychError: It can't be read, or a line is malformed.
    """
    text = read_text(path)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)  # spreadsheets write what is the custom of the country
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    try:
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        for fields in reader:
            where = place(path, reader.line_num)
            if None in fields or None in fields.values():
                raise DiptychError(
                    f"{where}: not as many fields as the header has ({len(reader.fieldnames)})"
                )
            rows.append(_row(fields, reader.line_num, where))
    except csv.Error as error:
        raise DiptychError(f"{place(path, reader.reader.line_num)}: {error}") from error
    return rows


def read_json_lines(path: Path) -> list[Row]:
    """The rows of a JSON Lines file, as they are written.

    Raises:
        DiptychError: It can't be read, or a line is malformed.
    """
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = place(path, number)
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DiptychError(f"{where}: no JSON") from error
        if not isinstance(fields, dict):
            raise DiptychError(f"{where}: no JSON object")
        rows.append(_row(fields, number, where))
    return rows


def write_csv(judgments: Judgments, path: Path, names: Mapping[str, str]) -> None:
    """Write all judgments that were given, oldest first, as CSV.

    Args:
        judgments: What to write.
        path: Where to.
        names: The images' names by their ids; an image without one is written by its id alone.

    Raises:
        DiptychError: The file can't be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for fields in _fields(judgments, names):
        writer.writerow(fields | {"blind": str(fields["blind"]).lower()})
    write_text(path, text.getvalue())


def write_json_lines(judgments: Judgments, path: Path, names: Mapping[str, str]) -> None:
    """Write all judgments that were given as JSON Lines; see `write_csv`."""
    lines = [json.dumps(fields, ensure_ascii=False) + "\n" for fields in _fields(judgments, names)]
    write_text(path, "".join(lines))


def _fields(judgments: Judgments, names: Mapping[str, str]) -> Iterator[dict[str, object]]:
    for given in judgments.given:
        name = names.get(given.image, "")
        values = (given.query, name, given.image, given.grade, given.by, given.at, given.blind)
        yield dict(zip(COLUMNS, values, strict=True))


def _row(fields: Mapping[str, object], line: int, where: str) -> Row:
    query, image = _text(fields, "query", where), _text(fields, "id", where) or _text(fields, "image", where)
    if not query or not image or fields.get("grade") is None:
        columns = ", ".join(printable(column) for column in fields) or "nothing"
        raise DiptychError(f"{where}: a query, an image or id, and a grade are needed (it has {columns})")
    blind = str(fields.get("blind") or "").strip().lower()
    if blind not in _BLIND:
        raise DiptychError(f"{where}: blind is {printable(blind)!r}; write true or false")
    return Row(
        line=line,
        query=query,
        image=image,
        grade=read_grade(fields["grade"], where),
        by=_text(fields, "by", where),
        at=_text(fields, "at", where),
        blind=_BLIND[blind],
    )


def _text(fields: Mapping[str, object], key: str, where: str) -> str:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise DiptychError(f"{where}: {key} is no text")
    return (value or "").strip()
