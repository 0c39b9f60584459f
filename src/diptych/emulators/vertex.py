"""A stand-in for Vertex AI's multimodal embedding endpoint, on this machine.

It answers `POST /v1/projects/P/locations/L/publishers/google/models/multimodalembedding@001:predict` as the
service is documented to, with the vectors of any embedder, so that clients can be tried and tested without
an account. `GET /v1/publishers/google/models/multimodalembedding@001` is there for Google's own client, which
asks for it first.

Any project, any location and any bearer token will do, but these tokens (see `TOKENS`) are turned away, each
as Google does it: `expired`, `denied`, `disabled`, `unbilled`, `borrowed`.

What is known about the service is kept: one instance per request, its dimensions, its limits, its error
envelope. What is not known is kept simple: a text's 32 tokens are counted as words; a video or a `gcsUri` is
refused in plain words; and an image is seen as the embedder sees it. Vectors are carried to the dimension
asked for by a fixed orthonormal map, which upwards keeps the embedder's own cosines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from diptych.emulators import google_errors as google
from diptych.emulators.emulator import EmbeddingRequest, Emulator
from diptych.emulators.model import InputLimits
from diptych.emulators.replies import DROPPED, Reply, Request, html_error, json_reply
from diptych.emulators.vertex_request import read_request

MODEL = "multimodalembedding"
VERSIONS = (f"{MODEL}@001", MODEL)
TOKENS: dict[str, Callable[[str, str], Reply]] = {
    "expired": lambda _project, _resource: google.unauthenticated("ACCESS_TOKEN_EXPIRED"),
    "denied": lambda _project, resource: google.permission_denied(resource),
    "disabled": lambda project, _resource: google.service_disabled(project),
    "unbilled": lambda project, _resource: google.billing_disabled(project),
    "borrowed": lambda project, _resource: google.quota_project_denied(project),
}
"""Bearer tokens that provoke an error: 401, then 403 as IAM_PERMISSION_DENIED, SERVICE_DISABLED,
BILLING_DISABLED and USER_PROJECT_DENIED."""

WEATHER: tuple[Reply, ...] = (
    google.quota_exceeded(MODEL, retry_delay=0.05),
    google.resource_exhausted(),
    google.resource_exhausted({"Retry-After": "1"}),
    google.error(500, "Internal error encountered."),
    google.error(503, "The service is currently unavailable."),
    html_error(503, "The service you requested is not available at this time."),
    DROPPED,
)
"""The failures that `error_rate` draws from: everything that a client must survive. The waits that they ask
for are short (0.05 s in RetryInfo, 1 s in Retry-After), to keep tests quick."""

_MODEL_PATH = re.compile(
    r"/(?:v1|v1beta1)/(?P<resource>projects/(?P<project>[^/]+)/locations/[^/]+"
    r"/publishers/(?P<publisher>[^/]+)/models/(?P<model>[^/:]+)):(?P<verb>\w+)"
)
_CATALOGUE_PATH = re.compile(
    r"/(?:v1|v1beta1)/(?P<resource>publishers/(?P<publisher>[^/]+)/models/(?P<model>[^/:]+))"
)


class VertexEmulator(Emulator):
    """Vertex AI's multimodal embedding endpoint."""

    title = "Vertex's multimodal embedding endpoint"
    try_it = "VERTEX_ACCESS_TOKEN=any diptych compare SOURCE -e 'vertex?project=any&endpoint={url}' …"
    weather = WEATHER
    limits = InputLimits(
        formats=("BMP", "GIF", "JPEG", "PNG"),
        png_bytes=20 * 1024 * 1024,  # the documented "20 MB when transcoded to PNG"
        text_tokens=32,
    )

    @staticmethod
    def refuse(status: int, message: str) -> Reply:
        """Say no in Google's envelope."""
        return google.error(status, message)

    @staticmethod
    def over_quota(wait: float) -> Reply:
        """Say that the quota is used up, and for how long."""
        return google.quota_exceeded(MODEL, wait)

    def elsewhere(self, request: Request) -> Reply | None:
        """Answer what is not a prediction: the catalogue, other verbs, addresses that no service has."""
        path, token = request.path, request.bearer
        if request.method == "POST" and (match := _MODEL_PATH.fullmatch(path)):
            if match["verb"] == "predict":
                return None
            return turn_away(token, match) or _other_verb(match, path)
        if request.method == "GET" and (match := _CATALOGUE_PATH.fullmatch(path)):
            return turn_away(token, match) or _catalogue_entry()
        return google.not_found_page(path)

    def turn_away(self, request: Request) -> Reply | None:
        """Refuse who may not predict, or what is not there to be asked."""
        match = _MODEL_PATH.fullmatch(request.path)
        return turn_away(request.bearer, match) if match else None

    def understand(self, request: Request) -> EmbeddingRequest:
        """Read a predict request."""
        read = read_request(request.body)
        return EmbeddingRequest(
            tuple((item,) for item in (read.text, read.image) if item is not None), read.dimension
        )

    def compose(
        self, asked: EmbeddingRequest, vectors: Sequence[list[float]], _request: Request
    ) -> dict[str, Any]:
        """Make a prediction: text and image, sent together, give two independent vectors."""
        keys = ("textEmbedding" if isinstance(item, str) else "imageEmbedding" for (item,) in asked.items)
        prediction = dict(zip(keys, vectors, strict=True))
        return {"predictions": [prediction], "deployedModelId": "diptych-emulator"}


def turn_away(token: str, match: re.Match[str]) -> Reply | None:
    """Refuse who may not call, or what is not there to be called."""
    if not token:
        return google.unauthenticated("CREDENTIALS_MISSING")
    if token in TOKENS:
        project = match.groupdict().get("project", "-")  # the catalogue's address names none
        return TOKENS[token](project, match["resource"])
    if match["publisher"] != "google" or match["model"] not in VERSIONS:
        return google.model_not_found(match["resource"])
    return None


def _other_verb(match: re.Match[str], path: str) -> Reply:
    """Answer a method that other models have and this one has not."""
    if match["verb"] in {"embedContent", "batchEmbedContents", "generateContent", "streamGenerateContent"}:
        resource, verb = match["resource"], match["verb"]
        return google.error(400, f"Publisher Model `{resource}` is not supported in the {verb} API.")
    if match["verb"] == "computeTokens":
        return google.error(400, "computeTokens is infeasible")
    return google.not_found_page(path)


def _catalogue_entry() -> Reply:
    """Describe the model as `publishers.models.get` does, as far as clients look at it."""
    schema = "gs://google-cloud-aiplatform/schema/predict/{}/vision_embedding_model_1.0.0.yaml"
    template = "projects/{{user-project}}/locations/{{location}}/publishers/google/models/{}"
    return json_reply(
        {
            "name": f"publishers/google/models/{MODEL}",
            "versionId": "001",
            "openSourceCategory": "PROPRIETARY",
            "launchStage": "GA",
            "publisherModelTemplate": template.format(VERSIONS[0]),
            "predictSchemata": {
                "instanceSchemaUri": schema.format("instance"),
                "parametersSchemaUri": schema.format("params"),
                "predictionSchemaUri": schema.format("prediction"),
            },
        }
    )
