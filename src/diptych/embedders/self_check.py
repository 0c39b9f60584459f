"""Whether an embedder does what any embedder must, tried on a handful of pictures and texts.

A broken set-up (weights that were not loaded, a tokenizer of another model, an average over the wrong axis)
mostly gives the same scores to every query, and no error. These few calls tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from diptych.embedders.base import Embedder, EmbedderInfo, EmbedderUnavailable, TransientError, Vectors
from diptych.errors import hushed

TEXTS = ("red", "blue")
"""Two texts that even the simplest embedder tells apart."""

_SAME = 0.999
"""The least cosine between two vectors of one thing: half precision and other batches make that much."""

_APART = 0.01
"""How far, in parts of their length, vectors of different things must be apart."""

_BLIND = frozenset({"random"})
"""Providers that give every picture a direction of its own, on purpose."""


@dataclass(frozen=True)
class Trial:
    """One thing that was tried.

    Attributes:
        what: What must be so.
        passed: Whether it is.
        found: What was found, in words.
    """

    what: str
    passed: bool
    found: str


def common_dimension(label: str, of_pictures: Vectors, of_texts: Vectors) -> int:
    """The length of a model's vectors, the same for pictures and for texts.

    Args:
        label: The model, as a person is shown it.
        of_pictures: A vector of a picture, shape (1, dimension).
        of_texts: A text's, likewise.

    Raises:
        EmbedderUnavailable: The two lengths differ.
    """
    if of_pictures.shape != of_texts.shape:
        raise EmbedderUnavailable(
            f"{label} is not a model of pictures and texts in one space: its vectors have "
            f"{of_pictures.shape[-1]} numbers for pictures and {of_texts.shape[-1]} for texts"
        )
    return int(of_pictures.shape[-1])


def is_free(embedder: Embedder) -> bool:
    """Whether trying an embedder costs nothing: it has no price, and no service counts the calls."""
    info = embedder.info
    prices = (info.price_per_image, info.price_per_1k_characters, info.requests_per_minute)
    return info.price_known and all(price is None for price in prices)


def complaints(trials: Sequence[Trial]) -> list[str]:
    """What is wrong, in words; nothing where all is well."""
    return [trial.found for trial in trials if not trial.passed]


def try_out(embedder: Embedder) -> list[Trial]:
    """Try an embedder on three pictures and two texts, in about four calls.

    Args:
        embedder: The embedder; one of vectors made elsewhere sees no pictures and can't be tried.

    Returns:
        What was tried. A side that fails at what it is given is one failed trial.

    Raises:
        DiptychError: It can't be used here, or fails for now.
    """
    picture, other = _draw()
    images = [picture, other, ImageOps.mirror(picture)]

    def see(rows: Sequence[int]) -> Any:
        # A copy, for what `prepare_image` gets is its own.
        return embedder.embed_images([embedder.prepare_image(images[row].copy()) for row in rows])

    def read(rows: Sequence[int]) -> Any:
        return embedder.embed_texts([TEXTS[row] for row in rows])

    with hushed():
        seen, of_images = _try_side("picture", see, len(images), embedder.info)
        _, of_texts = _try_side("text", read, len(TEXTS), embedder.info)
    if seen is not None and embedder.info.provider not in _BLIND:
        of_images.append(_try_mirror(seen))
    return [*of_images, *of_texts]


def _try_side(
    thing: str, ask: Callable[[Sequence[int]], Any], count: int, info: EmbedderInfo
) -> tuple[Vectors | None, list[Trial]]:
    """Ask one side for all things, and for the first again; the vectors of length 1 where there are any."""
    size = info.batch_size
    try:
        found = [np.asarray(ask(range(count)[start : start + size])) for start in range(0, count, size)]
        vectors = np.concatenate([*found, np.asarray(ask([0]))]).astype(np.float32)
    except (EmbedderUnavailable, TransientError):
        raise
    except Exception as error:  # noqa: BLE001 (a plug-in may raise anything)
        reason = " ".join(str(error).split()) or type(error).__name__
        return None, [Trial(f"it takes a {thing}", passed=False, found=f"it fails at a {thing}: {reason}")]
    shape = (count + 1, info.dimension)
    fits = vectors.shape == shape and bool(np.isfinite(vectors).all())
    found_shape = (
        f"its {thing} vectors are finite and have {info.dimension} numbers"
        if fits
        else f"its {thing} vectors have the shape {vectors.shape} or numbers that are not finite, not {shape}"
    )
    trials = [Trial(f"{thing} vectors are finite, of the stated length", fits, found_shape)]
    if not fits:
        return None, trials
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return units, [*trials, _try_apart(thing, units), _try_again(thing, units)]


def _try_apart(thing: str, units: Vectors) -> Trial:
    apart = float(np.linalg.norm(units[0] - units[1]))
    cosine = float(units[0] @ units[1])
    return Trial(
        f"two different {thing}s have different vectors",
        apart > _APART,
        f"two different {thing}s have a cosine of {cosine:.4f}"
        if apart > _APART
        else f"it gives two different {thing}s the same vector, so that it can't tell any apart",
    )


def _try_again(thing: str, units: Vectors) -> Trial:
    cosine = float(units[0] @ units[-1])
    return Trial(
        f"the same {thing} has the same vector again",
        cosine > _SAME,
        f"the same {thing} asked again has a cosine of {cosine:.4f}"
        + ("" if cosine > _SAME else ": its vectors change from call to call or with their neighbours"),
    )


def _try_mirror(units: Vectors) -> Trial:
    mirrored, other = float(units[0] @ units[2]), float(units[0] @ units[1])
    return Trial(
        "a picture is nearer to its mirror image than to another picture",
        mirrored > other,
        f"a picture has a cosine of {mirrored:.4f} to its mirror image, of {other:.4f} to another picture"
        + ("" if mirrored > other else ": its vectors seem to say nothing of what is in a picture"),
    )


def _draw() -> tuple[Image.Image, Image.Image]:
    """A house in a meadow, and a chessboard with a moon: as different as two pictures can be."""
    house = Image.new("RGB", (320, 240), (120, 180, 235))
    draw = ImageDraw.Draw(house)
    draw.rectangle((0, 160, 320, 240), fill=(70, 150, 60))
    draw.rectangle((40, 90, 150, 190), fill=(180, 60, 50))
    draw.polygon([(30, 90), (95, 40), (160, 90)], fill=(90, 50, 40))
    draw.ellipse((240, 20, 290, 70), fill=(250, 220, 80))
    night = Image.new("RGB", (240, 320), (15, 15, 30))
    draw = ImageDraw.Draw(night)
    for row in range(4):
        for column in range(row % 2, 6, 2):
            left, top = 40 * column, 160 + 40 * row
            draw.rectangle((left, top, left + 39, top + 39), fill=(230, 230, 235))
    draw.ellipse((60, 20, 180, 140), fill=(200, 200, 210))
    return house, night
