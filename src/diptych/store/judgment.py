"""A judgment: one person's grade of one image for one query, from the store to the page the same value."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from diptych.errors import DiptychError
from diptych.text import printable

GRADES = range(4)
"""0 is irrelevant; 1 to 3 are relevant, 1 where judgments are yes or no."""


@dataclass(frozen=True, kw_only=True)
class Judgment:
    """One person's grade of one image for one query.

    Attributes:
        query: The query's text.
        image: The image's id, the SHA-256 of its bytes.
        grade: 0 to 3; 0 is irrelevant. None is a retraction: it takes back the last grade that the same
            person gave this image for this query.
        by: Who judged; empty where it is not known.
        at: When, in ISO 8601 (UTC where it names no zone); empty where it is not known. Nothing is ordered
            by it: clocks may be wrong.
        blind: Whether it was judged without seeing which embedder found the image.

    Raises:
        DiptychError: The grade is out of range, or the time is not an ISO time.
    """

    query: str
    image: str
    grade: int | None
    by: str = ""
    at: str = ""
    blind: bool = False

    def __post_init__(self) -> None:
        if self.grade is not None and self.grade not in GRADES:
            raise DiptychError(f"grade {self.grade}: grades are 0 (irrelevant) to {GRADES[-1]}")
        try:
            _ = self.at and datetime.datetime.fromisoformat(self.at)
        except ValueError as error:
            raise DiptychError(
                f"{printable(self.at)!r} is not a valid time: write it as 2026-11-23T14:05:00Z"
            ) from error


def now() -> str:
    """The time as a judgment has it: UTC, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
