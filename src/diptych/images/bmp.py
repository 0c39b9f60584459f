"""BMP in every form that browsers show: Pillow's reader lacks many, and takes minutes over some.

After Microsoft's "Bitmap Storage" and, for OS/2, the Encyclopedia of Graphics File Formats (Murray and
vanRyper, 2nd edition, 1996).
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
from diptych.images.work import BoundedFile

_RAW, _RLE8, _RLE4, _BITFIELDS, _RLE24_OF_OS2, _ALPHA_BITFIELDS = 0, 1, 2, 3, 4, 6
_RLE = {(_RLE8, 8), (_RLE4, 4), (_RLE24_OF_OS2, 24)}
_WINDOWS_HEADERS = {40, 52, 56, 108, 124}

_MASKS = {16: (0x7C00, 0x03E0, 0x001F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
"""Where red, green, blue and alpha are, in files that do not say."""

LONGEST_RUN = 255
FEW_PIXELS = 1_000_000
"""So many are decoded even where there are too few runs to fill them."""


class _Header(NamedTuple):
    width: int
    height: int
    bottom_up: bool
    bits: int
    compression: int
    masks: tuple[int, ...]
    palette: bytes
    """Three bytes a colour: red, green, blue."""
    pixels_at: int
    profile: bytes


class BmpFile(OwnReader):
    """A BMP, by its bytes."""

    format = "BMP"

    def _open(self) -> None:
        self._data = self._file.getvalue()
        self._head = _header(self._data)
        self._size, self._mode = (self._head.width, self._head.height), "RGB"
        if self._head.profile:
            self.info["icc_profile"] = self._head.profile

    def _decoded(self) -> Image.Image:
        head = self._head
        body = self._data[head.pixels_at :]
        if (head.compression, head.bits) in _RLE:
            return _from_runs(head, body, self._file)
        if head.compression in {_BITFIELDS, _ALPHA_BITFIELDS} or head.bits == 16:
            return _from_fields(head, body)
        return _from_raw(head, body)


def _header(data: bytes) -> _Header:
    (pixels_at, size) = struct.unpack_from("<II", data, 10)
    info = data[14 : 14 + size]
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", info, 4)
        compression = colours = 0
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", info, 4)
        compression, colours = _number(info, 16), _number(info, 32)
    after = 14 + size
    masks: tuple[int, ...] = ()
    if size in _WINDOWS_HEADERS and compression in {_BITFIELDS, _ALPHA_BITFIELDS}:
        if size == 40:  # the masks follow
            count = 3 if compression == _BITFIELDS else 4
            masks = struct.unpack_from(f"<{count}I", data, after)
            after += 4 * count
        else:
            masks = struct.unpack_from("<3I", info, 40)
            masks += (_number(info, 52),)
    head = _Header(
        width,
        abs(height),
        bottom_up=height > 0,
        bits=bits,
        compression=compression,
        masks=(*masks, 0)[:4] if any(masks) else _MASKS.get(bits, ()),
        palette=_palette(data, after, bits, colours, 3 if size == 12 else 4, pixels_at),
        pixels_at=pixels_at or after,
        profile=_profile(data, info),
    )
    _check(head, of_os2=size not in _WINDOWS_HEADERS)
    return head


def _number(info: bytes, at: int) -> int:
    """A number of four bytes, 0 where the header is too short for it."""
    return int.from_bytes(info[at : at + 4], "little")


def _check(head: _Header, *, of_os2: bool) -> None:
    raw = head.compression == _RAW and head.bits in {1, 2, 4, 8, 16, 24, 32}
    fields = (
        head.compression in {_BITFIELDS, _ALPHA_BITFIELDS}
        and head.bits in {16, 32}
        and not of_os2  # where 3 is Huffman's code
    )
    runs = (head.compression, head.bits) in _RLE and (of_os2 or head.bits != 24)
    if head.width <= 0 or head.height <= 0 or not (raw or fields or runs):
        raise UnreadablePicture(
            f"a BMP of compression {head.compression} with {head.bits} bits a pixel, which is not read here: "
            "convert it to PNG",
            damaged=True,
        )


def _palette(data: bytes, at: int, bits: int, colours: int, entry: int, pixels_at: int) -> bytes:
    """The colours, black where the file has fewer than the pixels can name."""
    if bits > 8:
        return b""
    most = 1 << bits
    there = max(0, (pixels_at or len(data)) - at) // entry
    count = min(colours or most, most, there)
    bgr = np.frombuffer(data[at : at + count * entry].ljust(count * entry, b"\0"), np.uint8)
    return bgr.reshape(-1, entry)[:, 2::-1].tobytes().ljust(3 * most, b"\0")


def _profile(data: bytes, info: bytes) -> bytes:
    """The colour profile in a header of version 5, b"" where there is none."""
    if len(info) < 124 or info[56:60] != b"DEBM":
        return b""
    start, length = struct.unpack_from("<II", info, 112)
    return data[14 + start : 14 + start + length]


def _rows(head: _Header, body: bytes) -> tuple[bytes, int]:
    """What the rows take, and how many bytes one does; the padding of the last may be missing."""
    used, stride = -(-head.width * head.bits // 8), -(-head.width * head.bits // 32) * 4
    length = stride * head.height
    if len(body) < length - stride + used:
        raise UnreadablePicture("the file is cut off", damaged=True)
    return body[:length].ljust(length, b"\0"), stride


def _from_raw(head: _Header, body: bytes) -> Image.Image:
    rows, stride = _rows(head, body)
    order = -1 if head.bottom_up else 1
    size = head.width, head.height
    if head.bits > 8:
        return Image.frombytes("RGB", size, rows, "raw", "BGR" if head.bits == 24 else "BGRX", stride, order)
    name = "P" if head.bits == 8 else f"P;{head.bits}"
    image = Image.frombytes("P", size, rows, "raw", name, stride, order)
    image.putpalette(head.palette)
    return image.convert("RGB")


def _from_fields(head: _Header, body: bytes) -> Image.Image:
    rows, _ = _rows(head, body)
    words = np.frombuffer(rows, "<u2" if head.bits == 16 else "<u4")
    words = words.reshape(head.height, -1)[:, : head.width]
    words = words[::-1] if head.bottom_up else words
    *colours, alpha = head.masks
    # Where all is transparent, the program that wrote it knew no alpha (as browsers take it).
    masks = (*colours, alpha) if alpha and (words & alpha).any() else tuple(colours)
    image = Image.new("RGBA" if len(masks) == 4 else "RGB", (head.width, head.height))
    step = max(1, STRIP // head.width)
    for top in range(0, head.height, step):
        strip = np.stack([_field(words[top : top + step], mask) for mask in masks], axis=-1)
        image.paste(Image.fromarray(strip), (0, top))
    return image


def _field(words: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.uint8]:
    """What a mask takes from every word, scaled to 0 to 255."""
    if mask == 0:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    values = (words & words.dtype.type(mask & np.iinfo(words.dtype).max)) >> words.dtype.type(shift)
    scaled: NDArray[np.uint8] = np.rint(values * (255 / most)).astype(np.uint8)
    return scaled


def _from_runs(head: _Header, body: bytes, file: BoundedFile) -> Image.Image:
    """Draw run lengths. What none of them reaches is transparent, as browsers show it."""
    bytes_of_run = 4 if head.bits == 24 else 2
    if head.width * head.height > max(FEW_PIXELS, LONGEST_RUN * (len(body) // bytes_of_run)):
        raise UnreadablePicture(
            f"{len(body)} bytes of run lengths can't fill {head.width} x {head.height} pixels", damaged=True
        )
    pixels, drawn = _drawn(head, body, file)
    if head.bits == 24:
        image = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))
    else:
        image = Image.fromarray(pixels[..., 0])
        image.putpalette(head.palette)
        image = image.convert("RGB")
    if not drawn.all():
        image.putalpha(Image.fromarray(np.where(drawn, np.uint8(255), np.uint8(0))))
    return image


def _drawn(head: _Header, body: bytes, file: BoundedFile) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The pixels, of shape (height, width, 1 or 3), and which of them any run drew."""
    depth = 3 if head.bits == 24 else 1
    pixels = np.zeros((head.height, head.width, depth), np.uint8)
    drawn = np.zeros((head.height, head.width), np.bool_)
    at = x = y = 0
    while y < head.height:
        if at + 2 > len(body):
            raise UnreadablePicture("the file is cut off", damaged=True)
        count, code = body[at], body[at + 1]
        if count == 0 and code == 1:  # the end
            break
        if count == 0 and code == 0:  # the end of a row
            file.check()
            at, x, y = at + 2, 0, y + 1
            continue
        if count == 0 and code == 2:  # a leap
            leap = body[at + 2 : at + 4].ljust(2, b"\0")
            at, x, y = at + 4, x + leap[0], y + leap[1]
            continue
        run, at = _run(head.bits, body, at)
        row = y if not head.bottom_up else head.height - 1 - y
        end = min(x + len(run), head.width)
        if x < end:
            pixels[row, x:end] = run[: end - x]
            drawn[row, x:end] = True
        x = end
    return pixels, drawn


def _run(bits: int, body: bytes, at: int) -> tuple[NDArray[np.uint8], int]:
    """The pixels of one run, of shape (length, 1 or 3), and where the next begins."""
    repeated = body[at]
    count = repeated or body[at + 1]
    start = at + (1 if repeated else 2)
    pattern = -(-bits // 8) if repeated else -(-count * bits // 8)
    values = np.frombuffer(body[start : start + pattern], np.uint8)
    if len(values) < pattern:
        raise UnreadablePicture("the file is cut off", damaged=True)
    after = start + pattern + (0 if repeated else pattern % 2)  # a literal run ends on an even byte
    if bits == 4:
        values = np.stack([values >> 4, values & 15], axis=-1).ravel()
    run = values.reshape(-1, 3 if bits == 24 else 1)
    return np.resize(run, (count, run.shape[1])) if repeated else run[:count], after
