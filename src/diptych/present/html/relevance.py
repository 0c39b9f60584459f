"""What a report's templates lay out of judgments: dots on a line, intervals on an axis, parts of a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diptych.concept import Concept, concepts
from diptych.evaluation.abstention import Abstention
from diptych.evaluation.complementarity import Complementarity
from diptych.evaluation.metrics.figures import DECIDES, Figures, metric_names
from diptych.evaluation.significance import PairedComparison
from diptych.present.html import layout
from diptych.present.html.curves import letter
from diptych.present.html.layout import Span
from diptych.result import Comparison, Hit, OnScale, QueryRelevance, QueryResult, Relevance, Thresholds
from diptych.thresholds.expected import Expected
from diptych.thresholds.threshold import Threshold
from diptych.thresholds.transfer import Transfer, scale_difference

METRICS = concepts(Figures)
PAIR = concepts(PairedComparison)
CUT = concepts(Threshold)
EXPECTED = concepts(Expected)
LOSS = concepts(Transfer)
KNOWS = concepts(Abstention)
FOUND = concepts(Complementarity)
"""What the figures of each mean."""

BEHIND = ("bpref",)
"""Metrics that stand behind "more figures": few readers know them."""

_AXES = (0.1, 0.2, 0.5)
"""Where an axis of differences ends; none is further than 1 from 0."""

MOST_ALONE = 24
"""So many pictures that one embedder alone finds are shown, of each two."""

_TOUCHING = 0.035
"""Dots nearer than this part of the line stand side by side."""


@dataclass(frozen=True)
class Dot:
    """An embedder on a line from 0 to 1.

    Attributes:
        index: Which embedder.
        value: Where it stands.
        step: How many dot widths beside that, so that it covers no other.
    """

    index: int
    value: float
    step: float

    @property
    def letter(self) -> str:
        """A, B, C."""
        return letter(self.index)


@dataclass(frozen=True)
class Metric:
    """One metric over all queries.

    Attributes:
        field: Its field's name.
        concept: What it means.
        called: Its name with its depth.
        values: Its mean with each embedder and fusion; None where it is undefined.
        queries: Over how many queries that is.
        undefined: Why it has no mean, where it has none.
        difference: Of the two embedders, where there are two.
    """

    field: str
    concept: Concept
    called: str
    values: tuple[float | None, ...]
    queries: int
    undefined: tuple[str, ...]
    difference: PairedComparison | None


@dataclass(frozen=True)
class Kept:
    """What one threshold for all queries keeps of the F1 that could be reached; the parts add up to 1.

    Attributes:
        f1: The F1 with a threshold from the other queries.
        threshold: What the threshold costs.
        ranking: What the ranking costs.
    """

    f1: float
    threshold: float
    ranking: float


@dataclass(frozen=True)
class FoundAlone:
    """A relevant picture that one of two embedders finds.

    Attributes:
        number: The query's place, from 1, which its section is linked by.
        query: The query.
        hit: The picture, where it is found.
    """

    number: int
    query: QueryResult
    hit: Hit


def figures() -> tuple[layout.FigureGroup, ...]:
    """Every figure that is shown of judgments, in the words that stand beside the code that computes it."""
    cut = CUT | {f"expected-{name}": EXPECTED[name] for name in ("precision", "recall")}
    of_cut = ("value", "f1", "expected-precision", "expected-recall")
    of_loss = ("threshold_loss", "ranking_loss")
    return (
        layout.FigureGroup("A judged list", _linked(METRICS)),
        layout.FigureGroup("Two embedders, judged", _linked(PAIR)),
        layout.FigureGroup(
            "A threshold",
            _linked({name: cut[name] for name in of_cut} | {name: LOSS[name] for name in of_loss}),
        ),
        layout.FigureGroup("All judged queries", _linked(FOUND | {"highest": KNOWS["highest"]})),
    )


def _linked(figures: Mapping[str, Concept]) -> dict[str, Concept]:
    """By ids of their own: a list's p is another one."""
    return {f"judged-{name}": concept for name, concept in figures.items()}


def called(relevance: Relevance) -> Mapping[str, str]:
    """What the metrics are called, by their fields' names."""
    return metric_names(relevance.k)


def of_query(comparison: Comparison, query: QueryResult) -> QueryRelevance | None:
    """What judgments say of a query; None where nobody judged it."""
    said = comparison.relevance.queries if comparison.relevance is not None else ()
    return next((each for each in said if each.query == query.query and _is_judged(each)), None)


def grades(comparison: Comparison, query: QueryResult) -> Mapping[str, int]:
    """The grades of a query's hits, by the picture's id; those that nobody judged left out."""
    said = of_query(comparison, query)
    return {} if said is None else said.grades


def judged(relevance: Relevance) -> list[QueryRelevance]:
    """The queries that somebody judged."""
    return [each for each in relevance.queries if _is_judged(each)]


def dots(said: QueryRelevance, names: Sequence[str]) -> tuple[Dot, ...]:
    """Where each embedder stands by the metric that decides; none where it is undefined."""
    values = [
        (value, index) for index, name in enumerate(names) if (value := decisive(said, name)) is not None
    ]
    placed: list[Dot] = []
    for value, index in sorted(values):
        together = [(v, i) for v, i in sorted(values) if abs(v - value) < _TOUCHING]
        step = together.index((value, index)) - (len(together) - 1) * value  # none leaves the line's ends
        placed.append(Dot(index, value, step))
    return tuple(placed)


def decisive(said: QueryRelevance, name: str) -> float | None:
    """What an embedder reaches with a query by the metric that decides; None where it is undefined."""
    value: float | None = getattr(said.figures[name], DECIDES)
    return value


def best(said: QueryRelevance, names: Sequence[str]) -> float | None:
    """The highest value that any embedder reaches with a query."""
    return max((value for name in names if (value := decisive(said, name)) is not None), default=None)


def metrics(relevance: Relevance, names: Sequence[str]) -> tuple[Metric, ...]:
    """Every metric, the one that decides first."""
    means = {
        field: [relevance.means[name][field] for name in (*names, *relevance.fusions)]
        for field in METRICS
        if field in relevance.means[names[0]]  # a file made before there was this metric has none
    }
    of_two = {each.metric: each for each in relevance.comparisons} if len(names) == 2 else {}
    names_of = called(relevance)
    return tuple(
        Metric(
            field=field,
            concept=METRICS[field],
            called=names_of[field],
            values=tuple(mean.value for mean in means[field]),
            queries=means[field][0].queries,
            undefined=means[field][0].undefined if means[field][0].value is None else (),
            difference=of_two.get(names_of[field]),
        )
        for field in sorted(means, key=lambda field: field != DECIDES)
    )


def reach(comparisons: Sequence[PairedComparison | None]) -> float:
    """How far an axis around 0 reaches for all these intervals: to a round number, said beside it."""
    ends = [
        abs(end)
        for each in comparisons
        if each is not None
        for end in each.interval or (each.difference or 0,)
    ]
    return next((end for end in _AXES if max(ends, default=0) <= end), 1.0)


def drawn(pair: PairedComparison, reach: float) -> Span | None:
    """Where an interval is drawn on an axis with 0 in the middle."""
    if pair.difference is None:
        return None
    low, high = pair.interval or (pair.difference, pair.difference)
    left, at, right = (round(50 + 50 * value / reach, 1) for value in (low, pair.difference, high))
    return Span(left, at, right)


def better(pair: PairedComparison, index: Mapping[str, int]) -> int | None:
    """Which embedder the interval speaks for; None where it holds 0."""
    if pair.interval is None or pair.interval[0] <= 0 <= pair.interval[1]:
        return None
    return index[pair.a if pair.interval[0] > 0 else pair.b]


def found_alone(comparison: Comparison, finder: str, other: str) -> tuple[FoundAlone, ...]:
    """The relevant pictures among the first of one list that are not among the first of the other.

    Args:
        comparison: What is shown, with its judgments.
        finder: The embedder that finds them.
        other: The one that does not.

    Returns:
        In the order of the queries and of the finder's list, as deep as `depth` says.
    """
    deep, found = depth(comparison), []
    for number, query in enumerate(comparison.queries, start=1):
        said = grades(comparison, query)
        beside = {hit.id for hit in query.rankings.get(other, ())[:deep]}
        first = query.rankings.get(finder, ())[:deep] if beside else ()
        alone = (hit for hit in first if said.get(hit.id) and hit.id not in beside)
        found += [FoundAlone(number, query, hit) for hit in alone]
    return tuple(found)


def depth(comparison: Comparison) -> int:
    """How deep every list can be looked at: as the metrics do, or as far as the shortest list is kept."""
    k = comparison.relevance.k if comparison.relevance is not None else 0
    return min([k, *(len(hits) for query in comparison.queries for hits in query.rankings.values())])


def kept(scale: OnScale) -> Kept | None:
    """What one threshold keeps; None where it is not known."""
    transfer: Transfer = scale.transfer
    if transfer.ranking_loss is None or transfer.threshold_loss is None:
        return None
    return Kept(
        f1=1 - transfer.ranking_loss - transfer.threshold_loss,
        threshold=transfer.threshold_loss,
        ranking=transfer.ranking_loss,
    )


def which_scale(thresholds: Thresholds) -> str | None:
    """Which scale carries better from query to query; None where they differ by no more than chance."""
    z = thresholds.z
    difference = None if z is None else scale_difference(thresholds.raw.transfer, z.transfer)
    return difference.sentence if difference is not None and difference.tells else None


def _is_judged(said: QueryRelevance) -> bool:
    return said.relevant + said.irrelevant > 0
