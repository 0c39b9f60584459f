"""Exact search against what people would use instead: `python benchmarks/searching.py`.

Unit vectors at random, 768 dimensions, top 20. Everybody gets the same vectors and a thread for each core;
indexes and tensors are ready, queries are timed. Each one's hits are checked against Diptych's. And opening a
store with 100,000 vectors, until their unit matrix is ready to be searched.
"""

from __future__ import annotations

import gc
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from table import Row, in_turn, print_rows, ratios

from diptych.embedders.base import Vectors
from diptych.retrieval.search import normalise, search
from diptych.store.vectors import Store

THREADS = os.cpu_count() or 1
"""Of everybody: numpy takes a thread for each core, the others are told to."""

PART = "Exact search"
DIMENSION, K = 768, 20
SEMANTIC_SEARCH = "sentence_transformers.util.semantic_search"
CLOSE = 1e-5
"""Scores that differ by less may be ordered either way: the others' are products in single precision."""

Hits = Vectors
"""Row numbers, best first; shape (queries, K)."""
Search = Callable[[], Hits]


def ours(images: Vectors, queries: Vectors) -> Search:
    """Diptych."""
    return lambda: np.stack([ranking.rows for ranking in search(images, queries, K)])


def with_numpy(images: Vectors, queries: Vectors) -> Search:
    """What one writes oneself: the product, the best by `argpartition`, these in order."""

    def found() -> Hits:
        scores = queries @ images.T
        best = np.argpartition(scores, -K, axis=1)[:, -K:]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        return np.take_along_axis(best, order, axis=1)

    return found


def with_faiss(images: Vectors, queries: Vectors) -> Search:
    """The exact index of inner products of faiss-cpu."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(images)
    return lambda: index.search(queries, K)[1]


def with_usearch(images: Vectors, queries: Vectors) -> Search:
    """The exact search of usearch."""
    from usearch.index import MetricKind
    from usearch.index import search as exact

    def found() -> Hits:
        matches = exact(images, queries, K, MetricKind.IP, exact=True, threads=THREADS)
        return np.asarray(matches.keys).reshape(len(queries), K)

    return found


def with_sentence_transformers(images: Vectors, queries: Vectors) -> Search:
    """What the notebook would use, with its defaults."""
    from diptych.embedders.torch_models import make_torchvision_importable

    make_torchvision_importable()
    import torch
    from sentence_transformers.util import semantic_search

    torch.set_num_threads(THREADS)
    of_images, of_queries = torch.from_numpy(images), torch.from_numpy(queries)
    return lambda: np.array(
        [[hit["corpus_id"] for hit in hits] for hits in semantic_search(of_queries, of_images, top_k=K)]
    )


OTHERS: dict[str, Callable[[Vectors, Vectors], Search]] = {
    "numpy": with_numpy,
    "faiss-cpu IndexFlatIP": with_faiss,
    "usearch, exact": with_usearch,
}


def units(seed: int, count: int) -> Vectors:
    """Unit vectors at random, made in place."""
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)
    return normalise(rows, out=rows)


def check(who: str, hits: Hits, expected: Hits, images: Vectors, queries: Vectors) -> None:
    """Raise where two searches found different images, up to ties."""
    for query, theirs, mine in zip(queries, hits, expected, strict=True):
        off = np.flatnonzero(theirs != mine)
        if np.abs(images[theirs[off]] @ query - images[mine[off]] @ query).max(initial=0) > CLOSE:
            raise SystemExit(f"{who} found other images: {theirs.tolist()}, not {mine.tolist()}")


def keep(found: dict[str, Hits], who: str, search: Search) -> None:
    """Search, and keep the hits."""
    found[who] = search()


def measured(images: Vectors, queries: Vectors, runs: int) -> Iterator[Row]:
    """One row for each of the others, and one for the fastest of those that are compared with a bar."""
    asked = "one query" if len(queries) == 1 else f"{len(queries)} queries"
    work = f"{len(images):,} × {DIMENSION}, top {K}, {asked}"
    makers = OTHERS | {SEMANTIC_SEARCH: with_sentence_transformers}
    mine = ours(images, queries)
    taken: list[float] = []
    against: dict[str, tuple[float, ...]] = {}
    found: dict[str, Hits] = {}
    for name, make in makers.items():  # one at a time: faiss keeps a copy of the vectors
        theirs = make(images, queries)
        works = [partial(keep, found, "ours", mine), partial(keep, found, "theirs", theirs)]
        own, their_own = in_turn(works, runs)
        check(name, found["theirs"], found["ours"], images, queries)
        taken += own
        against[name] = ratios(own, their_own)
        del theirs, works
        gc.collect()
    took = float(np.median(taken))
    for name, values in against.items():
        if name == SEMANTIC_SEARCH:
            yield Row(
                part=PART,
                work=f"{work}: times faster",
                against=name,
                values=tuple(1 / value for value in values),
                bar=8 if len(queries) == 1 else None,
                better="at least",
                took=took,
            )
        else:
            yield Row(part=PART, work=work, against=name, values=values, took=took)
    fastest = max(OTHERS, key=lambda name: float(np.median(against[name])))
    against_it = f"the fastest of these: {fastest}"
    yield Row(part=PART, work=work, against=against_it, values=against[fastest], bar=1.2, took=took)


def opening(count: int, runs: int) -> Row:
    """Seconds to open a store, read all vectors and scale them."""
    ids = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        with Store(path) as store:
            for start in range(0, count, 1000):
                store.put("model", "image", ids[start : start + 1000], units(start, 1000))

        def opened() -> None:
            with Store(path) as store:
                vectors = store.get("model", "image", ids)
            normalise(vectors, out=vectors)

        (taken,) = in_turn([opened], runs)
    return Row(
        part=PART,
        work=f"opening a store with {count:,} vectors of {DIMENSION}, until they can be searched",
        values=tuple(taken),
        unit="s",
        bar=2.0,
        note="the process runs already; its start is not counted",
    )


def rows() -> Iterator[Row]:
    """All rows of this part."""
    yield opening(100_000, runs=3)
    for count, runs_of_one, runs_of_many in ((200_000, 7, 2), (1_000_000, 5, 1)):
        images = units(0, count)
        yield from measured(images, units(1, 1), runs_of_one)
        yield from measured(images, units(1, 100), runs_of_many)
        del images


if __name__ == "__main__":
    print_rows(rows())
