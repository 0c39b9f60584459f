"""A collection to try things on: 120 drawn scenes with captions, queries, and what is relevant to each.

`diptych compare sample …` and `Workbench("sample", …)` open it. What is relevant follows from what was drawn,
so the judgments are complete and true. `training/draw_sample.py` draws it all; LICENSE.md says whose the
glyphs are.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""The pictures, in one folder for each main thing."""

MANIFEST = FOLDER / "pictures.csv"
"""Paths and captions; a source for `open_collection`."""

QUERIES = FOLDER / "queries.tsv"
"""One query per line: an id, a tab, the text."""

QRELS = FOLDER / "qrels.trec"
"""TREC's `query-id 0 name grade` for every query and picture: 1 where it is relevant, otherwise 0."""


def queries() -> dict[str, str]:
    """Texts by query id, in their order."""
    lines = QUERIES.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def relevant() -> dict[str, frozenset[str]]:
    """For the text of each query the names of the pictures that are relevant to it; none for the last."""
    texts = queries()
    found: dict[str, set[str]] = {text: set() for text in texts.values()}
    for line in QRELS.read_text(encoding="utf-8").splitlines():
        query_id, _, name, grade = line.split()
        if grade != "0":
            found[texts[query_id]].add(name)
    return {text: frozenset(names) for text, names in found.items()}
