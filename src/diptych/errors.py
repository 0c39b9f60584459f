"""What can go wrong in words a person can act on.

Every error a user can cause is a `DiptychError` whose message is one line: what happened, and what to do.
The command line prints that line and nothing else.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class DiptychError(Exception):
    """Something failed; the message is one line that says what happened and what to do."""


class DiptychWarning(UserWarning):
    """Something worth knowing that stops nothing, such as a query text that was cut."""


_lock = threading.Lock()
_hushing = 0  # how many blocks of `hushed` are under way


class _WhileHushing(type):
    """Makes `issubclass(category, _Hushed)` true of a `DiptychWarning` while any thread is in `hushed`."""

    def __subclasscheck__(cls, category: type) -> bool:
        return _hushing > 0 and DiptychWarning in category.__mro__


class _Hushed(Warning, metaclass=_WhileHushing):
    """The category of a filter that stays, and ignores warnings only while they are to be hushed."""


@contextmanager
def hushed() -> Iterator[None]:
    """Ignore every `DiptychWarning`: what an embedder makes of words that are not the person's is not news.

    Safe in several threads at once. `warnings.catch_warnings` is not: each block puts back the filters it
    found, so that where two overlap, what one of them hushed may be heard, or stay hushed for good.
    """
    global _hushing  # noqa: PLW0603 (warnings' filters are the process's, too)
    if warnings.filters[:1] != [("ignore", None, _Hushed, None, 0)]:
        warnings.simplefilter("ignore", _Hushed)
    with _lock:
        _hushing += 1
    try:
        yield
    finally:
        with _lock:
            _hushing -= 1
