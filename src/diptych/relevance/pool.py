"""What is put before a person to judge: what any embedder found, and a few images that none did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pool(rankings: Sequence[Sequence[str]], k: int, *, below: int = 5, seed: int = 0) -> tuple[str, ...]:
    """The union of the rankings' first k, with a few at random from below, shuffled.

    The images from below show what the pool misses: where some of them are relevant, so are others that
    nobody was shown. The order depends on the set and the seed alone, so it tells nothing of who found what,
    and stays the same when judging goes on another day.

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
