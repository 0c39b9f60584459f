"""The model behind the emulator: a predict request's JSON in, vectors of the asked dimension out."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders.base import Embedder, InputRejected, TransientError
from diptych.emulators.google_errors import Refusal, error, invalid, unknown_field
from diptych.images import UnreadablePicture, decode
from diptych.images.formats import format_of

DIMENSIONS = (128, 256, 512, 1408)
DEFAULT_DIMENSION = 1408
MAX_TEXT_TOKENS = 32
MAX_IMAGE_BYTES = 20 * 1024 * 1024
"""The documented "20 MB when transcoded to PNG"."""

_FORMATS = ("BMP", "GIF", "JPEG", "PNG")
_MIME_TYPES = ("image/bmp", "image/gif", "image/jpeg", "image/jpg", "image/png")
_REQUEST_FIELDS = ("endpoint", "instances", "parameters", "labels")


@dataclass(frozen=True)
class PredictRequest:
    """What one request asks for.

    Attributes:
        text: The text as sent, or None.
        image: The picture's bytes, or None.
        dimension: One of `DIMENSIONS`.
    """

    text: str | None
    image: bytes | None
    dimension: int


def read_request(body: bytes) -> PredictRequest:
    """Read a predict request, in either of protobuf's JSON spellings.

    Raises:
        Refusal: The reply that the service gives instead.
    """
    message = _parse_json(body)
    for name in message:
        if name not in _REQUEST_FIELDS:
            raise unknown_field(name)
    instance = _only_instance(message.get("instances"))
    if instance.get("video"):
        raise invalid("This emulator does not embed videos: send a text or an image.")
    text, picture = instance.get("text"), instance.get("image")
    if not (text is None or isinstance(text, str)):
        raise invalid("Invalid value at 'instances[0].text': expected a string.")
    if not text and picture is None:
        raise invalid("No embedding input is provided.")
    image = None if picture is None else _image_bytes(picture)
    return PredictRequest(text or None, image, _dimension(message.get("parameters")))


def _parse_json(body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", errors="replace")
    try:
        message = json.loads(text)
    except json.JSONDecodeError as problem:
        at_end = problem.pos >= len(text.rstrip())
        what = "Unexpected end of string." if at_end else "Unexpected token."
        before, after = text[max(0, problem.pos - 20) : problem.pos], text[problem.pos : problem.pos + 20]
        snippet = f"{before}{after}\n{' ' * len(before)}^"
        raise invalid(f"Invalid JSON payload received. {what}\n{snippet}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; a nesting of thousands of levels
        raise invalid("Invalid JSON payload received. Parsing terminated.") from None
    if not isinstance(message, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    return message


def _only_instance(instances: object) -> Mapping[str, Any]:
    if instances is None or instances == []:
        raise invalid("Empty instances.")
    if not isinstance(instances, list):
        raise invalid("Invalid value at 'instances': expected a list.")
    if len(instances) > 1:
        raise invalid(f"1 instance(s) is allowed per prediction. Actual: {len(instances)}")
    if not isinstance(instances[0], dict):
        raise invalid("Invalid value at 'instances[0]': expected an object.")
    return instances[0]


def _field(message: Mapping[str, Any], camel: str, snake: str) -> Any:
    """Look a field up by either of the names that protobuf's JSON gives it."""
    value = message.get(camel)
    return message.get(snake) if value is None else value


def _image_bytes(picture: object) -> bytes:
    if not isinstance(picture, dict):
        raise invalid("Invalid value at 'instances[0].image': expected an object.")
    if _field(picture, "gcsUri", "gcs_uri"):
        raise invalid("This emulator cannot read Cloud Storage: send the image as bytesBase64Encoded.")
    mime_type = _field(picture, "mimeType", "mime_type")
    if mime_type is not None and mime_type not in _MIME_TYPES:
        raise invalid(f"Unsupported image mimeType {mime_type!r}: expected one of {', '.join(_MIME_TYPES)}.")
    encoded = _field(picture, "bytesBase64Encoded", "bytes_base64_encoded")
    if not isinstance(encoded, str) or not encoded:
        raise invalid("The image has neither bytesBase64Encoded nor gcsUri.")
    return _base64_bytes(encoded)


def _base64_bytes(encoded: str) -> bytes:
    if encoded.startswith("data:"):
        raise invalid(
            "Invalid base64 in bytesBase64Encoded: send the bare base64, without the `data:` prefix."
        )
    standard = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        data = b""
    if not data:
        raise invalid("Invalid base64 in bytesBase64Encoded.")
    return data


def _dimension(parameters: object) -> int:
    if parameters is None:
        return DEFAULT_DIMENSION
    if not isinstance(parameters, dict):
        raise invalid("Invalid value at 'parameters': expected an object.")
    value = parameters.get("dimension", DEFAULT_DIMENSION)
    # protobuf's Value has one kind of number, so that Google's own client sends 128 as 128.0
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in DIMENSIONS:
        raise invalid(f"Invalid dimension {value!r}: expected one of {', '.join(map(str, DIMENSIONS))}.")
    return int(value)


class Model:
    """An embedder behind the limits and dimensions of multimodalembedding@001.

    Args:
        embedder: Makes the vectors; called from at most `info.concurrency` threads at once.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._turns = threading.BoundedSemaphore(embedder.info.concurrency)

    def predict(self, request: PredictRequest) -> dict[str, list[float]]:
        """Embed what a request holds.

        Returns:
            `textEmbedding` and `imageEmbedding`, each only where asked for: two independent vectors of unit
            length (zeros where the embedder gave zeros), as numbers that are exact in float32.

        Raises:
            Refusal: A limit is passed, the picture is unreadable, or the embedder failed.
        """
        prediction = {}
        if request.text is not None:
            prediction["textEmbedding"] = as_json_numbers(carry(self._text(request.text), request.dimension))
        if request.image is not None:
            prediction["imageEmbedding"] = as_json_numbers(
                carry(self._image(request.image), request.dimension)
            )
        return prediction

    def _text(self, text: str) -> NDArray[np.float32]:
        words = text.split()
        shortened = text if len(words) <= MAX_TEXT_TOKENS else " ".join(words[:MAX_TEXT_TOKENS])
        with _failures_as_replies(), self._turns:
            vectors = self._embedder.embed_texts([shortened])
        return self._only_row(vectors)

    def _image(self, data: bytes) -> NDArray[np.float32]:
        image = _decode(data)
        with _failures_as_replies():
            prepared = self._embedder.prepare_image(image)
            with self._turns:
                vectors = self._embedder.embed_images([prepared])
        return self._only_row(vectors)

    def _only_row(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if vectors.shape != (1, self._embedder.info.dimension) or not np.isfinite(vectors).all():
            raise Refusal(error(500, "Internal error encountered. The embedder returned no usable vector."))
        row: NDArray[np.float32] = vectors[0]
        return row


@contextmanager
def _failures_as_replies() -> Iterator[None]:
    try:
        yield
    except InputRejected as problem:
        raise invalid(str(problem)) from problem
    except TransientError as problem:
        raise Refusal(error(503, str(problem))) from problem
    except Exception as problem:  # embedders are foreign code: whatever they raise, the client gets an answer
        what = (str(problem) or type(problem).__name__).splitlines()[0]
        raise Refusal(error(500, f"Internal error encountered. {what}")) from problem


def _decode(data: bytes) -> Image.Image:
    if format_of(data[:64]) not in _FORMATS:
        raise invalid("Unsupported image format: expected BMP, GIF, JPG or PNG.")
    if len(data) > MAX_IMAGE_BYTES:
        raise _too_large()
    try:
        image = decode(data)
    except UnreadablePicture as problem:
        raise invalid(f"Unable to read the image: {problem}") from problem
    if not fits_as_png(image, MAX_IMAGE_BYTES):
        raise _too_large()
    return image


def _too_large() -> Refusal:
    megabytes = MAX_IMAGE_BYTES // (1024 * 1024)
    return invalid(f"The image is too large: at most {megabytes} MB when transcoded to PNG.")


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


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.linalg.norm(vector)
    return vector / norm if norm > 0.0 else vector


def as_json_numbers(vector: NDArray[np.float32]) -> list[float]:
    """Give float32 numbers as the service prints them, with the nine digits that they have."""
    return [float(f"{number:.9g}") for number in vector]
