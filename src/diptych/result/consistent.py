"""Whether what a saved comparison says fits together: it may come from anyone, and is shown as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from diptych.result.comparison import Comparison
from diptych.result.rankings import Agreement, Curve, QueryResult, Spaces
from diptych.result.relevance import Relevance


def check_consistent(comparison: Comparison) -> None:
    """Refuse a comparison that names embedders it does not have, or says half of what belongs together.

    Raises:
        ValueError: It does; the message says where, as a path into the JSON.
    """
    names = [info.name for info in comparison.embedders]
    if len(set(names)) < len(names):
        raise ValueError("Two embedders have one name - at `$.embedders`")
    for number, query in enumerate(comparison.queries):
        _check_query(query, names, f"$.queries[{number}]")
    overall = comparison.overall
    _among(overall.stratification, names, "$.summary.stratification")
    _among(overall.banks, names, "$.summary.banks")
    for number, spaces in enumerate(overall.spaces):
        _check_spaces(spaces, names, f"$.summary.agreement[{number}]")
    for key, pairs in (("likeness", overall.likeness), ("separation", overall.separation)):
        for pair in pairs:
            _among((pair.a, pair.b), names, f"$.summary.{key}")
    if comparison.relevance is not None:
        _check_relevance(comparison.relevance, names)


def _check_relevance(relevance: Relevance, names: Collection[str]) -> None:
    rankers = [*names, *relevance.fusions]
    _all_of(rankers, relevance.means, "$.relevance.means")
    _all_of(names, relevance.thresholds, "$.relevance.thresholds")
    _all_of(names, relevance.abstention, "$.relevance.abstention")
    for number, query in enumerate(relevance.queries):
        _all_of(names, query.figures, f"$.relevance.queries[{number}].figures")
    _among(relevance.thresholds, rankers, "$.relevance.thresholds")
    for compared in relevance.comparisons:
        _among((compared.a, compared.b), rankers, "$.relevance.comparisons")


def _check_query(query: QueryResult, names: Collection[str], at: str) -> None:
    if (query.kind == "image") != (query.image_id is not None):
        raise ValueError(f"A picture has an id, a text has none - at `{at}.image_id`")
    _among(query.rankings, names, f"{at}.rankings")
    for key, by_name in (("stratification", query.stratification), ("curve", query.curves)):
        if by_name and (lacking := query.rankings.keys() - by_name.keys()):
            raise ValueError(f"{min(lacking)!r} has no {key}, others have - at `{at}.rankings`")
    _among(query.contrast, query.rankings, f"{at}.contrast")
    _among(query.passing, query.rankings, f"{at}.passing")
    for name, ranking in query.stratification.items():
        if ranking.breakpoint is not None and ranking.breakpoint < 1:
            raise ValueError(f"A list breaks after its first at the earliest - at `{at}.rankings.{name}`")
    for name, curve in query.curves.items():
        _check_curve(curve, f"{at}.rankings.{name}.curve")
    for number, pair in enumerate(query.agreement):
        _check_agreement(pair, query.rankings, f"{at}.agreement[{number}]")


def _check_curve(curve: Curve, at: str) -> None:
    if len(curve.ranks) != len(curve.scores):
        raise ValueError(f"There are {len(curve.ranks)} ranks of {len(curve.scores)} scores - at `{at}`")
    if list(curve.ranks) != sorted({rank for rank in curve.ranks if rank >= 1}):
        raise ValueError(f"Ranks ascend from 1 - at `{at}.ranks`")


def _check_agreement(pair: Agreement, names: Collection[str], at: str) -> None:
    figures = pair.figures
    _among((pair.a, pair.b), names, at)
    _all_or_none((figures.rbo, figures.rbo_by_chance, figures.overlap_at_k, figures.overlap_by_chance), at)


def _check_spaces(spaces: Spaces, names: Collection[str], at: str) -> None:
    _among((spaces.a, spaces.b), names, at)
    _all_or_none((spaces.figures.mutual_knn, spaces.figures.mutual_knn_by_chance), at)


def _among(found: Iterable[str], names: Collection[str], at: str) -> None:
    if unknown := [name for name in found if name not in names]:
        raise ValueError(f"There is no embedder {unknown[0]!r} - at `{at}`")


def _all_of(names: Collection[str], by_name: Mapping[str, object], at: str) -> None:
    if lacking := [name for name in names if name not in by_name]:
        raise ValueError(f"Nothing is said of {lacking[0]!r} - at `{at}`")


def _all_or_none(figures: Collection[float | None], at: str) -> None:
    """Figures are defined together: what one is compared with is what the others are made of."""
    if len({figure is None for figure in figures}) > 1:
        raise ValueError(f"Some figures are null, others are not - at `{at}`")
