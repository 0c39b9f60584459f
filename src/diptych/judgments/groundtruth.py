"""Where judgments come from: the store, a file, the pictures' labels or captions, the sample's own."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

from diptych import samples
from diptych.errors import DiptychError
from diptych.images import Collection
from diptych.judgments.files import TABLES, Imported, read_judgments
from diptych.judgments.judgments import Judgments
from diptych.judgments.labels import judge_by_captions, judge_by_labels, read_mapping
from diptych.judgments.ledger import recorded
from diptych.judgments.qrels import number_queries, read_query_ids
from diptych.store.vectors import Store
from diptych.text import all_forms, count, nearest, printable

Labels = Literal["folder", "captions"] | os.PathLike[str] | str
"""`folder` for the pictures' labels, `captions` for their captions, or a file from queries to labels."""

_SHOWN = 3

_SAMPLES_OWN: WeakKeyDictionary[Collection, Judgments | None] = WeakKeyDictionary()
"""What the sample comes with, None for other pictures; found once: the page asks with every judgment."""

_ID = re.compile(r"[qQ]?\d+")
"""What is a query's id rather than its text."""


@dataclass(frozen=True, kw_only=True)
class GroundTruth:
    """Judgments and what to say of them.

    Attributes:
        judgments: The judgments, by the queries' texts.
        queries: What they can judge, in order: what is asked where nobody asks for anything.
        origin: Where they come from, in words.
        notes: What could not be matched, in sentences.
        options: What to give the command line for them; nothing for those in the store.
        planned: For judgments that are still being given: how many queries were planned, 0 where nobody said.
            None for those that were there before anything was compared.
        by_pool: Whether they were given picture by picture, perhaps for another collection that shares some:
            then a query takes part in a verdict only where enough of its pool here is judged.
    """

    judgments: Judgments
    queries: tuple[str, ...]
    origin: str
    notes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    planned: int | None = None
    by_pool: bool = False

    def with_plan(self, planned: int) -> GroundTruth:
        """The same, where judgments are still being given, with how many queries were planned."""
        return self if self.planned is None else replace(self, planned=planned)


def ground_truth(
    collection: Collection,
    store: Store,
    texts: Sequence[str] = (),
    judgments: Judgments | str | Path | None = None,
    labels: Labels | None = None,
) -> GroundTruth:
    """The judgments that a person asks for: given, of a file, by labels or captions, or the standing ones.

    Args:
        collection: The pictures.
        store: Where judgments are.
        texts: What is asked; by default everything that can be judged.
        judgments: The judgments, or a file of them.
        labels: What judges otherwise.

    Raises:
        DiptychError: Both are given, or one can't be used.
    """
    if judgments is not None and labels is not None:
        raise DiptychError("judgments and labels both say what is relevant: give one of them")
    if labels is not None:
        return from_labels(labels, collection, texts)
    if isinstance(judgments, Judgments):
        said = count(len(judgments), "judgment")
        return GroundTruth(judgments=judgments, queries=judgments.queries, origin=said)
    if judgments is not None:
        return from_file(Path(judgments), collection, texts)
    return standing_judgments(collection, store, texts)


def standing_judgments(collection: Collection, store: Store, texts: Sequence[str] = ()) -> GroundTruth:
    """The judgments in the store, and with the sample those it comes with.

    Args:
        collection: The pictures.
        store: Where judgments are.
        texts: What is asked; by default everything that has a judgment on one of these pictures.
    """
    written = [form for text in texts for form in (text, *all_forms(text))]
    here = [picture.id for picture in collection.pictures]
    given = recorded(store, written or None).as_asked(texts).among(here)
    said = f"{count(len(given), 'judgment')} in the store"
    own = _samples_own(collection)
    if own is None:
        return GroundTruth(judgments=given, queries=given.queries, origin=said, by_pool=True, planned=0)
    both = (own.about(written) if written else own).with_more(given)
    origin = f"what was drawn, as the sample says{f', and {said}' if len(given) else ''}"
    planned = 0 if len(given) else None
    return GroundTruth(judgments=both, queries=both.queries, origin=origin, by_pool=True, planned=planned)


def judged_among(collection: Collection, store: Store, texts: Sequence[str]) -> GroundTruth | None:
    """The standing judgments where any of these texts has one; otherwise None."""
    truth = standing_judgments(collection, store, texts) if texts else None
    return truth if truth is not None and set(texts) & set(truth.queries) else None


def from_file(
    path: Path, collection: Collection, texts: Sequence[str] = (), ids: Mapping[str, str] | None = None
) -> GroundTruth:
    """The judgments of a file: TREC qrels, CSV or JSON Lines.

    Args:
        path: The file.
        collection: The pictures it is about.
        texts: What is asked.
        ids: The texts of the queries by the ids that the file has for them. By default those of a
            `queries.tsv` beside it, otherwise `q1` for the first query asked, and so on.

    Raises:
        DiptychError: It can't be read, a line is malformed, or nothing in it is about these pictures.
    """
    ids = ids or _ids_beside(path) or number_queries(texts)
    imported = _read(path, collection, ids or None)
    name = printable(path.name)
    if not len(imported.judgments) and not imported.unmatched:
        raise DiptychError(f"{printable(str(path))} holds no judgments")
    if imported.unmatched and not len(imported.judgments):
        first = imported.unmatched[0]
        raise DiptychError(
            f"nothing in {printable(str(path))} can be used here; line {first.line},"
            f" {printable(first.text)!r}: {first.reason}"
        )
    if not ids and all(_ID.fullmatch(query) for query in imported.judgments.queries):
        raise DiptychError(
            f"{name} names its queries by ids: give the queries in that order, or put a `queries.tsv` beside"
            " it (an id, a tab and the text a line)"
        )
    judgments = imported.judgments.as_asked(texts)
    return GroundTruth(
        judgments=judgments,
        queries=judgments.queries,
        origin=f"{count(len(imported.judgments), 'judgment')} of {name}",
        notes=_unmatched(name, imported),
        options=("--judgments", str(path)),
    )


def from_labels(labels: Labels, collection: Collection, texts: Sequence[str] = ()) -> GroundTruth:
    """Judgments that nobody had to give: by the pictures' labels, or by their captions.

    Args:
        labels: By what.
        collection: The pictures.
        texts: What is asked; by default the mapping's queries, the labels themselves, or the captions.

    Raises:
        DiptychError: The pictures have no labels or captions, or the file can't be used.
    """
    if labels == "captions":
        return _from_captions(collection, texts)
    if (near := nearest(str(labels), ["folder", "captions"])) not in {"", labels} and not Path(
        labels
    ).exists():
        raise DiptychError(f"there is no file {printable(str(labels))} of labels; did you mean {near}?")
    mapping = None if labels == "folder" else read_mapping(Path(labels))
    by_id = {picture.id: picture.labels for picture in collection.pictures if picture.labels}
    if not by_id:
        raise DiptychError(
            f"no picture of {printable(collection.source)} has a label: give each class a folder of its own,"
            " or a manifest a `label` column"
        )
    found = judge_by_labels(by_id, texts, mapping)
    notes = [f"The labels {_listed(alike)} are one query: they are the same words." for alike in found.alike]
    if found.unmatched_queries:
        notes.append(f"No label goes with {_listed(found.unmatched_queries)}.")
    if found.unknown_labels:
        notes.append(
            f"No picture here has the label {_listed(found.unknown_labels)}, which the mapping names."
        )
    origin = "the pictures' labels" if mapping is None else f"the pictures' labels, by {Path(labels).name}"
    return GroundTruth(
        judgments=found.judgments,
        queries=found.queries,
        origin=printable(origin),
        notes=tuple(notes),
        options=("--labels", str(labels)),
    )


def _from_captions(collection: Collection, texts: Sequence[str]) -> GroundTruth:
    captions = {picture.id: picture.caption for picture in collection.pictures if picture.caption}
    if not captions:
        raise DiptychError(
            f"no picture of {printable(collection.source)} has a caption: a manifest gives them, in its"
            " `caption` column"
        )
    judgments = judge_by_captions(captions).as_asked(texts)
    others = [text for text in texts if text not in judgments.queries]
    notes = (f"No picture has the caption {_listed(others)}.",) if others else ()
    return GroundTruth(
        judgments=judgments,
        queries=judgments.queries,
        origin="the pictures' captions",
        notes=notes,
        options=("--labels", "captions"),
    )


def _read(path: Path, collection: Collection, queries: Mapping[str, str] | None) -> Imported:
    names = [
        (name, picture.id) for picture in collection.pictures for name in (picture.name, *picture.aliases)
    ]
    return read_judgments(path, names, queries)


def _ids_beside(path: Path) -> dict[str, str]:
    """The queries' texts by their ids, as `--export` writes them beside qrels."""
    beside = path.parent / "queries.tsv"
    has_ids = path.suffix.lower() not in TABLES and beside.is_file()
    return read_query_ids(beside) if has_ids else {}


def _unmatched(name: str, imported: Imported) -> tuple[str, ...]:
    lost = imported.unmatched
    if not lost:
        return ()
    shown = "; ".join(f"line {each.line}, {printable(each.text)!r}: {each.reason}" for each in lost[:_SHOWN])
    more = f"; and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    return (f"Ignored in {name}: {count(len(lost), 'line')} ({shown}{more}).",)


def _listed(texts: Sequence[str]) -> str:
    shown = ", ".join(f"“{text}”" for text in texts[:_SHOWN])
    more = len(texts) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _samples_own(collection: Collection) -> Judgments | None:
    """The judgments that the sample comes with; None for other pictures."""
    if collection not in _SAMPLES_OWN:
        is_sample = _is_sample(collection)
        own = _read(samples.QRELS, collection, samples.queries()).judgments if is_sample else None
        _SAMPLES_OWN[collection] = own
    return _SAMPLES_OWN[collection]


def _is_sample(collection: Collection) -> bool:
    """Whether these are the very pictures in the package, whatever the person calls them."""
    first = next(iter(sorted(samples.relevant()["wolf"])))
    drawn = hashlib.sha256((samples.FOLDER / first).read_bytes()).hexdigest()
    found = collection.find(drawn)
    return found is not None and found.name == first
