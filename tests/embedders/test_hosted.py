"""What holds for every hosted embedder, over real HTTP, against its emulator."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import math
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import support
from diptych import http, load
from diptych.embedders import EmbedderUnavailable, InputRejected, ServiceDown, TransientError
from diptych.embedders.base import RequestRefused
from diptych.embedders.hosted.client import _http_client
from diptych.embedders.prices import terms
from diptych.emulators.bedrock import BedrockEmulator
from diptych.emulators.cohere import CohereEmulator
from diptych.emulators.gemini import GeminiEmulator
from diptych.emulators.jina import JinaEmulator
from diptych.emulators.replies import DROPPED, Reply, Request, html_error, json_reply
from diptych.emulators.vertex import VertexEmulator
from diptych.emulators.voyage import VoyageEmulator
from diptych.errors import DiptychError, DiptychWarning
from diptych.images import open_collection
from diptych.pipeline import embed_images
from diptych.store.vectors import Store
from embedders.hosted_cases import CASES, REFUSED_COLOUR, SECRET, Case, Colours, Script


def is_one_item_a_call(case: Case) -> bool:
    return case.id in ONE_ITEM_A_CALL


def is_bedrock(case: Case) -> bool:
    return case.provider == "bedrock"


ONE_ITEM_A_CALL = {"vertex", "gemini on Vertex AI", "titan", "nova"}
LEFT_OUT = {
    "test_a_wait_that_is_asked_for_is_kept": is_bedrock,  # Amazon does not say for how long to wait
    "test_a_wait_of_more_than_a_minute_is_not_waited_for": is_bedrock,
    "test_waits_of_more_than_a_minute_in_all_are_said_once": is_bedrock,
    "test_fewer_vectors_than_asked_for_are_never_taken": is_one_item_a_call,
    "test_a_secret_that_no_header_can_carry_is_never_shown": is_bedrock,  # the secret signs, it is not sent
}
"""The tests that do not hold for every case, with those that they leave out."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_left_out = LEFT_OUT.get(metafunc.function.__name__, lambda case: False)
    cases = [case for case in CASES if not is_left_out(case)]
    metafunc.parametrize("case", cases, ids=lambda case: case.id)


@pytest.fixture(autouse=True)
def _credentials(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if case.provider == "bedrock":
        support.need("boto3")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:9")  # this machine may be one of Google's
    for variable in case.secret_variables:
        monkeypatch.setenv(variable, SECRET)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries for which nobody asks a wait come at once: the jitter draws its least."""
    monkeypatch.setattr(http, "_jitter", SimpleNamespace(uniform=lambda least, _most: least))


@pytest.fixture
def service(case: Case) -> Iterator[Script]:
    script = Script(case.emulator)
    with script.emulator:
        yield script


def noise(seed: int, size: int = 8) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 200, (2, 2, 3), dtype=np.uint8)
    return Image.fromarray(np.kron(pixels, np.ones((size, size, 1), np.uint8)))


# ------------------------------------------------------------------------------------- requests and vectors


def filled_in(expected: Any, content: str) -> Any:
    """An example request with the content in its place."""
    if isinstance(expected, dict):
        return {key: filled_in(value, content) for key, value in expected.items()}
    if isinstance(expected, list):
        return [filled_in(value, content) for value in expected]
    if isinstance(expected, str):
        return expected.replace("JPEG", content).replace("TEXT", content)
    return expected


def test_requests_are_as_documented_on_both_sides(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    jpeg = embedder.prepare_image(noise(1))
    embedder.embed_images([jpeg])
    embedder.embed_texts(["a red bus"])
    picture, text = service.requests
    assert json.loads(picture.body) == filled_in(case.image_request, base64.b64encode(jpeg).decode())
    assert json.loads(text.body) == filled_in(case.text_request, "a red bus")
    for request in (picture, text):
        assert (request.method, request.path) == ("POST", case.path)
        assert request.headers["content-type"].startswith("application/json")
        assert request.headers["user-agent"].startswith("diptych/")


def test_vectors_have_the_dimension_and_the_cosines_of_the_model_behind(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    pictures = [noise(seed) for seed in range(3)]
    texts = ["a cat", "a dog"]
    made = np.concatenate(
        [
            embedder.embed_images([embedder.prepare_image(picture) for picture in pictures]),
            embedder.embed_texts(texts),
        ]
    )
    assert made.shape == (5, int(case.options["dimension"]))
    assert made.dtype == np.float32
    behind = Colours()
    own = np.concatenate(
        [
            behind.embed_images([behind.prepare_image(picture) for picture in pictures]),
            behind.embed_texts(texts),
        ]
    )
    np.testing.assert_allclose(cosines(made), cosines(own), atol=0.05)  # it saw a JPEG


def cosines(vectors: np.ndarray) -> np.ndarray:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


def test_many_come_back_in_order_in_full_batches_and_never_fused(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url, concurrency=4)
    size = embedder.info.batch_size
    texts = [f"text {number}" for number in range(2 * size + 3)]
    jpegs = [embedder.prepare_image(noise(seed)) for seed in range(2 * size + 3)]
    together = embedder.embed_texts(texts), embedder.embed_images(jpegs)
    assert len(service.requests) == 2 * math.ceil(len(texts) / size)
    alone = (
        np.concatenate([embedder.embed_texts([text]) for text in texts]),
        np.concatenate([embedder.embed_images([jpeg]) for jpeg in jpegs]),
    )
    for made, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(made, expected)
        assert len(np.unique(made, axis=0)) == len(texts)


def test_none_at_all_is_no_call(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    assert embedder.embed_images([]).shape == (0, embedder.info.dimension)
    assert service.requests == []


def test_one_refused_picture_costs_itself_and_nothing_else(
    case: Case, service: Script, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(6):
        noise(seed).save(folder / f"{seed}.png")
    Image.new("RGB", (8, 8), REFUSED_COLOUR).save(folder / "refused.png")
    collection = open_collection(folder)
    with Store(tmp_path / "vectors.sqlite") as store:
        filled = embed_images(collection, case.load(service.emulator.url), store)
    (reason,) = filled.rejected.values()
    assert filled.embedded == 6
    assert "this picture is not allowed" in reason
    assert SECRET.encode() not in (tmp_path / "vectors.sqlite").read_bytes()


# ------------------------------------------------------------------------------------------ texts and options


def test_an_empty_text_is_refused_before_anything_is_sent(case: Case, service: Script) -> None:
    with pytest.raises(InputRejected, match="empty"):
        case.load(service.emulator.url).embed_texts(["a cat", " \n"])
    assert service.requests == []


def test_a_text_that_is_too_long_is_embedded_with_a_warning(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    limit = embedder.info.max_text_tokens
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # of other tests' clients, whenever these are collected
        vectors = embedder.embed_texts([" ".join(["cat"] * ((limit or 10_000) + 1))])
    assert vectors.shape == (1, embedder.info.dimension)
    assert [str(limit) in str(each.message) for each in caught] == ([True] if limit else [])
    assert all(issubclass(each.category, DiptychWarning) for each in caught)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"dimension": "7777"}, "7777"),
        ({"dimension": "many"}, "many"),
        ({"concurrency": "0"}, "concurrency"),
        ({"timeout": "-1"}, "timeout"),
        ({"requests_per_minute": "nan"}, "requests_per_minute"),
        ({"model": "../../secrets"}, "model"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(case: Case, options: dict[str, str], names: str) -> None:
    with pytest.raises(EmbedderUnavailable, match=names) as caught:
        case.load("https://host.example", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://host.example",
        "https://me:hunter2@host.example",
        "https://host.example/?key=hunter2",
        "ftp://x",
    ],
)
def test_a_secret_is_sent_to_https_or_this_machine_only(case: Case, endpoint: str) -> None:
    with pytest.raises(EmbedderUnavailable, match="https://HOST") as caught:
        case.load(endpoint)
    assert "hunter2" not in str(caught.value)


def test_a_key_in_a_spec_is_refused_without_being_shown(case: Case) -> None:
    with pytest.raises(EmbedderUnavailable, match="api_key") as caught:
        load(f"{case.provider}:{case.model}?api_key={SECRET}")
    assert SECRET not in str(caught.value)


def test_vectors_of_a_stand_in_are_never_filed_as_the_makers(case: Case) -> None:
    def fingerprint(endpoint: str = "", **options: str) -> str:
        return case.load(endpoint, **options).info.fingerprint

    own = fingerprint()
    assert fingerprint("http://127.0.0.1:8001") == f"{own} at 127.0.0.1:8001"
    assert fingerprint(concurrency="2", timeout="3", requests_per_minute="7") == own
    assert fingerprint(dimension="1024" if case.provider != "vertex" else "512") != own
    model = case.load("http://127.0.0.1:8001").info.model
    assert "127.0.0.1:8001 answers" in model


def test_prices_are_those_of_the_file_and_the_persons_own_go_first(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    info = case.load("").info
    offer = terms(case.provider, case.load("").info.model.removesuffix(" on Vertex AI"))
    prices = (info.price_per_image, info.price_per_1k_characters, info.price_known)
    assert prices == (offer.per_image, offer.per_1k_characters, offer.price_known)
    own = tmp_path / "prices.toml"
    model = info.model.removesuffix(" on Vertex AI")
    own.write_text(f'["{case.provider}:{model}"]\nimage = 0.5\ntext_1k_characters = 0.25\n')
    monkeypatch.setenv("DIPTYCH_PRICES", str(own))
    info = case.load("").info
    assert (info.price_per_image, info.price_per_1k_characters, info.price_known) == (0.5, 0.25, True)


def test_the_fairness_box_says_how_pictures_and_texts_are_sent(case: Case) -> None:
    seen = case.load("").info.preprocessing
    assert "1024 px" in seen
    for word in {
        "gemini": ["task: search result | query: TEXT"],
        "cohere": ["search_document", "search_query"],
        "voyage": ["document", "query"],
        "jina": ["alike"],
        "nova": ["GENERIC_INDEX", "IMAGE_RETRIEVAL"],
    }.get(case.id.split()[0], []):
        assert word in seen


# ------------------------------------------------------------------------------------ failures and retries


def test_every_failure_that_passes_is_tried_again(case: Case, service: Script) -> None:
    weather = case.emulator.weather
    assert len(weather) >= 5
    embedder = case.load(service.emulator.url)
    calm = embedder.embed_texts(["a cat"])
    for reply in weather:
        service.requests.clear()
        service.first = [reply]
        np.testing.assert_array_equal(embedder.embed_texts(["a cat"]), calm)
        first, second = service.requests
        assert first.body == second.body


@pytest.mark.parametrize(("status", "tries"), [(503, 8), (429, 12)])
def test_a_failure_that_stays_ends_after_some_tries(
    case: Case, service: Script, status: int, tries: int
) -> None:
    service.always = lambda _: case.emulator.refuse(status, "Not now.")
    with pytest.raises(TransientError, match="Not now") as caught:
        case.load(service.emulator.url).embed_texts(["a cat"])
    assert len(service.requests) == tries
    assert "later" in str(caught.value)


def test_a_wait_that_is_asked_for_is_kept(case: Case) -> None:
    arrivals: list[float] = []
    script = Script(case.emulator)
    script.first = [
        lambda: (arrivals.append(time.monotonic()), case.emulator.over_quota(0.3))[1],
        lambda: (arrivals.append(time.monotonic()), case.emulator.refuse(500, "once more"))[1],
    ]
    with script.emulator:
        case.load(script.emulator.url).embed_texts(["a cat"])
    assert arrivals[1] - arrivals[0] >= 0.3


def test_a_wait_of_more_than_a_minute_is_not_waited_for(case: Case, service: Script) -> None:
    service.always = lambda _: case.emulator.over_quota(86_400)
    embedder = case.load(service.emulator.url)
    for _ in range(2):
        with pytest.raises(ServiceDown, match=r"try again after 20\d\d-\d\d-\d\d \d\d:\d\d") as caught:
            embedder.embed_texts(["a cat"])
        assert caught.value.for_long
    assert len(service.requests) == 1, "what asked to be left alone is"


def test_waits_of_more_than_a_minute_in_all_are_said_once(
    case: Case, service: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.monotonic()]
    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.append(now.pop() + seconds))
    monkeypatch.setattr("diptych.embedders.hosted.client.time", clock)
    embedder = case.load(service.emulator.url)
    for waits, said in ((1, 0), (3, 1), (3, 0)):
        service.first = [case.emulator.over_quota(40)] * waits
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", ResourceWarning)
            embedder.embed_texts(["a cat"])
        waits_said = [each for each in caught if "wait for a minute" in str(each.message)]
        assert len(waits_said) == said


def test_calls_keep_to_the_rate(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url, requests_per_minute=1200)
    begun = time.monotonic()
    embedder.embed_texts([str(number) for number in range(5 * embedder.info.batch_size)])
    assert len(service.requests) == 5
    assert time.monotonic() - begun >= 4 * 60 / 1200


def test_an_answer_that_does_not_come_is_asked_for_again(
    case: Case, service: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first request is given up soon, and only it gets no answer, however busy the machine is."""
    over = threading.Event()
    asked: list[Any] = []

    def begin(request: Any) -> None:
        if not asked:
            request.headers["x-unanswered"] = "yes"
            request.extensions = {**request.extensions, "timeout": {"connect": 60, "read": 0.2, "write": 60}}
        asked.append(request)

    def watched(limits: Any) -> Any:
        made = _http_client(limits)
        made.event_hooks = {"request": [begin]}
        return made

    def answer(request: Request) -> Reply:
        return (over.wait(60), Reply(0))[1] if "x-unanswered" in request.headers else own(request)

    monkeypatch.setattr("diptych.embedders.hosted.client._http_client", watched)
    own = super(type(service.emulator), service.emulator).answer
    service.always = answer
    embedder = case.load(service.emulator.url, timeout=60)
    assert embedder.embed_texts(["a cat"]).shape == (1, embedder.info.dimension)
    assert service.arrived(2) == 2
    assert len(asked) == 2
    over.set()


def test_a_service_that_never_answers_is_asked_twice_again_and_named(case: Case, service: Script) -> None:
    over = threading.Event()
    service.always = lambda _: (over.wait(timeout=20), Reply(0))[1]
    with pytest.raises(TransientError, match="gave no whole answer") as caught:
        case.load(service.emulator.url, timeout=0.2).embed_texts(["a cat"])
    over.set()
    assert service.emulator.url in str(caught.value)
    assert service.arrived(3) == 3, "each may have to be paid for"


def test_an_answer_that_never_comes_to_a_batch_is_asked_for_twice_more_in_all(
    case: Case, service: Script
) -> None:
    """The last time is for each picture or text alone: one of them may keep the answer to all others back."""
    embedder = case.load(service.emulator.url)
    texts = ["a cat", "a dog", "a cow", "an owl"][: embedder.info.batch_size]
    own = super(type(service.emulator), service.emulator).answer
    service.always = lambda request: DROPPED if b"cat" in request.body else own(request)
    tries = []
    for some in (texts, texts[:2], *([text] for text in texts)):
        service.requests.clear()
        try:
            embedder.embed_texts(some)
        except TransientError:
            tries.append(-len(service.requests))
        else:
            tries.append(len(service.requests))
    assert tries == ([-2, 0, -1, 1, 1, 1] if len(texts) > 1 else [-3, -2, -2])
    service.requests.clear()
    with pytest.raises(TransientError):
        embedder.embed_texts(["a cat"])
    assert len(service.requests) == 2, "who asks again asks anew"


def test_an_address_where_nobody_listens_is_named(case: Case) -> None:
    with case.emulator(Colours()) as gone:
        url = gone.url
    with pytest.raises(TransientError, match="can't be reached in 5 tries"):
        case.load(url).embed_texts(["a cat"])


def test_latency_and_errors_on_command_cost_nothing_but_time(case: Case) -> None:
    texts = [f"text {number}" for number in range(24)]
    with case.emulator(Colours()) as calm, case.emulator(Colours(), error_rate=0.3, seed=1) as stormy:
        expected, made = (case.load(each.url).embed_texts(texts) for each in (calm, stormy))
        failed = [served for served in stormy.served if served.status != 200]
    np.testing.assert_array_equal(made, expected)
    assert failed


AT_FAULT = {
    VertexEmulator: "Invalid dimension 7: expected one of 128, 256.",
    GeminiEmulator: "Invalid outputDimensionality 7: expected 128 to 3072.",
    CohereEmulator: "invalid value for output_dimension: 7",
    VoyageEmulator: "invalid value for output_dimension: 7",
    JinaEmulator: "invalid value for dimensions: 7",
    BedrockEmulator: "invalid value for embeddingDimension: 7",
}


def test_a_refusal_of_one_picture_is_told_from_one_of_every_request(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    for message in ("Unable to read the image.", "The image dimensions are out of range for this model."):
        service.first = [case.emulator.refuse(400, message)]
        with pytest.raises(InputRejected, match=message[:-1]):
            embedder.embed_texts(["a cat"])
    service.first = [case.emulator.refuse(400, AT_FAULT[case.emulator])]
    with pytest.raises(EmbedderUnavailable, match="every such request"):
        embedder.embed_texts(["a cat"])


def test_a_refusal_is_of_one_picture_where_another_was_taken(case: Case, service: Script) -> None:
    """Whatever its words are: "dimension" may be the vectors' or the picture's."""
    embedder = case.load(service.emulator.url)
    jpeg = embedder.prepare_image(noise(1))
    service.first = [case.emulator.refuse(400, AT_FAULT[case.emulator])]
    with pytest.raises(RequestRefused, match="every such request"):
        embedder.embed_images([jpeg])
    embedder.embed_images([jpeg])
    service.first = [case.emulator.refuse(400, AT_FAULT[case.emulator])]
    with pytest.raises(InputRejected) as caught:
        embedder.embed_images([jpeg])
    assert not isinstance(caught.value, RequestRefused)
    service.first = [case.emulator.refuse(400, "No API key, or billing is off.")]
    with pytest.raises(EmbedderUnavailable):
        embedder.embed_images([jpeg])


# --------------------------------------------------------------------------------------------- credentials


def test_without_credentials_the_next_step_is_said_and_nothing_sent(
    case: Case, service: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in case.secret_variables:
        monkeypatch.delenv(variable)
    embedder = case.load(service.emulator.url)
    with pytest.raises(EmbedderUnavailable, match=case.secret_variables[0]) as caught:
        embedder.embed_texts(["a cat"])
    assert "\n" not in str(caught.value)
    assert service.requests == []
    for variable in case.secret_variables:
        monkeypatch.setenv(variable, SECRET)
    assert embedder.embed_texts(["a cat"]).shape[0] == 1, "once they are there, the same embedder works"


@pytest.mark.parametrize("word", ["wrong", "denied"])
def test_credentials_that_are_refused_are_said_to_be_after_one_call(
    case: Case, service: Script, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    google = case.secret_variables == ("VERTEX_ACCESS_TOKEN",)
    for variable in case.secret_variables:
        monkeypatch.setenv(variable, "expired" if google and word == "wrong" else word)
    embedder = case.load(service.emulator.url)
    with pytest.raises(EmbedderUnavailable) as caught:
        embedder.embed_texts(["a cat"])
    assert len(service.requests) == 1
    said = str(caught.value)
    assert "\n" not in said
    if word == "wrong":
        assert "does not accept" in said
        assert case.secret_variables[-1] in said
    for variable in case.secret_variables:
        monkeypatch.setenv(variable, SECRET)
    assert embedder.embed_texts(["a cat"]).shape[0] == 1, "once they are right, the same embedder works"


# ------------------------------------------------------------------------------------- answers that are none


def each_vector(answer: Any, change: Callable[[list[float]], Any]) -> Any:
    """An answer with every vector in it changed."""
    if isinstance(answer, dict):
        return {key: each_vector(value, change) for key, value in answer.items()}
    if isinstance(answer, list):
        numbers = answer and all(isinstance(item, float) for item in answer)
        return change(answer) if numbers else [each_vector(item, change) for item in answer]
    return answer


SPOILED: tuple[tuple[Callable[[Any], Any], type[Exception]], ...] = (
    (lambda _: {}, TransientError),
    (lambda _: [], TransientError),
    (lambda _: None, TransientError),
    (lambda _: "text", TransientError),
    (lambda answer: each_vector(answer, lambda _: None), TransientError),
    (lambda answer: each_vector(answer, lambda vector: [math.nan, *vector[1:]]), TransientError),
    (lambda answer: each_vector(answer, lambda vector: ["?", *vector[1:]]), TransientError),
    (lambda answer: each_vector(answer, lambda vector: [0.0] * len(vector)), TransientError),
    (lambda answer: each_vector(answer, lambda vector: vector[1:]), EmbedderUnavailable),
)


def test_an_answer_without_usable_vectors_is_a_plain_error(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    embedder.embed_texts(["a cat"])
    good = json.loads(service.answers[-1].body)
    for change, expected in SPOILED:
        service.first = [json_reply(change(good))]
        with pytest.raises(expected, match="answered with") as caught:
            embedder.embed_texts(["a cat"])
        assert "\n" not in str(caught.value)


def test_an_error_in_an_answer_that_should_hold_vectors_is_shown(case: Case, service: Script) -> None:
    for answer in (
        {"error": {"message": f"We are moving house. Bearer {SECRET}"}},
        {"message": "We are moving house."},
        {"detail": [{"msg": "We are moving house."}]},
    ):
        service.first = [json_reply(answer)]
        with pytest.raises(TransientError, match="We are moving house") as caught:
            case.load(service.emulator.url).embed_texts(["a cat"])
        assert SECRET not in str(caught.value)


def test_vectors_are_taken_from_an_answer_that_lacks_others(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    jpegs = [embedder.prepare_image(noise(seed)) for seed in range(2)]
    whole = embedder.embed_images(jpegs)
    if embedder.info.batch_size == 1:
        return
    seen: list[list[float]] = []

    def only_the_first(vector: list[float]) -> list[float] | None:
        seen.append(vector)
        return vector if len(seen) == 1 else None

    content = each_vector(json.loads(service.answers[-1].body), only_the_first)
    service.first = [json_reply(content)]
    some = embedder.embed_images(jpegs)
    np.testing.assert_array_equal(some[0], whole[0])
    assert np.isnan(some[1]).all()


def test_what_failed_at_every_try_in_a_batch_is_tried_less_often_in_parts(
    case: Case, service: Script
) -> None:
    embedder = case.load(service.emulator.url)
    texts = ["a cat", "a dog", "a cow", "an owl"][: embedder.info.batch_size]
    service.always = lambda _: case.emulator.refuse(503, "Not now.")
    tries = []
    for some in (texts, texts[:2], texts[:1]):
        service.requests.clear()
        with pytest.raises(TransientError):
            embedder.embed_texts(some)
        tries.append(len(service.requests))
    assert tries == ([8, 1, 2] if len(texts) > 1 else [8, 2, 2])
    service.always = None
    embedder.embed_texts(texts)
    service.requests.clear()
    service.always = lambda _: case.emulator.refuse(503, "Not now.")
    with pytest.raises(TransientError):
        embedder.embed_texts(texts)
    assert len(service.requests) == 8, "once it was answered, it is as any other"


def test_a_page_in_place_of_json_says_to_check_the_endpoint(case: Case, service: Script) -> None:
    service.always = lambda _: dataclasses.replace(html_error(502, "Sign in to the Wi-Fi."), status=200)
    with pytest.raises(EmbedderUnavailable, match="check endpoint"):
        case.load(service.emulator.url).embed_texts(["a cat"])


def test_fewer_vectors_than_asked_for_are_never_taken(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    assert embedder.info.batch_size > 1
    embedder.embed_texts(["a cat"])
    service.first = [service.answers[-1]]
    with pytest.raises(TransientError, match="without 2 vectors"):
        embedder.embed_texts(["a cat", "a dog"])


# -------------------------------------------------------------------------------------------------- secrets


def everything_said(caught: BaseException) -> str:
    """An error's text and traceback, and those of all that it came from or came up in."""
    said, seen, queue = [], set(), [caught]
    while queue:
        one = queue.pop()
        if id(one) not in seen:
            seen.add(id(one))
            said += [str(one), repr(one), repr(one.args), *traceback.format_exception(one)]
            queue += [following for following in (one.__cause__, one.__context__) if following]
    return "\n".join(said)


def test_a_secret_is_in_no_error_and_no_log(
    case: Case, service: Script, caplog: pytest.LogCaptureFixture
) -> None:
    status = 0

    def echo(request: Request) -> Reply:
        heard = f"You sent {dict(request.headers)} and {SECRET}, that is Bearer {SECRET}."
        words = {"message": heard, "detail": heard, "error": {"message": heard, "status": heard}}
        return json_reply(words, status, Retry_After="0")

    service.always = echo
    embedder = case.load(service.emulator.url)
    for status in (400, 401, 402, 403, 404, 413, 418, 429, 503):  # noqa: B007 (the echo reads it)
        with caplog.at_level(logging.DEBUG), pytest.raises(DiptychError) as caught:
            embedder.embed_texts(["a cat"])
        assert SECRET not in everything_said(caught.value)
    assert SECRET not in caplog.text


def test_a_secret_is_not_in_what_the_embedder_tells_of_itself(case: Case, service: Script) -> None:
    embedder = case.load(service.emulator.url)
    embedder.embed_texts(["a cat"])
    told = [repr(embedder), repr(vars(embedder)), repr(embedder.info), embedder.info.fingerprint]
    told += [repr(vars(part)) for part in vars(embedder).values() if hasattr(part, "__dict__")]
    assert SECRET not in "\n".join(told)


@pytest.mark.parametrize("broken", [f"{SECRET}\nX-Header: 1", f"{SECRET} x", f"{SECRET}é"])
def test_a_secret_that_no_header_can_carry_is_never_shown(
    case: Case, service: Script, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setenv(case.secret_variables[0], broken)
    with pytest.raises(EmbedderUnavailable, match=case.secret_variables[0]) as caught:
        case.load(service.emulator.url).embed_texts(["a cat"])
    assert SECRET not in everything_said(caught.value)
    assert service.requests == []
