"""All labelled metrics of one ranking, and their means over queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diptych.concept import concepts, measured
from diptych.evaluation.metrics.gain import NDCG, ndcg_at
from diptych.evaluation.metrics.incomplete import BPREF, JUDGED, bpref, judged_at
from diptych.evaluation.metrics.precision import (
    AVERAGE_PRECISION,
    PRECISION,
    R_PRECISION,
    RECALL,
    RECIPROCAL_RANK,
    average_precision,
    precision_at,
    r_precision,
    recall_at,
    reciprocal_rank,
)
from diptych.evaluation.metrics.ranked import Ranked
from diptych.evaluation.metrics.separation import (
    AUROC,
    RECALL_AT_FULL_PRECISION,
    auroc,
    recall_at_full_precision,
)
from diptych.text import count

DECIDES = "ndcg"
"""The metric that a verdict rests on. The others are shown, but picking one afterwards proves nothing."""

_NEEDS_IRRELEVANT = ("auroc", "recall_at_full_precision")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The metrics of one embedder's ranking for one query; an undefined one is None.

    Attributes:
        k: The depth of the metrics that have one.
        images: How many images were ranked.
        relevant: How many images are relevant.
        irrelevant: How many images are judged irrelevant.
        undefined: Why a figure is None, by its field's name.
    """

    k: int
    images: int
    relevant: int
    irrelevant: int
    average_precision: float | None = measured(AVERAGE_PRECISION)
    ndcg: float | None = measured(NDCG)
    precision: float | None = measured(PRECISION)
    recall: float | None = measured(RECALL)
    r_precision: float | None = measured(R_PRECISION)
    reciprocal_rank: float | None = measured(RECIPROCAL_RANK)
    auroc: float | None = measured(AUROC)
    recall_at_full_precision: float | None = measured(RECALL_AT_FULL_PRECISION)
    judged: float | None = measured(JUDGED)
    bpref: float | None = measured(BPREF)
    undefined: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A metric's mean over queries.

    Attributes:
        value: The mean over those queries for which the metric is defined; None where it is for none.
        queries: How many these are.
        undefined: The reasons of the others, each once.
    """

    value: float | None
    queries: int
    undefined: tuple[str, ...]


def figures(ranking: Ranked, k: int = 10) -> Figures:
    """Compute every metric of one ranking, with the reason where one is undefined."""
    values = {
        "average_precision": average_precision(ranking),
        "ndcg": ndcg_at(ranking, k),
        "precision": precision_at(ranking, k),
        "recall": recall_at(ranking, k),
        "r_precision": r_precision(ranking),
        "reciprocal_rank": reciprocal_rank(ranking),
        "auroc": auroc(ranking),
        "recall_at_full_precision": recall_at_full_precision(ranking),
        "judged": judged_at(ranking, k),
        "bpref": bpref(ranking),
    }
    return Figures(
        k=k,
        images=len(ranking.grades),
        relevant=ranking.relevant,
        irrelevant=ranking.irrelevant,
        **values,
        undefined={name: _why(name, ranking) for name, value in values.items() if value is None},
    )


def metric_names(k: int) -> dict[str, str]:
    """What each metric is called, by its field's name: `nDCG@10`."""
    return {name: concept.name.replace("@k", f"@{k}") for name, concept in concepts(Figures).items()}


def means(found: Sequence[Figures]) -> dict[str, Mean]:
    """The mean of each metric over queries, by its field's name."""
    return {name: _mean(name, found) for name in concepts(Figures)}


def _mean(name: str, found: Sequence[Figures]) -> Mean:
    values = [value for each in found if (value := getattr(each, name)) is not None]
    reasons = dict.fromkeys(each.undefined[name] for each in found if name in each.undefined)
    return Mean(
        value=sum(values) / len(values) if values else None, queries=len(values), undefined=tuple(reasons)
    )


def _why(name: str, ranking: Ranked) -> str:
    if not len(ranking.grades):
        return "no image is ranked"
    if not len(ranking.ideal):
        return "the query has no judgments"
    if not ranking.relevant:
        return f"none of the {count(len(ranking.ideal), 'judged image')} is relevant"
    if name in _NEEDS_IRRELEVANT and not ranking.irrelevant:
        return "no image is judged irrelevant, so there is nothing to tell the relevant ones from"
    return "no relevant or no irrelevant image is ranked"
