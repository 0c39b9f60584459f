"""Few judgments that tell what all would: which pictures to judge first, and what a part of them says.

DCG@k is a sum over pictures, so the difference of two embedders' is one too: a picture counts with the
difference of its discounts in the two lists, which is its stake. What both have at the same rank, or neither
among the first k, changes nothing and need not be judged. The others are judged in a random order in which
those with high stakes tend to come first. Wherever that stops, each picture judged gives an unbiased
estimate of the difference: what came before counts as it is, the rest as expected, and the picture itself
corrects the expectation, by how far it was off, over the probability that it came next. So expectations may
be as wrong as they like: they make the estimate vary, and never lean to one side.

This is Des Raj's estimator for draws without replacement ("Some estimators in sampling with varying
probabilities without replacement", JASA 51, 1956), of the differences from an expectation (Särndal, Swensson
and Wretman, Model Assisted Survey Sampling, 1992, 6.3). The order is that of permanent random numbers
(Ohlsson, "Coordination of samples using permanent random numbers", 1995): whoever compares other embedders
later finds much of what is wanted judged. Carterette, Allan and Sitaraman ("Minimal test collections for
retrieval evaluation", SIGIR 2006) go by the same stakes without chance, and can't say how often a verdict
errs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

FIRST = 6
"""So many of a query's pictures come before the next query's: one more would tell less than a new query."""

_SKIPPED = 0.2
"""At most this share of a query's first pictures may lack a judgment: the others stand for them."""

_ASTRAY = 0.1
"""Of the queries that anything is judged of at most this share, or one, may not count.

More are judged by another order: another tool's, or for other embedders. What is missing then is what one
embedder found and the others did not, and an estimate would lean to one side.
"""

_EQUAL = 1e-12


@dataclass(frozen=True)
class Lists:
    """The pictures that any embedder has among its first k for one query.

    Attributes:
        weights: What each adds to each embedder's DCG@k if it is relevant, 0 to 1; shape (embedders,
            pictures).
        kinds: Who has it among the first k, and how far up the best of them, as a number; shape (pictures,).
        order: Those whose judgment can change who is better, in the order to judge them.
    """

    weights: Floats
    kinds: Rows
    order: Rows

    @classmethod
    def of(cls, query: str, pictures: Sequence[str], ranks: Rows, k: int) -> Lists:
        """From ranks.

        Args:
            query: Its text, by which chance is decided: the order is the same on every machine and each time.
            pictures: Their ids.
            ranks: From 0, k or more where the embedder does not have it; shape (embedders, pictures).
            k: The depth.
        """
        weights = discounts(ranks, k)
        stakes = np.ptp(weights, axis=0)
        keys = np.array([_exponential(query, picture) for picture in pictures])
        telling = np.flatnonzero(stakes > _EQUAL)
        order = telling[np.argsort(keys[telling] / stakes[telling], kind="stable")]
        return cls(weights, _kinds(ranks, k), order)

    @property
    def stakes(self) -> Floats:
        """How far each picture of the order may move the difference of two embedders; shape (order,)."""
        return np.asarray(np.ptp(self.weights[:, self.order], axis=0))


def estimated_metric(k: int) -> str:
    """What is compared where not all pictures are judged."""
    return f"DCG@{k}"


def discounts(ranks: Rows, k: int) -> Floats:
    """What each picture adds to DCG@k if it is relevant, over the DCG of k relevant ones.

    Args:
        ranks: From 0; of any shape.
        k: Pictures from this rank on add nothing.

    Returns:
        Of the same shape; 0 to 1.
    """
    ideal = (1 / np.log2(np.arange(2, k + 2))).sum()
    return np.asarray(np.where(ranks < k, 1 / np.log2(np.minimum(ranks, k) + 2.0), 0.0) / ideal)


@dataclass(frozen=True)
class Judged:
    """A query's lists with the judgments given so far.

    Attributes:
        lists: The lists.
        gains: Of each picture of the order, 0 to 1; NaN where nobody judged; shape (order,).
    """

    lists: Lists
    gains: Floats

    @property
    def complete(self) -> bool:
        """Whether all that can change who is better is judged."""
        return not np.isnan(self.gains).any()

    @property
    def reached(self) -> int:
        """Up to where the order was judged, but for a few that were skipped; 0 where it was not followed."""
        judged = ~np.isnan(self.gains)
        ends = np.flatnonzero(judged) + 1
        enough = np.cumsum(judged)[ends - 1] >= (1 - _SKIPPED) * ends
        return int(ends[enough].max(initial=0))

    @property
    def counts(self) -> bool:
        """Whether enough is judged for an estimate."""
        return self.complete or self.reached >= FIRST


def followed(queries: Sequence[Judged]) -> bool:
    """Whether the judgments were given in the order of the lists, without which there is no estimate.

    Whoever follows it judges the first of each query before going on to the next. Where judgments came some
    other way, whether a query counts depends on who found its pictures, and what is missing is not chance.

    Args:
        queries: All of them.
    """
    begun = [query.counts for query in queries if not np.isnan(query.gains).all()]
    return begun.count(False) <= max(1, _ASTRAY * len(begun))


def estimates(queries: Sequence[Judged]) -> Floats:
    """Each embedder's DCG@k for each query, as far as it takes to compare them.

    The difference of two is that of all judgments where the query is complete, and an unbiased estimate of it
    elsewhere; a value by itself means nothing, as what all rank alike is left out.

    Args:
        queries: Those that count.

    Returns:
        Shape (queries, embedders).
    """
    judged, gained = _by_kind(queries)
    return np.array([_estimate(query, judged, gained) for query in queries])


def _estimate(query: Judged, judged: Counter[int], gained: Counter[int]) -> Floats:
    """With what is expected of a kind of picture from the other queries."""
    weights = query.lists.weights[:, query.lists.order]
    if query.complete:
        return np.asarray(weights @ query.gains)
    own_judged, own_gained = _by_kind([query])
    expected = np.array(
        [
            (gained[kind] - own_gained[kind] + 1) / (judged[kind] - own_judged[kind] + 2)
            for kind in query.lists.kinds[query.lists.order].tolist()
        ]
    )
    first = np.flatnonzero(~np.isnan(query.gains[: query.reached]))
    later = np.arange(query.reached, len(expected))
    # A skipped picture is left out of the draws, and counts as expected.
    skipped = np.setdiff1d(np.arange(query.reached), first)
    aside = weights[:, skipped] @ expected[skipped]
    return np.asarray(aside + _des_raj(weights, query, expected, np.concatenate([first, later]), len(first)))


def _des_raj(weights: Floats, query: Judged, expected: Floats, drawn: Rows, judged: int) -> Floats:
    """The mean of what the first `judged` draws tell; the later know more, and count more."""
    weights, gains, expected = weights[:, drawn], query.gains[drawn], expected[drawn]
    stakes = query.lists.stakes[drawn]
    chances = stakes / np.cumsum(stakes[::-1])[::-1]
    told = [
        weights[:, :place] @ gains[:place]
        + weights[:, place:] @ expected[place:]
        + weights[:, place] * (gains[place] - expected[place]) / chances[place]
        for place in range(judged)
    ]
    return np.asarray(np.average(told, axis=0, weights=np.arange(1, judged + 1)))


def _by_kind(queries: Sequence[Judged]) -> tuple[Counter[int], Counter[int]]:
    """How many pictures of each kind were judged in their turn, and what these gained."""
    judged: Counter[int] = Counter()
    gained: Counter[int] = Counter()
    for query in queries:
        kinds = query.lists.kinds[query.lists.order].tolist()
        for kind, gain in zip(kinds[: query.reached], query.gains.tolist(), strict=False):
            if gain == gain:  # not NaN
                judged[kind] += 1
                gained[kind] += gain
    return judged, gained


def _kinds(ranks: Rows, k: int) -> Rows:
    found = (ranks < k).T @ (1 << np.arange(len(ranks)))
    return np.asarray(4 * found + np.minimum(3 * ranks.min(axis=0) // k, 3))


def _exponential(query: str, picture: str) -> float:
    """A number from the exponential distribution that always is the same for a query and a picture."""
    digest = hashlib.sha256(f"{query}\n{picture}".encode()).digest()
    uniform = (int.from_bytes(digest[:8], "big") + 0.5) / 2**64
    return float(-np.log1p(-uniform))
