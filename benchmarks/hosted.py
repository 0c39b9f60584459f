"""How well calls to a hosted embedder overlap: `python benchmarks/hosted.py [--images N] [--latency S]`.

Embeds drawn pictures with `vertex` against the emulator, on a good day and a bad one, and prints the time
as a ratio to what no client can beat: as many rounds as the calls in flight need, each as long as a call.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import diptych
from diptych.emulators.vertex import VertexEmulator


def draw(folder: Path, count: int) -> None:
    """Plain noise, a different picture each."""
    rng = np.random.default_rng(1)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)).save(folder / f"{number:04}.png")


def run(pictures: Path, latency: float, concurrency: int, error_rate: float) -> tuple[float, int]:
    """Seconds to embed the folder, and how many calls that took."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        VertexEmulator(diptych.load("random"), latency=latency, error_rate=error_rate) as emulator,
        diptych.Store(Path(scratch) / "store.sqlite") as store,
    ):
        spec = f"vertex?project=p&requests_per_minute=0&concurrency={concurrency}&endpoint={emulator.url}"
        bench = diptych.Workbench(pictures, [spec], store=store)
        start = time.perf_counter()
        bench.embed()
        return time.perf_counter() - start, len(emulator.served)


def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=88)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds a call")
    asked = parser.parse_args()
    os.environ.setdefault("VERTEX_ACCESS_TOKEN", "any")
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder), asked.images)
        print(f"{asked.images} pictures, {asked.latency} s a call, the Vertex emulator on this machine")
        print(f"{'in flight':>9} {'failing':>8} {'calls':>6} {'seconds':>8} {'ideal':>7} {'ratio':>6}")
        for concurrency, error_rate in ((1, 0.0), (8, 0.0), (16, 0.0), (16, 0.2)):
            took, calls = run(Path(folder), asked.latency, concurrency, error_rate)
            ideal = math.ceil(asked.images / concurrency) * asked.latency
            times = f"{took:6.2f} s {ideal:5.2f} s {took / ideal:6.2f}"
            print(f"{concurrency:9} {error_rate:8.0%} {calls:6} {times}")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
