"""Memory of the page with 100,000 × 768 stored vectors by two embedders: `python benchmarks/page_memory.py`.

The pictures are tiny files and the vectors are made up; the server is a process of its own. Its memory is
looked at once everything is ready, after a described search, after pictures were judged and the verdict was
asked for, and after more queries were judged: what judges and evaluates must hold no matrix of its own.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
from serve import Client, resident, serving
from table import Row, print_rows

import diptych

PICTURES, DIMENSION = 100_000, 768
EMBEDDERS = tuple(f"random?dimension={DIMENSION}&seed={seed}" for seed in (1, 2))
MATRIX = PICTURES * DIMENSION * 4 / 2**20
TEXTS = (
    "a wolf",
    "a zebra",
    "a violin",
)  # none shares a word with the null bank, which would fit another model


def draw(folder: Path) -> None:
    """Tiny pictures, no two of them alike."""
    folder.mkdir()
    for number in range(PICTURES):
        pixels = bytes((number % 256, number // 256 % 256, number // 65_536))
        (folder / f"{number:06}.ppm").write_bytes(b"P6 1 1 255 " + pixels)


def fill(folder: Path, store: Path) -> None:
    """Made-up vectors of all pictures, under the embedders' own fingerprints."""
    ids = [picture.id for picture in diptych.open_collection(folder).pictures]
    rng = np.random.default_rng(0)
    with diptych.Store(store) as opened:
        for spec in EMBEDDERS:
            for start in range(0, len(ids), 5_000):
                some = ids[start : start + 5_000]
                vectors = rng.normal(size=(len(some), DIMENSION)).astype(np.float32)
                opened.put(diptych.load(spec).info.fingerprint, "image", some, vectors)


def judge(client: Client, text: str) -> None:
    """Ask both embedders, judge their first five pictures, and ask who is better."""
    answers = json.loads(client.post("/api/search", {"text": text, "k": 5, "keep": True}))["answers"]
    for place, hit in enumerate(hit for answer in answers.values() for hit in answer["hits"]):
        client.post("/api/judgments", {"text": text, "picture": hit["id"], "grade": place % 2})
    verdict = json.loads(client.get("/api/verdict?wait=60"))
    assert verdict["judged"] > 0, verdict


def rows() -> Iterator[Row]:
    """Memory when ready, and what was added since by each step."""
    with tempfile.TemporaryDirectory() as place:
        folder, store = Path(place) / "pictures", Path(place) / "store.sqlite"
        draw(folder)
        fill(folder, store)
        with serving(str(folder), store, EMBEDDERS) as (address, pid, _):
            client = Client(address)
            while any(each["state"] != "ready" for each in json.loads(client.get("/api/state"))["embedders"]):
                time.sleep(0.5)
            client.get("/answer?text=nothing")  # waits for nobody: no embedder was asked this
            before = resident(pid)
            client.search(TEXTS[0])
            client.get(f"/answer?k=10&text={quote(TEXTS[0])}")
            searched = resident(pid)
            judge(client, TEXTS[0])
            judged = resident(pid)
            for text in TEXTS[1:]:
                judge(client, text)
            after = resident(pid)
    part = f"Memory of the page, {PICTURES:,} × {DIMENSION} by two embedders"
    note = f"two matrices are {2 * MATRIX:.0f} MB"
    yield Row(part=part, work="when everything is ready", values=(before,), unit="MB", note=note)
    yield Row(part=part, work="more after a search that is described", values=(searched - before,), unit="MB")
    yield Row(
        part=part,
        work="more after judging and the verdict",
        against="one matrix",
        values=((judged - searched) / MATRIX,),
        bar=0.5,
        note=f"{judged - searched:.0f} MB",
    )
    yield Row(
        part=part,
        work="more after two further queries were judged",
        against="one matrix",
        values=((after - judged) / MATRIX,),
        bar=0.5,
        note=f"{after - judged:.0f} MB",
    )


if __name__ == "__main__":
    print_rows(rows())
