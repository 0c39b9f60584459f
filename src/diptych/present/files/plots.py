"""A comparison's figures for papers and slides: SVG and PNG, readable in print and by the colour-blind.

For each query the score curves with their cuts (`q1-curves`), the scores against the null
(`q1-null`), and for every two embedders the lines between an image's ranks (`q1-ranks-A-B`). Colour means an
embedder; its letter stands beside its line.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diptych.errors import DiptychError
from diptych.files import written_whole
from diptych.images.outputs import make_output_folder
from diptych.present.html.curves import INKS, Chart, Trace, charts, letter, rank_ticks
from diptych.present.html.layout import Column, columns, hinges, short
from diptych.result import Comparison, QueryResult
from diptych.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SOFT, _RULE = "#68635b", "#d9d3c8"
_LONGEST_TITLE = 80
_STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Serif"],
    "font.size": 9,
    "axes.edgecolor": _SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": _SOFT,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "svg.fonttype": "path",
    "svg.hashsalt": "diptych",
    "text.parse_math": False,
}


def make_folder(folder: Path) -> None:
    """Make the folder that `save` writes to, where plots can be drawn at all.

    Raises:
        DiptychError: matplotlib is missing, or the folder can't be made.
    """
    try:
        import matplotlib  # noqa: F401 (only whether it is there)
    except ImportError as error:
        raise DiptychError("plots need matplotlib: pip install 'diptych[plots]'") from error
    try:
        make_output_folder(folder)
    except OSError as error:
        raise DiptychError(f"can't write to {folder}: {error.strerror}") from error


def save(comparison: Comparison, folder: Path) -> list[Path]:
    """Draw every figure of a comparison.

    Args:
        comparison: What to draw.
        folder: Where to; made where there is none.

    Returns:
        The files, each figure as SVG and as PNG of 200 dots an inch.

    Raises:
        DiptychError: matplotlib is missing, or a file can't be written.
    """
    make_folder(folder)
    from matplotlib import rc_context

    written: list[Path] = []
    try:
        with rc_context(_STYLE):
            for number, query in enumerate(comparison.queries, start=1):
                for stem, figure in figures(query, comparison):
                    for suffix, metadata in (("svg", {"Date": None}), ("png", {})):
                        path = folder / f"q{number}-{stem}.{suffix}"
                        with written_whole(path) as beside:
                            figure.savefig(beside, dpi=200, bbox_inches="tight", metadata=metadata)
                        written.append(path)
    except OSError as error:
        raise DiptychError(f"can't write to {folder}: {error.strerror}") from error
    return written


def figures(query: QueryResult, comparison: Comparison) -> Iterator[tuple[str, Figure]]:
    """A query's figures, each with the name of its files."""
    for chart in charts(query, comparison):
        own = "" if chart.scale == "z" else "-own-scale"
        yield f"curves{own}", _curves(chart, query)
        if chart.scale == "z":
            yield "null", _null(chart, query, comparison)
    for left, right in itertools.combinations(columns(query), 2):
        if left.rows and right.rows:
            yield f"ranks-{left.letter}-{right.letter}", _ranks(left, right, query)


def _figure(query: QueryResult, width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure  # not pyplot: that keeps every figure it makes

    figure = Figure(figsize=(width, height))
    axes = figure.add_subplot()
    title = printable(short(query))
    title = title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"
    axes.set_title(title, loc="left", fontweight="bold")
    return figure, axes


def _ink(index: int) -> str:
    return INKS[index % len(INKS)]


def _name(axes: Axes, trace: Trace, x: float, y: float, *, before: bool = True) -> None:
    """An embedder's letter beside the end of its line."""
    axes.annotate(
        trace.letter,
        (x, y),
        (-7 if before else 5, 0),
        textcoords="offset points",
        ha="right" if before else "left",
        va="center",
        color=_ink(trace.index),
        fontweight="bold",
    )


def _curves(chart: Chart, query: QueryResult) -> Figure:
    """Score curves, and beneath them each list's cuts: ticks, the band, the break."""
    figure, axes = _figure(query, 6.4, 3.4)
    step = (chart.top - chart.bottom) / 16
    for lane, trace in enumerate(chart.traces, start=1):
        axes.plot(trace.ranks, trace.heights, color=_ink(trace.index), linewidth=1.6)
        _name(axes, trace, trace.ranks[0], trace.heights[0])
        _lane(axes, trace, chart.bottom - step * 1.3 * lane, step)
    axes.set_xscale("log")
    ticks = rank_ticks(chart.images)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("rank")
    axes.set_ylabel(
        "score above the list's median,\nin units of the scatter of unrelated texts (σ)"
        if chart.scale == "z"
        else "share of the list's own fall"
    )
    _legend(axes, chart)
    return figure


def _lane(axes: Axes, trace: Trace, y: float, step: float) -> None:
    ink = _ink(trace.index)
    _name(axes, trace, 1, y)
    axes.hlines(y, 1, trace.ranks[-1], color=_RULE, linewidth=0.6)
    if trace.band:
        axes.hlines(y, trace.band[0] + 0.5, trace.band[1] + 0.5, color=ink, alpha=0.35, linewidth=4)
    cuts = [rank + 0.5 for rank in trace.cuts.values()]
    axes.vlines(cuts, y - step / 3, y + step / 3, color=ink, linewidth=0.8)
    if trace.breakpoint is not None:
        at = trace.breakpoint + 0.5
        axes.vlines(at, y - step / 2, y + step / 2, color=ink, linewidth=2.4)
        axes.vlines(at, y, trace.heights[0], color=ink, linewidth=0.7, linestyle=":")


def _legend(axes: Axes, chart: Chart) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_ink(trace.index), label=f"{trace.letter}  {printable(trace.name)}")
        for trace in chart.traces
    ]
    axes.legend(handles=handles, frameon=False, loc="upper right")


def _null(chart: Chart, query: QueryResult, comparison: Comparison) -> Figure:
    """What share of all images scores at least so high, for the query and for unrelated texts (dashed).

    The curves are of plain scores: an image's own effect is taken off the dashed line, but not off them.
    """
    from matplotlib.ticker import PercentFormatter

    figure, axes = _figure(query, 6.4, 3.4)
    for trace in chart.traces:
        shares = [rank / chart.images for rank in trace.ranks]
        axes.step(trace.heights, shares, where="post", color=_ink(trace.index), linewidth=1.6)
        _name(axes, trace, trace.heights[0], shares[0], before=False)
        quantiles = comparison.overall.banks[trace.name].quantiles
        below = range(len(quantiles) - 1)
        axes.plot(
            [quantiles[percent] for percent in below],
            [1 - percent / 100 for percent in below],
            color=_ink(trace.index),
            linewidth=1,
            linestyle="--",
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set_xlabel("score above the list's median, in units of the scatter of unrelated texts (σ, dashed)")
    axes.set_ylabel("share of images at least so high")
    _legend(axes, chart)
    return figure


def _ranks(left: Column, right: Column, query: QueryResult) -> Figure:
    """The images of both lists, with a line from the rank in one to that in the other."""
    deepest = max(len(left.rows), len(right.rows))
    figure, axes = _figure(query, 6.4, 0.8 + 0.26 * deepest)
    (hinge,) = hinges((left, right))
    joined = {line.image_id: line.moved for line in hinge.lines}
    there = {row.hit.id: row.hit.rank for row in right.rows}
    for row in left.rows:
        if (moved := joined.get(row.hit.id)) is not None:
            ink = "#1f1d1a" if moved else "#a39b8d"
            axes.plot([0, 1], [row.hit.rank, there[row.hit.id]], color=ink, linewidth=1.1 if moved else 0.7)
    for column, x, side, offset in ((left, 0, "right", -0.03), (right, 1, "left", 1.03)):
        ink = _ink(column.index)
        for row in column.rows:
            words = f"{_shortened(row.hit.label or row.hit.image)}  {row.hit.rank}"
            words = (
                words if side == "right" else f"{row.hit.rank}  {_shortened(row.hit.label or row.hit.image)}"
            )
            style = "normal" if row.hit.id in joined else "italic"
            axes.text(offset, row.hit.rank, words, ha=side, va="center", fontstyle=style)
            axes.plot(x, row.hit.rank, "o", color=ink, markersize=3.5)
        name = f"{letter(column.index)}  {_shortened(column.name)}"
        axes.text(offset, 0.1, name, ha=side, va="center", color=ink, fontweight="bold")
    axes.set(xlim=(-0.9, 1.9), ylim=(deepest + 0.6, -0.4))
    axes.set_axis_off()
    return figure


def _shortened(name: str) -> str:
    """Names are as long as they like; an axis is not."""
    words = printable(name.replace("_", " "))
    return words if len(words) <= 34 else words[:33] + "…"
