"""The model behind an emulator: a text or a picture in, a vector of the asked dimension out."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders.base import Embedder, InputRejected, TransientError
from diptych.emulators.replies import Refusal, Reply
from diptych.images import UnreadablePicture, decode
from diptych.images.formats import format_of

Refuse = Callable[[int, str], Reply]
"""Says no in a service's envelope: a status and a sentence."""


@dataclass(frozen=True)
class InputLimits:
    """What a service's models take.

    Attributes:
        formats: Of pictures, by Pillow's names.
        png_bytes: A picture may have so many when transcoded to PNG; None: no such limit.
        text_tokens: Of a longer text the rest is left out; words are counted for tokens. None: no limit.
    """

    formats: tuple[str, ...]
    png_bytes: int | None
    text_tokens: int | None


class ServedModel:
    """An embedder behind a service's limits and dimensions.

    Args:
        embedder: Makes the vectors; called from at most `info.concurrency` threads at once.
        limits: What the models take.
        refuse: Says no in the service's envelope.
    """

    def __init__(self, embedder: Embedder, limits: InputLimits, refuse: Refuse) -> None:
        self._embedder = embedder
        self._limits = limits
        self._refuse = refuse
        self._turns = threading.BoundedSemaphore(embedder.info.concurrency)

    def embed(self, item: Sequence[str | bytes], dimension: int) -> NDArray[np.float32]:
        """Embed a text, or a picture given as its bytes; or several as one, by the mean of their vectors.

        Returns:
            Shape (dimension,), of unit length (zeros where the embedder gave zeros for a picture).

        Raises:
            Refusal: A limit is passed, the picture is unreadable, or the embedder failed.
        """
        vectors = [self._text(part) if isinstance(part, str) else self._image(part) for part in item]
        if len(vectors) == 1:
            return carry(vectors[0], dimension)
        return carry(np.mean([_unit(vector.astype(np.float64)) for vector in vectors], axis=0), dimension)

    def _text(self, text: str) -> NDArray[np.float32]:
        words, limit = text.split(), self._limits.text_tokens
        shortened = text if limit is None or len(words) <= limit else " ".join(words[:limit])
        with self._failures_as_replies(), self._turns:
            vectors = self._embedder.embed_texts([shortened])
        row = self._only_row(vectors)
        return row if row.any() else _direction_of(text, len(row))

    def _image(self, data: bytes) -> NDArray[np.float32]:
        image = self._decoded(data)
        with self._failures_as_replies():
            prepared = self._embedder.prepare_image(image)
            with self._turns:
                vectors = self._embedder.embed_images([prepared])
        return self._only_row(vectors)

    def _only_row(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if vectors.shape != (1, self._embedder.info.dimension) or not np.isfinite(vectors).all():
            raise self._no(500, "Internal error encountered. The embedder returned no usable vector.")
        row: NDArray[np.float32] = vectors[0]
        return row

    @contextmanager
    def _failures_as_replies(self) -> Iterator[None]:
        try:
            yield
        except InputRejected as problem:
            raise self._no(400, str(problem)) from problem
        except TransientError as problem:
            raise self._no(503, str(problem)) from problem
        except Exception as problem:  # foreign code: whatever it raises, the client gets an answer
            what = (str(problem) or type(problem).__name__).splitlines()[0]
            raise self._no(500, f"Internal error encountered. {what}") from problem

    def _decoded(self, data: bytes) -> Image.Image:
        formats, limit = self._limits.formats, self._limits.png_bytes
        if format_of(data[:64]) not in formats:
            *most, last = (name.replace("JPEG", "JPG") for name in formats)
            raise self._no(400, f"Unsupported image format: expected {', '.join(most)} or {last}.")
        try:
            image = None if limit and len(data) > limit else decode(data)
        except UnreadablePicture as problem:
            raise self._no(400, f"Unable to read the image: {problem}") from problem
        if image is None or (limit and not fits_as_png(image, limit)):
            megabytes = (limit or 0) // (1024 * 1024)
            what = f"The image is too large: at most {megabytes} MB when transcoded to PNG."
            raise self._no(400, what)
        return image

    def _no(self, status: int, message: str) -> Refusal:
        return Refusal(self._refuse(status, message))


class _Full(Exception):
    """The buffer holds more than it may."""


class _LimitedBuffer(io.BytesIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: Any, /) -> int:
        written = super().write(data)
        if self.tell() > self._limit:
            raise _Full
        return written


def fits_as_png(image: Image.Image, limit: int) -> bool:
    """Tell whether an RGB picture is at most `limit` bytes as a PNG, compressing it only where in doubt."""
    # Deflate stores what it can't compress: a PNG exceeds its rows, a byte longer each, by framing only.
    at_most = 1.01 * image.height * (3 * image.width + 1) + 1024
    if at_most <= limit:
        return True
    try:
        image.save(_LimitedBuffer(limit), "PNG")
    except _Full:
        return False
    return True


@lru_cache(maxsize=16)
def orthonormal_map(source: int, target: int) -> NDArray[np.float64]:
    """Make the fixed map that carries vectors of one dimension to another.

    Upwards it keeps every dot product and so every cosine; downwards it is an orthogonal projection, which
    keeps them roughly, as a shorter embedding would.

    Args:
        source: The vectors' dimension.
        target: The dimension wanted.

    Returns:
        Shape (source, target), to be multiplied from the right: the same for the same dimensions, always.
        Its rows are orthonormal where `target` is not smaller, its columns where it is not larger.
    """
    if source == target:
        return np.eye(source)
    gaussian = np.random.default_rng([source, target]).standard_normal(
        (max(source, target), min(source, target))
    )
    q, r = np.linalg.qr(gaussian)
    q *= np.sign(np.diagonal(r))  # a QR is unique but for signs, which differ between LAPACKs
    return q if source > target else q.T


_making_a_map = threading.Lock()  # or the first calls, coming together, would each make it


def carry(vector: NDArray[np.floating[Any]], dimension: int) -> NDArray[np.float32]:
    """Carry a vector to another dimension, at unit length; a zero vector stays zero."""
    with _making_a_map:
        matrix = orthonormal_map(len(vector), dimension)
    return _unit(_unit(vector.astype(np.float64)) @ matrix).astype(np.float32)


def _direction_of(text: str, dimension: int) -> NDArray[np.float32]:
    """A direction of its own for a text that means nothing to the embedder: no service answers with zeros."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.linalg.norm(vector)
    return vector / norm if norm > 0.0 else vector
