"""Queries: embedded where the store lacks them, texts in each of an embedder's templates."""

from __future__ import annotations

from collections.abc import Sequence
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
from diptych.embedders.self_check import is_free
from diptych.embedders.templates import average, fill
from diptych.errors import DiptychError
from diptych.pipeline.threads import as_done, batched, pool
from diptych.pipeline.vectors import looked_up, stored, usable, without_direction, words
from diptych.queries import Query, TextQuery, texts_among
from diptych.store.vectors import Kind, Store


def embed_queries(queries: Sequence[Query], embedder: Embedder, store: Store) -> tuple[Vectors, list[Query]]:
    """The vectors of queries, embedding and storing only those that the store lacks.

    Returns:
        Shape (len(queries), dimension), float32, and the queries that were embedded now.

    Raises:
        DiptychError: The embedder refuses a query, or failed for now; the others are stored.
    """
    info = embedder.info
    vectors = np.empty((len(queries), info.dimension), np.float32)
    fresh: list[Query] = []
    kinds: tuple[Kind, ...] = ("text", "image")
    for kind in kinds:
        rows = [row for row, query in enumerate(queries) if query.kind == kind]
        asked = [queries[row] for row in rows]
        if not asked:
            continue
        if kind == "image" and isinstance(embedder, PrecomputedImages):
            vectors[rows] = [_query_picture(embedder, query) for query in asked]
            continue
        sent = [_as_sent(query, info) for query in asked]
        everything = [query for queries in sent for query in queries]
        embedded: set[str] = set()
        if _missing_queries(everything, kind, embedder, store):
            with store.turn(f"{info.fingerprint} {kind} queries", info.name, free=is_free(embedder)):
                missing = _missing_queries(everything, kind, embedder, store)
                _embed_missing_queries(missing, kind, embedder, store)
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


def _embed_missing_queries(queries: Sequence[Query], kind: Kind, embedder: Embedder, store: Store) -> None:
    """Embed and store queries of one kind, as many batches at once as the embedder allows."""
    info = embedder.info
    zeros = kind == "text" and may_say_nothing(embedder)

    def embed(some: Sequence[Query]) -> None:
        try:
            returned = _query_batch(some, embedder)
            new, problems = usable(returned, len(some), info.dimension, zeros=zeros)
        except EmbedderUnavailable:
            raise
        except ServiceDown as error:
            raise DiptychError(f"{info.name}: {error}") from error
        except Exception as error:  # a plug-in may raise anything
            if len(some) == 1:
                fails = "failed on" if isinstance(error, TransientError) else "can't take"
                raise DiptychError(f"{info.name} {fails} the query {some[0]}: {words(error)}") from error
            for query in some:
                embed([query])
        else:
            good = [row for row in range(len(some)) if row not in problems]
            ids = [some[row].id for row in good]
            store.put(info.fingerprint, kind, ids, new[good], in_place_of=set(ids))
            if problems:
                embed([some[row] for row in problems])

    batches = batched(queries, repeat(info.batch_size))
    with pool(info.concurrency, "queries") as callers:
        for _ in as_done(callers, embed, batches, ahead=2 * info.concurrency):
            pass


def _query_batch(queries: Sequence[Query], embedder: Embedder) -> Vectors:
    """Embed queries of one kind."""
    texts = [query.text for query in texts_among(queries)]
    if texts:
        return embedder.embed_texts(texts)
    # A copy, for what `prepare_image` gets is its own, and the same query goes to other embedders too.
    pictures = [query.image.copy() for query in queries if query.kind == "image"]
    return embedder.embed_images([embedder.prepare_image(picture) for picture in pictures])


def _query_picture(embedder: PrecomputedImages, query: Query) -> NDArray[np.float32]:
    """A query picture's vector among those made elsewhere; by name only where it is in the collection."""
    names = query.names if query.kind == "image" else ()
    if embedder.find_image(query.id, names) is None:
        raise DiptychError(f"there is no vector for the query picture {query}: these were made elsewhere")
    return looked_up(embedder, query.id, names)
