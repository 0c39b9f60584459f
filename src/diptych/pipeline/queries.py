"""Queries: embedded where the store lacks them, texts in each of an embedder's templates."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from diptych.embedders.base import (
    Embedder,
    EmbedderInfo,
    EmbedderUnavailable,
    PrecomputedImages,
    ServiceDown,
    TransientError,
    Vectors,
    may_say_nothing,
)
from diptych.embedders.budget import Account, Budget, Funds, OverBudget, Stopped
from diptych.embedders.self_check import is_free
from diptych.embedders.templates import average, fill
from diptych.errors import DiptychError
from diptych.pipeline.paid import ask_for_images, ask_for_texts, prove_room
from diptych.pipeline.threads import as_done, batched, pool
from diptych.pipeline.vectors import looked_up, stored, usable, without_direction, words
from diptych.progress import Advance, Progress, Silent
from diptych.queries import Query, TextQuery, texts_among
from diptych.store.vectors import Kind, Store

_SHOWN = 3


class QueriesFailed(DiptychError):
    """An embedder refuses queries or failed on them, each for itself; others may be stored or were not asked.

    Attributes:
        failed: Why, by the ids of what was sent for them: a text's in each template.
        stored: The ids of what was embedded and stored beside them.
    """

    def __init__(self, failed: Mapping[str, DiptychError], stored: Collection[str] = ()) -> None:
        super().__init__(str(next(iter(failed.values()))))
        self.failed, self.stored = failed, stored

    def of(self, query: Query, info: EmbedderInfo) -> DiptychError | None:
        """Why a query failed; None for one that did not."""
        return next((self.failed[q.id] for q in _as_sent(query, info) if q.id in self.failed), None)

    def about(self, queries: Sequence[Query], info: EmbedderInfo) -> QueriesFailed:
        """The same about some queries, of which at least one failed."""
        sent = {q.id for query in queries for q in _as_sent(query, info)}
        return QueriesFailed({item: why for item, why in self.failed.items() if item in sent}, self.stored)

    def embedded(self, query: Query, info: EmbedderInfo) -> bool:
        """Whether something of a query was embedded and stored beside those that failed."""
        return any(q.id in self.stored for q in _as_sent(query, info))


def embed_queries(
    queries: Sequence[Query],
    embedder: Embedder,
    store: Store,
    *,
    funds: Funds | None = None,
    progress: Progress = Silent(),
    what: str = "queries",
    past_refusals: bool = False,
) -> tuple[Vectors, list[Query]]:
    """The vectors of queries, embedding and storing only those that the store lacks.

    Args:
        queries: The queries.
        embedder: Who embeds them.
        store: Where vectors are.
        funds: What may be spent; None for any sum.
        progress: Watches what is embedded now.
        what: What the queries are called there.
        past_refusals: Embed and store the others where the embedder refuses a query, before that is raised.

    Returns:
        Shape (len(queries), dimension), float32, and the queries that were embedded now.

    Raises:
        QueriesFailed: The embedder refuses a query, or failed on it for now.
        OverBudget: One more request would cost more than is allowed; what was embedded before is stored.
        DiptychError: The embedder or the store can't be used.
    """
    info = embedder.info
    account = Account(info.name, funds or Budget(None).reserve())
    vectors = np.empty((len(queries), info.dimension), np.float32)
    fresh: list[Query] = []
    kinds: tuple[Kind, ...] = ("text", "image")
    for kind in kinds:
        rows = [row for row, query in enumerate(queries) if query.kind == kind]
        asked = [queries[row] for row in rows]
        if not asked:
            continue
        if kind == "image" and isinstance(embedder, PrecomputedImages):
            vectors[rows] = _query_pictures(embedder, asked)
            continue
        sent = [_as_sent(query, info) for query in asked]
        everything = [query for queries in sent for query in queries]
        embedded: set[str] = set()
        if _missing_queries(everything, kind, embedder, store):
            with store.turn(f"{info.fingerprint} {kind} queries", info.name, free=is_free(embedder)):
                missing = _missing_queries(everything, kind, embedder, store)
                if missing:
                    prove_room(embedder, len(missing), store)
                    with progress.task(f"embedding {what} with {info.name}", len(missing)) as advance:
                        _embed_missing_queries(
                            missing, kind, embedder, store, account, advance, past_refusals
                        )
            embedded = {query.id for query in missing}
        fresh += [
            query
            for query, queries in {q.id: (q, s) for q, s in zip(asked, sent, strict=True)}.values()
            if not embedded.isdisjoint(query.id for query in queries)
        ]
        found = stored(info, kind, [query.id for query in everything], store)
        ends = np.cumsum([len(queries) for queries in sent])
        vectors[rows] = [average(some) for some in np.split(found, ends[:-1])]
    return vectors, fresh


def embed_accepted(
    queries: Sequence[Query],
    embedder: Embedder,
    store: Store,
    *,
    funds: Funds | None = None,
    progress: Progress = Silent(),
) -> tuple[Vectors, list[Query], dict[tuple[str, str], DiptychError]]:
    """As `embed_queries`, but queries that the embedder refuses are left out.

    Returns:
        The vectors of the others, in order; the queries that were embedded now; and by the keys of those
        left out why each was.

    Raises:
        QueriesFailed: It failed on a query for now: a later run may have its vector.
        DiptychError: As `embed_queries`.
    """
    left, fresh = list(queries), list[Query]()
    refused: dict[tuple[str, str], DiptychError] = {}
    while True:
        try:
            vectors, more = embed_queries(
                left, embedder, store, funds=funds, progress=progress, past_refusals=True
            )
        except QueriesFailed as failed:
            reasons = {q.key: why for q in left if (why := failed.of(q, embedder.info)) is not None}
            if not reasons or any(isinstance(why.__cause__, TransientError) for why in reasons.values()):
                raise
            fresh += [query for query in left if failed.embedded(query, embedder.info)]
            left = [query for query in left if query.key not in reasons]
            refused |= reasons
        else:
            return vectors, [*fresh, *more], refused


def left_out_note(reasons: Iterable[DiptychError]) -> str:
    """A sentence on queries that are left out, from why each is; empty without any."""
    said = list(dict.fromkeys(str(reason) for reason in reasons))
    more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return f"Left out for every embedder: {'; '.join(said[:_SHOWN])}{more}." if said else ""


def is_stored(query: Query, embedder: Embedder, store: Store) -> bool:
    """Whether a query's vector needs no embedding."""
    return not _missing_queries(_as_sent(query, embedder.info), query.kind, embedder, store)


def _as_sent(query: Query, info: EmbedderInfo) -> list[Query]:
    """What an embedder gets for a query: a text in each of its templates."""
    if query.kind == "text":
        return [TextQuery(text) for text in fill(info.templates, query.text)]
    return [query]


def _missing_queries(asked: Sequence[Query], kind: Kind, embedder: Embedder, store: Store) -> list[Query]:
    """The queries that the store has no vector of, or one without a direction."""
    by_id = {query.id: query for query in asked}
    known = store.known(embedder.info.fingerprint, kind, list(by_id))
    known -= without_direction(embedder, kind, sorted(known), store)
    return [query for item, query in by_id.items() if item not in known]


def _embed_missing_queries(
    queries: Sequence[Query],
    kind: Kind,
    embedder: Embedder,
    store: Store,
    account: Account,
    advance: Advance,
    past_refusals: bool,
) -> None:
    """Embed and store queries of one kind, as many batches at once as the embedder allows."""
    info = embedder.info
    zeros = kind == "text" and may_say_nothing(embedder)
    failed: dict[str, DiptychError] = {}
    put: set[str] = set()
    enough = threading.Event()

    def embed(some: Sequence[Query]) -> None:
        if enough.is_set():
            return
        answer = _answer(some, embedder, account, zeros=zeros)
        if isinstance(answer, Exception):
            if len(some) == 1:
                failed[some[0].id] = _failure(info, some[0], answer)
                if not past_refusals or isinstance(answer, TransientError):
                    enough.set()
                return
            for query in some:
                embed([query])
            return
        new, problems = answer
        good = [row for row in range(len(some)) if row not in problems]
        ids = [some[row].id for row in good]
        _put(store, info, kind, ids, new[good], account)
        put.update(ids)
        advance(len(good))
        if problems:
            embed([some[row] for row in problems])

    batches = batched(queries, repeat(info.batch_size))
    with pool(info.concurrency, "queries") as callers:
        for _ in as_done(callers, embed, batches, ahead=2 * info.concurrency):
            pass
    if failed:
        raise QueriesFailed(failed, put) from next(iter(failed.values())).__cause__


def _answer(
    queries: Sequence[Query], embedder: Embedder, account: Account, *, zeros: bool
) -> tuple[Vectors, Mapping[int, str]] | Exception:
    """Vectors, with what is wrong with some of them; or why there are none, where a query may be to blame."""
    info = embedder.info
    try:
        return usable(_query_batch(queries, embedder, account), len(queries), info.dimension, zeros=zeros)
    except (EmbedderUnavailable, OverBudget, Stopped):
        raise
    except ServiceDown as error:
        raise DiptychError(f"{info.name}: {error}") from error
    except Exception as error:  # noqa: BLE001 (a plug-in may raise anything)
        return error


def _failure(info: EmbedderInfo, query: Query, error: Exception) -> DiptychError:
    fails = "failed on" if isinstance(error, TransientError) else "can't take"
    failure = DiptychError(f"{info.name} {fails} the query {query}: {words(error)}")
    failure.__cause__ = error
    return failure


def _put(
    store: Store, info: EmbedderInfo, kind: Kind, ids: Sequence[str], vectors: Vectors, account: Account
) -> None:
    try:
        store.put(info.fingerprint, kind, ids, vectors, in_place_of=set(ids))
    except DiptychError:
        account.stop()  # in all threads, at once: what came could not be kept either
        raise


def _query_batch(queries: Sequence[Query], embedder: Embedder, account: Account) -> Vectors:
    """Embed queries of one kind."""
    texts = [query.text for query in texts_among(queries)]
    if texts:
        return ask_for_texts(embedder, texts, account)
    # A copy, for what `prepare_image` gets is its own, and the same query goes to other embedders too.
    pictures = [query.image.copy() for query in queries if query.kind == "image"]
    return ask_for_images(embedder, [embedder.prepare_image(picture) for picture in pictures], account)


def _query_pictures(embedder: PrecomputedImages, queries: Sequence[Query]) -> list[NDArray[np.float32]]:
    """Query pictures' vectors among those made elsewhere; by name only where they are in the collection."""
    found, failed = [], {}
    for query in queries:
        names = query.names if query.kind == "image" else ()
        if embedder.find_image(query.id, names) is None:
            failed[query.id] = DiptychError(
                f"there is no vector for the query picture {query}: these were made elsewhere"
            )
        else:
            found.append(looked_up(embedder, query.id, names))
    if failed:
        raise QueriesFailed(failed)
    return found
