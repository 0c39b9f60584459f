"""The whole job on one page: pictures in, every embedder's vectors filled in, all queries ranked by each.

bench = Workbench("photos/", ["clip-ViT-L-14", "vertex?project=my-project"])
result = bench.compare(["golden retriever", "wolf", "dog"], k=20)
result.report("report.html")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, TypeVar

from diptych.arguments import checked
from diptych.embedders import Embedder, EmbedderInfo
from diptych.embedders.base import PrecomputedImages, real_models
from diptych.embedders.budget import Budget
from diptych.embedders.registry import Embedders, load_all, specs_among
from diptych.embedders.self_check import is_free
from diptych.embedders.templates import checked as checked_templates
from diptych.embedders.templates import with_templates
from diptych.errors import DiptychError
from diptych.images import Collection, Limits, open_collection
from diptych.judgments.groundtruth import (
    GroundTruth,
    Labels,
    ground_truth,
    judged_among,
    standing_judgments,
)
from diptych.judgments.judgments import Judgments
from diptych.judgments.ledger import find_picture, record, recorded
from diptych.judgments.pool import Pool, pool
from diptych.pipeline import Filled, NamedVectors, embed_all, embed_queries, image_vectors, is_stored
from diptych.pipeline.estimate import Estimate, check_budget, estimate, price
from diptych.pipeline.self_test import warn_if_broken
from diptych.progress import Progress, Silent, watcher
from diptych.queries import Askable, Query, TextQuery, as_query, text_query, texts_among
from diptych.result import Comparison, Work
from diptych.result.assess import DEPTH
from diptych.result.describe import describe_comparison
from diptych.retrieval.index import Index, Snapshot
from diptych.retrieval.null_bank import open_bank
from diptych.retrieval.search import normalise
from diptych.retrieval.searcher import Answers
from diptych.retrieval.units import QueryUnits, accepted_by_all
from diptych.store.vectors import Store
from diptych.thresholds.filter import Cut, Filter
from diptych.thresholds.learn import LearnedThreshold, learn_threshold
from diptych.thresholds.passing import LearnedOnOthers, learned_on_others
from diptych.thresholds.saved import Scale

_T = TypeVar("_T")

Rivals: TypeAlias = Sequence[str] | Literal["each other"]
"""What text queries are set against: these texts, or each against the others asked."""


FirstHits: TypeAlias = Callable[[str, str, Sequence[str]], None]
"""Told what a hosted embedder finds first, while its null texts are still to be sent: its name, a text that
was asked, and the names of the first pictures."""

_FIRST_HITS = 3


def _several(given: Sequence[_T] | str) -> Sequence[_T] | list[str]:
    """What was given in a list, or one text by itself, which is not a list of its letters."""
    return [given] if isinstance(given, str) else given


class ServedPage(Protocol):
    """A page that is served in the background.

    Attributes:
        url: The link that opens it.
    """

    url: str

    def close(self) -> None:
        """Stop answering."""
        ...


def _nobody_serves(_bench: Workbench, _port: int, _max_cost: float, _planned: int) -> ServedPage:
    raise DiptychError("take the workbench from `diptych` to serve it: diptych.Workbench")


serve_page: Callable[[Workbench, int, float, int], ServedPage] = _nobody_serves
"""What serves a page: `diptych` puts it here, so that this room need not know the page's."""


@checked
def compare(
    source: str | Path | Sequence[str | Path],
    embedders: Embedders,
    queries: Sequence[Askable],
    k: int = 20,
    *,
    store: Store | Path | str | None = None,
) -> Comparison:
    """Compare embedders on a collection in one call; see `Workbench` for more options."""
    return Workbench(source, embedders, store=store).compare(queries, k)


class Workbench:
    """A collection of pictures and the embedders to compare on it.

    Args:
        source: A folder, a ZIP, a list of URLs, a manifest, or an open `Collection`.
        embedders: Specs such as `clip-ViT-L-14` or `vertex?project=P`, or embedders themselves; a mapping
            gives each a short name, `{"google": "vertex?project=P"}`. Without one it is called by as much of
            its spec as tells it from the others.
        store: Where vectors are kept; by default in the person's data directory.
        limits: Pictures larger than this are skipped; an open `Collection` has its own.
        progress: Where progress is reported; by default one line per task in a notebook, nowhere else.
            Embedders work side by side, each as a task of its own.
        max_cost: US dollars by list price that this workbench may spend in all. Each request counts that a
            service may want to be paid for, answered or not; what would cost more is refused beforehand.
        bank: Null-baseline texts, or a file with one per line: neutral ones, unrelated to the pictures. By
            default those that come with Diptych; an empty list for none.
        templates: Prompt templates for every text, the bank's too: "a photo of a {}". Several are averaged.
            An embedder whose spec has `template=` keeps its own.
        first_hits: Told what a hosted embedder finds first, before its null texts are sent.

    Raises:
        DiptychError: The source, the store, the bank or an embedder can't be used.
    """

    @checked
    def __init__(
        self,
        source: str | Path | Sequence[str | Path] | Collection,
        embedders: Embedders,
        *,
        store: Store | Path | str | None = None,
        limits: Limits = Limits(),
        progress: Progress | None = None,
        max_cost: float | None = None,
        bank: Sequence[str] | str | Path | None = None,
        templates: Sequence[str] = (),
        first_hits: FirstHits | None = None,
    ) -> None:
        self._first_hits = first_hits
        self.bank = open_bank(bank)
        put_into = checked_templates(_several(templates))
        self.embedders = [with_templates(e, put_into) for e in load_all(embedders)]
        by_spec = [e for e, is_spec in zip(self.embedders, specs_among(embedders), strict=True) if is_spec]
        self.to_try = [e for e in by_spec if is_free(e) and not isinstance(e, PrecomputedImages)]
        self._tried_out = False
        self.store = store if isinstance(store, Store) else Store(store)
        self.progress = watcher() if progress is None else progress
        self._budget = Budget(max_cost)
        self._funds = self._budget.reserve()
        self._limited = max_cost is not None
        self._filled: dict[str, Filled] = {}
        self.collection = (
            source
            if isinstance(source, Collection)
            else open_collection(source, limits=limits, progress=self.progress)
        )
        self.index = Index(self.collection, self.store, self.bank)

    @checked
    def estimate(self, queries: Sequence[Askable] = ()) -> list[Estimate]:
        """What embedding the collection and these queries would take, one estimate per embedder."""
        return self._estimates(self._parse(queries))

    def embed(self) -> dict[str, Filled]:
        """Fill the store with the collection's vectors; what is there is not embedded again.

        Returns:
            What was done, by the embedder's name.

        Raises:
            DiptychError: An embedder is unavailable or failed, or it would cost more than `max_cost`.
        """
        self.check_budget([])
        self.try_out()
        return self._fill()

    @checked
    def search(self, query: Askable, k: int = 20, *, contrast: Rivals = ()) -> Comparison:
        """Rank the collection for one query: a text, a picture's path or name, an array or a PIL image."""
        return self.compare([query], k, contrast=contrast)

    @checked
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
        judged = judged_among(self.collection, self.store, texts)
        sample = standing_judgments(self.collection, self.store)
        return self._compare(asked, k, contrast, judged, DEPTH, sample)

    @checked
    def evaluate(
        self,
        queries: Sequence[Askable] = (),
        k: int = DEPTH,
        *,
        judgments: Judgments | str | Path | None = None,
        labels: Labels | None = None,
        contrast: Rivals = (),
        planned: int = 0,
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
            planned: Where judgments are still being given: how many queries you plan to judge, so that
                looking again after each is allowed for; 0 for any number, which takes a stricter test.

        Returns:
            A comparison with its `relevance`.

        Raises:
            DiptychError: There are no judgments and no queries, a file can't be used, or as for `compare`.
        """
        asked = self._parse(queries)
        texts = [query.text for query in texts_among(asked)]
        truth = ground_truth(self.collection, self.store, texts, judgments, labels)
        truth = truth.with_plan(planned)
        asked = asked or [text_query(text) for text in truth.queries]
        if not asked:
            raise DiptychError(
                f"nothing is judged of {self.collection.source} and nothing is asked: judge with"
                " `diptych judge`, or give judgments or labels"
            )
        elsewhere = judgments is not None or labels is not None
        sample = truth if elsewhere else standing_judgments(self.collection, self.store)
        return self._compare(asked, k, contrast, truth, k, sample)

    def _compare(
        self,
        asked: Sequence[Query],
        k: int,
        contrast: Rivals,
        truth: GroundTruth | None,
        depth: int,
        sample: GroundTruth,
    ) -> Comparison:
        """Rank, describe, where there are judgments assess by them; thresholds are learned from `sample`."""
        rivals = [] if contrast == "each other" else [text_query(text) for text in _several(contrast)]
        extra = [rival for rival in rivals if rival not in asked]
        before = {e.info.name: self._budget.spent(e.info.name) for e in self.embedders}
        snapshot, answers, fresh = self._answer([*asked, *extra], k, tell=True)
        rivals = [rival for rival in rivals if rival in answers.queries]
        if not any(query in answers.queries for query in asked):
            raise DiptychError(answers.left_out)
        return describe_comparison(
            self.collection,
            [e.info for e in self.embedders],
            snapshot,
            answers,
            rivals=texts_among(answers.queries) if contrast == "each other" else rivals,
            extra=sum(rival in answers.queries for rival in extra),
            k=k,
            truth=truth,
            depth=depth,
            learned=self._learned(snapshot, sample),
            work={
                e.info.name: self._work(e.info, fresh[e.info.name], before[e.info.name])
                for e in self.embedders
            },
        )

    def _learned(self, snapshot: Snapshot, sample: GroundTruth) -> dict[str, LearnedOnOthers]:
        """What thresholds are learned from, by the embedder's name: judged texts that have a vector."""
        ids, found = [picture.id for picture in snapshot.pictures], {}
        for e in self.embedders:
            texts = [text for text in map(TextQuery, sample.queries) if is_stored(text, e, self.store)]
            units = normalise(embed_queries(texts, e, self.store)[0])
            of_text = {text.text: unit for text, unit in zip(texts, units, strict=True)}
            images = snapshot.searchers[e.info.name].units
            found[e.info.name] = learned_on_others(ids, images, of_text, sample.judgments)
        return found

    @checked
    def serve(self, port: int = 0, *, max_cost: float = 0.0, planned: int = 0) -> ServedPage:
        """Serve the local page from this process; what is returned shows it, in a notebook, or its link.

        A notebook of a Jupyter server on this machine shows the page in its cell, any other one the link; in
        Colab it leads through Colab's proxy.

        Args:
            port: The port on this machine; 0 takes a free one.
            max_cost: US dollars that embedders may spend without asking on the page.
            planned: How many queries you plan to judge there; 0 where you don't know yet.

        Raises:
            DiptychError: The port can't be used, or FastAPI and uvicorn are missing.
        """
        return serve_page(self, port, max_cost, planned)

    @checked
    def pool(self, queries: Sequence[str], k: int = 10, *, below: int = 5) -> dict[str, Pool]:
        """What to judge: what the real models have among their first k, with a few from below.

        Args:
            queries: Texts.
            k: How many of each embedder's hits to take.
            below: How many more, at random, from what none of them has among its first k.

        Returns:
            By the query's text its pool, in an order that does not tell who found what; the same each time.

        Raises:
            DiptychError: A query is blank, or an embedder or the store fails.
        """
        if below < 0:
            raise DiptychError(f"below is {below}: ask for none or more from below the first k")
        answers = self.answers([text_query(text) for text in dict.fromkeys(_several(queries))], k)
        ids = [picture.id for picture in answers.pictures]
        asked = real_models(embedder.info for embedder in self.embedders)
        return {
            query.name: pool(query.name, ids, [by_name[name].scores for name in asked], k, below=below)
            for query, by_name in zip(answers.queries, answers.by_name, strict=True)
        }

    @checked
    def judge(self, query: str, image: str, grade: int | None, *, by: str = "", blind: bool = False) -> None:
        """Keep a judgment; it is on disk when this returns.

        Args:
            query: The query's text.
            image: The picture's id or name.
            grade: 0 (irrelevant) to 3; None takes back this person's last judgment of this picture and query.
            by: Who judges.
            blind: Whether they did not see which embedder found the picture.

        Raises:
            DiptychError: There is no such picture, the grade is out of range, the query is blank, or the
                store can't be written to.
        """
        picture = find_picture(self.collection, image)
        record(self.store, text_query(query).text, picture.id, grade, by=by, blind=blind)

    @checked
    def judgments(self, queries: Sequence[str] | None = None) -> Judgments:
        """The judgments of the collection's pictures, by anybody; with `queries`, of these alone."""
        return recorded(self.store, None if queries is None else _several(queries)).among(
            {picture.id for picture in self.collection.pictures}
        )

    @checked
    def learn_threshold(
        self,
        queries: Sequence[str] = (),
        *,
        judgments: Judgments | str | Path | None = None,
        labels: Labels | None = None,
        scale: Scale = "raw",
        precision: float | None = None,
    ) -> LearnedThreshold:
        """Learn a threshold for the workbench's embedder, of which there must be one.

        Args:
            queries: Whose judgments to learn from; by default those of every query that has any.
            judgments: What is relevant, or a file of it; by default what is in the store.
            labels: "folder", "captions" or a file from queries to labels, instead.
            scale: "raw" for cosines, "z" for how far they stand above unrelated texts.
            precision: The lowest threshold with at least this precision; by default the one with the best F1.

        Raises:
            DiptychError: There are no judgments, several embedders, no null bank for z, or as for `compare`.
        """
        info = self._only_embedder().info
        queries = list(_several(queries))
        truth = ground_truth(self.collection, self.store, queries, judgments, labels)
        asked = list(dict.fromkeys(queries or truth.queries))
        judged = [text_query(text) for text in asked if text in truth.queries]
        answers = self.answers(judged) if judged else Answers((), (), ())
        source = self.collection.source
        return learn_threshold(
            info, answers, truth, self.bank, source=source, scale=scale, precision=precision
        )

    @checked
    def filter(self, queries: Sequence[str], cut: Cut | None = None) -> Filter:
        """Go through the pictures and find those that pass a threshold, by the workbench's one embedder.

        Args:
            queries: Texts; several make categories.
            cut: What a picture must reach; by default it must match more than unrelated texts do.

        Raises:
            DiptychError: There is no query, or a blank one, or several embedders, or it would cost too much.
        """
        asked = [text_query(text) for text in dict.fromkeys(_several(queries))]
        if not asked:
            raise DiptychError("nothing to filter by: give at least one query")
        embedder = self._only_embedder()
        self.check_budget(asked)
        return Filter(
            self.collection,
            embedder,
            self.store,
            asked,
            cut,
            answers=lambda: self._answer(asked, 1, all_of_them=True)[1],
            funds=self._funds,
            progress=self.progress,
        )

    def _only_embedder(self) -> Embedder:
        """The workbench's embedder: a threshold means something to one alone."""
        if len(self.embedders) > 1:
            raise DiptychError("a threshold holds for one embedder: name one, not several")
        return self.embedders[0]

    @checked
    def answers(self, queries: Sequence[Askable], k: int = 20) -> Answers:
        """What each embedder makes of each query: the scores of all pictures, and how these stand.

        A query that an embedder refuses is left out, with a warning; so it is in all that takes several.

        Raises:
            DiptychError: As `compare`.
        """
        return self._answer(self._parse(queries), k)[1]

    def _answer(
        self, asked: Sequence[Query], k: int, *, all_of_them: bool = False, tell: bool = False
    ) -> tuple[Snapshot, Answers, dict[str, list[Query]]]:
        """What was ranked, what each embedder makes of it, and by its name the queries embedded now."""
        if k < 1:
            raise DiptychError(f"k is {k}: ask for at least one hit")
        self.check_budget(asked)
        self.try_out()
        # Texts first: an embedder that can't be used says so before any long work begins.
        # Null texts last: hosted embedders take a call for each, and the first answer needs none of them.
        watched = {e.info.name: Silent() if is_free(e) else self.progress for e in self.embedders}
        units = {
            e.info.name: QueryUnits(e, self.store, self._funds, watched[e.info.name]) for e in self.embedders
        }
        for e in self.embedders:
            units[e.info.name].embed(texts_among(asked))
        self._fill_index()
        if tell:
            self._tell_first_hits(texts_among(asked), units)
        for e in self.embedders:
            units[e.info.name].fresh += self.index.embed_bank(e, self._funds, watched[e.info.name])
        snapshot = self._snapshot()
        for of_name in units.values():
            of_name.embed([query for query in asked if query.kind == "image"])
        fresh = {name: of_name.fresh for name, of_name in units.items()}
        accepted, left_out = accepted_by_all(asked, units.values(), all_of_them=all_of_them)
        known = {name: of_name.of(accepted) for name, of_name in units.items()}
        answers = self.index.answers(snapshot, accepted, known, k)
        return snapshot, replace(answers, left_out=left_out), fresh

    @checked
    def vectors(self, queries: Sequence[Askable] = ()) -> dict[str, NamedVectors]:
        """The vectors of the ranked pictures, of these text queries and of the bank, by the embedder's name.

        They are as the models returned them; what is missing is embedded first.

        Raises:
            DiptychError: As `compare`.
        """
        asked = self._parse(queries)
        self.check_budget([*asked, *self.bank])
        self.try_out()
        self._fill_index()
        for e in self.embedders:
            self.index.embed_bank(e, self._funds)
        pictures, texts = self._snapshot().pictures, texts_among(asked)
        found = {}
        for e in self.embedders:
            of_bank = self.index.bank(e.info.name).texts
            everything = [*texts, *(text for text in of_bank if text not in texts)]
            found[e.info.name] = NamedVectors(
                names=[picture.name for picture in pictures],
                ids=[picture.id for picture in pictures],
                vectors=image_vectors(pictures, e, self.store),
                texts=[text.text for text in everything],
                text_vectors=embed_queries(everything, e, self.store, funds=self._funds)[0],
            )
        return found

    def _work(self, info: EmbedderInfo, fresh: Sequence[Query], spent_before: Decimal) -> Work:
        filled, texts = self._filled[info.name], texts_among(fresh)
        images = len(fresh) - len(texts)
        of_bank = sum(text in self.bank for text in texts)
        return Work(
            images_embedded=filled.embedded,
            images_from_store=filled.from_store,
            queries_embedded=len(fresh) - of_bank,
            bank_embedded=of_bank,
            seconds=round(filled.seconds, 3),
            dollars=float(price(info, filled.embedded + images, [text.text for text in texts])),
            dollars_sent=float(self._budget.spent(info.name) - spent_before),
        )

    def _parse(self, queries: Sequence[Askable]) -> list[Query]:
        return [as_query(query, self.collection) for query in _several(queries)]

    def _estimates(self, queries: Sequence[Query]) -> list[Estimate]:
        bank = self.bank if queries else ()  # queries also need the bank embedded
        return [estimate(self.collection, queries, embedder, self.store, bank) for embedder in self.embedders]

    def check_budget(self, queries: Sequence[Query]) -> None:
        """Refuse what would cost more than `max_cost`, or nobody knows how much.

        Raises:
            DiptychError: It would.
        """
        if self._limited:
            check_budget([e.info for e in self.embedders], self._estimates(queries), self._budget.left)

    def try_out(self) -> None:
        """Warn of embedders that look broken; each is tried once, and the store remembers.

        Those that cost something, and those that were made by whoever made this workbench, are not tried.
        """
        to_try = [] if self._tried_out else self.to_try
        self._tried_out = True
        for embedder in to_try:
            warn_if_broken(embedder, self.store)

    def _fill(self) -> dict[str, Filled]:
        return embed_all(
            self.collection, self.embedders, self.store, funds=self._funds, progress=self.progress
        )

    def _fill_index(self) -> None:
        """Embed the pictures that are missing and take them in, once."""
        names = [e.info.name for e in self.embedders]
        if self._filled:
            ranked = len(self.index.snapshot(names).pictures)
            self._filled = {name: Filled(from_store=ranked) for name in names}
            return
        filled = self._fill()
        for e in self.embedders:
            self.index.refresh(e, filled[e.info.name].refused)
        if not self.index.snapshot(names).pictures:
            reason = self.index.skipped(names)[len(self.collection.skipped)].reason
            raise DiptychError(f"no picture of {self.collection.source} can be ranked: {reason}")
        self._filled = filled

    def _snapshot(self) -> Snapshot:
        """The pictures that every embedder has a vector for, with the null banks that are embedded."""
        return self.index.snapshot([e.info.name for e in self.embedders])

    def _tell_first_hits(self, texts: Sequence[TextQuery], units: Mapping[str, QueryUnits]) -> None:
        """Tell what hosted embedders find first, before their null texts are sent."""
        if self._first_hits is None:
            return
        for e in self.embedders:
            info, refused = e.info, units[e.info.name].refused
            text = next((text for text in texts if text.key not in refused), None)
            if text is None or is_free(e) or self.index.has_bank(info.name):
                continue
            if not all(is_stored(of_bank, e, self.store) for of_bank in self.bank):
                snapshot = self._snapshot()
                found = snapshot.searchers[info.name].first(units[info.name].of([text]), _FIRST_HITS)
                self._first_hits(info.name, text.text, [snapshot.pictures[row].name for row in found.rows])
