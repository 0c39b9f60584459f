"""The other emulators are as strict as their services are documented; what all share is in Vertex's tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import support
from diptych.emulators.bedrock import NOVA, TITAN, BedrockEmulator
from diptych.emulators.cohere import CohereEmulator
from diptych.emulators.emulator import Emulator
from diptych.emulators.gemini import GeminiEmulator
from diptych.emulators.jina import JinaEmulator
from diptych.emulators.replies import Request
from diptych.emulators.voyage import VoyageEmulator
from embedders.hosted_cases import CASES, Colours

PICTURE = support.picture_bytes((200, 30, 30))
BASE64 = base64.b64encode(PICTURE).decode()
DATA_URI = f"data:image/png;base64,{BASE64}"

SIGNED = (
    "AWS4-HMAC-SHA256 Credential={}/20261125/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date,"
    f" Signature={'0' * 64}"
)
HEADERS: dict[type[Emulator], Mapping[str, str]] = {
    GeminiEmulator: {"x-goog-api-key": "any"},
    BedrockEmulator: {"authorization": SIGNED.format("any"), "x-amz-date": "20261125T000000Z"},
}
BEARER = {"authorization": "Bearer any"}

GEMINI = "/v1beta/models/gemini-embedding-2:embedContent"
BATCH = "/v1beta/models/gemini-embedding-2:batchEmbedContents"
ON_VERTEX = "/v1/projects/p/locations/us/publishers/google/models/gemini-embedding-2:embedContent"
COHERE, VOYAGE, JINA = "/v2/embed", "/v1/multimodalembeddings", "/v1/embeddings"
ON_TITAN, ON_NOVA = f"/model/{TITAN}/invoke", f"/model/{NOVA}/invoke"


@pytest.fixture(scope="module")
def running() -> Iterator[dict[type[Emulator], Emulator]]:
    kinds = {case.emulator for case in CASES}
    emulators = {kind: kind(Colours()) for kind in kinds}
    for emulator in emulators.values():
        emulator.__enter__()
    yield emulators
    for emulator in emulators.values():
        emulator.close()


def post(
    running: Mapping[type[Emulator], Emulator], kind: type[Emulator], path: str, body: Any, **headers: str
) -> httpx2.Response:
    sent = {**HEADERS.get(kind, BEARER), **{name.replace("_", "-"): value for name, value in headers.items()}}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.post(running[kind].url + path, content=content, headers=sent, timeout=30)


def said(answer: httpx2.Response) -> str:
    message = answer.json()
    return str(message.get("message") or message.get("detail") or message["error"]["message"])


def part(**fields: Any) -> dict[str, Any]:
    return {"content": {"parts": [fields]}}


def picture(mime: str = "image/png", data: str = BASE64) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": data}}


def cohere(**fields: Any) -> dict[str, Any]:
    return {"model": "embed-v4.0", "input_type": "search_query", **fields}


def voyage(*content: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "voyage-multimodal-3.5", "inputs": [{"content": list(content)}], **fields}


def nova(**fields: Any) -> dict[str, Any]:
    single = {"embeddingPurpose": "GENERIC_INDEX", "text": {"truncationMode": "END", "value": "a"}, **fields}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": single}


@pytest.mark.parametrize(
    ("kind", "path", "body", "message"),
    [
        (GeminiEmulator, GEMINI, {}, "content is empty"),
        (GeminiEmulator, GEMINI, b"{", "Invalid JSON payload"),
        (GeminiEmulator, GEMINI, part(text=""), "A part is a text or inlineData"),
        (GeminiEmulator, GEMINI, part(fileData={"fileUri": "gs://a"}), "A part is a text or inlineData"),
        (GeminiEmulator, GEMINI, part(**picture("audio/mp3")), "audio/mp3"),
        (GeminiEmulator, GEMINI, part(**picture(data=DATA_URI)), "`data:` prefix"),
        (GeminiEmulator, GEMINI, {**part(text="a"), "taskType": "RETRIEVAL_QUERY"}, "not supported"),
        (GeminiEmulator, GEMINI, {**part(text="a"), "dimension": 7}, 'Unknown name "dimension"'),
        (GeminiEmulator, GEMINI, {**part(text="a"), "outputDimensionality": 127}, "128 to 3072"),
        (
            GeminiEmulator,
            GEMINI,
            {**part(text="a"), "embedContentConfig": {"outputDimensionality": 3073}},
            "128 to",
        ),
        (GeminiEmulator, GEMINI, {"content": {"parts": [picture()] * 7}}, "At most 6 images"),
        (GeminiEmulator, BATCH, {"requests": []}, "must not be empty"),
        (GeminiEmulator, BATCH, {"requests": [part(**picture())] * 7}, "At most 6 images"),
        (CohereEmulator, COHERE, b"[]", "expected an object"),
        (CohereEmulator, COHERE, {"input_type": "search_query", "texts": ["a"]}, "model"),
        (CohereEmulator, COHERE, {"model": "embed-v4.0", "texts": ["a"]}, "input_type"),
        (CohereEmulator, COHERE, cohere(), "one of texts, images and inputs"),
        (CohereEmulator, COHERE, cohere(texts=["a"], images=[DATA_URI]), "one of texts, images and inputs"),
        (CohereEmulator, COHERE, cohere(texts=["a"] * 97), "at most 96 texts"),
        (CohereEmulator, COHERE, cohere(texts=[""]), "non-empty string"),
        (CohereEmulator, COHERE, cohere(texts=["a"], output_dimension=768), "256, 512, 1024"),
        (CohereEmulator, COHERE, cohere(texts=["a"], embedding_types=["int8"]), "float embeddings only"),
        (CohereEmulator, COHERE, cohere(texts=["a"], dimensions=512), "unknown field: dimensions"),
        (CohereEmulator, COHERE, cohere(images=[BASE64]), "data URI"),
        (CohereEmulator, COHERE, cohere(images=["data:image/tiff;base64,AAAA"]), "image/webp"),
        (CohereEmulator, COHERE, cohere(inputs=[{"content": []}]), "content"),
        (CohereEmulator, COHERE, cohere(inputs=[{"content": [{"type": "video"}]}]), "type"),
        (VoyageEmulator, VOYAGE, voyage(), "content"),
        (VoyageEmulator, VOYAGE, voyage({"type": "text", "text": "a"}, input_type="search"), "input_type"),
        (
            VoyageEmulator,
            VOYAGE,
            voyage({"type": "text", "text": "a"}, output_dimension=768),
            "output_dimension",
        ),
        (VoyageEmulator, VOYAGE, voyage({"type": "image_base64", "image_base64": BASE64}), "data URI"),
        (VoyageEmulator, VOYAGE, voyage({"type": "image_url", "image_url": "https://x"}), "fetches no"),
        (VoyageEmulator, VOYAGE, voyage({"type": "text", "text": "a", "image_url": "b"}), "unknown field"),
        (JinaEmulator, JINA, {"model": "jina-clip-v2", "input": []}, "non-empty list"),
        (JinaEmulator, JINA, {"model": "jina-clip-v2", "input": [{}]}, "either text or image"),
        (
            JinaEmulator,
            JINA,
            {"model": "jina-clip-v2", "input": [{"text": "a", "image": BASE64}]},
            "either text",
        ),
        (JinaEmulator, JINA, {"model": "jina-clip-v2", "input": [{"image": "https://x"}]}, "bare base64"),
        (JinaEmulator, JINA, {"model": "jina-clip-v2", "input": ["a"], "dimensions": 1025}, "dimensions"),
        (BedrockEmulator, ON_TITAN, {}, "inputText or inputImage"),
        (BedrockEmulator, ON_TITAN, {"inputImage": DATA_URI}, "bare base64"),
        (
            BedrockEmulator,
            ON_TITAN,
            {"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": 512}},
            "256, 384",
        ),
        (BedrockEmulator, ON_NOVA, {"inputText": "a"}, "unknown field: inputText"),
        (BedrockEmulator, ON_NOVA, nova(embeddingPurpose="SEARCH"), "embeddingPurpose"),
        (BedrockEmulator, ON_NOVA, nova(embeddingDimension=512), "embeddingDimension"),
        (BedrockEmulator, ON_NOVA, nova(image={"format": "jpeg"}), "text or image"),
        (BedrockEmulator, ON_NOVA, nova(text={"value": "a"}), "truncationMode"),
        (BedrockEmulator, "/model/amazon.none/invoke", {"inputText": "a"}, "model identifier is invalid"),
    ],
)  # fmt: skip
def test_what_a_service_does_not_take_is_refused(
    running: dict[type[Emulator], Emulator], kind: type[Emulator], path: str, body: Any, message: str
) -> None:
    answer = post(running, kind, path, body)
    assert answer.status_code == 400
    assert message in said(answer)


def test_parts_of_one_content_are_fused_and_contents_of_a_batch_are_not(
    running: dict[type[Emulator], Emulator],
) -> None:
    """The trap: a client that puts several pictures into one content gets one vector for all."""
    parts = [picture(), {"text": "a"}]
    fused = post(running, GeminiEmulator, GEMINI, {"content": {"parts": parts}}).json()["embedding"]["values"]
    batch = {"requests": [part(**each) for each in parts]}
    alone = post(running, GeminiEmulator, BATCH, batch).json()["embeddings"]
    assert len(alone) == 2
    mean = np.mean([each["values"] for each in alone], axis=0)
    np.testing.assert_allclose(fused, mean / np.linalg.norm(mean), atol=1e-6)


@pytest.mark.parametrize("location", ["us", "eu", "global"])
def test_gemini_is_served_on_vertex_ai_in_three_locations(
    running: dict[type[Emulator], Emulator], location: str
) -> None:
    path = ON_VERTEX.replace("/us/", f"/{location}/")
    assert post(running, GeminiEmulator, path, part(text="a"), **BEARER).status_code == 200


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [
        (GeminiEmulator, ON_VERTEX.replace("/us/", "/us-central1/"), 404),
        (GeminiEmulator, GEMINI.replace("-2", "-9"), 404),
        (GeminiEmulator, GEMINI.replace("embedContent", "generateContent"), 404),
        (CohereEmulator, "/v1/embed", 404),
        (VoyageEmulator, "/v1/embeddings", 404),
        (JinaEmulator, "/", 404),
        (BedrockEmulator, f"/model/{TITAN}/converse", 404),
    ],
)
def test_what_is_not_there_is_not_found(
    running: dict[type[Emulator], Emulator], kind: type[Emulator], path: str, status: int
) -> None:
    headers = {} if kind is BedrockEmulator else BEARER
    assert post(running, kind, path, part(text="a"), **headers).status_code == status


REFUSED = (("", 401), ("Bearer wrong", 401), ("Bearer unpaid", 402), ("Bearer denied", 403))


@pytest.mark.parametrize(
    ("kind", "path", "headers", "status"),
    [
        (GeminiEmulator, GEMINI, {"x_goog_api_key": ""}, 403),
        (GeminiEmulator, GEMINI, {"x_goog_api_key": "wrong"}, 400),
        (GeminiEmulator, GEMINI, {"x_goog_api_key": "denied"}, 403),
        (GeminiEmulator, ON_VERTEX, {}, 401),
        (GeminiEmulator, ON_VERTEX, {"authorization": "Bearer expired"}, 401),
        (GeminiEmulator, ON_VERTEX, {"authorization": "Bearer disabled"}, 403),
        *(
            (kind, path, {"authorization": value}, status)
            for kind, path in ((CohereEmulator, COHERE), (VoyageEmulator, VOYAGE), (JinaEmulator, JINA))
            for value, status in REFUSED
        ),
        (BedrockEmulator, ON_TITAN, {"authorization": "Bearer any"}, 403),
        (BedrockEmulator, ON_TITAN, {"authorization": SIGNED.format("wrong")}, 403),
        (BedrockEmulator, ON_TITAN, {"authorization": SIGNED.format("any").replace("bedrock/", "s3/")}, 403),
    ],
)  # fmt: skip
def test_who_may_not_ask_is_turned_away(
    running: dict[type[Emulator], Emulator],
    kind: type[Emulator],
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    assert post(running, kind, path, {}, **headers).status_code == status


FIELDS = (
    st.sampled_from(
        ["model", "input", "inputs", "input_type", "texts", "content", "parts", "requests", "text"]
    )
    | st.sampled_from(["inputText", "inputImage", "taskType", "embeddingConfig", "singleEmbeddingParams"])
    | st.sampled_from(["data", "type", "image", "outputDimensionality", "embedContentConfig", "inlineData"])
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=ANYTHING)
def test_whatever_is_sent_is_answered_and_never_a_fault(
    running: dict[type[Emulator], Emulator], case: Any, message: Any
) -> None:
    headers = (
        {**HEADERS[BedrockEmulator]} if case.provider == "bedrock" else {**BEARER, "x-goog-api-key": "any"}
    )
    request = Request("POST", case.path, headers, json.dumps(message).encode())
    assert running[case.emulator].answer(request).status in {200, 400, 404}
