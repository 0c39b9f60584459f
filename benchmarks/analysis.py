"""How long the analysis takes beyond embedding: `python benchmarks/analysis.py`.

20 text queries, two embedders, 10,000 images of 512 dimensions, a bank of 64 texts; vectors at random, with
a few images near each query. Prints the seconds of each part and their sum.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from diptych.bank import default_bank
from diptych.description import describe, describe_all, describe_bank, describe_spaces
from diptych.embedders.base import Vectors
from diptych.images import Picture
from diptych.queries import TextQuery
from diptych.search import normalise
from diptych.view import EmbeddedBank, View

QUERIES, IMAGES, DIMENSION, NAMES, K = 20, 10_000, 512, ("a", "b"), 20
BAR = 5.0


@contextmanager
def timed(part: str, seconds: dict[str, float]) -> Iterator[None]:
    """Note how long the block takes."""
    start = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - start


def space(rng: np.random.Generator, contents: Vectors, queries: Vectors) -> tuple[Vectors, Vectors, Vectors]:
    """Unit vectors of images, bank and queries: what is in the pictures, and each embedder's own noise."""
    images = contents + rng.normal(size=contents.shape)
    for row, query in enumerate(queries):
        images[row * 7 : row * 7 + 7] += 0.5 * query
    bank = rng.normal(size=(len(default_bank()), DIMENSION))
    return normalise(images), normalise(bank), normalise(queries)


def main() -> None:
    """Print one line a part."""
    rng = np.random.default_rng(0)
    contents = rng.normal(size=(IMAGES, DIMENSION))
    vectors = rng.normal(size=(QUERIES, DIMENSION))
    spaces = {name: space(rng, contents, vectors) for name in NAMES}
    queries = [TextQuery(f"query {row}") for row in range(QUERIES)]
    pictures = [Picture(id=f"{row:064x}", name=f"{row:05}.jpg") for row in range(IMAGES)]
    ids = [found.id for found in pictures]
    seconds: dict[str, float] = {}
    with timed("bank", seconds):
        views = {
            name: View(ids, images, EmbeddedBank(default_bank(), bank))
            for name, (images, bank, _) in spaces.items()
        }
    with timed("rank and stand", seconds):
        answers = {name: view.answer(queries, spaces[name][2], K) for name, view in views.items()}
    with timed("describe", seconds):
        by_query = [dict(zip(NAMES, row, strict=True)) for row in zip(*answers.values(), strict=True)]
        described = describe(queries, by_query, pictures, (), K)
    with timed("spaces", seconds):
        agreement = describe_spaces({name: view.units for name, view in views.items()}, pictures)
    with timed("over all", seconds):
        banks = {name: describe_bank(view, pictures) for name, view in views.items()}
        describe_all(described, banks, agreement, IMAGES)
    for part, taken in seconds.items():
        print(f"{part:16} {taken:6.2f} s")
    print(f"{'all':16} {sum(seconds.values()):6.2f} s, bar {BAR} s")
    breaks = [query.stratification[name].verdict for query in described for name in NAMES]
    print(", ".join(f"{verdict} {breaks.count(verdict)}" for verdict in sorted(set(breaks))))


if __name__ == "__main__":
    main()
