"""Real odd files: each decodes to what a person would see, or is skipped with a true reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from diptych.images import UnreadablePicture, decode
from support import need

Colour = tuple[int, int, int]
Points = dict[tuple[int, int], Colour]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
DAMAGED_PNG = "its PNG data are damaged, or of a kind that can't be read here"

SEEN: dict[str, tuple[tuple[int, int], Points]] = {
    "animated/chi.gif": ((320, 240), {(160, 120): (254, 255, 252), (0, 0): BLACK}),
    "animated/delay.png": ((128, 64), {(64, 32): (255, 0, 0)}),
    "animated/iss634.gif": ((245, 245), {(0, 244): (245, 224, 87), (244, 0): (23, 100, 104)}),
    "animated/multipage.tiff": ((10, 10), {(5, 5): (0, 128, 0)}),
    "animated/no_time_for_that_tiny.gif": ((14, 25), {(0, 0): (173, 197, 187)}),
    "broken/broken_exif_dpi.jpg": ((100, 100), {(50, 50): (0, 128, 0)}),
    "broken/exif_typeerror.jpg": ((800, 531), {(0, 0): (186, 196, 205)}),
    "broken/hopper_idat_after_image_end.png": ((128, 128), {}),
    "broken/invalid_multiframe.gif": ((10, 9), {(0, 0): WHITE, (5, 4): (7, 7, 7)}),
    "broken/junk_jpeg_header.jpg": ((1024, 768), {(0, 0): (164, 203, 246)}),
    "broken/no_palette.gif": ((1, 1), {(0, 0): BLACK}),
    "broken/truncated_app14.jpg": ((100, 100), {(50, 90): BLACK, (5, 1): (231, 33, 24)}),
    "broken/unknown_compression_method.png": ((57, 57), {(0, 0): (226, 212, 196)}),
    "colour_modes/LA_16__128x128.png": ((128, 128), {(127, 0): WHITE, (0, 127): BLACK, (64, 64): (128,) * 3}),
    "colour_modes/RGBA_16__128x128.png": ((128, 128), {(0, 0): (0, 0, 255), (127, 0): (255, 0, 0)}),
    "colour_modes/bw_text.png": ((516, 333), {(0, 0): WHITE, (258, 320): WHITE}),
    "colour_modes/chessboard_GRAY_U16.tif": ((200, 200), {}),
    "colour_modes/hopper.Lab.tif": ((128, 128), {}),
    "colour_modes/hopper_16bit_qtables.jpg": ((128, 128), {}),
    "colour_modes/hopper_float_dpi_2.tif": ((128, 128), {}),
    "colour_modes/horse.png": ((400, 328), {(0, 0): WHITE, (200, 164): BLACK}),
    "colour_modes/icc_profile_big.jpg": ((425, 250), {(0, 0): (0, 42, 104), (424, 249): (243, 243, 239)}),
    "colour_modes/pil_sample_cmyk.jpg": ((100, 100), {(50, 90): (1, 4, 5), (5, 1): (255, 14, 23)}),
    "colour_modes/sample-xyb.jpg": ((290, 442), {}),
    "colour_modes/tiff_16bit_RGB.tiff": ((100, 40), {(0, 0): BLACK, (99, 0): (73, 30, 19)}),
    "exif_orientation/Landscape_1.jpg": ((1800, 1200), {}),
    "exif_orientation/Landscape_3.jpg": ((1800, 1200), {}),
    "exif_orientation/Landscape_5.jpg": ((1800, 1200), {}),
    "exif_orientation/Landscape_7.jpg": ((1800, 1200), {}),
    "exif_orientation/exif_imagemagick_orientation.png": ((512, 512), {}),
    "exif_orientation/hopper_orientation_3.jpg": ((128, 128), {}),
    "exif_orientation/hopper_orientation_5.jpg": ((128, 128), {}),
    "exif_orientation/hopper_orientation_6.webp": ((128, 128), {}),
    "exif_orientation/hopper_orientation_8.jpg": ((128, 128), {}),
    "exif_orientation/rot1mir0.avif": ((640, 427), {(0, 0): (162, 201, 222), (320, 213): (145, 155, 42)}),
    "modern_formats/L_10__128x128.heif": (
        (128, 128),
        {(64, 0): BLACK, (64, 64): (128,) * 3, (9, 127): WHITE},
    ),
    "modern_formats/chelsea.bmp": ((451, 300), {(225, 150): (190, 150, 124)}),
    "modern_formats/empty_icc.heic": ((1025, 900), {(0, 0): (12, 12, 10), (1024, 899): (205, 240, 232)}),
    "modern_formats/fox.jpg": ((1204, 800), {}),
    "modern_formats/fox.profile2.12bpc.yuv444.avif": ((1204, 800), {}),
    "modern_formats/hopper.heif": ((128, 128), {}),
    "modern_formats/hopper.psd": ((128, 128), {}),
    "modern_formats/hopper.webp": ((128, 128), {}),
    "modern_formats/rgb_trns_ycbc.jp2": ((64, 64), {(32, 32): WHITE}),
    "size/decompression_bomb_extents.gif": ((100, 100), {(50, 50): (255, 0, 0)}),
    "size/hato.jpg": ((3082, 2048), {(0, 0): (179, 186, 192)}),
    "size/tRNS_null_1x1.png": ((1, 1), {(0, 0): WHITE}),
    "transparency/1_trns.png": ((64, 64), {(32, 32): WHITE, (0, 63): BLACK, (5, 5): BLACK}),
    "transparency/i_trns.png": ((64, 64), {(32, 32): WHITE, (0, 0): BLACK}),
    "transparency/l_trns.png": ((64, 64), {(32, 32): WHITE, (0, 0): BLACK}),
    "transparency/p_trns_single.png": ((64, 64), {(32, 32): WHITE}),
    "transparency/pil123p.png": ((162, 150), {(0, 0): WHITE, (81, 75): (101, 85, 28)}),
    "transparency/rgb_trns.png": ((64, 64), {(32, 32): WHITE}),
    "transparency/transparency.avif": ((64, 64), {(32, 32): WHITE}),
    "transparency/transparent.png": ((200, 150), {(0, 0): WHITE, (100, 75): (144, 59, 59)}),
}
"""Upright size, and the colour of some points (x, y), checked by eye."""

SKIPPED = {
    "broken/broken.png": DAMAGED_PNG,
    "broken/empty.heic": "the file is empty",
    "broken/truncated.gif": "the file is cut off",
    "broken/truncated.jpg": "the file is cut off",
    "broken/truncated_image.png": "the file is cut off",
    "colour_modes/ultrahdr.jpg": "the file is cut off",
    "size/17000x17000.avif": "17000 x 17000 is 289 megapixels, over the limit of 200",
    "size/decompression_bomb.gif": "4365 megapixels, over the limit of 200",
}

HUGE = "size/200MP.heic"
"""Has a test of its own."""


@pytest.fixture(scope="session")
def awkward(shared: Path) -> Path:
    return shared / "data" / "photos" / "awkward"


def seen(awkward: Path, name: str) -> NDArray[np.int64]:
    if name.endswith((".heic", ".heif")):
        need("pillow_heif")
    return np.asarray(decode((awkward / name).read_bytes())).astype(int)


def difference(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    return float(np.abs(one - other).mean())


def test_every_file_has_an_expected_outcome(awkward: Path) -> None:
    names = {path.relative_to(awkward).as_posix() for path in awkward.glob("*/*")}
    assert names == {*SEEN, *SKIPPED, HUGE}


@pytest.mark.parametrize("name", SEEN)
def test_what_a_person_sees(awkward: Path, name: str) -> None:
    size, points = SEEN[name]
    picture = seen(awkward, name)
    assert picture.shape == (size[1], size[0], 3)
    for (x, y), colour in points.items():
        assert np.abs(picture[y, x] - colour).max() <= 3, (x, y)


@pytest.mark.parametrize("name", SKIPPED)
def test_why_a_file_is_skipped(awkward: Path, name: str) -> None:
    with pytest.raises(UnreadablePicture) as caught:
        decode((awkward / name).read_bytes())
    assert str(caught.value) == SKIPPED[name]


def test_one_landscape_stored_in_four_ways_looks_the_same(awkward: Path) -> None:
    one = seen(awkward, "exif_orientation/Landscape_1.jpg")
    for orientation in (3, 5, 7):  # a digit on them differs, and the JPEG blocks lie otherwise
        assert difference(one, seen(awkward, f"exif_orientation/Landscape_{orientation}.jpg")) < 5


def test_a_png_turned_by_imagemagick_is_turned(awkward: Path) -> None:
    name = "exif_orientation/exif_imagemagick_orientation.png"
    with Image.open(awkward / name) as image:
        half_turn = np.asarray(image)[::-1, ::-1].astype(int)
    # Its gAMA and cHRM make the curve that of a power, as in Chromium: dark values move a little.
    assert np.abs(seen(awkward, name) - half_turn).max() <= 12


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("exif_orientation/hopper_orientation_3.jpg", 6),
        ("exif_orientation/hopper_orientation_5.jpg", 6),
        ("exif_orientation/hopper_orientation_6.webp", 6),
        ("exif_orientation/hopper_orientation_8.jpg", 6),
        ("colour_modes/hopper_float_dpi_2.tif", 0),
        ("colour_modes/hopper.Lab.tif", 3),
        ("colour_modes/hopper_16bit_qtables.jpg", 13),  # quantised very coarsely
        ("modern_formats/hopper.webp", 5),
        ("modern_formats/hopper.heif", 5),
        ("modern_formats/hopper.psd", 3),
    ],
)
def test_one_portrait_in_many_formats_looks_the_same(awkward: Path, name: str, tolerance: float) -> None:
    with Image.open(awkward / "broken" / "hopper_idat_after_image_end.png") as image:
        plain = np.asarray(image).astype(int)
    assert difference(seen(awkward, name), plain) <= tolerance


def test_the_fox_looks_the_same_as_jpeg_and_as_avif_of_twelve_bits(awkward: Path) -> None:
    jpeg = seen(awkward, "modern_formats/fox.jpg")
    assert difference(jpeg, seen(awkward, "modern_formats/fox.profile2.12bpc.yuv444.avif")) < 3


def test_inks_look_like_the_same_picture_in_rgb(awkward: Path) -> None:
    rgb = seen(awkward, "broken/truncated_app14.jpg")
    assert difference(seen(awkward, "colour_modes/pil_sample_cmyk.jpg"), rgb) < 6


def test_xyb_looks_natural_through_its_profile(awkward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with Image.open(awkward / "broken" / "truncated.jpg") as ordinary:  # its upper part is whole
        upper = np.asarray(ordinary.convert("RGB"))[:170].astype(int)
    name = "colour_modes/sample-xyb.jpg"
    with Image.open(awkward / name) as image:
        without_profile = np.asarray(image)[:170].astype(int)
    assert difference(seen(awkward, name)[:170], upper) < 5
    assert difference(without_profile, upper) > 20


def test_one_hole_cut_in_many_ways_looks_the_same(awkward: Path) -> None:
    colour = seen(awkward, "transparency/rgb_trns.png")
    assert difference(colour, seen(awkward, "transparency/p_trns_single.png")) == 0
    assert difference(colour, seen(awkward, "transparency/transparency.avif")) < 1
    assert difference(colour, seen(awkward, "modern_formats/rgb_trns_ycbc.jp2")) < 1
    gray = seen(awkward, "transparency/l_trns.png")
    assert difference(gray, seen(awkward, "transparency/i_trns.png")) == 0


def test_the_chessboard_is_no_black_square(awkward: Path) -> None:
    name = "colour_modes/chessboard_GRAY_U16.tif"
    with Image.open(awkward / name) as image:
        values = np.asarray(image)
    assert (seen(awkward, name)[:, :, 0] == values).all()
    assert values.max() == 255


HUGE_CHILD = """
import sys
from diptych.images import decode
image = decode(sys.stdin.buffer.read())
with open("/proc/self/status") as status:
    peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
print(image.size, int(peak) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does it")
def test_two_hundred_megapixels_are_decoded_without_needless_copies(awkward: Path) -> None:
    need("pillow_heif")
    data = (awkward / HUGE).read_bytes()
    child = subprocess.run([sys.executable, "-c", HUGE_CHILD], input=data, capture_output=True, timeout=120)
    assert child.stderr == b""
    width, height, megabytes = (
        child.stdout.decode().replace("(", "").replace(")", "").replace(",", "").split()
    )
    assert (int(width), int(height)) == (12240, 16320)
    once = 12240 * 16320 * (3 + 4) / 2**20  # as the decoder gives them and as Pillow keeps them
    assert int(megabytes) < once + 150
