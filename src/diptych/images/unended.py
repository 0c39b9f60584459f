"""JPEG files that end without the marker for it: some programs leave it out, and so does a cut.

Whether all pixels are there is tried out. Where they are, the decoder has no use for what follows, and it
changes nothing; where some are missing, what follows is taken for them, and other bytes make other pixels.
"""

from __future__ import annotations

import io
import re
import struct
from random import Random

from PIL.JpegImagePlugin import JpegImageFile

JPEG_END = b"\xff\xd9"
"""Ends a JPEG and, under another name, a JPEG 2000."""

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""Neither a stuffed 0xFF among the data nor a mark between their parts (ITU T.81, B.1.1)."""

_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_SCAN = 0xDA
_COEFFICIENTS = 64

_PART, _PARTS = 256, 16
"""How long a filling is: a block of 64 coefficients seldom takes more bytes than a part has."""


def _filling(number: int) -> bytes:
    """Bytes that make pixels where any are missing, with the marks that the decoder may wait for.

    Of a file with marks every one is in turn the first: another than it waits for would be passed over.
    """
    random = Random(number)  # noqa: S311 (any bytes will do)
    parts = (bytes(random.choices(range(0xFF), k=_PART)) for _ in range(_PARTS))
    return b"".join(part + bytes((0xFF, 0xD0 + (number + n) % 8)) for n, part in enumerate(parts))


def ended(data: bytes) -> bytes | None:
    """A JPEG with its end where only that is missing, or None where pixels are missing too.

    Raises:
        Exception: Whatever the decoder raises on hostile bytes.
    """
    if not _all_scans_begun(data):
        return None
    data = data.rstrip(JPEG_END[:1])
    pixels = _pixels(data + JPEG_END)
    same = all(_pixels(data + _filling(number) + JPEG_END) == pixels for number in range(8))
    return data + JPEG_END if same else None


def _pixels(data: bytes) -> bytes:
    with JpegImageFile(io.BytesIO(data)) as image:
        return image.tobytes()


def _all_scans_begun(data: bytes) -> bool:
    """Whether there is a scan for every coefficient of every component, down to its last bit.

    A progressive file has many, and one that is cut between two of them shows a picture, but a coarse one.
    """
    last_bits: dict[int, list[int | None]] = {}
    at = 0
    try:
        while marker := _MARKER.search(data, at):
            kind, at = marker[1][0], marker.end()
            if kind in {0x01, 0xD8}:  # these stand alone
                continue
            (length,) = struct.unpack_from(">H", data, at)
            if kind in _FRAMES:
                last_bits = {data[at + 8 + 3 * n]: [None] * _COEFFICIENTS for n in range(data[at + 7])}
            elif kind == _SCAN:
                count = data[at + 2]
                first, last, bits = data[at + 3 + 2 * count : at + 6 + 2 * count]
                for n in range(count):
                    of_component = last_bits[data[at + 3 + 2 * n]]
                    of_component[first : last + 1] = [bits & 15] * (last + 1 - first)
            at += length
    except (LookupError, ValueError, struct.error):
        return False
    return bool(last_bits) and all(bit == 0 for bits in last_bits.values() for bit in bits)
