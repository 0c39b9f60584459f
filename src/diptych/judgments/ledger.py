"""Judgments in the store: append-only; a retraction is another row."""

from __future__ import annotations

import getpass
from collections.abc import Iterable

from diptych.errors import DiptychError
from diptych.images import Collection, Picture
from diptych.judgments.judgments import Judgments
from diptych.store.judgment import Judgment, now
from diptych.store.vectors import Store
from diptych.text import printable


def record(
    store: Store, query: str, image: str, grade: int | None, *, by: str = "", blind: bool = False
) -> None:
    """Add a judgment given now; it is on disk when this returns.

    Args:
        store: Where to.
        query: The query's text.
        image: The image's id.
        grade: 0 to 3; None takes back the last grade that this person gave this image for this query: what
            stood before it stands again, and where nothing is left to take back nothing changes.
        by: Who judges.
        blind: Whether they did not see which embedder found the image.

    Raises:
        DiptychError: The grade is out of range, the store can't be written to, or a text is not valid
            Unicode.
    """
    store.add_judgments([Judgment(query=query, image=image, grade=grade, by=by, at=now(), blind=blind)])


def login_name() -> str:
    """The name to record where a person gives none; empty for a user without one, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def find_picture(collection: Collection, image: str) -> Picture:
    """The picture with this id or name.

    Raises:
        DiptychError: There is none, or several have this name.
    """
    found = collection.called(image)
    if len(found) != 1:
        said = "several pictures are" if found else "no picture is"
        raise DiptychError(f"{said} called {printable(image)!r} in {printable(collection.source)}")
    return found[0]


def recorded(store: Store, queries: Iterable[str] | None = None) -> Judgments:
    """The judgments that stand: all in the store, less those that were taken back.

    Args:
        store: Where they are.
        queries: Which queries' to read; by default all.
    """
    return Judgments(store.judgments(queries))
