"""Judgments from and to files: TREC qrels, CSV, JSON Lines; which one, the file's ending says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from diptych.errors import DiptychError
from diptych.judgments.judgments import Judgments
from diptych.judgments.qrels import read_qrels, write_qrels
from diptych.judgments.rows import JudgmentRow
from diptych.judgments.tables import read_rows, write_csv, write_json_lines
from diptych.store.judgment import Judgment
from diptych.tabular import JSON_LINES, check_ending, place
from diptych.text import one_form

TABLES = frozenset({".csv", *JSON_LINES})
"""The suffixes of files that name queries by their texts; any other file is qrels, with ids."""

WRITTEN = (".trec", ".qrels", ".qrel", ".txt", ".tsv", *sorted(TABLES))
"""What a file of judgments may be called where it is written; what has no suffix is qrels."""


@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """A line of a file of judgments that fits nothing here.

    Attributes:
        line: Its number, from 1.
        text: The query or image as written.
        reason: Why it could not be matched.
    """

    line: int
    text: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a file of judgments held.

    Attributes:
        judgments: Those that could be matched.
        unmatched: The lines that could not, each with the reason.
    """

    judgments: Judgments
    unmatched: tuple[Unmatched, ...]


def read_judgments(
    path: Path, images: Iterable[tuple[str, str]], queries: Mapping[str, str] | None = None
) -> Imported:
    """Read judgments: `.csv`, `.jsonl` or `.ndjson`, anything else as TREC qrels.

    Args:
        path: The file.
        images: The collection's images as pairs of name and id, one pair for each of an image's names.
        queries: The queries' texts by their ids; a file may use either. Without it every query is taken as
            written.

    Returns:
        The judgments, and what they could not be matched with.

    Raises:
        DiptychError: The file can't be read or a line is malformed; the message has its number.
    """
    rows = read_rows(path) if path.suffix.lower() in TABLES else read_qrels(path)
    ids, texts = _ids_by_word(images), None if queries is None else _texts_by_word(queries)
    judgments, unmatched = [], []
    for row in rows:
        query = row.query if texts is None else texts.get(row.query) or texts.get(one_form(row.query))
        found = _named(row.image, ids)
        if query is None:
            unmatched.append(Unmatched(line=row.line, text=row.query, reason="no such query was asked"))
        elif len(found) != 1:
            reason = "several images have this name" if found else "no such image in this collection"
            unmatched.append(Unmatched(line=row.line, text=row.image, reason=reason))
        else:
            judgments.append(_judgment(row, query, next(iter(found)), path))
    return Imported(judgments=Judgments(judgments), unmatched=tuple(unmatched))


def write_judgments(
    judgments: Judgments, path: Path, *, names: Mapping[str, str] | None = None, queries: Sequence[str] = ()
) -> None:
    """Write judgments in the format that the path's ending names, by default as TREC qrels.

    CSV and JSON Lines hold every judgment that was given; qrels hold what counts.

    Args:
        judgments: What to write.
        path: Where to.
        names: The images' names by their ids, for CSV and JSON Lines.
        queries: The comparison's queries in their order, for the ids in qrels.

    Raises:
        DiptychError: The file can't be written, or its ending is that of another format.
    """
    check_ending(path, *WRITTEN)
    suffix = path.suffix.lower()
    if suffix not in TABLES:
        write_qrels(judgments, path, queries)
    elif suffix in JSON_LINES:
        write_json_lines(judgments, path, names or {})
    else:
        write_csv(judgments, path, names or {})


def _ids_by_word(images: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Ids by what an image may be called: its id, its names."""
    ids: dict[str, set[str]] = {}
    for name, image in images:
        ids[image] = {image}
        ids.setdefault(one_form(name), set()).add(image)
    return ids


def _named(image: str, ids: Mapping[str, set[str]]) -> set[str]:
    """The ids of what a file calls so; a list made on Windows has backslashes between folders."""
    name = one_form(image)
    return ids.get(image) or ids.get(name) or ids.get(name.replace("\\", "/"), set())


def _texts_by_word(queries: Mapping[str, str]) -> dict[str, str]:
    """The queries' texts by what a file may call them: the text, in whichever form, before the id."""
    texts = queries.values()
    return {**queries, **{one_form(text): text for text in texts}, **{text: text for text in texts}}


def _judgment(row: JudgmentRow, query: str, image: str, path: Path) -> Judgment:
    try:
        return Judgment(query=query, image=image, grade=row.grade, by=row.by, at=row.at, blind=row.blind)
    except DiptychError as error:
        raise DiptychError(f"{place(path, row.line)}: {error}") from error
