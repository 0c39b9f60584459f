"""Do embedders find the same relevant images, or different ones?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from diptych.concept import Concept, measured

UNION_RECALL = Concept(
    name="union recall",
    reading="The share of the relevant images that at least one embedder has among its first k: the most that"
    " fusing could bring",
    range="0–1",
    unit_free=True,
    source="recall of the union of the first k",
)


@dataclass(frozen=True, kw_only=True)
class FoundBy:
    """Who found the relevant images, over all queries.

    Attributes:
        a: The first embedder's name.
        b: The second's.
        both: Found by both among their first k.
        a_only: Found by the first alone.
        b_only: Found by the second alone.
        neither: Found by neither.
    """

    a: str
    b: str
    both: int
    a_only: int
    b_only: int
    neither: int


@dataclass(frozen=True, kw_only=True)
class Complementarity:
    """What embedders find together; `union_recall` is None where nothing is relevant.

    Attributes:
        relevant: How many relevant images there are, over all queries.
        pairs: Each pair of embedders.
    """

    relevant: int
    pairs: tuple[FoundBy, ...]
    union_recall: float | None = measured(UNION_RECALL)


def complementarity(
    relevant: Sequence[Set[str]], first_k: Mapping[str, Sequence[Sequence[str]]]
) -> Complementarity:
    """Count who found what.

    Args:
        relevant: The ids of the relevant images, for each query.
        first_k: By the embedder's name the ids of its first k images, for each query.
    """
    every = {(query, image) for query, images in enumerate(relevant) for image in images}
    found = {
        name: {(query, image) for query, images in enumerate(lists) for image in images} & every
        for name, lists in first_k.items()
    }
    pairs = tuple(
        FoundBy(
            a=a,
            b=b,
            both=len(found[a] & found[b]),
            a_only=len(found[a] - found[b]),
            b_only=len(found[b] - found[a]),
            neither=len(every - found[a] - found[b]),
        )
        for a, b in itertools.combinations(found, 2)
    )
    return Complementarity(
        relevant=len(every),
        pairs=pairs,
        union_recall=len(set().union(*found.values())) / len(every) if every else None,
    )
