"""From answers and judgments to what is shown of them: who is better, how sure that is, where to cut.

Equal scores say nothing of order, and names often tell the class: here they stand in the order of the images'
ids, which is as good as chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress, zip_longest
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from diptych.evaluation.abstention import Abstention, abstention
from diptych.evaluation.complementarity import complementarity
from diptych.evaluation.coverage import Coverage, coverage_notes, enough
from diptych.evaluation.drawn import Judged, Lists, estimated_metric, estimates, followed
from diptych.evaluation.fusion import Fused, reciprocal_rank_fusion, z_score_sum
from diptych.evaluation.metrics.figures import DECIDES, Figures, figures, means, metric_names
from diptych.evaluation.metrics.ranked import UNJUDGED, Ranked
from diptych.evaluation.sentences import verdict_clauses
from diptych.evaluation.significance import ALPHA, PairedComparison, compare_embedders
from diptych.judgments.groundtruth import GroundTruth
from diptych.judgments.judgments import Judgments
from diptych.queries import texts_among
from diptych.result import OnScale, QueryRelevance, Relevance, Thresholds
from diptych.result.relevance import decisive
from diptych.retrieval.searcher import Answers
from diptych.thresholds.best import best_threshold
from diptych.thresholds.judged_scores import JudgedScores, judged_scores
from diptych.thresholds.saved import Scale
from diptych.thresholds.transfer import threshold_transfer

Floats = NDArray[np.float64]

DEPTH = 10
"""The depth of the metrics that have one, where nobody asks for another."""

KnownFigures: TypeAlias = tuple[bytes, dict[str, Figures]]
"""A query's grades, hashed, and every ranking's figures by them."""

FUSIONS = {"RRF": reciprocal_rank_fusion, "z-score sum": z_score_sum}
"""Ways to make one ranking of several, by name."""

_NOT_COMPARED = ("judged",)
"""It says how far the judgments reach, not how good a ranking is."""


def assess(
    answers: Answers,
    truth: GroundTruth,
    *,
    k: int = DEPTH,
    floors: Collection[str] = (),
    known: MutableMapping[str, KnownFigures] | None = None,
) -> Relevance:
    """Say what judgments say of several embedders' answers.

    Args:
        answers: What each embedder makes of each query, of which there is at least one.
        truth: The judgments; those about other queries and pictures are ignored.
        k: The depth of the metrics that have one.
        floors: Which of the embedders are floors, which any real model should beat.
        known: What came of each query before, for the same pictures, embedders and k, by the query's name:
            only where its judgments changed is it computed anew, and put in here.
    """
    asked = [query.text for query in texts_among(answers.queries)]
    judged = truth.judgments.about(asked).among([picture.id for picture in answers.pictures])
    cases = _cases(answers, judged)
    names = list(answers.by_name[0])
    fusions = tuple(FUSIONS) if len(names) > 1 else ()
    found = [_figures(case, (*names, *fusions), k, known) for case in cases]
    pooled = [name for name in names if name not in floors] or names
    drawn = _drawn(cases, pooled, k) if truth.planned is not None else []
    reach = [_coverage(case, pooled, k, truth, of_query) for case, of_query in zip_longest(cases, drawn)]
    counting = [each.counts for each in reach]
    telling = list(compress(found, counting))
    averages = {name: means([of_query[name] for of_query in telling or found]) for name in (*names, *fusions)}
    comparisons = _compare(names, telling, k, reach, floors, truth.planned)
    partly = [each for each, of in zip(drawn, reach, strict=False) if each.counts and of.judged]
    comparisons += _by_estimate(pooled, partly, k, truth.planned)
    queries = tuple(
        _describe(case, of_query, each) for case, of_query, each in zip(cases, found, reach, strict=True)
    )
    return Relevance(
        origin=truth.origin,
        k=k,
        fusions=fusions,
        queries=queries,
        means=averages,
        comparisons=comparisons,
        verdicts=_verdicts(comparisons, k),
        complementarity=complementarity(
            [case.relevant for case in cases],
            {name: [case.first(name, k) for case in cases] for name in names},
        ),
        thresholds={
            name: _thresholds(judged_scores(answers, name, judged), answers.why_no_bank.get(name))
            for name in names
        },
        abstention={
            name: _abstention(name, cases, list(compress(zip(cases, found, strict=True), counting)))
            for name in names
        },
        contradictions=judged.contradictions({picture.id: picture.name for picture in answers.pictures}),
        notes=(*truth.notes, *filter(None, [answers.left_out]), *coverage_notes(reach, averages, names, k)),
        options=truth.options,
        judgments=judged,
    )


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One query with its judgments; images are in the order of their ids.

    Attributes:
        query: Its text, or the name of the picture.
        ids: The images' ids; shape (n,).
        grades: What was judged, `UNJUDGED` elsewhere; shape (n,).
        scores: Of every image, by the embedder's name; each of shape (n,).
        hits: The ids of the images that are shown.
    """

    query: str
    ids: NDArray[np.str_]
    grades: NDArray[np.int8]
    scores: dict[str, Floats]
    hits: frozenset[str]
    _orders: dict[str, Fused] = field(default_factory=dict)

    @property
    def judged(self) -> NDArray[np.bool_]:
        return np.asarray(self.grades != UNJUDGED)

    @property
    def relevant(self) -> frozenset[str]:
        return frozenset(self.ids[self.grades > 0].tolist())

    def first(self, name: str, k: int) -> list[str]:
        """The ids of the first k of one ranking."""
        chosen: list[str] = self.ids[self.first_rows(name, k)].tolist()
        return chosen

    def first_rows(self, name: str, k: int) -> NDArray[np.intp]:
        """The same as row numbers."""
        return self._order(name).rows[:k]

    def ranked(self, name: str) -> Ranked:
        """A ranking, an embedder's or a fused one, seen through the judgments."""
        order = self._order(name)
        return Ranked(
            grades=self.grades[order.rows],
            scores=order.scores,
            ideal=-np.sort(-self.grades[self.judged]),
        )

    def _order(self, name: str) -> Fused:
        if name not in self._orders:
            self._orders[name] = self._fuse(name) if name in FUSIONS else _sorted(self.scores[name])
        return self._orders[name]

    def _fuse(self, name: str) -> Fused:
        """Whoever scores all images alike says nothing, and adds nothing."""
        telling = [scores for scores in self.scores.values() if np.ptp(scores) > 0]
        return FUSIONS[name](np.array(telling or list(self.scores.values())))


def _figures(
    case: _Case, names: Sequence[str], k: int, known: MutableMapping[str, KnownFigures] | None
) -> dict[str, Figures]:
    """Every ranking's figures for one query, by the ranking's name."""
    grades = hashlib.sha256(case.grades.tobytes()).digest()
    before = None if known is None else known.get(case.query)
    if before is not None and before[0] == grades:
        return before[1]
    found = {name: figures(case.ranked(name), k) for name in names}
    if known is not None:
        known[case.query] = grades, found
    return found


def _sorted(scores: Floats) -> Fused:
    rows = np.argsort(-scores, kind="stable")
    return Fused(rows=rows, scores=scores[rows])


def _cases(answers: Answers, judgments: Judgments) -> list[_Case]:
    ids = np.array([picture.id for picture in answers.pictures])
    by_id = np.argsort(ids)
    cases = []
    for query, by_name in zip(answers.queries, answers.by_name, strict=True):
        said = judgments.grades(query.text) if query.kind == "text" else {}
        cases.append(
            _Case(
                query=query.name,
                ids=ids[by_id],
                grades=np.array([said.get(image, UNJUDGED) for image in ids[by_id].tolist()], np.int8),
                scores={name: answer.scores[by_id].astype(np.float64) for name, answer in by_name.items()},
                hits=frozenset(ids[row] for answer in by_name.values() for row in answer.ranking.rows),
            )
        )
    return cases


def _describe(case: _Case, of_query: dict[str, Figures], reach: Coverage) -> QueryRelevance:
    judged = dict(zip(case.ids[case.judged].tolist(), case.grades[case.judged].tolist(), strict=True))
    return QueryRelevance(
        query=case.query,
        relevant=int((case.grades > 0).sum()),
        irrelevant=int((case.grades == 0).sum()),
        unjudged=int((~case.judged).sum()),
        unjudged_first=reach.unjudged_first,
        figures=of_query,
        grades={image: grade for image, grade in judged.items() if image in case.hits},
    )


def _drawn(cases: Sequence[_Case], names: Sequence[str], k: int) -> list[Judged]:
    """The queries as far as they are judged; none where no estimate is needed, or none can be made."""
    best = 3 if any((case.grades > 1).any() for case in cases) else 1
    found = [_judged(case, names, k, best) for case in cases]
    partly = (each.counts and _lacks(case, names, k) for case, each in zip(cases, found, strict=True))
    return found if len(names) > 1 and followed(found) and any(partly) else []


def _lacks(case: _Case, names: Sequence[str], k: int) -> bool:
    """Whether any of the embedders' first k is not judged."""
    return any((case.grades[case.first_rows(name, k)] == UNJUDGED).any() for name in names)


def _judged(case: _Case, names: Sequence[str], k: int, best: int) -> Judged:
    rows = {name: case.first_rows(name, k) for name in names}
    union = np.unique(np.concatenate(list(rows.values())))
    ranks = np.full((len(names), len(union)), k)
    for row, of_name in zip(ranks, rows.values(), strict=True):
        row[np.searchsorted(union, of_name)] = np.arange(len(of_name))
    lists = Lists.of(case.query, case.ids[union].tolist(), ranks, k)
    grades = case.grades[union][lists.order]
    return Judged(lists, np.where(grades == UNJUDGED, np.nan, grades / best))


def _by_estimate(
    names: Sequence[str], queries: Sequence[Judged], k: int, planned: int | None
) -> tuple[PairedComparison, ...]:
    """Each two embedders by what their DCG is estimated to be.

    Half of the error rate is for verdicts by an estimate, as one by all judgments may follow.
    """
    if not queries:
        return ()
    values = dict(zip(names, estimates(queries).T.tolist(), strict=True))
    return compare_embedders(estimated_metric(k), values, planned=planned, alpha=ALPHA / 2)


def _coverage(
    case: _Case, names: Sequence[str], k: int, truth: GroundTruth, drawn: Judged | None
) -> Coverage:
    """How far the judgments of one query reach."""
    judged = set(case.ids[case.judged].tolist())
    first = {image for name in names for image in case.first(name, k)}
    return Coverage(
        query=case.query,
        relevant=len(case.relevant),
        judged=len(judged),
        unjudged_first=len(first - judged),
        pool=len(first),
        counts=not truth.by_pool or enough(len(first & judged), len(first)),
        telling=0 if drawn is None else len(drawn.gains),
        told=int((~np.isnan(drawn.gains)).sum()) if drawn is not None and drawn.counts else None,
    )


def _compare(
    names: Sequence[str],
    found: Sequence[Mapping[str, Figures]],
    k: int,
    reach: Sequence[Coverage],
    floors: Collection[str],
    planned: int | None,
) -> tuple[PairedComparison, ...]:
    """Each two embedders by each metric, over the queries that count."""
    comparisons = tuple(
        comparison
        for metric, called in metric_names(k).items()
        if metric not in _NOT_COMPARED
        for comparison in compare_embedders(
            called,
            {name: [getattr(of_query[name], metric) for of_query in found] for name in names},
            floors=floors,
            planned=planned,
        )
    )
    if found or not any(each.judged for each in reach):
        return comparisons
    why = f"for no query are at least half of the embedders' first {k} judged"
    return tuple(replace(each, undefined=dict.fromkeys(each.undefined, why)) for each in comparisons)


def _verdicts(comparisons: Sequence[PairedComparison], k: int) -> tuple[str, ...]:
    return tuple(str(clause) for each in decisive(comparisons, k) for clause in verdict_clauses(each))


def _thresholds(cases: Sequence[JudgedScores], why_no_z: str | None) -> Thresholds:
    raw = _on_scale(cases, "raw")
    if not cases:
        return Thresholds(raw=raw, why_no_z="nothing is judged")
    if any(case.z is None for case in cases):
        return Thresholds(raw=raw, why_no_z=why_no_z or "there is no null bank")
    return Thresholds(raw=raw, z=_on_scale(cases, "z"))


def _on_scale(cases: Sequence[JudgedScores], scale: Scale) -> OnScale:
    scores = [case.on(scale)[case.judged] for case in cases]
    relevant = [case.relevant for case in cases]
    return OnScale(best_f1=best_threshold(scores, relevant), transfer=threshold_transfer(scores, relevant))


def _abstention(
    name: str, cases: Sequence[_Case], counting: Sequence[tuple[_Case, Mapping[str, Figures]]]
) -> Abstention:
    defined = [
        (case.scores[name], metric)
        for case, of_query in counting
        if (metric := getattr(of_query[name], DECIDES)) is not None
    ]
    scores = np.array([each for each, _ in defined], np.float64).reshape(len(defined), len(cases[0].ids))
    return abstention(scores, np.array([metric for _, metric in defined], np.float64))
