"""Colours and orientation as Chromium shows them: every picture here is drawn by it, and read back."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, features

from diptych.images import decode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TOLERANCE = 2
"""Of 255: Chromium works with floats, our profiles with fixed point."""

RNG = np.random.default_rng(5)
GRAYS = np.repeat(np.arange(0, 256, 5, dtype=np.uint8)[:, None], 3, axis=1)
COLOURS = np.concatenate([RNG.integers(0, 256, (400, 3)).astype(np.uint8), GRAYS])[None]

SRGB = 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000
P3 = 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000

DRAW = """async ([mime, data]) => {
    const image = new Image();
    image.src = `data:${mime};base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0);
    const shown = context.getImageData(0, 0, canvas.width, canvas.height).data;
    return [canvas.height, canvas.width, Array.from(shown)];
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    """An empty page."""
    return browser.new_page()


def in_browser(page: Page, data: bytes, mime: str) -> NDArray[np.int64]:
    height, width, values = page.evaluate(DRAW, [mime, base64.b64encode(data).decode()])
    return np.array(values).reshape(height, width, 4)[..., :3]


def assert_as_in_browser(page: Page, data: bytes, mime: str, tolerance: int = TOLERANCE) -> None:
    shown, ours = in_browser(page, data, mime), np.asarray(decode(data)).astype(int)
    assert ours.shape == shown.shape
    assert np.abs(ours - shown).max() <= tolerance


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*chunks: bytes, pixels: NDArray[np.uint8] = COLOURS) -> bytes:
    height, width, channels = pixels.shape
    kind = {1: 0, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def chrm(values: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


def cicp(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes((primaries, transfer, matrix, full)))


def swapped_profile() -> bytes:
    """sRGB's profile with the primaries of red and blue exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")


ICCP = chunk(b"iCCP", b"x\0\0" + zlib.compress(swapped_profile()))
SRGB_CHUNK = chunk(b"sRGB", b"\0")

CHUNKS: dict[str, list[bytes]] = {
    "nothing": [],
    "linear": [gama(100_000)],
    "linear, primaries of sRGB": [gama(100_000), chrm(SRGB)],
    "P3 with gamma 2.2": [gama(45_455), chrm(P3)],
    "primaries without a gamma": [chrm(P3)],
    "a gamma of 0": [gama(0)],
    "primaries that are none": [gama(100_000), chrm((0,) * 8)],
    "sRGB before gamma": [SRGB_CHUNK, gama(100_000), chrm(P3)],
    "a profile before gamma": [ICCP, gama(100_000), chrm(P3)],
    "cICP before a profile": [cicp(12, 13), ICCP],
    "cICP before gamma": [cicp(1, 13), gama(100_000), chrm(P3)],
    "cICP of limited range": [cicp(9, 13, full=0)],
    "cICP without primaries": [cicp(2, 13)],
    "cICP without a curve": [cicp(12, 2)],
} | {f"gamma {value}": [gama(value)] for value in (20_000, 43_000, 44_000, 47_000, 48_000, 200_000)}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_what_a_png_says_of_its_colours(page: Page, chunks: list[bytes]) -> None:
    assert_as_in_browser(page, png(*chunks), "image/png")


@given(
    st.integers(0, 2**32 - 1),
    st.none() | st.tuples(*[st.integers(0, 2**32 - 1) | st.sampled_from([*SRGB, 0, 1, 100_000])] * 8),
)
def test_no_number_hides_a_picture(gamma: int, primaries: tuple[int, ...] | None) -> None:
    chunks = [gama(gamma), *([chrm(primaries)] if primaries else [])]
    assert decode(png(*chunks)).size == (COLOURS.shape[1], 1)


def test_what_is_tested_changes_colours() -> None:
    plain = np.asarray(decode(png())).astype(int)
    for name in ("linear", "P3 with gamma 2.2", "a profile before gamma", "cICP before a profile"):
        assert np.abs(np.asarray(decode(png(*CHUNKS[name]))) - plain).max() > 20


@pytest.mark.parametrize("primaries", [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22])
def test_primaries_by_number(page: Page, primaries: int) -> None:
    assert_as_in_browser(page, png(cicp(primaries, 13)), "image/png")


@pytest.mark.parametrize("transfer", range(1, 19))
def test_curves_by_number(page: Page, transfer: int) -> None:
    assert_as_in_browser(page, png(cicp(9, transfer)), "image/png")


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("chunks", [[gama(100_000)], [cicp(9, 16)], [cicp(12, 13)]])
def test_gray_and_transparent_pngs_too(page: Page, channels: int, chunks: list[bytes]) -> None:
    """Chromium mixes with white after it has made the colours, of values multiplied by their opacity."""
    pixels = np.dstack([COLOURS, np.where(COLOURS[..., :1] > 128, 255, 0)]).astype(np.uint8)[..., :channels]
    assert_as_in_browser(page, png(*chunks, pixels=np.ascontiguousarray(pixels)), "image/png")


needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


def avif(primaries: int, transfer: int, **options: object) -> bytes:
    """Flat squares of 8 pixels, as the coding changes edges."""
    squares = Image.fromarray(COLOURS[0, :64].reshape(8, 8, 3))
    buffer = io.BytesIO()
    large = squares.resize((64, 64), Image.Resampling.NEAREST)
    large.save(buffer, "AVIF", quality=100, subsampling="4:4:4", **options)
    data = buffer.getvalue()
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


@needs_avif
@pytest.mark.parametrize("primaries", [1, 2, 5, 9, 11, 12])
@pytest.mark.parametrize("transfer", [1, 2, 4, 7, 8, 13, 14, 16, 18])
def test_what_an_avif_says_of_its_colours(page: Page, primaries: int, transfer: int) -> None:
    assert_as_in_browser(page, avif(primaries, transfer), "image/avif", tolerance=4)


@needs_avif
def test_in_avif_a_profile_comes_before_numbers(page: Page) -> None:
    assert_as_in_browser(page, avif(9, 16, icc_profile=swapped_profile()), "image/avif")


# Orientation

TURNED = [("JPEG", {"quality": 100}), ("PNG", {}), ("AVIF", {"quality": 100, "subsampling": "4:4:4"})]
PATCHES = Image.fromarray(np.arange(0, 240, 40, dtype=np.uint8).reshape(2, 3)).convert("RGB")
LARGE = PATCHES.resize((24, 16), Image.Resampling.NEAREST)
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("format_", "options"), TURNED, ids=[name for name, _ in TURNED])
def test_turns(page: Page, format_: str, options: dict[str, object], orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    LARGE.save(buffer, format_, exif=exif.tobytes(), **options)
    assert_as_in_browser(page, buffer.getvalue(), f"image/{format_.lower()}", tolerance=8)


@pytest.mark.parametrize("format_", ["JPEG", "WEBP", "AVIF"])
def test_an_orientation_in_xmp_turns_nothing(page: Page, format_: str) -> None:
    buffer = io.BytesIO()
    LARGE.save(buffer, format_, xmp=XMP, quality=100)
    assert_as_in_browser(page, buffer.getvalue(), f"image/{format_.lower()}", tolerance=8)
