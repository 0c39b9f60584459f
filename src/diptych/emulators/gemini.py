"""A stand-in for `gemini-embedding-2`, on this machine: on Vertex AI and as the Gemini API.

On Vertex AI it answers `:embedContent` in the locations us, eu and global, to any bearer token but those of
the Vertex emulator; as the Gemini API `:embedContent` and `:batchEmbedContents`, to any key in
`x-goog-api-key` but `wrong` and `denied`. What is documented is kept: all parts of one content make one
vector, six pictures a request, dimensions, no task type. What is not known is said in plain words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from diptych.emulators import google_errors as google
from diptych.emulators.emulator import EmbeddingRequest, Emulator
from diptych.emulators.google_errors import invalid, unknown_field
from diptych.emulators.google_json import base64_bytes, field, parse_json
from diptych.emulators.model import InputLimits
from diptych.emulators.replies import DROPPED, Reply, Request, html_error
from diptych.emulators.vertex import TOKENS

MODEL = "gemini-embedding-2"
LOCATIONS = ("us", "eu", "global")
DIMENSIONS = range(128, 3073)
DEFAULT_DIMENSION = 3072
MOST_PICTURES = 6

_MIME_TYPES = tuple(f"image/{name}" for name in ("jpeg", "png", "webp", "bmp", "heic", "heif", "avif"))
_ON_VERTEX = re.compile(
    r"/(?:v1|v1beta1)/(?P<resource>projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
    r"/publishers/google/models/(?P<model>[^/:]+)):(?P<verb>embedContent|batchEmbedContents)"
)
_GEMINI_API = re.compile(
    r"/(?:v1|v1beta)/(?P<resource>models/(?P<model>[^/:]+)):(?P<verb>embedContent|batchEmbedContents)"
)
_MARK = re.compile(r"task: [^|]* \| query: |title: [^|]* \| text: ")
"""How Google documents to say what a text is for. The model knows it; the embedder behind never sees it."""

_QUOTA = "gemini_embedding_requests_per_minute"


def _over_quota(wait: float) -> Reply:
    return google.error(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        google.error_info("RATE_LIMIT_EXCEEDED", quota_metric=_QUOTA),
        google.retry_info(wait),
    )


class GeminiEmulator(Emulator):
    """Google's Gemini Embedding 2, by both of its ways."""

    title = "Gemini Embedding 2, on Vertex AI and as the Gemini API"
    try_it = "GEMINI_API_KEY=any diptych compare SOURCE -e 'gemini?endpoint={url}' …"
    weather = (
        _over_quota(0.05),
        google.resource_exhausted(),
        google.error(500, "Internal error encountered."),
        google.error(503, "The model is overloaded. Please try again later."),
        html_error(503, "The service you requested is not available at this time."),
        DROPPED,
    )
    limits = InputLimits(
        formats=("JPEG", "PNG", "WebP", "BMP", "HEIF", "AVIF"), png_bytes=None, text_tokens=8192
    )
    over_quota = staticmethod(_over_quota)

    @staticmethod
    def refuse(status: int, message: str) -> Reply:
        """Say no in Google's envelope."""
        return google.error(status, message)

    def elsewhere(self, request: Request) -> Reply | None:
        """Answer addresses that no service has."""
        found = _ON_VERTEX.fullmatch(request.path) or _GEMINI_API.fullmatch(request.path)
        return None if found and request.method == "POST" else google.not_found_page(request.path)

    def turn_away(self, request: Request) -> Reply | None:
        """Refuse who may not call, or what is not there to be called."""
        match = _route(request)
        refusal = _without_token(request, match) if "project" in match.groupdict() else _without_key(request)
        if refusal is not None:
            return refusal
        if match["model"] != MODEL or match.groupdict().get("location", "us") not in LOCATIONS:
            return google.model_not_found(match["resource"])
        return None

    def understand(self, request: Request) -> EmbeddingRequest:
        """Read one content, or the list of a batch."""
        message, match = parse_json(request.body), _route(request)
        requests = [message]
        if match["verb"] == "batchEmbedContents":
            requests = message.get("requests") or []
            if not isinstance(requests, list) or set(message) - {"requests"}:
                raise invalid("Invalid value at 'requests': expected a list.")
            if not requests:
                raise invalid("* BatchEmbedContentsRequest.requests: must not be empty")
        read = [_read(each) for each in requests]
        pictures = sum(isinstance(part, bytes) for item, _ in read for part in item)
        if pictures > MOST_PICTURES:
            raise invalid(f"At most {MOST_PICTURES} images are allowed in a request. Actual: {pictures}")
        if len({dimension for _, dimension in read}) > 1:
            raise invalid("This emulator takes one outputDimensionality for a whole batch.")
        return EmbeddingRequest(tuple(item for item, _ in read), read[0][1])

    def compose(
        self, _asked: EmbeddingRequest, vectors: Sequence[list[float]], request: Request
    ) -> dict[str, Any]:
        """Make the answer, of one content or of a batch."""
        if _route(request)["verb"] == "batchEmbedContents":
            return {"embeddings": [{"values": vector} for vector in vectors]}
        return {"embedding": {"values": vectors[0]}, "usageMetadata": {}}


def _route(request: Request) -> re.Match[str]:
    match = _ON_VERTEX.fullmatch(request.path) or _GEMINI_API.fullmatch(request.path)
    if match is None:
        raise AssertionError("what is found elsewhere is answered before")
    return match


def _without_token(request: Request, match: re.Match[str]) -> Reply | None:
    token = request.bearer
    if not token:
        return google.unauthenticated("CREDENTIALS_MISSING")
    return TOKENS[token](match["project"], match["resource"]) if token in TOKENS else None


def _without_key(request: Request) -> Reply | None:
    key = request.headers.get("x-goog-api-key", "")
    if not key:
        return google.error(403, "Method doesn't allow unregistered callers. Please use an API key.")
    if key == "wrong":
        info = google.error_info("API_KEY_INVALID", service="generativelanguage.googleapis.com")
        return google.error(400, "API key not valid. Please pass a valid API key.", info)
    if key == "denied":
        return google.error(403, "This API key may not use this API.")
    return None


def _read(message: Any) -> tuple[tuple[str | bytes, ...], int]:
    """Read one content with its dimension."""
    if not isinstance(message, dict):
        raise invalid("Invalid value at 'requests': expected objects.")
    config = field(message, "embedContentConfig", "embed_content_config") or {}
    if not isinstance(config, dict):
        raise invalid("Invalid value at 'embedContentConfig': expected an object.")
    for name in (*message, *config):
        if name in {"taskType", "task_type"}:
            raise invalid("task_type is not supported by this model: put the task into the text.")
        if name not in {
            "model", "content", "embedContentConfig", "embed_content_config",
            "outputDimensionality", "output_dimensionality",
        }:  # fmt: skip
            raise unknown_field(name)
    content = message.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not parts:
        raise invalid("The content is empty: expected 'content.parts'.")
    wanted = field(config, "outputDimensionality", "output_dimensionality")
    if wanted is None:
        wanted = field(message, "outputDimensionality", "output_dimensionality")
    if wanted is None:
        wanted = DEFAULT_DIMENSION
    if isinstance(wanted, bool) or wanted not in DIMENSIONS:
        raise invalid(f"Invalid outputDimensionality {wanted!r}: expected 128 to 3072.")
    return tuple(_part(part) for part in parts), int(wanted)


def _part(part: Any) -> str | bytes:
    if not isinstance(part, dict):
        raise invalid("Invalid value at 'content.parts': expected objects.")
    if isinstance(part.get("text"), str) and part["text"]:
        return _MARK.sub("", part["text"]) or part["text"]
    data: Mapping[str, Any] = field(part, "inlineData", "inline_data") or {}
    if not isinstance(data, dict) or not isinstance(data.get("data"), str):
        raise invalid("A part is a text or inlineData; this emulator reads nothing else.")
    mime = field(data, "mimeType", "mime_type")
    if not isinstance(mime, str) or mime not in _MIME_TYPES:
        raise invalid(f"Unsupported mimeType {mime!r}: expected one of {', '.join(_MIME_TYPES)}.")
    return base64_bytes(data["data"], "inlineData.data")
