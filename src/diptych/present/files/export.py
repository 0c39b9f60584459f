"""A comparison as files that other tools read.

`result.json` (the JSON contract), `rankings.csv` (long form, no cell a formula), `queries.tsv` (the ids used
in the runs), `run.EMBEDDER.trec` (TREC run format, images by id), and `vectors/EMBEDDER.npz` (names, ids,
vectors; texts, text_vectors), which the `vectors` embedder opens again. Where there are judgments,
`qrels.trec` holds them and the runs are complete, so that other tools compute the same metrics from them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diptych.errors import DiptychError
from diptych.files import write_whole, written_whole
from diptych.images.outputs import make_output_folder
from diptych.judgments.qrels import number_queries, write_qrels, write_query_ids
from diptych.pipeline import NamedVectors
from diptych.result import Comparison, Relevance
from diptych.retrieval.searcher import Answers
from diptych.tabular import defused, write_text

_LEAST_STEP = 1e-12  # around 0, where steps of float32 are smaller than some tools can read

_LONGEST_STEM = 80  # file systems take 255 bytes, with what is put around it


def write_export(
    comparison: Comparison,
    vectors: Mapping[str, NamedVectors],
    folder: Path,
    answers: Answers | None = None,
) -> None:
    """Write a comparison as files, making the folder where there is none.

    Args:
        comparison: What to write.
        vectors: The vectors to write, by the embedder's name.
        folder: Where to.
        answers: The scores of all pictures, for complete runs; without them runs hold the first hits.

    Raises:
        DiptychError: A file can't be written.
    """
    make_folders(folder)
    try:
        write_text(folder / "result.json", comparison.to_json())  # made to be given away, with all the rest
        _write_rankings(comparison, folder / "rankings.csv")
        texts = number_queries([query.query for query in comparison.queries])
        write_query_ids(texts, folder / "queries.tsv")
        stems = file_stems([info.name for info in comparison.embedders])
        for name, stem in stems.items():
            run = folder / f"run.{stem}.trec"
            if answers is None:
                _write_run(comparison, name, stem, run)
            else:
                _write_complete_run(answers, name, stem, run)
            _write_vectors(vectors[name], folder / "vectors" / f"{stem}.npz")
        if comparison.relevance is not None:
            _write_qrels(comparison, comparison.relevance, folder / "qrels.trec")
    except OSError as error:
        raise DiptychError(f"can't write to {folder}: {error.strerror}") from error


def make_folders(folder: Path) -> None:
    """Make the folders that `write_export` writes to.

    Raises:
        DiptychError: They can't be made.
    """
    try:
        make_output_folder(folder)
        (folder / "vectors").mkdir(exist_ok=True)
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
    with written_whole(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in comparison.rows():
            writer.writerow(
                {key: defused(cell) if isinstance(cell, str) else cell for key, cell in row.items()}
            )


def _write_run(comparison: Comparison, name: str, tag: str, path: Path) -> None:
    lines = [
        f"q{n} Q0 {hit.id} {hit.rank} {hit.score:.9g} {tag}\n"
        for n, query in enumerate(comparison.queries, start=1)
        for hit in query.rankings[name]
    ]
    write_whole(path, "".join(lines).encode())


def _write_complete_run(answers: Answers, name: str, tag: str, path: Path) -> None:
    """All pictures of each query, equal scores by id as in the metrics.

    Tools order equal scores in ways of their own, so each is set a hair below the one before it.
    """
    ids = np.array([picture.id for picture in answers.pictures])
    by_id = np.argsort(ids)
    with written_whole(path) as beside, beside.open("w", encoding="utf-8") as file:
        for n, by_name in enumerate(answers.by_name, start=1):
            scores = by_name[name].scores[by_id].astype(np.float64)
            order = np.argsort(-scores, kind="stable")
            pairs = zip(ids[by_id][order], _falling(scores[order]), strict=True)
            file.writelines(
                f"q{n} Q0 {image} {rank} {score:.9g} {tag}\n"
                for rank, (image, score) in enumerate(pairs, start=1)
            )


def _write_qrels(comparison: Comparison, relevance: Relevance, path: Path) -> None:
    """As TREC does, without queries to which nothing is relevant: tools count undefined metrics as 0."""
    telling = relevance.judgments.about([query.query for query in relevance.queries if query.relevant])
    write_qrels(telling, path, [query.query for query in comparison.queries])


def _falling(scores: NDArray[np.float64]) -> Iterator[float]:
    """The scores, each at least a float32's step below the one before: trec_eval reads them as such."""
    before = np.inf
    for score in scores.tolist():
        step = max(float(np.spacing(np.float32(abs(before)))), _LEAST_STEP) if before < np.inf else 0.0
        before = min(score, before - step)
        yield before


def _write_vectors(vectors: NamedVectors, path: Path) -> None:
    with written_whole(path) as beside:
        np.savez(
            beside,
            names=np.array(vectors.names, str),
            ids=np.array(vectors.ids, str),
            vectors=vectors.vectors,
            texts=np.array(vectors.texts, str),
            text_vectors=vectors.text_vectors,
        )
