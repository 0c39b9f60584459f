"""GIF and PSD as browsers and Photoshop show them, written here, compared with the numbers that went in."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from diptych.images import UnreadablePicture, decode

RNG = np.random.default_rng(4)
WIDTH, HEIGHT = 13, 7
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def shown(data: bytes) -> NDArray[np.int64]:
    return np.asarray(decode(data)).astype(int)


# GIF


def gif_in_a_corner(at: tuple[int, int], *, transparent: int | None = None) -> bytes:
    """A blue frame of 40 x 30 on a canvas of 120 x 90 whose background is red."""
    image = Image.new("P", (40, 30), 1)
    image.putpalette([255, 0, 0, 0, 0, 255] + [0] * 762)
    buffer = io.BytesIO()
    image.save(buffer, "GIF", **({} if transparent is None else {"transparency": transparent}))
    data = bytearray(buffer.getvalue())
    data[6:10] = struct.pack("<HH", 120, 90)
    data[11] = 0
    frame = data.index(b"\x2c\0\0\0\0")
    data[frame + 1 : frame + 5] = struct.pack("<HH", *at)
    return bytes(data)


@pytest.mark.parametrize("at", [(0, 0), (50, 40), (80, 60)])
@pytest.mark.parametrize("transparent", [None, 0])
def test_what_the_first_frame_of_a_gif_leaves_uncovered_is_transparent(
    at: tuple[int, int], transparent: int | None
) -> None:
    expected = np.full((90, 120, 3), 255)
    expected[at[1] : at[1] + 30, at[0] : at[0] + 40] = (0, 0, 255)
    assert (shown(gif_in_a_corner(at, transparent=transparent)) == expected).all()


# PSD


def runs(row: bytes) -> bytes:
    """A row in PackBits, all of it literal."""
    return b"".join(bytes([len(part) - 1]) + part for part in (row[:128], row[128:]) if part)


def psd(
    kind: int,
    planes: list[NDArray[np.generic]],
    *,
    depth: int = 8,
    compression: int = 0,
    palette: bytes = b"",
    resources: bytes = b"",
    layers: bytes = b"",
) -> bytes:
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, len(planes), HEIGHT, WIDTH, depth, kind)
    sections = b"".join(struct.pack(">I", len(each)) + each for each in (palette, resources, layers))
    rows = [row.tobytes() for plane in planes for row in plane]
    if compression == 1:
        rows = [runs(row) for row in rows]
        rows = [b"".join(struct.pack(">H", len(row)) for row in rows), *rows]
    return head + sections + struct.pack(">H", compression) + b"".join(rows)


def planes(array: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    return list(np.moveaxis(array, -1, 0))


@pytest.mark.parametrize("compression", [0, 1])
@pytest.mark.parametrize("extra", [0, 1, 3])
@pytest.mark.parametrize("layers", [b"", struct.pack(">Ih", 2, -1)])
def test_only_colours_of_a_psd_count(compression: int, extra: int, layers: bytes) -> None:
    """Neither a saved selection nor the transparency, which Photoshop has put on white itself."""
    more = [RNG.integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8) for _ in range(extra)]
    data = psd(3, planes(RGB) + more, compression=compression, layers=layers)
    assert (shown(data) == RGB).all()


@pytest.mark.parametrize("compression", [0, 1])
def test_a_psd_of_16_bits(compression: int) -> None:
    values = RNG.integers(0, 65536, (HEIGHT, WIDTH, 3)).astype(">u2")
    data = psd(3, planes(values), depth=16, compression=compression)
    assert np.abs(shown(data) - values / 257).max() <= 0.5
    gray = psd(1, planes(values[..., :1]), depth=16, compression=compression)
    assert np.abs(shown(gray) - values[..., :1] / 257).max() <= 0.5


@pytest.mark.parametrize("compression", [0, 1])
def test_a_psd_of_32_bits_is_linear_light(compression: int) -> None:
    """1 is white, and what is beyond too; the reference is the inverse of sRGB's curve (IEC 61966-2-1)."""
    encoded = np.linspace(0, 1, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear[0, 0], linear[-1, -1] = np.nan, 9
    data = psd(3, [linear.astype(">f4")] * 3, depth=32, compression=compression)
    assert np.abs(shown(data) - 255 * encoded[..., None]).max() <= 0.51


def test_gray_palette_bits_and_cmyk() -> None:
    assert (shown(psd(1, [RGB[..., 0]])) == RGB[..., :1]).all()
    table = RNG.integers(0, 256, (256, 3)).astype(np.uint8)
    assert (shown(psd(2, [RGB[..., 0]], palette=table.T.tobytes())) == table[RGB[..., 0]]).all()
    bits = RNG.integers(0, 2, (HEIGHT, WIDTH)).astype(np.uint8)
    black = psd(0, [np.packbits(bits, axis=1)], depth=1)
    assert (shown(black) == 255 * (1 - bits[..., None].astype(int))).all()
    ink = Image.fromarray(RNG.integers(0, 256, (HEIGHT, WIDTH, 4)).astype(np.uint8), "CMYK")
    data = psd(4, planes(255 - np.asarray(ink)))
    assert (shown(data) == np.asarray(ink.convert("RGB"))).all()


def test_the_profile_of_a_psd_is_applied() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    resource = b"8BIM" + struct.pack(">H2xI", 1039, len(lab)) + lab
    other = b"8BIM" + struct.pack(">HB3sI", 1000, 3, b"abc", 5) + b"12345\0"
    assert (shown(psd(3, planes(RGB), resources=other + resource)) == RGB).all()
    gray = psd(9, [np.full((HEIGHT, WIDTH), value, np.uint8) for value in (255, 128, 128)])
    assert (shown(gray) >= 254).all()


@pytest.mark.parametrize("compression", [0, 1])
def test_a_psd_that_breaks_off_is_cut_off(compression: int) -> None:
    with pytest.raises(UnreadablePicture, match="cut off"):
        decode(psd(3, planes(RGB), compression=compression)[:-40])


def test_what_is_not_read_says_so() -> None:
    for data in (psd(4, planes(RGB), depth=32), psd(3, planes(RGB), compression=2)):
        with pytest.raises(UnreadablePicture, match="not read here"):
            decode(data)
