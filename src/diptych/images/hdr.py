"""Pictures of high dynamic range, shown on a screen that has none, as Chromium does it.

PQ and HLG (ITU-R BT.2100) are turned into light, of which 1 is the white of a page: 203 cd/m² (ITU-R
BT.2408). What is up to 1,000 cd/m² is brought below that by the curve of SMPTE ST 2094-50's "reference white
tone mapping", in the primaries of BT.2020: half as bright up to 1, then along a parabola to white.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.images.coded import PQ, PRIMARIES, Colours, between

WHITE, BRIGHTEST = 203.0, 1000.0
"""cd/m²: a page's white, and what the brightest pixel has where the file's further metadata say nothing."""

_STRIP = 1 << 16
"""Pixels that are worked on at a time: their light stays in the processor's cache."""

_BT2020 = PRIMARIES[9]
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
"""Of BT.2020's primaries."""

_KNEE, _PEAK = (1.0, 0.5), (BRIGHTEST / WHITE, 1.0)
_BEND = 0.65

_STEPS = 4095
"""Of the table that encodes light."""

Light = NDArray[np.float32]


def to_screen(image: Image.Image, colours: Colours, check: Callable[[], None]) -> Image.Image:
    """Turn a picture of mode RGB or RGBA in PQ or HLG into sRGB; `check` is called now and then."""
    made = Image.new("RGB", image.size)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        check()
        box = (0, top, image.width, min(top + rows, image.height))
        values = np.asarray(image.crop(box))[..., :3]
        made.paste(Image.fromarray(_shown(values, colours)), box[:2])
    if image.mode == "RGBA":
        made.putalpha(image.getchannel("A"))
    return made


def _shown(values: NDArray[np.uint8], colours: Colours) -> NDArray[np.uint8]:
    light = _light(colours.hdr)[values]
    if colours.primaries != _BT2020:
        light = light @ between(colours.primaries, _BT2020).T.astype(np.float32)
    if colours.hdr != PQ:  # HLG's system gamma at 1,000 cd/m²
        light *= np.maximum(light @ _LUMINANCE, 1e-9)[..., None] ** 0.2 * (BRIGHTEST / WHITE)
    most = light.max(axis=-1, keepdims=True)
    light *= _mapped(most) / np.maximum(most, 1e-9)
    screen = light @ between(_BT2020).T.astype(np.float32)
    steps = np.sqrt(np.clip(screen, 0, 1, out=screen), out=screen) * np.float32(_STEPS) + np.float32(0.5)
    shown: NDArray[np.uint8] = np.take(_encoding(), steps.astype(np.uint16))
    return shown


@lru_cache(maxsize=2)
def _light(curve: int) -> Light:
    """What each value of 8 bits is in light: PQ's in white of a page, HLG's still that of the scene, to 1."""
    values = np.arange(256) / 255
    if curve == PQ:
        power = values ** (32 / 2523)
        light = (np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)
        return (light * 10_000 / WHITE).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12).astype(np.float32)


def _mapped(most: Light) -> Light:
    """What becomes of the largest of a pixel's three; the others keep their proportion to it."""
    (x0, y0), (x2, y2) = _KNEE, _PEAK
    x1, y1 = (1 - _BEND) * x0 + _BEND * x0 * y2 / y0, (1 - _BEND) * y0 + _BEND * y2
    a, b = x0 - 2 * x1 + x2, 2 * (x1 - x0)
    at = (np.sqrt(np.maximum(b * b - 4 * a * (x0 - most), 0)) - b) / (2 * a)
    bent = (1 - at) ** 2 * y0 + 2 * at * (1 - at) * y1 + at**2 * y2
    return np.where(most <= x0, most * y0 / x0, np.where(most >= x2, y2, bent)).astype(np.float32)


@lru_cache(maxsize=1)
def _encoding() -> NDArray[np.uint8]:
    """Light, by the step of its square root, as sRGB encodes it."""
    light = (np.arange(_STEPS + 1) / _STEPS) ** 2
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    table: NDArray[np.uint8] = np.rint(255 * encoded).astype(np.uint8)
    return table
