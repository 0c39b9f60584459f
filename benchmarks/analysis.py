"""How long the analysis takes beyond embedding, and how that grows: `python benchmarks/analysis.py`.

20 text queries, two embedders, 10,000 and 100,000 images of 512 dimensions, a bank of 64 texts; vectors at
random, with a few images near each query.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from table import Row, in_turn, print_rows

from diptych.cores import on_all_cores
from diptych.embedders.base import Vectors
from diptych.images import Collection, Limits, Picture
from diptych.queries import TextQuery
from diptych.result.describe import describe_comparison
from diptych.retrieval.index import Snapshot
from diptych.retrieval.null_bank import EmbeddedBank, default_bank
from diptych.retrieval.search import normalise
from diptych.retrieval.searcher import Answer, Answers, Searcher

QUERIES, DIMENSION, NAMES, K = 20, 512, ("a", "b"), 20
FEW, MANY, RUNS = 10_000, 100_000, 2
PART = "The analysis"
BAR = 5.0
"""Seconds that 10,000 images may take: less than a person waits for a page."""

NOISE = 1.1


def space(rng: np.random.Generator, contents: Vectors, queries: Vectors) -> tuple[Vectors, Vectors, Vectors]:
    """Unit vectors of images, bank and queries: what is in the pictures, and each embedder's own noise."""
    images = contents + rng.standard_normal(contents.shape, np.float32)
    for row, query in enumerate(queries):
        images[row * 7 : row * 7 + 7] += 0.5 * query
    bank = rng.standard_normal((len(default_bank()), DIMENSION), np.float32)
    return normalise(images, out=images), normalise(bank), normalise(queries)


def analysing(count: int) -> Callable[[], object]:
    """The bank, the cuts with their resampling, and the agreement, of vectors that are there."""
    rng = np.random.default_rng(0)
    contents = rng.standard_normal((count, DIMENSION), np.float32)
    vectors = rng.standard_normal((QUERIES, DIMENSION), np.float32)
    spaces = {name: space(rng, contents, vectors) for name in NAMES}
    pictures = [Picture(id=f"{row:064x}", name=f"{row:06}.jpg") for row in range(count)]
    return lambda: analyse(spaces, pictures)


def analyse(spaces: Mapping[str, tuple[Vectors, Vectors, Vectors]], pictures: list[Picture]) -> object:
    """What a comparison does after the last vector is there."""
    queries = [TextQuery(f"query {row}") for row in range(QUERIES)]
    ids = [picture.id for picture in pictures]

    def ask(name: str) -> tuple[Searcher, list[Answer]]:
        images, bank, asked = spaces[name]
        searcher = Searcher(ids, images, EmbeddedBank(default_bank(), bank))
        return searcher, searcher.answer(queries, asked, K)

    found = dict(zip(NAMES, on_all_cores(ask, NAMES, len(ids)), strict=True))
    snapshot = Snapshot(tuple(pictures), {name: searcher for name, (searcher, _) in found.items()})
    of_each = (answers for _, answers in found.values())
    by_query = [dict(zip(NAMES, row, strict=True)) for row in zip(*of_each, strict=True)]
    answers = Answers(snapshot.pictures, queries, by_query)
    collection = Collection("made up", pictures, (), {}, Limits())
    return describe_comparison(collection, (), snapshot, answers, k=K, work={})


def rows() -> Iterator[Row]:
    """Seconds for either size, and how their ratio compares with n log n."""
    works = [analysing(FEW), analysing(MANY)]
    works[0]()  # scipy is imported, what is kept between runs is there
    few, many = in_turn(works, RUNS)
    work = f"{len(NAMES)} embedders × {QUERIES} queries"
    yield Row(part=PART, work=f"{work} × {FEW:,} images", values=tuple(few), unit="s", bar=BAR)
    yield Row(part=PART, work=f"{work} × {MANY:,} images", values=tuple(many), unit="s")
    expected = MANY * math.log(MANY) / (FEW * math.log(FEW))
    yield Row(
        part=PART,
        work=f"growth from {FEW:,} to {MANY:,} images",
        against=f"n log n, which is {expected:.1f} times",
        values=tuple(b / a / expected for a, b in zip(few, many, strict=True)),
        bar=NOISE,
        note="a tenth is left for noise",
    )


if __name__ == "__main__":
    print_rows(rows())
