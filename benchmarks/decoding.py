"""Decoding and preparing a camera's pictures, on all cores at once: `python benchmarks/decoding.py`.

Pictures of 12 megapixels, as ViT-B/32 sees them. The cores share the memory, through which each picture's 48
MB go: all of them at once take longer than one alone would let hope, and no pipeline can do better.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import stand_ins
from table import Row, in_turn, print_rows, ratios

from diptych.embedders.pictures import PictureProcessor, PictureRules
from diptych.images import decode

PICTURES, MEGAPIXELS, ENOUGH, RUNS = 24, 12, 448, 3
PART = "Decoding and preparing 12 megapixels"


def rows() -> Iterator[Row]:
    """All cores against one, and reduced against whole."""
    cores = os.cpu_count() or 1
    data = [path.read_bytes() for path in sorted(stand_ins.photographs(PICTURES, MEGAPIXELS).iterdir())]
    prepare = PictureProcessor(PictureRules.of({}, {}, 224))

    def run(workers: int, at_least: int | None) -> None:
        with ThreadPoolExecutor(workers) as threads:
            for _ in threads.map(lambda each: prepare(decode(each, at_least=at_least)), data):
                pass

    works = [partial(run, 1, None), partial(run, cores, None), partial(run, cores, ENOUGH)]
    one, all_cores, reduced = in_turn(works, RUNS)
    spread = [seconds / cores for seconds in one]
    took = sorted(all_cores)[RUNS // 2] / PICTURES
    yield Row(
        part=PART, work=f"on {cores} cores at once", against="alone, spread over the cores",
        values=ratios(all_cores, spread), took=took, note="a picture",
    )  # fmt: skip
    yield Row(
        part=PART, work="fast: decoded at reduced size", against="faster than whole",
        values=ratios(all_cores, reduced), took=sorted(reduced)[RUNS // 2] / PICTURES, note="a picture",
    )  # fmt: skip


if __name__ == "__main__":
    print_rows(rows())
