"""Pictures decoded in another process, which can be ended: some decoders take a picture in one go.

AVIF, HEIF and JPEG 2000 may be made to take any time, whatever their size, and the last decodes without
letting another thread run; of other formats the large ones take seconds between two looks at the clock. A
process is started when the first such picture comes, used again, and ended where a picture takes too long or
nobody waits for it. Pixels come back a strip at a time.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar, cast

from PIL import Image

from diptych.images.limits import Limits, UnreadablePicture
from diptych.images.memory import LOOK_EVERY, Hold
from diptych.images.work import DecodingStopped, allowed_seconds, stop_event, took_too_long

ALWAYS = frozenset({"AVIF", "HEIF", "JPEG 2000"})
"""Formats of which nothing that is cheap to read bounds the work."""

LARGE = 50_000_000
"""Pixels; beyond, any format takes seconds in some step that nothing interrupts."""

LARGE_IN_ONE_GO = 16_000_000
"""The same for WebP and compressed TIFF, whose decoders come back only when they are done."""

_BOUNDED_TIFF = frozenset(
    {"raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "group3", "group4", "tiff_ccitt"}
)
"""Compressions whose work goes with the pixels. A strip in JPEG may have a hundred scans."""

_STRIP = 1 << 18
"""Pixels that are sent at a time."""

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);from diptych.images.worker import serve; serve()"
)

_PIPE = 1 << 18
"""Bytes, where the system lets us choose: several times the usual, as every filling wakes the other side."""

_Said = TypeVar("_Said")


def goes_apart(kind: str, image: Image.Image) -> bool:
    """Whether a picture whose header is read had better be decoded in another process."""
    pixels = image.width * image.height
    if kind == "TIFF" and image.info.get("compression", "raw") not in _BOUNDED_TIFF:
        return True
    return pixels > (LARGE_IN_ONE_GO if kind in {"WebP", "TIFF"} else LARGE)


def decode_apart(data: bytes, kind: str, limits: Limits, at_least: int | None, hold: Hold) -> Image.Image:
    """What `decode` returns, made in another process; the memory of both is taken from `hold`.

    Raises:
        UnreadablePicture: As `decode` does, and where the process ended over it.
        DecodingStopped: Nobody waits for the picture.
    """
    worker = _taken()
    try:
        made = worker.decode(data, kind, limits, at_least, hold)
    except UnreadablePicture:
        _give_back(worker)
        raise
    except BaseException:  # Ctrl-C, too
        worker.end()
        raise
    _give_back(worker)
    return made


class _Worker:
    """A process that decodes one picture after another (`worker.serve`)."""

    def __init__(self) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 (this very program)
                [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pipesize=_PIPE,
            )
        except OSError as error:
            raise UnreadablePicture(f"no process could be started to decode it in: {error}") from error
        self._talks = ThreadPoolExecutor(1, "diptych-apart")
        self._ended_at = float("inf")

    def decode(self, data: bytes, kind: str, limits: Limits, at_least: int | None, hold: Hold) -> Image.Image:
        """Have a picture decoded, and look all the while whether anybody still waits for it."""
        allowed = limits.seconds
        try:
            width, height, memory = self._awaited(lambda: self._header(data, limits, at_least))
            allowed = allowed_seconds(limits, kind, width, height)
            hold.take(memory)
            return self._awaited(lambda: self._pixels(allowed))
        except (OSError, EOFError, ValueError) as error:  # the process is no more
            raise self._why_ended(allowed) from error

    def _awaited(self, talk: Callable[[], _Said]) -> _Said:
        """What comes of asking and being answered; see `worker`."""
        stop, answer = stop_event(), self._talks.submit(talk)
        while True:
            try:
                return answer.result(timeout=LOOK_EVERY)
            except TimeoutError:
                if stop is not None and stop.is_set():
                    raise DecodingStopped from None
                if time.monotonic() > self._ended_at:
                    self._process.kill()

    def _header(self, data: bytes, limits: Limits, at_least: int | None) -> tuple[int, int, int]:
        ask(self._into, {"bytes": len(data), "limits": limits.as_numbers(), "at_least": at_least}, data)
        said = self._said()
        if "turn" not in said:
            raise UnreadablePicture(said["reason"], damaged=said["damaged"])
        width, height, memory = said["turn"]
        return width, height, memory

    def _pixels(self, allowed: float) -> Image.Image:
        if not hasattr(signal, "setitimer"):  # Windows, where a process can't be given a limit of its own
            self._ended_at = time.monotonic() + allowed
        ask(self._into, {})
        said = self._said()
        self._ended_at = float("inf")
        if "size" not in said:
            raise UnreadablePicture(said["reason"], damaged=said["damaged"])
        image = Image.new("RGB", tuple(said["size"]))
        for top, rows in strips(image):
            body = self._from.read(image.width * rows * 3)
            image.paste(Image.frombytes("RGB", (image.width, rows), body), (0, top))
        return image

    def _said(self) -> dict[str, Any]:
        line = self._from.readline()
        if not line:
            raise EOFError
        return cast("dict[str, Any]", json.loads(line))

    def _why_ended(self, allowed: float) -> UnreadablePicture:
        late = time.monotonic() > self._ended_at
        if late or self._process.wait() == -getattr(signal, "SIGPROF", 0):
            return took_too_long(allowed)
        return UnreadablePicture("the process that decodes it was ended, perhaps for want of memory")

    @property
    def _into(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdin)

    @property
    def _from(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdout)

    @property
    def runs(self) -> bool:
        """Whether it can be used again."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._talks.shutdown(wait=True)  # what it waits for has come to its end
        self._process.wait()
        for pipe in (self._into, self._from):
            try:
                pipe.close()
            except OSError:  # what was not sent yet goes nowhere
                continue


def ask(into: IO[bytes], what: dict[str, Any], data: bytes = b"") -> None:
    """Send one line, and bytes after it."""
    into.write(json.dumps(what).encode() + b"\n")
    into.write(data)
    into.flush()


def strips(image: Image.Image) -> list[tuple[int, int]]:
    """The strips in which a picture's pixels are sent: the first row of each, and how many rows it has."""
    rows = max(1, _STRIP // max(1, image.width))
    return [(top, min(rows, image.height - top)) for top in range(0, image.height, rows)]


_idle: list[_Worker] = []
_lock = threading.Lock()


def _taken() -> _Worker:
    while True:
        with _lock:
            worker = _idle.pop() if _idle else None
        if worker is None:
            return _Worker()
        if worker.runs:
            return worker
        worker.end()  # ended from outside meanwhile, for want of memory perhaps: no fault of the next picture


def _give_back(worker: _Worker) -> None:
    if not worker.runs:
        worker.end()
        return
    with _lock:
        _idle.append(worker)


def _leave_to_parent() -> None:
    """In a forked process, which has its parent's pipes and none of the threads that talk on them."""
    global _lock  # noqa: PLW0603 (who held it is not here to let go)
    _lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


@atexit.register
def _end_all() -> None:
    while _idle:
        _idle.pop().end()
