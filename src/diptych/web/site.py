"""What one page knows: the collection, the embedders at work on it, and what was asked."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Sequence
from importlib.metadata import version

from diptych.comparison import Workbench
from diptych.description import describe
from diptych.errors import DiptychError
from diptych.images import Collection
from diptych.progress import Silent
from diptych.queries import Query, TextQuery, text_query
from diptych.result import Comparison, Overall, QueryResult
from diptych.view import Answer
from diptych.web.asking import Asker
from diptych.web.filling import Filler
from diptych.web.history import Asked, History
from diptych.web.pictures import Pictures
from diptych.web.purse import Purse
from diptych.web.ranks import Ranks, Seen


class Site:
    """One collection and its embedders, served.

    Args:
        bench: What is served.
        allowed: US dollars that may be spent without asking.
    """

    def __init__(self, bench: Workbench, allowed: float = 0.0) -> None:
        self.bench = bench
        self.collection = bench.collection
        self.embedders = {embedder.info.name: embedder for embedder in bench.embedders}
        self.purse = Purse(allowed)
        self.ranks = Ranks(self.collection, bench.store)
        self.pictures = Pictures(self.collection)
        self.askers = {name: Asker(e, bench.store, self.purse) for name, e in self.embedders.items()}
        self.fillers = {
            name: Filler(
                self.collection, e, bench.store, bench.bank, self.ranks, self.purse, self._has_changed
            )
            for name, e in self.embedders.items()
        }
        self.history = History()
        self.labels = sorted({picture.label for picture in self.collection.pictures if picture.label})
        self._version = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to embed what is missing."""
        for filler in self.fillers.values():
            filler.start()

    @property
    def version(self) -> int:
        """Grows whenever there is more to rank."""
        return self._version

    def _has_changed(self) -> None:
        with self._lock:
            self._version += 1

    @property
    def complete(self) -> list[str]:
        """The embedders that have embedded all they can."""
        return [name for name, filler in self.fillers.items() if filler.filling.state == "ready"]

    def query(self, text: str | None, picture: str | None) -> Query:
        """What is asked with.

        Raises:
            DiptychError: It is neither a text nor a picture that is here.
        """
        if picture is not None:
            return self.pictures.query(picture)
        return text_query((text or "").strip())

    def called(self, query: Query) -> str:
        """What a query is called."""
        return query.text if isinstance(query, TextQuery) else query.name

    def compare(
        self, query: Query, rivals: Sequence[TextQuery], k: int, label: str | None
    ) -> Comparison | None:
        """What the embedders that have answered make of a query; None where none has.

        Nothing is embedded here: `askers` do that.
        """
        seen = self.ranks.seen(label)
        scored = [query, *(rival for rival in rivals if rival != query)]
        units = {
            name: [self.askers[name].vector(one) for one in scored]
            for name in self.embedders
            if name in seen.views
        }
        answers: list[dict[str, Answer]] = [{} for _ in scored]
        for name, of_name in units.items():
            known = [unit for unit in of_name if unit is not None]
            if len(known) == len(scored):
                for by_name, one, unit in zip(answers, scored, known, strict=True):
                    by_name[name] = self.ranks.answer(name, one, unit, k, seen)
        if not answers[0]:
            return None
        return self._comparison(describe(scored, answers, seen.pictures, rivals, k)[0], seen)

    def _comparison(self, result: QueryResult, seen: Seen) -> Comparison:
        return Comparison(
            version=version("diptych"),
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            source=self.collection.source,
            images=len(seen.pictures),
            skipped=self._without_refused(self.complete).skipped,
            embedders=tuple(embedder.info for embedder in self.embedders.values()),
            queries=(result,),
            work={},
            overall=Overall(banks=seen.banks),
            collection=self.collection,
        )

    def finished(self) -> Workbench:
        """A workbench of the embedders that have embedded all they can: asking it sends no picture.

        Raises:
            DiptychError: None has.
        """
        names = self.complete
        if not names:
            raise DiptychError("no embedder has embedded the collection yet: wait until one is ready")
        return Workbench(
            self._without_refused(names),
            [self.embedders[name] for name in names],
            store=self.bench.store,
            progress=Silent(),
            max_cost=0.0,
            bank=[text.text for text in self.bench.bank],
        )

    def _without_refused(self, names: Sequence[str]) -> Collection:
        refused = {item: why for name in names for item, why in self.fillers[name].filling.refused.items()}
        return self.collection.without(refused) if refused else self.collection

    def report(self, first: Asked, rivals: Sequence[TextQuery], k: int) -> Comparison:
        """A query and all others of the history, by the embedders that are ready and were asked them.

        Raises:
            DiptychError: No embedder is ready.
        """
        bench = self.finished()
        asked = dict.fromkeys([first, *(past for past, _ in self.history.entries())])
        queries = [self.query(one.text, one.picture) for one in asked if self._is_here(one)]
        known = [q for q in queries if all(self.askers[name].vector(q) is not None for name in self.complete)]
        if not known:
            raise DiptychError("nobody has answered this query yet: search first")
        against = [
            r for r in rivals if all(self.askers[name].vector(r) is not None for name in self.complete)
        ]
        return bench.compare(known, k, contrast=[rival.text for rival in against])

    def _is_here(self, asked: Asked) -> bool:
        """Whether a query can still be asked: a picture from outside is not kept for ever."""
        return asked.picture is None or self.pictures.name(asked.picture) is not None
