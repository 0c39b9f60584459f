"""What one page knows: the collection, the embedders at work on it, what was asked, and what judgments say.

Everything is answered from the workbench's own index. A query is embedded by each embedder's `QueryQueue`;
what costs is asked for there and nowhere else. The views that judge and evaluate take the embedders that
are ready, and the queries that all of these have answered or answer for nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from cachetools import LRUCache

from diptych.embedders.base import Vectors, real_models
from diptych.embedders.budget import Budget
from diptych.errors import DiptychError
from diptych.judgments.groundtruth import GroundTruth, judged_among, standing_judgments
from diptych.judgments.pool import Pool, pool
from diptych.paths import prices_path
from diptych.pipeline import left_out_note
from diptych.pipeline.reading import PictureReader
from diptych.queries import Query, TextQuery, text_query, texts_among
from diptych.result import Comparison, Finding, Overall, QueryResult, Relevance, Work
from diptych.result.assess import DEPTH, KnownFigures, assess
from diptych.result.describe import assemble, describe, describe_banks, describe_comparison
from diptych.result.over_queries import over_all
from diptych.retrieval.index import Snapshot
from diptych.retrieval.null_bank import NOT_YET
from diptych.retrieval.searcher import Answers
from diptych.thresholds.passing import LearnedOnOthers, learned_on_others
from diptych.web.background import Background, Moment
from diptych.web.history import History
from diptych.web.indexing import Indexer
from diptych.web.pictures import Pictures
from diptych.web.query_queue import QueryQueue
from diptych.workbench import Workbench

_RESULTS = 500
"""How many queries' figures are remembered, for what holds over all of them."""


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What judgments say of the embedders that are ready, and what is seen without them.

    Attributes:
        ready: These embedders.
        asked: How many texts were asked or judged here, and taken by all.
        relevance: What judgments say; None where nothing is judged.
        findings: What holds over all texts; nothing for fewer than two.
        left_out: A sentence on texts that an embedder has no vector of; empty without any.
    """

    ready: list[str]
    asked: int
    relevance: Relevance | None = None
    findings: tuple[Finding, ...] = ()
    left_out: str = ""


class PageState:
    """One collection and its embedders, served; safe to use from several threads.

    Args:
        bench: What is served.
        allowed: US dollars that may be spent without asking.
        planned: How many queries will be judged; 0 where nobody knows yet.

    Raises:
        DiptychError: The price of an embedder is not known.
    """

    def __init__(self, bench: Workbench, allowed: float = 0.0, planned: int = 0) -> None:
        _refuse_unpriced(bench)
        self.bench = bench
        self._planned = planned
        self._floors = {e.info.name for e in bench.embedders if e.info.floor}
        self.collection = bench.collection
        self.embedders = {embedder.info.name: embedder for embedder in bench.embedders}
        self.budget = Budget(allowed)
        self.index = bench.index
        self.pictures = Pictures(self.collection)
        self.queues = {name: QueryQueue(e, bench.store, self.budget) for name, e in self.embedders.items()}
        reader = PictureReader(self.collection)
        self.indexers = {
            name: Indexer(bench, e, self.budget, self._has_changed, reader)
            for name, e in self.embedders.items()
        }
        self.history = History()
        self.labels = sorted({label for picture in self.collection.pictures for label in picture.labels})
        self.background = Background("what judgments say", self.moment)
        self.reports = Background("reports", self.moment, kept=2)
        self._truth: tuple[int, GroundTruth] | None = None
        self._truth_lock = threading.Lock()
        self._figures: LRUCache[Hashable, dict[str, KnownFigures]] = LRUCache(2)
        self._results: LRUCache[Hashable, QueryResult] = LRUCache(_RESULTS)
        self._version = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to embed what is missing."""
        for indexer in self.indexers.values():
            indexer.start()

    @property
    def version(self) -> int:
        """Grows whenever there is more to rank."""
        return self._version

    def _has_changed(self) -> None:
        with self._lock:
            self._version += 1

    @property
    def ready(self) -> list[str]:
        """The embedders that have embedded all they can."""
        return [name for name, indexer in self.indexers.items() if indexer.indexing.state == "ready"]

    def moment(self) -> Moment:
        """The state that what judgments say is made from; told at once."""
        asked = tuple(past.text for past in self.history.entries())
        changes = tuple(queue.changes for queue in self.queues.values())
        banks = tuple(name for name in self.embedders if self.index.has_bank(name))
        return Moment(self.bench.store.newest_judgment(), (tuple(self.ready), asked, changes, banks))

    def query(self, text: str | None, picture: str | None) -> Query:
        """The query that a person asks.

        Raises:
            DiptychError: It is neither a text nor a picture that is here.
        """
        if picture is not None:
            return self.pictures.query(picture)
        return text_query((text or "").strip())

    def snapshot(self, label: str | None = None) -> Snapshot:
        """The pictures that can be ranked by now, those with a label where one is given."""
        return self.index.snapshot([name for name in self.embedders if self.index.has(name)], label)

    def compare(
        self, query: Query, rivals: Sequence[TextQuery], k: int, label: str | None
    ) -> Comparison | None:
        """What the embedders that have answered make of a query; None where none has.

        Nothing is embedded here: `queues` do that.
        """
        snapshot = self.snapshot(label)
        scored = [query, *(rival for rival in rivals if rival != query)]
        units = {name: self._units(name, scored) for name in snapshot.searchers}
        answered = {name: of_name for name, of_name in units.items() if of_name is not None}
        if not answered:
            return None
        answers = self.index.answers(snapshot, scored, answered, k)
        learned = self._learned_lately(snapshot)
        pending = {name for name, why in snapshot.why_no_bank.items() if why == NOT_YET.why_none}
        first, *_ = describe(scored, answers.by_name, snapshot.pictures, rivals, k, learned, pending)
        if query.kind == "text":
            self.embed_banks(answered)
        return assemble(
            self.collection,
            [embedder.info for embedder in self.embedders.values()],
            answers,
            queries=(first,),
            overall=Overall(banks=describe_banks(snapshot)),
        )

    def embed_banks(self, names: Iterable[str]) -> None:
        """Have embedders that have answered a first text embed their null texts, where they have not yet."""
        for name in names:
            self.indexers[name].embed_bank()

    def _learned_lately(self, snapshot: Snapshot) -> dict[str, LearnedOnOthers]:
        """What thresholds are learned from, now or a few judgments ago; nothing where it is not known yet."""
        what = ("learned", tuple(snapshot.searchers), snapshot.key)
        lately = self.background.lately(what, lambda: self._learned(snapshot))
        return {} if lately is None else lately.get()

    def _learned(self, snapshot: Snapshot) -> dict[str, LearnedOnOthers]:
        """What thresholds are learned from: the judged texts that each embedder has answered already."""
        truth = self.truth()
        ids = [picture.id for picture in snapshot.pictures]
        return {
            name: learned_on_others(
                ids,
                searcher.units,
                {
                    text: unit[0]
                    for text in truth.queries
                    if (unit := self.queues[name].vector(TextQuery(text))) is not None
                },
                truth.judgments,
            )
            for name, searcher in snapshot.searchers.items()
        }

    def _units(self, name: str, queries: Sequence[Query]) -> Vectors | None:
        """One embedder's unit vectors of queries; None where it has not answered all of them."""
        known = [unit for query in queries if (unit := self.queues[name].vector(query)) is not None]
        if len(known) < len(queries):
            return None
        none = np.empty((0, self.embedders[name].info.dimension), np.float32)
        return np.concatenate([none, *known])

    def texts(self) -> list[str]:
        """What can be judged and assessed: texts that were judged, then those asked here, in their order."""
        asked = [past.text for past in reversed(self.history.entries()) if past.text is not None]
        texts = dict.fromkeys([*self.truth().queries, *asked])
        return [text for text in texts if self._is_free(TextQuery(text))]

    def truth(self, texts: Sequence[str] = ()) -> GroundTruth:
        """The judgments that stand, of some queries or of all."""
        if texts:
            return standing_judgments(self.collection, self.bench.store, texts).with_plan(self._planned)
        asked = self.bench.store.newest_judgment()
        with self._truth_lock:  # who waited here takes what was read meanwhile
            if self._truth is None or self._truth[0] < asked:
                newest = self.bench.store.newest_judgment()
                standing = standing_judgments(self.collection, self.bench.store)
                self._truth = newest, standing.with_plan(self._planned)
            return self._truth[1]

    def pool(self, text: str, k: int) -> Pool:
        """The pictures to judge for a text.

        Raises:
            DiptychError: No embedder is ready, or one that costs was not asked this yet.
        """
        _, answers = self.ready_answers([text_query(text)], k)
        ids = [picture.id for picture in answers.pictures]
        (by_name,) = answers.by_name
        asked = real_models(self.embedders[name].info for name in by_name)
        return pool(text, ids, [by_name[name].scores for name in asked], k)

    def ready_answers(self, queries: Sequence[Query], k: int = DEPTH) -> tuple[Snapshot, Answers]:
        """What was ranked, and what each ready embedder makes of queries that cost nothing more.

        Those that an embedder refuses are left out, which the answers say.

        Raises:
            DiptychError: No embedder is ready, or it failed, or refuses all, or would cost something.
        """
        names = self.ready
        if not names:
            raise DiptychError("no embedder has embedded the collection yet: wait until one is ready")
        refused = self._refused(queries, names)
        accepted = [query for query in queries if query.key not in refused]
        if queries and not accepted:
            raise next(iter(refused.values()))
        if texts_among(accepted):
            self.embed_banks(names)
        snapshot = self.index.snapshot(names)
        units = {name: of_name for name in names if (of_name := self._units(name, accepted)) is not None}
        answers = self.index.answers(snapshot, accepted, units, k)
        return snapshot, replace(answers, left_out=left_out_note(refused.values()))

    def _refused(self, queries: Sequence[Query], names: Sequence[str]) -> dict[tuple[str, str], DiptychError]:
        """Why one of these embedders has no vector of a query, by the query's key, once it has the others."""
        refused: dict[tuple[str, str], DiptychError] = {}
        for name in names:
            refused |= self.queues[name].embed_accepted(queries)
        return refused

    def judged_answers(self) -> Answers:
        """What the ready embedders make of every text that was judged."""
        return self.ready_answers([TextQuery(text) for text in self._judged_texts()])[1]

    def _judged_texts(self) -> list[str]:
        judged = set(self.truth().queries)
        return [text for text in self.texts() if text in judged]

    def said(self) -> Evaluated:
        """What judgments say of the ready embedders, and what is seen without them; takes long."""
        ready = self.ready
        texts = [TextQuery(text) for text in self.texts()] if ready else []
        truth = self.truth()
        if not truth.queries and len(texts) < 2:
            return Evaluated(ready=ready, asked=len(texts))
        refused = self._refused(texts, ready)
        if len(refused) == len(texts):
            return Evaluated(ready=ready, asked=0, left_out=left_out_note(refused.values()))
        snapshot, answers = self.ready_answers(texts)
        relevance = None
        if truth.queries:
            known = self._figures.setdefault((tuple(ready), snapshot.key), {})
            relevance = assess(answers, truth, floors=self._floors, known=known)
        return Evaluated(
            ready=ready,
            asked=len(answers.queries),
            relevance=relevance,
            findings=self._findings(snapshot, answers) if len(answers.queries) > 1 else (),
            left_out=answers.left_out,
        )

    def _findings(self, snapshot: Snapshot, answers: Answers) -> tuple[Finding, ...]:
        """What holds over all texts asked and judged here, without judgments."""
        names, images = list(snapshot.searchers), len(snapshot.pictures)
        described = []
        for query, by_name in zip(answers.queries, answers.by_name, strict=True):
            key = (query.key, snapshot.key, tuple(names))
            if key not in self._results:
                (self._results[key],) = describe([query], [by_name], snapshot.pictures, (), DEPTH)
            described.append(self._results[key])
        found = over_all(described, names, images, floors=self._floors).findings
        return tuple(finding for finding in found if finding.question != "better")

    def report(self, queries: Sequence[Query], rivals: Sequence[TextQuery], k: int) -> Comparison:
        """A comparison of those queries that the ready embedders have answered; takes long.

        Raises:
            DiptychError: They have answered none.
        """
        answered = [query for query in queries if self._is_free(query)]
        if not answered:
            raise DiptychError("no embedder has answered this yet: search first")
        against = [rival for rival in rivals if self._is_free(rival)]
        texts = [query.text for query in texts_among(answered)]
        judged = judged_among(self.collection, self.bench.store, texts)
        if judged is not None:
            judged = judged.with_plan(self._planned)
        return self._comparison_of(answered, against, k, judged)

    def evaluation(self) -> Comparison:
        """A comparison of every query that was judged; takes long.

        Raises:
            DiptychError: None was.
        """
        judged = self._judged_texts()
        if not judged:
            raise DiptychError("nothing is judged yet: judge a few pictures first")
        return self._comparison_of([TextQuery(text) for text in judged], [], DEPTH, self.truth(judged))

    def _comparison_of(
        self, asked: Sequence[Query], rivals: Sequence[TextQuery], k: int, truth: GroundTruth | None
    ) -> Comparison:
        extra = [rival for rival in rivals if rival not in asked]
        snapshot, answers = self.ready_answers([*asked, *extra], k)
        if not any(query in answers.queries for query in asked):
            raise DiptychError(answers.left_out)
        here = Work(
            images_embedded=0,
            images_from_store=len(snapshot.pictures),
            queries_embedded=0,
            seconds=0.0,
            dollars=0.0,
        )
        return describe_comparison(
            self.collection,
            [self.embedders[name].info for name in snapshot.searchers],
            snapshot,
            answers,
            rivals=[rival for rival in rivals if rival in answers.queries],
            extra=sum(rival in answers.queries for rival in extra),
            k=k,
            truth=truth,
            learned=self._learned(snapshot),
            work=dict.fromkeys(snapshot.searchers, here),
        )

    def _is_free(self, query: Query) -> bool:
        return all(self.queues[name].would_cost([query]) == 0 for name in self.ready)


def _refuse_unpriced(bench: Workbench) -> None:
    """Refuse embedders whose price nobody knows: what costs is asked for here, and this can't be."""
    unpriced = [embedder.info.name for embedder in bench.embedders if not embedder.info.price_known]
    if unpriced:
        raise DiptychError(
            f"what {' and '.join(unpriced)} costs is not known, so that the page could not ask before it"
            f" spends: write the prices into {prices_path()}"
        )
