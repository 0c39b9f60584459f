"""Boxes, of which AVIF, HEIF (ISO 14496-12, 4.2) and JPEG 2000 (ITU T.800, I.4) are made."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

MOST_BOXES = 1000
"""More boxes beside one another than a picture has."""


class Box(NamedTuple):
    """A box: its name, where it begins in the file, and what it holds."""

    name: bytes
    at: int
    body: bytes


def boxes(data: bytes, at: int = 0) -> Iterator[Box]:
    """Go through the boxes that lie beside one another; a broken one ends it.

    Raises:
        struct.error: A box is cut off in its first bytes.
    """
    for _ in range(MOST_BOXES):
        if at >= len(data):
            return
        length, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        end = at + length if length else len(data)
        if end < at + head:
            return
        yield Box(name, at, data[at + head : end])
        at = end


def box(name: bytes, body: bytes) -> bytes:
    """The bytes of a box."""
    return struct.pack(">I4s", 8 + len(body), name) + body
