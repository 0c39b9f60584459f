"""Draw a small collection of landscapes, one folder a kind, to try Diptych on: `draw_pictures.py FOLDER`.

The same pictures every time, drawn by code, free of anybody's rights.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = (480, 360)
EACH = 8

Colour = tuple[int, int, int]


def sky(rng: np.random.Generator, top: Colour, bottom: Colour) -> Image.Image:
    """A vertical gradient with a little unevenness."""
    ramp = np.linspace(0, 1, SIZE[1])[:, None, None] ** rng.uniform(0.7, 1.4)
    pixels = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
    pixels = pixels + rng.normal(0, 3, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def hills(
    rng: np.random.Generator, image: Image.Image, height: float, colour: Colour, roughness: float
) -> None:
    """A ridge across the picture, everything under it in one colour."""
    x = np.arange(SIZE[0])
    ridge = sum(np.sin(x / SIZE[0] * 6.3 * f + rng.uniform(0, 6.3)) / f for f in (1, 2, 3, 5, 8)) * roughness
    points = [(0, SIZE[1]), *zip(x.tolist(), (SIZE[1] * height - ridge).tolist(), strict=True), SIZE]
    ImageDraw.Draw(image).polygon(points, fill=colour)


def disc(rng: np.random.Generator, image: Image.Image, colour: Colour, radius: int) -> None:
    """A sun or a moon, anywhere in the upper part."""
    x, y = rng.integers(60, SIZE[0] - 60), rng.integers(40, SIZE[1] // 2)
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def dots(
    rng: np.random.Generator, image: Image.Image, colour: Colour, count: int, radius: int, top: float
) -> None:
    """Stars, flowers or flakes below `top`."""
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = rng.integers(0, SIZE[0]), rng.integers(int(SIZE[1] * top), SIZE[1])
        size = rng.integers(1, radius + 1)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)


def sunset(rng: np.random.Generator) -> Image.Image:
    """A low sun over dark hills."""
    image = sky(rng, (250, 150, 40), (225, 70, 40))
    disc(rng, image, (255, 225, 120), int(rng.integers(22, 44)))
    hills(rng, image, rng.uniform(0.72, 0.9), (70, 30, 40), 14)
    return image


def forest(rng: np.random.Generator) -> Image.Image:
    """Ridges of trees, the near ones darker."""
    image = sky(rng, (190, 215, 225), (120, 190, 120))
    for step in range(4):
        shade = rng.integers(0, 25)
        hills(rng, image, 0.35 + 0.15 * step, (30, int(135 - 15 * step + shade), 45), 16)
    return image


def sea(rng: np.random.Generator) -> Image.Image:
    """Water to the horizon, a few crests."""
    image = sky(rng, (120, 180, 235), (200, 225, 245))
    horizon = rng.uniform(0.4, 0.6)
    hills(rng, image, horizon, (20, 85, 165), 0.6)
    dots(rng, image, (120, 170, 220), 160, 2, horizon + 0.02)
    return image


def night(rng: np.random.Generator) -> Image.Image:
    """Stars over black hills."""
    image = sky(rng, (6, 8, 26), (22, 24, 60))
    dots(rng, image, (235, 235, 220), 90, 1, 0)
    hills(rng, image, rng.uniform(0.75, 0.9), (2, 3, 8), 20)
    return image


def snow(rng: np.random.Generator) -> Image.Image:
    """Snowfields under a blue sky."""
    image = sky(rng, (140, 190, 235), (215, 232, 245))
    hills(rng, image, rng.uniform(0.4, 0.5), (205, 215, 228), 34)
    hills(rng, image, rng.uniform(0.62, 0.75), (246, 249, 252), 16)
    return image


def poppies(rng: np.random.Generator) -> Image.Image:
    """A meadow with red flowers."""
    image = sky(rng, (150, 195, 235), (220, 232, 235))
    top = rng.uniform(0.35, 0.5)
    hills(rng, image, top, (165, 160, 80), 8)
    dots(rng, image, (210, 25, 30), 420, 6, top + 0.04)
    return image


def main(folder: Path) -> None:
    """Draw every kind into its folder."""
    for seed, kind in enumerate((sunset, forest, sea, night, snow, poppies)):
        (folder / kind.__name__).mkdir(parents=True, exist_ok=True)
        for number in range(1, EACH + 1):
            image = kind(np.random.default_rng((seed, number))).filter(ImageFilter.GaussianBlur(0.8))
            image.save(folder / kind.__name__ / f"{kind.__name__}-{number}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
