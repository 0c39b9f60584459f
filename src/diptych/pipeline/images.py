"""Pictures: decoded, prepared, embedded, stored, overlapped; only a window of them is in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from diptych.embedders.base import (
    Embedder,
    EmbedderUnavailable,
    InputRejected,
    PrecomputedImages,
    TransientError,
)
from diptych.embedders.remembered import Remembered
from diptych.embedders.self_check import is_free
from diptych.errors import DiptychError
from diptych.images import Collection, Picture, UnreadablePicture, decode, memory_kept
from diptych.pipeline.threads import as_done, batched, even_sizes, in_order, pool
from diptych.pipeline.vectors import checked, looked_up, words
from diptych.progress import Progress, Silent
from diptych.store.vectors import Store
from diptych.text import count

DECODERS = os.cpu_count() or 1


_PATIENCE = 5
"""Failed calls in a row, after the embedder's own retries, after which a service counts as down."""


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
        seconds: Wall-clock time of the run.
    """

    embedded: int = 0
    from_store: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def refused(self) -> dict[str, str]:
        """Reasons by image id, for all pictures that have no vector now."""
        return self.unreadable | self.rejected


def embed_images(
    collection: Collection,
    embedder: Embedder,
    store: Store,
    *,
    progress: Progress = Silent(),
) -> Filled:
    """Fill the store with the vectors of a collection's pictures, embedding only what is missing.

    Args:
        collection: The pictures.
        embedder: Who embeds them; for one that has its vectors already only their presence is checked.
        store: Where vectors are filed.
        progress: Who watches.

    Returns:
        Counts, and the reason for each picture that has no vector now.

    Raises:
        EmbedderUnavailable: Nothing can be embedded; what was embedded before is stored.
        DiptychError: Some pictures failed for now, or none could be embedded, or the store failed.
    """
    filled = Filled()
    for _ in embedding(collection, embedder, store, filled, progress=progress):
        pass
    return filled


def embedding(
    collection: Collection,
    embedder: Embedder,
    store: Store,
    filled: Filled,
    *,
    progress: Progress = Silent(),
) -> Iterator[Sequence[Picture]]:
    """Do what `embed_images` does, handing on pictures once they have a vector: first those that had one.

    Args:
        collection: The pictures.
        embedder: Who embeds them.
        store: Where vectors are filed.
        filled: Where it is counted; complete at the end.
        progress: Who watches.

    Yields:
        Pictures, each once, those without a vector left out.

    Raises:
        DiptychError: As `embed_images`.
    """
    if isinstance(embedder, PrecomputedImages):
        yield _look_up(collection, embedder, filled)
        return
    missing = _missing(collection, embedder, store)
    yield _others(collection.pictures, missing)
    filled.from_store = len(collection) - len(missing)
    if missing:
        with store.turn(embedder.info.fingerprint, embedder.info.name, free=is_free(embedder)):
            yield from _embed_missing(collection, missing, embedder, store, filled, progress)


def _missing(collection: Collection, embedder: Embedder, store: Store) -> list[Picture]:
    known = store.known(embedder.info.fingerprint, "image", [picture.id for picture in collection.pictures])
    return [picture for picture in collection.pictures if picture.id not in known]


def _others(pictures: Sequence[Picture], some: Sequence[Picture]) -> Sequence[Picture]:
    ids = {picture.id for picture in some}
    return [picture for picture in pictures if picture.id not in ids]


def _embed_missing(
    collection: Collection,
    waiting: Sequence[Picture],
    embedder: Embedder,
    store: Store,
    filled: Filled,
    progress: Progress,
) -> Iterator[Sequence[Picture]]:
    missing = _missing(collection, embedder, store)  # fewer than were waiting where another run was at it
    yield _others(waiting, missing)
    filled.from_store = len(collection) - len(missing)
    if missing and isinstance(embedder, Remembered):
        embedder.open()  # before the clock runs, and before many threads wait for it
    start = time.monotonic()
    with progress.task(f"embedding with {embedder.info.name}", len(missing)) as advance:
        yield from _EmbeddingRun(collection, embedder, store, filled, advance).over(missing)
    filled.seconds = time.monotonic() - start
    if filled.embedded:
        store.add_pace(embedder.info.fingerprint, filled.embedded, filled.seconds)


class _EmbeddingRun:
    """One embedder's way through the pictures that lack a vector."""

    def __init__(
        self,
        collection: Collection,
        embedder: Embedder,
        store: Store,
        filled: Filled,
        advance: Callable[[int], None],
    ) -> None:
        self._collection = collection
        self._embedder = embedder
        self._store = store
        self._filled = filled
        self._advance = advance

    def over(self, pictures: Sequence[Picture]) -> Iterator[Sequence[Picture]]:
        info = self._embedder.info
        failures: list[Exception] = []
        in_a_row = 0
        with (
            memory_kept(DECODERS),
            pool(DECODERS, "decode") as decoders,
            pool(info.concurrency, "embed") as callers,
        ):
            prepared = in_order(decoders, self._prepare, pictures, ahead=2 * info.batch_size + DECODERS)
            # A service counts calls, so there none is made smaller than it need be.
            workers = info.concurrency if info.requests_per_minute is None else 1
            sizes = even_sizes(len(pictures), info.batch_size, workers)
            batches = batched(self._prepared(prepared), sizes)
            for outcome in as_done(callers, self._embed, batches, ahead=2 * info.concurrency):
                self._filled.embedded += len(outcome.stored)
                self._filled.rejected |= outcome.rejected
                self._advance(len(outcome.stored) + len(outcome.rejected))
                yield outcome.stored
                failures += outcome.failures
                in_a_row = 0 if outcome.stored else in_a_row + len(outcome.failures)
                if failures and in_a_row >= _limit(failures[-1]):
                    break
        self._complain(failures, in_a_row)

    def _prepare(self, picture: Picture) -> tuple[Picture, Any, Exception | None]:
        """Read, decode and prepare one picture; the last item is what went wrong with it."""
        try:
            image = decode(
                self._collection.read(picture),
                self._collection.limits,
                at_least=self._embedder.info.decode_at_least,
            )
            return picture, self._embedder.prepare_image(image), None
        except (EmbedderUnavailable, TransientError):
            raise
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; it costs one picture)
            return picture, None, error

    def _prepared(
        self, pictures: Iterable[tuple[Picture, Any, Exception | None]]
    ) -> Iterator[tuple[Picture, Any]]:
        """Set aside the pictures that can't be read or prepared."""
        for picture, item, error in pictures:
            if error is None:
                yield picture, item
                continue
            if isinstance(error, UnreadablePicture):
                self._filled.unreadable[picture.id] = str(error)
            else:
                self._filled.rejected[picture.id] = f"{self._embedder.info.name}: {words(error)}"
            self._advance(1)

    def _embed(self, batch: Sequence[tuple[Picture, Any]]) -> _Outcome:
        """Embed and store one batch; where it fails, its halves, down to the picture that is to blame."""
        info = self._embedder.info
        try:
            vectors = checked(
                self._embedder.embed_images([item for _, item in batch]), len(batch), info.dimension
            )
        except EmbedderUnavailable:
            raise
        except TransientError as error:
            return _Outcome(failures=[error])
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; it costs one picture)
            if len(batch) > 1:
                middle = len(batch) // 2
                return self._embed(batch[:middle]) + self._embed(batch[middle:])
            reason = {batch[0][0].id: f"{info.name}: {words(error)}"}
            return _Outcome(rejected=reason, failures=[] if isinstance(error, InputRejected) else [error])
        stored = [picture for picture, _ in batch]
        self._store.put(info.fingerprint, "image", [picture.id for picture in stored], vectors)
        return _Outcome(stored=stored)

    def _complain(self, failures: Sequence[Exception], in_a_row: int) -> None:
        """Raise where pictures are left that another run could embed, or where all were refused."""
        name, filled = self._embedder.info.name, self._filled
        total = len(self._collection)
        for_now = [failure for failure in failures if isinstance(failure, TransientError)]
        if for_now:
            missing = _missing(self._collection, self._embedder, self._store)
            left = sum(picture.id not in filled.refused for picture in missing)
            raise DiptychError(
                f"{name} could not embed {left} of {total} pictures for now: {for_now[-1]};"
                " all others are stored, run the same command again for the rest"
            )
        if failures and (in_a_row >= _BEWILDERED or len(failures) == total):
            raise DiptychError(
                f"{name} failed on {count(in_a_row, 'picture')} in a row: {words(failures[-1])};"
                " what it embedded before is stored"
            )
        if filled.rejected and not filled.embedded and not filled.from_store:
            reason = next(iter(filled.rejected.values()))
            raise DiptychError(f"none of {count(total, 'picture')} could be embedded; {reason}")


def _limit(failure: Exception) -> int:
    return _PATIENCE if isinstance(failure, TransientError) else _BEWILDERED


@dataclass(frozen=True)
class _Outcome:
    """What became of a batch: what was stored, reasons by image id, and failures nobody foresaw."""

    stored: list[Picture] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    def __add__(self, other: _Outcome) -> _Outcome:
        return _Outcome(
            self.stored + other.stored,
            self.rejected | other.rejected,
            self.failures + other.failures,
        )


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
        raise DiptychError(f"{name} has a vector for none of {len(collection)} pictures: are they its own?")
    filled.from_store = len(found)
    return found
