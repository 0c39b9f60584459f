"""Small files that cost far more than their pixels justify, made here byte by byte."""

from __future__ import annotations

import io
import struct

from PIL import Image

from diptych.images.boxes import boxes

_SEQUENCE, _FRAME = 1, 6
_LAYERED = 0x301
"""One operating point of two spatial layers (AV1, 5.5.1): frames of the lower are decoded, not shown."""


def _obus(data: bytes) -> list[tuple[int, bytes]]:
    """The units of an AV1 stream (AV1, 5.3): their types and what they hold."""
    found, at = [], 0
    while at < len(data):
        kind, extended = data[at] >> 3 & 15, data[at] >> 2 & 1
        at += 1 + extended
        size = shift = 0
        while True:
            size |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                break
        found.append((kind, data[at : at + size]))
        at += size
    return found


def _obu(kind: int, body: bytes, *, layer: bool) -> bytes:
    size, length = len(body), b""
    while size >= 128:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    extension = b"\0" if layer else b""
    return bytes([kind << 3 | layer << 2 | 2]) + extension + length + bytes([size]) + body


def avif_of_many_frames(frames: int, width: int = 1000, height: int = 1000) -> bytes:
    """An AVIF picture whose one image item holds so many frames, of which decoders show the last."""
    flat = Image.new("L", (width, height), 90)
    buffer = io.BytesIO()
    flat.save(buffer, "AVIF", save_all=True, append_images=[flat.point(lambda value: value + 8)], speed=8)
    media = next(each.body for each in boxes(buffer.getvalue()) if each.name == b"mdat")
    first: dict[int, bytes] = {}
    for kind, body in _obus(media):
        first.setdefault(kind, body)
    bits = int.from_bytes(first[_SEQUENCE][:4], "big")  # after 12 bits, 12 say which layers there are
    sequence = (bits & ~(0xFFF << 8) | _LAYERED << 8).to_bytes(4, "big") + first[_SEQUENCE][4:]
    stream = _obu(_SEQUENCE, sequence, layer=False) + _obu(_FRAME, first[_FRAME], layer=True) * frames
    return _with_media(flat, stream)


def _with_media(image: Image.Image, stream: bytes) -> bytes:
    """An AVIF picture of another stream."""
    buffer = io.BytesIO()
    image.save(buffer, "AVIF", speed=8)
    data = buffer.getvalue()
    media = next(each for each in boxes(data) if each.name == b"mdat")
    place = struct.pack(">II", media.at + 8, len(media.body))  # the extent in the item's location
    assert data.count(place) == 1
    data = data.replace(place, struct.pack(">II", media.at + 8, len(stream)))
    return data[: media.at] + struct.pack(">I", 8 + len(stream)) + b"mdat" + stream
