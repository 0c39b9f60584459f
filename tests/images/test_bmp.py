"""BMP in all its forms, written here by the specification and compared with the numbers that went in."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from diptych.images import UnreadablePicture, decode

RNG = np.random.default_rng(2)
WIDTH, HEIGHT = 13, 7
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3))
WHITE = (255, 255, 255)


def packed(rows: list[bytes], *, bottom_up: bool = True) -> bytes:
    padded = [row + bytes(-len(row) % 4) for row in rows]
    return b"".join(reversed(padded) if bottom_up else padded)


def bmp(
    bits: int,
    body: bytes,
    *,
    size: int = 40,
    compression: int = 0,
    palette: bytes = b"",
    colours: int = 0,
    masks: tuple[int, ...] = (),
    height: int = HEIGHT,
) -> bytes:
    if size == 12:
        header = struct.pack("<IHHHH", 12, WIDTH, height, 1, bits)
    else:
        header = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, 0, 0, 0, colours, 0)
        header = struct.pack("<I", size) + header[4:size]
        inside = struct.pack(f"<{len(masks)}I", *masks)
        header = (header + inside).ljust(size, b"\0") if size > 40 else header + inside
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + palette + body


def shown(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(decode(data))


def indices(bits: int) -> NDArray[np.int64]:
    return RNG.integers(0, 1 << bits, (HEIGHT, WIDTH))


def colours(bits: int) -> NDArray[np.int64]:
    return RNG.integers(0, 256, (1 << bits, 3))


def as_palette(table: NDArray[np.int64], entry: int) -> bytes:
    return b"".join(bytes(colour[::-1].tolist()) + bytes(entry - 3) for colour in table)


def index_rows(values: NDArray[np.int64], bits: int) -> list[bytes]:
    planes = np.unpackbits(values.astype(np.uint8)[..., None], axis=-1)[..., -bits:]
    return [np.packbits(row.ravel()).tobytes() for row in planes]


@pytest.mark.parametrize("size", [12, 16, 40, 64, 108, 124])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_every_header(bits: int, size: int) -> None:
    values, table = indices(bits), colours(bits)
    palette = as_palette(table, 3 if size == 12 else 4)
    data = bmp(bits, packed(index_rows(values, bits)), size=size, palette=palette)
    assert (shown(data) == table[values]).all()


def test_a_palette_of_fewer_colours_than_the_pixels_can_name() -> None:
    values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 6
    table = colours(8)[:5]
    data = bmp(8, packed(index_rows(values, 8)), palette=as_palette(table, 4), colours=5)
    assert (shown(data) == np.vstack([table, [[0, 0, 0]]])[values]).all()


@pytest.mark.parametrize("size", [12, 16, 40, 64, 124])
def test_24_bits(size: int) -> None:
    rows = [row[:, ::-1].astype(np.uint8).tobytes() for row in RGB]
    assert (shown(bmp(24, packed(rows), size=size)) == RGB).all()


def test_rows_from_the_top() -> None:
    rows = [row[:, ::-1].astype(np.uint8).tobytes() for row in RGB]
    assert (shown(bmp(24, packed(rows, bottom_up=False), height=-HEIGHT)) == RGB).all()


def test_the_padding_of_the_last_row_may_be_missing_but_no_pixel() -> None:
    rows = [row[:, ::-1].astype(np.uint8).tobytes() for row in RGB]
    body = packed(rows)
    assert (shown(bmp(24, body[:-1])) == RGB).all()
    with pytest.raises(UnreadablePicture, match="cut off"):
        decode(bmp(24, body[:-2]))


FIELDS = [
    (16, (0xF800, 0x07E0, 0x001F)),
    (16, (0x7C00, 0x03E0, 0x001F)),
    (16, (0x0F00, 0x00F0, 0x000F)),
    (16, (0x00E0, 0x001C, 0x0003)),
    (32, (0xFF0000, 0xFF00, 0xFF)),
    (32, (0xFF, 0xFF00, 0xFF0000)),
    (32, (0x3FF00000, 0x000FFC00, 0x000003FF)),
    (32, (0x07F80000, 0x0007F800, 0x000007F8)),
]


@pytest.mark.parametrize("size", [40, 52, 56, 108, 124])
@pytest.mark.parametrize(("bits", "masks"), FIELDS)
def test_any_masks(bits: int, masks: tuple[int, ...], size: int) -> None:
    words, expected = np.zeros((HEIGHT, WIDTH), np.int64), []
    for mask in masks:
        shift = (mask & -mask).bit_length() - 1
        values = RNG.integers(0, (mask >> shift) + 1, (HEIGHT, WIDTH))
        words |= values << shift
        expected.append(np.rint(values * 255 / (mask >> shift)))
    rows = [row.astype("<u2" if bits == 16 else "<u4").tobytes() for row in words]
    data = bmp(bits, packed(rows), size=size, compression=3, masks=masks)
    assert (shown(data) == np.stack(expected, -1)).all()


@pytest.mark.parametrize("alpha", [0, 255])
def test_alpha_counts_where_any_pixel_has_some(alpha: int) -> None:
    argb = np.dstack([RGB[..., ::-1], np.zeros((HEIGHT, WIDTH), int)]).astype(np.uint8)
    argb[0, 0, 3] = alpha
    data = bmp(
        32,
        packed([row.tobytes() for row in argb]),
        size=56,
        compression=3,
        masks=(0xFF0000, 0xFF00, 0xFF, 0xFF000000),
    )
    expected = RGB.copy()
    if alpha:
        expected[:] = 255
        expected[0, 0] = RGB[0, 0]
    assert (shown(data) == expected).all()


def test_the_unused_byte_of_32_bits_is_no_alpha() -> None:
    bgrx = np.dstack([RGB[..., ::-1], RNG.integers(0, 256, (HEIGHT, WIDTH))]).astype(np.uint8)
    assert (shown(bmp(32, packed([row.tobytes() for row in bgrx]))) == RGB).all()


# Run lengths


def test_runs_literals_leaps_and_ends_of_rows() -> None:
    table = colours(8)
    body = bytes(
        [5, 7, 0, 3, 1, 2, 3, 0, 9, 4]
    )  # 13 pixels: a run, three literals with padding, a run too long
    body += bytes([0, 0, 0, 2, 2, 1, 1, 9, 0, 1])  # a leap of 2 to the right and 1 up, one pixel, the end
    expected = np.full((HEIGHT, WIDTH, 3), 255)
    expected[-1] = table[[7] * 5 + [1, 2, 3] + [4] * 5]
    expected[-3, 2] = table[9]
    data = bmp(8, body, compression=1, palette=as_palette(table, 4))
    assert (shown(data) == expected).all()


def test_runs_of_four_bits() -> None:
    table = colours(4)
    body = bytes([5, 0x3A, 0, 5, 0x12, 0x34, 0x50, 0, 3, 0x77, 0, 1])
    expected = np.full((HEIGHT, WIDTH, 3), 255)
    expected[-1] = table[[3, 10, 3, 10, 3, 1, 2, 3, 4, 5, 7, 7, 7]]
    data = bmp(4, body, compression=2, palette=as_palette(table, 4))
    assert (shown(data) == expected).all()


def test_runs_of_24_bits_in_os2() -> None:
    row = bytes([12, 1, 2, 3, 1, 4, 5, 6, 0, 0])
    expected = np.array([[[3, 2, 1]] * 12 + [[6, 5, 4]]] * HEIGHT)
    assert (shown(bmp(24, row * HEIGHT + b"\0\1", size=64, compression=4)) == expected).all()


@pytest.mark.parametrize("body", [bytes([5]), bytes([0, 9, 1]), bytes([5, 7])])
def test_runs_that_break_off_are_cut_off(body: bytes) -> None:
    data = bmp(8, body, compression=1, palette=as_palette(colours(8), 4))
    with pytest.raises(UnreadablePicture, match="cut off"):
        decode(data)


@pytest.mark.parametrize(("bits", "compression"), [(24, 4), (24, 5), (3, 0), (24, 3), (8, 2), (0, 0)])
def test_what_is_not_read_says_so(bits: int, compression: int) -> None:
    with pytest.raises(UnreadablePicture, match="not read here"):
        decode(bmp(bits, bytes(999), compression=compression))


def test_the_profile_within_is_applied() -> None:
    """Microsoft's BITMAPV5HEADER: bV5CSType, bV5ProfileData and bV5ProfileSize."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    rows = [bytes(row[:, ::-1].ravel().tolist()) for row in RGB]
    data = bytearray(bmp(24, packed(rows), size=124))
    struct.pack_into("<4s", data, 14 + 56, b"DEBM")
    struct.pack_into("<II", data, 14 + 112, len(data) - 14, len(profile))
    assert np.abs(shown(bytes(data) + profile).astype(int) - RGB[..., ::-1]).max() <= 2
