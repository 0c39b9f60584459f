"""A stand-in for Cohere's `POST /v2/embed`, on this machine.

Any key will do, but those in `keyed.KEYS`. What is documented is kept: required fields, input types,
dimensions, 96 inputs and 20 MB of pictures a request. The sentences of its refusals are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from diptych.emulators.emulator import EmbeddingRequest
from diptych.emulators.keyed import KeyedEmulator, Reader, weather
from diptych.emulators.model import InputLimits
from diptych.emulators.replies import Reply, Request, json_reply

_FORMATS = ("png", "jpeg", "webp", "gif")
_MOST_INPUTS = 96
_MOST_BYTES = 20 * 1000 * 1000
_TYPES = ("search_document", "search_query", "classification", "clustering", "image")
_V5 = (1024, 256, 512, 768, 1536, 2048)


def _refuse(status: int, message: str, **headers: str) -> Reply:
    return json_reply({"id": "diptych-emulator", "message": message}, status, **headers)


def _over_quota(wait: float) -> Reply:
    return _refuse(429, "you are past the rate limit", Retry_After=f"{wait:.3f}")


class CohereEmulator(KeyedEmulator):
    """Cohere's embedding endpoint."""

    title = "Cohere's embedding endpoint"
    try_it = "CO_API_KEY=any diptych compare SOURCE -e 'cohere?endpoint={url}' …"
    path = "/v2/embed"
    models = MappingProxyType(
        {"embed-v5.0-pro": _V5, "embed-v5.0-fast": _V5, "embed-v4.0": (1536, 256, 512, 1024)}
    )
    limits = InputLimits(formats=("PNG", "JPEG", "WebP", "GIF"), png_bytes=None, text_tokens=128_000)
    refuse = staticmethod(_refuse)
    over_quota = staticmethod(_over_quota)
    weather = weather(_refuse, _over_quota)

    def read(self, reader: Reader, model: str) -> EmbeddingRequest:
        """Read texts, images or inputs, whichever one is there."""
        reader.only(
            "model", "input_type", "texts", "images", "inputs", "max_tokens", "output_dimension",
            "embedding_types", "truncate", "priority",
        )  # fmt: skip
        reader.one_of("input_type", _TYPES)
        for kind in reader.items("embedding_types") if reader.has("embedding_types") else []:
            if kind != "float":
                raise reader.no(f"this emulator answers with float embeddings only, not {kind}")
        given = [name for name in ("texts", "images", "inputs") if reader.has(name)]
        if len(given) != 1:
            raise reader.no("give one of texts, images and inputs")
        entries = reader.items(given[0], _MOST_INPUTS if given[0] != "images" else None)
        items = tuple(self._item(reader, given[0], entry) for entry in entries)
        if sum(len(part) for item in items for part in item if isinstance(part, bytes)) > _MOST_BYTES:
            raise reader.no("the images of one request may have 20 MB in all")
        return EmbeddingRequest(items, reader.dimension("output_dimension", self.models[model]))

    def _item(self, reader: Reader, name: str, entry: Any) -> tuple[str | bytes, ...]:
        if name == "texts":
            return (reader.of({"texts": entry}).text("texts"),)
        if name == "images":
            return (reader.of({"images": entry}).data_uri("images", _FORMATS),)
        return tuple(self._part(reader.of(part)) for part in reader.of(entry).items("content"))

    def _part(self, part: Reader) -> str | bytes:
        if part.one_of("type", ("text", "image_url")) == "text":
            return part.text("text")
        return part.inner("image_url").data_uri("url", _FORMATS)

    def compose(
        self, asked: EmbeddingRequest, vectors: Sequence[list[float]], _request: Request
    ) -> dict[str, Any]:
        """Make the answer, with the units that would be billed for texts, at 4 characters a token."""
        return {
            "id": "diptych-emulator",
            "embeddings": {"float": vectors},
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": asked.text_tokens}},
        }
