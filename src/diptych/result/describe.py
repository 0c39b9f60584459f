"""Turn answers into a `Comparison`: figures get the names of pictures and embedders, and their sentences."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Callable, Mapping, Sequence, Set
from functools import wraps
from importlib.metadata import version
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.agreement import rank_agreement, space_agreement
from diptych.analysis.contrast import contrast
from diptych.analysis.summary import summarise
from diptych.cores import on_all_cores
from diptych.embedders import EmbedderInfo
from diptych.images import Collection, Picture
from diptych.images.thumbnail import thumbnail_uri
from diptych.judgments.groundtruth import GroundTruth
from diptych.queries import Query, TextQuery
from diptych.result import (
    Agreement,
    Comparison,
    ContrastResult,
    Curve,
    Disputed,
    DisputedNeighbours,
    Hit,
    Hub,
    NullBank,
    Overall,
    QueryResult,
    Relevance,
    Spaces,
    Won,
    Work,
)
from diptych.result.assess import DEPTH, assess
from diptych.result.findings import query_findings
from diptych.result.over_queries import over_all
from diptych.retrieval.index import Snapshot
from diptych.retrieval.searcher import Answer, Answers, Searcher
from diptych.thresholds.passing import LearnedOnOthers, Passing

_Described = TypeVar("_Described")

_ALL_OF = 100
_THINNED_TO = 200
"""A curve has the first 100 scores, and of the rest 200 evenly spaced ones."""

_HUB = 1.0
_MOST_HUBS = 10
"""Hubs stand at least one deviation of the null above the median image for unrelated texts; ten are
listed."""


def describe(
    scored: Sequence[Query],
    answers: Sequence[Mapping[str, Answer]],
    pictures: Sequence[Picture],
    rivals: Sequence[TextQuery],
    k: int,
    learned: Mapping[str, LearnedOnOthers] | None = None,
    pending: Set[str] = frozenset(),
) -> list[QueryResult]:
    """Every query's rankings, with figures and sentences.

    Args:
        scored: The queries, and after them rivals that are not among them.
        answers: For each of these, what each embedder makes of it, by name.
        pictures: The ranked pictures, in the order of their names.
        rivals: Which of the texts among `scored` each of the others is set against.
        k: How many of the images that a query wins against its rivals to list.
        learned: What thresholds are learned from, by the embedder's name.
        pending: Embedders whose null texts are still to come: what their lists do is not said yet.
    """
    of_rivals = {rival.text: answers[scored.index(rival)] for rival in rivals}

    def describe_one(asked: tuple[Query, Mapping[str, Answer]]) -> QueryResult:
        query, by_name = asked
        result = _describe_query(query, by_name, pictures)
        if query.kind == "text":
            others = {text: of_rival for text, of_rival in of_rivals.items() if text != query.text}
            result = dataclasses.replace(
                result,
                contrast=_contrasts(by_name, others, pictures, k),
                stratification={
                    name: does for name, does in result.stratification.items() if name not in pending
                },
                passing=_passing(query, by_name, learned or {}),
            )
        flat = [name for name, answer in by_name.items() if answer.ranking.flat]
        return dataclasses.replace(result, findings=query_findings(result, len(pictures), flat))

    return on_all_cores(describe_one, list(zip(scored, answers, strict=True)), len(pictures))


def _describe_query(query: Query, answers: Mapping[str, Answer], pictures: Sequence[Picture]) -> QueryResult:
    image_id = query.id if query.kind == "image" else None
    orders = {name: answer.order.astype(np.intp) for name, answer in answers.items()}
    outside = image_id is not None and all(picture.id != image_id for picture in pictures)
    return QueryResult(
        query=query.name,
        kind=query.kind,
        rankings={name: _hits(answer, pictures, image_id) for name, answer in answers.items()},
        stratification={name: answer.standing.stratification for name, answer in answers.items()},
        curves={name: _curve(answer.scores, orders[name]) for name, answer in answers.items()},
        agreement=tuple(
            _agreement(a, b, answers, orders, pictures) for a, b in itertools.combinations(answers, 2)
        ),
        related=tuple(dict.fromkeys(text for answer in answers.values() for text in answer.related)),
        image_id=image_id,
        thumbnail=thumbnail_uri(query.image) if query.kind == "image" and outside else None,
    )


def _passing(
    query: TextQuery, answers: Mapping[str, Answer], learned: Mapping[str, LearnedOnOthers]
) -> dict[str, Passing]:
    """How many pictures pass the thresholds learned on other queries, where enough of these are judged."""
    found = {
        name: of_name.passing(query.text, answers[name].scores)
        for name, of_name in learned.items()
        if name in answers and not answers[name].ranking.flat
    }
    return {name: passing for name, passing in found.items() if passing is not None}


def describe_comparison(
    collection: Collection,
    infos: Sequence[EmbedderInfo],
    snapshot: Snapshot,
    answers: Answers,
    *,
    rivals: Sequence[TextQuery] = (),
    extra: int = 0,
    k: int,
    truth: GroundTruth | None = None,
    depth: int = DEPTH,
    learned: Mapping[str, LearnedOnOthers] | None = None,
    work: Mapping[str, Work],
) -> Comparison:
    """Build the comparison for several queries.

    Args:
        collection: The pictures.
        infos: The embedders.
        snapshot: What was ranked.
        answers: What each embedder makes of each query.
        rivals: Which of the texts among the queries the others are set against.
        extra: How many of the last queries are rivals alone.
        k: How many hits to keep of each ranking.
        truth: What is relevant, where anything is judged.
        depth: The depth of the metrics that have one.
        learned: What thresholds are learned from, by the embedder's name.
        work: What it took, by the embedder's name.
    """
    asked = len(answers.queries) - extra
    results = describe(answers.queries, answers.by_name, answers.pictures, rivals, k, learned)[:asked]
    floors = {info.name for info in infos if info.floor}
    relevance = None
    if truth is not None:
        of_asked = dataclasses.replace(
            answers, queries=answers.queries[:asked], by_name=answers.by_name[:asked]
        )
        relevance = assess(of_asked, truth, k=depth, floors=floors)
    decisive = relevance.decisive if relevance else ()
    names = list(snapshot.searchers)
    overall = dataclasses.replace(
        over_all(results, names, len(snapshot.pictures), decisive, floors),
        stratification={name: summarise([query.stratification[name] for query in results]) for name in names},
        banks=describe_banks(snapshot),
        spaces=describe_spaces(snapshot),
    )
    return assemble(
        collection, infos, answers, queries=tuple(results), work=work, overall=overall, relevance=relevance
    )


def assemble(
    collection: Collection,
    infos: Sequence[EmbedderInfo],
    answers: Answers,
    *,
    queries: tuple[QueryResult, ...],
    overall: Overall,
    work: Mapping[str, Work] | None = None,
    relevance: Relevance | None = None,
) -> Comparison:
    """A comparison of what was described: with its date, and what was ranked."""
    return Comparison(
        version=version("diptych"),
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        source=collection.source,
        images=len(answers.pictures),
        skipped=answers.skipped,
        embedders=tuple(infos),
        queries=queries,
        work=dict(work or {}),
        overall=overall,
        relevance=relevance,
        collection=collection,
    )


def _once(describe: Callable[[Snapshot], _Described]) -> Callable[[Snapshot], _Described]:
    """Describe each snapshot once, for as long as somebody holds it."""
    known: WeakKeyDictionary[Snapshot, _Described] = WeakKeyDictionary()

    def described(snapshot: Snapshot) -> _Described:
        found = known.get(snapshot)
        if found is None:
            found = known[snapshot] = describe(snapshot)
        return found

    return wraps(describe)(described)


@_once
def describe_banks(snapshot: Snapshot) -> dict[str, NullBank]:
    """What the null bank came to, by the embedder's name."""
    return {name: _describe_bank(one, snapshot.pictures) for name, one in snapshot.searchers.items()}


def _describe_bank(searcher: Searcher, pictures: Sequence[Picture]) -> NullBank:
    null = searcher.null
    if null is None:
        return NullBank(texts=0, why_none=searcher.why_no_bank)
    effects = null.hubness
    highest = np.argsort(-effects, kind="stable")[:_MOST_HUBS]
    return NullBank(
        texts=searcher.bank_texts,
        left_out=searcher.left_out,
        unit=null.unit,
        quantiles=tuple(round(float(z), 3) for z in null.quantiles),
        hubs=tuple(
            Hub(
                image=pictures[row].name,
                id=pictures[row].id,
                label=pictures[row].label,
                effect=float(effects[row]),
            )
            for row in highest
            if effects[row] >= _HUB
        ),
    )


@_once
def describe_spaces(snapshot: Snapshot) -> tuple[Spaces, ...]:
    """How far each two embedders hold the same pictures alike."""
    found, pictures = [], snapshot.pictures
    units = {name: searcher.units for name, searcher in snapshot.searchers.items()}
    for a, b in itertools.combinations(units, 2):
        figures, disputes = space_agreement(units[a], units[b])
        disputed = tuple(
            DisputedNeighbours(image=pictures[d.row].name, id=pictures[d.row].id, unshared=d.unshared)
            for d in disputes
        )
        found.append(Spaces(a=a, b=b, figures=figures, disputed=disputed))
    return tuple(found)


def _hits(answer: Answer, pictures: Sequence[Picture], image_id: str | None) -> tuple[Hit, ...]:
    z = answer.standing.z
    return tuple(
        Hit(
            rank=rank,
            image=pictures[row].name,
            id=pictures[row].id,
            label=pictures[row].label,
            score=float(str(score)),  # the shortest decimal that is this float32
            z=None if z is None else round(float(z[row]), 3),
            caption=pictures[row].caption,
            aliases=pictures[row].aliases,
            labels=pictures[row].labels[1:] and pictures[row].labels,
            itself=pictures[row].id == image_id,
        )
        for rank, (row, score) in enumerate(
            zip(answer.ranking.rows, answer.ranking.scores, strict=True), start=1
        )
    )


def _curve(scores: NDArray[np.float32], order: NDArray[np.intp]) -> Curve:
    n = len(scores)
    ranks = np.arange(1, min(n, _ALL_OF) + 1)
    if n > _ALL_OF:
        rest = np.linspace(_ALL_OF, n, min(n - _ALL_OF, _THINNED_TO) + 1).round().astype(int)[1:]
        ranks = np.concatenate([ranks, rest])
    return Curve(ranks=tuple(ranks.tolist()), scores=tuple(float(str(s)) for s in scores[order[ranks - 1]]))


def _agreement(
    a: str,
    b: str,
    answers: Mapping[str, Answer],
    orders: Mapping[str, NDArray[np.intp]],
    pictures: Sequence[Picture],
) -> Agreement:
    figures, disputes = rank_agreement(answers[a].scores, answers[b].scores, orders[a], orders[b])
    disputed = tuple(
        Disputed(image=pictures[d.row].name, id=pictures[d.row].id, rank_a=d.rank_a, rank_b=d.rank_b)
        for d in disputes
    )
    return Agreement(a=a, b=b, figures=figures, disputed=disputed)


def _contrasts(
    answers: Mapping[str, Answer],
    rivals: Mapping[str, Mapping[str, Answer]],
    pictures: Sequence[Picture],
    k: int,
) -> dict[str, ContrastResult]:
    """A query against its rivals, by the embedder's name; those left out that a text says nothing to."""
    found = {}
    for name, answer in answers.items():
        telling = {text: by_name[name] for text, by_name in rivals.items() if not by_name[name].ranking.flat}
        if telling and not answer.ranking.flat:
            found[name] = _contrast(answer, telling, pictures, k)
    return found


def _contrast(
    answer: Answer, rivals: Mapping[str, Answer], pictures: Sequence[Picture], k: int
) -> ContrastResult:
    """One embedder's query against its rivals, looked at where any of them matches."""
    several = [answer, *rivals.values()]
    standings = np.array([a.scores if a.standing.z is None else a.standing.z for a in several], np.float64)
    masks = [a.standing.matches for a in several if a.standing.matches is not None]
    among = np.any(masks, axis=0) if masks else np.ones(len(pictures), bool)
    order = answer.order.astype(np.intp)
    found = contrast(standings, 0, range(1, len(several)), order=order, among=among)
    own_rank = np.empty(len(pictures), int)
    own_rank[order] = np.arange(1, len(pictures) + 1)
    texts = list(rivals)
    won = [row for row in found.ranking if found.wins[row] and among[row]]
    return ContrastResult(
        rivals=tuple(texts),
        looked_at=int(among.sum()),
        wins=len(won),
        rivals_from=found.rivals_from,
        lost_before=found.lost_before,
        won_after=found.won_after,
        won=tuple(
            Won(
                image=pictures[row].name,
                id=pictures[row].id,
                label=pictures[row].label,
                rank=int(own_rank[row]),
                margin=float(found.margins[row]),
                rival=texts[found.best_rivals[row] - 1],
            )
            for row in won[:k]
        ),
    )
