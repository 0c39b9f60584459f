"""Score curves made ready for drawing: on one scale, where their embedders have one. For the page and plots.

Ranks are drawn on a logarithmic axis: a break after rank 1 is as easy to see as one after rank 100.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from diptych.result import Comparison, Curve, QueryResult

INKS = ("#0d6e6e", "#b0431f", "#3f4a9e", "#7d5a0c")
"""The embedders' colours: teal, vermilion, indigo, ochre, as in the report on paper."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One embedder's curve.

    Attributes:
        index: Which embedder, from 0: its letter and its colour.
        name: Its name.
        ranks: From 1, not every one where the list is long.
        heights: The score at each, on the chart's scale.
        breakpoint: How many images stand above the break; None without one.
        band: The ranks between which most of the cuts fall.
        cuts: How many images each way to cut keeps; those that keep none left out.
    """

    index: int
    name: str
    ranks: tuple[int, ...]
    heights: tuple[float, ...]
    breakpoint: int | None = None
    band: tuple[int, int] | None = None
    cuts: Mapping[str, int] = field(default_factory=dict)

    @property
    def letter(self) -> str:
        """A, B, C: says without colour whose curve it is."""
        return letter(self.index)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Curves that can be set side by side.

    Attributes:
        scale: `z`: above the list's median, in standard deviations of the null scores; `share`: of each
            list's own fall, 1 at its first image and 0 at its last.
        traces: The curves.
        images: How many images are ranked.
    """

    scale: Literal["z", "share"]
    traces: tuple[Trace, ...]
    images: int

    @property
    def top(self) -> float:
        """The highest point."""
        return max(trace.heights[0] for trace in self.traces)

    @property
    def bottom(self) -> float:
        """The lowest."""
        return min(trace.heights[-1] for trace in self.traces)


def letter(index: int) -> str:
    """The letter of an embedder."""
    return chr(65 + index)


def is_flat(curve: Curve | None) -> bool:
    """Whether all images score the same, so that nothing is ranked."""
    return curve is not None and len(curve.scores) > 1 and curve.scores[0] == curve.scores[-1]


def charts(query: QueryResult, comparison: Comparison) -> tuple[Chart, ...]:
    """A query's curves: those with a null bank on its scale, the others on their own; none that is flat."""
    by_scale: dict[Literal["z", "share"], list[Trace]] = {"z": [], "share": []}
    for index, name in enumerate(info.name for info in comparison.embedders):
        curve = query.curves.get(name)
        if curve is None or is_flat(curve) or len(curve.scores) < 2:
            continue
        bank = comparison.overall.banks.get(name)
        # The bank's unit is one for texts; pictures are compared with other pictures.
        unit = bank.unit if bank is not None and query.kind == "text" else None
        by_scale["share" if unit is None else "z"].append(_trace(index, name, query, curve, unit))
    return tuple(
        Chart(scale=scale, traces=tuple(traces), images=max(trace.ranks[-1] for trace in traces))
        for scale, traces in by_scale.items()
        if traces
    )


def _trace(index: int, name: str, query: QueryResult, curve: Curve, unit: float | None) -> Trace:
    scores = np.asarray(curve.scores)
    if unit is None:
        heights = (scores - scores[-1]) / (scores[0] - scores[-1])
    else:
        heights = (scores - np.interp((1 + curve.ranks[-1]) / 2, curve.ranks, scores)) / unit
    described = query.stratification.get(name)
    return Trace(
        index=index,
        name=name,
        ranks=curve.ranks,
        heights=tuple(heights.tolist()),
        breakpoint=described.breakpoint if described else None,
        band=described.band if described else None,
        cuts={cut: rank for cut, rank in described.cuts.items() if rank > 0} if described else {},
    )


def rank_ticks(images: int) -> list[int]:
    """Ranks to write on the axis: 1, 2, 5, 10, 20 and so on, and the last."""
    ticks = [step * 10**power for power in range(len(str(images))) for step in (1, 2, 5)]
    return [tick for tick in ticks if tick <= 0.7 * images] + [images]


def height_ticks(chart: Chart) -> list[float]:
    """Where to draw level lines: at round heights, about three of them."""
    if chart.scale == "share":
        return [0.0, 0.5, 1.0]
    raw = max(chart.top - chart.bottom, 1e-9) / 3
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(step * power for step in (1, 2, 3, 5, 10) if step * power >= raw * 0.8)
    first = math.ceil(chart.bottom / step)
    return [k * step for k in range(first, math.floor(chart.top / step) + 1)]
