"""A stand-in for Amazon Bedrock's `InvokeModel`, on this machine: Titan Multimodal G1 and Nova multimodal.

Any signed request will do: that it is signed in Amazon's form for Bedrock is checked, the signature is not.
These access key ids are turned away, each as Amazon does it: `wrong`, `expired`, `denied`. Statuses and kinds
of errors are those of Amazon's own description of the service; the sentences are ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from diptych.emulators.emulator import EmbeddingRequest, Emulator
from diptych.emulators.keyed import Reader, weather
from diptych.emulators.model import InputLimits
from diptych.emulators.replies import Refusal, Reply, Request, json_reply

TITAN = "amazon.titan-embed-image-v1"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"

KEY_IDS = {
    "wrong": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "expired": (403, "ExpiredTokenException", "The security token included in the request is expired."),
    "denied": (
        403,
        "AccessDeniedException",
        "You don't have access to this model.",
    ),
}
"""Access key ids that provoke an error."""

_KINDS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_PATH = re.compile(r"/model/(?P<model>[^/]+)/invoke")
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/,]+)/\d{8}/[a-z0-9-]+/bedrock/aws4_request, ?"
    r"SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}"
)
_PURPOSES = (
    "GENERIC_INDEX", "GENERIC_RETRIEVAL", "TEXT_RETRIEVAL", "IMAGE_RETRIEVAL", "VIDEO_RETRIEVAL",
    "DOCUMENT_RETRIEVAL", "AUDIO_RETRIEVAL", "CLASSIFICATION", "CLUSTERING",
)  # fmt: skip


def _refuse(status: int, message: str, kind: str = "") -> Reply:
    return json_reply({"message": message}, status, x_amzn_ErrorType=kind or _KINDS[status])


def _over_quota(wait: float) -> Reply:  # noqa: ARG001 (Amazon does not say for how long)
    return _refuse(429, "Too many requests, please wait before trying again.")


class BedrockEmulator(Emulator):
    """Amazon Bedrock's InvokeModel."""

    title = "Amazon Bedrock's InvokeModel"
    try_it = (
        "AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any"
        " diptych compare SOURCE -e 'bedrock?region=us-east-1&endpoint={url}' …"
    )
    limits = InputLimits(formats=("PNG", "JPEG", "WebP", "GIF"), png_bytes=None, text_tokens=8172)
    refuse = staticmethod(_refuse)
    over_quota = staticmethod(_over_quota)
    weather = weather(_refuse, _over_quota)

    def elsewhere(self, request: Request) -> Reply | None:
        """Answer all but InvokeModel."""
        if request.method != "POST" or not _PATH.fullmatch(request.path):
            return _refuse(404, f"Unknown operation {request.path}", "UnknownOperationException")
        return None

    def turn_away(self, request: Request) -> Reply | None:
        """Refuse requests that are not signed, or by one of `KEY_IDS`."""
        signed = _SIGNED.fullmatch(request.headers.get("authorization", ""))
        if signed is None or "x-amz-date" not in request.headers:
            return _refuse(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
        status, kind, message = KEY_IDS.get(signed["id"], (0, "", ""))
        return _refuse(status, message, kind) if status else None

    def understand(self, request: Request) -> EmbeddingRequest:
        """Read the request in the form of the model that it goes to."""
        reader, model = Reader(_refuse, request.body), _model(request)
        if model == TITAN:
            return _read_titan(reader)
        if model == NOVA:
            return _read_nova(reader)
        raise Refusal(_refuse(400, "The provided model identifier is invalid."))

    def compose(
        self, asked: EmbeddingRequest, vectors: Sequence[list[float]], request: Request
    ) -> dict[str, Any]:
        """Make the answer in the form of the model that is asked."""
        (vector,), (parts,) = vectors, asked.items
        kind = "TEXT" if isinstance(parts[0], str) else "IMAGE"
        if _model(request) == NOVA:
            return {"embeddings": [{"embeddingType": kind, "embedding": vector}]}
        words = sum(len(part.split()) for part in parts if isinstance(part, str))
        return {"embedding": vector, "inputTextTokenCount": words, "message": None}


def _model(request: Request) -> str:
    match = _PATH.fullmatch(request.path)
    return match["model"] if match else ""


def _read_titan(reader: Reader) -> EmbeddingRequest:
    """Read Titan's form; a text and a picture sent together give one vector."""
    reader.only("inputText", "inputImage", "embeddingConfig")
    parts: list[str | bytes] = [reader.text("inputText")] if reader.has("inputText") else []
    parts += [reader.base64("inputImage")] if reader.has("inputImage") else []
    if not parts:
        raise reader.no("Malformed input request: give inputText or inputImage")
    dimensions = (1024, 256, 384)
    given = reader.has("embeddingConfig")
    config = reader.inner("embeddingConfig") if given else reader.of({})
    return EmbeddingRequest((tuple(parts),), config.dimension("outputEmbeddingLength", dimensions))


def _read_nova(reader: Reader) -> EmbeddingRequest:
    """Read Nova's form: one text or one picture, and what the vector is for."""
    reader.only("schemaVersion", "taskType", "singleEmbeddingParams")
    reader.one_of("schemaVersion", ("nova-multimodal-embed-v1",), default="nova-multimodal-embed-v1")
    reader.one_of("taskType", ("SINGLE_EMBEDDING",))
    single = reader.inner("singleEmbeddingParams")
    single.only("embeddingPurpose", "embeddingDimension", "text", "image")
    single.one_of("embeddingPurpose", _PURPOSES)
    if single.has("text") == single.has("image"):
        raise single.no("Malformed input request: give text or image")
    part: str | bytes
    if single.has("text"):
        text = single.inner("text")
        text.only("truncationMode", "value")
        text.one_of("truncationMode", ("START", "END", "NONE"))
        part = text.text("value")
    else:
        image = single.inner("image")
        image.only("format", "source", "detailLevel")
        image.one_of("format", ("png", "jpeg", "gif", "webp"))
        part = image.inner("source").base64("bytes")
    return EmbeddingRequest(((part,),), single.dimension("embeddingDimension", (3072, 256, 384, 1024)))
