"""Make the files in this folder: `python tests/data/before/make.py`.

They were made by commit a9079f6 and are never made again: tests/test_made_before.py opens them.
"""

from __future__ import annotations

import contextlib
import csv
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
COLOURS = {
    "red": (200, 30, 30), "green": (30, 150, 40), "blue": (30, 50, 190), "yellow": (240, 220, 40),
    "orange": (240, 140, 20), "purple": (120, 40, 150), "white": (250, 250, 250), "black": (8, 8, 8),
}  # fmt: skip
QUERIES = ("red", "blue", "something green", "a bird")


def draw(folder: Path) -> Path:
    """Draw 28 pictures of two colours each: uncompressed, so that their bytes are the same everywhere."""
    names = list(COLOURS)
    for i, left in enumerate(names):
        for right in names[i + 1 :]:
            (folder / left).mkdir(parents=True, exist_ok=True)
            image = Image.new("RGB", (24, 16), COLOURS[left])
            image.paste(COLOURS[right], (16, 0, 24, 16))
            image.save(folder / left / f"{left}-{right}.bmp")
    return folder


def judge(folder: Path) -> Path:
    """Judgments on half of the pictures: one was given twice with other grades."""
    rows = [("query", "image", "grade", "by", "at", "blind")]
    for place, file in enumerate(sorted(folder.rglob("*.bmp"))):
        for query in QUERIES[:3]:
            if (place + len(query)) % 2:
                grade = file.name.startswith(query.split()[-1]) + (query.split()[-1] in file.name)
                rows.append(
                    (query, f"{file.parent.name}/{file.name}", grade, "Ada", "2026-11-01T10:00:00Z", "true")
                )
    rows.append((*rows[1][:2], 3 - int(rows[1][2]), "Ben", "2026-11-02T10:00:00Z", "false"))
    path = HERE / "given.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def main() -> None:
    """Make everything."""
    with tempfile.TemporaryDirectory() as at:
        pictures = draw(Path(at) / "pictures")

        def diptych(command: str, *options: str) -> str:
            run = [sys.executable, "-m", "diptych", command, "pictures", *options, "--store", "store.sqlite"]
            return subprocess.run(run, cwd=at, check=True, capture_output=True, text=True).stdout

        image = ["--image", "pictures/red/red-blue.bmp"]
        asked = [word for query in QUERIES for word in ("-q", query)]
        both = ["-e", "palette", "-e", "random", "-k", "6"]
        diptych("judgments", "--import", str(judge(pictures)))
        for name, options in {
            "comparison": ["compare", *both, *asked, *image, "--contrast", "blue"],
            "evaluation": ["evaluate", *both],
        }.items():
            diptych(*options, "--json", str(HERE / f"{name}.json"))
        for scale, embedder in (("raw", "palette"), ("z", "random")):
            saved = str(HERE / f"threshold-{scale}.json")
            diptych("threshold", "-e", embedder, "--scale", scale, "--save", saved)
            kept = diptych("filter", "-e", embedder, "-q", "red", "-q", "blue", "--threshold", saved)
            (HERE / f"filtered-{scale}.csv").write_text(kept)
        for ending in ("csv", "jsonl", "trec"):
            diptych("judgments", "--export", str(HERE / f"judgments.{ending}"))
        store = Path(at) / "store.sqlite"
        with contextlib.closing(sqlite3.connect(store)) as db:
            db.execute("VACUUM")
        (HERE / "store.sqlite").write_bytes(store.read_bytes())


if __name__ == "__main__":
    main()
