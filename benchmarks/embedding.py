"""How fast pictures are embedded on this machine: `python benchmarks/embedding.py`.

CLIP-sized models with random weights, on pictures of a camera's size (stand_ins.py). Each is held against two
things. The notebook's loop: `[Image.open(p) for p in …]`, then `SentenceTransformer.encode(batch_size=128)`.
And the limit: the larger of the bare forward passes on ready tensors, and all processor work (decode,
prepare, forward, each measured alone) spread evenly over the cores. `--device cuda` measures a GPU: half
precision against bare forward passes in half precision.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import stand_ins
from PIL import Image
from table import Row, print_rows, ratios, seconds

import diptych
from diptych.analysis.agreement import rank_agreement
from diptych.embedders import Embedder
from diptych.embedders.base import Vectors
from diptych.images import Collection, decode, open_collection
from diptych.pipeline import embed_images, image_vectors
from diptych.search import normalise, score_all
from diptych.store import Store

PART = "Embedding on this machine"
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
    fast: bool = True

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.size} by {self.engine}, {self.pictures} pictures of {self.megapixels:g} megapixels"

    @property
    def spec(self) -> str:
        """What is loaded."""
        make = stand_ins.clip if self.engine == "sentence-transformers" else stand_ins.onnx
        return f"{self.engine}:{make(self.size)}"


CASES = (
    Case("ViT-B/32", "sentence-transformers", 12, 40, runs=3),
    Case("ViT-B/32", "sentence-transformers", 1, 100, runs=3),
    Case("ViT-B/32", "onnx", 12, 40, runs=2, notebook=False),
    Case("ViT-B/32", "onnx", 1, 100, runs=2, notebook=False),
    Case("ViT-L/14", "sentence-transformers", 12, 12, runs=2, fast=False),
)


@dataclass
class Times:
    """Seconds of each run, by what was run."""

    exact: list[float] = field(default_factory=list)
    fast: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    notebook: list[float] = field(default_factory=list)


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
    decoding, images = work(lambda: [decode(each) for each in data])
    preparing, ready = work(lambda: [embedder.prepare_image(image) for image in images])
    batch = (ready * 32)[: min(32, len(paths))]
    calls = embedder.info.concurrency
    each = -(-len(batch) // calls)
    start, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(calls) as threads:  # as many as are meant to run at once
        list(threads.map(embedder.embed_images, (batch[at : at + each] for at in range(0, len(batch), each))))
    waiting, computing = time.perf_counter() - start, time.process_time() - busy
    spread = ((decoding + preparing) / SAMPLE + computing / len(batch)) / (os.cpu_count() or 1)
    return len(paths) * max(waiting / len(batch), spread)


def work(what: Callable[[], list[Any]]) -> tuple[float, list[Any]]:
    """Processor seconds of one thread, and what came of it."""
    gc.collect()
    busy = time.thread_time()
    made = what()
    return time.thread_time() - busy, made


def measure(case: Case) -> Iterator[Row]:
    """All about one case."""
    collection = open_collection(stand_ins.photographs(case.pictures, case.megapixels))
    paths = sorted(stand_ins.photographs(case.pictures, case.megapixels).iterdir())
    exact, fast = diptych.load(case.spec), diptych.load(f"{case.spec}?precision=fast")
    model = load_notebook(case) if case.notebook else None
    for embedder in (exact, fast) if case.fast else (exact,):  # loaded, and what is made at a first call
        embedder.embed_images([embedder.prepare_image(Image.open(paths[0]).convert("RGB"))])
    times, vectors = Times(), {}
    for _ in range(case.runs):
        times.limit.append(limit(exact, paths))
        times.exact.append(seconds(lambda: vectors.update(exact=embed(collection, exact))))
        if case.fast:
            times.fast.append(seconds(lambda: vectors.update(fast=embed(collection, fast))))
        if model is not None:
            times.notebook.append(seconds(lambda: vectors.update(notebook=notebook(model, paths))))
    for each in rows_of(case, times):
        yield dataclasses.replace(each, note=note(case, each, fast))
    if model is not None:
        yield same(case, model, paths, vectors["exact"])
    if case.fast:
        yield from price(case, exact, vectors["exact"], vectors["fast"])


def note(case: Case, made: Row, fast: Embedder) -> str:
    """What a figure comes from."""
    if made.work == "fast":
        how = fast.info.preprocessing.rpartition("; fast: ")[2]
        return how if case.megapixels > 1 else f"{how}: half of 1 megapixel would be too few, so not here"
    if case.engine == "onnx" and made.against == "the limit":
        return "onnxruntime's threads share each layer, and wait for a core that decodes"
    if case.megapixels > 1 and made.against == "the limit":
        return "cores that decode at once share the memory: see below"
    return ""


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
    return dataclasses.replace(row(case, "exact", "the notebook's vectors", (apart,), "", 1e-5), note=note)


def rows_of(case: Case, times: Times) -> Iterator[Row]:
    """The ratios."""
    reached = ratios(times.exact, times.limit)
    yield row(case, "exact", "the limit", reached, "×", 1.10, took=times.exact)
    if times.notebook:
        faster = ratios(times.notebook, times.exact)
        yield row(case, "exact", "faster than the notebook's loop", faster, "×", 1.0, least=True)
    if times.notebook and times.fast:
        faster = ratios(times.notebook, times.fast)
        yield row(case, "fast", "faster than the notebook's loop", faster, "×", 2.0, least=True)
    if times.fast:
        more = ratios(times.exact, times.fast)
        yield row(case, "fast", "faster than exact", more, "×", None, least=True, took=times.fast)


def price(case: Case, embedder: Embedder, exact: Vectors, fast: Vectors) -> Iterator[Row]:
    """What fast mode costs: how far its vectors and its rankings are from the exact ones."""
    cosines = np.sum(normalise(exact) * normalise(fast), axis=1)
    yield row(case, "fast: smallest cosine", "exact", (float(cosines.min()),), "", 0.999, least=True)
    texts = normalise(embedder.embed_texts(TEXTS))
    both = [score_all(normalise(vectors), texts) for vectors in (exact, fast)]
    orders = [np.argsort(-scores, axis=1, kind="stable") for scores in both]
    found = [rank_agreement(*each).rbo for each in zip(*both, *orders, strict=True)]
    overlap = [each for each in found if each is not None]
    yield row(case, "fast: rank-biased overlap of six queries", "exact", tuple(overlap), "", None, least=True)


def row(
    case: Case,
    what: str,
    against: str,
    values: tuple[float, ...],
    unit: str,
    bar: float | None,
    *,
    least: bool = False,
    took: Sequence[float] = (),
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
    )


def on_device(device: str) -> Iterator[Row]:
    """ViT-L/14 in half precision on a GPU: pictures a second end to end, against its bare forward passes."""
    spec = f"{Case('ViT-L/14', 'sentence-transformers', 1, 400, 3).spec}?precision=fast&device={device}"
    embedder = diptych.load(spec)
    for megapixels, pictures in ((1, 400), (12, 200)):
        case = Case("ViT-L/14", f"sentence-transformers on {device}", megapixels, pictures, runs=3)
        folder = stand_ins.photographs(pictures, megapixels)
        paths = sorted(folder.iterdir())
        collection = open_collection(folder)
        embed(collection, embedder)
        bounds, taken = [], []
        for _ in range(case.runs):
            bounds.append(limit(embedder, paths))
            taken.append(seconds(partial(embed, collection, embedder)))
        yield row(case, "fast", "the limit", ratios(taken, bounds), "×", 1.25, took=taken)
        speed = tuple(pictures / each for each in taken)
        yield row(case, "fast", "", speed, "pictures a second", None, least=True)


def rows() -> Iterator[Row]:
    """All cases, or those of a device."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    device = parser.parse_known_args()[0].device
    if device != "cpu":
        yield from on_device(device)
        return
    for case in CASES:
        yield from measure(case)


if __name__ == "__main__":
    print_rows(rows())
