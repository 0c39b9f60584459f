"""Turns between processes: who holds one has a lock on a file, which is gone when the turn is over."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_EVERY = 0.05  # seconds between looks at whether the one before is done

if sys.platform == "win32":
    import filelock

    @contextmanager
    def turn(
        path: Path, waits: Callable[[], None], pause: Callable[[float], None] = time.sleep
    ) -> Iterator[None]:
        """As below; a file that another process has open can't be removed there, so there is no race."""
        lock = filelock.FileLock(path)
        waits_for_it = False
        while not lock.is_locked:
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                if not waits_for_it:
                    waits()
                waits_for_it = True
                pause(_LOOK_EVERY)
        try:
            yield
        finally:
            lock.release()

else:
    import fcntl

    @contextmanager
    def turn(
        path: Path, waits: Callable[[], None], pause: Callable[[float], None] = time.sleep
    ) -> Iterator[None]:
        """Hold a turn: no other process, and no other thread, holds one by the same path.

        The turn of a process that is killed ends with it.

        Args:
            path: The file that stands for it, which is there for as long as it lasts.
            waits: Called once, where somebody else holds it.
            pause: Waits so many seconds between two looks; what it raises ends the wait.

        Raises:
            OSError: The file can't be made.
        """
        held = _try(path)
        if held is None:
            waits()
            while (held := _try(path)) is None:
                pause(_LOOK_EVERY)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # while it is ours; whoever waits for this very file looks again
            os.close(held)

    def _try(path: Path) -> int | None:
        """Lock the file and return its descriptor; None where somebody else has it, or just let go of it."""
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        held = False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The holder before may have removed it between the two calls: then the next one makes another.
            held = os.path.samestat(os.fstat(file), path.stat())
        except (BlockingIOError, FileNotFoundError):
            pass
        finally:
            if not held:
                os.close(file)
        return file if held else None
