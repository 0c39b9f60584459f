"""The whole job on one page: pictures in, every embedder's vectors filled in, all queries ranked by each.

bench = Workbench("photos/", ["clip-ViT-L-14", "vertex?project=my-project"])
result = bench.compare(["golden retriever", "wolf", "dog"], k=20)
result.report("report.html")
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from diptych.assessment import DEPTH, assess
from diptych.bank import open_bank
from diptych.description import describe, describe_all
from diptych.embedders import Embedder, EmbedderInfo, load
from diptych.embedders.base import PrecomputedImages
from diptych.embedders.self_check import is_free
from diptych.embedders.templates import checked, with_templates
from diptych.errors import DiptychError
from diptych.estimate import Estimate, estimate, price, refuse_dear
from diptych.first_use import warn_if_broken
from diptych.gathered import Gathered, NamedVectors, embed_bank
from diptych.groundtruth import GroundTruth, Labels, ground_truth, standing_judgments
from diptych.images import Collection, Limits, Picture, Skipped, open_collection
from diptych.pipeline import Filled, embed_images, embed_queries, image_vectors
from diptych.progress import Progress, Silent
from diptych.queries import Askable, Query, TextQuery, as_query, text_query, texts_among
from diptych.relevance.judgments import Judgments
from diptych.result import Comparison, Work
from diptych.search import normalise
from diptych.store import Store
from diptych.view import Answer, Answers, EmbeddedBank, View

if TYPE_CHECKING:
    from diptych.web.server import Page

Rivals: TypeAlias = Sequence[str] | Literal["each other"]
"""What text queries are set against: these texts, or each against the others asked."""


def compare(
    source: str | Path | Sequence[str | Path],
    embedders: str | Sequence[str | Embedder],
    queries: Sequence[Askable],
    k: int = 20,
    *,
    store: Store | Path | str | None = None,
) -> Comparison:
    """Compare embedders on a collection in one call; see `Workbench` for more say."""
    return Workbench(source, embedders, store=store).compare(queries, k)


class Workbench:
    """A collection of pictures and the embedders to compare on it.

    Args:
        source: A folder, a ZIP, a list of URLs, a manifest, or an open `Collection`.
        embedders: Specs such as `clip-ViT-L-14` or `vertex?project=P`, or embedders themselves.
        store: Where vectors are kept; by default in the person's data directory.
        limits: Pictures larger than this are skipped; an open `Collection` has its own.
        progress: Who watches; by default a line a task in a notebook, and nobody elsewhere.
        max_cost: US dollars; a run that would cost more is refused before it starts.
        bank: Texts to hold text queries against, or a file with one a line: neutral ones, unrelated to the
            pictures. By default those that come with Diptych; an empty list for none.
        templates: What every text is put into before it is embedded, the bank's too: "a photo of a {}".
            Several are averaged. An embedder whose spec has `template=` keeps its own.

    Raises:
        DiptychError: The source, the store, the bank or an embedder can't be used.
    """

    def __init__(
        self,
        source: str | Path | Sequence[str | Path] | Collection,
        embedders: str | Sequence[str | Embedder],
        *,
        store: Store | Path | str | None = None,
        limits: Limits = Limits(),
        progress: Progress | None = None,
        max_cost: float | None = None,
        bank: Sequence[str] | str | Path | None = None,
        templates: Sequence[str] = (),
    ) -> None:
        self.bank = open_bank(bank)
        put_into = checked([templates] if isinstance(templates, str) else templates)
        named = [embedders] if isinstance(embedders, str) else embedders
        loaded = (load(e) if isinstance(e, str) else e for e in named)
        self.embedders = [with_templates(e, put_into) for e in loaded]
        by_spec = [e for e, spec in zip(self.embedders, named, strict=True) if isinstance(spec, str)]
        self.to_try = [e for e in by_spec if is_free(e) and not isinstance(e, PrecomputedImages)]
        self._tried_out = False
        names = [embedder.info.name for embedder in self.embedders]
        if not names:
            raise DiptychError("no embedder is named: give at least one, such as palette")
        if len(set(names)) < len(names):
            raise DiptychError(f"an embedder is named twice: {', '.join(names)}")
        self.store = store if isinstance(store, Store) else Store(store)
        self.progress = _watched() if progress is None else progress
        self._max_cost = max_cost
        self._ranked: Gathered | None = None
        self._filled: dict[str, Filled] = {}
        self._banks: dict[str, EmbeddedBank | str] = {}
        self.collection = (
            source
            if isinstance(source, Collection)
            else open_collection(source, limits=limits, progress=self.progress)
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
        self.refuse_dear([])
        self.try_out()
        return self._fill()

    def search(self, query: Askable, k: int = 20, *, contrast: Rivals = ()) -> Comparison:
        """Rank the collection for one query: a text, a picture's path or name, an array or a PIL image."""
        return self.compare([query], k, contrast=contrast)

    def compare(self, queries: Sequence[Askable], k: int = 20, *, contrast: Rivals = ()) -> Comparison:
        """Rank the collection for each query by each embedder, and say what the rankings do.

        Args:
            queries: Texts and pictures: a picture's path or name in the collection, an array, a PIL image.
            k: How many hits to keep of each ranking.
            contrast: Texts to set every text query against, or "each other".

        Returns:
            The rankings, over the pictures that every embedder has a vector for.

        Raises:
            DiptychError: A query, an embedder or the store fails; what was embedded stays stored.
        """
        asked = self._parse(queries)
        if not asked:
            raise DiptychError("nothing to search for: give at least one query")
        texts = [query.text for query in texts_among(asked)]
        truth = standing_judgments(self.collection, self.store, texts) if texts else None
        judged = truth if truth is not None and set(texts) & set(truth.queries) else None
        return self._compare(asked, k, contrast, judged, DEPTH)

    def evaluate(
        self,
        queries: Sequence[Askable] = (),
        k: int = DEPTH,
        *,
        judgments: Judgments | str | Path | None = None,
        labels: Labels | None = None,
        contrast: Rivals = (),
    ) -> Comparison:
        """Compare by what is relevant: which embedder ranks better, how sure that is, where to cut.

        Args:
            queries: What to ask; by default everything that the judgments are about.
            k: The depth of nDCG@k and other metrics, and how many hits to keep of each ranking.
            judgments: What is relevant, or a file of it (TREC qrels, CSV, JSON Lines); by default what is in
                the store, and with the sample what it comes with.
            labels: "folder" to judge by the pictures' labels, "captions" by their captions, or a JSON file
                from queries to labels. Give this or `judgments`.
            contrast: As for `compare`.

        Returns:
            A comparison with its `relevance`.

        Raises:
            DiptychError: There are no judgments and no queries, a file can't be used, or as for `compare`.
        """
        asked = self._parse(queries)
        texts = [query.text for query in texts_among(asked)]
        truth = ground_truth(self.collection, self.store, texts, judgments, labels)
        asked = asked or [text_query(text) for text in truth.queries]
        if not asked:
            raise DiptychError(
                f"nothing is judged of {self.collection.source} and nothing is asked: judge with"
                " `diptych judge`, or give judgments or labels"
            )
        return self._compare(asked, k, contrast, truth, k)

    def _compare(
        self, asked: Sequence[Query], k: int, contrast: Rivals, truth: GroundTruth | None, depth: int
    ) -> Comparison:
        """Rank, describe, and where there are judgments assess by them."""
        if k < 1:
            raise DiptychError(f"k is {k}: ask for at least one hit")
        rivals = [] if contrast == "each other" else [text_query(text) for text in contrast]
        scored = [*asked, *(rival for rival in rivals if rival not in asked)]
        ranked, answers, fresh = self._answer(scored, k)
        against = texts_among(scored) if contrast == "each other" else rivals
        results = describe(scored, answers, ranked.pictures, against, k)[: len(asked)]
        relevance = None
        if truth is not None:
            of_asked = Answers(ranked.pictures, asked, answers[: len(asked)], ranked.why_no_bank)
            relevance = assess(of_asked, truth, k=depth)
        verdicts = relevance.verdicts if relevance else ()
        return Comparison(
            version=version("diptych"),
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            source=self.collection.source,
            images=len(ranked.pictures),
            skipped=ranked.skipped,
            embedders=tuple(e.info for e in self.embedders),
            queries=tuple(results),
            work={
                e.info.name: self._work(e.info, self._filled[e.info.name], fresh[e.info.name])
                for e in self.embedders
            },
            overall=describe_all(results, ranked.banks, ranked.spaces, len(ranked.pictures), verdicts),
            relevance=relevance,
            collection=self.collection,
        )

    def serve(self, port: int = 0, *, max_cost: float = 0.0) -> Page:
        """Serve the local page from this process and return its link; in Colab, through Colab's proxy.

        Args:
            port: The port on this machine; 0 takes a free one.
            max_cost: US dollars that embedders may spend without asking on the page.

        Raises:
            DiptychError: The port can't be used, or FastAPI and uvicorn are missing.
        """
        from diptych.web.server import colab_proxy, open_page

        page = open_page(self, port=port, max_cost=max_cost, proxy=colab_proxy())
        page.start()
        return page

    def answers(self, queries: Sequence[Askable], k: int = 20) -> Answers:
        """What each embedder makes of each query: the scores of all pictures, and how these stand.

        Raises:
            DiptychError: As `compare`.
        """
        asked = self._parse(queries)
        ranked, answers, _ = self._answer(asked, k)
        return Answers(ranked.pictures, asked, answers, ranked.why_no_bank, ranked.skipped)

    def _answer(
        self, asked: Sequence[Query], k: int
    ) -> tuple[Gathered, list[dict[str, Answer]], dict[str, list[Query]]]:
        """Each query's answers by the embedder's name; and by name the queries that were embedded now."""
        self.refuse_dear(asked)
        self.try_out()
        # Texts first: an embedder that can't be used says so before any long work begins.
        texts = texts_among(asked)
        fresh = {e.info.name: self._embed_texts(e, texts) for e in self.embedders}
        ranked = self._rank()
        answers: list[dict[str, Answer]] = [{} for _ in asked]
        for e in self.embedders:
            vectors, pictures = embed_queries(asked, e, self.store)
            fresh[e.info.name] += pictures
            found = ranked.views[e.info.name].answer(asked, normalise(vectors), k)
            for by_name, answer in zip(answers, found, strict=True):
                by_name[e.info.name] = answer
        return ranked, answers, fresh

    def vectors(self, queries: Sequence[Askable] = ()) -> dict[str, NamedVectors]:
        """The vectors of the ranked pictures, of these text queries and of the bank, by the embedder's name.

        They are as the models returned them; what is missing is embedded first.
        """
        pictures = self._rank().pictures
        texts = texts_among(self._parse(queries))
        return {e.info.name: self._named_vectors(e, pictures, texts) for e in self.embedders}

    def _named_vectors(
        self, embedder: Embedder, pictures: Sequence[Picture], texts: Sequence[TextQuery]
    ) -> NamedVectors:
        has_bank = isinstance(self._banks[embedder.info.name], EmbeddedBank)
        texts = [*texts, *(text for text in self.bank if has_bank and text not in texts)]
        return NamedVectors(
            names=[picture.name for picture in pictures],
            ids=[picture.id for picture in pictures],
            vectors=image_vectors(pictures, embedder, self.store),
            texts=[text.text for text in texts],
            text_vectors=embed_queries(texts, embedder, self.store)[0],
        )

    def _embed_texts(self, embedder: Embedder, texts: Sequence[TextQuery]) -> list[Query]:
        """Embed texts, and with the first ones the null bank; return those that were embedded now."""
        fresh = embed_queries(texts, embedder, self.store)[1]
        if embedder.info.name not in self._banks:
            self._banks[embedder.info.name], of_bank = embed_bank(self.bank, embedder, self.store)
            fresh += of_bank
        return fresh

    def _work(self, info: EmbedderInfo, filled: Filled, fresh: Sequence[Query]) -> Work:
        texts = texts_among(fresh)
        images = len(fresh) - len(texts)
        of_bank = sum(text in self.bank for text in texts)
        return Work(
            images_embedded=filled.embedded,
            images_from_store=filled.from_store,
            queries_embedded=len(fresh) - of_bank,
            bank_embedded=of_bank,
            seconds=round(filled.seconds, 3),
            dollars=price(info, filled.embedded + images, [text.text for text in texts]),
        )

    def _parse(self, queries: Sequence[Askable]) -> list[Query]:
        several = [queries] if isinstance(queries, str) else queries
        return [as_query(query, self.collection) for query in several]

    def _estimates(self, queries: Sequence[Query]) -> list[Estimate]:
        everything = [*queries, *self.bank] if queries else []  # whoever asks is held against the bank
        return [estimate(self.collection, everything, embedder, self.store) for embedder in self.embedders]

    def refuse_dear(self, queries: Sequence[Query]) -> None:
        """Refuse what would cost more than `max_cost`, or nobody knows how much.

        Raises:
            DiptychError: It would.
        """
        if self._max_cost is not None:
            refuse_dear([e.info for e in self.embedders], self._estimates(queries), self._max_cost)

    def try_out(self) -> None:
        """Warn of embedders that can't be right; each is tried once, and the store remembers.

        Those that cost something, and those that were made by whoever made this workbench, are not tried.
        """
        to_try = [] if self._tried_out else self.to_try
        self._tried_out = True
        for embedder in to_try:
            warn_if_broken(embedder, self.store)

    def _fill(self) -> dict[str, Filled]:
        return {
            e.info.name: embed_images(self.collection, e, self.store, progress=self.progress)
            for e in self.embedders
        }

    def _rank(self) -> Gathered:
        """Embed what is missing and gather the matrices, once for this workbench."""
        if self._ranked is not None:
            self._filled = {name: Filled(from_store=len(self._ranked.pictures)) for name in self._filled}
            return self._ranked
        self._filled = self._fill()
        refused = {item: why for f in reversed(self._filled.values()) for item, why in f.refused.items()}
        pictures = tuple(p for p in self.collection.pictures if p.id not in refused)
        if not pictures:
            raise DiptychError(
                f"no picture of {self.collection.source} can be ranked: {next(iter(refused.values()))}"
            )
        lost = (Skipped(p.name, refused[p.id]) for p in self.collection.pictures if p.id in refused)
        ids = [picture.id for picture in pictures]
        views = {}
        for e in self.embedders:
            self._embed_texts(e, [])
            vectors = image_vectors(pictures, e, self.store)
            units = normalise(vectors, out=vectors)
            views[e.info.name] = View(ids, units, self._banks[e.info.name])
        self._ranked = Gathered(pictures, views, (*self.collection.skipped, *lost))
        return self._ranked


def _watched() -> Progress:
    """Who watches where nobody was named."""
    if "ipykernel" not in sys.modules:
        return Silent()
    from diptych.present.progress import progress_in_notebook

    return progress_in_notebook()
