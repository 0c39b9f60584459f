"""How well several embedders share one pass: `python benchmarks/one_pass.py [--pictures 200] [--runs 3]`.

Each picture of 12 megapixels is decoded once for all of them. A CLIP of ViT-B/32's size, `palette` and the
emulator of a hosted service together are compared with the limit: the larger of all processor work (one
decode, every preparation, forward passes, what it takes to send and, in the emulator's process, to answer,
each measured alone) spread evenly over the cores, and the hosted calls. Two such CLIPs are compared with the
last commit that went through the pictures once for each embedder, which is taken out of git.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import hosted
import numpy as np
import stand_ins
from embedding import SAMPLE, limit
from PIL import Image
from table import Row, print_rows, ratios

import diptych
from diptych.embedders import Embedder
from diptych.images import decode, memory_kept

MEGAPIXELS = 12
BEFORE = "ac4c193"
"""The commit before all embedders went through the pictures in one pass."""

ROOT = Path(__file__).parent.parent
MEASURED = """
import sys, tempfile, time
from pathlib import Path
from PIL import Image
import diptych

folder, *specs = sys.argv[1:]
embedders = [diptych.load(spec) for spec in specs]
for embedder in embedders:  # what is loaded and imported at the first call is not the pipeline's
    embedder.embed_images([embedder.prepare_image(Image.new("RGB", (640, 480)))])
with tempfile.TemporaryDirectory() as scratch, diptych.Store(Path(scratch) / "store.sqlite") as store:
    bench = diptych.Workbench(folder, embedders, store=store)
    start = time.perf_counter()
    filled = bench.embed()
    print(time.perf_counter() - start)
    assert all(each.embedded == len(bench.collection) for each in filled.values()), filled
"""


def took(source: Path, folder: Path, specs: Sequence[str]) -> float:
    """Seconds in which a Diptych, by its source, embeds a folder with all of these."""
    command = [sys.executable, "-c", MEASURED, str(folder), *specs]
    env = os.environ | {"PYTHONPATH": str(source)}
    run = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return float(run.stdout.splitlines()[-1])


def before() -> Path:
    """The source as it was, out of git."""
    place = stand_ins.PLACE / f"diptych-{BEFORE}"
    if not place.exists():
        archive = subprocess.run(
            ["git", "archive", BEFORE, "src"], cwd=ROOT, check=True, stdout=subprocess.PIPE
        ).stdout
        place.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", str(place)], input=archive, check=True)
    return place / "src"


def clip(seed: int = 0) -> str:
    """The spec of a CLIP of ViT-B/32's size; another seed makes another model."""
    return f"sentence-transformers:{stand_ins.clip('ViT-B/32', seed)}"


def preparing(embedder: Embedder, pictures: Sequence[Image.Image]) -> float:
    """Processor time in which an embedder prepares a decoded picture."""
    busy = time.thread_time()
    for picture in pictures:
        embedder.prepare_image(picture)
    return (time.thread_time() - busy) / len(pictures)


def sending(embedder: Embedder, pictures: Sequence[Image.Image], emulator: int) -> float:
    """Processor time in which a picture is sent and answered; the latter in the emulator's process."""
    ready = [embedder.prepare_image(picture) for picture in pictures]
    busy = time.process_time() + hosted.processor_time(emulator)
    for each in ready:
        embedder.embed_images([each])
    return (time.process_time() + hosted.processor_time(emulator) - busy) / len(pictures)


def bound(paths: Sequence[Path], model: Embedder, others: Sequence[Embedder], emulator: int) -> float:
    """Seconds that nothing can be faster than which does all this work on these cores.

    Args:
        paths: The pictures.
        model: The one that computes here.
        others: Those beside it: `palette`, and the one whose calls the emulator answers.
        emulator: Its process.
    """
    with memory_kept(1):
        pictures = [decode(path.read_bytes()) for path in paths[:SAMPLE]]
        beside = sum(preparing(each, pictures) for each in others) + sending(others[-1], pictures, emulator)
        del pictures
    work = limit(model, paths) + len(paths) * beside / (os.cpu_count() or 1)
    return max(work, math.ceil(len(paths) / hosted.IN_FLIGHT) * hosted.LATENCY)


def three(count: int, runs: int) -> Iterator[Row]:
    """A local model, one that hardly computes, and a hosted one, against the limit and the commit before."""
    os.environ["VERTEX_ACCESS_TOKEN"] = "any"
    folder = stand_ins.photographs(count, MEGAPIXELS)
    paths = sorted(folder.iterdir())
    with hosted.running() as (url, emulator):
        options = f"project=p&requests_per_minute=0&concurrency={hosted.IN_FLIGHT}&endpoint={url}"
        specs = [clip(), "palette", f"vertex?{options}"]
        model, *others = [diptych.load(spec) for spec in specs]
        bounds, now, then = [bound(paths, model, others, emulator)], list[float](), list[float]()
        for _ in range(runs):
            now.append(took(ROOT / "src", folder, specs))
            bounds.append(bound(paths, model, others, emulator))
            then.append(took(before(), folder, specs))
    part = f"One pass: {count} pictures of {MEGAPIXELS} megapixels"
    what = (
        f"ViT-B/32, palette and the Vertex emulator ({hosted.LATENCY} s a call, {hosted.IN_FLIGHT} in flight)"
    )
    around = [(earlier + later) / 2 for earlier, later in pairwise(bounds)]
    middle = float(np.median(now))
    yield Row(
        part=part, work=what, against="the limit", values=ratios(now, around), bar=1.10, took=middle,
        note="the emulator's own work on the same cores is in the limit",
    )  # fmt: skip
    yield Row(
        part=part, work="the same: times faster", against=f"one embedder after the other ({BEFORE})",
        values=ratios(then, now), took=middle,
    )  # fmt: skip


def two(count: int, runs: int) -> Iterator[Row]:
    """Two local models, against the commit before."""
    folder, specs = stand_ins.photographs(count, MEGAPIXELS), [clip(), clip(1)]
    now, then = list[float](), list[float]()
    for _ in range(runs):
        then.append(took(before(), folder, specs))
        now.append(took(ROOT / "src", folder, specs))
    yield Row(
        part=f"One pass: {count} pictures of {MEGAPIXELS} megapixels",
        work="two ViT-B/32: times faster",
        against=f"one embedder after the other ({BEFORE})",
        values=ratios(then, now),
        bar=1.25,
        better="at least",
        took=float(np.median(now)),
        note="decoded once for both, and prepared once, as both prepare alike",
    )


def rows() -> Iterator[Row]:
    """Both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_known_args()[0]
    yield from three(options.pictures, options.runs)
    yield from two(options.pictures, options.runs)


if __name__ == "__main__":
    print_rows(rows())
