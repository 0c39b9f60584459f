"""What was asked on this page, with what came of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from diptych.present.curves import is_flat
from diptych.result import QueryResult

_MOST = 200


@dataclass(frozen=True)
class Asked:
    """What a person asked with: a text, or a picture by its id."""

    text: str | None
    picture: str | None


@dataclass
class Entry:
    """One query of the history.

    Attributes:
        name: What to call it.
        shared: How many of their first hits the embedders share, such as "7 of 10"; empty for one or three.
        breaks: Where each list breaks, by the embedder's name.
    """

    name: str
    shared: str = ""
    breaks: Mapping[str, str] = field(default_factory=dict)


class History:
    """The queries of a page, latest first; safe to use from several threads."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Asked, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, asked: Asked, name: str) -> None:
        """Put a query first; what is known of it stays."""
        with self._lock:
            entry = self._entries.pop(asked, Entry(name))
            self._entries[asked] = entry
            while len(self._entries) > _MOST:
                self._entries.popitem(last=False)

    def note(self, asked: Asked, result: QueryResult) -> None:
        """Remember what came of a query that is in the history."""
        with self._lock:
            if asked in self._entries:
                entry = self._entries[asked]
                entry.shared = _shared(result)
                entry.breaks = {name: _breaks(result, name) for name in result.stratification}

    def entries(self) -> list[tuple[Asked, Entry]]:
        """All of them, latest first."""
        with self._lock:
            return list(reversed(self._entries.items()))


def _shared(result: QueryResult) -> str:
    if len(result.agreement) != 1 or result.agreement[0].figures.overlap_at_k is None:
        return ""
    figures = result.agreement[0].figures
    return f"{figures.overlap_at_k} of {figures.k}"


def _breaks(result: QueryResult, name: str) -> str:
    if is_flat(result.curves.get(name)):
        return "ranks nothing"
    ranking = result.stratification[name]
    if ranking.breakpoint is not None:
        return f"after {ranking.breakpoint}"
    return "cannot tell" if ranking.verdict == "too few images" else ranking.verdict
