"""Progress for a person: bars with rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from diptych.progress import Advance, Progress, Silent
from diptych.words import printable

_SECONDS_BETWEEN_LINES = 5.0


def progress_for(console: Console, *, quiet: bool) -> Progress:
    """Choose how progress is shown on this console: bars, plain lines, or nothing when quiet."""
    if quiet:
        return Silent()
    return Bars(console) if console.is_terminal else Lines()


class Bars:
    """A `Progress` with one bar a task, its rate and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[Advance]:
        """Show a bar while the task runs; it stays, finished."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=self._console) as bars:
            bar = bars.add_task(printable(what), total=total)
            yield lambda count: bars.advance(bar, count)


class Lines:
    """A `Progress` that writes a line to standard error at the start, every few seconds, and at the end."""

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[Advance]:
        """Write lines while the task runs."""
        begun = time.monotonic()
        done, last, said = 0, begun, -1
        lock = threading.Lock()

        def say() -> None:
            nonlocal said
            if done == said or not total:
                return
            said = done
            rate = done / max(time.monotonic() - begun, 1e-9)
            print(f"{printable(what)}: {done} of {total}, {rate:.1f} a second", file=sys.stderr, flush=True)  # noqa: T201

        def advance(count: int) -> None:
            nonlocal done, last
            with lock:
                done += count
                if time.monotonic() - last > _SECONDS_BETWEEN_LINES:
                    last = time.monotonic()
                    say()

        try:
            yield advance
        finally:
            say()


class _Rate(ProgressColumn):
    """Items a second, over the last while."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing before there is one."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="dim")
