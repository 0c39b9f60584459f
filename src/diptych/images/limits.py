"""How big and how costly a picture may be, and the error that says why one can't be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from typing import BinaryIO

from diptych.errors import DiptychError

CHUNK = 1 << 20
"""Bytes read at a time: what one thread holds while it goes through a file."""


class UnreadablePicture(DiptychError):
    """This one picture can't be read; the message is the reason, in words.

    Args:
        message: The reason.
        damaged: Whether its bytes are to blame, not a limit, a missing package or the memory there is.
    """

    def __init__(self, message: str, *, damaged: bool = False) -> None:
        super().__init__(message)
        self.damaged = damaged


@dataclass(frozen=True, slots=True)
class Limits:
    """How big and how costly a picture may be; one beyond is skipped before it costs memory, or time.

    Attributes:
        megapixels: The most pixels, in millions.
        megabytes: The biggest file, in millions of bytes.
        seconds: The most processor time for decoding one, beyond what its pixels justify (`images.work`).
    """

    megapixels: float = 200.0
    megabytes: float = 256.0
    seconds: float = 5.0

    def as_numbers(self) -> tuple[float, float, float]:
        """What to make the same limits of, in another process."""
        return self.megapixels, self.megabytes, self.seconds

    @property
    def bytes(self) -> int:
        """The biggest file, in bytes."""
        return int(min(self.megabytes * 1e6, sys.maxsize))

    def check_bytes(self, size: int) -> None:
        """Raise `UnreadablePicture` when a file of `size` bytes is too big."""
        if size > self.bytes:
            raise UnreadablePicture(f"{size / 1e6:.4g} megabytes, over the limit of {self.megabytes:g}")

    def check_pixels(self, width: int, height: int) -> None:
        """Raise `UnreadablePicture` when a picture of this size has too many pixels."""
        if width * height > self.megapixels * 1e6:
            raise UnreadablePicture(
                f"{width} x {height} is {width * height / 1e6:.4g} megapixels, "
                f"over the limit of {self.megapixels:g}"
            )


def chunks(stream: BinaryIO | RawIOBase, limits: Limits, size: int = CHUNK) -> Iterator[bytes]:
    """Go through an open file of unknown length, a megabyte at a time.

    Args:
        stream: The file.
        limits: What is too much.
        size: How many bytes it probably has: room for a megabyte is not made for each small file.

    Yields:
        The bytes in order; nothing for an empty file.

    Raises:
        UnreadablePicture: There is more of it than `limits` allows, whatever was declared.
    """
    total = 0
    while chunk := stream.read(min(CHUNK, size + 1)):
        total += len(chunk)
        limits.check_bytes(total)
        yield chunk
