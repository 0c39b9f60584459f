"""Opening what is there already: `python benchmarks/opening.py [--rows N] [--files N] [--before DIR]`.

Stored vectors until they can be searched, and a folder of many small files. Each measurement is in a process
of its own, which has imported everything before the clock runs. `--before` names a work tree of an earlier
commit (`git worktree add DIR COMMIT`), which does the same in turn on the same store and folder. 1,000,000
vectors take 7 GB of disk, in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from table import Row, print_rows

import diptych
from diptych.store.vectors import Store

PART = "Opening what is there already"
DIMENSION, RUNS, FILE_BYTES = 768, 3, 4000
HERE = Path(diptych.__file__).parents[1]

VECTORS = """
import hashlib, json, sys, time
from diptych.embedders import EmbedderInfo
from diptych.images import Collection, Limits, Picture
from diptych.retrieval.index import Index
from diptych.store.vectors import Store

class Embedder:
    info = EmbedderInfo(
        name="model", provider="", model="", dimension=768, preprocessing="", fingerprint="model"
    )

ids = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(int(sys.argv[2]))]
pictures = [Picture(one, f"{number:08}") for number, one in enumerate(ids)]
collection = Collection("made up", pictures, [], {}, Limits())
start = time.perf_counter()
with Store(sys.argv[1]) as store:
    ids = getattr(collection, "ids", None) or [picture.id for picture in collection.pictures]
    assert len(store.known("model", "image", ids)) == len(collection)
    index = Index(collection, store, ())
    index.embed_bank(Embedder())
    index.refresh(Embedder(), {})
    print(json.dumps(time.perf_counter() - start))
"""
"""What a comparison does before it ranks: which pictures have a vector, and their unit vectors."""

LISTING = """
import json, sys, time
from diptych.images import open_collection
start = time.perf_counter()
open_collection(sys.argv[1])
print(json.dumps(time.perf_counter() - start))
"""

WALK = """
import json, os, sys, time
start = time.perf_counter()
waiting = [sys.argv[1]]
while waiting:
    for item in os.scandir(waiting.pop()):
        if item.is_dir():
            waiting.append(item.path)
        elif sys.argv[2] == "bytes":
            with open(item.path, "rb") as file:
                file.read()
        else:
            item.stat()
print(json.dumps(time.perf_counter() - start))
"""
"""What listing is measured by: names and bytes, or names, sizes and times."""


def seconds(code: str, *arguments: object, cache: Path, source: Path = HERE) -> float:
    """Run a piece of code with the package in a folder and a cache; the seconds that it prints."""
    env = os.environ | {"PYTHONPATH": str(source), "DIPTYCH_CACHE": str(cache)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return float(json.loads(subprocess.run(command, env=env, check=True, capture_output=True).stdout))


def fill(path: Path, count: int) -> None:
    """Put random vectors into a store."""
    rng = np.random.default_rng(0)
    with Store(path) as store:
        for start in range(0, count, 1000):
            numbers = range(start, min(start + 1000, count))
            ids = [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers]
            store.put("model", "image", ids, rng.standard_normal((len(ids), DIMENSION), dtype=np.float32))


def vectors(scratch: Path, count: int, before: Path | None) -> Iterator[Row]:
    """Opening a store's vectors, the first time and later."""
    work = f"{count:,} stored vectors of {DIMENSION} until they can be searched"
    store, cache = scratch / f"{count}.sqlite", scratch / "cache"
    fill(store, count)
    first = seconds(VECTORS, store, count, cache=cache)
    yield Row(part=PART, work=f"{work}, the first time", values=(first,), unit="s", note="and they are kept")
    later = [seconds(VECTORS, store, count, cache=cache) for _ in range(RUNS)]
    bar = 0.5 if count >= 1_000_000 else None
    yield Row(part=PART, work=f"{work}, later", values=tuple(later), unit="s", bar=bar)
    if before is not None:
        older = scratch / "older.sqlite"  # an older version refuses this one's store
        copy_for(before, older, count)
        taken = [seconds(VECTORS, older, count, cache=cache, source=before / "src") for _ in range(RUNS)]
        values = tuple(new / old for new, old in zip(later, taken, strict=True))
        yield Row(part=PART, work=f"{work}, later", against="the commit before", values=values)


FILL = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from opening import fill
fill(Path(sys.argv[1]), int(sys.argv[2]))
"""


def copy_for(before: Path, path: Path, count: int) -> None:
    """The same vectors in a store that an older version can open."""
    env = os.environ | {"PYTHONPATH": str(before / "src")}
    command = [sys.executable, "-c", FILL, str(path), str(count), str(Path(__file__).parent)]
    subprocess.run(command, env=env, check=True)


def draw(folder: Path, count: int) -> None:
    """Small files that begin like a JPEG, a thousand in each folder."""
    content = b"\xff\xd8\xff\xe0".ljust(FILE_BYTES, b"\0")
    for number in range(count):
        inside = folder / f"{number // 1000:04}"
        inside.mkdir(parents=True, exist_ok=True)
        (inside / f"IMG_{number:07}.jpg").write_bytes(content + str(number).encode())


def listing(scratch: Path, count: int, before: Path | None) -> Iterator[Row]:
    """Opening a folder, the first time and later; the files are older than what counts as being written."""
    folder = scratch / "pictures"
    draw(folder, count)
    work = f"a folder of {count:,} files of {FILE_BYTES / 1000:g} kB"
    sources = {"": HERE} | ({"the commit before: ": before / "src"} if before is not None else {})
    for who, source in sources.items():
        first, later, read, looked = [], [], [], []
        for run in range(RUNS):
            cache = scratch / f"{len(who)}-{run}"
            read.append(seconds(WALK, folder, "bytes", cache=cache))
            first.append(seconds(LISTING, folder, cache=cache, source=source))
            looked.append(seconds(WALK, folder, "times", cache=cache))
            later.append(seconds(LISTING, folder, cache=cache, source=source))
        for when, mine, theirs, against, bar in (
            ("the first time", first, read, "os.scandir and reading the bytes", 1.2),
            ("later", later, looked, "os.scandir and stat", None),
        ):
            values = tuple(a / b for a, b in zip(mine, theirs, strict=True))
            took = float(np.median(mine))
            yield Row(
                part=PART,
                work=f"{who}{work}, {when}",
                against=against,
                values=values,
                bar=None if who else bar,
                note="all in memory: an id is the SHA-256 of a file's bytes" if bar and not who else "",
                took=took,
            )


def rows() -> Iterator[Row]:
    """All of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--before", type=Path)
    given = parser.parse_known_args()[0]
    with tempfile.TemporaryDirectory() as folder:
        yield from vectors(Path(folder), given.rows, given.before)
    with tempfile.TemporaryDirectory() as folder:
        yield from listing(Path(folder), given.files, given.before)


if __name__ == "__main__":
    print_rows(rows())
