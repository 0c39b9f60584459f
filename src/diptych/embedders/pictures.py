"""Preparing pictures as the settings beside a model say: resized, cropped, normalised.

They come out as transformers' Pillow processors make them, to the bit, and sooner: a camera's picture is
scaled down before anything else is done with it, not copied at its full size first.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders.base import EmbedderUnavailable, InputRejected

LARGEST_RESIZED = 100_000_000
"""Pixels; a picture so thin that scaling its short side up would pass this is refused, not resized."""

_COMMON = {
    "do_resize": True,
    "resample": 3,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
}
_CLIP = {
    **_COMMON,
    "size": {"shortest_edge": 224},
    "do_center_crop": True,
    "crop_size": 224,
    "image_mean": (0.48145466, 0.4578275, 0.40821073),
    "image_std": (0.26862954, 0.26130258, 0.27577711),
}
_OTHERS = {**_COMMON, "size": 224, "image_mean": (0.5, 0.5, 0.5), "image_std": (0.5, 0.5, 0.5)}


@dataclass(frozen=True)
class PictureRules:
    """How pictures are prepared.

    Attributes:
        shortest_side: Pixels that the shortest side is scaled to; None where the whole is squashed.
        squashed_to: Height and width that the whole is squashed to, or None.
        resample: Pillow's number of the filter.
        crop: Height and width of what is cut out of the centre, or None for the whole.
        factor: What pixels are multiplied by.
        mean: Taken from each channel then.
        std: Each channel is divided by it then.
        assumed: Whether the model came without settings, so that these are OpenAI CLIP's.
    """

    shortest_side: int | None
    squashed_to: tuple[int, int] | None
    resample: int
    crop: tuple[int, int] | None
    factor: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    assumed: bool = False

    @classmethod
    def of(
        cls, preprocessor: Mapping[str, Any], preprocess_cfg: Mapping[str, Any], side: int | None
    ) -> PictureRules:
        """Read the rules off a model's settings.

        Args:
            preprocessor: Hugging Face's, or empty.
            preprocess_cfg: open_clip's, or empty.
            side: Height and width that the model takes, where it tells; for a model without settings.

        Raises:
            EmbedderUnavailable: The settings ask for what is not done here, or make no sense.
        """
        assumed = not preprocessor and not preprocess_cfg
        try:
            if preprocess_cfg and not preprocessor:
                preprocessor = _in_hugging_face_s_words(preprocess_cfg)
            elif assumed and side:
                preprocessor = {"size": side, "crop_size": side}
            return cls._parse(preprocessor, assumed=assumed)
        except (KeyError, TypeError, ValueError) as error:
            raise EmbedderUnavailable(
                f"the model's settings for pictures can't be followed ({error}): "
                "take it with sentence-transformers"
            ) from error

    @classmethod
    def _parse(cls, settings: Mapping[str, Any], *, assumed: bool) -> PictureRules:
        kind = settings.get("image_processor_type") or settings.get("feature_extractor_type") or "CLIP"
        is_clip = "clip" in kind.lower()
        settings = {**(_CLIP if is_clip else _OTHERS), **settings}
        if settings.get("do_pad"):
            raise ValueError("do_pad")
        size = settings["size"]
        shortest_side = size if is_clip and isinstance(size, int) else None
        if isinstance(size, Mapping):
            if set(size) not in ({"shortest_edge"}, {"height", "width"}):
                raise ValueError(f"size {size}")
            shortest_side = size.get("shortest_edge")
        resized = bool(settings["do_resize"])
        cropped = bool(settings.get("do_center_crop"))
        if not cropped and (shortest_side or not resized):
            raise ValueError("they make pictures of many sizes")
        normalised = bool(settings["do_normalize"])
        return cls(
            shortest_side=shortest_side if resized else None,
            squashed_to=_height_and_width(size) if resized and not shortest_side else None,
            resample=int(settings["resample"]),
            crop=_height_and_width(settings["crop_size"]) if cropped else None,
            factor=float(settings["rescale_factor"]) if settings["do_rescale"] else 1.0,
            mean=_three(settings["image_mean"]) if normalised else (0.0,) * 3,
            std=_three(settings["image_std"]) if normalised else (1.0,) * 3,
            assumed=assumed,
        )

    @property
    def side(self) -> int:
        """What a picture's shortest side becomes; of one that is squashed, the longer side."""
        return self.shortest_side or max(self.squashed_to or self.crop or (1,))

    def describe(self) -> str:
        """One line: "shortest side 224, bicubic, centre crop 224×224 (Pillow)"."""
        steps = []
        if self.shortest_side:
            steps.append(f"shortest side {self.shortest_side}")
        if self.squashed_to:
            steps.append(f"squashed to {self.squashed_to[1]}×{self.squashed_to[0]}")
        if steps:
            steps.append(Image.Resampling(self.resample).name.lower())
        if self.crop:
            steps.append(f"centre crop {self.crop[1]}×{self.crop[0]}")
        note = "; no settings beside the model, so OpenAI CLIP's" if self.assumed else ""
        return f"{', '.join(steps)} (Pillow){note}"


def _in_hugging_face_s_words(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Translate open_clip's settings."""
    height, width = _height_and_width(cfg["size"])
    size = {"height": height, "width": width}
    mode = cfg.get("resize_mode", "shortest")
    if mode not in {"shortest", "squash"} or (mode == "shortest" and height != width):
        raise ValueError(f"resize_mode {mode} to {width}×{height}")
    return {
        "size": {"shortest_edge": height} if mode == "shortest" else size,
        "do_center_crop": mode == "shortest",
        "crop_size": size,
        "resample": Image.Resampling[cfg.get("interpolation", "bicubic").upper()].value,
        "image_mean": cfg.get("mean", _CLIP["image_mean"]),
        "image_std": cfg.get("std", _CLIP["image_std"]),
    }


def _height_and_width(size: Any) -> tuple[int, int]:
    if isinstance(size, Mapping):
        return int(size["height"]), int(size["width"])
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _three(values: Any) -> tuple[float, ...]:
    return (float(values),) * 3 if isinstance(values, int | float) else tuple(map(float, values))


_Made = dict[tuple[int, PictureRules], tuple[Image.Image, NDArray[np.float32]]]


class _MadeHere(threading.local):
    made: _Made | None = None


_in_thread = _MadeHere()


@contextmanager
def sharing(made: _Made) -> Iterator[None]:
    """A block in which this thread prepares pictures that nobody changes: by the same rules each one once.

    Args:
        made: What was made so far; empty at first.
    """
    _in_thread.made = made
    try:
        yield
    finally:
        _in_thread.made = None


class PictureProcessor:
    """Turns pictures into a model's input.

    Args:
        rules: How.
    """

    def __init__(self, rules: PictureRules) -> None:
        self.rules = rules
        # A channel has 256 values, so the arithmetic is done once for each, in the precisions that
        # transformers goes through: a product of float64, then float32.
        levels = (np.arange(256, dtype=np.float64) * rules.factor).astype(np.float32)
        mean, std = (np.array(values, np.float32)[:, None] for values in (rules.mean, rules.std))
        self._values: NDArray[np.float32] = (levels - mean) / std

    def __call__(self, image: Image.Image) -> NDArray[np.float32]:
        """Prepare one upright RGB picture; shape (3, height, width), not to be changed."""
        made = _in_thread.made
        if made is None:
            return self._prepare(image)
        key = (id(image), self.rules)
        if key not in made:
            made[key] = image, self._prepare(image)  # with the picture: while it lives, its id is no other's
        return made[key][1]

    def _prepare(self, image: Image.Image) -> NDArray[np.float32]:
        pixels = np.asarray(self._resize(image))
        if self.rules.crop:
            pixels = _crop(pixels, *self.rules.crop)
        return np.stack([self._values[channel][pixels[..., channel]] for channel in range(3)])

    def _resize(self, image: Image.Image) -> Image.Image:
        rules = self.rules
        if rules.squashed_to:
            height, width = rules.squashed_to
            return image.resize((width, height), rules.resample)
        if not rules.shortest_side:
            return image
        side = rules.shortest_side
        reject_thin(image, side)
        short, long = sorted(image.size)
        longer = int(side * long / short)
        size = (side, longer) if image.width <= image.height else (longer, side)
        return image.resize(size, rules.resample)


def reject_thin(image: Image.Image, side: int) -> None:
    """Refuse a picture so thin that scaling its short side to `side` would make it huge: `InputRejected`."""
    short, long = sorted(image.size)
    if side * side * long > LARGEST_RESIZED * short:
        raise InputRejected(f"{image.width}×{image.height} pixels are too thin to scale to {side}")


def _crop(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Cut the centre out; what lies outside the picture is black."""
    missing = [max(0, wanted - had) for wanted, had in zip((height, width), pixels.shape[:2], strict=True)]
    if any(missing):
        around = [(math.ceil(n / 2), n // 2) for n in missing]
        pixels = np.pad(pixels, [*around, (0, 0)])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]
