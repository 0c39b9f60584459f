"""The size of a large report and how long it takes to write: `python benchmarks/report.py`.

300 pictures, 20 queries and 3 embedders. The pictures are drawn: clouds with grain, which JPEG packs about as
badly as photographs. With a folder as argument, its pictures are taken instead.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from diptych.comparison import Workbench

PICTURES = 300
QUERIES = [
    f"{shade} {colour}" for shade in ("a dark", "a light") for colour in
    ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "grey")
]  # fmt: skip
EMBEDDERS = ["palette", "random?seed=1", "random?seed=2"]
BARS = "under 5 s, under 15 MB"


def draw(folder: Path) -> None:
    """Write the pictures, 1024 × 768 pixels each."""
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        clouds = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8)).resize(
            (1024, 768), Image.Resampling.BICUBIC
        )
        grain = rng.normal(0, 6, (768, 1024, 1))
        pixels = np.clip(np.asarray(clouds) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.jpg", quality=90)


def main() -> None:
    """Print the size and the time, and how much of that was processor time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "pictures"
        if len(sys.argv) == 1:
            source.mkdir()
            draw(source)
        bench = Workbench(source, EMBEDDERS, store=folder / "store.sqlite")
        comparison = bench.compare(QUERIES, k=20)
        start, busy = time.perf_counter(), time.process_time()
        report = comparison.report(folder / "report.html")
        seconds, cpu = time.perf_counter() - start, time.process_time() - busy
        print(f"{comparison.images} pictures × {len(QUERIES)} queries × {len(EMBEDDERS)} embedders")
        print(
            f"{report.stat().st_size / 1e6:.1f} MB, {seconds:.1f} s ({cpu:.1f} s of processor time); {BARS}"
        )


if __name__ == "__main__":
    main()
