"""The command again with everything stored; starting; the report: `python benchmarks/again.py`.

The pictures are 100 photographs, each several times with another byte at its end, so that all are different
files. CLIP is a stand-in: random weights in the layout of the real one, and made-up vectors in the store, for
nothing is embedded when everything is stored.
"""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import stand_ins
from table import Row, in_turn, print_rows, seconds

import diptych
from diptych.images import open_collection
from diptych.queries import text_query
from diptych.retrieval.null_bank import default_bank

PICTURES, RUNS = 1000, 5
QUERIES = [
    f"{shade} {colour}" for shade in ("a dark", "a light") for colour in
    ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "grey")
]  # fmt: skip
STOPWATCH = Path(__file__).with_name("stopwatch.py")
AGAIN = "The command again, everything stored: 1,000 pictures × 20 queries × 2 embedders, to JSON"
START, REPORT = "Starting", "The report: 300 pictures × 20 queries × 3 embedders"


def pictures(count: int) -> Path:
    """A folder of so many different files."""
    originals = sorted(stand_ins.photographs(100, 1).iterdir())
    folder = stand_ins.PLACE / f"{count}-copies"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:04}.jpg"
        if not path.exists():
            path.write_bytes(originals[number % len(originals)].read_bytes() + str(number).encode())
    return folder


def command(*arguments: str | Path, watch: bool = False) -> subprocess.CompletedProcess[str]:
    """Run `diptych` in a process of its own, with a stopwatch or without."""
    start = [sys.executable, str(STOPWATCH)] if watch else [sys.executable, "-m", "diptych"]
    return subprocess.run([*start, *map(str, arguments)], check=True, capture_output=True, text=True)


def fill(source: Path, specs: Sequence[str], place: Path) -> None:
    """Put made-up vectors of everything into the store, under the embedders' own fingerprints."""
    rng = np.random.default_rng(0)
    images = [picture.id for picture in open_collection(source).pictures]
    texts = [query.id for query in (*map(text_query, QUERIES), *default_bank())]
    with diptych.Store(place) as store:
        for spec in specs:
            info = diptych.load(spec).info
            for kind, items in (("image", images), ("text", texts)):
                vectors = rng.normal(size=(len(items), info.dimension)).astype(np.float32)
                store.put(info.fingerprint, kind, items, vectors)
            store.put_complaints(info.fingerprint, [])


def again(scratch: Path, specs: Sequence[str], what: str, made_up: str) -> Iterator[Row]:
    """The whole command, and where its time goes."""
    source, queries = pictures(PICTURES), scratch / "queries.txt"
    queries.write_text("\n".join(QUERIES), encoding="utf-8")
    store = scratch / f"{len(what)}.sqlite"
    embedders = [word for spec in specs for word in ("-e", spec)]
    arguments = ["compare", source, *embedders, "--queries", queries, "--quiet", "--store", store]
    to_json = [*arguments, "--json", "-"]
    if made_up:
        fill(source, specs, store)
    work = json.loads(command(*to_json).stdout)["summary"]["work"]
    assert not made_up or all(each["images_embedded"] == 0 for each in work.values()), work
    whole, shown = in_turn([lambda: command(*to_json), lambda: command(*arguments)], RUNS)
    yield Row(part=AGAIN, work=what, unit="s", values=tuple(whole), bar=2, note=made_up)
    parts: dict[str, list[float]] = {}
    for _ in range(3):
        start = time.perf_counter()
        taken = json.loads(command(*to_json, watch=True).stderr.splitlines()[-1])
        taken["the interpreter, before and after"] = time.perf_counter() - start - sum(taken.values())
        for part, value in taken.items():
            parts.setdefault(part, []).append(value)
    for part, values in sorted(parts.items(), key=lambda item: -sorted(item[1])[1]):
        yield Row(part=AGAIN, work=f"… of which {part}", unit="s", values=tuple(values))
    yield Row(
        part=AGAIN, work="the same, with tables for the terminal instead", unit="s", values=tuple(shown)
    )


def starting() -> Iterator[Row]:
    """Whole processes that do nothing much."""
    python = [sys.executable]
    commands = {
        "python -c pass": ([*python, "-c", "pass"], None),
        "python -c 'import diptych'": ([*python, "-c", "import diptych"], 0.3),
        "diptych --help": ([*python, "-m", "diptych", "--help"], 0.4),
    }
    taken = in_turn(
        [
            lambda line=line: subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
            for line, _ in commands.values()
        ],
        2 * RUNS,
    )
    for (what, (_, bar)), values in zip(commands.items(), taken, strict=True):
        yield Row(part=START, work=what, unit="s", values=tuple(values), bar=bar)


def report(scratch: Path) -> Iterator[Row]:
    """A large report: how long it takes to write, and its size."""
    bench = diptych.Workbench(
        pictures(300), ["palette", "random?seed=1", "random?seed=2"], store=scratch / "report.sqlite"
    )
    comparison = bench.compare(QUERIES, k=20)
    path = scratch / "report.html"
    values = tuple(seconds(lambda: comparison.report(path)) for _ in range(3))
    yield Row(part=REPORT, work="writing it", unit="s", values=values, bar=5)
    yield Row(part=REPORT, work="its size", unit="MB", values=(path.stat().st_size / 1e6,), bar=15)


def rows() -> Iterator[Row]:
    """All of it."""
    compileall.compile_dir(Path(diptych.__file__).parent, quiet=1)  # as pip does where it installs
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        os.environ["DIPTYCH_CACHE"] = str(scratch / "cache")
        yield from again(scratch, ["mini-b", "mini-s"], "mini-b and mini-s", "")
        clip, onnx = stand_ins.clip("ViT-B/32"), stand_ins.onnx("ViT-B/32")
        yield from again(
            scratch,
            [f"sentence-transformers:{clip}", f"onnx:{onnx}"],
            "CLIP ViT-B/32 by sentence-transformers, and by onnx",
            "random weights; the vectors in the store are made up",
        )
        yield from starting()
        yield from report(scratch)


if __name__ == "__main__":
    print_rows(rows())
