"""PNM written as text, or with another white than 255: Pillow reads both a number at a time, in Python."""

from __future__ import annotations

import re
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, _imaging
from PIL.PpmImagePlugin import PpmImageFile

from diptych.images.limits import UnreadablePicture
from diptych.images.work import BoundedFile

_CHUNK = 1 << 20
"""Bytes of text, or values, taken at a time."""

_LONG = 1 << 20
"""No number is so long, and of a comment that is nothing need be kept."""

_COMMENT = re.compile(rb"#[^\r\n]*")
_CUT_OFF = "the file is cut off"


class PnmFile(PpmImageFile):
    """A PNM; what Pillow reads fast, it reads."""

    def load(self) -> _imaging.PixelAccess | None:
        """Decode the pixels, once."""
        if self._im is None and self.tile[0].codec_name in {"ppm", "ppm_plain"}:
            self.im = self._decoded().im
            self.tile = []
        return super().load()

    def _decoded(self) -> Image.Image:
        file = cast("BoundedFile", self.fp)
        tile = self.tile[0]
        most = 1 if self.mode == "1" else int(tile.args[1])  # type: ignore[index]
        bands = len(self.getbands())
        file.seek(tile.offset)
        count = self.width * self.height * bands
        if tile.codec_name == "ppm_plain":
            values = _from_text(file, count, most, digits=self.mode == "1")
        else:
            values = _from_bytes(file, count, most)
        shape = (self.height, self.width, bands)[: 3 if bands > 1 else 2]
        if self.mode == "1":
            return Image.fromarray(np.where(values == 0, np.uint8(255), np.uint8(0)).reshape(shape)).convert(
                "1"
            )
        white, kind = (65535, np.int32) if self.mode == "I" else (255, np.uint8)
        table = np.rint(np.arange(most + 1) * (white / most)).astype(kind)
        return Image.fromarray(table[values].reshape(shape))


def _from_bytes(file: BoundedFile, count: int, most: int) -> NDArray[np.uint16]:
    width = 1 if most < 256 else 2
    data = file.read(count * width)
    if len(data) < count * width:
        raise UnreadablePicture(_CUT_OFF, damaged=True)
    values = np.frombuffer(data, ">u2" if width == 2 else np.uint8)
    clipped: NDArray[np.uint16] = np.minimum(values, most).astype(np.uint16)
    return clipped


def _from_text(file: BoundedFile, count: int, most: int, *, digits: bool) -> NDArray[np.uint16]:
    """Numbers between white space; with `digits` every character is one, and white space may be left out."""
    if len(file.getvalue()) - file.tell() < (count if digits else 2 * count - 1):
        raise UnreadablePicture(_CUT_OFF, damaged=True)
    values = np.empty(count, np.uint16)
    done, rest = 0, b""
    while done < count:
        chunk = file.read(_CHUNK)
        # A number or a comment that the chunk cuts in two waits for the rest of its line, or of itself.
        text, rest = _whole(rest + chunk) if chunk else (rest, b"")
        text = _COMMENT.sub(b"", text)
        found = _bits(text) if digits else _numbers(text)
        found = found[: count - done]
        if (found > most).any():
            raise UnreadablePicture("its PNM data are damaged: a number is larger than white", damaged=True)
        values[done : done + len(found)] = found
        done += len(found)
        if not chunk and done < count:
            raise UnreadablePicture(_CUT_OFF, damaged=True)
    return values


def _whole(text: bytes) -> tuple[bytes, bytes]:
    """Text up to its last white space outside of a comment, and what is after that."""
    line = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
    comment = text.find(b"#", line)
    end = comment if comment >= 0 else max(line, text.rfind(b" ") + 1, text.rfind(b"\t") + 1)
    if len(text) - end > _LONG:
        return (text[:end], b"#") if comment >= 0 else (text, b"")
    return text[:end], text[end:]


def _numbers(text: bytes) -> NDArray[np.int64]:
    try:
        return np.array(text.split(), np.int64) if text.strip() else np.empty(0, np.int64)
    except (ValueError, OverflowError) as error:
        raise UnreadablePicture("its PNM data are damaged: not a number", damaged=True) from error


def _bits(text: bytes) -> NDArray[np.int64]:
    bits = np.frombuffer(b"".join(text.split()), np.uint8).astype(np.int64) - ord("0")
    if ((bits < 0) | (bits > 1)).any():
        raise UnreadablePicture("its PNM data are damaged: not a bit", damaged=True)
    return bits
