"""The emulator answers as Vertex AI is documented to, over real HTTP, with its embedder's own cosines."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import support
from diptych.embedders import EmbedderInfo, InputRejected, TransientError
from diptych.emulators.emulator import Served, TokenBucket
from diptych.emulators.front_end import MAX_BODY
from diptych.emulators.model import carry, fits_as_png, orthonormal_map
from diptych.emulators.replies import Refusal
from diptych.emulators.vertex import VertexEmulator
from diptych.emulators.vertex_request import read_request
from diptych.errors import DiptychError

PREDICT = "/v1/projects/p/locations/us-central1/publishers/google/models/multimodalembedding@001:predict"
RED, GREEN = (200, 30, 30), (20, 180, 60)


class Tiny:
    """Sees the mean colour of each quarter of a picture, and hashes texts."""

    def __init__(self, dimension: int = 12, concurrency: int = 8) -> None:
        self.info = EmbedderInfo(
            name="tiny",
            provider="tiny",
            model="tiny",
            dimension=dimension,
            preprocessing="2 × 2 pixels",
            fingerprint="tiny",
            concurrency=concurrency,
        )

    def prepare_image(self, image: Image.Image) -> NDArray[np.uint8]:
        return np.asarray(image.resize((2, 2), Image.Resampling.BOX))

    def embed_images(self, prepared: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return np.stack(
            [np.resize(quarters.ravel() / 64.0, self.info.dimension) for quarters in prepared]
        ).astype(np.float32)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) for text in texts]
        rows = [np.random.default_rng(seed).normal(size=self.info.dimension) for seed in seeds]
        return np.stack(rows).astype(np.float32)


@pytest.fixture
def emulator() -> Iterator[VertexEmulator]:
    with VertexEmulator(Tiny()) as running:
        yield running


def predict(
    emulator: VertexEmulator, body: Any, *, token: str | None = "any", path: str = PREDICT
) -> httpx2.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.post(emulator.url + path, content=content, headers=headers, timeout=30)


def text_body(text: str, **parameters: Any) -> dict[str, Any]:
    return {"instances": [{"text": text}], "parameters": parameters}


def image_body(data: bytes, **parameters: Any) -> dict[str, Any]:
    encoded = base64.b64encode(data).decode()
    return {"instances": [{"image": {"bytesBase64Encoded": encoded}}], "parameters": parameters}


def vector(response: httpx2.Response, key: str) -> NDArray[np.float64]:
    assert response.status_code == 200, response.text
    return np.array(response.json()["predictions"][0][key])


def cosine(a: NDArray[Any], b: NDArray[Any]) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --------------------------------------------------------------------------------------------- vectors


def test_a_text_gives_one_unit_vector_of_1408_numbers(emulator: VertexEmulator) -> None:
    answer = predict(emulator, {"instances": [{"text": "a cat"}]})
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.json().keys() == {"predictions", "deployedModelId"}
    (prediction,) = answer.json()["predictions"]
    assert prediction.keys() == {"textEmbedding"}
    assert len(prediction["textEmbedding"]) == 1408
    assert np.linalg.norm(prediction["textEmbedding"]) == pytest.approx(1.0, abs=1e-6)


def test_text_and_image_in_one_instance_give_two_independent_vectors(emulator: VertexEmulator) -> None:
    text, image = text_body("a cat"), image_body(support.picture_bytes(RED))
    both = {"instances": [text["instances"][0] | image["instances"][0]]}
    together = predict(emulator, both)
    for key, alone in (("textEmbedding", text), ("imageEmbedding", image)):
        np.testing.assert_array_equal(vector(together, key), vector(predict(emulator, alone), key))


@pytest.mark.parametrize("dimension", [128, 256, 512, 1408])
def test_cosines_are_the_embedders_own_wherever_its_vectors_fit(dimension: int) -> None:
    embedder = Tiny(dimension=100)
    words, colours = ["cat", "dog", "bird"], [RED, GREEN, (1, 2, 250)]
    pictures = [Image.new("RGB", (8, 8), colour) for colour in colours]
    own = [
        *embedder.embed_texts(words),
        *embedder.embed_images([embedder.prepare_image(picture) for picture in pictures]),
    ]
    with VertexEmulator(embedder) as emulator:
        texts = [predict(emulator, text_body(word, dimension=dimension)) for word in words]
        images = [
            predict(emulator, image_body(support.picture_bytes(colour), dimension=dimension))
            for colour in colours
        ]
    served = [vector(answer, "textEmbedding") for answer in texts]
    served += [vector(answer, "imageEmbedding") for answer in images]
    assert {len(each) for each in served} == {dimension}
    for i in range(6):
        for j in range(i):
            assert cosine(served[i], served[j]) == pytest.approx(cosine(own[i], own[j]), abs=1e-6)


def test_a_smaller_dimension_than_the_embedders_still_gives_unit_vectors() -> None:
    with VertexEmulator(Tiny(dimension=300)) as emulator:
        short = vector(predict(emulator, text_body("cat", dimension=128)), "textEmbedding")
    assert len(short) == 128
    assert np.linalg.norm(short) == pytest.approx(1.0, abs=1e-6)


def test_a_text_that_means_nothing_has_a_direction_of_its_own() -> None:
    """As a service's has: none answers with zeros."""

    class Nothing(Tiny):
        def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.zeros((len(texts), 12), np.float32)

    with VertexEmulator(Nothing()) as emulator:
        cat, again, dog = (
            vector(predict(emulator, text_body(text)), "textEmbedding") for text in ("cat", "cat", "dog")
        )
    np.testing.assert_array_equal(cat, again)
    assert np.linalg.norm(cat) == pytest.approx(1, abs=1e-5)
    assert abs(cat @ dog) < 0.99


@settings(max_examples=40)
@given(source=st.integers(1, 40), target=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_upwards_the_map_keeps_every_cosine_and_downwards_it_projects(
    source: int, target: int, seed: int
) -> None:
    matrix = orthonormal_map(source, target)
    assert matrix.shape == (source, target)
    gram = matrix @ matrix.T if target >= source else matrix.T @ matrix
    np.testing.assert_allclose(gram, np.eye(min(source, target)), atol=1e-12)
    a, b = np.random.default_rng(seed).normal(size=(2, source)).astype(np.float32)
    carried = carry(a, target), carry(b, target)
    assert np.linalg.norm(carried, axis=1) == pytest.approx([1.0, 1.0], abs=1e-6)
    if target >= source:
        assert float(carried[0] @ carried[1]) == pytest.approx(cosine(a, b), abs=1e-6)


def test_the_map_is_the_same_in_every_process() -> None:
    # clients store vectors and search them after a restart: these numbers must never change
    first_columns = [
        [-0.0188780488, 0.0748743540],
        [-0.0761939099, 0.0767940757],
        [-0.1109579201, -0.0640211684],
    ]
    np.testing.assert_allclose(orthonormal_map(3, 128)[:, :2], first_columns, atol=1e-9)


# -------------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    "path",
    [
        PREDICT,
        PREDICT.replace("@", "%40"),
        PREDICT.replace("@001", ""),
        PREDICT.replace("/v1/", "/v1beta1/"),
        PREDICT.replace("@", "%40") + "?%24alt=json%3Benum-encoding%3Dint",
        PREDICT.replace("us-central1", "europe-west2"),
    ],
)
def test_every_spelling_of_the_address_reaches_the_model(emulator: VertexEmulator, path: str) -> None:
    assert predict(emulator, text_body("cat"), path=path).status_code == 200


@pytest.mark.parametrize("dimension", [128, 128.0])
def test_a_dimension_may_be_a_float(emulator: VertexEmulator, dimension: float) -> None:
    assert len(vector(predict(emulator, text_body("cat", dimension=dimension)), "textEmbedding")) == 128


def test_images_may_be_sent_in_either_json_spelling(emulator: VertexEmulator) -> None:
    encoded = base64.b64encode(support.picture_bytes(RED)).decode()
    spellings = (
        {"bytesBase64Encoded": encoded, "mimeType": "image/png"},
        {"bytes_base64_encoded": encoded, "mime_type": "image/png"},
    )
    camel, snake = (predict(emulator, {"instances": [{"image": image}]}) for image in spellings)
    np.testing.assert_array_equal(vector(camel, "imageEmbedding"), vector(snake, "imageEmbedding"))


@given(data=st.binary(min_size=1), urlsafe=st.booleans(), padded=st.booleans())
def test_base64_is_read_in_both_alphabets_with_or_without_padding(
    data: bytes, urlsafe: bool, padded: bool
) -> None:
    encoded = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()
    image = {"bytesBase64Encoded": encoded if padded else encoded.rstrip("=")}
    assert read_request(json.dumps({"instances": [{"image": image}]}).encode()).image == data


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
FIELDS = st.sampled_from(
    [
        "instances",
        "parameters",
        "dimension",
        "text",
        "image",
        "video",
        "bytesBase64Encoded",
        "gcs_uri",
        "mimeType",
    ]
)
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner))
REQUESTS = st.fixed_dictionaries(
    {"instances": st.lists(st.dictionaries(FIELDS, ANYTHING), max_size=2)},
    optional={"parameters": st.dictionaries(FIELDS, ANYTHING)},
)


@given(st.binary() | (ANYTHING | REQUESTS).map(lambda message: json.dumps(message).encode()))
def test_whatever_is_sent_is_read_or_refused_as_invalid(body: bytes) -> None:
    try:
        request = read_request(body)
    except Refusal as refusal:
        reply = refusal.reply
    else:
        assert request.text or request.image
        assert request.dimension in {128, 256, 512, 1408}
        return
    assert reply.status == 400
    assert json.loads(reply.body)["error"]["status"] == "INVALID_ARGUMENT"


def test_a_long_text_is_silently_cut_after_32_words(emulator: VertexEmulator) -> None:
    words = [f"word{i}" for i in range(40)]
    cut, long, shorter = (
        vector(predict(emulator, text_body(" ".join(words[:n]))), "textEmbedding") for n in (32, 40, 31)
    )
    np.testing.assert_array_equal(long, cut)
    assert not np.array_equal(shorter, cut)


PNG = base64.b64encode(support.picture_bytes(RED)).decode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instances": []}, "Empty instances."),
        ({}, "Empty instances."),
        ({"instances": [{"text": "a"}, {"text": "b"}]}, "1 instance(s) is allowed per prediction. Actual: 2"),
        ({"instances": [{}]}, "No embedding input is provided."),
        ({"instances": [{"text": ""}]}, "No embedding input is provided."),
        ({"instances": [{"content": "as another client sends it"}]}, "No embedding input is provided."),
        ({"instances": [{"text": 7}]}, "instances[0].text"),
        ({"instances": ["cat"]}, "instances[0]"),
        ({"instances": {"text": "cat"}}, "'instances'"),
        ({"instances": [{"image": {"gcsUri": "gs://bucket/a.png"}}]}, "Cloud Storage"),
        ({"instances": [{"image": {"gcs_uri": "gs://bucket/a.png"}}]}, "Cloud Storage"),
        ({"instances": [{"video": {"bytesBase64Encoded": "AAAA"}, "text": "a"}]}, "videos"),
        (
            {"instances": [{"image": {"bytesBase64Encoded": "data:image/png;base64," + PNG}}]},
            "`data:` prefix",
        ),
        ({"instances": [{"image": {"bytesBase64Encoded": PNG[:40] + "\n" + PNG[40:]}}]}, "Invalid base64"),
        ({"instances": [{"image": {"bytesBase64Encoded": ""}}]}, "neither bytesBase64Encoded nor gcsUri"),
        ({"instances": [{"image": {"bytesBase64Encoded": PNG, "mimeType": "image/webp"}}]}, "image/webp"),
        ({"instances": [{"image": PNG}]}, "instances[0].image"),
        (text_body("cat", dimension=300), "128, 256, 512, 1408"),
        (text_body("cat", dimension="128"), "128, 256, 512, 1408"),
        (text_body("cat", dimension=True), "128, 256, 512, 1408"),
        ({"instance": [{"text": "cat"}]}, 'Unknown name "instance": Cannot find field.'),
        (b'{"instances": [}', "Invalid JSON payload received. Unexpected token."),
        (b'{"instances": [', "Invalid JSON payload received. Unexpected end of string."),
        (b"", "Invalid JSON payload received."),
        (b"\xff\xfe", "Invalid JSON payload received."),
        (b"[" * 100_000, "Invalid JSON payload received."),
        (b'{"instances": ' + b"9" * 5000 + b"}", "Invalid JSON payload received."),
        (image_body(support.picture_bytes(fmt="WEBP")), "expected BMP, GIF, JPG or PNG"),
        (image_body(support.picture_bytes()[:-30][:50]), "Unable to read the image"),
    ],
)
def test_what_the_model_does_not_take_is_an_invalid_argument(
    emulator: VertexEmulator, body: Any, message: str
) -> None:
    answer = predict(emulator, body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert message in error["message"]


@pytest.mark.parametrize("fmt", ["BMP", "GIF", "JPEG", "PNG"])
def test_the_four_documented_formats_are_taken(emulator: VertexEmulator, fmt: str) -> None:
    assert predict(emulator, image_body(support.picture_bytes(RED, fmt=fmt))).status_code == 200


# ----------------------------------------------------------------------------------------- size limits


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def encoded(image: Image.Image, fmt: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("picture", [noise(40, 30), noise(1, 500), Image.new("RGB", (300, 200), RED)])
def test_a_picture_fits_exactly_when_its_png_does(picture: Image.Image) -> None:
    size = len(encoded(picture, "PNG"))
    assert fits_as_png(picture, size)
    assert not fits_as_png(picture, size - 1)


def test_a_small_jpeg_is_too_large_when_its_png_would_be(emulator: VertexEmulator) -> None:
    data = encoded(noise(2700, 2700), "JPEG", quality=30)
    assert len(data) < 5_000_000
    answer = predict(emulator, image_body(data))
    assert answer.status_code == 400
    assert "at most 20 MB when transcoded to PNG" in answer.json()["error"]["message"]


def test_a_large_picture_that_compresses_well_is_taken(emulator: VertexEmulator) -> None:
    plain = encoded(Image.new("RGB", (2700, 2700), RED), "JPEG")
    assert predict(emulator, image_body(plain)).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_gets_a_413_page_even_while_the_client_is_sending(
    emulator: VertexEmulator, chunked: bool
) -> None:
    pieces = [bytes(MAX_BODY // 2)] * 5
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)
    connection.request(
        "POST",
        PREDICT,
        body=iter(pieces) if chunked else b"".join(pieces),
        headers={"Authorization": "Bearer any"},
        encode_chunked=chunked,
    )
    answer = connection.getresponse()
    assert answer.status == 413
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.read().startswith(b"<!DOCTYPE html>")
    connection.close()


# ---------------------------------------------------------------------------------------- who and what


@pytest.mark.parametrize(
    ("token", "status", "name", "reason"),
    [
        (None, 401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"),
        ("expired", 401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"),
        ("denied", 403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED"),
        ("disabled", 403, "PERMISSION_DENIED", "SERVICE_DISABLED"),
        ("unbilled", 403, "PERMISSION_DENIED", "BILLING_DISABLED"),
        ("borrowed", 403, "PERMISSION_DENIED", "USER_PROJECT_DENIED"),
    ],
)
def test_who_may_not_call_is_told_so_as_google_does(
    emulator: VertexEmulator, token: str | None, status: int, name: str, reason: str
) -> None:
    answer = predict(emulator, text_body("cat"), token=token)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (status, status, name)
    assert error["details"][0]["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert error["details"][0]["reason"] == reason
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_denied_account_reads_which_permission_it_lacks(emulator: VertexEmulator) -> None:
    resource = PREDICT.removeprefix("/v1/").removesuffix(":predict")
    assert predict(emulator, text_body("cat"), token="denied").json()["error"]["message"] == (
        "Permission 'aiplatform.endpoints.predict' denied on resource "
        f"'//aiplatform.googleapis.com/{resource}' (or it may not exist)."
    )


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "token"])
def test_anything_but_a_bearer_token_is_no_credential(emulator: VertexEmulator, header: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)
    connection.request("POST", PREDICT, b"{}", {"Authorization": header})
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize("model", ["multimodalembedding@002", "gemini-embedding-2"])
def test_another_model_is_not_found(emulator: VertexEmulator, model: str) -> None:
    path = PREDICT.replace("multimodalembedding@001", model)
    answer = predict(emulator, text_body("cat"), path=path)
    assert answer.status_code == 404
    assert answer.json()["error"]["status"] == "NOT_FOUND"
    resource = path.removeprefix("/v1/").removesuffix(":predict")
    wording = f"Publisher Model `{resource}` was not found or your project does not have access to it."
    assert answer.json()["error"]["message"].startswith(wording)


def test_the_model_is_not_offered_through_embed_content(emulator: VertexEmulator) -> None:
    answer = predict(emulator, {"content": {}}, path=PREDICT.replace(":predict", ":embedContent"))
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(
        "models/multimodalembedding@001` is not supported in the embedContent API."
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PREDICT), ("PUT", PREDICT), ("POST", "/v1/<script>"), ("POST", PREDICT + "or"), ("GET", "/")],
)
def test_an_address_that_no_service_has_gets_the_front_ends_page(
    emulator: VertexEmulator, method: str, path: str
) -> None:
    answer = httpx2.request(method, emulator.url + path, headers={"Authorization": "Bearer any"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>" not in answer.text


# ----------------------------------------------------------------------------------------- connections


def test_one_connection_serves_many_requests_errors_among_them(emulator: VertexEmulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)
    connection.connect()
    ours = connection.sock
    statuses = []
    for body, token in (
        (text_body("cat"), "any"),
        ({}, "any"),
        (text_body("cat"), "denied"),
        (text_body("dog"), "any"),
    ):
        connection.request("POST", PREDICT, json.dumps(body), {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses == [200, 400, 403, 200]
    assert connection.sock is ours
    connection.close()


def test_a_body_may_come_in_chunks(emulator: VertexEmulator) -> None:
    pieces = [b'{"instances": [', b'{"text": "cat"}', b"]}"]
    answer = httpx2.post(
        emulator.url + PREDICT, content=iter(pieces), headers={"Authorization": "Bearer any"}
    )
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert answer.status_code == 200


def test_a_client_that_waits_to_be_asked_for_the_body_is_asked(emulator: VertexEmulator) -> None:
    body = json.dumps(text_body("cat")).encode()
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer any\r\nExpect: 100-continue\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("length", ["-1", "ten", "9" * 5000])
def test_a_length_that_is_none_is_refused(emulator: VertexEmulator, length: str) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as client:
        client.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_only_this_machine_is_served(emulator: VertexEmulator) -> None:
    assert emulator.url == f"http://127.0.0.1:{emulator.port}"
    with pytest.raises(OSError, match=r".+"):
        socket.create_connection(("127.0.0.2", emulator.port), timeout=5)


def test_a_port_in_use_is_an_error_of_one_line(emulator: VertexEmulator) -> None:
    with pytest.raises(DiptychError, match=rf"^can't listen on port {emulator.port}: .+$"):
        VertexEmulator(Tiny(), port=emulator.port)


@pytest.mark.parametrize(
    "settings",
    [
        {"port": 70_000},
        {"latency": -1.0},
        {"error_rate": 1.5},
        {"requests_per_minute": 0},
        {"latency": float("nan")},
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(DiptychError):
        VertexEmulator(Tiny(), **settings)


def test_closing_ends_open_connections_and_frees_the_port() -> None:
    with VertexEmulator(Tiny()) as emulator:
        client = httpx2.Client(headers={"Authorization": "Bearer any"})
        assert client.post(emulator.url + PREDICT, json=text_body("cat")).status_code == 200
    with pytest.raises(httpx2.TransportError):
        client.post(emulator.url + PREDICT, json=text_body("cat"))
    client.close()
    VertexEmulator(Tiny(), port=emulator.port).close()


def test_serving_forever_ends_when_it_is_closed() -> None:
    emulator = VertexEmulator(Tiny())
    server = threading.Thread(target=emulator.serve_forever)
    server.start()
    assert predict(emulator, text_body("cat")).status_code == 200  # waits in the backlog until it is served
    emulator.close()
    server.join(timeout=30)
    assert not server.is_alive()


def test_nothing_is_printed_and_only_hashes_are_kept(
    emulator: VertexEmulator, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = support.picture_bytes(RED)
    predict(emulator, text_body("a secret wish"), token="secret-token")
    predict(emulator, image_body(picture), token="denied")
    predict(emulator, {"instances": []})
    both = [text_body("Hällo")["instances"][0] | image_body(picture)["instances"][0]]
    predict(emulator, {"instances": both})
    with socket.create_connection(("127.0.0.1", emulator.port)) as client:  # goes away in the middle
        client.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc".encode())
    assert emulator.served == [
        Served(200, "text", sha256(b"a secret wish")),
        Served(403, "image", sha256(picture)),
        Served(400, None, None),
        Served(200, "text", sha256("Hällo".encode())),
        Served(200, "image", sha256(picture)),
    ]
    emulator.close()
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------------------------------- the embedder


@pytest.mark.parametrize(
    "body", [text_body("cat"), image_body(support.picture_bytes())], ids=["text", "image"]
)
def test_the_embedder_is_called_from_as_many_threads_as_it_allows(body: dict[str, Any]) -> None:
    inside: list[int] = []
    most = 0
    changed = threading.Condition()

    class Watched(Tiny):
        def _linger(self) -> None:
            nonlocal most
            with changed:
                inside.append(1)
                most = max(most, len(inside))
                changed.notify_all()
                changed.wait_for(lambda: len(inside) > 2, timeout=0.2)  # a third one must not come
                inside.pop()

        def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self._linger()
            return super().embed_texts(texts)

        def embed_images(self, prepared: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
            self._linger()
            return super().embed_images(prepared)

    with VertexEmulator(Watched(concurrency=2)) as emulator, ThreadPoolExecutor(6) as pool:
        answers = pool.map(lambda _: predict(emulator, body), range(6))
        assert {answer.status_code for answer in answers} == {200}
    assert most == 2


@pytest.mark.parametrize(
    ("problem", "status", "message"),
    [
        (InputRejected("no cats here"), 400, "no cats here"),
        (TransientError("busy"), 503, "busy"),
        (RuntimeError("out of memory\nat line 7"), 500, "Internal error encountered. out of memory"),
        (KeyError(), 500, "Internal error encountered. KeyError"),
    ],
)
def test_an_embedder_that_fails_is_an_answer(problem: Exception, status: int, message: str) -> None:
    class Failing(Tiny):
        def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise problem

    with VertexEmulator(Failing()) as emulator:
        answer = predict(emulator, text_body("cat"))
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == message


def test_a_vector_that_is_no_number_is_never_sent() -> None:
    class Broken(Tiny):
        def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.full((1, 12), np.nan, np.float32)

    with VertexEmulator(Broken()) as emulator:
        assert predict(emulator, text_body("cat")).status_code == 500


# --------------------------------------------------------------------------------------------- weather


def fate(emulator: VertexEmulator, client: httpx2.Client) -> str:
    """What became of one call, in a word that names the variant."""
    try:
        answer = client.post(emulator.url + PREDICT, json=text_body("cat"))
    except httpx2.RemoteProtocolError:
        return "dropped"
    if answer.status_code == 200:
        return "200"
    if not answer.headers["content-type"].startswith("application/json"):
        return f"{answer.status_code} html"
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    retry = [d["retryDelay"] for d in error.get("details", []) if d["@type"].endswith("google.rpc.RetryInfo")]
    waits = [*retry, *(answer.headers[name] for name in ("retry-after",) if name in answer.headers)]
    return " ".join([str(answer.status_code), error["status"], *waits])


def fates(calls: int, error_rate: float, seed: int) -> list[str]:
    client = httpx2.Client(headers={"Authorization": "Bearer any"})
    with client, VertexEmulator(Tiny(), error_rate=error_rate, seed=seed) as emulator:
        seen = [fate(emulator, client) for _ in range(calls)]
        statuses = [0 if each == "dropped" else int(each.split()[0]) for each in seen]
        assert [entry.status for entry in emulator.served] == statuses
    return seen


def test_bad_weather_brings_every_failure_that_a_client_must_survive() -> None:
    assert set(fates(100, error_rate=1.0, seed=3)) == {
        "429 RESOURCE_EXHAUSTED 0.05s",
        "429 RESOURCE_EXHAUSTED",
        "429 RESOURCE_EXHAUSTED 1",
        "500 INTERNAL",
        "503 UNAVAILABLE",
        "503 html",
        "dropped",
    }


def test_the_weather_follows_its_seed_and_its_rate() -> None:
    seen = fates(300, error_rate=0.2, seed=7)
    assert seen == fates(300, error_rate=0.2, seed=7)
    assert seen != fates(300, error_rate=0.2, seed=8)
    assert 30 <= 300 - seen.count("200") <= 90  # 60 expected; ± 4.3 standard deviations


def test_past_the_quota_the_answer_says_how_long_to_wait() -> None:
    with VertexEmulator(Tiny(), requests_per_minute=2) as emulator:
        answers = [predict(emulator, text_body("cat")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    error = answers[-1].json()["error"]
    assert error["message"].startswith(
        "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model "
        "with base model: multimodalembedding. "
    )
    info, retry = error["details"]
    assert info["reason"] == "RATE_LIMIT_EXCEEDED"
    assert retry["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
    assert 0.0 < float(retry["retryDelay"].removesuffix("s")) <= 30.0


def test_who_may_not_call_uses_up_no_quota() -> None:
    with VertexEmulator(Tiny(), requests_per_minute=1) as emulator:
        assert predict(emulator, text_body("cat"), token="denied").status_code == 403
        assert predict(emulator, text_body("cat")).status_code == 200


def test_the_bucket_fills_up_evenly_and_never_over_its_rim() -> None:
    clock = SimpleNamespace(now=0.0)
    bucket = TokenBucket(3.0, clock=lambda: clock.now)
    assert [bucket.take() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take() == pytest.approx(20.0)
    clock.now = 15.0
    assert bucket.take() == pytest.approx(5.0)
    clock.now = 20.0
    assert bucket.take() == 0.0
    clock.now = 10_000.0
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]


def test_latency_keeps_a_client_waiting_but_not_the_one_who_closes() -> None:
    with VertexEmulator(Tiny(), latency=3600.0) as emulator, pytest.raises(httpx2.ReadTimeout):
        httpx2.post(
            emulator.url + PREDICT,
            json=text_body("cat"),
            headers={"Authorization": "Bearer any"},
            timeout=0.3,
        )


# ------------------------------------------------------------------------------------- Google's client


@pytest.fixture(scope="module")
def google() -> SimpleNamespace:
    """Google's own client library, which takes seconds to import."""
    support.need("vertexai")
    from google.api_core import exceptions
    from google.cloud import aiplatform
    from google.oauth2.credentials import Credentials
    from vertexai import vision_models

    return SimpleNamespace(
        aiplatform=aiplatform, Credentials=Credentials, exceptions=exceptions, vision_models=vision_models
    )


def low_level_client(
    google: SimpleNamespace, emulator: VertexEmulator, token: str = "any"
) -> Callable[..., Any]:
    client = google.aiplatform.gapic.PredictionServiceClient(
        transport="rest",
        credentials=google.Credentials(token=token),
        client_options={"api_endpoint": emulator.url},
    )
    endpoint = PREDICT.removeprefix("/v1/").removesuffix(":predict")
    return lambda instances, parameters=None: client.predict(
        endpoint=endpoint, instances=instances, parameters=parameters
    )


def test_googles_model_class_gets_the_embedders_cosines(
    emulator: VertexEmulator, google: SimpleNamespace
) -> None:
    google.aiplatform.init(
        project="p",
        location="us-central1",
        credentials=google.Credentials(token="any"),
        api_transport="rest",
        api_endpoint=emulator.url,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class is deprecated
        model = google.vision_models.MultiModalEmbeddingModel.from_pretrained("multimodalembedding@001")
        image = google.vision_models.Image(image_bytes=support.picture_bytes(RED))
        answer = model.get_embeddings(image=image, contextual_text="a red card", dimension=512)
    served = np.array([answer.image_embedding, answer.text_embedding])
    assert served.shape == (2, 512)
    embedder = Tiny()
    own_image = embedder.embed_images([embedder.prepare_image(Image.new("RGB", (8, 8), RED))])[0]
    own_text = embedder.embed_texts(["a red card"])[0]
    assert cosine(served[0], served[1]) == pytest.approx(cosine(own_image, own_text), abs=1e-6)


def test_googles_prediction_client_gets_what_plain_http_gets(
    emulator: VertexEmulator, google: SimpleNamespace
) -> None:
    answer = low_level_client(google, emulator)([{"text": "cat"}], {"dimension": 128})
    plain = vector(predict(emulator, text_body("cat", dimension=128)), "textEmbedding")
    np.testing.assert_array_equal(answer.predictions[0]["textEmbedding"], plain)


@pytest.mark.parametrize(
    ("token", "instances", "error", "reason"),
    [
        ("any", [{"text": "a"}, {"text": "b"}], "InvalidArgument", None),
        ("denied", [{"text": "a"}], "PermissionDenied", "IAM_PERMISSION_DENIED"),
        ("disabled", [{"text": "a"}], "PermissionDenied", "SERVICE_DISABLED"),
    ],
)
def test_googles_client_understands_the_errors(
    emulator: VertexEmulator,
    google: SimpleNamespace,
    token: str,
    instances: Any,
    error: str,
    reason: str | None,
) -> None:
    kind = getattr(google.exceptions, error).__mro__[1]  # REST raises the HTTP parent: BadRequest, Forbidden
    with pytest.raises(kind) as raised:
        low_level_client(google, emulator, token)(instances)
    assert raised.value.reason == reason


def test_googles_client_is_told_when_the_quota_is_used_up(google: SimpleNamespace) -> None:
    with VertexEmulator(Tiny(), requests_per_minute=1) as emulator:
        call = low_level_client(google, emulator)
        call([{"text": "a"}])
        with pytest.raises(google.exceptions.TooManyRequests) as raised:
            call([{"text": "a"}])
    assert [detail["@type"].rpartition(".")[2] for detail in raised.value.details] == [
        "ErrorInfo",
        "RetryInfo",
    ]
    assert raised.value.reason == "RATE_LIMIT_EXCEEDED"
