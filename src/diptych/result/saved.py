"""The JSON of a comparison, there and back. What an older version did not save is left at its default.

The classes here are the JSON where its shape differs from that of the values; all else is saved as it is.
msgspec reads both by their types, strictly, and passes over unknown keys. Values that have defaults have
slots: without them msgspec leaves a default to the class, and misses it when the value is saved again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from diptych.analysis.agreement import Likeness, RankAgreement, SpaceAgreement
from diptych.analysis.separation import Separation
from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import StratificationSummary
from diptych.embedders.base import EmbedderInfo
from diptych.evaluation.abstention import Abstention
from diptych.evaluation.complementarity import Complementarity
from diptych.evaluation.metrics.figures import Mean
from diptych.evaluation.significance import PairedComparison
from diptych.images import Skipped
from diptych.judgments.judgments import Contradiction
from diptych.result.comparison import Comparison
from diptych.result.consistent import check_consistent
from diptych.result.rankings import (
    Agreement,
    ContrastResult,
    Curve,
    Disputed,
    DisputedNeighbours,
    Finding,
    Hit,
    NullBank,
    Overall,
    QueryResult,
    Spaces,
    Work,
)
from diptych.result.relevance import QueryRelevance, Relevance, Thresholds
from diptych.store.judgment import Judgment
from diptych.text import valid_unicode
from diptych.thresholds.passing import Passing

_Figures = TypeVar("_Figures", RankAgreement, SpaceAgreement)

_RARE = ("caption", "aliases", "itself", "labels")
"""Keys that a hit has only where they say something."""


class _Ranking(Struct):
    hits: list[Hit]
    stratification: Stratification | UnsetType = UNSET
    curve: Curve | UnsetType = UNSET


class _Agreement(Struct, rename={"overlap_at_k": "overlap_at_10"}):  # k says how deep it was
    a: str
    b: str
    k: int
    rbo: float | None
    rbo_by_chance: float | None
    overlap_by_chance: float | None
    overlap_above_chance: float | None
    kendall_tau_b: float | None
    tau_ap: float | None
    disputed: list[Disputed]
    overlap_at_k: int | None


class _Spaces(Struct):
    a: str
    b: str
    anchors: int
    k: int
    mutual_knn: float | None
    mutual_knn_by_chance: float | None
    cka: float | None
    disputed: list[DisputedNeighbours]


class _Query(Struct, kw_only=True):
    query: str
    kind: Literal["text", "image"]
    rankings: dict[str, _Ranking]
    agreement: list[_Agreement] = []
    contrast: dict[str, ContrastResult] = {}
    related: list[str] = []
    findings: list[str]
    passing: dict[str, Passing] | UnsetType = UNSET
    image_id: str | UnsetType = UNSET
    thumbnail: str | UnsetType | None = UNSET


class _Collection(Struct):
    source: str
    images: int
    skipped: list[Skipped]


class _Summary(Struct):
    work: dict[str, Work]
    stratification: dict[str, StratificationSummary] = {}
    banks: dict[str, NullBank] = {}
    agreement: list[_Spaces] = []
    findings: list[str] = []
    likeness: list[Likeness] = []
    separation: list[Separation] = []


class _Said(Struct):
    grade: int
    by: str
    at: str


class _Contradiction(Struct):
    query: str
    image: str
    id: str
    said: tuple[_Said, ...]


class _Relevance(Struct):
    origin: str
    k: int
    fusions: tuple[str, ...]
    queries: tuple[QueryRelevance, ...]
    means: dict[str, dict[str, Mean]]
    comparisons: tuple[PairedComparison, ...]
    verdicts: tuple[str, ...]
    complementarity: Complementarity
    thresholds: dict[str, Thresholds]
    abstention: dict[str, Abstention]
    contradictions: tuple[_Contradiction, ...]
    notes: tuple[str, ...]
    options: tuple[str, ...] = ()


class _Saved(Struct):
    diptych: str
    created: str
    collection: _Collection
    embedders: list[EmbedderInfo]
    queries: list[_Query]
    summary: _Summary
    relevance: _Relevance | UnsetType = UNSET


def _leave_out_rare(saved: Mapping[str, Any]) -> None:
    """Take out keys that say what is so nearly everywhere."""
    for skipped in saved["collection"]["skipped"]:
        if skipped["files"] == 1:
            del skipped["files"]
    rankings = (ranking for query in saved["queries"] for ranking in query["rankings"].values())
    for hit in (hit for ranking in rankings for hit in ranking["hits"]):
        for key in _RARE:
            if not hit[key]:
                del hit[key]


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain data, in the shape of the JSON contract."""
    overall, relevance = comparison.overall, comparison.relevance
    saved: dict[str, Any] = msgspec.to_builtins(
        _Saved(
            diptych=comparison.version,
            created=comparison.created,
            collection=_Collection(comparison.source, comparison.images, list(comparison.skipped)),
            embedders=list(comparison.embedders),
            queries=[_save_query(query) for query in comparison.queries],
            summary=_Summary(
                work=comparison.work,
                stratification=overall.stratification,
                banks=overall.banks,
                agreement=[_Spaces(**_flat(pair)) for pair in overall.spaces],
                findings=[str(finding) for finding in overall.findings],
                likeness=list(overall.likeness),
                separation=list(overall.separation),
            ),
            relevance=UNSET if relevance is None else _save_relevance(relevance),
        ),
        enc_hook=_number,
    )
    _leave_out_rare(saved)
    for on_scale in _on_scales(saved):
        for key in ("expected", "promise"):
            if on_scale["best_f1"][key] is None:
                del on_scale["best_f1"][key]
        transfer = on_scale["transfer"]
        transfer["thresholds"] = [t if math.isfinite(t) else None for t in transfer["thresholds"]]
    return saved


def from_text(text: str) -> Comparison:
    """The comparison that a file holds.

    Raises:
        ValueError: It is not JSON, of another shape, or contradicts itself; the message says where.
    """
    saved = json.loads(text, parse_constant=_finite, parse_float=_finite)
    comparison = from_dict(_without_half_pairs(saved) if "\\u" in text else saved)
    check_consistent(comparison)
    return comparison


def _finite(number: str) -> float:
    """A number of JSON, which has no others."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:20]} is not a number")
    return value


def from_dict(saved: Any) -> Comparison:
    """The comparison that was saved; keys that this version does not know are passed over.

    Raises:
        ValueError: The data is of another shape; the message says where.
    """
    for on_scale in _on_scales(saved):  # JSON has no infinity: a threshold that keeps everything is null
        transfer = on_scale["transfer"]
        transfer["thresholds"] = [-math.inf if t is None else t for t in transfer["thresholds"]]
    read = msgspec.convert(saved, _Saved)
    names = [info.name for info in read.embedders]
    return Comparison(
        version=read.diptych,
        created=read.created,
        source=read.collection.source,
        images=read.collection.images,
        skipped=tuple(read.collection.skipped),
        embedders=tuple(read.embedders),
        queries=tuple(_open_query(query) for query in read.queries),
        work=read.summary.work,
        overall=Overall(
            stratification=read.summary.stratification,
            banks=read.summary.banks,
            spaces=tuple(
                Spaces(
                    a=pair.a, b=pair.b, figures=_figures(SpaceAgreement, pair), disputed=tuple(pair.disputed)
                )
                for pair in read.summary.agreement
            ),
            findings=tuple(Finding.from_sentence(each, names) for each in read.summary.findings),
            likeness=tuple(read.summary.likeness),
            separation=tuple(read.summary.separation),
        ),
        relevance=None if read.relevance is UNSET else _open_relevance(read.relevance),
    )


def _without_half_pairs(value: Any) -> Any:
    """JSON data without half surrogate pairs: a file can have them escaped, but they can't be written."""
    if isinstance(value, str):
        return valid_unicode(value)
    if isinstance(value, list):
        return [_without_half_pairs(each) for each in value]
    if isinstance(value, dict):
        return {valid_unicode(key): _without_half_pairs(each) for key, each in value.items()}
    return value


def _save_query(query: QueryResult) -> _Query:
    saved = _Query(
        query=query.query,
        kind=query.kind,
        rankings={
            name: _Ranking(
                hits=list(hits),
                stratification=query.stratification.get(name, UNSET),
                curve=query.curves.get(name, UNSET),
            )
            for name, hits in query.rankings.items()
        },
        agreement=[_Agreement(**_flat(pair)) for pair in query.agreement],
        contrast=query.contrast,
        related=list(query.related),
        findings=list(query.findings),
        passing=query.passing or UNSET,
    )
    if query.kind == "image":
        saved.image_id, saved.thumbnail = query.image_id or UNSET, query.thumbnail
    return saved


def _open_query(saved: _Query) -> QueryResult:
    rankings = saved.rankings.items()
    return QueryResult(
        query=saved.query,
        kind=saved.kind,
        rankings={name: tuple(ranking.hits) for name, ranking in rankings},
        stratification={name: r.stratification for name, r in rankings if r.stratification is not UNSET},
        curves={name: ranking.curve for name, ranking in rankings if ranking.curve is not UNSET},
        agreement=tuple(
            Agreement(
                a=pair.a, b=pair.b, figures=_figures(RankAgreement, pair), disputed=tuple(pair.disputed)
            )
            for pair in saved.agreement
        ),
        contrast=saved.contrast,
        related=tuple(saved.related),
        findings=tuple(saved.findings),
        passing=saved.passing or {},
        image_id=saved.image_id or None,
        thumbnail=saved.thumbnail or None,
    )


def _save_relevance(relevance: Relevance) -> _Relevance:
    saved = {name: getattr(relevance, name) for name in _Relevance.__struct_fields__}
    saved["contradictions"] = tuple(
        _Contradiction(each.query, each.image, each.id, tuple(_save_said(each)))
        for each in relevance.contradictions
    )
    return _Relevance(**saved)


def _save_said(contradiction: Contradiction) -> Iterator[_Said]:
    """What was said, without retractions: a contradiction has none."""
    for judgment in contradiction.said:
        if judgment.grade is not None:
            yield _Said(judgment.grade, judgment.by, judgment.at)


def _open_relevance(saved: _Relevance) -> Relevance:
    contradictions = tuple(
        Contradiction(
            query=each.query,
            image=each.image,
            id=each.id,
            said=tuple(
                Judgment(query=each.query, image=each.id, grade=said.grade, by=said.by, at=said.at)
                for said in each.said
            ),
        )
        for each in saved.contradictions
    )
    return Relevance(**msgspec.structs.asdict(saved) | {"contradictions": contradictions})


def _flat(pair: Agreement | Spaces) -> dict[str, Any]:
    return vars(pair.figures) | {"a": pair.a, "b": pair.b, "disputed": list(pair.disputed)}


def _figures(kind: type[_Figures], pair: _Agreement | _Spaces) -> _Figures:
    saved = msgspec.structs.asdict(pair)
    del saved["a"], saved["b"], saved["disputed"]
    return kind(**saved)


def _on_scales(saved: Any) -> Iterator[dict[str, Any]]:
    """What holds the thresholds of one embedder on one scale, as far as the data is of that shape."""
    match saved:
        case {"relevance": {"thresholds": dict(by_embedder)}}:
            for scales in by_embedder.values():
                for scale in scales.values() if isinstance(scales, dict) else ():
                    match scale:
                        case {"transfer": {"thresholds": list() | tuple()}}:
                            yield scale


def _number(value: Any) -> Any:
    """A number of numpy's, as a plug-in may give in its `info`, as Python's."""
    return value.item()
