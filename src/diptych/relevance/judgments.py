"""Judgments: a person's word on whether an image is relevant to a query.

A judgment is never overwritten: all that were given are kept, the latest counts, and where they contradict
each other that can be shown.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from diptych.errors import DiptychError
from diptych.words import printable

GRADES = range(4)
"""0 is irrelevant; 1 to 3 are relevant, 1 where judgments are yes or no."""


@dataclass(frozen=True, kw_only=True)
class Judgment:
    """One word on one image and one query.

    Attributes:
        query: The query's text.
        image: The image's id, the SHA-256 of its bytes.
        grade: 0 to 3; 0 is irrelevant.
        by: Who judged; empty where it is not known.
        at: When, in ISO 8601 (UTC where it names no zone); empty where it is not known.
        blind: Whether it was judged without seeing which embedder found the image.

    Raises:
        DiptychError: The grade is out of range, or the time is no ISO time.
    """

    query: str
    image: str
    grade: int
    by: str = ""
    at: str = ""
    blind: bool = False

    def __post_init__(self) -> None:
        if self.grade not in GRADES:
            raise DiptychError(f"grade {self.grade}: grades are 0 (irrelevant) to {GRADES[-1]}")
        if self.at:
            _moment(self.at)


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """An image that was given different grades for one query.

    Attributes:
        query: The query's text.
        image: The image's id.
        judgments: What was said, oldest first; the last counts.
    """

    query: str
    image: str
    judgments: tuple[Judgment, ...]


class Judgments:
    """Judgments as one value.

    Args:
        given: All that were given. They count in the order of their times; where these are equal or not
            known, in the order given, and a judgment without a time counts as older than one with.
        settled: By query, images that are known to be irrelevant unless a judgment says otherwise: those that
            have a label or a caption, but not the query's.
    """

    def __init__(
        self, given: Iterable[Judgment] = (), *, settled: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        self.given = tuple(sorted(given, key=lambda judgment: _moment(judgment.at)))
        self.settled = dict(settled or {})
        self._said: dict[str, dict[str, list[Judgment]]] = {query: {} for query in self.settled}
        for judgment in self.given:
            self._said.setdefault(judgment.query, {}).setdefault(judgment.image, []).append(judgment)

    def __len__(self) -> int:
        """How many pairs of query and image were judged, `settled` ones apart."""
        return sum(map(len, self._said.values()))

    def __iter__(self) -> Iterator[Judgment]:
        """The judgments that count: the latest of each query and image."""
        for images in self._said.values():
            for said in images.values():
                yield said[-1]

    @property
    def queries(self) -> tuple[str, ...]:
        """The queries that have judgments."""
        return tuple(self._said)

    def grades(self, query: str) -> dict[str, int]:
        """The grade of every image judged for a query, by the image's id; empty where none is."""
        settled = dict.fromkeys(self.settled.get(query, ()), 0)
        return settled | {image: said[-1].grade for image, said in self._said.get(query, {}).items()}

    def relevant(self, query: str) -> frozenset[str]:
        """The ids of the images that are relevant to a query: grade 1 or more."""
        return frozenset(image for image, said in self._said.get(query, {}).items() if said[-1].grade > 0)

    def contradictions(self) -> tuple[Contradiction, ...]:
        """Where one image was given different grades for one query."""
        return tuple(
            Contradiction(query=query, image=image, judgments=tuple(said))
            for query, images in self._said.items()
            for image, said in images.items()
            if len({judgment.grade for judgment in said}) > 1
        )

    def among(self, images: Collection[str]) -> Judgments:
        """Those about some images: what is relevant elsewhere can't be found among them."""
        here = frozenset(images)
        return Judgments(
            (judgment for judgment in self.given if judgment.image in here),
            settled={query: settled & here for query, settled in self.settled.items()},
        )

    def about(self, queries: Collection[str]) -> Judgments:
        """Those about some queries."""
        these = frozenset(queries)
        return Judgments(
            (judgment for judgment in self.given if judgment.query in these),
            settled={query: images for query, images in self.settled.items() if query in these},
        )

    def with_more(self, more: Judgments) -> Judgments:
        """These and further judgments together."""
        settled = {
            query: self.settled.get(query, frozenset()) | more.settled.get(query, frozenset())
            for query in (*self.settled, *more.settled)
        }
        return Judgments((*self.given, *more.given), settled=settled)


def _moment(at: str) -> datetime.datetime:
    """A time to order by; a missing one lies before all others."""
    if not at:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
    try:
        moment = datetime.datetime.fromisoformat(at)
    except ValueError as error:
        raise DiptychError(f"{printable(at)!r} is no time: write it as 2026-11-23T14:05:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
