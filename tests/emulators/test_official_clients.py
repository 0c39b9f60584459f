"""The services' own clients get from the emulators what the embedder behind them says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import support
from diptych.emulators.bedrock import NOVA, TITAN, BedrockEmulator
from diptych.emulators.cohere import CohereEmulator
from diptych.emulators.gemini import GeminiEmulator
from embedders.hosted_cases import CASES, Colours, Script

RED = support.picture_bytes((200, 30, 30))
DATA_URI = "data:image/png;base64," + base64.b64encode(RED).decode()


def own_cosine(text: str) -> float:
    """What the embedder behind the emulators says of the red picture and a text."""
    behind = Colours()
    (picture,) = behind.embed_images([behind.prepare_image(Image.new("RGB", (64, 48), (200, 30, 30)))])
    return cosine(picture, behind.embed_texts([text])[0])


def cosine(a: Any, b: Any) -> float:
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))


# ---------------------------------------------------------------------------------------------- google-genai


@pytest.fixture
def genai() -> SimpleNamespace:
    support.need("google.genai")
    from google import genai
    from google.genai import errors, types
    from google.oauth2.credentials import Credentials

    return SimpleNamespace(genai=genai, types=types, errors=errors, Credentials=Credentials)


def contents(genai: SimpleNamespace) -> list[Any]:
    types = genai.types
    picture = types.Part.from_bytes(data=RED, mime_type="image/png")
    return [types.Content(parts=[picture]), types.Content(parts=[types.Part.from_text(text="a red card")])]


def test_googles_client_by_the_gemini_api(genai: SimpleNamespace) -> None:
    with GeminiEmulator(Colours()) as emulator:
        client = genai.genai.Client(
            api_key="any-key", http_options=genai.types.HttpOptions(base_url=emulator.url)
        )
        answer = client.models.embed_content(
            model="gemini-embedding-2",
            contents=contents(genai),
            config=genai.types.EmbedContentConfig(output_dimensionality=768),
        )
    picture, text = (each.values for each in answer.embeddings)
    assert len(picture) == 768
    assert cosine(picture, text) == pytest.approx(own_cosine("a red card"), abs=1e-6)


def test_googles_client_on_vertex_ai(genai: SimpleNamespace) -> None:
    with GeminiEmulator(Colours()) as emulator:
        client = genai.genai.Client(
            vertexai=True,
            project="p",
            location="us",
            credentials=genai.Credentials(token="any"),
            http_options=genai.types.HttpOptions(base_url=emulator.url),
        )
        vectors = [
            client.models.embed_content(model="gemini-embedding-2", contents=content).embeddings[0].values
            for content in contents(genai)
        ]
    assert len(vectors[0]) == 3072
    assert cosine(*vectors) == pytest.approx(own_cosine("a red card"), abs=1e-6)


def test_googles_client_is_told_that_its_key_is_wrong(genai: SimpleNamespace) -> None:
    with GeminiEmulator(Colours()) as emulator:
        client = genai.genai.Client(
            api_key="wrong", http_options=genai.types.HttpOptions(base_url=emulator.url)
        )
        with pytest.raises(genai.errors.ClientError) as caught:
            client.models.embed_content(model="gemini-embedding-2", contents=contents(genai))
    assert caught.value.code == 400


# ---------------------------------------------------------------------------------------------------- cohere


@pytest.fixture
def cohere() -> Any:
    support.need("cohere")
    import cohere

    return cohere


def test_coheres_client(cohere: Any) -> None:
    with CohereEmulator(Colours()) as emulator:
        client = cohere.ClientV2("any-key", base_url=emulator.url)
        model = {"model": "embed-v4.0", "embedding_types": ["float"], "output_dimension": 512}
        image = {"type": "image_url", "image_url": {"url": DATA_URI}}
        both = [{"content": [image]}, {"content": [{"type": "text", "text": "a red card"}]}]
        inputs = client.embed(input_type="search_document", inputs=both, **model)
        texts = client.embed(input_type="search_query", texts=["a red card"], **model)
        images = client.embed(input_type="image", images=[DATA_URI], **model)
    picture, text = inputs.embeddings.float_
    assert len(picture) == 512
    assert cosine(picture, text) == pytest.approx(own_cosine("a red card"), abs=1e-6)
    assert (images.embeddings.float_, texts.embeddings.float_) == ([picture], [text])


@pytest.mark.parametrize(
    ("key", "error"), [("wrong", "UnauthorizedError"), ("denied", "ForbiddenError"), ("any", "NotFoundError")]
)
def test_coheres_client_understands_the_errors(cohere: Any, key: str, error: str) -> None:
    with CohereEmulator(Colours()) as emulator:
        client = cohere.ClientV2(key, base_url=emulator.url)
        with pytest.raises(getattr(cohere.errors, error)):
            client.embed(model="embed-v9", input_type="search_query", texts=["a"])


# ----------------------------------------------------------------------------------------------------- boto3


@pytest.fixture
def bedrock() -> Iterator[Any]:
    support.need("boto3")
    import boto3
    from botocore.config import Config

    with BedrockEmulator(Colours()) as emulator:

        def client(key_id: str = "any") -> Any:
            return boto3.client(
                "bedrock-runtime",
                region_name="us-east-1",
                endpoint_url=emulator.url,
                aws_access_key_id=key_id,
                aws_secret_access_key="any",
                config=Config(retries={"total_max_attempts": 1}),
            )

        yield client


def nova(purpose: str, **item: Any) -> dict[str, Any]:
    single = {"embeddingPurpose": purpose, "embeddingDimension": 256, **item}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": single}


def invoke(client: Any, model: str, body: dict[str, Any]) -> Any:
    answer = client.invoke_model(modelId=model, body=json.dumps(body), contentType="application/json")
    return json.loads(answer["body"].read())


def test_amazons_client(bedrock: Any) -> None:
    client, encoded = bedrock(), base64.b64encode(RED).decode()
    titan = [
        invoke(client, TITAN, body)["embedding"]
        for body in ({"inputImage": encoded}, {"inputText": "a red card"})
    ]
    image = {"format": "png", "source": {"bytes": encoded}}
    text = {"truncationMode": "END", "value": "a red card"}
    both = [
        invoke(client, NOVA, body)["embeddings"][0]["embedding"]
        for body in (nova("GENERIC_INDEX", image=image), nova("IMAGE_RETRIEVAL", text=text))
    ]
    assert (len(titan[0]), len(both[0])) == (1024, 256)
    for vectors in (titan, both):
        assert cosine(*vectors) == pytest.approx(own_cosine("a red card"), abs=1e-6)


@pytest.mark.parametrize(
    ("key_id", "body", "error"),
    [
        ("wrong", {"inputText": "a"}, "UnrecognizedClientException"),
        ("denied", {"inputText": "a"}, "AccessDeniedException"),
        ("any", {}, "ValidationException"),
    ],
)
def test_amazons_client_understands_the_errors(
    bedrock: Any, key_id: str, body: dict[str, Any], error: str
) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        invoke(bedrock(key_id), TITAN, body)
    assert caught.value.response["Error"]["Code"] == error


@pytest.mark.parametrize("case", [case for case in CASES if case.provider == "bedrock"], ids=lambda c: c.id)
def test_our_requests_are_signed_as_amazon_specifies(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature anew, step by step as Signature Version 4 is specified, over what was on the wire."""
    support.need("boto3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-session")
    script = Script(case.emulator)
    with script.emulator:
        case.load(script.emulator.url).embed_texts(["a red card"])
    (request,) = script.requests
    scope, signed, signature = (
        part.partition("=")[2] for part in request.headers["authorization"].split(" ", 1)[1].split(", ")
    )
    _, day, region, service, kind = scope.split("/")
    names = signed.split(";")
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(names)
    path = request.target.replace("%", "%25")  # a path that is encoded is encoded once more to be signed
    headers = "".join(f"{name}:{request.headers[name]}\n" for name in names)
    body = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join(["POST", path, "", headers, signed, body])
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            request.headers["x-amz-date"],
            f"{day}/{region}/{service}/{kind}",
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = b"AWS4the-secret"
    for part in (day, region, service, kind):
        key = hmac.digest(key, part.encode(), "sha256")
    assert (region, service, kind) == ("us-east-1", "bedrock", "aws4_request")
    assert hmac.digest(key, to_sign.encode(), "sha256").hex() == signature
