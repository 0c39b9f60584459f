"""JPEG 2000 with channel definitions and in sYCC: the header is written here, the pixels by Pillow."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from diptych.images import decode
from diptych.images.boxes import box, boxes

RNG = np.random.default_rng(6)
RGB = RNG.integers(0, 256, (40, 50, 3)).astype(np.uint8)
ALPHA = RNG.integers(0, 256, (40, 50, 1)).astype(np.uint8)
ON_WHITE = RGB * (ALPHA / 255) + 255 - ALPHA
PREMULTIPLIED = np.rint(RGB * (ALPHA / 255)).astype(np.uint8)


def jpeg2000(
    channels: NDArray[np.uint8],
    defined: list[tuple[int, int, int]] | None = None,
    colours: int = 16,
    profile: bytes = b"",
) -> bytes:
    """A lossless JPEG 2000 of these channels; its colour space is a number or a profile."""
    space = struct.pack(">BBB", 2, 0, 0) + profile if profile else struct.pack(">BBBI", 1, 0, 0, colours)
    buffer = io.BytesIO()
    Image.fromarray(channels).save(buffer, "JPEG2000", irreversible=False, mct=0)
    data = buffer.getvalue()
    header = next(each for each in boxes(data) if each.name == b"jp2h")
    inner = b"".join(
        box(each.name, space if each.name == b"colr" else each.body)
        for each in boxes(header.body)
        if each.name != b"cdef"
    )
    if defined is not None:
        entries = b"".join(struct.pack(">HHH", *each) for each in defined)
        inner += box(b"cdef", struct.pack(">H", len(defined)) + entries)
    return data[: header.at] + box(b"jp2h", inner) + data[header.at + 8 + len(header.body) :]


def shown(data: bytes) -> NDArray[np.int64]:
    return np.asarray(decode(data)).astype(int)


COLOURS = [(0, 0, 1), (1, 0, 2), (2, 0, 3)]


@pytest.mark.parametrize(
    ("channels", "defined", "expected"),
    [
        (RGB, None, RGB),
        (RGB, COLOURS, RGB),
        (RGB[..., ::-1], [(0, 0, 3), (1, 0, 2), (2, 0, 1)], RGB),
        (np.dstack([RGB, ALPHA]), [*COLOURS, (3, 1, 0)], ON_WHITE),
        (np.dstack([RGB, ALPHA]), [*COLOURS, (3, 65535, 65535)], RGB),
        (np.dstack([PREMULTIPLIED, ALPHA]), [*COLOURS, (3, 2, 0)], PREMULTIPLIED + 255.0 - ALPHA),
        (np.dstack([ALPHA, RGB]), [(0, 1, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)], ON_WHITE),
        (np.dstack([ALPHA, RGB[..., :1]]), [(0, 1, 0), (1, 0, 1)], ON_WHITE[..., :1]),
        (RGB, [(0, 0, 1), (1, 0, 2), (9, 0, 3)], RGB),
    ],
)
def test_channels_are_what_they_are_defined_to_be(
    channels: NDArray[np.uint8],
    defined: list[tuple[int, int, int]] | None,
    expected: NDArray[np.float64],
) -> None:
    data = jpeg2000(np.ascontiguousarray(channels), defined, 16 if channels.shape[-1] > 2 else 17)
    assert np.abs(shown(data) - expected).max() <= 2


def test_sycc_is_turned_into_rgb() -> None:
    ycc = np.asarray(Image.fromarray(RGB).convert("YCbCr"))
    assert np.abs(shown(jpeg2000(ycc, colours=18)) - RGB).max() <= 3


def test_the_profile_within_is_applied() -> None:
    """The reference is a PNG of the same pixels and profile."""
    flat = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    profile = swapped_red_and_blue()
    buffer = io.BytesIO()
    Image.fromarray(flat).save(buffer, "PNG", icc_profile=profile)
    expected = shown(buffer.getvalue())
    assert np.abs(expected - flat).max() > 20
    assert (shown(jpeg2000(flat, profile=profile)) == expected).all()


def swapped_red_and_blue() -> bytes:
    """sRGB's profile with the primaries of red and blue exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
