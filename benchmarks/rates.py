"""Tables of error rates and power, as text and for docs/statistics.md; shares in percent, with errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Rates:
    """One table.

    Attributes:
        title: What it tells.
        note: How it was measured, in sentences.
        head: The columns' headings.
        rows: The cells; the first of each row names it.
    """

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """For the terminal."""
        widths = [
            max(len(row[column]) for row in (self.head, *self.rows)) for column in range(len(self.head))
        ]
        lines = [
            "  ".join(
                cell.ljust(width) if not place else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in (self.head, *self.rows)
        ]
        return "\n".join((self.title, *lines, self.note, ""))

    def markdown(self) -> str:
        """For the docs."""
        rule = ("---", *("--:" for _ in self.head[1:]))
        lines = [f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows)]
        return "\n".join((f"**{self.title}**", "", *lines, "", self.note, ""))


def percent(happened: NDArray[np.bool_]) -> str:
    """How often, in percent, with the Monte-Carlo standard error: "5.2 ± 0.4"."""
    share, count = float(happened.mean()), len(happened)
    error = math.sqrt(max(share * (1 - share), 1 / count) / count)
    return f"{100 * share:.1f} ± {100 * error:.1f}"
