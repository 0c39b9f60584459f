"""Background embedding: one thread and lane per embedder, as far as the budget allows, with its progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from diptych.embedders import Embedder
from diptych.embedders.budget import Budget, OverBudget, exact
from diptych.embedders.remembered import Remembered
from diptych.embedders.self_check import is_free
from diptych.errors import DiptychError
from diptych.pipeline import embed_images, is_stored
from diptych.pipeline.estimate import Estimate, estimate
from diptych.pipeline.reading import PictureReader
from diptych.pipeline.self_test import what_is_wrong
from diptych.progress import Advance
from diptych.workbench import Workbench

State = Literal["waiting", "embedding", "ready", "asks", "stopped"]

_TAKE_IN_EVERY = 2.0
"""Seconds between two looks at what was embedded meanwhile."""


@dataclass
class Indexing:
    """How far an embedder is.

    Attributes:
        state: `asks`: it would cost more than is allowed; `stopped`: see `reason`.
        done: Pictures embedded by this run, refused ones included.
        total: Pictures to embed in this run.
        asks: What it would cost, where it asks.
        reason: Why it stopped, or asks again.
        refused: Reasons by image id, for pictures that it has no vector for though it was asked to.
        bank_done: Null texts embedded, where that comes after the pictures.
        bank_total: Null texts to embed then.
    """

    state: State = "waiting"
    done: int = 0
    total: int = 0
    asks: float = 0.0
    reason: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    bank_done: int = 0
    bank_total: int = 0


class _BankProgress:
    """A `Progress` that says in an `Indexing` how far the null bank is."""

    def __init__(self, indexing: Indexing) -> None:
        self._indexing = indexing
        self._lock = threading.Lock()

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[Advance]:  # noqa: ARG002 (a `Progress`)
        """Follow the embedding."""
        self._indexing.bank_total = total

        def advance(more: int) -> None:
            with self._lock:
                self._indexing.bank_done += more

        yield advance


class Indexer:
    """Fills the store for one embedder, and has the index take in what is there.

    Null texts of an embedder that costs are left for `embed_bank`, called once a first text is answered.

    Args:
        bench: The collection, its store and its index.
        embedder: The embedder.
        budget: What may be spent.
        changed: Called when there is more to rank.
        reader: Decodes for all embedders of the page.

    Attributes:
        embedder: As given.
        indexing: How far it is.
        complaint: Why the embedder looks broken; empty where it passed the self-test.
    """

    def __init__(
        self,
        bench: Workbench,
        embedder: Embedder,
        budget: Budget,
        changed: Callable[[], None],
        reader: PictureReader,
    ) -> None:
        self.embedder = embedder
        self.indexing = Indexing()
        self.complaint = ""
        self._bench = bench
        self._budget = budget
        self._changed = changed
        self._reader = reader
        self._running = threading.Lock()
        self._taken_in = 0.0

    def start(self) -> None:
        """Begin, or go on after it stopped or was allowed to spend more; does nothing where it is running."""
        if self.indexing.state != "ready" and self._running.acquire(blocking=False):
            self.indexing = Indexing("waiting")  # at once, so that a reader never sees the old state
            self._begin(self._fill)

    def embed_bank(self) -> None:
        """Embed the null bank if that is still to be done, once the pictures are embedded."""
        name = self.embedder.info.name
        if self.indexing.state != "ready" or self._bench.index.has_bank(name):
            return
        if self._running.acquire(blocking=False):
            self._begin(self._fill_bank)

    def _begin(self, work: Callable[[], None]) -> None:
        name = f"embed {self.embedder.info.name}"
        threading.Thread(target=self._run, args=(work,), name=name, daemon=True).start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OverBudget as over:  # answers that never came were paid for, too
            left = self._estimate()
            self.indexing = Indexing("asks", asks=left.dollars, total=left.images, reason=str(over))
        except DiptychError as error:
            self.indexing = Indexing("stopped", reason=str(error))
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; the page goes on without it)
            self.indexing = Indexing("stopped", reason=f"unexpected {type(error).__name__}: {error}")
        finally:
            self._running.release()
            self._changed()

    def _fill(self) -> None:
        bench, embedder = self._bench, self.embedder
        foreseen = self._estimate()
        try:
            funds = self._budget.reserve(exact(foreseen.dollars))
        except OverBudget:
            self.indexing = Indexing("asks", asks=foreseen.dollars, total=foreseen.images)
            return
        try:
            self.indexing = Indexing("embedding", total=foreseen.images)
            if embedder in bench.to_try:
                self.complaint = what_is_wrong(embedder, bench.store)
            if is_free(embedder) or all(is_stored(text, embedder, bench.store) for text in bench.bank):
                bench.index.embed_bank(embedder, funds)
            self._take_in()  # what an earlier run embedded can be looked at now
            with self._reader.lane(embedder) as lane:
                filled = embed_images(
                    bench.collection, embedder, bench.store, funds=funds, progress=self, lane=lane
                )
        finally:
            funds.close()
        bench.index.refresh(embedder, filled.refused)
        self.indexing = Indexing("ready", refused=filled.refused)
        self._changed()
        if isinstance(self.embedder, Remembered):
            self.embedder.open()  # now, and not when the first text waits for it

    def _fill_bank(self) -> None:
        """Embed the null bank of an embedder that costs: nobody waits for it who has not asked anything."""
        bench, embedder = self._bench, self.embedder
        if bench.index.has_bank(embedder.info.name):  # since it was looked for
            return
        funds = self._budget.reserve(exact(self._estimate().dollars))
        try:
            bench.index.embed_bank(embedder, funds, _BankProgress(self.indexing))
        finally:
            funds.close()

    def _estimate(self) -> Estimate:
        """What is still to embed: pictures and null texts."""
        return estimate(self._bench.collection, self._bench.bank, self.embedder, self._bench.store)

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[Advance]:  # noqa: ARG002 (a `Progress`)
        """Follow the embedding."""
        self.indexing.total = total

        def advance(more: int) -> None:
            self.indexing.done += more
            if time.monotonic() - self._taken_in > _TAKE_IN_EVERY:
                self._take_in()

        yield advance

    def _take_in(self) -> None:
        self._bench.index.refresh(self.embedder)
        self._taken_in = time.monotonic()
        self._changed()
