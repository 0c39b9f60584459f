"""AVIF whose alpha does not say how large it is: browsers show it, libavif as Pillow sets it refuses."""

from __future__ import annotations

import struct
from collections.abc import Callable

from diptych.images.boxes import Box, box, boxes

_FULL_BOX = 4
"""Bytes of version and flags, before the boxes within `meta`."""


def with_sizes(data: bytes) -> bytes | None:
    """The file with the picture's size given to every item that lacks one; None where none does.

    The size is one property of the file already, which further items may share (ISO 23008-12, 9.3). What
    says so comes in a new `meta` box at the end, and the old one is blanked: nothing else changes its place.

    Raises:
        struct.error: The file is damaged.
    """
    old = next((each for each in boxes(data) if each.name == b"meta"), None)
    properties = [] if old is None else _inside(old, b"iprp", _FULL_BOX)
    names = [each.name for each in boxes(b"".join(each.body for each in properties if each.name == b"ipco"))]
    if old is None or b"ispe" not in names:
        return None

    def mended(body: bytes) -> bytes:
        return _with_property(body, {n for n, name in enumerate(names, 1) if name == b"ispe"})

    new = _changed(old.body, lambda iprp: _changed(iprp, mended, b"ipma", 0), b"iprp", _FULL_BOX)
    if new == old.body:
        return None
    blanked = data[: old.at + 4] + b"free" + data[old.at + 8 :]
    return blanked + box(b"meta", new)


def _inside(outer: Box, name: bytes, skip: int) -> list[Box]:
    return [inner for each in boxes(outer.body, skip) if each.name == name for inner in boxes(each.body)]


def _changed(body: bytes, change: Callable[[bytes], bytes], name: bytes, skip: int) -> bytes:
    """Boxes, with what those of one name hold changed."""
    parts = (
        box(each.name, change(each.body) if each.name == name else each.body) for each in boxes(body, skip)
    )
    return body[:skip] + b"".join(parts)


def _with_property(body: bytes, sizes: set[int]) -> bytes:
    """An `ipma` box, in which every item has one of `sizes` among its properties (ISO 23008-12, 9.3.2)."""
    version, wide = body[0], body[3] & 1
    (count,) = struct.unpack_from(">I", body, 4)
    identity, index, bits = 2 if version == 0 else 4, "H" if wide else "B", 0x7FFF if wide else 0x7F
    at, made = 8, body[:8]
    for _ in range(min(count, len(body))):
        number = body[at + identity]
        end = at + identity + 1 + number * struct.calcsize(index)
        indices = struct.unpack_from(f">{number}{index}", body, at + identity + 1)
        if sizes.isdisjoint(each & bits for each in indices):
            indices = (min(sizes), *indices)
        made += body[at : at + identity] + struct.pack(f">B{len(indices)}{index}", len(indices), *indices)
        at = end
    return made
