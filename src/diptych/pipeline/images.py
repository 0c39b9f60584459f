"""One embedder's pictures: those it lacks are taken from its lane, embedded in batches, and stored."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from diptych.cache import recall, remember
from diptych.embedders.base import (
    Embedder,
    EmbedderUnavailable,
    InputRejected,
    PrecomputedImages,
    RequestRefused,
    ServiceDown,
    TransientError,
)
from diptych.embedders.budget import Account, Budget, Funds, OverBudget, Stopped
from diptych.embedders.remembered import Remembered
from diptych.embedders.self_check import is_free
from diptych.errors import DiptychError
from diptych.images import Collection, Picture, UnreadablePicture
from diptych.pipeline.paid import ask_for_images, prove_room
from diptych.pipeline.reading import Lane, PictureReader
from diptych.pipeline.set_aside import SetAside
from diptych.pipeline.threads import as_done, batched, even_sizes, pool
from diptych.pipeline.vectors import looked_up, usable, without_direction, words
from diptych.progress import Advance, Progress, Silent
from diptych.store.vectors import Store
from diptych.text import count

_PATIENCE = 5
"""Failures in a row, each after the embedder's own retries, after which a service counts as down."""


_BEWILDERED = 12
"""Pictures in a row that an embedder fails on unforeseen, after which it counts as broken."""


@dataclass
class Filled:
    """What one run did for one embedder.

    Attributes:
        embedded: Images embedded and stored by this run.
        from_store: Images whose vectors were in the store already.
        unreadable: Reasons by image id, for pictures that could not be read.
        rejected: Reasons by image id, for pictures that the embedder did not take.
        set_aside: Reasons by image id, for pictures that it failed on for now: a later run tries them again.
        seconds: Wall-clock time of the run.
    """

    embedded: int = 0
    from_store: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    set_aside: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def refused(self) -> dict[str, str]:
        """Reasons by image id, for all pictures that have no vector now."""
        return self.unreadable | self.rejected | self.set_aside


def embed_images(
    collection: Collection,
    embedder: Embedder,
    store: Store,
    *,
    funds: Funds | None = None,
    progress: Progress = Silent(),
    lane: Lane | None = None,
) -> Filled:
    """Fill the store with the vectors of a collection's pictures, embedding only what is missing.

    Args:
        collection: The pictures.
        embedder: Who embeds them; for one that has its vectors already only their presence is checked.
        store: Where vectors are filed.
        funds: What may be spent; None for any sum.
        progress: Who watches.
        lane: Its lane, where other embedders have theirs beside it (`embed_all`); None where it goes alone.

    Returns:
        Counts, and the reason for each picture that has no vector now.

    Raises:
        EmbedderUnavailable: Nothing can be embedded; what was embedded before is stored.
        OverBudget: One more request would cost more than is allowed; likewise.
        DiptychError: The embedder failed for now, or none could be embedded, or the store failed.
    """
    filled = Filled()
    for _ in embedding(collection, embedder, store, filled, funds=funds, progress=progress, lane=lane):
        pass
    return filled


def embedding(
    collection: Collection,
    embedder: Embedder,
    store: Store,
    filled: Filled,
    *,
    funds: Funds | None = None,
    progress: Progress = Silent(),
    lane: Lane | None = None,
) -> Iterator[Sequence[Picture]]:
    """Do what `embed_images` does, handing on pictures once they have a vector: first those that had one.

    Args:
        collection: The pictures.
        embedder: Who embeds them.
        store: Where vectors are filed.
        filled: Where it is counted; complete at the end.
        funds: What may be spent; None for any sum.
        progress: Who watches.
        lane: As for `embed_images`.

    Yields:
        Pictures, each once, those without a vector left out.

    Raises:
        DiptychError: As `embed_images`.
    """
    if isinstance(embedder, PrecomputedImages):
        yield _look_up(collection, embedder, filled)
        return
    useless = _useless(embedder, store)
    missing = _missing(collection, embedder, store, useless)
    yield _others(collection.pictures, missing)
    filled.from_store = len(collection) - len(missing)
    if not missing:
        return
    info = embedder.info
    with (
        PictureReader(collection).lane(embedder) if lane is None else nullcontext(lane) as lane,
        store.turn(info.fingerprint, info.name, free=is_free(embedder), pause=lane.pause),
    ):
        account = Account(info.name, funds or Budget(None).reserve())
        run = _EmbeddingRun(collection, embedder, store, useless, filled, account, lane)
        yield from run.over(missing, progress)


def _missing(collection: Collection, embedder: Embedder, store: Store, useless: Set[str]) -> list[Picture]:
    known = store.known(embedder.info.fingerprint, "image", collection.ids) - useless
    return [picture for picture in collection.pictures if picture.id not in known]


def _useless(embedder: Embedder, store: Store) -> set[str]:
    """The pictures whose stored vectors have no direction; looked for once, as none come in any more."""
    fingerprint = embedder.info.fingerprint
    where = hashlib.sha256(f"{store.path.absolute()}\n{fingerprint}".encode()).hexdigest()
    key = f"every vector has a direction {where}"
    if recall([key]):
        return set()
    found = without_direction(embedder, "image", store.items(fingerprint, "image"), store)
    if not found:
        remember({key: True})
    return found


def _others(pictures: Sequence[Picture], some: Sequence[Picture]) -> Sequence[Picture]:
    ids = {picture.id for picture in some}
    return [picture for picture in pictures if picture.id not in ids]


class _EmbeddingRun:
    """One embedder's way through the pictures that lack a vector."""

    def __init__(
        self,
        collection: Collection,
        embedder: Embedder,
        store: Store,
        useless: Set[str],
        filled: Filled,
        account: Account,
        lane: Lane,
    ) -> None:
        self._collection = collection
        self._embedder = embedder
        self._store = store
        self._useless = useless
        self._filled = filled
        self._account = account
        self._lane = lane
        self._aside = SetAside(store.path, embedder.info.fingerprint)
        self._health = _Health()
        self._advance: Advance = lambda _count: None

    def over(self, waiting: Sequence[Picture], progress: Progress) -> Iterator[Sequence[Picture]]:
        """Embed what is still missing of what was waiting for its turn."""
        embedder, filled = self._embedder, self._filled
        # fewer than were waiting where another run was at it
        missing = _missing(self._collection, embedder, self._store, self._useless)
        yield _others(waiting, missing)
        filled.from_store = len(self._collection) - len(missing)
        self._aside.recall([picture.id for picture in missing])
        filled.set_aside = self._aside.waiting()
        due = [picture for picture in missing if picture.id not in filled.set_aside]
        if due:
            prove_room(embedder, len(due), self._store)
        if due and isinstance(embedder, Remembered):
            embedder.open()  # before the clock runs, and before many threads wait for it
        start = time.monotonic()
        with progress.task(f"embedding with {embedder.info.name}", len(due)) as self._advance:
            yield from self._embed_all(due)
        filled.seconds = time.monotonic() - start
        if filled.embedded:
            self._store.add_pace(embedder.info.fingerprint, filled.embedded, filled.seconds)

    def _embed_all(self, due: Sequence[Picture]) -> Iterator[Sequence[Picture]]:
        info, filled = self._embedder.info, self._filled
        lost: dict[str, Exception] = {}
        untried = {picture.id for picture in due}
        # A service counts calls, so there none is made smaller than it need be.
        workers = info.concurrency if info.requests_per_minute is None else 1
        sizes = even_sizes(len(due), info.batch_size, workers)
        batches = self._until_given_up(batched(self._prepared(due), sizes))
        with pool(info.concurrency, "embed") as callers:
            for outcome in as_done(callers, self._embed, batches, ahead=2 * info.concurrency):
                filled.embedded += len(outcome.stored)
                lost |= outcome.lost
                untried -= {picture.id for picture in outcome.stored}
                self._advance(len(outcome.stored) + len(outcome.lost))
                yield outcome.stored
        for_now = {item: error for item, error in lost.items() if isinstance(error, TransientError)}
        filled.rejected |= {item: self._said(error) for item, error in lost.items() if item not in for_now}
        self._complain(untried - set(filled.refused) - set(for_now), for_now)

    def _prepared(self, due: Sequence[Picture]) -> Iterator[tuple[Picture, Any]]:
        """What can be embedded; what failed before comes last, so that it keeps no others waiting."""
        fresh = [picture for picture in due if picture.id not in self._aside]
        again = [picture for picture in due if picture.id in self._aside]
        for prepared in chain(self._lane.over(fresh), self._lane.over(again)):
            if prepared.error is None:
                yield prepared.picture, prepared.item
            else:
                self._lose(prepared.picture, prepared.error)

    def _lose(self, picture: Picture, error: Exception) -> None:
        """Note that a picture can't be read or prepared."""
        if isinstance(error, UnreadablePicture):
            self._filled.unreadable[picture.id] = str(error)
        else:
            self._filled.rejected[picture.id] = self._said(error)
        self._advance(1)

    def _said(self, error: Exception) -> str:
        return f"{self._embedder.info.name}: {words(error)}"

    def _until_given_up(
        self, batches: Iterable[list[tuple[Picture, Any]]]
    ) -> Iterator[list[tuple[Picture, Any]]]:
        for batch in batches:
            if self._health.given_up:
                return
            yield batch

    def _embed(self, batch: Sequence[tuple[Picture, Any]]) -> _Outcome:
        """Embed and store one batch; where it fails, its halves, down to the picture that is to blame."""
        if self._health.given_up:
            return _Outcome()
        try:
            returned = ask_for_images(self._embedder, [item for _, item in batch], self._account)
            vectors, problems = usable(returned, len(batch), self._embedder.info.dimension)
        except EmbedderUnavailable:
            raise
        except Stopped:
            return _Outcome()
        except OverBudget as error:
            self._health.stop(error)
            return _Outcome()
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; it costs one picture)
            if len(batch) > 1 and not isinstance(error, ServiceDown):
                middle = len(batch) // 2
                return self._embed(batch[:middle]) + self._embed(batch[middle:])
            self._health.failed(error)
            return _Outcome(lost={picture.id: error for picture, _ in batch})
        good = [row for row in range(len(batch)) if row not in problems]
        stored = [batch[row][0] for row in good]
        ids, fingerprint = [picture.id for picture in stored], self._embedder.info.fingerprint
        try:
            self._store.put(fingerprint, "image", ids, vectors[good], in_place_of=self._useless)
        except DiptychError as error:
            self._account.stop()  # in all threads, at once: what came could not be kept either
            self._health.stop(error)
            raise
        self._health.did_well()
        outcome = _Outcome(stored=stored)
        return outcome + self._embed([batch[row] for row in problems]) if problems else outcome

    def _complain(self, untried: set[str], for_now: Mapping[str, Exception]) -> None:
        """Set aside what failed for now; raise where it was the embedder that failed, or nothing came."""
        name, filled, health, aside = self._embedder.info.name, self._filled, self._health, self._aside
        total = len(self._collection)
        is_down = health.given_up and (
            isinstance(health.last, ServiceDown) or any(item not in aside for item in untried)
        )
        failed = {item: self._said(error) for item, error in for_now.items()}
        blamable = {
            item: failed[item] for item, error in for_now.items() if not isinstance(error, ServiceDown)
        }
        filled.set_aside |= failed | {item: aside.reason(item) for item in untried if item in aside}
        filled.set_aside |= aside.note(blamable, others_did_well=bool(filled.embedded) and not is_down)
        if isinstance(health.last, OverBudget):
            raise health.last.of(
                f"{name} has {count(len(untried), 'picture')} of {total} left, the others are stored or set"
                " aside. Requests without an answer count too: one more"
            )
        if health.given_up and not isinstance(health.last, TransientError):
            raise DiptychError(
                f"{name} failed on {count(health.in_a_row, 'picture')} in a row: {words(health.last)};"
                " what it embedded before is stored"
            )
        if for_now and (is_down or not (filled.embedded or filled.from_store)):
            raise DiptychError(
                f"{name} failed temporarily on {len(for_now) + len(untried):,} of {count(total, 'picture')}:"
                f" {health.last}; all others are stored, run the same command again for the rest"
            )
        lost = filled.rejected | filled.set_aside
        if lost and not (filled.embedded or filled.from_store):
            reason = next(iter(lost.values()))
            raise DiptychError(f"none of {count(total, 'picture')} could be embedded; {reason}")


class _Health:
    """How an embedder does, whichever thread asks: after some failures in a row it is given up.

    Attributes:
        given_up: Whether it is asked no more.
        in_a_row: Failures since it last did well; what it refuses for good is none.
        last: The latest failure.
    """

    def __init__(self) -> None:
        self.given_up = False
        self.in_a_row = 0
        self.last: Exception = Exception()
        self._lock = threading.Lock()

    def did_well(self) -> None:
        with self._lock:
            self.in_a_row = 0

    def stop(self, error: Exception) -> None:
        with self._lock:
            self.last = error
            self.given_up = True

    def failed(self, error: Exception) -> None:
        if isinstance(error, InputRejected) and not isinstance(error, RequestRefused):
            return
        with self._lock:
            self.in_a_row += 1
            if self.given_up:  # what made it end stays the reason, whatever other threads still bring
                return
            self.last = error
            patience = _PATIENCE if isinstance(error, TransientError) else _BEWILDERED
            for_long = isinstance(error, ServiceDown) and error.for_long
            self.given_up = self.given_up or for_long or self.in_a_row >= patience


@dataclass(frozen=True)
class _Outcome:
    """What became of a batch: what was stored, and by image id why the others were not."""

    stored: list[Picture] = field(default_factory=list)
    lost: dict[str, Exception] = field(default_factory=dict)

    def __add__(self, other: _Outcome) -> _Outcome:
        return _Outcome(self.stored + other.stored, self.lost | other.lost)


def _look_up(collection: Collection, embedder: PrecomputedImages, filled: Filled) -> Sequence[Picture]:
    """The pictures that have a vector among those made elsewhere."""
    found = []
    for picture in collection.pictures:
        try:
            looked_up(embedder, picture.id, (picture.name, *picture.aliases))
        except ValueError as error:
            filled.rejected[picture.id] = f"{embedder.info.name}: {error}"
        else:
            found.append(picture)
    if not found:
        name = embedder.info.name
        raise DiptychError(
            f"{name} has no vectors for any of these {len(collection):,} pictures:"
            " were they made from this collection?"
        )
    filled.from_store = len(found)
    return found
