"""What was asked on this page, with what came of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetools import FIFOCache

from diptych.present.html.curves import is_flat
from diptych.queries import Query
from diptych.result import QueryResult
from diptych.result.breaks import break_in_words

_MOST = 200
_FIRSTS = 3


@dataclass
class PastQuery:
    """One query of the history: a text, or a picture by its id.

    Attributes:
        name: What to call it.
        text: The text; None for a picture.
        picture: The picture's id; None for a text.
        shared: How many of their first hits the embedders share, such as "7 of 10"; empty for one or three.
        breaks: Where each list breaks, in words, by the embedder's name.
        firsts: The ids of each list's first pictures, by the embedder's name.
    """

    name: str
    text: str | None
    picture: str | None
    shared: str = ""
    breaks: Mapping[str, str] = field(default_factory=dict)
    firsts: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, query: Query) -> PastQuery:
        """A query, before anything is known of it."""
        if query.kind == "text":
            return cls(query.name, query.text, None)
        return cls(query.name, None, query.id)


class History:
    """The queries of a page, latest first; safe to use from several threads."""

    def __init__(self) -> None:
        self._entries: FIFOCache[tuple[str, str], PastQuery] = FIFOCache(_MOST)
        self._lock = threading.Lock()

    def add(self, query: Query) -> None:
        """Put a query first; what is known of it stays."""
        with self._lock:
            self._entries[query.key] = self._entries.pop(query.key, PastQuery.of(query))

    def note(self, query: Query, result: QueryResult) -> None:
        """Remember what came of a query that is in the history."""
        with self._lock:
            if query.key in self._entries:
                past = self._entries[query.key]  # changed in place: to put it again would make it the latest
                past.shared = _shared(result)
                past.breaks = {name: _breaks(result, name) for name in result.stratification}
                past.firsts = {name: _firsts(result, name) for name in result.stratification}

    def entries(self) -> list[PastQuery]:
        """All of them, latest first."""
        with self._lock:
            return list(self._entries.values())[::-1]


def _shared(result: QueryResult) -> str:
    if len(result.agreement) != 1 or result.agreement[0].figures.overlap_at_k is None:
        return ""
    figures = result.agreement[0].figures
    return f"{figures.overlap_at_k} of {figures.k}"


def _breaks(result: QueryResult, name: str) -> str:
    if is_flat(result.curves.get(name)):
        return "all equal"
    return break_in_words(result.stratification[name])


def _firsts(result: QueryResult, name: str) -> list[str]:
    """A list's first pictures; none of a list that is only the order of their names."""
    if is_flat(result.curves.get(name)):
        return []
    return [hit.id for hit in result.rankings[name][:_FIRSTS]]
