"""The index: one matrix per embedder, taken in from the store as it fills, and what is answered from it.

Workbench, notebook and page all use it. A `Snapshot` is its state at one moment: the pictures that every
embedder taking part has a vector for, and a `Searcher` for each of these embedders. Whoever holds an older
snapshot can go on using it: rows that were there never change, others come in beside them.
"""

from __future__ import annotations

import dataclasses
import mmap
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from diptych.cores import on_all_cores
from diptych.embedders import Embedder
from diptych.embedders.base import PrecomputedImages, Vectors
from diptych.embedders.budget import Funds
from diptych.images import Collection, Picture, Skipped
from diptych.pipeline import iter_vectors
from diptych.progress import Progress, Silent
from diptych.queries import Query, TextQuery
from diptych.retrieval.null_bank import NOT_YET, EmbeddedBank, embed_bank
from diptych.retrieval.search import Subset, normalise, rank
from diptych.retrieval.searcher import Answer, Answers, Searcher
from diptych.store.kept import FEWEST
from diptych.store.vectors import Store

_SNAPSHOTS, _ANSWER_BYTES = 6, 256_000_000
"""Cache limits: snapshots with their null models, and bytes of answers."""

_Number = TypeVar("_Number", bound=np.generic)
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The pictures that can be compared at one moment, and each embedder that takes part.

    Attributes:
        pictures: By name.
        searchers: By the embedder's name.
        key: Tells this set of pictures, and which null banks are there, from others.
    """

    pictures: tuple[Picture, ...] = ()
    searchers: Mapping[str, Searcher] = field(default_factory=dict)
    key: bytes = b""

    @property
    def why_no_bank(self) -> dict[str, str]:
        """Why there is no null bank, by the names of the embedders that have none."""
        return {name: why for name, one in self.searchers.items() if (why := one.why_no_bank) is not None}


class Index:
    """The vectors of a collection and what is answered from them; safe to use from several threads.

    Args:
        collection: The pictures.
        store: Where their vectors are.
        bank: The null bank's texts.
    """

    def __init__(self, collection: Collection, store: Store, bank: Sequence[TextQuery]) -> None:
        self._collection = collection
        self._store = store
        self._bank = bank
        self._matrices: dict[str, _EmbedderMatrix] = {}
        self._banks: dict[str, EmbeddedBank] = {}
        self._refreshing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._snapshots: _Remembered[Hashable, Snapshot] = _Remembered(LRUCache(_SNAPSHOTS))
        self._searchers: dict[str, _Remembered[bytes, Searcher]] = {}
        self._remembered: _Remembered[Hashable, Answer] = _Remembered(
            LRUCache(_ANSWER_BYTES, getsizeof=lambda answer: answer.nbytes)
        )

    def embed_bank(
        self, embedder: Embedder, funds: Funds | None = None, progress: Progress = Silent()
    ) -> list[Query]:
        """Embed the null bank with an embedder, once; snapshots taken before that have no bank of it.

        Args:
            embedder: The embedder.
            funds: What may be spent; None for any sum.
            progress: Watches what is embedded now.

        Returns:
            The texts that were embedded now.

        Raises:
            DiptychError: The embedder failed; one that refuses texts is not a failure.
        """
        if embedder.info.name in self._banks:
            return []
        self._banks[embedder.info.name], fresh = embed_bank(
            self._bank, embedder, self._store, funds, progress
        )
        return fresh

    def has_bank(self, name: str) -> bool:
        """Whether an embedder's null bank is embedded, or it is known that it can have none."""
        return name in self._banks

    def bank(self, name: str) -> EmbeddedBank:
        """The null bank as an embedder sees it, once it is embedded."""
        return self._banks[name]

    def refresh(self, embedder: Embedder, refused: Mapping[str, str] | None = None) -> None:
        """Take in the vectors that the store has by now.

        Args:
            embedder: The embedder whose vectors to load.
            refused: Reasons by image id, for pictures that it has no vector for though it was asked to.
        """
        name, pictures = embedder.info.name, self._collection.pictures
        with self._refreshing[name]:
            known = self._matrices.get(name)
            old = known or self._opened(embedder)
            have = old.have.copy()
            missing = np.flatnonzero(~have)
            # Rows that nobody sees yet: snapshots of what was there before stay as they are.
            for places, vectors in iter_vectors([pictures[row] for row in missing], embedder, self._store):
                rows = missing[places]
                if rows[-1] - rows[0] + 1 == len(rows):  # as when all are there: no copy is made
                    normalise(vectors, out=old.units[rows[0] : rows[-1] + 1])
                else:
                    old.units[rows] = normalise(vectors)
                have[rows] = True
            told = old.refused if refused is None else refused
            self._matrices[name] = dataclasses.replace(old, have=have, refused=told)
            if known is None or refused is not None:  # not each time while it is embedding
                self._keep(embedder, nobody_has_it=known is None)

    def _opened(self, embedder: Embedder) -> _EmbedderMatrix:
        """The matrix as it is kept ready, or an empty one."""
        n, info = len(self._collection), embedder.info
        altered = self._store.altered(info.fingerprint)
        stored = not isinstance(embedder, PrecomputedImages)
        kept = self._store.kept(info.fingerprint, self._collection.ids) if stored else None
        if kept is None or kept.header.dimension != info.dimension:
            return _EmbedderMatrix(np.zeros(n, bool), np.zeros((n, info.dimension), np.float32), altered)
        as_it_is = 0 if kept.is_for_another else int(kept.have.sum())
        return _EmbedderMatrix(kept.have, kept.matrix(), altered, as_it_is)

    def _keep(self, embedder: Embedder, *, nobody_has_it: bool) -> None:
        """Keep a matrix ready for later where many of its rows were read from the store.

        Where nobody has it yet, what is kept takes its place: its memory is shared, and can be read again.
        """
        name, info = embedder.info.name, embedder.info
        matrix = self._matrices[name]
        read = int(matrix.have.sum()) - matrix.kept
        if read < FEWEST or isinstance(embedder, PrecomputedImages):
            return
        kept = self._store.keep(
            info.fingerprint, self._collection.ids, matrix.have, matrix.units, matrix.altered
        )
        units = kept.matrix() if nobody_has_it and kept is not None else matrix.units
        self._matrices[name] = dataclasses.replace(matrix, units=units, kept=int(matrix.have.sum()))

    def has(self, name: str) -> bool:
        """Whether an embedder has any vectors yet."""
        return name in self._matrices and bool(self._matrices[name].have.any())

    def snapshot(self, names: Sequence[str], label: str | None = None) -> Snapshot:
        """What can be compared now: the pictures that each of these embedders has a vector for.

        Args:
            names: The embedders; each was refreshed.
            label: Only pictures with this label.

        Returns:
            A snapshot that stays as it is; without any picture where the embedders have none in common.
        """
        matrices = {name: self._matrices[name] for name in names}
        mask = np.ones(len(self._collection), bool)
        for matrix in matrices.values():
            mask &= matrix.have
        if label is not None:
            mask &= [label in picture.labels for picture in self._collection.pictures]
        if not matrices or not mask.any():
            return Snapshot()
        banks = {name: self._banks.get(name, NOT_YET) for name in matrices}
        key = mask.tobytes() + bytes(bank is NOT_YET for bank in banks.values())
        return self._snapshots.get((tuple(matrices), key), lambda: self._take(matrices, banks, mask, key))

    def _take(
        self,
        matrices: Mapping[str, _EmbedderMatrix],
        banks: Mapping[str, EmbeddedBank],
        mask: NDArray[np.bool_],
        key: bytes,
    ) -> Snapshot:
        rows = np.flatnonzero(mask)
        pictures = tuple(self._collection.pictures[row] for row in rows)
        ids = [picture.id for picture in pictures]

        def searcher(name: str) -> Searcher:
            units = matrices[name].units
            return Searcher(ids, units if mask.all() else Subset(units, rows), banks[name])

        def kept(name: str) -> Searcher:
            of_name = self._searchers.setdefault(name, _Remembered(LRUCache(_SNAPSHOTS)))
            own = mask.tobytes() + bytes([banks[name] is NOT_YET])
            return of_name.get(own, partial(searcher, name))

        found = on_all_cores(kept, list(matrices), len(rows))
        return Snapshot(pictures, dict(zip(matrices, found, strict=True)), key)

    def skipped(self, names: Sequence[str]) -> tuple[Skipped, ...]:
        """What can't be compared by these embedders, with the reason of the first that refused it."""
        matrices = [self._matrices[name] for name in reversed(names) if name in self._matrices]
        refused = {item: why for matrix in matrices for item, why in matrix.refused.items()}
        return self._collection.skipped_with(refused)

    def answers(
        self, snapshot: Snapshot, queries: Sequence[Query], units: Mapping[str, Vectors], k: int
    ) -> Answers:
        """What embedders make of queries: the first k hits of each, and how all pictures stand.

        Args:
            snapshot: The pictures.
            queries: The queries.
            units: Their unit vectors by the embedder's name; each of shape (m, dimension).
            k: How many hits to return of each.
        """
        found = on_all_cores(
            lambda of_one: self._answers_of(snapshot, *of_one, k),
            [(name, queries, of_name) for name, of_name in units.items()],
            len(snapshot.pictures),
        )
        by_name = [dict(zip(units, row, strict=True)) for row in zip(*found, strict=True)]
        skipped = self.skipped(list(snapshot.searchers))
        return Answers(snapshot.pictures, queries, by_name, snapshot.why_no_bank, skipped)

    def _answers_of(
        self, snapshot: Snapshot, name: str, queries: Sequence[Query], units: Vectors, k: int
    ) -> list[Answer]:
        keys: list[Hashable] = [(name, snapshot.key, query.key) for query in queries]
        place = {key: row for row, key in enumerate(keys)}

        def answer(missing: Sequence[Hashable]) -> list[Answer]:
            rows = [place[key] for key in missing]
            asked = [queries[row] for row in rows]
            return [_apart(made) for made in snapshot.searchers[name].answer(asked, units[rows], k)]

        return [
            found
            if len(found.ranking.rows) == k
            else dataclasses.replace(found, ranking=rank(found.scores, found.order, k))
            for found in self._remembered.get_all(keys, answer)
        ]


def _apart(answer: Answer) -> Answer:
    """An answer whose arrays lie in memory of their own.

    What is remembered must not lie among what is computed with: an analysis would find no room where it had
    it the last time, and take every page of it anew (half as slow again, once a hundred answers are there).
    """

    def apart(array: NDArray[_Number]) -> NDArray[_Number]:
        own = np.frombuffer(mmap.mmap(-1, array.nbytes), array.dtype)
        own[:] = array
        return own

    standing = answer.standing
    if standing.z is not None and standing.matches is not None:
        standing = dataclasses.replace(standing, z=apart(standing.z), matches=apart(standing.matches))
    return dataclasses.replace(
        answer, scores=apart(answer.scores), order=apart(answer.order), standing=standing
    )


@dataclass(frozen=True)
class _EmbedderMatrix:
    """One embedder's unit vectors, a row for every picture of the collection.

    Attributes:
        have: Which rows are there; shape (n,).
        units: Shape (n, dimension); a row takes no memory before it is there.
        altered: `Store.altered` before the first row was read.
        kept: How many rows are kept ready for later, as they are here.
        refused: Why pictures have none that it was asked for, by image id.
    """

    have: NDArray[np.bool_]
    units: Vectors
    altered: bytes | None
    kept: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)


class _Remembered(Generic[_Key, _Value]):
    """The values that were asked for last; each is made once, whoever asks at the same time.

    Args:
        values: What holds them, and bounds them.
    """

    def __init__(self, values: LRUCache[_Key, _Value]) -> None:
        self._values = values
        self._making: dict[_Key, Future[_Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """One value, made where it is not there."""
        return self.get_all([key], lambda _: [make()])[0]

    def get_all(
        self, keys: Sequence[_Key], make: Callable[[Sequence[_Key]], Sequence[_Value]]
    ) -> list[_Value]:
        """Several values; those that are not there, and that nobody else is making, are made together."""
        with self._lock:
            found = {key: self._values[key] for key in keys if key in self._values}
            awaited = {key: self._making[key] for key in keys if key in self._making}
            mine = [key for key in dict.fromkeys(keys) if key not in found and key not in awaited]
            self._making |= {key: Future() for key in mine}
        try:
            made = make(mine) if mine else ()
        except BaseException as error:
            with self._lock:
                for key in mine:
                    self._making.pop(key).set_exception(error)
            raise
        with self._lock:
            for key, value in zip(mine, made, strict=True):
                with suppress(ValueError):  # one that is larger than all the room there is
                    self._values[key] = value
                self._making.pop(key).set_result(value)
        found |= zip(mine, made, strict=True)
        return [found[key] if key in found else awaited[key].result() for key in keys]
