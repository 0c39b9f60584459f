"""Tasks that run side by side have a line each, in one display."""

from __future__ import annotations

import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from diptych.present.terminal.progress import Bars, Lines
from diptych.progress import Progress

NAMES = ("first", "second", "third")


def work(progress: Progress) -> None:
    """Three tasks in threads of their own, none of which ends before all have begun."""
    together = threading.Barrier(len(NAMES))

    def do(name: str, total: int) -> None:
        with progress.task(f"embedding with {name}", total) as advance:
            advance(1)
            together.wait(60)
            advance(total - 1)

    with ThreadPoolExecutor(len(NAMES)) as threads:
        running = [threads.submit(do, name, 10 + n) for n, name in enumerate(NAMES)]
    for each in running:
        each.result()


def test_on_a_terminal_they_stand_below_each_other_until_all_are_over() -> None:
    out = io.StringIO()
    bars = Bars(Console(file=out, force_terminal=True, width=120, height=20))
    with bars.task("embedding with first", 10) as first, bars.task("embedding with second", 7) as second:
        first(4)
        second(7)
    plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", out.getvalue())
    assert re.search(r"embedding with first .* 4/10 .*\nembedding with second .*7/7 ", plain)
    before = len(out.getvalue())
    with bars.task("reading", 5) as advance:
        advance(5)
    assert "reading" in out.getvalue()[before:]
    assert "first" not in out.getvalue()[before:]


def test_bars_of_several_threads_are_one_display() -> None:
    out = io.StringIO()
    work(Bars(Console(file=out, force_terminal=True, width=120, height=20)))
    assert all(f"embedding with {name}" in out.getvalue() for name in NAMES)
    assert out.getvalue().count("\x1b[?25l") == 1, "the cursor is hidden once"


def test_lines_of_several_tasks_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    work(Lines())
    lines = capsys.readouterr().err.splitlines()
    assert sorted(re.sub(r", [\d.,]+ a second$", "", line) for line in lines) == [
        f"embedding with {name}: {total} of {total}" for name, total in zip(NAMES, (10, 11, 12), strict=True)
    ]
