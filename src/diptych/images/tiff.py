"""TIFF of samples that Pillow refuses or reads wrongly: floats, signed, 12, 32 and 64 bits, planes.

libtiff, through Pillow, decompresses any samples where it is told that they are bytes, as no compression read
here knows what they mean. What they mean is then a matter of arrays.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, _imaging
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from diptych.images.colour import STRIP, agreed_range
from diptych.images.limits import UnreadablePicture
from diptych.images.own import OwnReader
from diptych.images.work import BoundedFile

MOST_BYTES, MOST_BYTES_PER_PIXEL = 2_000_000_000, 32
"""Of decompressed samples: so many in all, and for each pixel that a picture may have by its limits.

That is 80 megapixels of three 64-bit floats, 200 of three bytes and more; a file of a few bytes may declare
thousands of samples for each pixel.
"""

_BLOCK = 1 << 26
"""Bytes that libtiff decompresses at a time."""

_LOSSLESS = {1, 5, 8, 32773, 32946, 34925, 50000}
"""Compressions that give the very bytes back: none, LZW, deflate (two numbers), PackBits, LZMA, Zstandard."""

_ASSOCIATED, _UNASSOCIATED = 1, 2
_PLAIN_TAGS = (262, 277)
"""Of a gray picture the photometric interpretation and how many samples there are, both 1."""

_TYPES = {1: "u", 2: "i", 3: "f", 4: "u"}
_COLOURS = {0: 1, 1: 1, 2: 3}
"""How many samples are the colour, by the photometric interpretation: white is zero, black is zero, RGB."""

Values = NDArray[np.float64]


class _Layout(NamedTuple):
    order: str
    width: int
    height: int
    type: str
    """u, i or f, as in NumPy."""
    bits: int
    samples: int
    photometric: int
    alpha: int
    """0, `_ASSOCIATED` or `_UNASSOCIATED`."""
    separate: bool
    """Whether each sample has a plane of its own."""
    compression: int
    predictor: int
    fill_order: int
    tiled: bool
    columns: int
    """Pixels in a row of a tile or strip."""
    rows: int
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def in_plane(self) -> int:
        """Samples of one pixel that lie side by side."""
        return 1 if self.separate else self.samples

    @property
    def across(self) -> int:
        """Tiles side by side."""
        return -(-self.width // self.columns)

    @property
    def row_bytes(self) -> int:
        """Bytes in a row of a tile or strip."""
        return -(-self.columns * self.in_plane * self.bits // 8)


class _Tiff(TiffImageFile):
    """A TIFF read by Pillow, whose size our limits have allowed: its own is global to the process."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = _imaging.new(self.mode, self._tile_size)
        super().load_prepare()


def open_tiff(file: BoundedFile) -> TiffImageFile | SampledTiff:
    """Read a TIFF's header with Pillow where it reads the pixels right, else with our reader."""
    try:
        image = _Tiff(file)
    except SyntaxError:
        file.seek(0)
        return SampledTiff(file)
    tags = image.tag_v2
    bits = max(_all(tags.get(258, 1)))
    planes = tags.get(284, 1) == 2 and bits > 8
    negative = tags.get(262, 1) == 0 and bits > 8
    signed = 2 in _all(tags.get(339, 1))
    swapped = file.getvalue()[:2] == b"MM" and tags.get(259, 1) != 1 and (bits == 32 or signed)
    if planes or negative or swapped or 8 < bits < 16:
        file.seek(0)
        return SampledTiff(file)
    return image


class SampledTiff(OwnReader):
    """The first page of a TIFF, by its samples."""

    format = "TIFF"

    def _open(self) -> None:
        head = self._file.read(8)
        if 43 in head[2:4]:  # BigTIFF
            head += self._file.read(8)
        tags = ImageFileDirectory_v2(head)
        self._file.seek(tags.next)
        tags.load(self._file)
        self._layout = layout = _layout(tags, "<" if head[:2] == b"II" else ">")
        self._size, self._mode = (layout.width, layout.height), "RGB"
        self.bytes_of_samples = _bytes_of_samples(layout, self._file)
        if profile := tags.get(34675):
            self.info["icc_profile"] = profile
        if orientation := tags.get(ExifTags.Base.Orientation):
            self.getexif()[ExifTags.Base.Orientation] = orientation

    def _decoded(self) -> Image.Image:
        layout = self._layout
        planes = layout.samples if layout.separate else 1
        packed = [_unpacked(layout, self._file, plane) for plane in range(planes)]
        colours = _COLOURS[layout.photometric]
        low, high = _range(layout, packed, slice(0, colours))
        alpha = slice(colours, colours + 1)
        clear, opaque = _range(layout, packed, alpha) if layout.alpha else (0.0, 1.0)
        mode = {1: "L", 3: "RGB"}[colours]
        if layout.alpha == _UNASSOCIATED:
            mode += "A"
        image = Image.new(mode, self.size)
        for top, values in _strips(layout, packed):
            self._file.check()
            shown = _scaled(values[..., :colours], low, high)
            if layout.photometric == 0:
                shown = 255 - shown
            if layout.alpha:
                cover = _scaled(values[..., alpha], clear, opaque)
                if layout.alpha == _UNASSOCIATED:
                    shown = np.concatenate([shown, cover], axis=-1)
                else:  # the colours are multiplied by it already
                    shown = shown + np.minimum(255 - cover, 255 - shown)
            image.paste(Image.fromarray(shown.squeeze(-1) if shown.shape[-1] == 1 else shown), (0, top))
        return image


def _all(value: object) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _layout(tags: ImageFileDirectory_v2, order: str) -> _Layout:
    """Read what is to know of the samples.

    Raises:
        UnreadablePicture: They are of a kind that is not read here.
    """
    samples = tags.get(277, 1)
    bits, kinds = set(_all(tags.get(258, 1))), set(_all(tags.get(339, 1)))
    photometric, compression = tags.get(262, 1), tags.get(259, 1)
    tiled = 324 in tags
    offsets, lengths = (324, 325) if tiled else (273, 279)
    extra = _all(tags.get(338, 0))[0]
    layout = _Layout(
        order=order,
        width=tags[256],
        height=tags[257],
        type=_TYPES.get(min(kinds), ""),
        bits=min(bits),
        samples=samples,
        photometric=photometric,
        alpha=extra
        if extra in {_ASSOCIATED, _UNASSOCIATED} and samples > _COLOURS.get(photometric, 9)
        else 0,
        separate=tags.get(284, 1) == 2 and samples > 1,
        compression=compression,
        predictor=tags.get(317, 1) if compression != 1 else 1,
        fill_order=tags.get(266, 1),
        tiled=tiled,
        columns=tags[322] if tiled else tags[256],
        rows=tags[323] if tiled else min(tags.get(278, tags[257]), tags[257]),
        offsets=_all(tags[offsets]),
        lengths=_all(tags[lengths]),
    )
    known = (
        len(bits) == len(kinds) == 1
        and (layout.bits in {8, 16, 32, 64} or (layout.type == "u" and layout.bits < 16))
        and (layout.type != "f" or layout.bits > 8)
        and samples >= _COLOURS.get(photometric, 1 << 16)
        and compression in _LOSSLESS
        and (layout.predictor == 1 or (layout.predictor == (3 if layout.type == "f" else 2)))
        and (layout.predictor == 1 or layout.bits >= 8)
    )
    if not known or min(layout.columns, layout.rows) < 1:
        raise UnreadablePicture(
            f"a TIFF of {max(bits)}-bit samples, compression {compression} and photometric interpretation "
            f"{photometric}, which is not read here: convert it to PNG",
            damaged=True,
        )
    if layout.columns * layout.rows > 4 * max(layout.width * layout.height, 1 << 20):
        raise UnreadablePicture(f"its tiles of {layout.columns} x {layout.rows} are larger than the picture")
    return layout


def _bytes_of_samples(layout: _Layout, file: BoundedFile) -> int:
    """What all samples take, decompressed.

    Raises:
        UnreadablePicture: That is more than they may.
    """
    planes = layout.samples if layout.separate else 1
    length = planes * layout.height * layout.across * layout.row_bytes
    most = min(MOST_BYTES, file.limits.megapixels * 1e6 * MOST_BYTES_PER_PIXEL)
    if length > most:
        raise UnreadablePicture(f"its samples take {length / 1e9:.2g} GB, over the limit of {most / 1e9:.2g}")
    return length


def _unpacked(layout: _Layout, file: BoundedFile, plane: int) -> NDArray[np.uint8]:
    """Decompress one plane: its bytes, of shape (height, tiles across, bytes in a tile's row)."""
    width = layout.across * layout.row_bytes
    down = -(-layout.height // layout.rows)
    bytes_ = np.empty((layout.height, width), np.uint8)
    step = max(1, _BLOCK // (width * layout.rows))
    for first in range(0, down, step):
        file.check()
        top = first * layout.rows
        rows = min(step * layout.rows, layout.height - top)
        begin = (plane * down + first) * layout.across
        segments = slice(begin, begin + min(step, down - first) * layout.across)
        with _Tiff(io.BytesIO(_as_bytes(layout, file.getvalue(), segments, width, rows))) as block:
            bytes_[top : top + rows] = np.asarray(block)
    return bytes_.reshape(layout.height, layout.across, layout.row_bytes)


def _as_bytes(layout: _Layout, data: bytes, segments: slice, width: int, rows: int) -> bytes:
    """A gray TIFF of 8 bits that holds some of the strips or tiles."""
    kept = [
        data[offset : offset + length]
        for offset, length in zip(layout.offsets[segments], layout.lengths[segments], strict=True)
    ]
    body = b"".join(kept)
    body += bytes(len(body) % 2)
    starts = 8 + np.cumsum([0, *map(len, kept)])[:-1]
    tags: dict[int, tuple[int, ...]] = dict.fromkeys(_PLAIN_TAGS, (1,))
    tags |= {256: (width,), 257: (rows,), 258: (8,), 259: (layout.compression,), 266: (layout.fill_order,)}
    offsets, lengths = tuple(map(int, starts)), tuple(map(len, kept))
    if layout.tiled:
        tags |= {322: (layout.row_bytes,), 323: (layout.rows,), 324: offsets, 325: lengths}
    else:
        tags |= {278: (layout.rows,), 273: offsets, 279: lengths}
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + _directory(tags, 8 + len(body))


def _directory(tags: dict[int, tuple[int, ...]], at: int) -> bytes:
    """A directory at a place in the file, with the numbers that it points to behind it."""
    entries, behind = struct.pack("<H", len(tags)), b""
    place = at + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            packed, behind = struct.pack("<I", place + len(behind)), behind + packed
        entries += struct.pack("<HHI", tag, 4, len(values)) + packed
    return entries + bytes(4) + behind


def _strips(layout: _Layout, planes: list[NDArray[np.uint8]]) -> Iterator[tuple[int, Values]]:
    """Go through the picture a few rows at a time.

    Yields:
        The first row of a strip, and its values, of shape (rows, width, samples).
    """
    step = max(1, STRIP // (layout.width * layout.samples))
    for top in range(0, layout.height, step):
        parts = [_values(layout, plane[top : top + step]) for plane in planes]
        yield top, parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _values(layout: _Layout, rows: NDArray[np.uint8]) -> Values:
    shape = (len(rows), layout.across, layout.columns, layout.in_plane)
    values: NDArray[Any]
    if layout.bits not in {8, 16, 32, 64}:
        values = _from_bits(layout, rows)
    elif (
        layout.predictor == 3
    ):  # TIFF Technical Note 3: bytes in planes, the highest first, differences along all
        deltas = rows.reshape(*shape[:2], -1, layout.in_plane)
        planes = np.cumsum(deltas, axis=2, dtype=np.uint8).reshape(*shape[:2], layout.bits // 8, -1)
        values = np.ascontiguousarray(np.moveaxis(planes, 2, 3)).view(f">f{layout.bits // 8}").reshape(shape)
    else:
        values = (
            np.ascontiguousarray(rows).view(f"{layout.order}{layout.type}{layout.bits // 8}").reshape(shape)
        )
        if layout.predictor == 2:
            values = np.cumsum(values, axis=2, dtype=values.dtype.newbyteorder("="))
    joined = values.reshape(len(rows), -1, layout.in_plane)
    return joined[:, : layout.width].astype(np.float64)


def _from_bits(layout: _Layout, rows: NDArray[np.uint8]) -> NDArray[Any]:
    """Values of a number of bits that fills no bytes, the highest first; every row begins at a byte."""
    count = layout.columns * layout.in_plane
    bits = np.unpackbits(rows, axis=-1, count=count * layout.bits).reshape(
        *rows.shape[:2], count, layout.bits
    )
    values: NDArray[Any] = np.zeros(bits.shape[:-1], np.uint16)
    for place in range(layout.bits):
        values = (values << 1) | bits[..., place]
    return values


def _range(layout: _Layout, planes: list[NDArray[np.uint8]], samples: slice) -> tuple[float, float]:
    """The values that are black and white: of few bits what they can hold, else what `to_srgb` says."""
    gray = _COLOURS[layout.photometric] == 1
    if layout.type == "u" and layout.bits < (16 if gray else 17):
        return 0.0, float(2**layout.bits - 1)
    return agreed_range(
        (values[..., samples] for _, values in _strips(layout, planes)), floats=layout.type == "f"
    )


def _scaled(values: Values, low: float, high: float) -> NDArray[np.uint8]:
    known = np.nan_to_num(values, nan=low)
    scaled: NDArray[np.uint8] = np.rint(
        (np.clip(known, low, high) - low) * (255 / (high - low or 1.0))
    ).astype(np.uint8)
    return scaled
