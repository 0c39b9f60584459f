"""How the embedders see the collection, on the pictures that there are vectors for so far.

As everywhere, what is compared are the pictures that every embedder has a vector for. While some are still
being embedded, these are few and grow; an embedder that has none yet takes no part.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from diptych.description import describe_bank
from diptych.embedders import Embedder
from diptych.embedders.base import PrecomputedImages, Vectors
from diptych.images import Collection, Picture
from diptych.pipeline import image_vectors
from diptych.queries import Query
from diptych.result import NullBank
from diptych.search import Ranking, normalise, search
from diptych.store import Store
from diptych.view import Answer, EmbeddedBank, View

MOST_HITS = 100
"""How many hits a person can ask for."""

_VIEWS, _ANSWERS = 8, 48
"""How many are remembered: of a view its matrix, of an answer every picture's score and z."""

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Seen:
    """The pictures that are compared, and how each embedder that takes part sees them.

    Attributes:
        pictures: By name.
        views: By the embedder's name.
        key: Tells this set of pictures from others.
    """

    pictures: tuple[Picture, ...]
    views: Mapping[str, View]
    key: bytes

    @cached_property
    def banks(self) -> dict[str, NullBank]:
        """What text queries are held against, by the embedder's name."""
        return {name: describe_bank(view, self.pictures) for name, view in self.views.items()}


class Ranks:
    """Ranks a collection by each embedder, on what there is; safe to use from several threads.

    Args:
        collection: The pictures.
        store: Where their vectors are.
    """

    def __init__(self, collection: Collection, store: Store) -> None:
        self._collection = collection
        self._store = store
        self._matrices: dict[str, _Matrix] = {}
        self._banks: dict[str, EmbeddedBank | str] = {}
        self._views: _Remembered[View] = _Remembered(_VIEWS)
        self._answers: _Remembered[Answer] = _Remembered(_ANSWERS)
        self._sets: _Remembered[Seen] = _Remembered(_VIEWS)

    def set_bank(self, name: str, bank: EmbeddedBank | str) -> None:
        """Say what an embedder's text queries are held against, before its first `refresh`."""
        self._banks[name] = bank

    def refresh(self, embedder: Embedder) -> None:
        """Take in the vectors that the store has by now."""
        name = embedder.info.name
        old = self._matrices.get(name)
        n = len(self._collection)
        have = np.zeros(n, bool) if old is None else old.have.copy()
        units = np.zeros((n, embedder.info.dimension), np.float32) if old is None else old.units
        there = self._there(embedder)
        rows = [
            row
            for row, picture in enumerate(self._collection.pictures)
            if picture.id in there and not have[row]
        ]
        if rows:
            # Rows that nobody sees yet: views of what was there before stay as they are.
            pictures = [self._collection.pictures[row] for row in rows]
            units[rows] = normalise(image_vectors(pictures, embedder, self._store))
            have[rows] = True
        self._matrices[name] = _Matrix(have, units)

    def _there(self, embedder: Embedder) -> set[str]:
        pictures = self._collection.pictures
        if isinstance(embedder, PrecomputedImages):
            return {p.id for p in pictures if embedder.find_image(p.id, (p.name, *p.aliases)) is not None}
        return self._store.known(embedder.info.fingerprint, "image", [picture.id for picture in pictures])

    def seen(self, label: str | None = None) -> Seen:
        """The pictures that can be compared now, those with a label where one is given."""
        matrices = {name: m for name, m in self._matrices.items() if m.have.any()}
        mask = np.logical_and.reduce(
            [np.ones(len(self._collection), bool), *(m.have for m in matrices.values())]
        )
        if label is not None:
            mask &= [picture.label == label for picture in self._collection.pictures]
        if not matrices or not mask.any():
            return Seen((), {}, b"")
        key = mask.tobytes()
        return self._sets.get((tuple(matrices), key), lambda: self._see(matrices, mask, key))

    def _see(self, matrices: Mapping[str, _Matrix], mask: NDArray[np.bool_], key: bytes) -> Seen:
        pictures = tuple(p for p, there in zip(self._collection.pictures, mask, strict=True) if there)
        ids = [picture.id for picture in pictures]

        def view(name: str) -> View:
            units = matrices[name].units
            return View(ids, units if mask.all() else units[mask], self._banks[name])

        views = {name: self._views.get((name, key), partial(view, name)) for name in matrices}
        return Seen(pictures, views, key)

    def first(self, name: str, unit: Vectors, k: int, seen: Seen) -> Ranking:
        """The first hits alone, as quickly as can be.

        Args:
            name: The embedder.
            unit: The query's unit vector; shape (1, dimension).
            k: How many.
            seen: The pictures.
        """
        return search(seen.views[name].units, unit, k)[0]

    def answer(self, name: str, query: Query, unit: Vectors, k: int, seen: Seen) -> Answer:
        """What an embedder makes of a query: the first k hits, and how all pictures stand."""
        key = (name, query.key, seen.key)
        whole = self._answers.get(key, lambda: seen.views[name].answer([query], unit, MOST_HITS)[0])
        first = whole.ranking
        return dataclasses.replace(whole, ranking=Ranking(first.rows[:k], first.scores[:k], first.flat))


@dataclass(frozen=True)
class _Matrix:
    """One embedder's unit vectors, a row for every picture of the collection, and which rows are there."""

    have: NDArray[np.bool_]
    units: Vectors


class _Remembered(Generic[_Value]):
    """The values that were asked for last; each is made once, whoever asks at the same time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            value = make()
            with self._lock:
                self._values[key] = value
                self._making.pop(key, None)
                while len(self._values) > self._most:
                    self._values.popitem(last=False)
        return value
