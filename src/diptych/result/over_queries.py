"""What holds of each two embedders over all queries: how alike they rank, who separates further."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

from diptych.analysis.agreement import Likeness, likeness
from diptych.analysis.separation import Separation, separations
from diptych.evaluation.significance import PairedComparison
from diptych.result.findings import first_picture, overall_findings
from diptych.result.rankings import Overall, QueryResult


def over_all(
    queries: Sequence[QueryResult],
    names: Sequence[str],
    images: int,
    decisive: Sequence[PairedComparison] = (),
    floors: Collection[str] = (),
) -> Overall:
    """What holds over all queries of each two embedders, with the answers to the three questions.

    Args:
        queries: The queries with their figures, at least one.
        names: The embedders.
        images: How many pictures were ranked.
        decisive: What judgments say of each two embedders.
        floors: Which of them are floors: how far these separate their pictures says nothing.
    """
    real = [name for name in names if name not in floors]
    likeness, separation = likenesses(queries, names, images), separations_over(queries, real)
    findings = overall_findings(queries, images, decisive, likeness, separation)
    return Overall(findings=findings, likeness=likeness, separation=separation)


def likenesses(queries: Sequence[QueryResult], names: Sequence[str], images: int) -> tuple[Likeness, ...]:
    """How far the rankings of each two embedders agree.

    Args:
        queries: The queries with their figures, at least one.
        names: The embedders.
        images: How many pictures were ranked.
    """
    found = []
    for a, b in itertools.combinations(names, 2):
        pairs = [(query, pair) for query in queries for pair in query.agreement if (pair.a, pair.b) == (a, b)]
        telling = [query for query, pair in pairs if pair.figures.kendall_tau_b is not None]
        firsts = [(first_picture(query.rankings[a]), first_picture(query.rankings[b])) for query in telling]
        same = [of_a == of_b for of_a, of_b in firsts if of_a is not None and of_b is not None]
        found.append(likeness(a, b, [pair.figures for _, pair in pairs], same, images))
    return tuple(found)


def separations_over(queries: Sequence[QueryResult], names: Sequence[str]) -> tuple[Separation, ...]:
    """Who of each two embedders separates its first pictures further.

    Args:
        queries: The queries with their figures.
        names: The embedders to compare: a floor is not among them, for how far it separates says nothing.
    """
    return separations({name: [query.stratification[name] for query in queries] for name in names})
