"""What is written, and for whom: `python attacks/owner.py`.

Files of the person's alone, tables without formulas, a full disk before anything is paid for, and a store
that is deleted, moved or made read-only while a run uses it.
"""

from __future__ import annotations

import csv
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from outcome import Outcome, tell
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from killing import Runs

FORMULAS = ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "=cmd|' !A0")
STARTS = tuple("=+-@\t\r")
VANISHED = 6
PICTURES = 400


def run(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command, with all that it keeps in a folder."""
    env = {
        **os.environ,
        "DIPTYCH_CACHE": str(place / "cache"),
        "DIPTYCH_STORE": str(place / "kept" / "s.sqlite"),
    }
    return subprocess.run(
        [sys.executable, "-m", "diptych", *words],
        capture_output=True, text=True, env=env, cwd=place, timeout=300, umask=0o022,
    )  # fmt: skip


def files(place: Path) -> Iterator[Outcome]:
    """A comparison of pictures whose names are formulas: what it leaves behind."""
    for number, name in enumerate(FORMULAS):
        Image.new("RGB", (9, 9), (30 * number, 90, 10)).save(
            place / "pictures" / f"{name.replace('/', '')}.png"
        )
    queries = [word for name in FORMULAS for word in ("-q", name)]
    done = run(
        place, "compare", "pictures", "-e", "palette", *queries, "--json", "c.json", "--export", "out",
    )  # fmt: skip
    private = [place / "c.json", *(place / "kept").rglob("*"), place / "kept", *(place / "cache").rglob("*")]
    through = [] if done.returncode == 0 else [f"status {done.returncode}: {done.stderr[-200:]!r}"]
    through += [
        f"{path.relative_to(place)} is {stat.S_IMODE(path.stat().st_mode):o}"
        for path in private
        if path.stat().st_mode & 0o077
    ]
    tried = "stores, caches and comparisons: for their owner alone"
    yield Outcome(part="Files", tried=tried, count=len(private), through=tuple(through))
    cells = []
    for path in (place / "out").rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    formulas = [cell for cell in cells if cell.startswith(STARTS) and not _is_number(cell)]
    yield Outcome(
        part="Files",
        tried="cells of exported tables that a spreadsheet would run",
        count=len(cells),
        through=tuple(formulas),
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def vanished(place: Path) -> Outcome:
    """The store's folder is deleted, or moved, in the midst of a run: it must end with status 1."""
    through = []
    for number in range(VANISHED):
        folder = place / f"run-{number}"
        folder.mkdir()
        runs = Runs(folder, PICTURES)
        (folder / "kept").mkdir()
        command = [
            str(folder / "kept" / "s.sqlite") if word == str(runs.store) else word for word in runs.command
        ]
        runs.log.write_text("")
        process = subprocess.Popen(
            command, env=runs.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        while process.poll() is None and runs.log.read_text().count("\n") < 20 * (number + 1):
            pass  # the moment is the run's own progress
        if number % 2:
            shutil.rmtree(folder / "kept", ignore_errors=True)
        else:
            (folder / "kept").rename(folder / "elsewhere")
        said = process.communicate(timeout=300)[1]
        if process.returncode != 1 or "Traceback" in said:
            through.append(f"status {process.returncode}: {said[-200:]!r}")
        shutil.rmtree(folder)
    tried = "the store deleted or moved in the midst of a run: status 1, one line"
    return Outcome(part="Files", tried=tried, count=VANISHED, through=tuple(through))


def outcomes(_seconds: float) -> Iterator[Outcome]:
    """All of it: it takes as long as it takes, and that is not long."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "pictures").mkdir()
        yield from files(Path(place))
        yield vanished(Path(place))


if __name__ == "__main__":
    tell(outcomes)
