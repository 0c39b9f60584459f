"""Pictures in a terminal that can show some: the protocols of kitty and of iTerm2, and sixels.

The protocols are written out here. Of the libraries there are, textual-image (0.14) needs Python 3.12, asks
the terminal while it is imported and lacks iTerm2's; term-image (0.7) keeps Pillow below 11 and lacks sixels.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from PIL import Image

Protocol = Literal["kitty", "iterm2", "sixel"]

_DENSEST = 32
"""Pixels of a line on a dense screen: what is sent need not be larger."""

_CHUNK = 4096
_COLOURS = 256
_OPAQUE = 128


@dataclass(frozen=True)
class Screen:
    """How a terminal shows pictures.

    Attributes:
        protocol: What it understands.
        cell: The width and height of a character in pixels.
    """

    protocol: Protocol
    cell: tuple[int, int] = (10, 20)


def inline_picture(image: Image.Image, screen: Screen, columns: int, lines: int) -> str:
    """What to write to the terminal so that it shows a picture, whole, as large as a box of cells allows.

    Small pictures are enlarged: they are to be judged. A line break follows the picture.
    """
    cell = screen.cell[0] / screen.cell[1]  # a cell's width over its height
    scale = min(columns * cell / image.width, lines / image.height)
    wide, high = max(1, int(image.width * scale / cell)), max(1, int(image.height * scale))
    if screen.protocol == "sixel":
        dots = scale * screen.cell[1]
        size = (max(1, round(image.width * dots)), max(1, round(image.height * dots)))
        return _sixel(image.resize(size)) + "\n"
    small = image.copy()
    small.thumbnail((round(columns * _DENSEST * cell), lines * _DENSEST))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    if screen.protocol == "iterm2":
        box = f"size={len(buffer.getvalue())};width={wide};height={high};preserveAspectRatio=1"
        return f"\x1b]1337;File=inline=1;{box}:{data}\a\n"
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    keys = [f"a=T,f=100,q=2,c={wide},r={high},", *[""] * (len(chunks) - 1)]
    more = [1] * (len(chunks) - 1) + [0]
    return "".join(f"\x1b_G{k}m={m};{c}\x1b\\" for k, m, c in zip(keys, more, chunks, strict=True)) + "\n"


def _sixel(image: Image.Image) -> str:
    """A picture as DEC's sixels: in bands of six rows, colour by colour; nothing where it is transparent."""
    opaque = np.asarray(image.convert("RGBA"))[:, :, 3] >= _OPAQUE
    paletted = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
    colours = np.asarray(paletted.getpalette(), dtype=int).reshape(-1, 3)
    pixels = np.where(opaque, np.asarray(paletted, dtype=int), -1)
    palette = "".join(
        f"#{number};2;{red};{green};{blue}"
        for number, (red, green, blue) in enumerate((colours * 100 + 127) // 255)
    )
    bands = "-".join("$".join(_band(pixels[top : top + 6])) for top in range(0, len(pixels), 6))
    return f'\x1bP0;1;0q"1;1;{image.width};{image.height}{palette}{bands}\x1b\\'


def _band(rows: np.ndarray[tuple[int, ...], np.dtype[np.int_]]) -> Iterator[str]:
    """Six rows of colour numbers, one string per colour: a character is a column of six pixels."""
    weights = 1 << np.arange(len(rows))
    for colour in np.unique(rows):
        if colour >= 0:
            columns = (rows == colour).T @ weights + 63
            yield f"#{colour}" + "".join(_repeated(chr(c), len(list(same))) for c, same in groupby(columns))


def _repeated(character: str, times: int) -> str:
    return f"!{times}{character}" if times > 3 else character * times
