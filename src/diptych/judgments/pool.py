"""What is put before a person to judge: what any embedder found, and a few images that none did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def pool(rankings: Sequence[Sequence[str]], k: int, *, below: int = 5, seed: int = 0) -> tuple[str, ...]:
    """The union of the rankings' first k, with a few at random from below, shuffled.

    The images from below show what the pool misses: where some of them are relevant, so are others that
    nobody was shown. The order depends on the set and the seed alone, so it tells nothing of who found what,
    and stays the same when judging resumes another day.

    Args:
        rankings: Each embedder's image ids, best first, all of them.
        k: How many of each to take.
        below: How many more, from those that no embedder has among its first k; fewer where there are not so
            many.
        seed: Of the choice and the shuffling; give each query its own.

    Returns:
        Image ids, each once.
    """
    random = np.random.default_rng(seed)
    found = {image for ranking in rankings for image in ranking[:k]}
    others = sorted({image for ranking in rankings for image in ranking} - found)
    chosen = random.choice(len(others), size=min(below, len(others)), replace=False)
    shown = sorted(found.union(others[row] for row in chosen))
    return tuple(shown[row] for row in random.permutation(len(shown)))


def pool_by_scores(
    text: str, ids: Sequence[str], scores: Iterable[NDArray[np.float32]], k: int, *, below: int = 5
) -> tuple[str, ...]:
    """The pool of one query, from every embedder's scores.

    Args:
        text: The query, which decides what is chosen from below and the order: the same on every machine.
        ids: The images' ids; shape (n,).
        scores: Of every image, by each embedder; each of shape (n,).
        k: How many of each embedder's hits to take.
        below: How many more, at random, from what none of them has among its first k.
    """
    images = np.array(ids)
    by_id = np.argsort(images)  # equal scores in the order in which `assess` looks at them
    orders = (np.argsort(-of_all[by_id], kind="stable") for of_all in scores)
    rankings = [images[by_id[order]].tolist() for order in orders]
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return pool(rankings, k, below=below, seed=seed)
