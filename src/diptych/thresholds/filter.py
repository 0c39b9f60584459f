"""Pictures that pass a threshold, found one after another: memory does not grow with how many there are.

for passed in Workbench("photos/", ["clip-ViT-L-14"]).filter(["wolf", "dog"], Cut("raw", 0.25)):
    print(passed.query, passed.picture.name, passed.score)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diptych.embedders import Embedder
from diptych.embedders.budget import Funds
from diptych.errors import DiptychError
from diptych.images import Collection, Picture, Skipped
from diptych.pipeline import Filled, embed_queries, embedding, image_vectors
from diptych.pipeline.threads import batched
from diptych.progress import Progress, Silent
from diptych.queries import TextQuery
from diptych.retrieval.search import normalise, score_all
from diptych.retrieval.searcher import Answers
from diptych.store.vectors import Store
from diptych.text import printable
from diptych.thresholds.saved import Scale

_AT_ONCE = 512
"""Pictures whose vectors are in memory together."""


class Cut(NamedTuple):
    """Where to cut.

    Attributes:
        scale: Cosines ("raw"), or how far they stand above unrelated texts ("z").
        value: What a picture must reach.
    """

    scale: Scale
    value: float


class Passed(NamedTuple):
    """A picture that passes.

    Attributes:
        picture: Which.
        query: The query that it stands highest for, of those it passes.
        score: Its cosine similarity to that query.
        z: How far that stands above what unrelated texts get on it; None on the raw scale.
    """

    picture: Picture
    query: str
    score: float
    z: float | None


class Filter:
    """Goes through a collection's pictures, once, and finds those that pass; what is missing is embedded.

    On the raw scale a picture is judged as soon as it has a vector: first those in the store, then each batch
    as it is embedded. On z a picture's place among all counts, so the first is known when all are embedded.

    Args:
        collection: The pictures.
        embedder: The embedder.
        store: Where vectors are.
        queries: Texts, each once; several make categories.
        cut: What a picture must reach; by default it must match more than unrelated texts do, which about one
            in ten of those that pass does by chance.
        answers: Tells what the embedder makes of the queries, once all is embedded; asked for on z.
        funds: What may be spent; None for any sum.
        progress: Who watches.

    Attributes:
        skipped: Pictures that could not be read or embedded; complete at the end.
    """

    def __init__(
        self,
        collection: Collection,
        embedder: Embedder,
        store: Store,
        queries: Sequence[TextQuery],
        cut: Cut | None = None,
        *,
        answers: Callable[[], Answers],
        funds: Funds | None = None,
        progress: Progress = Silent(),
    ) -> None:
        self._collection, self._embedder, self._store = collection, embedder, store
        self._queries, self._cut = queries, cut
        self._answers, self._progress = answers, progress
        self._funds = funds
        self.skipped: Sequence[Skipped] = ()

    def __iter__(self) -> Iterator[Passed]:
        """Find them.

        Raises:
            DiptychError: An embedder or the store fails, or there is no z; what was embedded stays stored.
        """
        if self._cut is not None and self._cut.scale == "raw":
            return self._by_score(self._cut.value)
        return self._by_z(None if self._cut is None else self._cut.value)

    def _by_score(self, value: float) -> Iterator[Passed]:
        collection, embedder, store = self._collection, self._embedder, self._store
        units = normalise(embed_queries(self._queries, embedder, store, funds=self._funds)[0])
        filled = Filled()
        for found in embedding(
            collection, embedder, store, filled, funds=self._funds, progress=self._progress
        ):
            for pictures in batched(found, repeat(_AT_ONCE)):
                scores = score_all(normalise(image_vectors(pictures, embedder, store)), units)
                yield from self._passing(pictures, scores, None, scores >= value)
        self.skipped = collection.skipped_with(filled.refused)

    def _by_z(self, value: float | None) -> Iterator[Passed]:
        answers = self._answers()
        self.skipped = answers.skipped
        name = self._embedder.info.name
        if (why := answers.why_no_bank.get(name)) is not None:
            raise DiptychError(f"{printable(name)} has no z here, {why}: give a threshold on the raw scale")
        scores, z, passes = [], [], []
        for answer in (by_name[name] for by_name in answers.by_name):
            standing = answer.standing
            if standing.z is None or standing.matches is None:  # then there is no bank
                continue
            reached = standing.matches if value is None else standing.z >= value
            scores.append(answer.scores)
            z.append(standing.z)
            passes.append(reached & (not answer.ranking.flat))
        yield from self._passing(answers.pictures, np.array(scores), np.array(z), np.array(passes))

    def _passing(
        self,
        pictures: Sequence[Picture],
        scores: NDArray[np.float32],
        z: NDArray[np.float64] | None,
        passes: NDArray[np.bool_],
    ) -> Iterator[Passed]:
        """Each picture that passes a query, with the one it stands highest for; arrays are (queries, n)."""
        standing = np.where(passes, scores if z is None else z, -np.inf)
        best = standing.argmax(axis=0)
        for column in np.flatnonzero(passes.any(axis=0)).tolist():
            row = int(best[column])
            yield Passed(
                picture=pictures[column],
                query=self._queries[row].text,
                score=float(str(scores[row, column])),  # the shortest decimal that is this float32
                z=None if z is None else round(float(z[row, column]), 3),
            )
