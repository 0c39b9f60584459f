"""A stand-in for Voyage's `POST /v1/multimodalembeddings`, on this machine.

Any key will do, but those in `keyed.KEYS`. What is documented is kept: the forms of content, input types,
dimensions. The sentences of its refusals are ours.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from diptych.emulators.emulator import EmbeddingRequest
from diptych.emulators.keyed import KeyedEmulator, Reader, weather
from diptych.emulators.model import InputLimits
from diptych.emulators.replies import Reply, Request, json_reply

_FORMATS = ("png", "jpeg", "webp", "gif")


def _refuse(status: int, message: str, **headers: str) -> Reply:
    return json_reply({"detail": message}, status, **headers)


def _over_quota(wait: float) -> Reply:
    return _refuse(429, "Rate limit exceeded", Retry_After=f"{wait:.3f}")


class VoyageEmulator(KeyedEmulator):
    """Voyage's multimodal embedding endpoint."""

    title = "Voyage's multimodal embedding endpoint"
    try_it = "VOYAGE_API_KEY=any diptych compare SOURCE -e 'voyage?endpoint={url}' …"
    path = "/v1/multimodalembeddings"
    models = MappingProxyType({"voyage-multimodal-3.5": (1024, 256, 512, 2048)})
    limits = InputLimits(formats=("PNG", "JPEG", "WebP", "GIF"), png_bytes=None, text_tokens=None)
    refuse = staticmethod(_refuse)
    over_quota = staticmethod(_over_quota)
    weather = weather(_refuse, _over_quota)

    def read(self, reader: Reader, model: str) -> EmbeddingRequest:
        """Read inputs, each a list of texts and pictures that makes one vector."""
        reader.only(
            "model", "inputs", "input_type", "truncation", "output_dimension", "output_dtype",
            "encoding_format",
        )  # fmt: skip
        if reader.has("input_type"):
            reader.one_of("input_type", ("query", "document"))
        if reader.has("truncation"):
            reader.one_of("truncation", (True, False))
        reader.one_of("output_dtype", ("float",), default="float")
        if reader.has("encoding_format"):
            reader.one_of("encoding_format", ("base64",))
        entries = [reader.of(entry).items("content") for entry in reader.items("inputs")]
        items = tuple(tuple(self._part(reader.of(part)) for part in content) for content in entries)
        return EmbeddingRequest(items, reader.dimension("output_dimension", self.models[model]))

    def _part(self, part: Reader) -> str | bytes:
        kind = part.one_of("type", ("text", "image_base64", "image_url"))
        part.only("type", kind)
        if kind == "image_url":
            raise part.no("this emulator fetches no pictures: send image_base64")
        return part.text("text") if kind == "text" else part.data_uri("image_base64", _FORMATS)

    def compose(
        self, asked: EmbeddingRequest, vectors: Sequence[list[float]], request: Request
    ) -> dict[str, Any]:
        """Make the answer, with what would be billed: pixels, and texts at 4 characters a token."""
        tokens = asked.text_tokens
        pixels = sum(_pixels(part) for part in asked.parts if isinstance(part, bytes))
        usage = {"text_tokens": tokens, "image_pixels": pixels, "video_pixels": 0, "total_tokens": tokens}
        reader = Reader(self.refuse, request.body)
        packed = reader.has("encoding_format")  # as Voyage's own client wants them
        data = [
            {"object": "embedding", "embedding": _packed(vector) if packed else vector, "index": place}
            for place, vector in enumerate(vectors)
        ]
        model = reader.text("model")
        return {"object": "list", "data": data, "model": model, "usage": usage}


def _packed(vector: list[float]) -> str:
    return base64.b64encode(np.array(vector, "<f4").tobytes()).decode()


def _pixels(picture: bytes) -> int:
    with Image.open(io.BytesIO(picture)) as image:
        return image.width * image.height
