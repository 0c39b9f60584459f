"""Runs ended by a signal at any moment: `python attacks/kills.py`.

Nothing that was stored may be lost or embedded again, and no more may be lost than what was under way.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM

from outcome import SEED, Outcome, tell

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from killing import Ended, Runs
from warm import Forks

KILLS = 200
PICTURES = 400
SIGNALS = (SIGKILL, SIGTERM, SIGKILL, SIGINT)
UNDER_WAY = 8
"""Answers that a run of this embedder, one call of two pictures at a time, may hold and not have stored."""


def chain(number: int, end: float, done: list[Ended], through: list[str]) -> None:
    """End runs until there are enough of them, or no time is left."""
    rng, forks = random.Random(SEED + number), Forks()
    signals = itertools.cycle(SIGNALS[number % 2 :] + SIGNALS[: number % 2])
    while time.monotonic() < end and len(done) < KILLS:
        with tempfile.TemporaryDirectory() as place:
            try:
                for ended in Runs(Path(place), PICTURES, forks).end_each(signals, rng):
                    done.append(ended)
                    if time.monotonic() >= end or len(done) >= KILLS:
                        break
            except Exception as error:  # noqa: BLE001 (a damaged store may raise anything)
                through.append(f"{type(error).__name__}: {error}")
    forks.end()


def outcomes(seconds: float) -> Iterator[Outcome]:
    """A row for each signal, and how long Ctrl-C took."""
    done: list[Ended] = []
    through: list[str] = []
    end = time.monotonic() + seconds
    chains = [
        threading.Thread(target=chain, args=(number, end, done, through))
        for number in range(os.cpu_count() or 1)
    ]
    for each in chains:
        each.start()
    for each in chains:
        each.join()
    yield Outcome(
        part="Time",
        tried="runs ended at any moment: stored vectors lost, embedded again, or made up",
        count=len(done),
        through=tuple(through),
        note="" if len(done) >= KILLS else f"there was no time for {KILLS}",
    )
    for by, most in ((SIGKILL, UNDER_WAY), (SIGTERM, UNDER_WAY), (SIGINT, 0)):
        lost = [ended.lost for ended in done if ended.by == by]
        mean = f"{sum(lost) / len(lost):.2f} on average" if lost else ""
        yield Outcome(
            part="Money",
            tried=f"answers lost by {by.name}",
            count=len(lost),
            worst=max(lost, default=0),
            most=most,
            note=mean,
        )
    took = [ended.seconds for ended in done if ended.by == SIGINT]
    yield Outcome(
        part="Time",
        tried="Ctrl-C while it embeds: until it has ended",
        count=len(took),
        worst=max(took, default=0.0),
        most=2.0,
        unit="s",
    )


if __name__ == "__main__":
    tell(outcomes)
