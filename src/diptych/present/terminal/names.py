"""Names made to fit: shortened in the middle, so that names that differ still do. For showing only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.cells import cell_len

from diptych.text import printable

CUT = "…"
"""Stands where something was left out."""


def shorten(text: str, cells: int) -> str:
    """A text in at most so many cells of the terminal, its middle left out where it is longer."""
    return _cut(printable(text), cells, (cells - 1) // 2)


def shorten_all(names: Iterable[str], cells: int) -> dict[str, str]:
    """Each name in at most so many cells, by the name; names that differ are shortened to what differs.

    Args:
        names: The names.
        cells: How many cells of the terminal each may take, 8 or more.
    """
    texts = {name: printable(name) for name in dict.fromkeys(names)}
    alike: dict[str, list[str]] = defaultdict(list)
    for text in dict.fromkeys(texts.values()):
        alike[shorten(text, cells)].append(text)
    short = {some[0]: cut for cut, some in alike.items() if len(some) == 1}
    for some in alike.values():
        if len(some) > 1:
            short |= _apart(some, cells, set(short.values()))
    return {name: short[text] for name, text in texts.items()}


def _apart(texts: Sequence[str], cells: int, taken: set[str]) -> dict[str, str]:
    """Texts that look alike with their middles left out, cut where they differ."""
    half = (cells - 1) // 2
    begin = next(place for place, there in enumerate(zip_longest(*texts)) if len(set(there)) > 1)
    ways = [
        *({text: _cut(text, cells, head) for text in texts} for head in _from(half, cells)),
        {text: _around(text, begin, cells) for text in texts},
    ]
    for cut in ways:
        if len(set(cut.values())) == len(texts) and taken.isdisjoint(cut.values()):
            return cut
    found: dict[str, str] = {}
    number = 0
    for text in texts:  # what differs is in several places: say at least that they do
        while not found.get(text) or found[text] in taken:
            number += 1
            mark = f"{CUT}{number}"
            found[text] = _first(text, cells - len(mark)) + mark
        taken = taken | {found[text]}
    return found


def _from(middle: int, cells: int) -> list[int]:
    """How much of the beginning to keep: half first, then ever less like it."""
    return sorted(range(cells), key=lambda head: abs(head - middle))


def _cut(text: str, cells: int, head: int) -> str:
    if cell_len(text) <= cells:
        return text
    first = _first(text, head)
    return f"{first}{CUT}{_last(text, cells - 1 - cell_len(first))}"


def _around(text: str, begin: int, cells: int) -> str:
    """The first characters, what follows `begin`, and the last."""
    end = cells // 4
    first = f"{_first(text, end)}{CUT}"
    return f"{first}{_cut(text[begin:], cells - cell_len(first), cells - cell_len(first) - 1 - end)}"


def _first(text: str, cells: int) -> str:
    """As many of its first characters as fit."""
    taken = ""
    for character in text:
        if cell_len(taken + character) > cells:
            break
        taken += character
    return taken


def _last(text: str, cells: int) -> str:
    taken = ""
    for character in reversed(text):
        if cell_len(character + taken) > cells:
            break
        taken = character + taken
    return taken
