"""Judgments as one value: which counts, which contradict each other.

A judgment is never overwritten: all that were given are kept, the last one counts, and where they contradict
each other that can be shown. The last one is the one that was filed last, whatever time it names: a clock may
be wrong by a year, and a correction must count all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from diptych.store.judgment import Judgment
from diptych.text import one_form


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """An image that was given different grades for one query.

    Attributes:
        query: The query's text.
        image: The image's name; its id where the name is not known.
        id: The image's id, the SHA-256 of its bytes.
        said: The judgments in the order of filing; the last counts.
    """

    query: str
    image: str
    id: str
    said: tuple[Judgment, ...]


class Judgments:
    """Judgments as one value.

    Args:
        given: All that were given, in the order of filing: as the store has them, or a file its lines. The
            last one about each image counts; what a retraction among them takes back is left out.
        settled: By query, images that are known to be irrelevant unless a judgment says otherwise: those that
            have a label or a caption, but not the query's.
    """

    def __init__(
        self, given: Iterable[Judgment] = (), *, settled: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        self.given = tuple(_standing(given))
        self.settled = dict(settled or {})
        self._said: dict[str, dict[str, list[Judgment]]] = {query: {} for query in self.settled}
        for judgment in self.given:
            self._said.setdefault(judgment.query, {}).setdefault(judgment.image, []).append(judgment)

    def __len__(self) -> int:
        """How many pairs of query and image were judged, `settled` ones apart."""
        return sum(map(len, self._said.values()))

    def __iter__(self) -> Iterator[Judgment]:
        """The judgments that count: the last of each query and image."""
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
        last = {image: said[-1].grade for image, said in self._said.get(query, {}).items()}
        return settled | {image: grade for image, grade in last.items() if grade is not None}

    def relevant(self, query: str) -> frozenset[str]:
        """The ids of the images that are relevant to a query: grade 1 or more."""
        return frozenset(image for image, said in self._said.get(query, {}).items() if said[-1].grade)

    def contradictions(self, names: Mapping[str, str] | None = None) -> tuple[Contradiction, ...]:
        """Where one image was given different grades for one query; with the images' names by their ids."""
        called = names or {}
        return tuple(
            Contradiction(query=query, image=called.get(image, image), id=image, said=tuple(said))
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

    def as_asked(self, texts: Iterable[str]) -> Judgments:
        """The same by the texts that are asked, where a query differs only in how accents are composed."""
        asked = {one_form(text): text for text in texts}
        exact = set(asked.values())
        named = {
            query: asked[one_form(query)]
            for query in self.queries
            if query not in exact and one_form(query) in asked
        }
        if not named:
            return self
        renamed = Judgments(
            (replace(given, query=named[given.query]) for given in self.given if given.query in named),
            settled={named[query]: images for query, images in self.settled.items() if query in named},
        )
        return self.about(set(self.queries) - set(named)).with_more(renamed)

    def with_more(self, more: Judgments) -> Judgments:
        """These and further judgments together; the further ones count as filed later."""
        settled = {
            query: self.settled.get(query, frozenset()) | more.settled.get(query, frozenset())
            for query in (*self.settled, *more.settled)
        }
        return Judgments((*self.given, *more.given), settled=settled)


def _standing(given: Iterable[Judgment]) -> list[Judgment]:
    """Those that were not taken back, in their order."""
    standing: dict[int, Judgment] = {}
    own: dict[tuple[str, str, str], list[int]] = {}
    for place, judgment in enumerate(given):
        places = own.setdefault((judgment.query, judgment.image, judgment.by), [])
        if judgment.grade is not None:
            standing[place] = judgment
            places.append(place)
        elif places:
            del standing[places.pop()]
    return list(standing.values())
