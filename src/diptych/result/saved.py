"""The JSON of a comparison, there and back. What an older version did not save is left at its default."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from diptych.analysis.agreement import RankAgreement, SpaceAgreement
from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import Interval, StratificationSummary
from diptych.embedders.base import EmbedderInfo
from diptych.images import Skipped
from diptych.result.parts import (
    Agreement,
    ContrastResult,
    Curve,
    Disputed,
    DisputedNeighbours,
    Hit,
    Hub,
    NullBank,
    Overall,
    QueryResult,
    Spaces,
    Won,
    Work,
)
from diptych.result.saved_relevance import relevance_from_dict, relevance_to_dict

if TYPE_CHECKING:
    from diptych.result.comparison import Comparison

_Saved = TypeVar("_Saved")
_Value = TypeVar("_Value")


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain data, in the shape of the JSON contract."""
    saved: dict[str, Any] = {
        "diptych": comparison.version,
        "created": comparison.created,
        "collection": {
            "source": comparison.source,
            "images": comparison.images,
            "skipped": [dataclasses.asdict(skipped) for skipped in comparison.skipped],
        },
        "embedders": [dataclasses.asdict(info) for info in comparison.embedders],
        "queries": [_query_to_dict(query) for query in comparison.queries],
        "summary": {
            "work": _each(comparison.work, dataclasses.asdict),
            "stratification": _each(comparison.overall.stratification, dataclasses.asdict),
            "banks": _each(comparison.overall.banks, dataclasses.asdict),
            "agreement": [_pair_to_dict(pair) for pair in comparison.overall.spaces],
            "findings": list(comparison.overall.findings),
        },
    }
    if comparison.relevance is not None:
        saved["relevance"] = relevance_to_dict(comparison.relevance)
    return saved


def from_dict(saved: dict[str, Any]) -> dict[str, Any]:
    """The fields of a saved comparison; keys that this version does not know are passed over.

    Raises:
        KeyError: A part is missing.
        TypeError: A part is of another kind.
        AttributeError: The same.
    """
    return {
        "version": saved["diptych"],
        "created": saved["created"],
        "source": saved["collection"]["source"],
        "images": saved["collection"]["images"],
        "skipped": tuple(_known(Skipped, skipped) for skipped in saved["collection"]["skipped"]),
        "embedders": tuple(_known(EmbedderInfo, info) for info in saved["embedders"]),
        "queries": tuple(_query_from_dict(query) for query in saved["queries"]),
        "work": _each(saved["summary"]["work"], lambda work: _known(Work, work)),
        "overall": _overall_from_dict(saved["summary"]),
        "relevance": relevance_from_dict(saved["relevance"]) if "relevance" in saved else None,
    }


def _query_to_dict(query: QueryResult) -> dict[str, Any]:
    saved: dict[str, Any] = {
        "query": query.query,
        "kind": query.kind,
        "rankings": {name: _ranking_to_dict(query, name) for name in query.rankings},
        "agreement": [_pair_to_dict(pair) for pair in query.agreement],
        "contrast": _each(query.contrast, dataclasses.asdict),
        "related": list(query.related),
        "findings": list(query.findings),
    }
    if query.kind == "image":
        saved |= {"image_id": query.image_id, "thumbnail": query.thumbnail}
    return saved


def _ranking_to_dict(query: QueryResult, name: str) -> dict[str, Any]:
    saved: dict[str, Any] = {"hits": [_hit_to_dict(hit) for hit in query.rankings[name]]}
    if name in query.stratification:
        saved["stratification"] = dataclasses.asdict(query.stratification[name])
    if name in query.curves:
        saved["curve"] = dataclasses.asdict(query.curves[name])
    return saved


def _hit_to_dict(hit: Hit) -> dict[str, Any]:
    saved = vars(hit).copy()  # all plain values; asdict would take a tenth of a second for 20 queries
    for rare in ("caption", "aliases", "itself"):
        if not saved[rare]:
            del saved[rare]
    return saved


def _pair_to_dict(pair: Agreement | Spaces) -> dict[str, Any]:
    figures = dataclasses.asdict(pair.figures)
    if isinstance(pair, Agreement):
        figures["overlap_at_10"] = figures.pop(
            "overlap_at_k"
        )  # as the contract has it; k says how deep it was
    disputed = [dataclasses.asdict(image) for image in pair.disputed]
    return {"a": pair.a, "b": pair.b, **figures, "disputed": disputed}


def _query_from_dict(saved: dict[str, Any]) -> QueryResult:
    rankings: dict[str, dict[str, Any]] = saved["rankings"]
    return QueryResult(
        query=saved["query"],
        kind=saved["kind"],
        rankings=_each(rankings, lambda ranking: tuple(_hit_from_dict(hit) for hit in ranking["hits"])),
        stratification={
            name: _stratification_from_dict(ranking["stratification"])
            for name, ranking in rankings.items()
            if "stratification" in ranking
        },
        curves={
            name: Curve(ranks=tuple(ranking["curve"]["ranks"]), scores=tuple(ranking["curve"]["scores"]))
            for name, ranking in rankings.items()
            if "curve" in ranking
        },
        agreement=tuple(_agreement_from_dict(pair) for pair in saved.get("agreement", ())),
        contrast=_each(saved.get("contrast", {}), _contrast_from_dict),
        related=tuple(saved.get("related", ())),
        findings=tuple(saved["findings"]),
        image_id=saved.get("image_id"),
        thumbnail=saved.get("thumbnail"),
    )


def _hit_from_dict(saved: dict[str, Any]) -> Hit:
    return _known(Hit, saved | {"aliases": tuple(saved.get("aliases", ()))})


def _stratification_from_dict(saved: dict[str, Any]) -> Stratification:
    return _known(Stratification, saved | {"band": tuple(saved["band"]) if saved.get("band") else None})


def _agreement_from_dict(saved: dict[str, Any]) -> Agreement:
    figures = saved | {"overlap_at_k": saved["overlap_at_10"], "disputed": ()}
    return Agreement(
        a=saved["a"],
        b=saved["b"],
        figures=_known(RankAgreement, figures),
        disputed=tuple(_known(Disputed, image) for image in saved["disputed"]),
    )


def _contrast_from_dict(saved: dict[str, Any]) -> ContrastResult:
    won = tuple(_known(Won, image) for image in saved["won"])
    return _known(ContrastResult, saved | {"rivals": tuple(saved["rivals"]), "won": won})


def _overall_from_dict(saved: dict[str, Any]) -> Overall:
    return Overall(
        stratification=_each(saved.get("stratification", {}), _summary_from_dict),
        banks=_each(saved.get("banks", {}), _bank_from_dict),
        spaces=tuple(_spaces_from_dict(pair) for pair in saved.get("agreement", ())),
        findings=tuple(saved.get("findings", ())),
    )


def _summary_from_dict(saved: dict[str, Any]) -> StratificationSummary:
    figures = _each(saved["figures"], lambda interval: _known(Interval, interval))
    return StratificationSummary(verdicts=saved["verdicts"], figures=figures)


def _bank_from_dict(saved: dict[str, Any]) -> NullBank:
    hubs = tuple(_known(Hub, hub) for hub in saved["hubs"])
    lists = {name: tuple(saved[name]) for name in ("left_out", "quantiles")}
    return _known(NullBank, saved | lists | {"hubs": hubs})


def _spaces_from_dict(saved: dict[str, Any]) -> Spaces:
    return Spaces(
        a=saved["a"],
        b=saved["b"],
        figures=_known(SpaceAgreement, saved | {"disputed": ()}),
        disputed=tuple(_known(DisputedNeighbours, image) for image in saved["disputed"]),
    )


def _each(named: Mapping[str, _Saved], change: Callable[[_Saved], _Value]) -> dict[str, _Value]:
    return {name: change(value) for name, value in named.items()}


def _known(kind: type[_Saved], saved: dict[str, Any]) -> _Saved:
    """A dataclass from the keys of `saved` that it has fields for."""
    names = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in saved.items() if name in names})
