"""TIFF of every sample type, written here by TIFF 6.0 and compared with the numbers that went in."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from diptych.images import UnreadablePicture, decode

RNG = np.random.default_rng(5)
HEIGHT, WIDTH = 37, 45
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3))

Samples = NDArray[Any]


def differences(block: Samples, predictor: int) -> bytes:
    """A strip or tile, of shape (rows, columns, samples), as the predictor leaves it."""
    if predictor == 2:
        block = block.copy()
        block[:, 1:] -= block[:, :-1].copy()
    if predictor == 3:
        size, samples = block.itemsize, block.shape[-1]
        big = np.ascontiguousarray(block.astype(f">f{size}")).view(np.uint8)
        planes = np.moveaxis(big.reshape(len(block), -1, size), -1, 1).reshape(len(block), -1)
        planes = np.ascontiguousarray(planes)
        planes[:, samples:] -= planes[:, :-samples].copy()
        return planes.tobytes()
    return block.tobytes()


def packed(block: Samples, bits: int) -> bytes:
    rows = block.reshape(len(block), -1)
    ones = (rows[..., None] >> np.arange(bits)[::-1]) & 1
    return np.packbits(ones.reshape(len(block), -1), axis=1).tobytes()


def tiff(
    array: Samples,
    *,
    order: str = "<",
    separate: bool = False,
    tile: tuple[int, int] | None = None,
    rows: int = 10,
    deflate: bool = False,
    predictor: int = 1,
    bits: int = 0,
    photometric: int | None = None,
    extra: int | None = None,
    more: tuple[tuple[int, int, bytes], ...] = (),
) -> bytes:
    """A TIFF of this array, of shape (height, width, samples)."""
    height, width, samples = array.shape
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    array = array.astype(array.dtype.newbyteorder(order))
    columns, rows = tile or (width, rows)
    planes = [array[..., n : n + 1] for n in range(samples)] if separate else [array]
    body, offsets, lengths = b"", [], []
    for plane in planes:
        for top in range(0, height, rows):
            for left in range(0, width, columns):
                block = plane[top : top + rows, left : left + columns]
                if tile:
                    short = (0, rows - block.shape[0]), (0, columns - block.shape[1]), (0, 0)
                    block = np.pad(block, short).astype(array.dtype)
                data = packed(block, bits) if bits else differences(block, predictor)
                data = zlib.compress(data) if deflate else data
                offsets.append(8 + len(body))
                lengths.append(len(data))
                body += data + bytes(len(data) % 2)
    if photometric is None:
        photometric = 2 if samples >= 3 else 1
    tags = {
        256: [width], 257: [height], 258: [bits or 8 * array.itemsize] * samples, 259: [8 if deflate else 1],
        262: [photometric], 277: [samples], 284: [1 + separate], 317: [predictor], 339: [kind] * samples,
    }  # fmt: skip
    if extra is not None:
        tags[338] = [extra]
    if tile:
        tags |= {322: [columns], 323: [rows], 324: offsets, 325: lengths}
    else:
        tags |= {278: [rows], 273: offsets, 279: lengths}
    fields = [(tag, 4, struct.pack(f"{order}{len(v)}I", *v)) for tag, v in tags.items()] + list(more)
    at = 8 + len(body)
    behind, entries = b"", struct.pack(order + "H", len(fields))
    for tag, type_, data in sorted(fields):
        count = len(data) // {3: 2, 4: 4, 7: 1}[type_]
        entries += struct.pack(order + "HHI", tag, type_, count)
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "I", at + 2 + 12 * len(fields) + 4 + len(behind))
            behind += data + bytes(len(data) % 2)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", at) + body + entries + bytes(4) + behind


def shown(data: bytes) -> NDArray[np.int64]:
    return np.asarray(decode(data)).astype(int)


def samples(dtype: str) -> Samples:
    """`RGB` in another type: unsigned 16 bits fill their range, floats go from 0 to 1."""
    if dtype == "u2":
        return (RGB * 257).astype(dtype)
    return (RGB / 255 if dtype[0] == "f" else RGB).astype(dtype)


SHAPES: list[dict[str, Any]] = [
    {},
    {"deflate": True},
    {"tile": (32, 16)},
    {"tile": (32, 16), "deflate": True},
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i2", "i4", "i8", "f2", "f4", "f8"])
def test_rgb_of_every_type(dtype: str, order: str, separate: bool, shape: dict[str, Any]) -> None:
    data = tiff(samples(dtype), order=order, separate=separate, **shape)
    assert np.abs(shown(data) - RGB).max() <= (dtype == "f2")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i2", "i4", "i8", "f2", "f4", "f8"])
def test_gray_of_every_type(dtype: str, order: str, shape: dict[str, Any]) -> None:
    data = tiff(samples(dtype)[..., :1], order=order, **shape)
    assert np.abs(shown(data) - RGB[..., :1]).max() <= (dtype == "f2")


@pytest.mark.parametrize("dtype", ["u2", "u4", "f4"])
def test_white_is_zero(dtype: str) -> None:
    data = tiff(samples(dtype)[..., :1], photometric=0)
    assert (shown(data) == 255 - RGB[..., :1]).all()


@pytest.mark.parametrize("tile", [None, (32, 16)])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("dtype", "predictor"), [("u4", 2), ("u8", 2), ("i2", 2), ("f2", 3), ("f4", 3), ("f8", 3)]
)
def test_predictors(dtype: str, predictor: int, order: str, tile: tuple[int, int] | None) -> None:
    for separate in (False, True):
        data = tiff(
            samples(dtype), order=order, tile=tile, separate=separate, deflate=True, predictor=predictor
        )
        assert np.abs(shown(data) - RGB).max() <= (dtype == "f2")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("tile", [None, (32, 16)])
@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_bits_that_fill_no_bytes(bits: int, tile: tuple[int, int] | None, count: int) -> None:
    values = RNG.integers(0, 1 << bits, (HEIGHT, WIDTH, count)).astype("u2")
    data = tiff(values, bits=bits, tile=tile, deflate=True)
    assert np.abs(shown(data) - values / ((1 << bits) - 1) * 255).max() <= 0.5


@pytest.mark.parametrize(("extra", "multiplied"), [(1, True), (2, False), (0, False)])
@pytest.mark.parametrize("colours", [1, 3])
def test_alpha_is_put_on_white_and_what_is_no_alpha_is_not(
    colours: int, extra: int, multiplied: bool
) -> None:
    colour, alpha = RGB[..., :colours] / 255, RNG.random((HEIGHT, WIDTH, 1))
    stored = np.concatenate([colour * alpha if multiplied else colour, alpha], axis=-1).astype("f4")
    data = tiff(stored, extra=extra, photometric=2 if colours == 3 else 1)
    expected = 255 * (colour * alpha + 1 - alpha) if extra else 255 * colour
    assert np.abs(shown(data) - expected).max() <= 1.5


def test_values_beyond_an_agreed_range_go_from_black_to_white() -> None:
    values = RNG.normal(size=(HEIGHT, WIDTH, 3)).astype("f4")
    values[0, 0] = np.nan
    low, high = np.nanmin(values), np.nanmax(values)
    expected = (np.nan_to_num(values, nan=low) - low) / (high - low) * 255
    assert np.abs(shown(tiff(values)) - expected).max() <= 0.51


def test_orientation_and_profile_count_here_too() -> None:
    turned = tiff(samples("f4"), more=((274, 4, struct.pack("<I", 6)),))
    assert (shown(turned) == np.rot90(RGB, -1)).all()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (shown(tiff(samples("f4"), more=((34675, 7, profile),))) == RGB).all()


@pytest.mark.parametrize("deflate", [False, True])
def test_a_tiff_that_lacks_samples_is_cut_off(deflate: bool) -> None:
    data = tiff(samples("f4"), deflate=deflate)
    at = data.index(struct.pack("<I", HEIGHT), len(data) - 1500)
    taller = data[:at] + struct.pack("<I", HEIGHT + 1000) + data[at + 4 :]
    for broken in (data[: len(data) // 2], taller):
        with pytest.raises(UnreadablePicture):
            decode(broken)


def test_tiles_far_larger_than_the_picture_are_refused() -> None:
    values = np.zeros((4, 4, 1), "f8")
    data = tiff(values, tile=(16, 16), deflate=True)
    wide = struct.pack("<HHII", 322, 4, 1, 16)
    with pytest.raises(UnreadablePicture, match="larger than the picture"):
        decode(data.replace(wide, struct.pack("<HHII", 322, 4, 1, 1 << 24)))


def test_what_is_not_read_says_so() -> None:
    with pytest.raises(UnreadablePicture, match="not read here"):
        decode(tiff(samples("f4"), photometric=6))


def test_pillow_writes_what_is_read_alike() -> None:
    buffer = io.BytesIO()
    Image.fromarray((RGB[..., 0] / 255).astype(np.float32)).save(buffer, "TIFF", compression="tiff_lzw")
    assert (shown(buffer.getvalue())[..., 0] == RGB[..., 0]).all()
