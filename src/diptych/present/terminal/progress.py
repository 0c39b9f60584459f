"""Progress for a person: bars on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import html
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from diptych.progress import Advance, Progress, Silent
from diptych.text import printable

_SECONDS_BEFORE_A_LINE = 1.0
_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_LOOKS = 0.25


def progress_for(console: Console) -> Progress:
    """Choose how progress is shown on this console: bars on a terminal, otherwise plain lines."""
    return Bars(console) if console.is_terminal else Lines()


def progress_in_notebook() -> Progress:
    """Bars where this process runs a notebook's cells; otherwise nothing."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return Cell() if shell is not None and hasattr(shell, "kernel") else Silent()


class Bars:
    """A `Progress` with one bar per task, its rate and the time left; tasks side by side stand together."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: RichProgress | None = None
        self._tasks = 0
        self._lock = threading.Lock()

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[Advance]:
        """Show a bar; once no task runs any more, all bars make room for what came of them."""
        with self._lock:
            if self._shown is None:
                self._shown = self._made()
                self._shown.start()
            shown = self._shown
            self._tasks += 1
        bar = shown.add_task(printable(what), total=total)
        try:
            yield lambda count: shown.advance(bar, count)
        finally:
            with self._lock:
                self._tasks -= 1
                if not self._tasks:
                    shown.stop()
                    self._shown = None

    def _made(self) -> RichProgress:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            _Rate(),
            TimeRemainingColumn(),
        )
        return RichProgress(*columns, console=self._console, transient=True)


class Cell:
    """A `Progress` in a notebook's output: one line per task, with a bar while it runs.

    It needs no widgets, which not every notebook can show: the line that remains is plain HTML.
    """

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[Advance]:
        """Show a line while the task runs; it stays, finished."""
        from IPython.display import display, update_display

        begun = last = time.monotonic()
        done, line = 0, f"diptych-{uuid4()}"
        lock = threading.Lock()

        def advance(count: int) -> None:
            nonlocal done, last
            with lock:
                done += count
                if time.monotonic() - last > _SECONDS_BETWEEN_LOOKS:
                    last = time.monotonic()
                    update_display(_line(what, done, total, last - begun), raw=True, display_id=line)

        if not total:
            yield lambda _count: None
            return
        display(_line(what, done, total, 0.0), raw=True, display_id=line)
        try:
            yield advance
        finally:
            ended = _line(what, done, total, time.monotonic() - begun, bar=False)
            update_display(ended, raw=True, display_id=line)


def _line(what: str, done: int, total: int, seconds: float, *, bar: bool = True) -> dict[str, str]:
    """How far a task is, in the forms that a notebook may ask for."""
    rate = f", {done / seconds:,.1f} a second" if done and seconds else ""
    words = f"{printable(what)}: {done:,} of {total:,}{rate}"
    drawn = f'<progress value="{done}" max="{total}"></progress> ' if bar else ""
    return {"text/plain": words, "text/html": f"{drawn}<small>{html.escape(words)}</small>"}


class Lines:
    """A `Progress` that writes a line to standard error after a second, every few seconds, and at the end."""

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
            # In one piece: other tasks write lines, too.
            sys.stderr.write(f"{printable(what)}: {done:,} of {total:,}, {rate:,.1f} a second\n")
            sys.stderr.flush()

        def advance(count: int) -> None:
            nonlocal done, last
            with lock:
                done += count
                waited = _SECONDS_BEFORE_A_LINE if said < 0 else _SECONDS_BETWEEN_LINES
                if time.monotonic() - last > waited:
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
        return Text(f"{task.speed:,.1f}/s" if task.speed else "", style="dim")
