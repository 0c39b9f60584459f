"""Decoding a camera's pictures on all cores, and what guards cost ordinary ones.

`python benchmarks/decoding.py`.

Pictures of 12 megapixels, as ViT-B/32 sees them. The cores share the memory, through which each picture's 48
MB go: all of them at once take longer than one alone would let hope, and no pipeline can do better.

The guards are what bounds a picture's work and memory: its clock, the counting of scans, the question of
whether it is decoded in a process of its own, the room that all pictures share. They are compared with the
same decoder without them, picture by picture in turn, in processor time: other programs do not count.
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from unittest.mock import patch

import numpy as np
import stand_ins
from PIL import Image
from table import Row, in_turn, print_rows, ratios

from diptych.embedders.pictures import PictureProcessor, PictureRules
from diptych.images import Limits, decode
from diptych.images.decode import decode_here

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
    yield from guard_rows()


SIDES = {256: 100, 1000: 10, 4000: 1}
"""Pixels along a side, and how often one is decoded before its turn ends."""

TURNS = 25
GUARDS = "What bounds the work of ordinary pictures"


class _Unbounded(io.BytesIO):
    """A file that is read as long as there is any of it."""

    def __init__(self, data: bytes, *_: object) -> None:
        super().__init__(data)

    def allow_for(self, *_: object) -> None:
        """Nothing."""

    check = expect = allow_for


def guard_rows() -> Iterator[Row]:
    """Guarded against unguarded, for each format and size."""
    for format_, options in (("JPEG", {"quality": 90}), ("PNG", {})):
        for side, times in SIDES.items():
            data = _written(format_, side, options)
            with_guards, without = _alternately(data, format_, times)
            yield Row(
                part=GUARDS, work=f"{format_} of {side:,} × {side:,}", against="without the guards",
                values=ratios(with_guards, without), bar=1.02, took=statistics.median(with_guards) / times,
                note="processor time",
            )  # fmt: skip


def _written(format_: str, side: int, options: dict[str, int]) -> bytes:
    """A photograph's likeness: smooth, with grain."""
    rng = np.random.default_rng(side)
    smooth = Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).resize((side, side))
    grain = rng.normal(0, 4, (side, side, 1))
    buffer = io.BytesIO()
    pixels = np.clip(np.asarray(smooth) + grain, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, format_, **options)
    return buffer.getvalue()


def _without_turns(*_: int) -> None:
    """Wait for nothing."""


def _alternately(data: bytes, kind: str, times: int) -> tuple[list[float], list[float]]:
    """Processor seconds of each turn, guarded and not; who is first changes from turn to turn."""
    module = sys.modules["diptych.images.decode"]
    limits = Limits()
    nothing = {"check_scans": lambda *_: False}
    guarded: list[float] = []
    unguarded: list[float] = []
    for turn in range(TURNS):
        for bare in (False, True) if turn % 2 else (True, False):
            change = patch.multiple(module, bounded=_Unbounded, **nothing) if bare else nullcontext()
            with change:
                began = time.process_time()
                for _ in range(times):
                    decode_here(data, kind, limits, None, _without_turns) if bare else decode(data)
                (unguarded if bare else guarded).append(time.process_time() - began)
    return guarded, unguarded


if __name__ == "__main__":
    print_rows(rows())
