"""A comparison as files that other tools read.

`result.json` (the JSON contract), `rankings.csv` (long form), `queries.tsv` (the ids used in the runs),
`run.EMBEDDER.trec` (TREC run format, images by id), and `vectors/EMBEDDER.npz` (names, ids, vectors; texts,
text_vectors), which the `vectors` embedder opens again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from diptych.comparison import NamedVectors
from diptych.errors import DiptychError
from diptych.result import Comparison
from diptych.words import printable

_LONGEST_STEM = 80  # file systems take 255 bytes, with what is put around it


def write_export(comparison: Comparison, vectors: Mapping[str, NamedVectors], folder: Path) -> None:
    """Write a comparison as files, making the folder where there is none.

    Args:
        comparison: What to write.
        vectors: The vectors to write, by the embedder's name.
        folder: Where to.

    Raises:
        DiptychError: A file can't be written.
    """
    make_folders(folder)
    try:
        comparison.to_json(folder / "result.json")
        _write_rankings(comparison, folder / "rankings.csv")
        _write_queries(comparison, folder / "queries.tsv")
        stems = file_stems([info.name for info in comparison.embedders])
        for name, stem in stems.items():
            _write_run(comparison, name, stem, folder / f"run.{stem}.trec")
            _write_vectors(vectors[name], folder / "vectors" / f"{stem}.npz")
    except OSError as error:
        raise DiptychError(f"can't write to {folder}: {error.strerror}") from error


def make_folders(folder: Path) -> None:
    """Make the folders that `write_export` writes to.

    Raises:
        DiptychError: They can't be made.
    """
    try:
        (folder / "vectors").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiptychError(f"can't write to {folder}: {error.strerror}") from error


def file_stems(names: list[str]) -> dict[str, str]:
    """A file name for each embedder, all different."""
    stems: dict[str, str] = {}
    for name in names:
        stem, number = _file_stem(name), 2
        while stem in stems.values():
            stem, number = f"{_file_stem(name)}-{number}", number + 1
        stems[name] = stem
    return stems


def _file_stem(name: str) -> str:
    """Letters, digits, `.`, `_` and `-` stay, the rest becomes `_`."""
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")[:_LONGEST_STEM] or "embedder"


def _write_rankings(comparison: Comparison, path: Path) -> None:
    columns = ["query", "kind", "embedder", "rank", "image", "id", "label", "score", "z"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(comparison.rows())


def _write_queries(comparison: Comparison, path: Path) -> None:
    """Queries by their id in the runs; line breaks and tabs in a query become a mark."""
    lines = [f"q{n}\t{printable(query.query)}\n" for n, query in enumerate(comparison.queries, start=1)]
    path.write_text("".join(lines), encoding="utf-8")


def _write_run(comparison: Comparison, name: str, tag: str, path: Path) -> None:
    lines = [
        f"q{n} Q0 {hit.id} {hit.rank} {hit.score:.9g} {tag}\n"
        for n, query in enumerate(comparison.queries, start=1)
        for hit in query.rankings[name]
    ]
    path.write_text("".join(lines), encoding="utf-8")


def _write_vectors(vectors: NamedVectors, path: Path) -> None:
    np.savez(
        path,
        names=np.array(vectors.names, str),
        ids=np.array(vectors.ids, str),
        vectors=vectors.vectors,
        texts=np.array(vectors.texts, str),
        text_vectors=vectors.text_vectors,
    )
