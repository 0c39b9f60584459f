"""JPEG 2000 with what its header says of its channels: Pillow takes them for red, green, blue and alpha."""

from __future__ import annotations

import struct
from typing import NamedTuple, cast

from PIL import Image, _imaging
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from diptych.images.boxes import boxes
from diptych.images.work import BoundedFile

_COLOUR, _OPACITY, _PREMULTIPLIED = 0, 1, 2
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
        self._defined = _channels(file.read(_HEADER_AMONG))

    def load(self) -> _imaging.PixelAccess | None:
        """Decode the pixels, once."""
        first = bool(self.tile)
        loaded = super().load()
        made = _arranged(self, self._defined) if first and self.mode in {"LA", "RGB", "RGBA"} else None
        if made is None:
            return loaded
        self.im, self._mode = made.im, made.mode
        return super().load()


def _channels(data: bytes) -> list[_Channel]:
    """The channel definitions (ITU T.800, I.5.3.6), [] where there are none."""
    header = next((each.body for each in boxes(data) if each.name == b"jp2h"), b"")
    defined = next((each.body for each in boxes(header) if each.name == b"cdef"), b"")
    return [
        _Channel(*each) for each in struct.iter_unpack(">HHH", defined[2 : 2 + len(defined[2:]) // 6 * 6])
    ]


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
