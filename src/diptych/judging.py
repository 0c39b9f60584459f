"""Judgments on a workbench's pictures: what to show, what was said.

pools = pool(bench, ["wolf"], k=10)
judge(bench, "wolf", pools["wolf"][0], 1, by="Ada", blind=True)
judgments(bench).relevant("wolf")
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from diptych.comparison import Workbench
from diptych.errors import DiptychError
from diptych.groundtruth import from_file
from diptych.images import Collection, Picture
from diptych.queries import text_query
from diptych.relevance.files import TABLES, write_judgments
from diptych.relevance.judgments import Judgments
from diptych.relevance.kept import record, recorded
from diptych.relevance.pool import pool as pool_rankings
from diptych.relevance.qrels import number_queries, read_query_ids
from diptych.store import Store
from diptych.tabular import write_text
from diptych.words import printable


def pool(
    bench: Workbench, queries: Sequence[str], k: int = 10, *, below: int = 5
) -> dict[str, tuple[str, ...]]:
    """What to put before a person: the union of the embedders' first k, with a few from below, shuffled.

    Args:
        bench: The pictures and the embedders; what is missing is embedded first.
        queries: Texts.
        k: How many of each embedder's hits to take.
        below: How many more, at random, from what none of them has among its first k.

    Returns:
        Image ids by the query's text, in an order that does not tell who found them; the same each time.

    Raises:
        DiptychError: A query is blank, or an embedder or the store fails.
    """
    answers = bench.answers([text_query(text) for text in dict.fromkeys(queries)], k)
    ids = np.array([picture.id for picture in answers.pictures])
    by_id = np.argsort(ids)  # equal scores in the order in which `evaluate` looks at them
    pools = {}
    for text, by_name in zip(dict.fromkeys(queries), answers.by_name, strict=True):
        orders = (np.argsort(-answer.scores[by_id], kind="stable") for answer in by_name.values())
        rankings = [ids[by_id[order]].tolist() for order in orders]
        pools[text] = pool_rankings(rankings, k, below=below, seed=_seed(text))
    return pools


def judge(
    bench: Workbench, query: str, image: str, grade: int | None, *, by: str = "", blind: bool = False
) -> None:
    """Keep a person's word; it is on disk when this returns.

    Args:
        bench: Whose picture it is about; the word goes to its store.
        query: The query's text.
        image: The picture's id or name.
        grade: 0 (irrelevant) to 3; None takes back this person's last word on this picture and query.
        by: Who judges.
        blind: Whether they did not see which embedder found the picture.

    Raises:
        DiptychError: There is no such picture, the grade is out of range, the query is blank, or the store
            can't be written to.
    """
    text, picture = text_query(query).text, find_picture(bench.collection, image)
    record(bench.store, text, picture.id, grade, by=by, blind=blind)


def judgments(bench: Workbench, queries: Sequence[str] | None = None) -> Judgments:
    """What was said of the collection's pictures, by anybody; with `queries`, of these alone."""
    return recorded(bench.store, queries).among({picture.id for picture in bench.collection.pictures})


class Added(NamedTuple):
    """What came of importing a file.

    Attributes:
        added: How many judgments were added.
        there: How many were there already.
        notes: What could not be matched, in sentences.
    """

    added: int
    there: int
    notes: tuple[str, ...]


def import_judgments(
    path: Path, collection: Collection, store: Store, ids: Mapping[str, str] | None = None
) -> Added:
    """Add a file's judgments to those in the store; what is there already, word for word, is not added again.

    Args:
        path: TREC qrels, `.csv`, `.jsonl` or `.ndjson`.
        collection: The pictures it is about.
        store: Where to.
        ids: The queries' texts by the ids that the file has; by default those of a `queries.tsv` beside it.

    Raises:
        DiptychError: A file can't be read, a line is malformed, or nothing in it is about these pictures.
    """
    truth = from_file(path, collection, ids=ids)
    known = set(recorded(store).given)
    new = [given for given in truth.judgments.given if given not in known]
    store.add_judgments(new)
    return Added(added=len(new), there=len(truth.judgments.given) - len(new), notes=truth.notes)


def export_judgments(judgments: Judgments, path: Path, collection: Collection) -> Path | None:
    """Write judgments to a file: `.csv`, `.jsonl` and `.ndjson` with all that were given, otherwise qrels.

    Returns:
        For qrels, which name queries by ids, the `queries.tsv` beside it that says which is which.

    Raises:
        DiptychError: A file can't be written, or a `queries.tsv` that says something else is there already.
    """
    names = {picture.id: picture.name for picture in collection.pictures}
    if path.suffix.lower() in TABLES:
        write_judgments(judgments, path, names=names)
        return None
    beside = path.with_name("queries.tsv")
    ids = {query_id: printable(text) for query_id, text in number_queries((), judgments).items()}
    if beside.exists() and read_query_ids(beside) != ids:
        raise DiptychError(
            f"{printable(str(beside))} is of other queries: choose another folder for the qrels"
        )
    write_text(beside, "".join(f"{query_id}\t{text}\n" for query_id, text in ids.items()))
    write_judgments(judgments, path)
    return beside


def find_picture(collection: Collection, image: str) -> Picture:
    """The picture with this id or name.

    Raises:
        DiptychError: There is none, or several have this name.
    """
    by_id = collection.find(image)
    found = [by_id] if by_id else [p for p in collection.pictures if image in (p.name, *p.aliases)]
    if len(found) != 1:
        said = "several pictures are" if found else "no picture is"
        raise DiptychError(f"{said} called {printable(image)!r} in {printable(collection.source)}")
    return found[0]


def _seed(text: str) -> int:
    """A query's own, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
