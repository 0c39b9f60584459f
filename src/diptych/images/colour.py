"""Any mode that Pillow knows, turned into sRGB pixels on a white ground."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms

from diptych.images.coded import Colours
from diptych.images.hdr import to_screen

LARGEST_PROFILE = 16_000_000
"""Bytes; a JPEG can't hold a longer colour profile, and those of printers have a few million."""

STRIP = 1 << 22
"""Pixels of a picture with more than 8 bits that are worked on at a time."""

_WHITE = (255, 255, 255, 255)


def to_srgb(
    image: Image.Image, colours: Colours | None = None, check: Callable[[], None] = lambda: None
) -> Image.Image:
    """Turn a loaded picture of any mode into sRGB, mode RGB.

    * Colour profiles (`image.info["icc_profile"]`) for RGB, CMYK, gray and LAB are applied with the relative
      colorimetric intent and black point compensation; a broken, empty or mismatched one is ignored. Pixels
      under a profile that is sRGB in all but name stay as they are.
    * Colours that are declared by numbers come before a profile; PQ and HLG are shown as `hdr` says.
    * 16 bits are scaled to 8. 32-bit integers and floats have no agreed range: the first of 0 to 1 (floats
      only), 0 to 255 and 0 to 65535 that holds all values is black to white; where none does, the smallest
      value is black and the largest white. NaN is black. Gray of 16 bits follows the same rule, as 8-bit
      values kept in 16 bits would else be black from edge to edge.
    * Transparency of every kind (alpha, a palette's, one transparent colour) is put on white.

    Args:
        image: A loaded picture. It may be changed and may be what is returned: use only the result.
        colours: What its file declares by numbers (`coded.declared_colours`).
        check: Raises what is to end the work, where it takes long.

    Returns:
        A picture of mode RGB and the same size.
    """
    profile = image.info.get("icc_profile")
    image = _with_8_bit_bands(image)
    if image.mode == "LAB":
        image = _apply(_transform(b"", "LAB", "RGB"), image)
    elif colours is not None and colours.hdr:
        image = to_screen(image.convert("RGBA" if "A" in image.getbands() else "RGB"), colours, check)
    elif colours is not None:
        image = _with_profile(image, colours.profile())
    elif isinstance(profile, bytes) and 0 < len(profile) <= LARGEST_PROFILE:
        image = _with_profile(image, profile)
    if image.mode in {"LA", "RGBA"}:
        image = _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _with_8_bit_bands(image: Image.Image) -> Image.Image:
    """Bring any mode to L, LA, RGB, RGBA, CMYK or LAB."""
    if image.mode.startswith("I;16"):
        return _from_16_bits(image)
    if image.mode in {"I", "F"}:
        return _stretched(image)
    if image.has_transparency_data and image.mode not in {"LA", "RGBA"}:
        return image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK", "LAB"} else image.convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    gray = _stretched(image)
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return gray
    alpha = _by_strips(image, lambda values: np.where(values == key, 0, 255))
    return Image.merge("LA", (gray, alpha))


def _stretched(image: Image.Image) -> Image.Image:
    """Scale values that have no agreed range to 0 to 255, by the rule that `to_srgb` states."""
    low, high = _range(image)
    scale = 255.0 / (high - low or 1.0)
    return _by_strips(
        image, lambda values: np.rint((np.clip(np.nan_to_num(values, nan=low), low, high) - low) * scale)
    )


def _range(image: Image.Image) -> tuple[float, float]:
    """The values that are black and white."""
    if image.format == "PPM" and image.mode == "I":
        return 0.0, 65535.0  # to which its reader has scaled
    return agreed_range((values for _, values in _strips(image)), floats=image.mode == "F")


def agreed_range(strips: Iterable[NDArray[np.float64]], *, floats: bool) -> tuple[float, float]:
    """The values that are black and white among all of a picture, by the rule that `to_srgb` states."""
    low, high = math.inf, -math.inf
    for values in strips:
        finite = values[np.isfinite(values)]
        low = float(finite.min(initial=low))
        high = float(finite.max(initial=high))
    for white in (1, 255, 65535) if floats else (255, 65535):
        if low >= 0 and high <= white:
            return 0.0, float(white)
    return low, high


def _strips(image: Image.Image) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Go through a picture of one band a few rows at a time, as a whole it may be too big for more copies.

    Yields:
        The first row of a strip, and its values.
    """
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        yield top, np.asarray(strip).astype(np.float64)


def _by_strips(image: Image.Image, function: Callable[[NDArray[np.float64]], NDArray[Any]]) -> Image.Image:
    """Make a picture of mode L, whose pixels are `function` of the values of another."""
    made = Image.new("L", image.size)
    for top, values in _strips(image):
        made.paste(Image.fromarray(function(values).astype(np.uint8)), (0, top))
    return made


def _with_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Apply a profile to a picture of mode L, LA, RGB, RGBA or CMYK, where there is anything to do."""
    if image.mode in {"L", "LA"} and _colour_space(profile) == "RGB":
        image = image.convert("RGB" if image.mode == "L" else "RGBA")
    if image.mode == "L":
        table = _gray_table(profile)
        if table is not None:
            image.putpalette(table)
        return image
    if image.mode == "LA":
        gray, alpha = image.split()
        image = _with_profile(gray, profile).convert("RGB")
        image.putalpha(alpha)
        return image
    return _apply(_transform(profile, image.mode, "RGBA" if image.mode == "RGBA" else "RGB"), image)


def _apply(transform: ImageCms.ImageCmsTransform | None, image: Image.Image) -> Image.Image:
    if transform is None:
        return image
    if image.mode == transform.output_mode:
        ImageCms.applyTransform(image, transform, inPlace=True)  # a copy of a large picture would be large
        return image
    return transform.apply(image)


_SPACES = {"RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK", "L": "GRAY", "LAB": "Lab"}
"""The colour space that a profile must name to fit a mode."""


@lru_cache(maxsize=8)
def _colour_space(profile: bytes) -> str | None:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
    except (OSError, ImageCms.PyCMSError):
        return None


@lru_cache(maxsize=8)
def _gray_table(profile: bytes) -> bytes | None:
    """What each value of gray is in sRGB, three bytes a value, or None where there is nothing to do.

    All 256 are worked out exactly: the shortcut that lcms takes for pictures misses dark grays by up to 10.
    """
    transform = _transform(profile, "L", "RGB")
    if transform is None:
        return None
    return transform.apply(Image.fromarray(np.arange(256, dtype=np.uint8)[None])).tobytes()


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str, output_mode: str) -> ImageCms.ImageCmsTransform | None:
    """Make the way from a profile (for mode LAB: from CIELAB) to sRGB, or None where there is nothing to do.

    Transforms may be used from several threads at once.
    """
    if mode != "LAB" and _colour_space(profile) != _SPACES[mode]:
        return None
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":
        flags |= ImageCms.Flags.NOOPTIMIZE
    try:
        source = (
            ImageCms.createProfile("LAB") if mode == "LAB" else ImageCms.ImageCmsProfile(io.BytesIO(profile))
        )
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            output_mode,
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags,
        )
    except (OSError, ImageCms.PyCMSError):
        return None
    return None if _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether no colour of a coarse cube moves by more than rounding.

    Nearly every photograph names some edition of sRGB. Converting it would shift values by one, and the
    embedders' reference values are of pixels that nobody converted.
    """
    if mode not in {"L", "RGB", "RGBA"}:
        return False
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    probe = Image.fromarray(cube).convert(mode) if mode != "L" else Image.fromarray(steps[None])
    moved = np.asarray(transform.apply(probe).convert("RGB")).astype(int)
    return bool(np.abs(moved - np.asarray(probe.convert("RGB"))).max() <= 1)


def _on_white(image: Image.Image) -> Image.Image:
    """Put a picture of mode LA or RGBA on white, changing it on the way."""
    alpha = image.getchannel("A")
    if alpha.getextrema() != (255, 255):
        image.paste(_WHITE[: len(image.getbands())], mask=ImageChops.invert(alpha))
    return image.convert("RGB")
