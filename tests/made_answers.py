"""Answers of two or more embedders made by hand, from scores alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from diptych.analysis.standing import Standing, stand_alone
from diptych.images import Picture
from diptych.queries import TextQuery
from diptych.retrieval.search import Ranking
from diptych.retrieval.searcher import Answer, Answers


def pictures(number: int) -> tuple[Picture, ...]:
    """Pictures whose ids stand in another order than their names."""
    return tuple(
        Picture(id=f"{(row * 7 + 3) % number:064x}", name=f"class/{row:03}.jpg") for row in range(number)
    )


def answers(
    queries: Sequence[str],
    scores: Mapping[str, Sequence[Sequence[float]]],
    z: Mapping[str, Sequence[Sequence[float]]] | None = None,
    k: int = 5,
    why_no_z: Mapping[str, str] | None = None,
) -> Answers:
    """What each embedder makes of each query: one row of scores a query, by the embedder's name."""
    number = len(next(iter(scores.values()))[0])
    made = []
    for place in range(len(queries)):
        by_name = {}
        for name, rows in scores.items():
            row = np.array(rows[place], np.float32)
            order = np.argsort(-row, kind="stable").astype(np.int32)
            standing = stand_alone(row)
            if z is not None and name in z:
                standing = Standing(np.array(z[name][place], float), None, standing.stratification)
            flat = bool(np.ptp(row) == 0)
            by_name[name] = Answer(Ranking(order[:k], row[order[:k]], flat=flat), row, order, standing)
        made.append(by_name)
    return Answers(pictures(number), [TextQuery(query) for query in queries], made, why_no_z or {})
