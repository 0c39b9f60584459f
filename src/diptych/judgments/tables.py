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
from diptych.judgments.judgments import Judgments
from diptych.judgments.rows import JudgmentRow, read_grade
from diptych.tabular import JSON_LINES, Record, read_table, write_text
from diptych.text import printable

COLUMNS = ("query", "image", "id", "grade", "by", "at", "blind")
_BLIND = {"": False, "false": False, "0": False, "no": False, "true": True, "1": True, "yes": True}


def read_rows(path: Path) -> list[JudgmentRow]:
    """The rows of a CSV or JSON Lines file, as they are written.

    Raises:
        DiptychError: It can't be read, or a line is malformed.
    """
    exact = path.suffix.lower() in JSON_LINES  # in a CSV spaces around a text may be the writer's
    return [_row(record, exact=exact) for record in read_table(path)]


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


def _row(record: Record, *, exact: bool) -> JudgmentRow:
    query, image = record.text("query"), record.text("id") or record.text("image")
    if query and exact:
        query = str(record.fields["query"])
    grade = record.fields.get("grade")
    if not query or not image or grade is None:
        raise DiptychError(
            f"{record.where}: a query, an image or id, and a grade are needed (it has {record.columns})"
        )
    blind = str(record.fields.get("blind") or "").strip().lower()
    if blind not in _BLIND:
        raise DiptychError(f"{record.where}: blind is {printable(blind)!r}; write true or false")
    return JudgmentRow(
        line=record.line,
        query=query,
        image=image,
        grade=read_grade(grade, record.where),
        by=record.text("by"),
        at=record.text("at"),
        blind=_BLIND[blind],
    )
