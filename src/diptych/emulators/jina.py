"""A stand-in for Jina's `POST /v1/embeddings`, on this machine.

Any key will do, but those in `keyed.KEYS`. The form of a request is documented, that of the answer is the one
that clients of Jina read; limits are not known here and not played. The sentences of its refusals are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from diptych.emulators.emulator import EmbeddingRequest
from diptych.emulators.keyed import KeyedEmulator, Reader, weather
from diptych.emulators.model import InputLimits
from diptych.emulators.replies import Reply, Request, json_reply

_DIMENSIONS = (1024, *range(1, 1024))


def _refuse(status: int, message: str, **headers: str) -> Reply:
    return json_reply({"detail": message}, status, **headers)


def _over_quota(wait: float) -> Reply:
    return _refuse(429, "Rate limit exceeded", Retry_After=f"{wait:.3f}")


class JinaEmulator(KeyedEmulator):
    """Jina's embedding endpoint."""

    title = "Jina's embedding endpoint"
    try_it = "JINA_API_KEY=any diptych compare SOURCE -e 'jina?endpoint={url}' …"
    path = "/v1/embeddings"
    models = MappingProxyType({"jina-clip-v2": _DIMENSIONS, "jina-embeddings-v5-omni-small": _DIMENSIONS})
    limits = InputLimits(formats=("PNG", "JPEG", "WebP", "GIF"), png_bytes=None, text_tokens=None)
    refuse = staticmethod(_refuse)
    over_quota = staticmethod(_over_quota)
    weather = weather(_refuse, _over_quota)

    def read(self, reader: Reader, model: str) -> EmbeddingRequest:
        """Read the list of texts and pictures."""
        reader.only("model", "input", "dimensions")
        items = tuple((self._part(reader, entry),) for entry in reader.items("input"))
        return EmbeddingRequest(items, reader.dimension("dimensions", self.models[model]))

    def _part(self, reader: Reader, entry: Any) -> str | bytes:
        part = reader.of({"text": entry} if isinstance(entry, str) else entry)
        part.only("text", "image")
        if part.has("text") == part.has("image"):
            raise part.no("an input has either text or image")
        return part.text("text") if part.has("text") else part.base64("image")

    def compose(
        self, asked: EmbeddingRequest, vectors: Sequence[list[float]], request: Request
    ) -> dict[str, Any]:
        """Make the answer, with the tokens of texts, at 4 characters a token."""
        data = [
            {"object": "embedding", "index": place, "embedding": vector}
            for place, vector in enumerate(vectors)
        ]
        model = Reader(self.refuse, request.body).text("model")
        return {"object": "list", "model": model, "data": data, "usage": {"total_tokens": asked.text_tokens}}
