"""Judgments into the store from a file, and out of it into one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from diptych.errors import DiptychError
from diptych.images import Collection
from diptych.judgments.files import TABLES, write_judgments
from diptych.judgments.groundtruth import from_file
from diptych.judgments.judgments import Judgments
from diptych.judgments.ledger import recorded
from diptych.judgments.qrels import number_queries, read_query_ids, write_query_ids
from diptych.store.vectors import Store
from diptych.text import count, printable


class Added(NamedTuple):
    """What came of importing a file.

    Attributes:
        added: How many judgments were added.
        there: How many were there already.
        notes: What could not be matched, and how many grades count now in place of others, in sentences.
    """

    added: int
    there: int
    notes: tuple[str, ...]


def import_judgments(
    path: Path, collection: Collection, store: Store, ids: Mapping[str, str] | None = None
) -> Added:
    """Add a file's judgments to those in the store, as filed now: they count before those that are there.

    What was filed already, word for word, is not added again, even if it was corrected or taken back since:
    to import a file twice, or an old copy of what the store has, changes nothing.

    Args:
        path: TREC qrels, `.csv`, `.jsonl` or `.ndjson`.
        collection: The pictures it is about.
        store: Where to.
        ids: The queries' texts by the ids that the file has; by default those of a `queries.tsv` beside it.

    Raises:
        DiptychError: A file can't be read, a line is malformed, or nothing in it is about these pictures.
    """
    truth = from_file(path, collection, ids=ids)
    known = set(store.judgments())
    new = [given for given in truth.judgments.given if given not in known]
    notes = (*truth.notes, *_replaced(recorded(store), Judgments(new), path))
    store.add_judgments(new)
    return Added(added=len(new), there=len(truth.judgments.given) - len(new), notes=notes)


def _replaced(before: Judgments, new: Judgments, path: Path) -> tuple[str, ...]:
    """Says where a file's grades count from now on in place of others."""
    changed = sum(
        before.grades(query).get(image, grade) != grade
        for query in new.queries
        for image, grade in new.grades(query).items()
    )
    if not changed:
        return ()
    had = f"{count(changed, 'picture')} had another grade in the store"
    return (f"{had}: that of {printable(path.name)} counts now, as it was added last.",)


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
    ids = number_queries((), judgments)
    if beside.exists() and read_query_ids(beside) != ids:
        raise DiptychError(
            f"{printable(str(beside))} is of other queries: choose another folder for the qrels"
        )
    write_query_ids(ids, beside)
    write_judgments(judgments, path)
    return beside
