"""One embedder's queries: what waits is embedded together; a slow embedder delays only its own queries."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from decimal import Decimal

from cachetools import LRUCache

from diptych.embedders import Embedder
from diptych.embedders.base import PrecomputedImages, TransientError, Vectors
from diptych.embedders.budget import NOTHING, Budget, Funds
from diptych.errors import DiptychError
from diptych.pipeline import QueriesFailed, embed_queries, is_stored
from diptych.pipeline.estimate import price
from diptych.queries import Query, TextQuery, texts_among
from diptych.retrieval.search import normalise
from diptych.store.vectors import Store

_REMEMBERED = 2_000
"""How many queries' vectors are kept at hand; the others are in the store."""


@dataclass(frozen=True)
class Ticket:
    """What came of asking.

    Attributes:
        answered: Tells when the queries are embedded, or why they could not be; None where they were left
            alone, as they cost something.
        dollars: What they would cost then.
    """

    answered: Future[None] | None
    dollars: Decimal = NOTHING


@dataclass
class _Waiting:
    queries: Sequence[Query]
    funds: Funds
    answered: Future[None] = field(default_factory=Future)


class QueryQueue:
    """Embeds queries with one embedder, in a thread of its own.

    Args:
        embedder: The embedder.
        store: Where vectors are kept.
        budget: What may be spent.

    Attributes:
        changes: Grows when a query gets a vector that nothing was to wait for: it costs, or was refused once.
    """

    def __init__(self, embedder: Embedder, store: Store, budget: Budget) -> None:
        self.embedder = embedder
        self._store = store
        self._budget = budget
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._vectors: LRUCache[tuple[str, str], Vectors] = LRUCache(_REMEMBERED)
        self._refused: LRUCache[tuple[str, str], DiptychError] = LRUCache(_REMEMBERED)
        self.changes = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._answer, name=f"ask {embedder.info.name}", daemon=True).start()

    def ask(self, queries: Sequence[Query], *, live: bool = False) -> Ticket:
        """Have queries embedded.

        Args:
            queries: What to embed.
            live: Skip queries that would cost money.

        Raises:
            OverBudget: It would cost more than is allowed; nothing was sent.
        """
        missing = [query for query in queries if self.vector(query) is None]
        if not missing:
            done: Future[None] = Future()
            done.set_result(None)
            return Ticket(done)
        dollars = self.price(missing)
        if live and dollars > 0:
            return Ticket(None, dollars)
        waiting = _Waiting(missing, self._budget.reserve(dollars))
        self._waiting.put(waiting)
        return Ticket(waiting.answered)

    def price(self, queries: Sequence[Query]) -> Decimal:
        """US dollars by list price for embedding queries."""
        texts = [query.text for query in texts_among(queries)]
        return price(self.embedder.info, len(queries) - len(texts), texts)

    def would_cost(self, queries: Sequence[Query]) -> Decimal:
        """US dollars by list price for those that were not embedded yet."""
        return self.price([query for query in queries if self.vector(query) is None])

    @property
    def typical_price(self) -> Decimal:
        """US dollars by list price for a short text."""
        return self.price([TextQuery("a dog with a bird")])

    def vector(self, query: Query) -> Vectors | None:
        """A query's unit vector, shape (1, dimension), where it was embedded already."""
        with self._lock:
            if query.key in self._vectors:
                return self._vectors[query.key]
        if not self._is_stored(query):
            return None
        return self._keep(query, normalise(embed_queries([query], self.embedder, self._store)[0]))

    def refusal(self, query: Query) -> DiptychError | None:
        """Why the embedder refused a query when it was asked last; None where it did not."""
        with self._lock:
            return self._refused.get(query.key)

    def embed_accepted(self, queries: Sequence[Query]) -> dict[tuple[str, str], DiptychError]:
        """Have queries embedded that cost nothing more, and wait; those refused before are not asked again.

        Returns:
            Why the embedder has no vector of a query, by the query's key: it refuses it, or failed on it now.

        Raises:
            DiptychError: It failed on all of them, or they would cost something.
        """
        refused = {query.key: why for query in queries if (why := self.refusal(query)) is not None}
        while left := [query for query in queries if query.key not in refused]:
            ticket = self.ask(left, live=True)
            if ticket.answered is None:
                name = self.embedder.info.name
                raise DiptychError(f"{name} would cost about ${ticket.dollars:.6f}: search with it first")
            try:
                ticket.answered.result()
            except QueriesFailed as failed:
                refused |= self._reasons(failed, left)
            else:
                break
        return refused

    def _reasons(
        self, failed: QueriesFailed, queries: Sequence[Query]
    ) -> dict[tuple[str, str], DiptychError]:
        info = self.embedder.info
        return {query.key: why for query in queries if (why := failed.of(query, info)) is not None}

    def _is_stored(self, query: Query) -> bool:
        if query.kind == "image" and isinstance(self.embedder, PrecomputedImages):
            return self.embedder.find_image(query.id, query.names) is not None
        return is_stored(query, self.embedder, self._store)

    def _keep(self, query: Query, unit: Vectors) -> Vectors:
        with self._lock:
            self._vectors[query.key] = unit
            self._refused.pop(query.key, None)
        return unit

    def _answer(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            batch = [waiting for waiting in batch if self._still_waits(waiting)]
            while batch:
                batch = self._embed(batch)

    def _still_waits(self, waiting: _Waiting) -> bool:
        """Whether somebody waits for an answer; from here on nobody can stop waiting."""
        if waiting.answered.set_running_or_notify_cancel():
            return True
        waiting.funds.close()
        return False

    def _embed(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Embed what waits and tell who waits, all but those returned: others' queries failed, not theirs."""
        queries = list({query.key: query for waiting in batch for query in waiting.queries}.values())
        funds = self._budget.reserve()
        for waiting in batch:
            funds.add(waiting.funds)
        try:
            vectors, _ = embed_queries(queries, self.embedder, self._store, funds=funds, past_refusals=True)
        except QueriesFailed as failed:
            return self._tell_of(failed, batch)
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; the person is told)
            for waiting in batch:
                waiting.answered.set_exception(_in_words(error))
            return []
        finally:
            funds.close()
        self.changes += sum(self.refusal(query) is not None for query in queries)
        self.changes += self.price(queries) > 0
        for query, unit in zip(queries, normalise(vectors), strict=True):
            self._keep(query, unit[None])
        for waiting in batch:
            waiting.answered.set_result(None)
        return []

    def _tell_of(self, failed: QueriesFailed, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Tell those whose queries failed; who is left."""
        left = []
        for waiting in batch:
            reasons = self._reasons(failed, waiting.queries)
            with self._lock:  # what failed for now is not refused
                for key, reason in reasons.items():
                    if not isinstance(reason.__cause__, TransientError):
                        self._refused[key] = reason
            if not reasons:
                left.append(waiting)
            else:
                waiting.answered.set_exception(failed.about(waiting.queries, self.embedder.info))
        return left


def _in_words(error: Exception) -> DiptychError:
    if isinstance(error, DiptychError):
        return error
    return DiptychError(f"unexpected {type(error).__name__}")
