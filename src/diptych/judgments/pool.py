"""What is put before a person to judge: what any embedder found, and a few images that none did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diptych.evaluation.drawn import FIRST, Lists


class Pool(NamedTuple):
    """What there is to judge for a query, in an order that does not tell who found what.

    Attributes:
        query: The query's text.
        first: Image ids that are enough for an estimate of which embedder is better.
        telling: Those that make the estimate exact.
        others: Those that can't change which is better, but what is said of each list: what all embedders
            rank alike, and a few that none of them found.
    """

    query: str
    first: tuple[str, ...]
    telling: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def images(self) -> tuple[str, ...]:
        """All of them, in this order."""
        return self.first + self.telling + self.others


def pool(
    query: str, ids: Sequence[str], scores: Iterable[NDArray[np.float32]], k: int, *, below: int = 5
) -> Pool:
    """The union of the embedders' first k, with a few at random from below.

    The images from below show what the pool misses: where some of them are relevant, so are others that
    nobody was shown. The order depends on the query and on what was found alone: it stays the same when
    judging resumes another day.

    Args:
        query: Its text, by which chance is decided: alike on every machine.
        ids: The images' ids; shape (n,).
        scores: Of every image, by each embedder; each of shape (n,).
        k: How many of each embedder's hits to take.
        below: How many more, from those that no embedder has among its first k; fewer where there are not so
            many.

    Returns:
        Each image once.
    """
    by_id = np.argsort(ids)  # equal scores in the order in which `assess` looks at them
    images = np.array(ids)[by_id]
    firsts = [np.argsort(-of_all[by_id], kind="stable")[:k] for of_all in scores]
    found = np.unique(np.concatenate(firsts))
    ranks = np.full((len(firsts), len(found)), k)
    for row, first in zip(ranks, firsts, strict=True):
        row[np.searchsorted(found, first)] = np.arange(len(first))
    telling = found[Lists.of(query, images[found].tolist(), ranks, k).order]
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(query.encode()).digest()[:8], "big"))
    unfound = np.setdiff1d(np.arange(len(images)), found)
    more = random.choice(unfound, size=min(below, len(unfound)), replace=False)
    others = random.permutation(np.concatenate([np.setdiff1d(found, telling), more]))
    first, rest = images[telling[:FIRST]], images[telling[FIRST:]]
    return Pool(query, tuple(first.tolist()), tuple(rest.tolist()), tuple(images[others].tolist()))
