"""Runs that are ended by a signal at any moment, and what must be true of the store after each."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from diptych.images import Picture, open_collection
from diptych.store.vectors import Store
from plugins import environment, install
from warm import Forked, Forks


def colour(number: int) -> tuple[int, int, int]:
    return number % 200, number // 200, 7


def draw(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        Image.new("RGB", (8, 8), colour(number)).save(folder / f"{number:03}.png")


def stored(path: Path, pictures: tuple[Picture, ...], number: int = 1) -> dict[str, bytes]:
    with Store(path) as store:
        known = sorted(store.known(f"counting/{number}", "image", [picture.id for picture in pictures]))
        vectors = store.get(f"counting/{number}", "image", known)
    return {item: vector.tobytes() for item, vector in zip(known, vectors, strict=True)}


@dataclass(frozen=True)
class Ended:
    """A run that was ended.

    Attributes:
        by: The signal.
        lost: Pictures that were embedded and are not in the store.
        seconds: From the signal to the end of the process.
        status: Its exit status.
    """

    by: signal.Signals
    lost: int
    seconds: float
    status: int


class Runs:
    """Runs of one command on one store, in a folder of its own, that a test ends.

    Args:
        folder: Empty.
        count: How many pictures there are.
        forks: What to fork runs from, so that they start in no time; None for processes that start as usual.
        most: Pictures after which a run that is to be ended waits for `SIGKILL`, however late it comes; None
            for runs that go on.

    Attributes:
        before: The vectors in the store, by the picture's id.
        id_of: The id of each picture by its colour as the plug-in writes it down.
    """

    def __init__(self, folder: Path, count: int, forks: Forks | None = None, most: int | None = None) -> None:
        self._forks, self._most = forks, most
        draw(folder / "pictures", count)
        self.pictures = open_collection(folder / "pictures").pictures
        self.id_of = {"-".join(map(str, colour(int(Path(p.name).stem)))): p.id for p in self.pictures}
        self.store, self.log = folder / "store.sqlite", folder / "log"
        self.env = environment(install(folder / "plugins"))
        self.command = [sys.executable, "-m", "diptych", "embed", str(folder / "pictures"), "--quiet"]
        self.command += ["--store", str(self.store), "-e", f"counting:?log={self.log}&batch_size=2"]
        self.before: dict[str, bytes] = {}

    def _start(self) -> Forked | subprocess.Popen[bytes]:
        *command, spec = self.command
        command.append(spec if self._most is None else f"{spec}&most={self._most}")
        if self._forks is not None:
            words = command[command.index("diptych") + 1 :]
            return self._forks.start(self.log.parent, words, self.env, os.devnull, os.devnull)
        return subprocess.Popen(command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end_each(self, signals: Iterable[signal.Signals], rng: random.Random) -> Iterator[Ended]:
        """Start a run for each signal and end it at some moment, until every picture is embedded.

        Raises:
            AssertionError: Something that was stored is lost or was embedded again, or something is stored
                that was not embedded.
        """
        for by in signals:
            if len(self.before) == len(self.pictures):
                return
            self.log.write_text("")
            process = self._start()
            enough = rng.randrange(0, 40)
            while process.poll() is None and self.log.read_text().count("\n") < enough:
                # the moment is the process's own progress, plus however long this look at it took
                time.sleep(0.001)  # which leaves it a core to make progress on
            asked = time.monotonic()
            process.send_signal(by)
            status = process.wait()
            seconds = time.monotonic() - asked
            after = stored(self.store, self.pictures)
            embedded = {self.id_of[name] for name in self.log.read_text().split("\n")[:-1]}
            assert self.before.items() <= after.items(), "what was stored is lost"
            assert embedded.isdisjoint(self.before), "what was stored is embedded again"
            assert after.keys() - self.before.keys() <= embedded, "what is stored was not embedded"
            self.before = after
            yield Ended(by, len(embedded - after.keys()), seconds, status)
