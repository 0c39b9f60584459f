"""The embedder contract: what a provider or a plug-in implements, and nothing more.

An embedder is any object with an `info` and the three methods of `Embedder`; no base class is needed.
A plug-in needs only the names that `diptych.embedders` exports.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.errors import DiptychError

Vectors = NDArray[np.float32]
"""Vectors as rows: shape (n, dimension), float32, as the model returned them (not normalised)."""


class EmbedderUnavailable(DiptychError):
    """The embedder can't be used here: a package, credentials or a model is missing.

    The message says what to install, run or set.
    """


class InputRejected(DiptychError):
    """The embedder will never take this one picture or text; the message is the reason."""


class RequestRefused(InputRejected):
    """It is refused in words that may hold for every request; where others are taken, they do not."""


class TransientError(DiptychError):
    """The embedder failed for now, after its own retries; the same call may succeed later."""


class ServiceDown(TransientError):
    """It failed for now whatever it is asked: it is out of reach, or its quota is used up.

    Args:
        message: Why, and what to do.
        for_long: Whether it is known to stay so: then nothing more is asked of it in this run.
    """

    def __init__(self, message: str, *, for_long: bool = False) -> None:
        super().__init__(message)
        self.for_long = for_long


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedderInfo:
    """What a person and the store need to know about an embedder.

    Attributes:
        name: What it is called: by the person, or by `diptych.load` after the telling part of the spec.
        provider: The entry point that made it, such as `vertex`.
        model: The model with its revision.
        dimension: The length of its vectors.
        preprocessing: One line a person can read: "shortest side 224, bicubic, centre crop".
        fingerprint: Changes whenever the vectors would (model, revision, dimension, preprocessing,
            precision). Vectors are stored under it. Never holds a secret.
        batch_size: The most items the pipeline hands to one call of `embed_images` or `embed_texts`.
        concurrency: How many threads may call `embed_images` or `embed_texts` at once.
        max_text_tokens: Where a longer text is cut, or None where there is no limit.
        logit_scale: The factor on the cosine that the model was trained with, where published.
        logit_bias: The bias of a sigmoid-trained model, where published.
        price_per_image: US dollars for one picture; None is free, unless the price is not known.
        price_per_1k_characters: US dollars for a thousand characters of text; None likewise.
        price_known: Whether these two say what a run costs; where they don't, nothing is run under a limit.
        requests_per_minute: The rate the embedder keeps to; None: no limit.
        licence: The model's licence.
        retires: The ISO date (YYYY-MM-DD) after which the model no longer answers.
        templates: Prompt templates, such as "a photo of a {}", filled with each text before it is embedded;
            several are averaged.
        floor: Whether it is a floor, which any real model should beat: it is neither counted among the models
            that are compared with each other, nor asked what there is to judge.
        decode_at_least: JPEGs may be decoded at a half, a quarter or an eighth of their size, as long as both
            sides keep so many pixels: faster, and not quite the same. None for all pixels, always.
        spec: How the person wrote it, without secrets; `diptych.load` sets it. Empty where there was no spec.
    """

    name: str
    provider: str
    model: str
    dimension: int
    preprocessing: str
    fingerprint: str
    batch_size: int = 32
    concurrency: int = 1
    max_text_tokens: int | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None
    price_per_image: float | None = None
    price_per_1k_characters: float | None = None
    price_known: bool = True
    requests_per_minute: float | None = None
    licence: str | None = None
    retires: str | None = None
    templates: tuple[str, ...] = ()
    decode_at_least: int | None = None
    floor: bool = False
    spec: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that can't be, and turn numpy's into Python's, which can be saved.

        Raises:
            ValueError: A count is below 1.
        """
        for name in ("dimension", "batch_size", "concurrency", "max_text_tokens", "decode_at_least"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}: it must be at least 1")
            object.__setattr__(self, name, value if value is None else int(value))
        for name in (
            "logit_scale", "logit_bias", "price_per_image", "price_per_1k_characters", "requests_per_minute",
        ):  # fmt: skip
            value = getattr(self, name)
            object.__setattr__(self, name, value if value is None else float(value))
        object.__setattr__(self, "templates", tuple(self.templates))

    @property
    def scoring(self) -> str:
        """Changes whenever its scores for a text would: with the fingerprint and with the templates."""
        return "\n".join((self.fingerprint, *self.templates))


def real_models(infos: Iterable[EmbedderInfo]) -> list[str]:
    """The names of those that are not floors; of all where there is nothing else."""
    named = list(infos)
    return [info.name for info in named if not info.floor] or [info.name for info in named]


class Embedder(Protocol):
    """A model with an image side and a text side in one vector space."""

    info: EmbedderInfo

    def prepare_image(self, image: Image.Image) -> Any:
        """Do what can be done outside the model: resize, crop, normalise, or encode for sending.

        Called from worker threads.

        Args:
            image: An upright RGB picture, shared with nobody (see `only_looks`).

        Returns:
            Whatever `embed_images` takes, one item per picture.
        """
        ...

    def embed_images(self, prepared: Sequence[Any]) -> Vectors:
        """Embed what `prepare_image` returned, at most `info.batch_size` items.

        Called from `info.concurrency` threads.

        Returns:
            Shape (n, dimension), float32, in the order given. A row that is not finite, or all zeros, says
            that this item has no vector: it is asked for once more without the others.

        Raises:
            EmbedderUnavailable: Nothing can be embedded: the run stops.
            InputRejected: An item will never be taken; a batch of several is split to find it.
            TransientError: It failed for now, after the embedder's own retries; a batch is split likewise.
            ServiceDown: It failed for now whatever it is asked; a batch is not split.
        """
        ...

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed at most `info.batch_size` texts; same shape, threads and errors as `embed_images`."""
        ...


def may_say_nothing(embedder: Embedder) -> bool:
    """Whether a text may have a vector of zeros: it means nothing to the embedder, every picture scores 0.

    An embedder says so by an attribute `zero_texts = True`. Otherwise such a vector is refused, as one of a
    picture always is: it has no direction, and would lead a list where all others score below 0.
    """
    return getattr(embedder, "zero_texts", False) is True


def only_looks(embedder: Embedder) -> bool:
    """Whether `prepare_image` neither changes the picture it gets nor keeps it: then others get the same one.

    An embedder says so by an attribute `only_looks = True` of its class.
    """
    return getattr(type(embedder), "only_looks", False) is True


@runtime_checkable
class PrecomputedImages(Protocol):
    """An embedder that has its image vectors already and looks them up instead of seeing pictures."""

    info: EmbedderInfo

    def find_image(self, image_id: str, names: Sequence[str]) -> NDArray[np.float32] | None:
        """Find one picture's vector.

        Args:
            image_id: The SHA-256 of the picture's bytes, in hexadecimal.
            names: The names the picture has in the collection, the first one being the one shown.

        Returns:
            Shape (dimension,), or None where there is no vector for it.
        """
        ...
