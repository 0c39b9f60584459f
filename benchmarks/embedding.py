"""How fast pictures are embedded on this machine: `python benchmarks/embedding.py`.

CLIP-sized models with random weights, on pictures of a camera's size (stand_ins.py). Each is compared to two
things. The notebook's loop: `[Image.open(p) for p in …]`, then `SentenceTransformer.encode(batch_size=128)`.
And the limit: the larger of the bare forward passes on ready tensors, and all processor work (decode,
prepare, forward, each measured alone) spread evenly over the cores. `--pictures 200` takes more pictures;
`--device cuda` measures a GPU: half precision against bare forward passes in half precision.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import stand_ins
from PIL import Image
from table import Row, in_turn, print_rows, ratios, seconds

import diptych
from diptych.analysis.agreement import rank_agreement
from diptych.embedders import Embedder
from diptych.embedders.base import Vectors
from diptych.images import Collection, decode, memory_kept, open_collection
from diptych.pipeline import embed_images, image_vectors
from diptych.retrieval.search import normalise, score_all
from diptych.store.vectors import Store

PART = "Embedding on this machine"
NOTEBOOK = "the notebook's loop"
RUNS = 3
"""Against the limit; what is compared with other ways is run as often as its case says."""

SAMPLE = 8
"""Pictures that decoding and preparing are measured on alone."""

TEXTS = [f"a {size} {colour} thing" for size in ("small", "large") for colour in ("red", "green", "blue")]


@dataclass(frozen=True)
class Case:
    """What is measured: a model, how it is run, on how many pictures of which size, how often."""

    size: str
    engine: str
    megapixels: float
    pictures: int
    runs: int
    notebook: bool = True
    faster: tuple[str, ...] = ("fast",)
    """Ways to be faster, of `OPTIONS`."""

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.size} by {self.engine}, {self.pictures} pictures of {self.megapixels:g} megapixels"

    def load(self, way: str) -> Embedder:
        """The model, run in one of the ways of `OPTIONS`, warmed up."""
        engine = "onnx" if way == IN_8_BITS else self.engine
        model = (stand_ins.onnx if engine == "onnx" else stand_ins.clip)(self.size)
        embedder = diptych.load(f"{engine}:{model}{OPTIONS[way]}")
        embedder.embed_images([embedder.prepare_image(Image.new("RGB", (640, 480)))])
        return embedder


IN_8_BITS = "8-bit by onnx"
OPTIONS = {"exact": "", "fast": "?precision=fast", IN_8_BITS: "?variant=q8&precision=fast"}
"""Ways to run a model, exact or faster."""

CASES = (
    Case("ViT-B/32", "sentence-transformers", 12, 40, runs=2, faster=("fast", IN_8_BITS)),
    Case("ViT-B/32", "sentence-transformers", 1, 60, runs=2, faster=("fast", IN_8_BITS)),
    Case("ViT-B/32", "onnx", 12, 40, runs=2, notebook=False),
    Case("ViT-B/32", "onnx", 1, 60, runs=2, notebook=False, faster=()),
    Case("ViT-L/14", "sentence-transformers", 12, 12, runs=2, faster=()),
)


def embed(collection: Collection, embedder: Embedder) -> Vectors:
    """What a person waits for: read, decode, prepare, embed, store."""
    with tempfile.TemporaryDirectory() as scratch, Store(Path(scratch) / "store.sqlite") as store:
        embed_images(collection, embedder, store)
        return image_vectors(collection.pictures, embedder, store)


def notebook(model: Any, paths: Sequence[Path]) -> Vectors:
    """The loop that people write."""
    vectors: Vectors = model.encode(
        [Image.open(path) for path in paths], batch_size=128, convert_to_numpy=True, show_progress_bar=False
    )
    return vectors


def limit(embedder: Embedder, paths: Sequence[Path]) -> float:
    """Seconds that nothing can be faster than which does the same work on these cores."""
    data = [path.read_bytes() for path in paths[:SAMPLE]]
    gc.collect()
    with memory_kept(1):
        busy = time.thread_time()
        ready = [embedder.prepare_image(decode(each)) for each in data]
        preparing = (time.thread_time() - busy) / len(data)
    batch = (ready * 32)[: min(32, len(paths))]
    calls = embedder.info.concurrency
    each = -(-len(batch) // calls)
    start, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(calls) as threads:  # as many as are meant to run at once
        list(threads.map(embedder.embed_images, (batch[at : at + each] for at in range(0, len(batch), each))))
    waiting, computing = time.perf_counter() - start, time.process_time() - busy
    spread = (preparing + computing / len(batch)) / (os.cpu_count() or 1)
    return len(paths) * max(waiting / len(batch), spread)


def measure(case: Case) -> Iterator[Row]:
    """All about one case."""
    folder = stand_ins.photographs(case.pictures, case.megapixels)
    collection, paths = open_collection(folder), sorted(folder.iterdir())
    embedders = {way: case.load(way) for way in ("exact", *case.faster)}
    bound, reached, took = against_limit(collection, paths, embedders["exact"])
    yield row(case, "exact", "the limit", reached, "×", 1.10, took=took)
    if not case.notebook and not case.faster:
        return
    vectors: dict[str, Vectors] = {}
    works = [partial(keep, vectors, way, collection, embedder) for way, embedder in embedders.items()]
    model = load_notebook(case) if case.notebook else None
    if model is not None:
        works.append(partial(notebook, model, paths))
    taken = dict(zip((*embedders, NOTEBOOK), in_turn(works, case.runs), strict=False))
    yield from comparisons(case, taken, bound, embedders)
    if model is not None:
        yield same(case, model, paths, vectors["exact"])
    for way in case.faster:
        yield from price(case, way, embedders["exact"], vectors)


def against_limit(
    collection: Collection, paths: Sequence[Path], embedder: Embedder
) -> tuple[float, tuple[float, ...], list[float]]:
    """The limit in seconds, how many times that each run took, and its seconds.

    The machine is not as fast at all times, so each run is compared with the limits before and after it.
    """
    bounds, taken = [limit(embedder, paths)], []
    for _ in range(RUNS):
        taken.append(seconds(partial(embed, collection, embedder)))
        bounds.append(limit(embedder, paths))
    around = [(before + after) / 2 for before, after in pairwise(bounds)]
    return float(np.median(bounds)), ratios(taken, around), taken


def keep(vectors: dict[str, Vectors], way: str, collection: Collection, embedder: Embedder) -> None:
    """Embed, and keep the vectors."""
    vectors[way] = embed(collection, embedder)


def load_notebook(case: Case) -> Any:
    """The model as the notebook loads it."""
    from diptych.embedders.sentence_transformers.loading import import_libraries

    import_libraries()
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(stand_ins.clip(case.size)), device="cpu")


def same(case: Case, model: Any, paths: Sequence[Path], vectors: Vectors) -> Row:
    """Whether the notebook gets the same vectors, of pictures that Pillow prepares as ours are.

    Where torchvision is installed, transformers would take that, which resizes a little differently.
    """
    from diptych.embedders.sentence_transformers.loading import prepare_with_pillow

    prepare_with_pillow(model)
    theirs = normalise(notebook(model, paths[:SAMPLE]))
    apart = float(np.abs(normalise(vectors)[:SAMPLE] - theirs).max())
    note = "unit vectors, the greatest difference of two numbers; both prepared by Pillow"
    return row(case, "exact", "the notebook's vectors", (apart,), "", 1e-5, note=note)


def comparisons(
    case: Case, taken: Mapping[str, Sequence[float]], bound: float, embedders: Mapping[str, Embedder]
) -> Iterator[Row]:
    """How the ways compare with each other and with the notebook."""
    for way in case.faster:
        more = ratios(taken["exact"], taken[way])
        how = embedders[way].info.preprocessing.rpartition("; fast: ")[2]
        yield row(case, way, "faster than exact", more, "×", least=True, took=taken[way], note=how)
    if case.notebook:
        against, loop = f"faster than {NOTEBOOK}", taken[NOTEBOOK]
        yield row(case, "the limit", against, tuple(each / bound for each in loop), "×", least=True)
        for way, bar in (("exact", 1.0), *((way, 2.0) for way in case.faster)):
            yield row(case, way, against, ratios(loop, taken[way]), "×", bar, least=True)


def price(case: Case, way: str, embedder: Embedder, vectors: Mapping[str, Vectors]) -> Iterator[Row]:
    """What being faster costs: how far vectors and rankings are from the exact ones."""
    exact, faster = (normalise(vectors[each]) for each in ("exact", way))
    lost = max(0.0, 1 - float(np.sum(exact * faster, axis=1).min()))
    yield row(case, f"{way}: 1 less the smallest cosine", "exact", (lost,), "", 0.001)
    texts = normalise(embedder.embed_texts(TEXTS))
    both = [score_all(images, texts) for images in (exact, faster)]
    orders = [np.argsort(-scores, axis=1, kind="stable") for scores in both]
    found = [rank_agreement(*each)[0].rbo for each in zip(*both, *orders, strict=True)]
    overlap = tuple(each for each in found if each is not None)
    yield row(case, f"{way}: rank-biased overlap of six queries", "exact", overlap, "", least=True)


def row(
    case: Case,
    what: str,
    against: str,
    values: tuple[float, ...],
    unit: str,
    bar: float | None = None,
    *,
    least: bool = False,
    took: Sequence[float] = (),
    note: str = "",
) -> Row:
    """A row of the table."""
    return Row(
        part=f"{PART}: {case.name}",
        work=what,
        against=against,
        values=values,
        unit=unit,
        bar=bar,
        better="at least" if least else "at most",
        took=float(np.median(took)) if took else None,
        note=note,
    )


def on_device(device: str) -> Iterator[Row]:
    """ViT-L/14 in half precision on a GPU: pictures a second end to end, against its bare forward passes."""
    spec = f"sentence-transformers:{stand_ins.clip('ViT-L/14')}?precision=fast&device={device}"
    embedder = diptych.load(spec)
    for megapixels, pictures in ((1, 400), (12, 200)):
        case = Case("ViT-L/14", f"sentence-transformers on {device}", megapixels, pictures, runs=3)
        folder = stand_ins.photographs(pictures, megapixels)
        collection, paths = open_collection(folder), sorted(folder.iterdir())
        embed(collection, embedder)
        _, reached, taken = against_limit(collection, paths, embedder)
        yield row(case, "fast", "the limit", reached, "×", 1.25, took=taken)
        yield row(case, "fast", "", tuple(pictures / each for each in taken), "pictures a second")


def rows() -> Iterator[Row]:
    """All cases, or those of a device."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pictures", type=int, help="in each case of ViT-B/32 and its loop, once")
    options = parser.parse_known_args()[0]
    if options.device != "cpu":
        yield from on_device(options.device)
        return
    for case in CASES:
        if not options.pictures:
            yield from measure(case)
        elif case.notebook and case.size == "ViT-B/32":
            yield from measure(dataclasses.replace(case, pictures=options.pictures, runs=1))


if __name__ == "__main__":
    print_rows(rows())
