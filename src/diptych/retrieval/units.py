"""One embedder's unit vectors of the queries of one run, and the queries that it refuses."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from diptych.embedders import Embedder
from diptych.embedders.budget import Funds
from diptych.errors import DiptychError, DiptychWarning
from diptych.pipeline import embed_accepted, left_out_note
from diptych.progress import Progress
from diptych.queries import Query
from diptych.retrieval.search import normalise
from diptych.store.vectors import Store


class QueryUnits:
    """One embedder's unit vectors of queries, embedded as they come.

    Args:
        embedder: The embedder.
        store: Where vectors are.
        funds: What may be spent.
        progress: Watches what is embedded.

    Attributes:
        fresh: The queries that were embedded now.
        refused: Why the embedder has no vector of a query, by the query's key.
    """

    def __init__(self, embedder: Embedder, store: Store, funds: Funds, progress: Progress) -> None:
        self._embedder, self._store, self._funds, self._progress = embedder, store, funds, progress
        self._units: dict[tuple[str, str], NDArray[np.float32]] = {}
        self.fresh: list[Query] = []
        self.refused: dict[tuple[str, str], DiptychError] = {}

    def embed(self, queries: Sequence[Query]) -> None:
        """Embed queries that the store lacks.

        Raises:
            DiptychError: The embedder failed, or refuses all of them.
        """
        vectors, fresh, refused = embed_accepted(
            queries, self._embedder, self._store, funds=self._funds, progress=self._progress
        )
        if queries and not len(vectors):
            raise refused[queries[0].key]
        accepted = (query.key for query in queries if query.key not in refused)
        self._units |= zip(accepted, normalise(vectors), strict=True)
        self.fresh += fresh
        self.refused |= refused

    def of(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """Of these queries; shape (m, dimension)."""
        return np.array([self._units[query.key] for query in queries], np.float32)


def accepted_by_all(
    queries: Sequence[Query], units: Collection[QueryUnits], *, all_of_them: bool = False
) -> tuple[list[Query], str]:
    """The queries that no embedder refuses, and a sentence on the others, which is also a warning.

    Raises:
        DiptychError: There are none; or `all_of_them` are needed, and one is refused.
    """
    refused = {key: why for of_one in units for key, why in of_one.refused.items()}
    accepted = [query for query in queries if query.key not in refused]
    if refused and (all_of_them or not accepted):
        raise next(iter(refused.values()))
    left_out = left_out_note(refused.values())
    if left_out:
        warnings.warn(left_out, DiptychWarning, stacklevel=2)
    return accepted, left_out
