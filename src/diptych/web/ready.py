"""What the embedders that are ready make of everything asked here, and what judgments say of it.

Nothing here costs money: a query counts once every ready embedder has answered it, or answers it for nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from diptych.assessment import DEPTH, assess
from diptych.comparison import Workbench
from diptych.errors import DiptychError
from diptych.groundtruth import GroundTruth, standing_judgments
from diptych.images import Collection
from diptych.judging import pool
from diptych.progress import Silent
from diptych.queries import Query, TextQuery
from diptych.result import Comparison, Relevance
from diptych.view import Answers
from diptych.web.site import Site


@dataclass(frozen=True)
class _Bench:
    """A workbench of the embedders that were ready, and its last answers by what was asked."""

    names: tuple[str, ...]
    bench: Workbench
    answers: dict[tuple[str, ...], Answers]


class Ready:
    """The embedders of a site that have embedded all they can; safe to use from several threads."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._last: _Bench | None = None
        self._lock = threading.RLock()

    @property
    def names(self) -> list[str]:
        """Whose work is done."""
        return [name for name, filler in self._site.fillers.items() if filler.filling.state == "ready"]

    def texts(self) -> list[str]:
        """What can be judged and assessed: texts that were judged, then those asked here, in their order."""
        asked = [past.text for past, _ in reversed(self._site.history.entries()) if past.text is not None]
        texts = dict.fromkeys([*self.truth().queries, *asked])
        return [text for text in texts if self._is_free(TextQuery(text))]

    def truth(self, texts: Sequence[str] = ()) -> GroundTruth:
        """The judgments that stand, of some queries or of all."""
        return standing_judgments(self._site.collection, self._site.bench.store, texts)

    def pool(self, text: str, k: int) -> tuple[str, ...]:
        """Ids of the pictures to judge for a text, shuffled.

        Raises:
            DiptychError: No embedder is ready, or one that costs was not asked this yet.
        """
        with self._lock:
            return pool(self._bench().bench, [text], k)[text]

    def answers(self) -> Answers:
        """What they make of every text, remembered as long as there is no other."""
        with self._lock:
            last, texts = self._bench(), tuple(self.texts())
            if texts not in last.answers:
                last.answers.clear()
                last.answers[texts] = last.bench.answers([TextQuery(text) for text in texts])
            return last.answers[texts]

    def relevance(self, k: int = DEPTH) -> Relevance | None:
        """What judgments say of them; None where nothing is judged."""
        truth = self.truth()
        if not self.names or not truth.queries or not self.texts():
            return None
        answers = self.answers()
        return assess(answers, truth, k=k)

    def compare(self, queries: Sequence[Query], rivals: Sequence[TextQuery], k: int) -> Comparison:
        """A comparison of those queries that they have answered.

        Raises:
            DiptychError: They have answered none.
        """
        answered = [query for query in queries if self._is_free(query)]
        if not answered:
            raise DiptychError("nobody has answered this yet: search first")
        against = [rival.text for rival in rivals if self._is_free(rival)]
        with self._lock:
            return self._bench().bench.compare(answered, k, contrast=against)

    def evaluate(self) -> Comparison:
        """A comparison of every query that was judged.

        Raises:
            DiptychError: None was.
        """
        judged = [text for text in self.texts() if text in self.truth().queries]
        if not judged:
            raise DiptychError("nothing is judged yet: judge a few pictures first")
        with self._lock:
            return self._bench().bench.evaluate(judged)

    def _is_free(self, query: Query) -> bool:
        return all(self._site.askers[name].would_cost([query]) == 0 for name in self.names)

    def _bench(self) -> _Bench:
        names = tuple(self.names)
        if not names:
            raise DiptychError("no embedder has embedded the collection yet: wait until one is ready")
        if self._last is None or self._last.names != names:
            site = self._site
            bench = Workbench(
                self._collection(names),
                [site.embedders[name] for name in names],
                store=site.bench.store,
                progress=Silent(),
                max_cost=0.0,
                bank=[text.text for text in site.bench.bank],
            )
            self._last = _Bench(names, bench, {})
        return self._last

    def _collection(self, names: Sequence[str]) -> Collection:
        """The pictures without those that somebody refused: they are not sent again."""
        fillings = [self._site.fillers[name].filling for name in names]
        refused = {item: why for filling in fillings for item, why in filling.refused.items()}
        return self._site.collection.without(refused) if refused else self._site.collection
