"""What one page knows: the collection, the embedders at work on it, and what was asked."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Sequence
from importlib.metadata import version

from diptych.comparison import Workbench
from diptych.description import describe
from diptych.errors import DiptychError
from diptych.images import Skipped
from diptych.paths import prices_path
from diptych.queries import Query, TextQuery, text_query
from diptych.result import Comparison, Overall, QueryResult
from diptych.view import Answer
from diptych.web.asking import Asker
from diptych.web.filling import Filler
from diptych.web.history import History
from diptych.web.pictures import Pictures
from diptych.web.purse import Purse
from diptych.web.ranks import Ranks, Seen


class Site:
    """One collection and its embedders, served.

    Args:
        bench: What is served.
        allowed: US dollars that may be spent without asking.

    Raises:
        DiptychError: The price of an embedder is not known.
    """

    def __init__(self, bench: Workbench, allowed: float = 0.0) -> None:
        _refuse_unpriced(bench)
        self.bench = bench
        self.collection = bench.collection
        self.embedders = {embedder.info.name: embedder for embedder in bench.embedders}
        self.purse = Purse(allowed)
        self.ranks = Ranks(self.collection, bench.store)
        self.pictures = Pictures(self.collection)
        self.askers = {name: Asker(e, bench.store, self.purse) for name, e in self.embedders.items()}
        self.fillers = {
            name: Filler(
                self.collection,
                e,
                bench.store,
                bench.bank,
                self.ranks,
                self.purse,
                self._has_changed,
                try_out=e in bench.to_try,
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

    def query(self, text: str | None, picture: str | None) -> Query:
        """What is asked with.

        Raises:
            DiptychError: It is neither a text nor a picture that is here.
        """
        if picture is not None:
            return self.pictures.query(picture)
        return text_query((text or "").strip())

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
            skipped=self._skipped(),
            embedders=tuple(embedder.info for embedder in self.embedders.values()),
            queries=(result,),
            work={},
            overall=Overall(banks=seen.banks),
            collection=self.collection,
        )

    def _skipped(self) -> tuple[Skipped, ...]:
        refused = {item: why for f in self.fillers.values() for item, why in f.filling.refused.items()}
        lost = (Skipped(p.name, refused[p.id]) for p in self.collection.pictures if p.id in refused)
        return (*self.collection.skipped, *lost)


def _refuse_unpriced(bench: Workbench) -> None:
    """Refuse embedders whose price nobody knows: what costs is asked for here, and this can't be."""
    unpriced = [embedder.info.name for embedder in bench.embedders if not embedder.info.price_known]
    if unpriced:
        raise DiptychError(
            f"what {' and '.join(unpriced)} costs is not known, so that the page could not ask before it"
            f" spends: write the prices into {prices_path()}"
        )
