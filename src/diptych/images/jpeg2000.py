"""JPEG 2000 with what its header says of channels and colours: to Pillow all are sRGB's, and alpha."""

from __future__ import annotations

import struct
from typing import NamedTuple, cast

from PIL import Image, _imaging
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from diptych.images.boxes import boxes
from diptych.images.work import BoundedFile

_COLOUR, _OPACITY, _PREMULTIPLIED = 0, 1, 2
_BY_PROFILE = b"\x02"
"""A colour space that is said by a profile within."""

_HEADER_AMONG = 1 << 20
"""Bytes; the header of a JPEG 2000 comes before its pixels."""

_MODES = {(1, _COLOUR): "L", (1, _OPACITY): "LA", (1, _PREMULTIPLIED): "La"} | {
    (3, _COLOUR): "RGB", (3, _OPACITY): "RGBA", (3, _PREMULTIPLIED): "RGBa",
}  # fmt: skip
"""By the number of colours and what transparency there is."""


class _Channel(NamedTuple):
    band: int
    kind: int
    of: int
    """Which colour, from 1; 0: all of the picture."""


class Jpeg2000File(Jpeg2KImageFile):
    """A JPEG 2000."""

    def _open(self) -> None:
        super()._open()
        file = cast("BoundedFile", self.fp)
        file.seek(0)
        header = _header(file.read(_HEADER_AMONG))
        self._defined = _channels(header.get(b"cdef", b""))
        colours = header.get(b"colr", b"")
        if colours[:1] == _BY_PROFILE:
            self.info["icc_profile"] = colours[3:]

    def load(self) -> _imaging.PixelAccess | None:
        """Decode the pixels, once."""
        first = bool(self.tile)
        loaded = super().load()
        made = _arranged(self, self._defined) if first and self.mode in {"LA", "RGB", "RGBA"} else None
        if made is None:
            return loaded
        self.im, self._mode = made.im, made.mode
        return super().load()


def _header(data: bytes) -> dict[bytes, bytes]:
    """The boxes within the header box (ITU T.800, I.5.3), of several of one name the first."""
    header = next((each.body for each in boxes(data) if each.name == b"jp2h"), b"")
    found: dict[bytes, bytes] = {}
    for each in boxes(header):
        found.setdefault(each.name, each.body)
    return found


def _channels(definitions: bytes) -> list[_Channel]:
    """The channel definitions (ITU T.800, I.5.3.6)."""
    entries = definitions[2:]
    return [_Channel(*each) for each in struct.iter_unpack(">HHH", entries[: len(entries) // 6 * 6])]


def _arranged(image: Image.Image, channels: list[_Channel]) -> Image.Image | None:
    """The channels as they are defined, None where they are undefined or make no picture."""
    colours = sorted((each.of, each.band) for each in channels if each.kind == _COLOUR and each.of)
    alpha = [each for each in channels if each.kind in {_OPACITY, _PREMULTIPLIED} and each.of == 0][:1]
    mode = _MODES.get((len(colours), alpha[0].kind if alpha else _COLOUR))
    order = [index for _, index in colours] + [each.band for each in alpha]
    bands = image.split()
    if mode is None or max(order) >= len(bands):
        return None
    return Image.merge(mode, [bands[index] for index in order])
