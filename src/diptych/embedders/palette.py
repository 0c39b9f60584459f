"""The `palette` provider: colour words against the colours of a picture, with no training.

It is a floor: a model that can't find "a red bus" better than this has learned nothing about buses.
Pictures and texts become distributions over the same 155 colours, which are spread over the lightness, chroma
and hue of Oklab (B. Ottosson, "A perceptual color space for image processing", 2020,
bottosson.github.io/posts/oklab). A vector holds the square roots of such a distribution. So every vector has
length 1, and the cosine of two is their Bhattacharyya coefficient: 1 for the same colours in the same
amounts, 0 where no colour is shared.

What a colour word means is taken from people: the regions of the eleven basic colour terms (B. Berlin and
P. Kay, 1969) and the effect of "dark", "pale" and the like follow the names that 200,000 people gave to
colours in the xkcd colour survey (R. Munroe, 2010, public domain); all further names are those of CSS.
"""

from __future__ import annotations

import itertools
import re
import textwrap
import warnings
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from diptych.embedders.base import EmbedderInfo, EmbedderUnavailable, Vectors
from diptych.embedders.cards import ModelCard, ProviderCard
from diptych.embedders.registry import reject_unknown_options
from diptych.errors import DiptychWarning

Floats = NDArray[np.float64]

CARD = ProviderCard(
    about="Colour words against the colours of a picture: the baseline that a real model must beat",
    spec="palette",
    licence="Apache-2.0",
    models=(
        ModelCard(
            spec="palette", dimension=155, sees="its colours, whole", licence="Apache-2.0", speed="fast"
        ),
    ),
)

REVISION = 1  # raise it whenever a vector changes: stored vectors are found by it

LIGHTNESSES = np.linspace(0.0, 1.0, 5)
CHROMAS = np.array([0.0, 0.06, 0.16])  # grey, muted, vivid
HUES = np.arange(
    6.0, 367.0, 24.0
)  # degrees, the last being the first again; focal red and orange are among them
DIMENSION = len(LIGHTNESSES) * (1 + (len(CHROMAS) - 1) * (len(HUES) - 1))

SIDE = 96  # pictures are shrunk until their longer side is below twice this
SAMPLES = 7  # points on each side of a colour region; all round the circle of hues where it has no hue
FADE = 0.7  # how much less a colour at the edge of a region counts than one in its middle

_BYTES = np.arange(256) / 255
_LINEAR = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4)
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


class Region(NamedTuple):
    """A box of colours in Oklab: each range is lowest and highest; hue is in degrees and may pass below 0."""

    lightness: tuple[float, float]
    chroma: tuple[float, float]
    hue: tuple[float, float] = (0.0, 360.0)

    def shifted(self, shift: Shift) -> Region:
        """Return where the region is after a modifier such as "dark"."""
        low, high = (1 - (1 - value * shift.lightness) * shift.to_white for value in self.lightness)
        return Region((low, high), (self.chroma[0] * shift.chroma, self.chroma[1] * shift.chroma), self.hue)


class Shift(NamedTuple):
    """What a modifier does to a colour: factors on lightness, on the distance to white, and on chroma."""

    lightness: float = 1.0
    to_white: float = 1.0
    chroma: float = 1.0


Meaning = tuple[Region, ...]
"""What one colour word stands for: colours of all these regions in equal parts."""

BASIC: dict[str, Meaning] = {
    "black": (Region((0.0, 0.26), (0.0, 0.03)),),
    "grey": (Region((0.38, 0.84), (0.0, 0.02)),),
    "white": (Region((0.92, 1.0), (0.0, 0.03)),),
    "red": (Region((0.38, 0.66), (0.13, 0.26), (12, 36)),),
    "orange": (Region((0.60, 0.80), (0.12, 0.20), (42, 72)),),
    "yellow": (Region((0.78, 0.98), (0.11, 0.22), (88, 116)),),
    "green": (Region((0.38, 0.88), (0.07, 0.24), (122, 158)),),
    "blue": (Region((0.25, 0.62), (0.08, 0.30), (240, 274)), Region((0.60, 0.88), (0.06, 0.15), (232, 262))),
    "purple": (Region((0.28, 0.68), (0.08, 0.28), (292, 332)),),
    "pink": (Region((0.64, 0.90), (0.06, 0.24), (-20, 15)),),
    "brown": (Region((0.28, 0.58), (0.04, 0.12), (40, 85)),),
}
"""The eleven basic colour terms, each where people use the word."""

MODIFIERS = {
    "dark": Shift(lightness=0.66, chroma=0.80),
    "deep": Shift(lightness=0.60, chroma=0.85),
    "light": Shift(to_white=0.45, chroma=0.90),
    "pale": Shift(to_white=0.44, chroma=0.68),
    "pastel": Shift(to_white=0.60, chroma=0.70),
    "bright": Shift(to_white=0.80, chroma=1.30),
    "vivid": Shift(chroma=1.27),
    "dull": Shift(chroma=0.65),
    "dusty": Shift(chroma=0.55),
    "muted": Shift(chroma=0.50),
    "medium": Shift(),
}
"""Words before a colour, set so that the survey's "dark teal", "pale green" and others are found best."""

ALONE = {
    "dark": Region((0.0, 0.42), (0.0, 0.10)),
    "bright": Region((0.74, 1.0), (0.0, 0.20)),
    "light": Region((0.78, 1.0), (0.0, 0.12)),
    "pale": Region((0.80, 0.98), (0.0, 0.08)),
    "pastel": Region((0.78, 0.96), (0.03, 0.10)),
    "vivid": Region((0.40, 0.95), (0.15, 0.30)),
    "dull": Region((0.35, 0.75), (0.0, 0.05)),
    "muted": Region((0.35, 0.80), (0.0, 0.07)),
}
"""Brightness words that stand by no colour."""

MONOCHROME = (*BASIC["black"], *BASIC["white"], Region((0.0, 1.0), (0.0, 0.02)))
"""A black-and-white picture: every grey, the ends most of all."""

EVERYDAY = {
    "amber": "#feb308",
    "azure": "#069af3",
    "burgundy": "#610023",
    "charcoal": "#343837",
    "chocolate": "#3d1c02",
    "cream": "#ffffc2",
    "emerald": "#01a049",
    "forestgreen": "#06470c",
    "golden": "#f5bf03",
    "lavender": "#c79fef",
    "lilac": "#cea2fd",
    "magenta": "#c20078",
    "mauve": "#ae7181",
    "mustard": "#ceb301",
    "navy": "#01153e",
    "ochre": "#bf9005",
    "peach": "#ffb07c",
    "plum": "#580f41",
    "powderblue": "#b1d1fc",
    "rust": "#a83c09",
    "scarlet": "#be0119",
    "skyblue": "#75bbfd",
    "slateblue": "#5b7c99",
    "violet": "#9a0eea",
}
"""Names from the survey that CSS lacks, or gives to another colour than people do."""

NOT_COLOURS = ("peru",)  # CSS names a brown after the country


class Palette:
    """The embedder; it has no model, no options and no settings."""

    only_looks = True
    zero_texts = True  # of those without a word for a colour

    def __init__(self) -> None:
        self.info = EmbedderInfo(
            name="palette",
            provider="palette",
            model=f"palette (revision {REVISION})",
            dimension=DIMENSION,
            preprocessing=f"whole picture shrunk to under {2 * SIDE} pixels; only how much of each colour",
            fingerprint=f"palette/{REVISION}",
            batch_size=256,
            licence="Apache-2.0",
            floor=True,
        )

    def prepare_image(self, image: Image.Image) -> NDArray[np.float32]:
        """Return the picture's vector, shape (`DIMENSION`,): all the work is done here, in worker threads."""
        small = image.reduce(max(1, max(image.size) // SIDE))
        colours = to_oklch(np.asarray(small, dtype=np.uint8).reshape(-1, 3))
        return np.sqrt(soft_histogram(colours)).astype(np.float32)

    def embed_images(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """Return the prepared vectors as rows of length 1, shape (n, `DIMENSION`)."""
        return np.stack(prepared) if prepared else np.zeros((0, DIMENSION), np.float32)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed the colour and brightness words of each text; all the words of a text count alike.

        Returns:
            Shape (m, `DIMENSION`): rows of length 1, or of zeros for a text without such a word. Then every
            picture scores 0, and one `DiptychWarning` says so for the whole call.
        """
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        unknown = []
        for row, text in enumerate(texts):
            named = colours_named(text)
            if named:
                vectors[row] = np.sqrt(np.mean([_distribution(meaning) for meaning in named], axis=0))
            else:
                unknown.append(text)
        if unknown:
            first = textwrap.shorten(unknown[0], 60, placeholder="…")
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            warnings.warn(
                f"palette knows English colour words only and finds none in {first!r}{more}:"
                " every picture scores 0",
                DiptychWarning,
                stacklevel=2,
            )
        return vectors


def load(model: str, **options: str) -> Palette:
    """Make the `palette` embedder.

    Args:
        model: Must be empty: there is one palette.
        **options: None are known.

    Raises:
        EmbedderUnavailable: A model or an option was given.
    """
    if model:
        raise EmbedderUnavailable(f"palette has no models to choose from: write palette, not palette:{model}")
    reject_unknown_options("palette", options)
    return Palette()


def colours_named(text: str) -> list[Meaning]:
    """Find the colour and brightness words of an English text, in their order.

    Names of several words are found in any spelling ("sky blue", "sky-blue", "SkyBlue"), and so are plurals,
    words in -ish and American spellings. A modifier belongs to the colour that follows it; standing alone it
    means the brightness of the picture, except that "light" beside a colour is taken for a lamp.
    """
    words = re.findall("[a-z]+", text.lower().replace("&", " and ").replace("gray", "grey"))
    named: list[Meaning] = []
    alone: list[str] = []
    shifts: list[str] = []
    at = 0
    while at < len(words):
        meaning, length = _longest_name(words[at : at + 4])
        if meaning:
            named.append(_shifted(meaning, shifts))
            shifts = []
        elif words[at] in MODIFIERS:
            shifts.append(words[at])
        else:
            alone += shifts
            shifts = []
        at += length
    alone += shifts
    lamps = {"light"} if named else set()
    return named + [(ALONE[word],) for word in alone if word in ALONE and word not in lamps]


def to_oklch(pixels: NDArray[np.uint8]) -> Floats:
    """Convert sRGB, shape (n, 3), to Oklab's lightness (0 to 1), chroma (0 and up) and hue (degrees)."""
    lab = np.cbrt(_LINEAR[pixels] @ _TO_CONES.T) @ _TO_OKLAB.T
    lightness, a, b = lab.T
    return np.stack([lightness, np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360], axis=1)


def soft_histogram(colours: Floats, weights: Floats | None = None) -> Floats:
    """Spread colours over the fixed ones, each over its neighbours by its distance to them along every axis.

    Args:
        colours: Lightness, chroma and hue, shape (n, 3), n > 0.
        weights: How much each counts, shape (n,); all alike where None.

    Returns:
        Shape (`DIMENSION`,), not negative, sum 1.
    """
    lightness, chroma, hue = colours.T
    hues = len(HUES) - 1
    total: Floats = np.zeros(DIMENSION)
    for (i, in_i), (j, in_j), (k, in_k) in itertools.product(
        _neighbours(lightness, LIGHTNESSES),
        _neighbours(chroma, CHROMAS),
        _neighbours((hue - HUES[0]) % 360 + HUES[0], HUES),
    ):
        share = in_i * in_j * in_k * (1.0 if weights is None else weights)
        place = i * (DIMENSION // len(LIGHTNESSES)) + np.where(j == 0, 0, 1 + (j - 1) * hues + k % hues)
        total += np.bincount(place, share, DIMENSION)
    total /= total.sum()
    return total


def _neighbours(values: Floats, levels: Floats) -> list[tuple[NDArray[np.intp], Floats]]:
    """The two levels beside each value, as (index, share); a value beyond the last level belongs to it."""
    below = np.clip(np.searchsorted(levels, values, side="right") - 1, 0, len(levels) - 2)
    upper = np.clip((values - levels[below]) / (levels[below + 1] - levels[below]), 0.0, 1.0)
    return [(below, 1 - upper), (below + 1, upper)]


@cache
def _distribution(meaning: Meaning) -> Floats:
    """What a picture painted in these regions' colours would have for its distribution."""
    histograms = np.stack([soft_histogram(*_colours_of(region)) for region in meaning])
    return np.asarray(histograms.mean(axis=0))


def _colours_of(region: Region) -> tuple[Floats, Floats]:
    """Colours of a region that a screen can show, shape (n, 3), and their weights, shape (n,)."""
    all_round = region.hue[1] - region.hue[0] >= 360
    steps = np.linspace(-1, 1, SAMPLES)
    circle = np.linspace(-1, 1, 3 * len(HUES))[:-1] if all_round else steps
    offsets = np.stack(np.meshgrid(steps, steps, circle, indexing="ij"), axis=-1).reshape(-1, 3)
    low, high = np.array(region).T
    colours = (low + high) / 2 + offsets * (high - low) / 2
    fades = FADE * np.abs(offsets) * [1, 1, not all_round]
    shown = _in_gamut(colours)
    if not shown.any():  # a modifier can push a whole region beyond what a screen shows, as in "vivid white"
        shown[:] = True
    return colours[shown], np.prod(1 - fades, axis=1)[shown]


def _in_gamut(colours: Floats) -> NDArray[np.bool_]:
    """Which colours of Oklab, as lightness, chroma and hue, sRGB can show."""
    lightness, chroma, hue = colours.T
    lab = np.stack([lightness, chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))], axis=1)
    rgb = (lab @ np.linalg.inv(_TO_OKLAB).T) ** 3 @ np.linalg.inv(_TO_CONES).T
    return np.asarray(np.all((rgb > -0.02) & (rgb < 1.02), axis=1))


def _longest_name(words: list[str]) -> tuple[Meaning | None, int]:
    """What the longest colour name at the start of `words` means, and its length in words, at least 1."""
    for length in range(len(words), 0, -1):
        meaning = _vocabulary().get("".join(words[:length]))
        if meaning:
            return meaning, length
    stem = words[0].removesuffix("ish")
    derived = (stem, stem + "e", stem[:-1]) if stem != words[0] else (words[0].removesuffix("s"),)
    return next((_vocabulary()[form] for form in derived if form in _vocabulary()), None), 1


def _shifted(meaning: Meaning, shifts: Sequence[str]) -> Meaning:
    for word in shifts:
        meaning = tuple(region.shifted(MODIFIERS[word]) for region in meaning)
    return meaning


@cache
def _vocabulary() -> dict[str, Meaning]:
    """All colour names, written together, in lower case and with British "grey"."""
    colours = {name: name for name in ImageColor.colormap} | EVERYDAY
    names: dict[str, Meaning] = {
        name.replace("gray", "grey"): (_around(ImageColor.getrgb(colour)),)
        for name, colour in colours.items()
        if name not in NOT_COLOURS
    }
    for term, meaning in BASIC.items():
        names[term] = meaning
        names |= {modifier + term: _shifted(meaning, [modifier]) for modifier in MODIFIERS}
    names |= dict.fromkeys(("blackandwhite", "bandw", "monochrome", "greyscale"), MONOCHROME)
    names |= dict.fromkeys(("colourful", "colorful", "vibrant"), (ALONE["vivid"],))
    return names


def _around(rgb: tuple[int, ...]) -> Region:
    """The close neighbourhood of one sRGB colour."""
    lightness, chroma, hue = (float(value) for value in to_oklch(np.array([rgb], dtype=np.uint8))[0])
    near = (max(lightness - 0.06, 0.0), min(lightness + 0.06, 1.0))
    if chroma < 0.02:
        return Region(near, (0.0, 0.02))
    return Region(near, (chroma - 0.02, chroma + 0.02), (hue - 8, hue + 8))
