"""How long work is reported while it runs, without knowing who watches.

The rooms that work take a `Progress`; `present.terminal.progress` shows it on a terminal or as plain lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]
"""Called with how many more items are done; safe to call from several threads."""


class Progress(Protocol):
    """Watches long work; several tasks may run side by side, each in a thread of its own."""

    def task(self, what: str, total: int) -> AbstractContextManager[Advance]:
        """Announce `total` items of work, `what` being a short phrase such as "embedding with vertex"."""
        ...


class Silent:
    """A `Progress` that shows nothing."""

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[Advance]:  # noqa: ARG002
        """Announce work to nobody."""
        yield lambda _count: None


def watcher() -> Progress:
    """Who watches where nobody was named: whoever `watch_with` put there, otherwise nobody."""
    return _watcher()


def watch_with(make: Callable[[], Progress]) -> None:
    """Say who watches from now on where nobody is named, as a notebook does."""
    global _watcher  # noqa: PLW0603 (whether this is a notebook is the process's, too)
    _watcher = make


_watcher: Callable[[], Progress] = Silent
