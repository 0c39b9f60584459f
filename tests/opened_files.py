"""Which files below a folder are opened, by whatever code: Linux tells, and Python's audit hooks would not
tell of what libraries in C++ and Rust do."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_OPENED, _IS_FOLDER = 0x20, 0x40000000
_HEADER = struct.Struct("iIII")


@contextmanager
def opened_below(folder: Path) -> Iterator[set[Path]]:
    """Collect the files below a folder that are opened in the block; complete when it is left.

    Folders that are linked are looked into as well; their files have the path below `folder`.
    """
    if sys.platform != "linux":
        pytest.skip("inotify is Linux's")
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.inotify_init1(os.O_NONBLOCK)
    assert queue >= 0
    watched = {}
    for inside, _, _ in os.walk(folder, followlinks=True):
        watch = libc.inotify_add_watch(queue, os.fsencode(inside), _OPENED)
        assert watch >= 0, os.strerror(ctypes.get_errno())
        watched[watch] = Path(inside)
    opened: set[Path] = set()
    try:
        yield opened
        opened.update(_events(queue, watched))
    finally:
        os.close(queue)


def _events(queue: int, watched: dict[int, Path]) -> Iterator[Path]:
    while True:
        try:
            events = os.read(queue, 1 << 16)
        except BlockingIOError:
            return
        while events:
            watch, kind, _, length = _HEADER.unpack_from(events)
            name = events[_HEADER.size : _HEADER.size + length].rstrip(b"\0")
            events = events[_HEADER.size + length :]
            assert watch >= 0, "more happened than the queue holds"
            if name and not kind & _IS_FOLDER:
                yield watched[watch] / os.fsdecode(name)
