"""Memory while pictures are embedded: `python benchmarks/memory.py [--pictures 5000]`.

Pictures of 12 megapixels go through the pipeline with the `palette` embedder, so that it is decoding that
takes the time, and memory holds little but what is under way. Each in a process of its own.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from table import Row, print_rows

FEW, MANY = 200, 600
SIZE = (4000, 3000)

MEASURED = """
import json, re, sys
from pathlib import Path
import diptych
from diptych.images import open_collection
from diptych.pipeline import embed_images

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

with diptych.Store(sys.argv[2]) as store:
    collection = open_collection(sys.argv[1])
    embedder = diptych.load("palette")
    embedder.embed_texts(["red"])
    before = peak()
    assert embed_images(collection, embedder, store).embedded == len(collection)
    print(json.dumps([before, peak()]))
"""


def draw(folder: Path, count: int) -> None:
    """Clouds, of which no two files have the same bytes."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(8):
        buffer = io.BytesIO()
        clouds = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
        clouds.resize(SIZE, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=75)
        files.append(buffer.getvalue())
    for number in range(count):  # what follows a JPEG's end is not part of the picture
        (folder / f"{number:04}.jpg").write_bytes(files[number % len(files)] + number.to_bytes(4))


def peaks(count: int) -> tuple[float, float]:
    """Peak memory in MB before and after a process embedded so many pictures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        folder.mkdir()
        draw(folder, count)
        command = [sys.executable, "-c", MEASURED, str(folder), str(Path(scratch) / "store.sqlite")]
        before, after = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return before, after


def rows() -> Iterator[Row]:
    """The peak above what the process holds anyway, and how much it grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=MANY)
    many = parser.parse_known_args()[0].pictures
    above, part = {}, f"Memory, up to {many:,} pictures"
    for count in (FEW, many):
        before, after = peaks(count)
        above[count] = after - before
        yield Row(
            part=part,
            work=f"{count:,} pictures of 12 megapixels, by palette",
            against="the process before",
            values=(above[count],),
            unit="MB more",
            note="a decoded picture is 36 MB" if count == FEW else "",
        )
    yield Row(
        part=part,
        work=f"{many:,} pictures",
        against=f"{FEW:,} pictures",
        values=(above[many] / above[FEW],),
        bar=1.1,
        note="flat is 1.00",
    )


if __name__ == "__main__":
    print_rows(rows())
