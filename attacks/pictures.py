"""Pictures that are almost right: `python attacks/pictures.py`.

Small seeds of every form, changed and decoded, each in a process with a limit of memory. Each must become
pixels or be skipped with one line, in bounded time and memory. What is whole must keep its pixels.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mutations import mutate
from outcome import SEED, Outcome, tell
from PIL import Image
from sandbox import attack
from seeds import pixels, seeds

from diptych.images import Limits, UnreadablePicture, decode
from diptych.images.work import SLOW_SECONDS_PER_MEGAPIXEL

LIMITS = Limits(megapixels=16.0, seconds=1.0)
"""Low, so that more is tried in the time; what holds beneath them holds beneath others."""

MEGABYTES = 1500
SLACK = 2.0
"""Seconds for what decoders do between two looks at the clock."""

MOST_SECONDS = LIMITS.seconds + LIMITS.megapixels * SLOW_SECONDS_PER_MEGAPIXEL + SLACK
KEPT = Path(__file__).parents[1] / "build" / "attacks"


def picture(number: int) -> tuple[str, bytes]:
    """The form that a number's picture was made of, and its bytes; the first ones are whole."""
    forms = list(seeds())
    name = forms[number % len(forms)]
    if number < len(forms):
        return name, seeds()[name]
    return name, mutate(seeds()[name], random.Random(SEED + number), list(seeds().values()))


def attempt(number: int) -> str:
    """Decode one."""
    return decoded(picture(number)[1])


def decoded(data: bytes) -> str:
    """Decode a picture: a word for what came of it; raises where that is nothing that may come of one."""
    try:
        image = decode(data, LIMITS)
    except UnreadablePicture as error:
        reason = str(error)
        if not reason or "\n" in reason or "enough memory" in reason:
            raise ValueError(f"skipped with {reason!r}") from error
        return "skipped"
    if image.mode != "RGB" or image.width * image.height > LIMITS.megapixels * 1e6:
        raise ValueError(f"became {image.mode} of {image.size}")
    return "shown"


def keep(number: int) -> str:
    """Where a picture that got through is kept, to be looked at."""
    name, data = picture(number)
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{number}-{name}").write_bytes(data)
    return f"{name}, {len(data)} bytes, build/attacks/{number}-{name}"


LOSSLESS = {
    "PNG": {},
    "WEBP": {"lossless": True, "exact": True},
    "BMP": {},
    "TIFF": {},
    "JPEG2000": {"irreversible": False},
    "PPM": {},
}


def same_pixels() -> Outcome:
    """Pixels that went into a lossless file come out of it, whatever their number."""
    rng, through, count = np.random.default_rng(SEED), [], 0
    for width, height in [(1, 1), (1, 9), (7, 1), (2, 3), (16, 16), (17, 31), (64, 5), (129, 65)]:
        array = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        for form, options in LOSSLESS.items():
            buffer = io.BytesIO()
            Image.fromarray(array).save(buffer, form, **options)
            count += 1
            if not np.array_equal(np.asarray(decode(buffer.getvalue())), array):
                through.append(f"{form} of {width} x {height}")
    whole = np.asarray(pixels()).astype(int)
    for name in ("psd", "psd-runs", "ppm-text", "tiff-tiff_lzw", "tiff-packbits"):
        count += 1
        if not np.array_equal(np.asarray(decode(seeds()[name])), whole):
            through.append(name)
    tried = "pixels written without loss come out as they went in"
    return Outcome(part="Pixels", tried=tried, count=count, through=tuple(through))


def outcomes(seconds: float) -> Iterator[Outcome]:
    """Whole pictures, then changed ones for as long as there is time."""
    yield same_pixels()
    tally = attack("pictures", seconds, megabytes=MEGABYTES, longest=60.0)
    found = sorted((len(picture(number)[1]), number, why) for number, why in tally.through)
    yield Outcome(
        part="Pictures",
        tried=f"mutated pictures of {len(seeds())} forms: shown, or skipped with one line",
        count=tally.tried,
        through=tuple(f"{why}: {keep(number)}" for _, number, why in found),
        note=f"{tally.words['shown']:,} shown, {tally.words['skipped']:,} skipped",
    )
    yield Outcome(
        part="Work",
        tried="processor time of a mutated picture",
        count=tally.tried,
        worst=tally.seconds,
        most=MOST_SECONDS,
        unit="s",
        note=f"{picture(max(0, tally.slowest))[0]}; at most {LIMITS.megapixels:g} megapixels",
    )
    yield Outcome(
        part="Memory",
        tried="of a process that decodes mutated pictures",
        count=tally.tried,
        worst=tally.peak,
        most=MEGABYTES,
        unit="MB",
    )


if __name__ == "__main__":
    tell(outcomes)
