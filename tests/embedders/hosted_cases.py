"""Every hosted adapter with the emulator that answers it, for tests that hold for all of them."""

from __future__ import annotations

import hashlib
import importlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders import EmbedderInfo, InputRejected
from diptych.embedders.hosted import HostedEmbedder
from diptych.emulators.bedrock import NOVA, TITAN, BedrockEmulator
from diptych.emulators.cohere import CohereEmulator
from diptych.emulators.emulator import Emulator
from diptych.emulators.gemini import GeminiEmulator
from diptych.emulators.jina import JinaEmulator
from diptych.emulators.replies import Reply, Request
from diptych.emulators.vertex import VertexEmulator
from diptych.emulators.voyage import VoyageEmulator

SECRET = "sEcReT-0f-tHe-UsUaL-lEnGtH-42"
REFUSED_COLOUR = (255, 0, 255)
"""A picture that begins with this colour is one that the service never takes."""


@dataclass(frozen=True)
class Case:
    """One adapter: how it is made, what answers it, what its requests must be.

    `image_request` and `text_request` are what the service's documentation shows, for the dimension in
    `options`; a picture's base64 stands in them as `JPEG`, a text as `TEXT`.
    """

    id: str
    provider: str
    emulator: type[Emulator]
    secret_variables: tuple[str, ...]
    path: str
    image_request: Mapping[str, Any]
    text_request: Mapping[str, Any]
    model: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def load(self, endpoint: str, **options: object) -> HostedEmbedder:
        module = importlib.import_module(f"diptych.embedders.{self.provider}")
        wanted = {"requests_per_minute": "0", **self.options, **options}
        return module.load(self.model, endpoint=endpoint, **{name: str(v) for name, v in wanted.items()})


_DATA_URI = "data:image/jpeg;base64,JPEG"
_QUERY = "task: search result | query: TEXT"
_GEMINI_PICTURE = {"parts": [{"inlineData": {"mimeType": "image/jpeg", "data": "JPEG"}}]}
_GEMINI_768 = {"model": "models/gemini-embedding-2", "outputDimensionality": 768}


def _inputs(*, of: Mapping[str, Any]) -> dict[str, Any]:
    return {"inputs": [{"content": [of]}]}


def _nova(purpose: str, **item: Any) -> dict[str, Any]:
    single = {"embeddingPurpose": purpose, "embeddingDimension": 384, **item}
    head = {"schemaVersion": "nova-multimodal-embed-v1", "taskType": "SINGLE_EMBEDDING"}
    return {**head, "singleEmbeddingParams": single}


CASES = (
    Case(
        "vertex",
        "vertex",
        VertexEmulator,
        ("VERTEX_ACCESS_TOKEN",),
        "/v1/projects/p/locations/us-central1/publishers/google/models/multimodalembedding@001:predict",
        {"instances": [{"image": {"bytesBase64Encoded": "JPEG"}}], "parameters": {"dimension": 256}},
        {"instances": [{"text": "TEXT"}], "parameters": {"dimension": 256}},
        options={"project": "p", "dimension": "256"},
    ),
    Case(
        "gemini",
        "gemini",
        GeminiEmulator,
        ("GEMINI_API_KEY",),
        "/v1beta/models/gemini-embedding-2:batchEmbedContents",
        {"requests": [{**_GEMINI_768, "content": _GEMINI_PICTURE}]},
        {"requests": [{**_GEMINI_768, "content": {"parts": [{"text": _QUERY}]}}]},
        options={"dimension": "768"},
    ),
    Case(
        "gemini on Vertex AI",
        "gemini",
        GeminiEmulator,
        ("VERTEX_ACCESS_TOKEN",),
        "/v1/projects/p/locations/eu/publishers/google/models/gemini-embedding-2:embedContent",
        {"content": _GEMINI_PICTURE, "embedContentConfig": {"outputDimensionality": 768}},
        {"content": {"parts": [{"text": _QUERY}]}, "embedContentConfig": {"outputDimensionality": 768}},
        options={"project": "p", "location": "eu", "dimension": "768"},
    ),
    Case(
        "cohere",
        "cohere",
        CohereEmulator,
        ("CO_API_KEY",),
        "/v2/embed",
        {
            "model": "embed-v5.0-pro",
            "input_type": "search_document",
            "embedding_types": ["float"],
            "output_dimension": 512,
            **_inputs(of={"type": "image_url", "image_url": {"url": _DATA_URI}}),
        },
        {
            "model": "embed-v5.0-pro",
            "input_type": "search_query",
            "embedding_types": ["float"],
            "output_dimension": 512,
            **_inputs(of={"type": "text", "text": "TEXT"}),
        },
        options={"dimension": "512"},
    ),
    Case(
        "voyage",
        "voyage",
        VoyageEmulator,
        ("VOYAGE_API_KEY",),
        "/v1/multimodalembeddings",
        {
            "model": "voyage-multimodal-3.5",
            "input_type": "document",
            "output_dimension": 256,
            **_inputs(of={"type": "image_base64", "image_base64": _DATA_URI}),
        },
        {
            "model": "voyage-multimodal-3.5",
            "input_type": "query",
            "output_dimension": 256,
            **_inputs(of={"type": "text", "text": "TEXT"}),
        },
        options={"dimension": "256"},
    ),
    Case(
        "titan",
        "bedrock",
        BedrockEmulator,
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        f"/model/{TITAN}/invoke",
        {"inputImage": "JPEG", "embeddingConfig": {"outputEmbeddingLength": 384}},
        {"inputText": "TEXT", "embeddingConfig": {"outputEmbeddingLength": 384}},
        options={"region": "us-east-1", "dimension": "384"},
    ),
    Case(
        "nova",
        "bedrock",
        BedrockEmulator,
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        f"/model/{NOVA}/invoke",
        _nova("GENERIC_INDEX", image={"format": "jpeg", "source": {"bytes": "JPEG"}}),
        _nova("IMAGE_RETRIEVAL", text={"truncationMode": "END", "value": "TEXT"}),
        model=NOVA,
        options={"region": "us-east-1", "dimension": "384"},
    ),
    Case(
        "jina",
        "jina",
        JinaEmulator,
        ("JINA_API_KEY",),
        "/v1/embeddings",
        {"model": "jina-clip-v2", "dimensions": 512, "input": [{"image": "JPEG"}]},
        {"model": "jina-clip-v2", "dimensions": 512, "input": [{"text": "TEXT"}]},
        options={"dimension": "512"},
    ),
)


class Colours:
    """Sees the mean colour of each quarter of a picture, and hashes texts; refuses one colour."""

    info = EmbedderInfo(
        name="colours",
        provider="colours",
        model="colours",
        dimension=12,
        preprocessing="2 × 2 pixels",
        fingerprint="colours",
        concurrency=8,
    )

    def prepare_image(self, image: Image.Image) -> NDArray[np.float32]:
        pixel = image.getpixel((0, 0))
        if np.abs(np.subtract(pixel, REFUSED_COLOUR)).max() < 8:
            raise InputRejected("this picture is not allowed")
        return np.asarray(image.resize((2, 2), Image.Resampling.BOX), np.float32).ravel() - 100.0

    def embed_images(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) for text in texts]
        return np.stack([np.random.default_rng(seed).normal(size=12) for seed in seeds]).astype(np.float32)


class Script:
    """An emulator whose first answers, or all of them, are planned; it keeps every request.

    Attributes:
        first: Answers to be given before its own, in order of arrival.
        always: Makes the answer in place of the emulator's own, where set.
        requests: What arrived.
        answers: What was answered, in the order of the answers.
    """

    def __init__(self, kind: type[Emulator], **settings: Any) -> None:
        self.first: list[Reply | Callable[[], Reply]] = []
        self.always: Callable[[Request], Reply] | None = None
        self.requests: list[Request] = []
        self.answers: list[Reply] = []
        self._lock = threading.Lock()
        script = self

        class Scripted(kind):  # type: ignore[misc, valid-type]
            def answer(self, request: Request) -> Reply:
                return script._answer(request, super().answer)

        self.emulator: Emulator = Scripted(Colours(), **settings)

    def arrived(self, count: int) -> int:
        """How many requests arrived, once so many did: who gave up may have done so before they were read."""
        until = time.monotonic() + 60
        while len(self.requests) < count and time.monotonic() < until:
            time.sleep(0.01)
        return len(self.requests)

    def _answer(self, request: Request, own: Callable[[Request], Reply]) -> Reply:
        with self._lock:
            self.requests.append(request)
            planned = self.first.pop(0) if self.first else None
        if planned is None:
            reply = (self.always or own)(request)
        else:
            reply = planned() if callable(planned) else planned
        self.answers.append(reply)
        return reply
