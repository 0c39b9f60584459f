"""Lists side by side: as many columns as the terminal's width lets one read, the others below them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from textwrap import wrap

from rich.cells import cell_len
from rich.text import Text

from diptych.present.terminal.names import shorten, shorten_all

_LETTER_STYLES = ("cyan", "red", "blue", "yellow")
"""One colour per embedder, always the same; the letters A, B, C say the same without colour."""

_READABLE = 20
"""Cells of a name below which a figure beside it is left out, and then a column set below another."""

_GAP, _BETWEEN = 3, 2
"""Cells between columns, and before a figure."""


def letter_style(index: int) -> str:
    """The colour of an embedder."""
    return _LETTER_STYLES[index % len(_LETTER_STYLES)]


@dataclass(frozen=True)
class ListLine:
    """One line of a column.

    Attributes:
        name: What stands there, such as a picture's name.
        note: What is added to it where there is room.
        figures: By the figure's name, what is shown of it.
        mark: A character before it.
        mark_style: How that looks.
        style: How it looks.
    """

    name: str = ""
    note: str = ""
    figures: dict[str, str] = field(default_factory=dict)
    mark: str = ""
    mark_style: str = ""
    style: str = ""


@dataclass(frozen=True)
class ListColumn:
    """A list with its heading, and what is said below it."""

    heading: str
    style: str
    cells: Sequence[ListLine]
    foot: str = ""


@dataclass(frozen=True)
class Layout:
    """How columns are laid out: how many side by side, with which figures, how wide marks and names are."""

    per_row: int
    figures: tuple[str, ...]
    mark: int
    name: int


_WIDTHS = {"score": 7, "z": 5}
_FIGURES = (("score", "z"), ("z",), ())
"""Which figures to show: all, then without the scores, which say nothing across embedders, then none."""


def fit(columns: Sequence[ListColumn], left: int, width: int) -> Layout:
    """The layout with the most columns side by side that leaves names readable, and of these the fullest.

    Args:
        columns: What is to stand side by side.
        left: How wide what stands to the left of them is.
        width: How wide the terminal is.
    """
    shown = [cell for column in columns for cell in column.cells]
    need = max(
        [_width(cell) for cell in shown]
        + [cell_len(column.heading) for column in columns]
        + [cell_len(column.foot) - _figures_width(column, tuple(_WIDTHS)) for column in columns]
    )
    every = {figure for cell in shown for figure in cell.figures}
    mark = 2 if any(cell.mark for cell in shown) else 0
    for per_row in range(len(columns), 0, -1):
        for figures in dict.fromkeys(tuple(f for f in some if f in every) for some in _FIGURES):
            taken = max(
                sum(_figures_width(column, figures) for column in columns[start : start + per_row])
                for start in range(0, len(columns), per_row)
            )
            room = (width - left - per_row * (_GAP + mark) - taken) // per_row
            if room >= min(need, _READABLE):
                return Layout(per_row, figures, mark, min(room, need))
    return Layout(1, (), mark, max(8, width - left - _GAP - mark))


def draw(
    columns: Sequence[ListColumn], labels: Sequence[str], width: int, *, heading: str = ""
) -> Iterator[Text]:
    """Draw columns, line by line.

    Args:
        columns: The columns.
        labels: What stands to the left of each line: ranks, or queries.
        width: How wide the terminal is.
        heading: What the labels are, where they are not ranks.
    """
    left = max([cell_len(heading) if heading else 3, *map(cell_len, labels)])
    layout = fit(columns, left, width)
    short = shorten_all((cell.name for column in columns for cell in column.cells), layout.name)
    for start in range(0, len(columns), layout.per_row):
        blocks = [_Block(column, layout, short) for column in columns[start : start + layout.per_row]]
        yield _line(_padded(heading, left), [block.heading() for block in blocks], "bold")
        yield Text("─" * (left + sum(_GAP + block.width for block in blocks)), "dim")
        longest = max(len(block.column.cells) for block in blocks)
        for row, label in enumerate(labels[:longest]):
            shown = _padded(label, left) if heading else label.rjust(left)
            yield _line(shown, [block.line(row) for block in blocks], "" if heading else "dim")
        for feet in zip_longest(*(block.foot() for block in blocks), fillvalue=""):
            below = zip(feet, blocks, strict=True)
            yield _line(" " * left, [Text(_padded(foot, block.width), "italic") for foot, block in below])
        if start + layout.per_row < len(columns):
            yield Text("")


class _Block:
    """A column at its width."""

    def __init__(self, column: ListColumn, layout: Layout, short: dict[str, str]) -> None:
        self.column, self._layout, self._short = column, layout, short
        self._figures = [f for f in layout.figures if any(f in cell.figures for cell in column.cells)]
        self.width = layout.mark + layout.name + _figures_width(column, layout.figures)

    def heading(self) -> Text:
        figures = "".join(f"{f:>{_BETWEEN + _WIDTHS[f]}}" for f in self._figures).lstrip()
        room = self.width - len(figures) - (_BETWEEN if figures else 0)
        name = Text(_padded(shorten(self.column.heading, room), room), f"bold {self.column.style}")
        return name.append(f"{' ' * _BETWEEN}{figures}" if figures else "", "not bold dim default")

    def line(self, row: int) -> Text:
        if row >= len(self.column.cells):
            return Text(" " * self.width)
        cell, wide = self.column.cells[row], self._layout.mark + self._layout.name
        line = Text().append(_padded(cell.mark, self._layout.mark), cell.mark_style)
        line.append(self._short[cell.name])
        if cell.note and cell_len(line.plain) + 1 + cell_len(cell.note) <= wide:
            line.append(f" {cell.note}", "dim")
        line.append(" " * (wide - cell_len(line.plain)))
        for figure in self._figures:
            line.append(f"{cell.figures.get(figure, ''):>{_BETWEEN + _WIDTHS[figure]}}")
        line.stylize(cell.style)
        return line

    def foot(self) -> list[str]:
        return wrap(self.column.foot, self.width)


def _line(left: str, blocks: Sequence[Text], style: str = "") -> Text:
    line = Text(left, style, no_wrap=True)
    for block in blocks:
        line.append(" " * _GAP, "not underline").append_text(block)
    line.rstrip()
    return line


def _padded(text: str, cells: int) -> str:
    return text + " " * (cells - cell_len(text))


def _width(cell: ListLine) -> int:
    return cell_len(cell.name) + (cell_len(cell.note) + 1 if cell.note else 0)


def _figures_width(column: ListColumn, figures: Sequence[str]) -> int:
    had = {figure for cell in column.cells for figure in cell.figures}
    return sum(_BETWEEN + _WIDTHS[figure] for figure in figures if figure in had)
