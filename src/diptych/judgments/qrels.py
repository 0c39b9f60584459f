"""Judgments in TREC's qrels format: `query-id 0 image-id grade`, one line per judgment.

Ids have no spaces in this format. A query's id is the id that a comparison's exported runs use, `q1` for
its first query, so that qrels and runs fit together; `queries.tsv` beside the runs says which is which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from diptych.errors import DiptychError
from diptych.judgments.judgments import Judgments
from diptych.judgments.rows import JudgmentRow, read_grade
from diptych.tabular import place, read_lines, read_list, write_text

_ESCAPES = {r"\t": "\t", r"\n": "\n", r"\r": "\r", "\\\\": "\\"}
_TO_ESCAPES = {ord(character): escape for escape, character in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\[tnr\\]")


def number_queries(queries: Sequence[str], judgments: Judgments | None = None) -> dict[str, str]:
    """Texts by query id: the queries in their order, then those that were judged without being among them.

    A query that is asked twice has two ids, as it has two rankings in a run.
    """
    judged = judgments.queries if judgments else ()
    texts = [*queries, *(query for query in judged if query not in set(queries))]
    return {f"q{number}": text for number, text in enumerate(texts, start=1)}


def read_query_ids(path: Path) -> dict[str, str]:
    """Texts by query id, from a `.tsv` as `--export` writes it, or from a list of texts.

    A list has one text per line, # begins a comment, and the first text's id is q1.

    Raises:
        DiptychError: It can't be read, or a line of a `.tsv` is not an id, a tab and a text.
    """
    if path.suffix.lower() != ".tsv":
        return number_queries([text for _, text in read_list(path)])
    texts: dict[str, str] = {}
    for number, line in read_lines(path):
        query_id, tab, text = line.partition("\t")
        if not tab or not query_id.strip() or not text.strip():
            raise DiptychError(f"{place(path, number)}: not a query id, a tab and the query's text")
        texts[query_id.strip()] = _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)
    return texts


def write_query_ids(texts: Mapping[str, str], path: Path) -> None:
    r"""Write texts by query id as `read_query_ids` reads them, from a `.tsv`: every text as it is.

    Tabs and line breaks, which would end a field, are written as `\t`, `\n` and `\r`, a backslash as two.

    Raises:
        DiptychError: The file can't be written.
    """
    written = {query_id: text.translate(_TO_ESCAPES) for query_id, text in texts.items()}
    write_text(path, "".join(f"{query_id}\t{text}\n" for query_id, text in written.items()))


def read_qrels(path: Path) -> list[JudgmentRow]:
    """The lines of a qrels file, as they are written.

    Raises:
        DiptychError: It can't be read, or a line has not four fields or a grade out of range.
    """
    rows = []
    for number, line in read_lines(path):
        fields = line.split()
        where = place(path, number)
        if len(fields) != 4:
            raise DiptychError(
                f"{where}: {len(fields)} fields, where qrels have 4: query-id 0 image-id grade"
            )
        rows.append(
            JudgmentRow(line=number, query=fields[0], image=fields[2], grade=read_grade(fields[3], where))
        )
    return rows


def write_qrels(judgments: Judgments, path: Path, queries: Sequence[str] = ()) -> dict[str, str]:
    """Write judgments as qrels, images by their ids, those known to be irrelevant with grade 0.

    Args:
        judgments: What to write.
        path: Where to.
        queries: The comparison's queries in their order, which gives their ids.

    Returns:
        Texts by query id, of all queries that have one.

    Raises:
        DiptychError: The file can't be written.
    """
    ids = number_queries(queries, judgments)
    lines = [
        f"{query_id} 0 {image} {grade}\n"
        for query_id, query in ids.items()
        for image, grade in sorted(judgments.grades(query).items())
    ]
    write_text(path, "".join(lines))
    return ids
