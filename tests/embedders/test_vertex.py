"""The Vertex embedder against loopback servers: an emulator for the whole, exact scripts for the rest."""

from __future__ import annotations

import base64
import io
import itertools
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from diptych.embedders import EmbedderInfo, EmbedderUnavailable, InputRejected, TransientError, load
from diptych.embedders.hosted import HostedEmbedder, read_vectors
from diptych.embedders.hosted.client import Pace
from diptych.embedders.hosted.provider import retirement_notice
from diptych.embedders.vertex import embedder as vertex_module
from diptych.embedders.vertex.embedder import PROVIDER
from diptych.emulators.vertex import VertexEmulator
from diptych.errors import DiptychWarning
from embedders.loopback_google import (
    Call,
    LoopbackGoogle,
    Reply,
    answer,
    error,
    expected_vector,
    predictions,
    retry_in,
)

NOW = {"Retry_After": "0"}


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.a-token-of-the-usual-looks")


@pytest.fixture
def google() -> Iterator[LoopbackGoogle]:
    with LoopbackGoogle() as server:
        yield server


def vertex(endpoint: str, **options: object) -> HostedEmbedder:
    """An embedder that asks a server on this machine, as fast as it can unless told otherwise."""
    wanted = {"project": "p", "requests_per_minute": 0, "dimension": 128, **options}
    embedder = vertex_module.load(
        "", endpoint=endpoint, **{name: str(value) for name, value in wanted.items()}
    )
    assert isinstance(embedder, HostedEmbedder)
    return embedder


def noise(size: tuple[int, int], seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


# Options and what is told about the embedder


def test_making_it_needs_no_account_and_loads_nothing_heavy() -> None:
    script = (
        "import sys; from diptych.embedders.vertex import load; load(''); "
        "print({'google.auth', 'httpx2', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_it_tells_what_estimates_and_reports_need() -> None:
    info = vertex_module.load("").info
    assert (info.provider, info.model, info.dimension) == ("vertex", "multimodalembedding@001", 1408)
    assert (info.batch_size, info.concurrency, info.requests_per_minute) == (1, 8, 120.0)
    assert (info.price_per_image, info.price_per_1k_characters) == (0.0001, 0.0002)
    assert (info.retires, info.max_text_tokens) == ("2027-04-01", 32)
    assert "1024" in info.preprocessing
    assert "512 x 512" in info.preprocessing


def test_a_spec_sets_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "http://127.0.0.1:9")
    spec = "vertex:multimodalembedding@001?dimension=256&requests_per_minute=0&concurrency=3"
    info = load(spec).info
    assert (info.name, info.spec) == ("multimodalembedding@001", spec)
    assert (info.dimension, info.requests_per_minute, info.concurrency) == (256, None, 3)
    assert info.fingerprint.endswith("127.0.0.1:9")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"dimension": "300"}, "128, 256, 512 or 1408"),
        ({"dimension": "512.0"}, "128, 256, 512 or 1408"),
        ({"colour": "red"}, "colour"),
        ({"concurrency": "0"}, "concurrency"),
        ({"concurrency": "2.5"}, "concurrency"),
        ({"concurrency": "many"}, "concurrency"),
        ({"requests_per_minute": "-1"}, "requests_per_minute"),
        ({"requests_per_minute": "nan"}, "requests_per_minute"),
        ({"location": "evil.example/"}, "us-central1"),
        ({"location": "global"}, "us-central1"),
        ({"model": "gemini-embedding-2"}, "multimodalembedding@001"),
        ({"endpoint": "127.0.0.1:80"}, "https://HOST"),
        ({"endpoint": "http://vertex.example"}, "https://HOST"),
        ({"endpoint": "http://127.0.0.1.example"}, "https://HOST"),
        ({"endpoint": "https://vertex.example:99999"}, "https://HOST"),
        ({"endpoint": "https://someone:hunter2@vertex.example"}, "https://HOST"),
        ({"endpoint": "https://vertex.example/?key=hunter2"}, "https://HOST"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line_that_says_what_is_taken(
    options: dict[str, str], names: str
) -> None:
    with pytest.raises(EmbedderUnavailable) as caught:
        vertex_module.load("", **options)
    message = str(caught.value)
    assert names in message
    assert "\n" not in message
    assert "hunter2" not in message


def test_two_different_models_are_refused() -> None:
    with pytest.raises(EmbedderUnavailable, match="two models"):
        vertex_module.load("multimodalembedding@001", model="multimodalembedding@002")


def test_the_fingerprint_changes_with_the_vectors_and_with_nothing_else() -> None:
    def fingerprint(model: str = "", **options: str) -> str:
        return vertex_module.load(model, **options).info.fingerprint

    google = fingerprint()
    assert "127.0.0.1" not in google
    same = [
        fingerprint("multimodalembedding@001"),
        fingerprint("multimodalembedding"),
        fingerprint(project="other", location="europe-west2"),
        fingerprint(concurrency="2", requests_per_minute="30"),
        fingerprint(endpoint="https://europe-west2-aiplatform.googleapis.com/"),
    ]
    assert set(same) == {google}
    others = [
        fingerprint(dimension="512"),
        fingerprint("multimodalembedding@002"),
        fingerprint(endpoint="http://127.0.0.1:8001"),
        fingerprint(endpoint="http://127.0.0.1:8002"),
        fingerprint(endpoint="https://googleapis.com.example"),
    ]
    assert len({google, *others}) == 1 + len(others)


# The retirement


@pytest.mark.parametrize(
    ("day", "says"),
    [
        (date(2026, 10, 2), None),
        (date(2026, 10, 3), "retires"),
        (date(2027, 3, 31), "retires"),
        (date(2027, 4, 1), "retired"),
        (date(2031, 1, 1), "retired"),
    ],
)
def test_the_retirement_is_announced_from_180_days_before(day: date, says: str | None) -> None:
    notice = retirement_notice(PROVIDER, "multimodalembedding@001", day)
    if says is None:
        assert notice is None
    else:
        assert notice is not None
        assert says in notice
        assert "2027-04-01" in notice


def test_a_model_with_no_known_date_is_not_announced() -> None:
    assert retirement_notice(PROVIDER, "multimodalembedding@002", date(2030, 1, 1)) is None


def test_a_notice_is_given_once_and_only_when_the_service_is_used(google: LoopbackGoogle) -> None:
    settings = PROVIDER.settings(
        "",
        {"endpoint": google.url, "project": "p", "location": "us-central1", "requests_per_minute": "0"}
        | {"dimension": "128"},
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        embedder = HostedEmbedder(settings, notice="It will be gone.")
        assert caught == []
        for _ in range(3):
            embedder.embed_texts(["a cat", "a dog"])
    assert [str(warning.message) for warning in caught] == ["It will be gone."]
    assert caught[0].category is DiptychWarning
    assert caught[0].filename == __file__


def test_the_notice_is_of_googles_own_service_and_of_today(google: LoopbackGoogle) -> None:
    vertex(google.url).embed_texts(["a cat"])  # a stand-in is not retired: a warning here would be an error
    due = retirement_notice(PROVIDER, "multimodalembedding@001", datetime.now(UTC).date())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(EmbedderUnavailable, match="project"):  # it stops before anything is sent
            vertex_module.load("").embed_texts(["a cat"])
    assert [str(warning.message) for warning in caught] == ([due] if due else [])


# Pictures before they are sent


def decoded(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


@settings(max_examples=50)
@given(st.integers(1, 3000), st.integers(1, 3000))
@example(3000, 1)
@example(1, 3000)
def test_a_picture_is_scaled_down_to_1024_and_keeps_its_shape(width: int, height: int) -> None:
    sent = decoded(vertex_module.load("").prepare_image(Image.new("RGB", (width, height)))).size
    if max(width, height) <= 1024:
        assert sent == (width, height)
    else:
        assert max(sent) == 1024
        exact = (width * 1024 / max(width, height), height * 1024 / max(width, height))
        assert all(abs(side - max(1, wanted)) <= 0.5 for side, wanted in zip(sent, exact, strict=True))


def test_nothing_is_cropped_and_colours_stay_where_they_are() -> None:
    quarters = Image.new("RGB", (3000, 2000), "white")
    corners = {(0, 0): (255, 0, 0), (2999, 0): (0, 255, 0), (0, 1999): (0, 0, 255), (2999, 1999): (0, 0, 0)}
    for (x, y), colour in corners.items():
        quarters.paste(
            colour, (x // 1500 * 1500, y // 1000 * 1000, x // 1500 * 1500 + 1500, y // 1000 * 1000 + 1000)
        )
    sent = decoded(vertex_module.load("").prepare_image(quarters))
    for (x, y), colour in corners.items():
        seen = sent.getpixel((min(x, 1023 if x else 0), min(y, sent.height - 1 if y else 0)))
        assert np.abs(np.subtract(seen, colour)).max() <= 4


def test_the_jpeg_keeps_colour_at_full_resolution_and_carries_no_metadata() -> None:
    image = noise((40, 30))
    image.info.update(comment=b"taken at home", exif=b"Exif\0\0II*\0", icc_profile=b"profile")
    jpeg = vertex_module.load("").prepare_image(image)
    sent = decoded(jpeg)
    assert sent.format == "JPEG"
    assert [layer[1:3] for layer in sent.layer] == [(1, 1)] * 3
    assert not {"comment", "exif", "icc_profile"} & set(sent.info)
    image.info.clear()
    assert vertex_module.load("").prepare_image(image) == jpeg


# Requests and answers


def test_a_request_is_as_google_documents_it(google: LoopbackGoogle) -> None:
    embedder = vertex(google.url, project="my-project", location="europe-west2", dimension=512)
    jpeg = embedder.prepare_image(noise((8, 8)))
    images, texts = embedder.embed_images([jpeg]), embedder.embed_texts(["a cat"])

    picture, text = google.calls
    place = "/v1/projects/my-project/locations/europe-west2"
    path = f"{place}/publishers/google/models/multimodalembedding@001:predict"
    assert (picture.method, picture.path) == (text.method, text.path) == ("POST", path)
    assert picture.headers["authorization"] == "Bearer ya29.a-token-of-the-usual-looks"
    assert picture.headers["content-type"] == "application/json; charset=utf-8"
    assert picture.headers["user-agent"].startswith("diptych/")
    encoded = base64.b64encode(jpeg).decode()
    image_request = {
        "instances": [{"image": {"bytesBase64Encoded": encoded}}],
        "parameters": {"dimension": 512},
    }
    assert picture.json == image_request
    assert text.json == {"instances": [{"text": "a cat"}], "parameters": {"dimension": 512}}

    for vectors, content in ((images, encoded), (texts, "a cat")):
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, [expected_vector(content, 512)])


def test_many_at_once_are_one_call_each_and_come_back_in_order(google: LoopbackGoogle) -> None:
    texts = [f"text {number}" for number in range(20)]
    vectors = vertex(google.url).embed_texts(texts)
    np.testing.assert_array_equal(vectors, [expected_vector(text, 128) for text in texts])
    assert Counter(call.json["instances"][0]["text"] for call in google.calls) == Counter(texts)


def test_none_at_all_is_no_call(google: LoopbackGoogle) -> None:
    assert vertex(google.url).embed_images([]).shape == (0, 128)
    assert google.calls == []


def test_a_text_that_is_no_valid_unicode_is_sent_all_the_same(google: LoopbackGoogle) -> None:
    google.respond = lambda _call: answer({"predictions": [{"textEmbedding": [1.0] * 128}]})
    vertex(google.url).embed_texts(["half a \ud83d pair"])
    assert google.calls[0].json["instances"] == [{"text": "half a \ud83d pair"}]


def test_a_long_text_is_sent_with_a_warning(google: LoopbackGoogle) -> None:
    at_the_limit, longer = " ".join(["cat"] * 32), " ".join(["cat"] * 33)
    embedder = vertex(google.url)
    embedder.embed_texts([at_the_limit])
    with pytest.warns(DiptychWarning, match=r"first 32 words.*33 words"):
        embedder.embed_texts([longer])
    assert google.calls[-1].json["instances"] == [{"text": longer}]


@pytest.mark.parametrize("empty", ["", " \n\t"])
def test_an_empty_text_is_refused_before_anything_is_sent(google: LoopbackGoogle, empty: str) -> None:
    with pytest.raises(InputRejected, match="empty"):
        vertex(google.url).embed_texts(["a cat", empty])
    assert google.calls == []


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({}, TransientError),
        ([], TransientError),
        (None, TransientError),
        ({"predictions": []}, TransientError),
        ({"predictions": {"0": {}}}, TransientError),
        ({"predictions": ["text"]}, TransientError),
        ({"predictions": [{"imageEmbedding": [0.5] * 128}]}, TransientError),
        ({"predictions": [{"textEmbedding": None}]}, TransientError),
        ({"predictions": [{"textEmbedding": [float("nan")] * 128}]}, TransientError),
        ({"predictions": [{"textEmbedding": [10**400] * 128}]}, TransientError),
        ({"predictions": [{"textEmbedding": [1e300] * 128}]}, TransientError),
        ({"predictions": [{"textEmbedding": ["?"] * 128}]}, TransientError),
        ({"predictions": [{"textEmbedding": [None] * 128}]}, TransientError),
        ({"predictions": [{"textEmbedding": [[0.5], [0.5, 0.5]]}]}, TransientError),
        ({"predictions": [{"textEmbedding": [0.5] * 127}]}, EmbedderUnavailable),
        ({"predictions": [{"textEmbedding": []}]}, EmbedderUnavailable),
    ],
)
def test_an_answer_without_a_usable_vector_is_a_plain_error(
    payload: object, expected: type[Exception]
) -> None:
    with pytest.raises(expected, match="Vertex AI answered") as caught:
        read_vectors("Vertex AI", lambda: PROVIDER.read("text", payload), 1, 128)
    assert "\n" not in str(caught.value)


def test_a_page_in_place_of_json_says_to_check_the_endpoint(google: LoopbackGoogle) -> None:
    google.respond = lambda _call: Reply(200, b"<html>Sign in to the Wi-Fi</html>")
    with pytest.raises(EmbedderUnavailable, match="check endpoint"):
        vertex(google.url).embed_texts(["a cat"])


# Retries and pace


@pytest.mark.parametrize(
    "failure",
    [
        error(429, "Quota exceeded.", retry_in("0s")),
        error(429, "Resource exhausted.", **NOW),
        error(408, **NOW),
        error(500, **NOW),
        error(502, **NOW),
        error(504, **NOW),
        Reply(503, b"<html><title>Error 503</title></html>", {"retry-after": "0"}),
        Reply(503, b"", {"retry-after": "0"}),
        answer(
            {"error": {"code": 503, "errors": [{"message": "Gone.", "reason": "backendError"}]}}, 503, **NOW
        ),
        answer([{"error": "gone"}], 503, **NOW),
        Reply(0),
        Reply(200, b'{"predictions": [', {"content-length": "5000"}),
    ],
    ids=lambda reply: f"{reply.status}-{reply.body[:24]!r}",
)
def test_a_failure_that_passes_is_tried_again(google: LoopbackGoogle, failure: Reply) -> None:
    with LoopbackGoogle(first=[failure]) as server:
        vectors = vertex(server.url).embed_texts(["a cat"])
    np.testing.assert_array_equal(vectors, [expected_vector("a cat", 128)])
    assert len(server.calls) == 2
    assert server.calls[0].body == server.calls[1].body


@pytest.mark.parametrize(("status", "tries"), [(503, 8), (500, 8), (429, 12)])
def test_a_failure_that_stays_ends_after_some_tries(google: LoopbackGoogle, status: int, tries: int) -> None:
    google.respond = lambda _call: error(status, "Not now.", **NOW)
    with pytest.raises(TransientError, match="Not now") as caught:
        vertex(google.url).embed_texts(["a cat"])
    assert len(google.calls) == tries
    assert "later" in str(caught.value)


@pytest.mark.parametrize(
    "failure",
    [
        error(429, "Quota exceeded.", retry_in("0.4s")),
        error(503, "Busy.", retry_in("0.4s"), Retry_After="0"),
        error(503, "Busy.", Retry_After="1"),
    ],
)
def test_the_next_try_comes_no_sooner_than_the_server_asked(failure: Reply) -> None:
    with LoopbackGoogle(first=[failure]) as server:
        vertex(server.url).embed_texts(["a cat"])
    first, second = server.calls
    assert second.at - first.at >= 0.4


def test_after_too_many_requests_no_thread_starts_another_until_it_is_time() -> None:
    pace = Pace(None)
    held = time.monotonic()
    pace.hold(0.3)
    pace.hold(0.01)  # a shorter one does not cut it short
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: (pace.wait(), time.monotonic())[1], range(4)))
    assert min(started) - held >= 0.3


def test_requests_of_all_threads_keep_to_the_rate_together(google: LoopbackGoogle) -> None:
    begun = time.monotonic()
    vertex(google.url, requests_per_minute=3000).embed_texts([str(number) for number in range(20)])
    assert time.monotonic() - begun >= 19 * 60 / 3000
    assert len(google.calls) == 20


def test_as_many_calls_are_in_flight_as_told_and_no_more(google: LoopbackGoogle) -> None:
    five, sixth = threading.Barrier(5), threading.Event()
    arrival = itertools.count(1)
    more_than_five = []

    def hold_the_first_five(call: Call) -> Reply:
        if next(arrival) > 5:
            sixth.set()
        else:
            five.wait(timeout=20)  # breaks, and fails the test, where fewer come at once
            more_than_five.append(sixth.wait(timeout=0.3))
            five.wait(timeout=20)  # none is answered, so that a sixth may come, before all have looked
        return predictions(call)

    google.respond = hold_the_first_five
    embedder = vertex(google.url, concurrency=5)
    jpegs = [embedder.prepare_image(noise((4, 4), seed)) for seed in range(20)]
    with ThreadPoolExecutor(10) as pool:
        rows = [rows[0] for rows in pool.map(lambda jpeg: embedder.embed_images([jpeg]), jpegs)]
    np.testing.assert_array_equal(
        rows, [expected_vector(base64.b64encode(jpeg).decode(), 128) for jpeg in jpegs]
    )
    assert more_than_five == [False] * 5


# All together


class MeanColours:
    """The mean colours of a picture's quarters; text is not what this is about."""

    info = EmbedderInfo(
        name="mean", provider="mean", model="mean", dimension=12, preprocessing="none", fingerprint="mean"
    )

    def prepare_image(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image.resize((2, 2), Image.Resampling.BOX), np.float32).ravel()

    def embed_images(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(prepared)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), 12), np.float32)


def test_sixty_pictures_arrive_once_each_though_a_fifth_of_all_calls_fail() -> None:
    pictures = [noise((12, 12), seed) for seed in range(60)]

    def embed_all(emulator: VertexEmulator) -> np.ndarray:
        embedder = vertex(emulator.url, dimension=1408, concurrency=16)
        prepared = [embedder.prepare_image(picture) for picture in pictures]
        with ThreadPoolExecutor(16) as pool:
            return np.concatenate(list(pool.map(lambda jpeg: embedder.embed_images([jpeg]), prepared)))

    with VertexEmulator(MeanColours()) as emulator:
        calm = embed_all(emulator)
        hashes = Counter(served.sha256 for served in emulator.served)
    with VertexEmulator(MeanColours(), error_rate=0.2, seed=3) as emulator:
        stormy = embed_all(emulator)
        served = emulator.served

    np.testing.assert_array_equal(stormy, calm)
    assert len(np.unique(calm, axis=0)) == 60
    assert Counter(one.sha256 for one in served if one.status == 200) == hashes
    assert set(hashes.values()) == {1}
    assert len([one for one in served if one.status != 200]) >= 5


def test_a_quota_that_is_used_up_costs_time_and_nothing_else(google: LoopbackGoogle) -> None:
    window, allowed = 0.3, 10
    used: Counter[int] = Counter()
    answered: list[str] = []
    lock = threading.Lock()

    def within_quota(call: Call) -> Reply:
        with lock:
            this = int(call.at / window)
            used[this] += 1
            if used[this] > allowed:
                return error(429, "Quota exceeded.", retry_in(f"{(this + 1) * window - call.at:.3f}s"))
            answered.append(call.json["instances"][0]["text"])
        return predictions(call)

    google.respond = within_quota
    texts = [f"text {number}" for number in range(40)]
    vectors = vertex(google.url).embed_texts(texts)
    np.testing.assert_array_equal(vectors, [expected_vector(text, 128) for text in texts])
    assert Counter(answered) == Counter(texts)
    assert len(google.calls) > len(texts)
