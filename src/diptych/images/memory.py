"""How much memory pictures take, and a bound on all that are in memory at the same time, whoever asks.

There are two rooms: one for the bytes of files, one for what decoders make of them. Who needs both takes the
first before the second, so that nobody who holds something in the second ever waits for the first.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections import deque
from contextlib import suppress

from PIL import Image

from diptych.images.colour import STRIP
from diptych.images.work import DecodingStopped, stop_event

CORES = max(8, os.cpu_count() or 1)
PIXELS_ROOM = CORES * 256_000_000
"""Bytes of pictures as pixels: 2 GB, or a camera's picture of 24 megapixels and more for each core."""

FILES_ROOM = CORES * 64_000_000
"""Bytes of files that are read to be decoded: 512 MB, or that much for each core."""

LOOK_EVERY = 0.1
"""Seconds between two looks at whether anybody still waits for the picture."""

RGB = 4
"""Bytes of a pixel of a picture that is decoded, in Pillow's mode RGB."""

_WHILE_DECODED = {
    "JPEG": 8, "PNG": 10, "GIF": 10, "BMP": 12, "PSD": 14, "PNM": 20, "TIFF": 20,
    "WebP": 26, "AVIF": 20, "HEIF": 20, "JPEG 2000": 32,
}  # fmt: skip
"""The most that a pixel takes until it is sRGB and upright, as measured; of two processes what both take."""

_8_BITS = frozenset({"JPEG", "PNG", "GIF", "WebP", "TIFF"})
"""Unless their mode says that they have more."""

_IN_STRIPS = 32
"""Bytes of each pixel of a strip, in which pictures of more than 8 bits are worked on."""

_PROGRESSIVE = 14
"""The same for a JPEG whose coefficients wait for later scans: two bytes each, at the whole size."""


def while_decoded(kind: str, image: Image.Image, pixels: int) -> int:
    """The most bytes that decoding a picture takes beside its file.

    Args:
        kind: Its format, as `format_of` names it.
        image: It, with its header read.
        pixels: How many the file has, however few of them are made.
    """
    if "progressive" in image.info:
        return pixels * _PROGRESSIVE
    sampled: int = getattr(image, "bytes_of_samples", 0)
    made = image.width * image.height
    has_8_bits = kind in _8_BITS and not sampled and image.mode[0] not in "IF"
    strip = 0 if has_8_bits else min(made, STRIP) * _IN_STRIPS
    return made * _WHILE_DECODED[kind] + strip + sampled


class Room:
    """Bytes that all threads share, first come, first served; what is larger than all of it has it alone.

    Args:
        size: Bytes.

    Attributes:
        most: The most that was taken at once.
        in_thread: Whether this thread holds something (`holds`).
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget who took what: in a forked process, where none of those threads are."""
        self.most = 0
        self._taken = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()
        self.in_thread = threading.local()

    def hold(self) -> Hold:
        """What is taken in the block of `with` is given back at its end."""
        return Hold(self)

    def take(self, much: int, *, waits: bool) -> None:
        """Take bytes, as soon as they are there.

        Raises:
            DecodingStopped: Nobody waits for the picture any more.
        """
        with self._changed:
            if waits and (self._waiting or self._lacks(much)):
                self._wait_for(much)
            self._taken += much
            self.most = max(self.most, self._taken)

    def _wait_for(self, much: int) -> None:
        stop, place = stop_event(), object()
        self._waiting.append(place)
        try:
            while self._waiting[0] is not place or self._lacks(much):
                if stop is not None and stop.is_set():
                    raise DecodingStopped
                self._changed.wait(LOOK_EVERY)
        finally:
            self._waiting.remove(place)
            self._changed.notify_all()

    def _lacks(self, much: int) -> bool:
        return self._taken > 0 and self._taken + much > self.size

    def give_back(self, much: int) -> None:
        """Give back bytes that were taken."""
        with self._changed:
            self._taken -= much
            if self._waiting:
                self._changed.notify_all()


class Hold:
    """What one thread has taken of a room.

    Within another hold of the same thread nothing is waited for: it would wait for itself.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._taken = 0

    def __enter__(self) -> Hold:
        """Begin to hold."""
        self._waits = not getattr(self._room.in_thread, "holds", False)
        self._room.in_thread.holds = True
        return self

    def __exit__(self, *_: object) -> None:
        """Give back all."""
        self._room.in_thread.holds = not self._waits
        self.keep(0)

    def take(self, much: int) -> None:
        """Take bytes, once; see `Room.take`."""
        if not self._taken:  # a file that lacks its end is tried twice
            self._room.take(much, waits=self._waits)
            self._taken = much

    def keep(self, much: int) -> None:
        """Give back all but so many bytes."""
        if self._taken > much:
            self._room.give_back(self._taken - much)
            self._taken = much


def return_memory() -> None:
    """Give the system what the allocator keeps for later; nothing where it can't be asked to."""
    with suppress(AttributeError, OSError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


pixels = Room(PIXELS_ROOM)
files = Room(FILES_ROOM)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pixels.begin_anew)
    os.register_at_fork(after_in_child=files.begin_anew)
