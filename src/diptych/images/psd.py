"""PSD, its merged picture: Pillow's reader takes a saved selection for transparency, and 8 bits only.

After Adobe's "Photoshop File Formats Specification" (2019). Photoshop has put the merged picture on white
already; what channels there are beyond those of its colours (that transparency, saved selections, spot
colours) must not be put on it again.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.images.colour import STRIP
from diptych.images.limits import UnreadablePicture
from diptych.images.own import OwnReader

_BITMAP, _INDEXED, _RGB, _CMYK, _LAB = 0, 2, 3, 4, 9
_MODES = {_BITMAP: "L", 1: "L", _INDEXED: "P", _RGB: "RGB", _CMYK: "CMYK", 7: "L", 8: "L", _LAB: "LAB"}
_DEPTHS = {1: {_BITMAP}, 8: set(_MODES) - {_BITMAP}, 16: {1, _RGB, _CMYK, 7, 8, _LAB}, 32: {1, _RGB}}
_RAW, _RUNS = 0, 1
_PROFILE = 1039


class _Merged(NamedTuple):
    mode: str
    kind: int
    depth: int
    channels: int
    """In the file; those beyond the mode's own are left out."""
    palette: bytes
    compression: int
    at: int


class PsdFile(OwnReader):
    """A PSD, by its bytes."""

    format = "PSD"

    def _open(self) -> None:
        channels, height, width, depth, kind = struct.unpack(">HIIHH", self._file.read(26)[12:])
        if kind not in _DEPTHS.get(depth, ()):
            raise UnreadablePicture(
                f"a PSD of colour mode {kind} with {depth} bits, which is not read here: export it as PNG",
                damaged=True,
            )
        self._size, self._mode = (width, height), _MODES[kind]
        palette = self._section()
        self._read_resources()
        self._section()  # layers
        (compression,) = struct.unpack(">H", self._file.read(2))
        self._merged = _Merged(
            self._mode, kind, depth, channels, palette[:768], compression, self._file.tell()
        )

    def _section(self) -> bytes:
        (length,) = struct.unpack(">I", self._file.read(4))
        return self._file.read(length)

    def _read_resources(self) -> None:
        """Find the colour profile, and leave the file after the resources."""
        (length,) = struct.unpack(">I", self._file.read(4))
        end = self._file.tell() + length
        while self._file.tell() + 12 <= end:
            number, name = struct.unpack(">4xHB", self._file.read(7))
            self._file.seek(name + (name + 1) % 2, 1)
            (size,) = struct.unpack(">I", self._file.read(4))
            if number == _PROFILE:
                self.info["icc_profile"] = self._file.read(size)
                break
            self._file.seek(size + size % 2, 1)
        self._file.seek(end)

    def _decoded(self) -> Image.Image:
        merged = self._merged
        bands = Image.getmodebands(merged.mode)
        if merged.channels < bands:
            raise UnreadablePicture("its PSD data are damaged: a colour is missing", damaged=True)
        planes = [self._plane(self._rows(band)) for band in range(bands)]
        if merged.depth == 32:
            self.info.pop("icc_profile", None)  # it says that the values are linear, which they no longer are
        if merged.mode == "P":
            image = planes[0]
            image.putpalette(np.frombuffer(merged.palette, np.uint8).reshape(3, -1).T.tobytes())
            return image.convert("RGB")
        return planes[0] if bands == 1 else Image.merge(merged.mode, planes)

    def _rows(self, band: int) -> NDArray[np.uint8]:
        """The bytes of every row of one colour."""
        merged = self._merged
        width = -(-self.width * merged.depth // 8)
        if merged.compression == _RAW:
            self._file.seek(merged.at + band * width * self.height)
            body = self._file.read(width * self.height)
        elif merged.compression == _RUNS:
            self._file.seek(merged.at)
            table = np.frombuffer(self._file.read(2 * self.height * merged.channels), ">u2")
            ends = np.cumsum(np.pad(table, (1, 0)), dtype=np.int64)[:: self.height]
            self._file.seek(int(ends[band]), 1)
            packed = self._file.read(int(ends[band + 1] - ends[band]))
            body = Image.frombytes("L", (width, self.height), packed, "packbits", "L").tobytes()
        else:
            raise UnreadablePicture(
                "a PSD whose merged picture is zipped, which is not read here: export it as PNG", damaged=True
            )
        if len(body) < width * self.height:
            raise UnreadablePicture("the file is cut off", damaged=True)
        return np.frombuffer(body, np.uint8).reshape(self.height, width)

    def _plane(self, rows: NDArray[np.uint8]) -> Image.Image:
        """One colour in 8 bits, made a few rows at a time."""
        plane = Image.new("L", self.size)
        step = max(1, STRIP // self.width)
        for top in range(0, self.height, step):
            plane.paste(Image.fromarray(self._values(rows[top : top + step])), (0, top))
        return plane

    def _values(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        depth, kind = self._merged.depth, self._merged.kind
        values: NDArray[np.uint8] = rows
        if depth == 1:  # 1 is black
            values = 255 * (1 - np.unpackbits(rows, axis=1, count=self.width))
        elif depth == 16:
            values = np.rint(rows.view(">u2") / 257).astype(np.uint8)
        elif depth == 32:
            values = np.rint(255 * _encoded(rows.view(">f4"))).astype(np.uint8)
        return 255 - values if kind == _CMYK else values


def _encoded(linear: NDArray[np.floating]) -> NDArray[np.floating]:
    """Linear light as sRGB encodes it (IEC 61966-2-1); Photoshop's 32 bits are linear, 1 is white."""
    light = np.clip(np.nan_to_num(linear), 0, 1)
    encoded: NDArray[np.floating] = np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055
    )
    return encoded
