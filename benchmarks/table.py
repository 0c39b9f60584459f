"""What the speed benchmarks share: a row of the table, how it is measured, how it is printed.

A benchmark is a script with a function that gives rows, and ends with `print_rows(rows)`. `python
benchmarks/run.py` runs them all and writes one table.

Machines differ, and the same machine differs from minute to minute. So a figure that has a bar is
a ratio of two things measured in turn, several times, wherever there is something to compare with.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        part: What it belongs to: "Exact search".
        work: What was done: "200,000 × 768, top 20, one query".
        against: What `values` are relative to: "faiss-cpu IndexFlatIP"; empty for plain seconds or bytes.
        values: One for each run: ratios to `against`, or amounts.
        unit: "×" for ratios, otherwise "s", "ms", "MB", …
        bar: What must be reached, or None for a row that only tells.
        better: Whether more or less is better: "at least" or "at most" the bar.
        took: Median seconds of our side, where `values` are ratios.
        note: Why it misses its bar, what limits it, what is made up.
    """

    part: str
    work: str
    against: str = ""
    values: tuple[float, ...]
    unit: str = "×"
    bar: float | None = None
    better: Literal["at least", "at most"] = "at most"
    took: float | None = None
    note: str = ""

    @property
    def figure(self) -> float:
        """The median of the runs."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the bar; None without one."""
        if self.bar is None:
            return None
        return self.figure <= self.bar if self.better == "at most" else self.figure >= self.bar

    def cells(self) -> list[str]:
        """What the table shows, a text for each of `COLUMNS`."""
        spread = f"{number(min(self.values))} to {number(max(self.values))}" if len(self.values) > 1 else ""
        bar = "" if self.bar is None else f"{self.better} {number(self.bar)}"
        met = {None: "", True: "yes", False: "**no**"}[self.met]
        took = "" if self.took is None else f"{number(self.took)} s"
        return [
            self.work,
            self.against,
            f"{number(self.figure)} {self.unit}",
            spread,
            bar,
            met,
            took,
            self.note,
        ]


COLUMNS = ("work", "against", "median", "spread", "bar", "met", "took", "note")


def number(value: float) -> str:
    """Three digits that mean something: 0.0123, 1.05, 12.3, 1,230."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one run."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(works: Sequence[Callable[[], object]], runs: int) -> list[list[float]]:
    """Seconds of several things, done one after the other `runs` times: a list for each."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, times in zip(works, taken, strict=True):
            times.append(seconds(work))
    return taken


def ratios(over: Sequence[float], under: Sequence[float]) -> tuple[float, ...]:
    """One ratio for each run."""
    return tuple(a / b for a, b in zip(over, under, strict=True))


def markdown(rows: Iterable[Row]) -> str:
    """The table, a section for each part."""
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(row.part, []).append(row)
    return "\n".join(_section(part, some) for part, some in parts.items())


def _section(part: str, rows: Sequence[Row]) -> str:
    cells = [row.cells() for row in rows]
    used = [column for column in range(len(COLUMNS)) if any(row[column] for row in cells)]
    lines = [[COLUMNS[column] for column in used], ["---"] * len(used)]
    lines += [[row[column] for column in used] for row in cells]
    return "\n".join([f"### {part}", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def print_rows(rows: Iterable[Row]) -> None:
    """Print rows as they come; with `--json PATH`, write them there too."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, help="where to write the rows too")
    path = parser.parse_known_args()[0].json
    kept = []
    for row in rows:
        kept.append(row)
        print(row.part, *(cell for cell in row.cells() if cell), sep=" | ", flush=True)
    if path is not None:
        path.write_text(
            json.dumps([asdict(row) for row in kept], indent=1, ensure_ascii=False), encoding="utf-8"
        )
