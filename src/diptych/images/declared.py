"""What a picture's file declares of itself, for saying truly why a reader failed: how long it is, how large.

Hostile bytes come here. Everything returns quickly and raises only `struct.error`.
"""

from __future__ import annotations

import re
import struct

_TIFF_TYPE_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS = _DATA_TAGS = 273, 279, 324, 325

MOST_STRIPS = 1_000_000
"""More strips or tiles than a picture within any sane limit has; a list of more is not looked into."""

MOST_BOXES = 1000
"""More outermost boxes than a picture has."""


def is_cut_off(kind: str, data: bytes) -> bool:
    """Whether a file of a format (as `format_of` names it) is shorter than its own structure says.

    False where it can't be told.
    """
    try:
        if kind == "JPEG 2000":
            return not data.rstrip(b"\0").endswith(b"\xff\xd9")  # the marker that ends the code stream
        length = {
            "WebP": _riff_length,
            "AVIF": _boxes_length,
            "HEIF": _boxes_length,
            "PSD": _psd_length,
            "TIFF": _tiff_length,
        }.get(kind)
        return length is not None and length(data) > len(data)
    except struct.error:  # a number lies beyond the end
        return True


def largest_size(data: bytes) -> tuple[int, int]:
    """The width and height of the largest picture that an AVIF or HEIF file declares, (0, 0) without any."""
    boxes = re.finditer(rb"ispe\0\0\0\0(.{4})(.{4})", data[:1_000_000], re.DOTALL)
    sizes: list[tuple[int, int]] = [struct.unpack(">II", box[1] + box[2]) for box in boxes]
    return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


def _riff_length(data: bytes) -> int:
    (length,) = struct.unpack_from("<I", data, 4)
    return int(length) + 8


def _boxes_length(data: bytes) -> int:
    """Where the last of the outermost boxes ends (ISO 14496-12, 4.2)."""
    at = 0
    for _ in range(MOST_BOXES):
        if at >= len(data):
            break
        (length,) = struct.unpack_from(">I", data, at)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
        if length < 8:  # 0: to the end of the file; else damaged
            return len(data)
        at += length
    return at


def _psd_length(data: bytes) -> int:
    """Where the sections before the pixels end."""
    at = 26
    for _ in range(3):
        (length,) = struct.unpack_from(">I", data, at)
        at += 4 + length
    return at


def _tiff_length(data: bytes) -> int:
    """Where the last thing ends that the first directory points to (TIFF 6.0; 0 for BigTIFF)."""
    order = "<" if data[:2] == b"II" else ">"
    magic, directory = struct.unpack_from(order + "HI", data, 2)
    if magic != 42:
        return 0
    (count,) = struct.unpack_from(order + "H", data, directory)
    end = directory + 2 + 12 * count
    values: dict[int, tuple[int, ...]] = {}
    for entry in range(count):
        at = directory + 2 + 12 * entry
        tag, kind, number = struct.unpack_from(order + "HHI", data, at)
        size = number * (_TIFF_TYPE_SIZES[kind] if kind < len(_TIFF_TYPE_SIZES) else 0)
        place = at + 8
        if size > 4:
            (place,) = struct.unpack_from(order + "I", data, place)
            end = max(end, place + size)
        if tag in _DATA_TAGS and kind in {3, 4} and number <= MOST_STRIPS:
            values[tag] = struct.unpack_from(f"{order}{number}{'HI'[kind - 3]}", data, place)
    for offsets, lengths in ((_STRIP_OFFSETS, _STRIP_LENGTHS), (_TILE_OFFSETS, _TILE_LENGTHS)):
        # Shorter lists than offsets are damage of another kind, left to the reader's own words.
        ends = zip(values.get(offsets, ()), values.get(lengths, ()), strict=False)
        end = max(end, *(offset + length for offset, length in ends), 0)
    return int(end)
