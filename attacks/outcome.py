"""What the attacks share: an outcome, the table of them, and how a script of attacks tells its own.

An attack is a script with a function `outcomes(seconds)` that gives rows, and ends with `tell(outcomes)`.
`python attacks/run.py` runs them all and writes one table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SEED = 20261130
"""Of everything that is drawn at random: the same inputs each time, as many as there is time for."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one kind of attack.

    Attributes:
        part: The promise that was attacked: "Pictures".
        tried: What was tried.
        count: How often.
        through: What got through, a line each, smallest input first; nothing may.
        worst: The worst figure that was seen, where there is one.
        most: What it may be at most; None for a figure that only tells.
        unit: Of both.
        note: What the count means, or what was not reached.
    """

    part: str
    tried: str
    count: int
    through: tuple[str, ...] = ()
    worst: float | None = None
    most: float | None = None
    unit: str = ""
    note: str = ""

    @property
    def held(self) -> bool:
        """Whether nothing got through and the figure is within its bar; nothing tried is nothing held."""
        within = self.worst is None or self.most is None or self.worst <= self.most
        return self.count > 0 and not self.through and within

    def cells(self) -> list[str]:
        """What the table shows, a text for each of `COLUMNS`."""
        figure = "" if self.worst is None else f"{_number(self.worst)} {self.unit}".strip()
        bar = "" if self.most is None else f"at most {self.most:g} {self.unit}".strip()
        return [
            self.part,
            self.tried,
            f"{self.count:,}",
            f"{len(self.through):,}",
            figure,
            bar,
            "yes" if self.held else "**no**",
            self.note,
        ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


COLUMNS = ("promise", "what was tried", "times", "got through", "worst", "bar", "held", "note")


def markdown(rows: Sequence[Outcome]) -> str:
    """The table, and below it what got through."""
    lines: list[Sequence[str]] = [COLUMNS, ["---"] * len(COLUMNS), *(row.cells() for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    through = [f"- {row.part}, {row.tried}: {what}" for row in rows for what in row.through[:5]]
    return "\n".join([table, *(["", "Got through:", "", *through] if through else []), ""])


def tell(outcomes: Callable[[float], Iterable[Outcome]]) -> None:
    """Print outcomes as they come; with `--json PATH`, write them there too."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0, help="about how long it may take")
    parser.add_argument("--json", type=Path, help="where to write the outcomes too")
    given = parser.parse_args()
    kept: list[Outcome] = []
    for row in outcomes(given.seconds):
        kept.append(row)
        print(*(cell for cell in row.cells() if cell), sep=" | ", flush=True)
        for what in row.through[:5]:
            print("    got through:", what, flush=True)
        if given.json is not None:
            given.json.write_text(json.dumps([asdict(each) for each in kept]), encoding="utf-8")


def read(path: Path) -> Iterator[Outcome]:
    """What `tell` wrote; nothing where it wrote nothing."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    for row in rows:
        yield Outcome(**{**row, "through": tuple(row["through"])})
