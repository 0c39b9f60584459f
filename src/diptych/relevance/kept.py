"""Judgments in the store: only ever added, taken back by a further word, read as what still stands."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from diptych.relevance.judgments import Judgment, Judgments
from diptych.store import KeptJudgment, Store


def keep(store: Store, judgments: Iterable[Judgment]) -> None:
    """File judgments; they are on disk, all of them, when this returns.

    Raises:
        DiptychError: The store can't be written to, or a text is no valid Unicode.
    """
    store.add_judgments(KeptJudgment(j.query, j.image, j.grade, j.by, j.at, j.blind) for j in judgments)


def take_back(store: Store, query: str, image: str, by: str = "") -> None:
    """Undo the last word of a person on an image and a query; what stood before it stands again.

    That word stays in the store: a further row takes it back. Where there is none, nothing changes.

    Raises:
        DiptychError: The store can't be written to.
    """
    store.add_judgments([KeptJudgment(query, image, None, by, now(), blind=False)])


def kept(store: Store, queries: Iterable[str] | None = None) -> Judgments:
    """The judgments that stand: all in the store, less those that were taken back.

    Args:
        store: Where they are.
        queries: Whose to read; by default everybody's about every query.
    """
    standing: dict[int, KeptJudgment] = {}
    words: dict[tuple[str, str, str], list[int]] = {}
    for place, given in enumerate(store.judgments(queries)):
        own = words.setdefault((given.query, given.image, given.by), [])
        if given.grade is not None:
            standing[place] = given
            own.append(place)
        elif own:
            del standing[own.pop()]
    return Judgments(
        Judgment(
            query=given.query,
            image=given.image,
            grade=given.grade,
            by=given.by,
            at=given.at,
            blind=given.blind,
        )
        for given in standing.values()
        if given.grade is not None
    )


def now() -> str:
    """The time as a judgment has it: UTC, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
