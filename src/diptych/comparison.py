"""The whole job on one page: pictures in, every embedder's vectors filled in, all queries ranked by each.

bench = Workbench("photos/", ["clip-ViT-L-14", "vertex?project=my-project"])
result = bench.compare(["golden retriever", "wolf", "dog"], k=20)
result.report("report.html")
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from diptych.embedders import Embedder, EmbedderInfo, load
from diptych.embedders.base import Vectors
from diptych.errors import DiptychError
from diptych.estimate import Estimate, estimate, price
from diptych.images import Collection, Limits, Picture, Skipped, open_collection
from diptych.images.thumbnail import thumbnail_uri
from diptych.pipeline import Filled, embed_images, embed_queries, image_vectors
from diptych.progress import Progress, Silent
from diptych.queries import Askable, ImageQuery, Query, TextQuery, as_query
from diptych.result import Comparison, Hit, QueryResult, Work
from diptych.search import Ranking, normalise, search
from diptych.store import Store


def compare(
    source: str | Path | Sequence[str | Path],
    embedders: str | Sequence[str | Embedder],
    queries: Sequence[Askable],
    k: int = 20,
) -> Comparison:
    """Compare embedders on a collection in one call; see `Workbench` for more say."""
    return Workbench(source, embedders).compare(queries, k)


class Workbench:
    """A collection of pictures and the embedders to compare on it.

    Args:
        source: A folder, a ZIP, a list of URLs, a manifest, or an open `Collection`.
        embedders: Specs such as `clip-ViT-L-14` or `vertex?project=P`, or embedders themselves.
        store: Where vectors are kept; by default in the person's data directory.
        limits: Pictures larger than this are skipped; an open `Collection` has its own.
        progress: Who watches.
        max_cost: US dollars; a run that would cost more is refused before it starts.

    Raises:
        DiptychError: The source, the store or an embedder can't be used.
    """

    def __init__(
        self,
        source: str | Path | Sequence[str | Path] | Collection,
        embedders: str | Sequence[str | Embedder],
        *,
        store: Store | Path | str | None = None,
        limits: Limits = Limits(),
        progress: Progress = Silent(),
        max_cost: float | None = None,
    ) -> None:
        named = [embedders] if isinstance(embedders, str) else embedders
        self.embedders = [load(e) if isinstance(e, str) else e for e in named]
        names = [embedder.info.name for embedder in self.embedders]
        if not names:
            raise DiptychError("no embedder is named: give at least one, such as palette")
        if len(set(names)) < len(names):
            raise DiptychError(f"an embedder is named twice: {', '.join(names)}")
        self.store = store if isinstance(store, Store) else Store(store)
        self._progress = progress
        self._max_cost = max_cost
        self._ranked: _Ranked | None = None
        self.collection = (
            source
            if isinstance(source, Collection)
            else open_collection(source, limits=limits, progress=progress)
        )

    def estimate(self, queries: Sequence[Askable] = ()) -> list[Estimate]:
        """What embedding the collection and these queries would take, one estimate an embedder."""
        return self._estimates(self._parse(queries))

    def embed(self) -> dict[str, Filled]:
        """Fill the store with the collection's vectors; what is there is not embedded again.

        Returns:
            What was done, by the embedder's name.

        Raises:
            DiptychError: An embedder is unavailable or failed, or it would cost more than `max_cost`.
        """
        self._refuse_dear([])
        return self._fill()

    def search(self, query: Askable, k: int = 20) -> Comparison:
        """Rank the collection for one query: a text, a picture's path or name, an array or a PIL image."""
        return self.compare([query], k)

    def compare(self, queries: Sequence[Askable], k: int = 20) -> Comparison:
        """Rank the collection for each query by each embedder.

        Args:
            queries: Texts and pictures: a picture's path or name in the collection, an array, a PIL image.
            k: How many hits to keep of each ranking.

        Returns:
            The rankings, over the pictures that every embedder has a vector for.

        Raises:
            DiptychError: A query, an embedder or the store fails; what was embedded stays stored.
        """
        if k < 1:
            raise DiptychError(f"k is {k}: ask for at least one hit")
        asked = self._parse(queries)
        if not asked:
            raise DiptychError("nothing to search for: give at least one query")
        self._refuse_dear(asked)
        # Texts first: an embedder that can't be used says so before any long work begins.
        texts = [query for query in asked if isinstance(query, TextQuery)]
        fresh = {e.info.name: embed_queries(texts, e, self.store)[1] for e in self.embedders}
        ranked = self._rank()
        rankings: dict[str, list[Ranking]] = {}
        for e in self.embedders:
            vectors, pictures = embed_queries(asked, e, self.store)
            fresh[e.info.name] += pictures
            rankings[e.info.name] = search(ranked.units[e.info.name], normalise(vectors), k)
        return Comparison(
            version=version("diptych"),
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            source=self.collection.source,
            images=len(ranked.pictures),
            skipped=ranked.skipped,
            embedders=tuple(e.info for e in self.embedders),
            queries=tuple(
                _result(query, {name: found[row] for name, found in rankings.items()}, ranked.pictures)
                for row, query in enumerate(asked)
            ),
            work={
                e.info.name: _work(e.info, ranked.filled[e.info.name], fresh[e.info.name])
                for e in self.embedders
            },
            collection=self.collection,
        )

    def vectors(self, queries: Sequence[Askable] = ()) -> dict[str, NamedVectors]:
        """The vectors of the ranked pictures and of these text queries, by the embedder's name.

        They are as the models returned them; what is missing is embedded first.
        """
        pictures = self._rank().pictures
        texts = [query for query in self._parse(queries) if isinstance(query, TextQuery)]
        return {
            e.info.name: NamedVectors(
                names=[picture.name for picture in pictures],
                ids=[picture.id for picture in pictures],
                vectors=image_vectors(pictures, e, self.store),
                texts=[query.text for query in texts],
                text_vectors=embed_queries(texts, e, self.store)[0],
            )
            for e in self.embedders
        }

    def _parse(self, queries: Sequence[Askable]) -> list[Query]:
        several = [queries] if isinstance(queries, str) else queries
        return [as_query(query, self.collection) for query in several]

    def _estimates(self, queries: Sequence[Query]) -> list[Estimate]:
        return [estimate(self.collection, queries, embedder, self.store) for embedder in self.embedders]

    def _refuse_dear(self, queries: Sequence[Query]) -> None:
        if self._max_cost is None:
            return
        # Embedders of one fingerprint share their vectors: what one embeds the other finds.
        by_fingerprint = {
            e.info.fingerprint: estimate.dollars
            for e, estimate in zip(self.embedders, self._estimates(queries), strict=True)
        }
        dollars = sum(by_fingerprint.values())
        if not dollars <= self._max_cost:
            raise DiptychError(
                f"this would cost about ${dollars:.4f}, more than the ${self._max_cost:.4f} allowed;"
                " nothing was sent (`diptych estimate` shows the parts)"
            )

    def _fill(self) -> dict[str, Filled]:
        return {
            e.info.name: embed_images(self.collection, e, self.store, progress=self._progress)
            for e in self.embedders
        }

    def _rank(self) -> _Ranked:
        """Embed what is missing and gather the matrices, once for this workbench."""
        if self._ranked is not None:
            return self._ranked.again()
        filled = self._fill()
        refused = {item: why for f in reversed(filled.values()) for item, why in f.refused.items()}
        pictures = tuple(p for p in self.collection.pictures if p.id not in refused)
        if not pictures:
            raise DiptychError(
                f"no picture of {self.collection.source} can be ranked: {next(iter(refused.values()))}"
            )
        lost = (Skipped(p.name, refused[p.id]) for p in self.collection.pictures if p.id in refused)
        self._ranked = _Ranked(
            pictures=pictures,
            units={e.info.name: normalise(image_vectors(pictures, e, self.store)) for e in self.embedders},
            skipped=(*self.collection.skipped, *lost),
            filled=filled,
        )
        return self._ranked


@dataclass(frozen=True, kw_only=True)
class NamedVectors:
    """One embedder's vectors with what they are of, row by row.

    Attributes:
        names: The pictures' names.
        ids: The pictures' ids.
        vectors: Shape (len(names), dimension), float32.
        texts: The query texts.
        text_vectors: Shape (len(texts), dimension), float32.
    """

    names: list[str]
    ids: list[str]
    vectors: Vectors
    texts: list[str]
    text_vectors: Vectors


@dataclass(frozen=True)
class _Ranked:
    """The pictures that every embedder has a vector for, by name, and each embedder's matrix of unit rows."""

    pictures: tuple[Picture, ...]
    units: dict[str, Vectors]
    skipped: tuple[Skipped, ...]
    filled: dict[str, Filled]

    def again(self) -> _Ranked:
        """The same, nothing embedded this time."""
        filled = {name: Filled(from_store=len(self.pictures)) for name in self.filled}
        return _Ranked(self.pictures, self.units, self.skipped, filled)


def _result(query: Query, rankings: dict[str, Ranking], pictures: Sequence[Picture]) -> QueryResult:
    image_id = query.id if isinstance(query, ImageQuery) else None
    hits = {name: _hits(ranking, pictures, image_id) for name, ranking in rankings.items()}
    findings = [
        f"{name} gives all {len(pictures)} pictures the same score: they stand in the order of their names."
        for name, ranking in rankings.items()
        if ranking.flat
    ]
    if isinstance(query, TextQuery):
        return QueryResult(query=query.text, kind="text", rankings=hits, findings=tuple(findings))
    inside = any(picture.id == query.id for picture in pictures)
    return QueryResult(
        query=query.name,
        kind="image",
        rankings=hits,
        findings=(*((_itself(hits),) if inside else ()), *findings),
        image_id=query.id,
        thumbnail=None if inside else thumbnail_uri(query.image),
    )


def _hits(ranking: Ranking, pictures: Sequence[Picture], image_id: str | None) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            rank=rank,
            image=pictures[row].name,
            id=pictures[row].id,
            label=pictures[row].label,
            score=float(str(score)),  # the shortest decimal that is this float32
            caption=pictures[row].caption,
            aliases=pictures[row].aliases,
            itself=pictures[row].id == image_id,
        )
        for rank, (row, score) in enumerate(zip(ranking.rows, ranking.scores, strict=True), start=1)
    )


def _itself(hits: dict[str, tuple[Hit, ...]]) -> str:
    inside = "The picture asked with is in the collection"
    if all(ranking[0].itself for ranking in hits.values()):
        return f"{inside}: each list begins with it."
    others = [
        name
        for name, ranking in hits.items()
        if not any(hit.itself and hit.score == ranking[0].score for hit in ranking)
    ]
    if not others:
        return f"{inside}: each list begins with it, or with one that scores the same."
    return f"{inside}, yet {' and '.join(others)} does not rank it first."


def _work(info: EmbedderInfo, filled: Filled, fresh: Sequence[Query]) -> Work:
    texts = [query.text for query in fresh if isinstance(query, TextQuery)]
    images = len(fresh) - len(texts)
    return Work(
        images_embedded=filled.embedded,
        images_from_store=filled.from_store,
        queries_embedded=len(fresh),
        seconds=round(filled.seconds, 3),
        dollars=price(info, filled.embedded + images, texts),
    )
