"""A predict request of multimodalembedding@001, read as strictly as the service is documented to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diptych.emulators.google_errors import invalid, unknown_field
from diptych.emulators.google_json import base64_bytes, field, parse_json

DIMENSIONS = (128, 256, 512, 1408)
DEFAULT_DIMENSION = 1408

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
    message = parse_json(body)
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


def _image_bytes(picture: object) -> bytes:
    if not isinstance(picture, dict):
        raise invalid("Invalid value at 'instances[0].image': expected an object.")
    if field(picture, "gcsUri", "gcs_uri"):
        raise invalid("This emulator cannot read Cloud Storage: send the image as bytesBase64Encoded.")
    mime_type = field(picture, "mimeType", "mime_type")
    if mime_type is not None and mime_type not in _MIME_TYPES:
        raise invalid(f"Unsupported image mimeType {mime_type!r}: expected one of {', '.join(_MIME_TYPES)}.")
    encoded = field(picture, "bytesBase64Encoded", "bytes_base64_encoded")
    if not isinstance(encoded, str) or not encoded:
        raise invalid("The image has neither bytesBase64Encoded nor gcsUri.")
    return base64_bytes(encoded, "bytesBase64Encoded")


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
