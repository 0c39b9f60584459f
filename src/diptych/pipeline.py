"""From bytes to stored vectors: decode → prepare → embed → store, overlapped and resumable.

Pictures are decoded and prepared in worker threads, embedded from as many threads as the embedder allows, and
each batch is stored by the thread that got it, at once. Only a window of pictures is in memory at any time.
What is in the store already is not touched, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from diptych.embedders.base import (
    Embedder,
    EmbedderUnavailable,
    InputRejected,
    PrecomputedImages,
    TransientError,
    Vectors,
)
from diptych.errors import DiptychError
from diptych.images import Collection, Picture, UnreadablePicture, decode
from diptych.progress import Progress, Silent
from diptych.queries import ImageQuery, Query, TextQuery, query_id
from diptych.store import Kind, Store

DECODERS = os.cpu_count() or 1
_PATIENCE = 5  # failed calls in a row after which a service counts as down

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass
class Filled:
    """What one run did for one embedder.

    Attributes:
        embedded: Images embedded and stored by this run.
        from_store: Images whose vectors were in the store already.
        refused: Reasons by image id, for pictures that could not be read or that the embedder refused.
        seconds: Wall-clock time of the run.
    """

    embedded: int = 0
    from_store: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


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
    if isinstance(embedder, PrecomputedImages):
        return _look_up(collection, embedder)
    if not _missing(collection, embedder, store):
        return Filled(from_store=len(collection))
    with store.turn(embedder.info.fingerprint, embedder.info.name):
        return _embed_missing(collection, embedder, store, progress)


def _missing(collection: Collection, embedder: Embedder, store: Store) -> list[Picture]:
    known = store.known(embedder.info.fingerprint, "image", [picture.id for picture in collection.pictures])
    return [picture for picture in collection.pictures if picture.id not in known]


def _embed_missing(collection: Collection, embedder: Embedder, store: Store, progress: Progress) -> Filled:
    missing = _missing(collection, embedder, store)
    filled = Filled(from_store=len(collection) - len(missing))
    start = time.monotonic()
    with progress.task(f"embedding with {embedder.info.name}", len(missing)) as advance:
        _Run(collection, embedder, store, filled, advance).over(missing)
    filled.seconds = time.monotonic() - start
    if filled.embedded:
        store.add_pace(embedder.info.fingerprint, filled.embedded, filled.seconds)
    return filled


def image_vectors(pictures: Sequence[Picture], embedder: Embedder, store: Store) -> Vectors:
    """The vectors of pictures that `embed_images` has filled in; shape (n, dimension), float32."""
    if isinstance(embedder, PrecomputedImages):
        found = [embedder.find_image(p.id, (p.name, *p.aliases)) for p in pictures]
        return np.stack([vector for vector in found if vector is not None])
    return store.get(embedder.info.fingerprint, "image", [picture.id for picture in pictures])


def embed_queries(queries: Sequence[Query], embedder: Embedder, store: Store) -> tuple[Vectors, list[Query]]:
    """The vectors of queries, embedding and storing only those that the store lacks.

    Returns:
        Shape (len(queries), dimension), float32, and the queries that were embedded now.

    Raises:
        DiptychError: The embedder refuses a query, or failed for now.
    """
    info = embedder.info
    vectors = np.empty((len(queries), info.dimension), np.float32)
    fresh: list[Query] = []
    kinds: tuple[tuple[Kind, type[Query]], ...] = (("text", TextQuery), ("image", ImageQuery))
    for kind, of_kind in kinds:
        rows = [row for row, query in enumerate(queries) if isinstance(query, of_kind)]
        asked = {query_id(queries[row]): queries[row] for row in rows}
        known = store.known(info.fingerprint, kind, list(asked))
        missing = [query for item, query in asked.items() if item not in known]
        _embed_queries(missing, kind, embedder, store)
        if rows:
            vectors[rows] = store.get(info.fingerprint, kind, [query_id(queries[row]) for row in rows])
        fresh += missing
    return vectors, fresh


def _embed_queries(queries: Sequence[Query], kind: Kind, embedder: Embedder, store: Store) -> None:
    """Embed and store queries of one kind, as many batches at once as the embedder allows."""
    info = embedder.info

    def embed(some: Sequence[Query]) -> None:
        with _named(info.name):
            new = checked(_query_batch(some, embedder), len(some), info.dimension)
        store.put(info.fingerprint, kind, [query_id(query) for query in some], new)

    with _pool(info.concurrency, "queries") as callers:
        for _ in as_done(callers, embed, _batches(queries, info.batch_size), ahead=2 * info.concurrency):
            pass


def _query_batch(queries: Sequence[Query], embedder: Embedder) -> Vectors:
    """Embed queries of one kind."""
    texts = [query.text for query in queries if isinstance(query, TextQuery)]
    if texts:
        return embedder.embed_texts(texts)
    pictures = [query for query in queries if isinstance(query, ImageQuery)]
    if isinstance(embedder, PrecomputedImages):
        return np.stack([_found(embedder, picture) for picture in pictures])
    return embedder.embed_images([embedder.prepare_image(picture.image) for picture in pictures])


def _found(embedder: PrecomputedImages, picture: ImageQuery) -> Vectors:
    vector = embedder.find_image(picture.id, (picture.name,))
    if vector is None:
        raise InputRejected(f"there is no vector for the query picture {picture.name}")
    return vector


def checked(vectors: Any, count: int, dimension: int) -> Vectors:
    """Make sure that an embedder returned what the contract says.

    Returns:
        The vectors as float32, shape (count, dimension).

    Raises:
        ValueError: The shape is another, or a number is not finite.
    """
    array = np.asarray(vectors, np.float32)
    if array.shape != (count, dimension):
        raise ValueError(f"returned vectors of shape {array.shape}, not {(count, dimension)}")
    if not np.isfinite(array).all():
        raise ValueError("returned a vector with numbers that are not finite")
    return array


class _Run:
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

    def over(self, pictures: Sequence[Picture]) -> None:
        info = self._embedder.info
        postponed: list[TransientError] = []
        in_a_row = 0
        with _pool(DECODERS, "decode") as decoders, _pool(info.concurrency, "embed") as callers:
            prepared = in_order(decoders, self._prepare, pictures, ahead=2 * info.batch_size + DECODERS)
            batches = _batches(self._readable(prepared), info.batch_size)
            for outcome in as_done(callers, self._embed, batches, ahead=2 * info.concurrency):
                if isinstance(outcome, TransientError):
                    postponed.append(outcome)
                    in_a_row += 1
                    if in_a_row >= _PATIENCE:
                        break
                else:
                    in_a_row = 0
                    self._filled.embedded += outcome.embedded
                    self._filled.refused.update(outcome.refused)
                    self._advance(outcome.embedded + len(outcome.refused))
        self._complain(postponed, len(pictures))

    def _prepare(self, picture: Picture) -> tuple[Picture, Any, str | None]:
        """Read, decode and prepare one picture; the last item is the reason where that failed."""
        try:
            image = decode(self._collection.read(picture), self._collection.limits)
        except UnreadablePicture as error:
            return picture, None, str(error)
        try:
            return picture, self._embedder.prepare_image(image), None
        except (EmbedderUnavailable, TransientError):
            raise
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; it costs one picture)
            return picture, None, self._reason(error)

    def _readable(self, prepared: Iterable[tuple[Picture, Any, str | None]]) -> Iterator[tuple[Picture, Any]]:
        for picture, item, reason in prepared:
            if reason is None:
                yield picture, item
            else:
                self._filled.refused[picture.id] = reason
                self._advance(1)

    def _embed(self, batch: Sequence[tuple[Picture, Any]]) -> Filled | TransientError:
        """Embed and store one batch; where it fails, its halves, down to the picture that is to blame."""
        info = self._embedder.info
        try:
            vectors = checked(
                self._embedder.embed_images([item for _, item in batch]), len(batch), info.dimension
            )
        except EmbedderUnavailable:
            raise
        except TransientError as error:
            return error
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; it costs one picture)
            if len(batch) == 1:
                return Filled(refused={batch[0][0].id: self._reason(error)})
            return self._embed_halves(batch)
        self._store.put(info.fingerprint, "image", [picture.id for picture, _ in batch], vectors)
        return Filled(embedded=len(batch))

    def _embed_halves(self, batch: Sequence[tuple[Picture, Any]]) -> Filled | TransientError:
        both = Filled()
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            outcome = self._embed(half)
            if isinstance(outcome, TransientError):
                return outcome
            both.embedded += outcome.embedded
            both.refused.update(outcome.refused)
        return both

    def _reason(self, error: Exception) -> str:
        words = str(error) if isinstance(error, InputRejected) else f"{type(error).__name__}: {error}"
        return f"{self._embedder.info.name}: {words}"

    def _complain(self, postponed: list[TransientError], asked: int) -> None:
        """Raise where pictures are left that another run could embed, or where all were refused."""
        name, filled = self._embedder.info.name, self._filled
        if postponed:
            left = asked - filled.embedded - len(filled.refused)
            raise DiptychError(
                f"{name} could not embed {left} of {asked} pictures for now: {postponed[-1]};"
                " all others are stored, run the same command again for the rest"
            )
        refusals = [reason for reason in filled.refused.values() if reason.startswith(f"{name}: ")]
        if refusals and not filled.embedded and not filled.from_store:
            raise DiptychError(f"none of {asked} pictures could be embedded; {refusals[0]}")


def _look_up(collection: Collection, embedder: PrecomputedImages) -> Filled:
    filled = Filled()
    for picture in collection.pictures:
        if embedder.find_image(picture.id, (picture.name, *picture.aliases)) is None:
            filled.refused[picture.id] = "it has no vector among those made elsewhere"
        else:
            filled.from_store += 1
    return filled


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put an embedder's name before what it says, also where a plug-in raises something unforeseen."""
    try:
        yield
    except EmbedderUnavailable:
        raise
    except DiptychError as error:
        raise DiptychError(f"{name}: {error}") from error
    except Exception as error:
        raise DiptychError(f"{name} failed on the queries: {type(error).__name__}: {error}") from error


@contextmanager
def _pool(threads: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads; when its block is left, what has not begun is dropped and what runs is awaited."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Iterable[_Item], *, ahead: int
) -> Iterator[_Result]:
    """Results in the order of the items, at most `ahead` of them begun but not yet taken."""
    begun: deque[Future[_Result]] = deque()
    for item in items:
        begun.append(pool.submit(work, item))
        if len(begun) >= ahead:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def as_done(
    pool: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Iterable[_Item], *, ahead: int
) -> Iterator[_Result]:
    """Results as they come, at most `ahead` items begun but not done: a slow call holds up no other."""
    begun: set[Future[_Result]] = set()
    for item in items:
        begun.add(pool.submit(work, item))
        if len(begun) >= ahead:
            done, begun = wait(begun, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while begun:
        done, begun = wait(begun, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
