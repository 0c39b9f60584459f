"""Scenes as data, and drawn: things on a background.

A scene is known by what is in it, and so is whether a model may train on it: see `part_of`.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from things import Thing, things

FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"  # of Debian's fonts-noto-color-emoji
STRIKE = 109  # the one size that the font's bitmaps have
BITMAPS = (24, 34, 48, 68, 96, 136)  # pixels; glyphs are shrunk to these once, the last being the font's own

COLOURS = {
    "white": (250, 250, 248),
    "black": (18, 18, 20),
    "grey": (140, 142, 145),
    "red": (206, 36, 40),
    "orange": (245, 140, 30),
    "yellow": (248, 220, 60),
    "green": (50, 150, 62),
    "light green": (168, 226, 150),
    "blue": (32, 84, 190),
    "light blue": (150, 205, 245),
    "purple": (118, 50, 150),
    "pink": (250, 165, 195),
    "brown": (120, 76, 42),
    "turquoise": (44, 180, 172),
}
TEXTURES = ("plain", "shaded", "striped", "dotted", "checked")
PLAIN = 0.5  # how many backgrounds are plain

Part = Literal["training", "scenes", "combinations"]


@dataclass(frozen=True)
class Spot:
    """Where one glyph stands: its centre and its height in parts of the picture, and its turn in degrees."""

    x: float
    y: float
    size: float
    turn: float


@dataclass(frozen=True)
class Group:
    """One thing, once or several times.

    Attributes:
        thing: What it is.
        spots: Where it stands; as many as there are of it.
        flipped: Whether it stands on its head.
    """

    thing: Thing
    spots: tuple[Spot, ...]
    flipped: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of its spots."""
        return (
            sum(spot.x for spot in self.spots) / len(self.spots),
            sum(spot.y for spot in self.spots) / len(self.spots),
        )


@dataclass(frozen=True)
class Scene:
    """Groups of things on a background.

    Attributes:
        groups: One to three, each of another thing.
        colour: A name in `COLOURS`.
        texture: One of `TEXTURES`.
        seed: Of the background's exact shade and pattern.
    """

    groups: tuple[Group, ...]
    colour: str
    texture: str
    seed: int

    @property
    def contents(self) -> str:
        """What is in it, whatever its places, sizes and shades."""
        groups = sorted(f"{len(group.spots)} {group.thing.glyph} {group.flipped}" for group in self.groups)
        return ", ".join([*groups, self.colour, self.texture])


def facts(scene: Scene) -> frozenset[str]:
    """All that a caption can claim of a scene: things by all their names and kinds, and the background."""
    found = {on(scene.colour), on(scene.texture)}
    for group in scene.groups:
        for name in (*group.thing.names, *group.thing.kinds):
            found |= {name, several(len(group.spots), name)}
            if group.flipped:
                found.add(upside_down(name))
    return frozenset(found)


def on(background: str) -> str:
    """The fact that the background has this colour or texture."""
    return f"on {background}"


def several(count: int, name: str) -> str:
    """The fact that there are so many of a thing."""
    return f"{count} × {name}"


def upside_down(name: str) -> str:
    """The fact that a thing stands on its head."""
    return f"{name} on its head"


def part_of(scene: Scene) -> Part:
    """What a scene is for, told from its contents alone.

    One in twelve pairs of a thing and an attribute (the background's colour, how many, on its head, the other
    thing beside it) is held out: scenes with such a pair are `combinations`. Of the rest one in twenty
    contents is held out: `scenes`. A model trains on all others, so it has seen neither.
    """
    if any(_chosen(pair, 12) for pair in _pairs(scene)):
        return "combinations"
    return "scenes" if _chosen(scene.contents, 20) else "training"


def _chosen(text: str, one_in: int) -> bool:
    return zlib.crc32(text.encode()) % one_in == 0


def _pairs(scene: Scene) -> Iterator[str]:
    for group in scene.groups:
        yield f"{group.thing.glyph} on {scene.colour}"
        if len(group.spots) > 1:
            yield f"{group.thing.glyph} times {len(group.spots)}"
        if group.flipped:
            yield f"{group.thing.glyph} on its head"
    for one, other in itertools.combinations(sorted(group.thing.glyph for group in scene.groups), 2):
        yield f"{one} beside {other}"


def random_scene(rng: np.random.Generator, parts: Sequence[Part]) -> Scene:
    """Make up a scene that is for one of `parts`."""
    while True:
        kinds = int(rng.choice(3, p=(0.4, 0.4, 0.2))) + 1
        chosen = [things()[i] for i in rng.choice(len(things()), kinds, replace=False)]
        counts = [int(rng.choice(3, p=(0.76, 0.15, 0.09))) + 1 if kinds < 3 else 1 for _ in chosen]
        scene = compose(rng, chosen, counts)
        if part_of(scene) in parts:
            return scene


def compose(
    rng: np.random.Generator,
    chosen: Sequence[Thing],
    counts: Sequence[int],
    colour: str | None = None,
    texture: str | None = None,
    *,
    may_flip: bool = True,
) -> Scene:
    """Place things on a background, which is a random one where it is not given."""
    spots = iter(_place(rng, sum(counts)))
    groups = tuple(
        Group(thing, tuple(itertools.islice(spots, count)), may_flip and bool(rng.random() < 0.05))
        for thing, count in zip(chosen, counts, strict=True)
    )
    texture = texture or ("plain" if rng.random() < PLAIN else str(rng.choice(TEXTURES[1:])))
    return Scene(groups, colour or str(rng.choice(list(COLOURS))), texture, int(rng.integers(2**31)))


def _place(rng: np.random.Generator, count: int) -> list[Spot]:
    """Find places that overlap little; the more glyphs, the smaller they are."""
    low, high = {1: (0.40, 0.88), 2: (0.34, 0.52), 3: (0.28, 0.42)}.get(count, (0.24, 0.36))
    spots: list[Spot] = []
    for _ in range(count):
        size = rng.uniform(low, high)
        best, room = (0.5, 0.5), -math.inf
        for _ in range(12):
            x, y = rng.uniform(size / 2, 1 - size / 2, 2)
            nearest = min((math.hypot(x - s.x, y - s.y) - (size + s.size) / 2 for s in spots), default=1.0)
            if nearest > room:
                best, room = (float(x), float(y)), nearest
            if room > -0.02:
                break
        spots.append(Spot(*best, float(size), float(rng.normal(0, 9))))
    return spots


@cache
def _bitmap(glyph: str, size: int) -> Image.Image:
    """A glyph in a transparent square of `size` pixels, one of `BITMAPS`."""
    largest = BITMAPS[-1]
    if size < largest:
        return _bitmap(glyph, largest).resize((size, size), Image.Resampling.BOX)
    image = Image.new("RGBA", (largest, largest))
    ImageDraw.Draw(image).text(
        (largest / 2, largest / 2),
        glyph,
        font=ImageFont.truetype(FONT, STRIKE),
        anchor="mm",
        embedded_color=True,
    )
    return image


def _turned(glyph: str, size: int, degrees: float) -> Image.Image:
    """A glyph scaled and turned, in a transparent square of `size` pixels."""
    bitmap = _bitmap(glyph, next((known for known in BITMAPS if known >= size), BITMAPS[-1]))
    scale = bitmap.width / size
    cos, sin = (scale * part for part in (math.cos(math.radians(degrees)), math.sin(math.radians(degrees))))
    middle = bitmap.width / 2
    shift_x, shift_y = middle - (cos - sin) * size / 2, middle - (sin + cos) * size / 2
    return bitmap.transform(
        (size, size),
        Image.Transform.AFFINE,
        (cos, -sin, shift_x, sin, cos, shift_y),
        Image.Resampling.BICUBIC,
    )


def draw(scene: Scene, side: int) -> Image.Image:
    """Draw a scene as a square RGB picture."""
    image = Image.fromarray(_background(scene, side))
    for group in scene.groups:
        for spot in group.spots:
            size = max(4, round(spot.size * side))
            glyph = _turned(group.thing.glyph, size, spot.turn + 180 * group.flipped)
            image.paste(glyph, (round(spot.x * side - size / 2), round(spot.y * side - size / 2)), glyph)
    return image


def _background(scene: Scene, side: int) -> NDArray[np.uint8]:
    """Two shades of the colour, mixed by a pattern."""
    rng = np.random.default_rng(scene.seed)
    base = np.array(COLOURS[scene.colour], np.float32) + rng.normal(0, 7, 3).astype(np.float32)
    contrast = 30 + 25 * rng.random()
    other = base + (contrast if base.mean() < 128 else -contrast)
    pattern = _pattern(scene.texture, side, rng)[..., None]
    return np.clip(base + (other - base) * pattern, 0, 255).astype(np.uint8)


def _pattern(texture: str, side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How much of the second shade each pixel has, 0 to 1; shape (side, side)."""
    if texture == "plain":
        return np.zeros((side, side), np.float32)
    angle, repeats = rng.uniform(0, 2 * np.pi), rng.uniform(4, 7)
    x = np.linspace(0, 1, side, dtype=np.float32)
    y = x[:, None]
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    if texture == "shaded":
        return (along - along.min()) / np.ptp(along)
    edge = side / repeats / 2  # so that edges are as sharp as the pixels allow
    waves = np.sin(2 * np.pi * repeats * along)
    if texture == "checked":
        waves = waves * np.sin(2 * np.pi * repeats * across)
    elif texture == "dotted":
        waves = waves + np.sin(2 * np.pi * repeats * across) - 1.0
    return np.clip(0.5 + waves * edge / np.pi, 0, 1)
