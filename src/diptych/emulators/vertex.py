"""A stand-in for Vertex AI's multimodal embedding endpoint, on this machine.

It answers `POST /v1/projects/P/locations/L/publishers/google/models/multimodalembedding@001:predict` as the
service is documented to, with the vectors of any embedder, so that clients can be tried and tested without
an account. `GET /v1/publishers/google/models/multimodalembedding@001` is there for Google's own client, which
asks for it first.

Any project, any location and any bearer token will do, but these tokens (see `TOKENS`) are turned away, each
as Google does it: `expired`, `denied`, `disabled`, `unbilled`, `borrowed`.

What is known about the service is kept: one instance a request, its dimensions, its limits, its error
envelope. What is not known is kept simple: a text's 32 tokens are counted as words; a video or a `gcsUri` is
refused in plain words; and an image is seen as the embedder sees it. Vectors are carried to the dimension
asked for by a fixed orthonormal map, which upwards keeps the embedder's own cosines.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import unquote

from diptych.embedders.base import Embedder
from diptych.emulators import google_errors as google
from diptych.emulators.front_end import DROPPED, listen
from diptych.emulators.google_errors import Refusal, Reply
from diptych.emulators.vertex_model import Model, PredictRequest, read_request
from diptych.errors import DiptychError

MODEL = "multimodalembedding"
VERSIONS = (f"{MODEL}@001", MODEL)
REMEMBERED = 100_000
"""How many of the latest answers `VertexEmulator.served` holds."""

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
    google.html_error(503, "The service you requested is not available at this time."),
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


@dataclass(frozen=True)
class Served:
    """One thing that a prediction request was answered for; a text and an image sent together are two.

    Attributes:
        status: The HTTP status; 0 is a connection dropped on purpose.
        kind: What was sent, or None where the request could not be read.
        sha256: The hash of the picture's bytes or of the text in UTF-8, in hexadecimal; None without a kind.
    """

    status: int
    kind: Literal["image", "text"] | None
    sha256: str | None


class TokenBucket:
    """Lets through a number of calls a minute, all of them at once if need be.

    Args:
        per_minute: The size of the bucket, which fills up evenly within a minute.
        clock: Tells the time in seconds.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = max(1.0, per_minute)
        self._per_second = per_minute / 60.0
        self._clock = clock
        self._level, self._at = self._size, clock()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one call; returns 0.0, or the seconds until there will be one."""
        with self._lock:
            now = self._clock()
            self._level = min(self._size, self._level + (now - self._at) * self._per_second)
            self._at = now
            if self._level < 1.0:
                return (1.0 - self._level) / self._per_second
            self._level -= 1.0
            return 0.0


class VertexEmulator:
    """Vertex AI's multimodal embedding endpoint, served on 127.0.0.1 by this process.

    The port is taken at once; answers come inside a `with` block (from a background thread) or while
    `serve_forever` runs. Nothing of a request is kept or logged but hashes of what was embedded.

    Args:
        embedder: Makes the vectors.
        port: The port; 0 picks a free one.
        latency: Seconds that every prediction takes longer.
        error_rate: The share of predictions (0 to 1) that fail as one of `WEATHER`.
        requests_per_minute: The quota, after which predictions get a 429; None is none.
        seed: Of the draws for `error_rate`; they follow the order in which requests arrive.

    Attributes:
        url: The address to give to clients in place of `https://LOCATION-aiplatform.googleapis.com`.
        port: The port that it listens on.

    Raises:
        DiptychError: The port can't be used, or an argument is out of range.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        port: int = 0,
        latency: float = 0.0,
        error_rate: float = 0.0,
        requests_per_minute: float | None = None,
        seed: int = 0,
    ) -> None:
        if not latency >= 0.0:
            raise DiptychError(f"latency is in seconds, 0 or more, not {latency}")
        if not 0.0 <= error_rate <= 1.0:
            raise DiptychError(f"error rate is a share from 0 to 1, not {error_rate}")
        if requests_per_minute is not None and not requests_per_minute > 0.0:
            raise DiptychError(f"requests per minute must be more than 0, not {requests_per_minute}")
        self._model = Model(embedder)
        self._latency = latency
        self._error_rate = error_rate
        self._quota = TokenBucket(requests_per_minute) if requests_per_minute else None
        self._random = random.Random(seed)  # noqa: S311 - it only decides which call fails
        self._served: deque[Served] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._server = listen(self._answer, port)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def served(self) -> list[Served]:
        """What prediction requests were answered for, in order; a copy, the latest `REMEMBERED` of them."""
        with self._lock:
            return list(self._served)

    def serve_forever(self) -> None:
        """Answer until interrupted (Ctrl-C raises KeyboardInterrupt as usual), or closed by a thread."""
        with self:
            while not self._closing.wait(1.0):  # an endless wait can't be interrupted on Windows
                pass

    def close(self) -> None:
        """Stop answering, end open connections and free the port."""
        self._closing.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="vertex-emulator", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, method: str, target: str, token: str, body: bytes) -> Reply:
        path = unquote(target.partition("?")[0])
        if method == "POST" and (match := _MODEL_PATH.fullmatch(path)):
            if match["verb"] == "predict":
                return self._predict(match, token, body)
            return _turn_away(token, match) or _other_verb(match, path)
        if method == "GET" and (match := _CATALOGUE_PATH.fullmatch(path)):
            return _turn_away(token, match) or _catalogue_entry()
        return google.not_found_page(path)

    def _predict(self, match: re.Match[str], token: str, body: bytes) -> Reply:
        self._closing.wait(self._latency)
        request = _understand(body)
        reply = _turn_away(token, match) or self._over_quota() or self._weather() or self._embed(request)
        self._remember(reply.status, request)
        return reply

    def _over_quota(self) -> Reply | None:
        wait = self._quota.take() if self._quota else 0.0
        return google.quota_exceeded(MODEL, wait) if wait else None

    def _weather(self) -> Reply | None:
        with self._lock:
            return self._random.choice(WEATHER) if self._random.random() < self._error_rate else None

    def _embed(self, request: PredictRequest | Reply) -> Reply:
        if isinstance(request, Reply):
            return request
        try:
            prediction = self._model.predict(request)
        except Refusal as refusal:
            return refusal.reply
        return _json({"predictions": [prediction], "deployedModelId": "diptych-emulator"})

    def _remember(self, status: int, request: PredictRequest | Reply) -> None:
        entries = [Served(status, None, None)]
        if isinstance(request, PredictRequest):
            entries = [Served(status, kind, digest) for kind, digest in _digests(request)]
        with self._lock:
            self._served.extend(entries)


def _understand(body: bytes) -> PredictRequest | Reply:
    try:
        return read_request(body)
    except Refusal as refusal:
        return refusal.reply


def _digests(request: PredictRequest) -> Iterator[tuple[Literal["image", "text"], str]]:
    if request.text is not None:
        # a lone surrogate is valid in JSON, but not in UTF-8
        yield "text", hashlib.sha256(request.text.encode("utf-8", "surrogatepass")).hexdigest()
    if request.image is not None:
        yield "image", hashlib.sha256(request.image).hexdigest()


def _turn_away(token: str, match: re.Match[str]) -> Reply | None:
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
    return _json(
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


def _json(message: dict[str, Any]) -> Reply:
    return Reply(200, json.dumps(message).encode())
