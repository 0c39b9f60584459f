"""Bytes become the pixels that a person would see, or a reason in words; on pictures made here."""

from __future__ import annotations

import base64
import io
import re
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageDraw

from diptych.images import Limits, UnreadablePicture, decode
from diptych.images.decode import _READERS
from support import need

Pixels = NDArray[np.int64]


def encoded(image: Image.Image, fmt: str, **options: object) -> bytes:
    if fmt == "HEIF":
        need("pillow_heif")
        import pillow_heif

        buffer = io.BytesIO()
        pillow_heif.from_pillow(image).save(buffer, **options)
        return buffer.getvalue()
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def pixels(image: Image.Image) -> Pixels:
    return np.asarray(image).astype(int)


def decoded(data: bytes) -> Pixels:
    image = decode(data)
    assert image.mode == "RGB"
    return pixels(image)


def reason(data: bytes, limits: Limits = Limits()) -> str:
    with pytest.raises(UnreadablePicture) as caught:
        decode(data, limits)
    return str(caught.value)


def from_rgb(array: object) -> Image.Image:
    return Image.fromarray(np.asarray(array, dtype=np.uint8))


def quarters(width: int = 96, height: int = 64) -> Image.Image:
    """Four colours, so that every turn and mirroring looks different."""
    image = Image.new("RGB", (width, height), (220, 30, 30))
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=(30, 200, 30))
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=(30, 30, 220))
    draw.rectangle((width // 2, height // 2, width, height), fill=(240, 240, 240))
    return image


def noise(width: int = 90, height: int = 70) -> Image.Image:
    return from_rgb(np.random.default_rng(1).integers(0, 256, (height, width, 3)))


def png(
    bits: int,
    colour_type: int,
    rows: NDArray[np.generic],
    *chunks: tuple[bytes, bytes],
    declared: tuple[int, int] | None = None,
) -> bytes:
    """A PNG written by the specification, for what Pillow can't write."""
    width, height = declared or rows.shape[1::-1]

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    if bits < 8:
        packed = [np.packbits(np.unpackbits(row[:, None], axis=1)[:, -bits:]).tobytes() for row in rows]
    else:
        packed = [row.astype(">u2" if bits == 16 else "u1").tobytes() for row in rows]
    data = b"".join(b"\0" + row for row in packed)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunk(name, body) for name, body in chunks)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


# Orientation

SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
"""Which side of the scene the 0th row and the 0th column of the stored pixels are (TIFF 6.0, Orientation)."""


def stored(upright: Pixels, orientation: int) -> Image.Image:
    first_row, first_column = SIDES[orientation]
    if "left" in first_row or "right" in first_row:
        upright = upright.swapaxes(0, 1)
    if first_row in {"bottom", "right"}:
        upright = upright[::-1]
    if first_column in {"bottom", "right"}:
        upright = upright[:, ::-1]
    return from_rgb(upright)


@given(
    width=st.integers(1, 900),
    height=st.integers(1, 900),
    at_least=st.integers(1, 300),
    orientation=st.sampled_from([1, 6]),
)
@settings(max_examples=60, deadline=None)
def test_a_reduced_jpeg_keeps_its_shape_and_as_many_pixels_as_asked_for(
    width: int, height: int, at_least: int, orientation: int
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encoded(Image.new("RGB", (width, height), (200, 30, 30)), "JPEG", exif=exif)
    whole, reduced = decode(data), decode(data, at_least=at_least)
    by = next(by for by in (8, 4, 2, 1) if by == 1 or min(whole.size) // by >= at_least)
    assert reduced.size == (-(-whole.width // by), -(-whole.height // by))


def test_other_formats_have_no_reduced_size() -> None:
    assert decode(encoded(noise(), "PNG"), at_least=1).size == noise().size


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_turned_photo_stands_upright(fmt: str, orientation: int) -> None:
    upright = pixels(quarters())
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "AVIF": {"subsampling": "4:4:4"}}.get(fmt, {})
    data = encoded(stored(upright, orientation), fmt, exif=exif, **options)
    seen = decoded(data)
    assert seen.shape == upright.shape
    assert np.abs(seen - upright).mean() < 4


@pytest.mark.parametrize("orientation", SIDES)
def test_a_turned_heic_stands_upright(orientation: int) -> None:
    upright = pixels(quarters())
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = decoded(encoded(stored(upright, orientation), "HEIF", exif=exif.tobytes(), quality=95))
    assert seen.shape == upright.shape
    assert np.abs(seen - upright).mean() < 4


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_means_nothing_is_ignored(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert decode(encoded(quarters(), "PNG", exif=exif)).size == (96, 64)


def test_broken_exif_hides_no_picture() -> None:
    data = encoded(quarters(), "JPEG", exif=b"Exif\0\0not a TIFF header at all")
    assert decode(data).size == (96, 64)


# Modes


def test_eight_bit_pictures_keep_every_pixel() -> None:
    picture = noise()
    for fmt in ("PNG", "BMP", "TIFF", "PPM", "JPEG2000"):
        assert (decoded(encoded(picture, fmt)) == pixels(picture)).all(), fmt
    lossless = encoded(picture, "WEBP", lossless=True)
    assert (decoded(lossless) == pixels(picture)).all()


def test_gray_palette_and_one_bit_pictures_look_as_they_are() -> None:
    gray = noise().convert("L")
    palette = noise().quantize(64)
    dots = noise().convert("1")
    for image in (gray, palette, dots):
        expected = pixels(image.convert("L" if image.mode == "1" else "RGB").convert("RGB"))
        for fmt in ("PNG", "TIFF", "GIF"):
            assert (decoded(encoded(image, fmt)) == expected).all(), (image.mode, fmt)


def test_sixteen_bit_gray_is_scaled_and_not_clipped() -> None:
    values = np.linspace(0, 65535, 300).astype(np.uint16).reshape(10, 30)
    expected = np.rint(values / 257).astype(int)
    for data in (
        encoded(Image.fromarray(values), "PNG"),
        encoded(Image.fromarray(values), "TIFF"),
        b"P5 30 10 65535\n" + values.astype(">u2").tobytes(),
    ):
        seen = decoded(data)
        assert np.abs(seen - expected[:, :, None]).max() <= 1
        assert (seen[0, 0] == 0).all()
        assert (seen[-1, -1] == 255).all()


def test_big_endian_sixteen_bit_gray_is_read() -> None:
    values = np.linspace(0, 65535, 300).astype(">u2").reshape(10, 30)
    tags = [(256, 30), (257, 10), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, 10), (279, 600)]
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags)
    body = values.tobytes()
    data = (
        b"MM\0*" + struct.pack(">I", 8 + len(body)) + body + struct.pack(">H", len(tags)) + entries + bytes(4)
    )
    assert np.abs(decoded(data)[:, :, 0] - values / 257).max() <= 1


def test_eight_bit_values_kept_in_sixteen_bits_are_not_black() -> None:
    values = np.arange(200, dtype=np.uint16).reshape(10, 20)
    assert (decoded(encoded(Image.fromarray(values), "TIFF"))[:, :, 0] == values).all()


def test_a_dark_sixteen_bit_pgm_stays_dark() -> None:
    values = np.full((4, 5), 200, ">u2")
    assert decoded(b"P5 5 4 65535\n" + values.tobytes()).max() <= 1


def test_sixteen_bit_colour_is_scaled() -> None:
    values = np.random.default_rng(2).integers(0, 65536, (12, 14, 3))
    assert np.abs(decoded(png(16, 2, values)) - values / 257).max() <= 1


@pytest.mark.parametrize(
    ("values", "black", "white"),
    [
        (np.linspace(0, 1, 50, dtype=np.float32), 0, 1),
        (np.linspace(0.2, 0.7, 50, dtype=np.float32), 0, 1),
        (np.linspace(3, 251, 50, dtype=np.float32), 0, 255),
        (np.linspace(300, 60000, 50, dtype=np.float32), 0, 65535),
        (np.linspace(-4, 4, 50, dtype=np.float32), -4, 4),
        (np.linspace(0, 200, 50).astype(np.int32), 0, 255),
        (np.linspace(0, 60000, 50).astype(np.int32), 0, 65535),
        (np.linspace(0, 2**30, 50).astype(np.int32), 0, 2**30),
        (np.linspace(-500, 100, 50).astype(np.int32), -500, 100),
        (np.zeros(50, np.float32), 0, 1),
        (np.full(50, -7, np.float32), -7, -6),
    ],
)
def test_values_without_an_agreed_range_follow_the_stated_rule(
    values: NDArray[np.float32], black: float, white: float
) -> None:
    expected = (values.astype(float) - black) / (white - black) * 255
    seen = decoded(encoded(Image.fromarray(values.reshape(5, 10)), "TIFF"))
    assert np.abs(seen[:, :, 1].ravel() - expected).max() <= 0.51


def test_float_pictures_with_holes_are_shown() -> None:
    values = np.array([[np.nan, 0.0, 0.5], [1.0, np.inf, -np.inf]], np.float32)
    seen = decoded(encoded(Image.fromarray(values), "TIFF"))[:, :, 0]
    assert seen.tolist() == [[0, 0, 128], [255, 255, 0]]


def test_a_picture_larger_than_one_strip_of_work_is_scaled_as_a_whole() -> None:
    values = np.zeros((3000, 2000), np.float32)
    values[0, 0], values[-1, -1] = -1, 3
    seen = decoded(encoded(Image.fromarray(values), "TIFF"))[:, :, 0]
    assert (seen[0, 0], seen[1500, 1000], seen[-1, -1]) == (0, 64, 255)


def test_cmyk_is_read_in_jpeg_and_tiff() -> None:
    inks = Image.new("CMYK", (40, 8))
    draw = ImageDraw.Draw(inks)
    draw.rectangle((0, 0, 9, 7), fill=(0, 255, 255, 0))
    draw.rectangle((10, 0, 19, 7), fill=(255, 0, 255, 0))
    draw.rectangle((20, 0, 29, 7), fill=(0, 0, 0, 255))
    for fmt in ("JPEG", "TIFF"):  # Adobe's JPEGs store inks inverted, TIFFs don't
        row = decoded(encoded(inks, fmt))[4]
        for x, expected in ((4, (255, 0, 0)), (14, (0, 255, 0)), (24, (0, 0, 0)), (34, (255, 255, 255))):
            assert np.abs(row[x] - expected).max() < 12, (fmt, x)


def srgb_of_lab(lightness: float, a: float, b: float) -> Pixels:
    """CIELAB under D50 to sRGB by the formulas (CIE 15; Bradford-adapted matrix; IEC 61966-2-1)."""
    fy = (lightness + 16) / 116
    ratios = np.array([fy + a / 500, fy, fy - b / 200])
    xyz = np.where(ratios > 6 / 29, ratios**3, 3 * (6 / 29) ** 2 * (ratios - 4 / 29)) * (0.9642, 1, 0.8249)
    matrix = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.033454],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    light = np.clip(np.array(matrix) @ xyz, 0, 1)
    return np.rint(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255)


@pytest.mark.parametrize(
    "lab", [(100, 0, 0), (0, 0, 0), (50, 0, 0), (60, 40, 30), (40, -30, 20), (55, 20, -50), (80, -10, 60)]
)
def test_lab_becomes_srgb(lab: tuple[float, float, float]) -> None:
    stored_lightness = round(lab[0] * 2.55)
    bands = [stored_lightness, lab[1] + 128, lab[2] + 128]
    image = Image.merge("LAB", [Image.new("L", (6, 6), value) for value in bands])
    expected = srgb_of_lab(stored_lightness / 2.55, *lab[1:])
    assert np.abs(decoded(encoded(image, "TIFF"))[3, 3] - expected).max() <= 4


def test_ycbcr_tiff_is_read() -> None:
    image = quarters().convert("YCbCr")
    assert np.abs(decoded(encoded(image, "TIFF")) - pixels(quarters())).max() <= 3


# Transparency


def on_white(colour: Pixels, alpha: Pixels) -> Pixels:
    return np.rint((colour * alpha + 255 * (255 - alpha)) / 255).astype(int)


@pytest.mark.parametrize("fmt", ["PNG", "WEBP", "TIFF", "JPEG2000"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_put_on_white(mode: str, fmt: str) -> None:
    rng = np.random.default_rng(3)
    bands = [Image.fromarray(rng.integers(0, 256, (20, 30), dtype=np.uint8)) for _ in mode]
    image = Image.merge(mode, bands)
    options = {"lossless": True, "exact": True} if fmt == "WEBP" else {}
    colours = [pixels(band) for band in bands[:-1]] * (3 if mode == "LA" else 1)
    expected = on_white(np.stack(colours, axis=-1), pixels(bands[-1])[:, :, None])
    assert np.abs(decoded(encoded(image, fmt, **options)) - expected).max() <= 1


def test_a_transparent_palette_entry_is_white() -> None:
    image = quarters().quantize(8)
    see_through = image.getpixel((0, 0))
    for fmt in ("PNG", "GIF"):
        seen = decoded(encoded(image, fmt, transparency=see_through))
        assert (seen[:32, :48] == 255).all(), fmt
        assert (seen[40, 10] == (30, 30, 220)).all(), fmt


def test_palette_entries_with_their_own_alpha_are_mixed_with_white() -> None:
    palette = bytes([255, 0, 0, 0, 0, 255, 0, 0, 0])
    rows = np.array([[0, 1, 2]], np.uint8)
    seen = decoded(png(8, 3, rows, (b"PLTE", palette), (b"tRNS", bytes([0, 51, 255]))))
    assert seen[0].tolist() == [[255, 255, 255], [204, 204, 255], [0, 0, 0]]


@pytest.mark.parametrize(
    ("bits", "colour_type", "rows", "key", "expected"),
    [
        (1, 0, [[0, 1]], (0,), [255, 255]),
        (1, 0, [[0, 1]], (1,), [0, 255]),
        (2, 0, [[0, 1, 2, 3]], (2,), [0, 85, 255, 255]),
        (4, 0, [[0, 5, 15]], (0,), [255, 85, 255]),
        (8, 0, [[0, 100, 200]], (100,), [0, 255, 200]),
        (16, 0, [[0, 25700, 25701]], (25700,), [0, 255, 100]),
        (16, 2, [[[0, 257, 514], [25700, 0, 0]]], (25700, 0, 0), [[0, 1, 2], [255, 255, 255]]),
        (8, 2, [[[1, 2, 3], [3, 2, 1]]], (1, 2, 3), [[255, 255, 255], [3, 2, 1]]),
    ],
)
def test_one_transparent_colour_is_white_at_every_depth(
    bits: int, colour_type: int, rows: list[object], key: tuple[int, ...], expected: list[object]
) -> None:
    dtype = np.uint16 if bits == 16 else np.uint8
    data = png(bits, colour_type, np.array(rows, dtype), (b"tRNS", struct.pack(f">{len(key)}H", *key)))
    seen = decoded(data)[0]
    assert np.abs(seen - np.array(expected).reshape(len(expected), -1)).max() <= 1


# Colour profiles


def swapped_profile() -> bytes:
    """The sRGB profile with red and blue exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def profile_of(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile (version 2.4) written by the specification."""
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78)
    white = b"XYZ " + bytes(4) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0x\0\0\0", b"wtpt": white, **tags}
    at = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        body = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body
    header = struct.pack(">I4sI4s4s4s", at + len(bodies), b"lcms", 0x02400000, b"prtr", space, connection)
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    return header + bytes(128 - len(header)) + table + bodies


def linear_gray_profile() -> bytes:
    return profile_of(b"GRAY", b"XYZ ", {b"kTRC": b"curv" + bytes(4) + struct.pack(">I", 0)})


def odd_inks_profile() -> bytes:
    """A CMYK profile in which cyan ink is as light as paper, and every other ink black."""
    inks = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    colours = b"".join(bytes([0 if m or y or k else 255, 128, 128]) for _, m, y, k in inks)
    straight = bytes(range(256))
    unit = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + unit + straight * 4 + colours + straight * 3
    return profile_of(b"CMYK", b"Lab ", {b"A2B0": table})


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_the_embedded_profile_decides_the_colours(fmt: str) -> None:
    options: dict[str, object] = {"quality": 95} if fmt in {"JPEG", "AVIF", "HEIF"} else {}
    image = quarters()
    image.info["icc_profile"] = swapped_profile()
    seen = decoded(encoded(image, fmt, icc_profile=swapped_profile(), **options))
    assert np.abs(seen - pixels(quarters())[:, :, ::-1]).mean() < 5


def test_the_profile_applies_under_transparency_palettes_and_turns() -> None:
    swapped = pixels(quarters())[:, :, ::-1]
    alpha = quarters().convert("RGBA")
    alpha.putalpha(128)
    seen = decoded(encoded(alpha, "PNG", icc_profile=swapped_profile()))
    assert np.abs(seen - on_white(swapped, np.full((64, 96, 1), 128))).max() <= 2
    seen = decoded(encoded(quarters().quantize(8), "PNG", icc_profile=swapped_profile()))
    assert np.abs(seen - swapped).max() <= 2
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(stored(pixels(quarters()), 6), "TIFF", exif=exif, icc_profile=swapped_profile())
    assert np.abs(decoded(turned) - swapped).max() <= 2


def test_a_gray_profile_is_applied_to_gray() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    light = values / 255
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    gray = Image.fromarray(values)
    seen = decoded(encoded(gray, "PNG", icc_profile=linear_gray_profile()))
    assert np.abs(seen - srgb[:, :, None]).max() <= 1.5
    gray.putalpha(255)
    seen = decoded(encoded(gray, "PNG", icc_profile=linear_gray_profile()))
    assert np.abs(seen - srgb[:, :, None]).max() <= 1.5


def test_a_printers_profile_decides_what_the_inks_look_like() -> None:
    inks = Image.new("CMYK", (20, 10))
    inks.paste((255, 0, 0, 0), (0, 0, 10, 10))
    inks.paste((0, 255, 0, 0), (10, 0, 20, 10))
    seen = decoded(encoded(inks, "TIFF", icc_profile=odd_inks_profile()))
    assert seen[5, 5].min() > 245
    assert seen[5, 15].max() < 10


def test_pixels_under_an_srgb_profile_stay_as_they_are() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (decoded(encoded(noise(), "PNG", icc_profile=profile)) == pixels(noise())).all()


@pytest.mark.parametrize(
    "profile",
    [b"\0", b"not a profile", bytes(500), swapped_profile()[:200], linear_gray_profile(), odd_inks_profile()],
    ids=["one byte", "text", "zeros", "cut off", "for gray", "for inks"],
)
def test_a_profile_that_can_not_be_used_is_ignored(profile: bytes) -> None:
    assert (decoded(encoded(noise(), "PNG", icc_profile=profile)) == pixels(noise())).all()


def test_a_gray_picture_with_a_colour_profile_is_read_as_colour() -> None:
    gray = quarters().convert("L")
    seen = decoded(encoded(gray, "TIFF", icc_profile=swapped_profile()))
    assert np.abs(seen - pixels(gray)[:, :, None]).max() <= 2


def test_a_broken_profile_chunk_is_passed_over_as_browsers_do() -> None:
    rows = pixels(noise())
    for body in (b"x\0\1" + zlib.compress(b"packed by an unknown method"), b"x", b""):
        assert (decoded(png(8, 2, rows, (b"iCCP", body))) == rows).all(), body


# First frames


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200))]
    for fmt in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        lossless = {"lossless": True} if fmt == "WEBP" else {}
        data = encoded(frames[0], fmt, save_all=True, append_images=frames[1:], **lossless)
        assert np.abs(decoded(data)[10, 10] - (200, 0, 0)).max() < 8, fmt


# What comes back


def test_the_result_carries_no_metadata_that_others_would_apply_again() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    image = decode(encoded(quarters(), "JPEG", exif=exif, icc_profile=swapped_profile()))
    assert type(image) is Image.Image
    assert image.info == {}
    assert dict(image.getexif()) == {}


def test_results_are_shared_with_nobody() -> None:
    data = encoded(quarters(), "PNG")
    first = decode(data)
    first.paste((1, 2, 3), (0, 0, 96, 64))
    assert (decoded(data) == pixels(quarters())).all()


def test_the_name_of_a_format_does_not_matter_only_its_bytes() -> None:
    assert decode(encoded(quarters(), "GIF")).size == (96, 64)
    assert reason(b"") == "the file is empty"
    assert reason(b"<!DOCTYPE html><title>404</title>") == "a web page, not a picture"
    assert reason(b"%PDF-1.7\n").startswith("a PDF document")
    assert reason(b"\0\0\0\x18ftypisom").startswith("a video")
    assert reason(b"<?xml version='1.0'?>\n<svg width='9'>").startswith("a drawing")
    assert reason(b"%!PS-Adobe-3.0 EPSF-3.0\n") == reason(b"\xc5\xd0\xd3\xc6" + bytes(40))
    assert reason(b"words, words") == "not a picture in a format that can be read here"


def test_heic_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(quarters(), "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert reason(data) == "HEIC pictures need pillow-heif: pip install 'diptych[heif]'"


# Damage

FORMATS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded(noise(), "JPEG"),
    "progressive JPEG": lambda: encoded(noise(), "JPEG", progressive=True),
    "PNG": lambda: encoded(noise(), "PNG"),
    "GIF": lambda: encoded(noise(), "GIF"),
    "WebP": lambda: encoded(noise(), "WEBP"),
    "lossless WebP": lambda: encoded(noise(), "WEBP", lossless=True),
    "AVIF": lambda: encoded(noise(), "AVIF"),
    "HEIF": lambda: encoded(noise(), "HEIF"),
    "BMP": lambda: encoded(noise(), "BMP"),
    "TIFF": lambda: encoded(noise(), "TIFF"),
    "deflated TIFF": lambda: encoded(noise(), "TIFF", compression="tiff_adobe_deflate"),
    "LZW TIFF": lambda: encoded(noise(), "TIFF", compression="tiff_lzw"),
    "JPEG TIFF": lambda: encoded(noise(), "TIFF", compression="jpeg"),
    "JPEG 2000": lambda: encoded(noise(), "JPEG2000"),
    "PNM": lambda: encoded(noise(), "PPM"),
}


@pytest.mark.parametrize("no_jp2", [True, False])
def test_a_jpeg_2000_without_its_end_is_shown_if_all_its_pixels_are_there(no_jp2: bool) -> None:
    whole = encoded(noise(), "JPEG2000", no_jp2=no_jp2)
    for without_end in (whole[:-2], whole[:-1]):
        assert np.array_equal(decoded(without_end), decoded(whole))
    for lacking in (3, 10, len(whole) // 3):
        assert reason(whole[:-lacking]) == "the file is cut off"


JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_blocks": 3},
    "without subsampling": {"subsampling": 0, "quality": 95},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize(
    "drawn", [quarters(), noise(30, 20), noise(30, 20).convert("L")], ids=["quarters", "noise", "gray"]
)
def test_a_jpeg_without_its_end_is_shown_if_all_its_pixels_are_there(
    drawn: Image.Image, options: dict[str, object]
) -> None:
    whole = encoded(drawn, "JPEG", **options)
    for without_end in (whole[:-2], whole[:-1], whole[:-2] + bytes(100)):
        assert np.array_equal(decoded(without_end), decoded(whole))
    assert decode(whole[:-2], at_least=8).size == decode(whole, at_least=8).size
    for lacking in (*range(3, 40), len(whole) // 3):
        try:
            shown = decoded(whole[:-lacking])
        except UnreadablePicture as error:
            assert str(error) == "the file is cut off"  # noqa: PT017 (either is right, by what was shown)
        else:
            assert np.array_equal(shown, decoded(whole))
    assert reason(whole[: len(whole) - len(whole) // 3]) == "the file is cut off"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused_as_that(kind: str, part: float) -> None:
    data = FORMATS[kind]()
    assert decode(data).size == (90, 70)
    assert reason(data[: int(len(data) * part)]) == "the file is cut off"


@settings(max_examples=300)
@given(
    kind=st.sampled_from(sorted(set(FORMATS) - {"HEIF"})),
    hits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
    near_start=st.booleans(),
)
def test_damage_ends_in_pixels_or_in_one_plain_line(
    kind: str, hits: list[tuple[float, int]], near_start: bool
) -> None:
    data = bytearray(FORMATS[kind]())
    for place, value in hits:
        data[int(place * (min(len(data), 300) if near_start else len(data)))] = value
    try:
        outcome: Image.Image | str = decode(bytes(data), Limits(megapixels=2))
    except UnreadablePicture as error:
        outcome = str(error)
    if isinstance(outcome, str):
        assert outcome.isprintable()
        assert "Error" not in outcome
    else:
        assert outcome.mode == "RGB"
        assert outcome.width * outcome.height <= 2_000_000


DAMAGE_CHILD = """
import base64, sys
from diptych.images import UnreadablePicture, decode
refused = 0
for line in sys.stdin:
    try:
        decode(base64.b64decode(line))
    except UnreadablePicture:
        refused += 1
print(refused)
"""


def test_nothing_is_printed_about_damage() -> None:
    lines = []
    for kind in ("LZW TIFF", "deflated TIFF", "JPEG TIFF", "JPEG", "PNG", "WebP", "JPEG 2000", "AVIF"):
        whole = FORMATS[kind]()
        for first, step in ((9, 1000), (20, 97), (200, 97), (200, 1000)):
            data = bytearray(whole)
            for at in range(first, len(data) - 300, step):  # a TIFF's directory stands at its end
                data[at] ^= 0x55
            lines += [bytes(data), bytes(data[:-300]), whole[:-300]]
    child = subprocess.run(
        [sys.executable, "-W", "always", "-c", DAMAGE_CHILD],
        input=b"\n".join(map(base64.b64encode, lines)),
        capture_output=True,
        timeout=60,
    )
    assert child.stderr == b""
    assert int(child.stdout) > len(lines) / 2


# Limits


@pytest.mark.parametrize("kind", FORMATS)
def test_the_pixel_limit_holds_for_every_format(kind: str) -> None:
    data = FORMATS[kind]()
    said = reason(data, Limits(megapixels=0.006299))
    assert said == "90 x 70 is 0.0063 megapixels, over the limit of 0.006299"
    assert decode(data, Limits(megapixels=0.0063)).size == (90, 70)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("pillows_limit", [100, 4000])  # it refuses over twice its limit, and warns over it
def test_pillows_own_limit_neither_refuses_nor_warns_nor_changes(
    kind: str, pillows_limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = FORMATS[kind]()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillows_limit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(data).size == (90, 70)
        with pytest.raises(UnreadablePicture, match=r"over the limit of 0\.001"):
            decode(data, Limits(megapixels=0.001))
    assert pillows_limit == Image.MAX_IMAGE_PIXELS


def test_a_picture_between_pillows_limit_and_ours_is_read() -> None:
    flat = encoded(Image.new("1", (14000, 13000)), "TIFF", compression="group4")
    image = decode(flat)
    assert image.size == (14000, 13000)
    assert image.getpixel((7000, 6500)) == (0, 0, 0)


def test_warnings_of_other_threads_still_reach_them() -> None:
    from diptych.images.pillow import quiet

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet(), ThreadPoolExecutor(1) as other:
            warnings.warn("of the thread that decodes", stacklevel=1)
            other.submit(warnings.warn, "of the host program").result()
        warnings.warn("afterwards", stacklevel=1)
    assert [str(item.message) for item in caught] == ["of the host program", "afterwards"]


def test_many_threads_may_decode_at_once() -> None:
    jobs = [FORMATS[kind]() for kind in FORMATS] * 4
    alone = [decode(data).tobytes() for data in jobs]
    start = threading.Barrier(8)

    def decode_some(worker: int) -> list[bytes]:
        start.wait()
        return [decode(data).tobytes() for data in jobs[worker::8]]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode_some, range(8)))
    assert together == [alone[worker::8] for worker in range(8)]


# Bombs: each in a process of its own with little memory

EXIF_BOMB = (
    b"MM\0*\0\0\0\x08"
    + struct.pack(">H", 5000)
    + b"".join(struct.pack(">HHII", 0x8000 + tag, 7, 3_000_000, 8) for tag in range(5000))
    + bytes(3_100_000)
)


def tiled_tiff() -> bytes:
    """64 x 64 pixels in one tile of 65536 x 30000."""
    tile = zlib.compress(bytes(1000))
    tags = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 322: 65536, 323: 30000, 324: 0, 325: len(tile)}
    tags[324] = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + tile


def gif_with_frame(width: int, height: int, left: int = 0, top: int = 0) -> bytes:
    screen = struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return b"GIF89a" + screen + b"," + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02\x01\x44\0;"


def huge_bmp() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def zeros(count: int) -> bytes:
    return zlib.compress(bytes(count), 9)


ROW = np.zeros((4, 4, 3), np.uint8)

BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a text of 300 MB": (lambda: png(8, 2, ROW, (b"zTXt", b"k\0\0" + zeros(300_000_000))), "metadata"),
    "an international text": (
        lambda: png(8, 2, ROW, (b"iTXt", b"k\0\1\0\0\0" + zeros(300_000_000))),
        "metadata",
    ),
    "a profile of 300 MB": (lambda: png(8, 2, ROW, (b"iCCP", b"k\0\0" + zeros(300_000_000))), "metadata"),
    "500 texts": (lambda: png(8, 2, ROW, *[(b"zTXt", b"k\0\0" + zeros(1_000_000))] * 500), "metadata"),
    "EXIF that overlaps": (lambda: png(8, 2, ROW, (b"eXIf", EXIF_BOMB)), "(4, 4)"),
    "TIFF tags that overlap": (lambda: EXIF_BOMB, "its TIFF data are damaged"),
    "a TIFF tile": (tiled_tiff, "its tiles of 65536 x 30000 are larger than the picture"),
    "a GIF frame": (lambda: gif_with_frame(60000, 60000), "3600 megapixels, over the limit of 200"),
    "a GIF frame far off": (
        lambda: gif_with_frame(1, 1, 65000, 65000),
        "4225 megapixels, over the limit of 200",
    ),
    "a PNG": (
        lambda: png(8, 2, ROW, declared=(60000, 60000)),
        "60000 x 60000 is 3600 megapixels, over the limit of 200",
    ),
    "a BMP": (huge_bmp, "60000 x 60000 is 3600 megapixels, over the limit of 200"),
    "an AVIF": (
        lambda: encoded(Image.new("RGB", (64, 64)), "AVIF").replace(
            struct.pack(">II", 64, 64), struct.pack(">II", 30000, 30000)
        ),
        "30000 x 30000 is 900 megapixels, over the limit of 200",
    ),
    "a PNM": (lambda: b"P6 60000 60000 255\n", "60000 x 60000 is 3600 megapixels, over the limit of 200"),
    "a WebP": (
        lambda: (
            encoded(Image.new("RGB", (64, 64)), "WEBP", lossless=True)[:20]
            + b"\x2f"
            + struct.pack("<I", 16383 | 16383 << 14)
            + bytes(20)
        ),
        "268.4 megapixels, over the limit of 200",
    ),
}

PEAK = """
def peak():  # of this process alone, in megabytes; ru_maxrss starts with the parent's
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // 1024
"""

CHILD = """
import resource, sys
data = sys.stdin.buffer.read()
from diptych.images import UnreadablePicture, decode
import PIL.AvifImagePlugin, PIL.WebPImagePlugin, PIL.TiffImagePlugin
before = peak()
resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
try:
    print(decode(data).size)
except UnreadablePicture as error:
    print(error)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is capped and measured as Linux does it")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_harmless(bomb: str) -> None:
    make, said = BOMBS[bomb]
    child = subprocess.run(
        [sys.executable, "-c", PEAK + CHILD], input=make(), capture_output=True, timeout=60
    )
    assert child.stderr == b""
    outcome, megabytes = child.stdout.decode().splitlines()
    assert said in outcome
    assert int(megabytes) < 150


def test_the_documented_table_has_every_format_and_names_tests_that_exist() -> None:
    page = (Path(__file__).parents[2] / "docs" / "pictures.md").read_text(encoding="utf-8")
    table = page.partition("| format | samples |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert {row[0].removesuffix(", BigTIFF") for row in rows} == set(_READERS)
    for row in rows:
        named = re.findall("`([a-z0-9_]+)`", row[-1])
        assert named
        for name in named:
            assert (Path(__file__).parent / f"test_{name}.py").is_file()
