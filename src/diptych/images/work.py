"""How much processor time one picture may take, whatever its bytes; and its end when a run is stopped."""

from __future__ import annotations

import io
import threading
import time

from diptych.images.limits import Limits, UnreadablePicture

SECONDS_PER_MEGAPIXEL = 0.1
"""Processor time that pixels justify: several times what a slow machine takes for a large PNG of 16 bits."""

SLOW_SECONDS_PER_MEGAPIXEL = 0.4
"""The same for `SLOW`, whose pixels take several times as long in the best decoders."""

SLOW = frozenset({"AVIF", "HEIF", "JPEG 2000", "WebP"})


_READ = io.BytesIO.read

_SMALL_FILE = 1 << 16
"""Bytes, of which even reading one after another takes no time."""

_SMALL, _SMALL_READS = 1024, 64
"""Bytes, and how many reads of fewer pass before the clock is looked at: headers are read by a few bytes."""


class DecodingStopped(BaseException):
    """Nobody waits for this picture any more. No fault of the picture: nothing is to be concluded from it."""


class _Stoppable(threading.local):
    stop: threading.Event | None = None


_in_thread = _Stoppable()


def stop_with(stop: threading.Event) -> None:
    """Let what this thread decodes from now on end in `DecodingStopped` soon after `stop` is set."""
    _in_thread.stop = stop


def stop_event() -> threading.Event | None:
    """What `stop_with` was given in this thread."""
    return _in_thread.stop


def allowed_seconds(limits: Limits, kind: str, width: int, height: int) -> float:
    """The processor time that a picture of a format and a size may take."""
    rate = SLOW_SECONDS_PER_MEGAPIXEL if kind in SLOW else SECONDS_PER_MEGAPIXEL
    return limits.seconds + width * height / 1e6 * rate


def took_too_long(allowed: float) -> UnreadablePicture:
    """What is said of a picture that takes more."""
    return UnreadablePicture(
        f"decoding it takes more than {allowed:.3g} s of processor time, the limit for its size"
    )


class BoundedFile(io.BytesIO):
    """A picture's bytes, to be read by its decoder only as long as the picture's processor time lasts.

    Decoders that come back for more bytes every 64 kB, and those written in Python, are held by this. One
    that takes a whole picture in one go is not: what makes such a one slow must be found beforehand and
    given to `expect`, or the picture be decoded where it can be ended (`apart`).

    Args:
        data: The whole file.
        kind: Its format, as `format_of` names it.
        limits: Its `seconds` are what a picture may take beyond what its pixels justify.

    Attributes:
        limits: As given.
    """

    def __init__(self, data: bytes, kind: str, limits: Limits) -> None:
        super().__init__(data)
        self._stop = _in_thread.stop
        self._kind = kind
        self.limits = limits
        self._allowed = limits.seconds
        self._began = time.thread_time()
        self._small_reads = 0

    def replace(self, data: bytes) -> None:
        """Read other bytes instead, from their beginning, in the time that is left."""
        super().__init__(data)

    def allow_for(self, width: int, height: int) -> None:
        """Add what so many pixels justify."""
        self._allowed = allowed_seconds(self.limits, self._kind, width, height)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on.

        Raises:
            UnreadablePicture: The time is used up.
            DecodingStopped: Nobody waits for the picture.
        """
        self._small_reads += 1
        if size is None or not 0 <= size < _SMALL or self._small_reads % _SMALL_READS == 0:
            self.check()
        return _READ(self, size)

    def check(self) -> None:
        """Raise what `read` raises, without reading; for a decoder's own loops."""
        if self._stop is not None and self._stop.is_set():
            raise DecodingStopped
        self.expect(time.thread_time() - self._began)

    def expect(self, seconds: float) -> None:
        """Raise `UnreadablePicture` where decoding is known to take more seconds than are allowed."""
        if seconds > self._allowed:
            raise took_too_long(self._allowed)


class _SmallFile(BoundedFile):
    """A file that costs nothing to read: only `check` looks at the clock. For thumbnails that counts."""

    read = _READ


def bounded(data: bytes, kind: str, limits: Limits) -> BoundedFile:
    """A picture's bytes, as cheap to read as its size allows; the arguments are those of `BoundedFile`."""
    return (_SmallFile if len(data) <= _SMALL_FILE else BoundedFile)(data, kind, limits)
