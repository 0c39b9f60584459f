"""What a person reads when Vertex says no: the right kind of error, the next step, one line, no secret."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Iterator

import pytest
from PIL import Image

from diptych.embedders import EmbedderUnavailable, InputRejected, TransientError
from diptych.embedders.hosted.failures import Failure, Words, explain, read_failure
from diptych.embedders.vertex import embedder as vertex_module
from diptych.embedders.vertex.errors import words
from diptych.emulators import google_errors
from diptych.emulators.replies import Reply as ServedReply
from diptych.errors import DiptychError
from embedders.loopback_google import (
    Call,
    LoopbackGoogle,
    Reply,
    answer,
    error,
    predictions,
    reason,
    retry_in,
)

SECRET = "c0ASRK0GbVeRySeCrEt-and_long"


@pytest.fixture
def google() -> Iterator[LoopbackGoogle]:
    with LoopbackGoogle() as server:
        yield server


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", SECRET)


def embed(server: LoopbackGoogle, text: str = "a cat") -> None:
    options = {"project": "my-project", "dimension": "128", "requests_per_minute": "0"}
    vertex_module.load("", endpoint=server.url, **options).embed_texts([text])


def words_for(project: str, location: str) -> Words:
    options = {"endpoint": "https://us-central9.test", "project": project, "location": location}
    return words(vertex_module.PROVIDER.settings("", options), project, "us-central1")


NO_DETAILS = {"error": {"code": 403, "message": "Vertex AI API has not been used in project 7 before."}}
OLD_STYLE = {"error": {"code": 403, "message": "Off.", "errors": [{"reason": "accessNotConfigured"}]}}


@pytest.mark.parametrize(
    ("reply", "expected", "says"),
    [
        (error(400, "Unable to decode the image."), InputRejected, "Unable to decode the image"),
        (error(400, "Image dimensions are too large."), InputRejected, "Image dimensions"),
        (
            error(400, "Invalid dimension 300: expected one of 128, 256."),
            EmbedderUnavailable,
            "Invalid dimension",
        ),
        (error(400, "Empty instances."), EmbedderUnavailable, "Empty instances"),
        (
            answer({"error": {"code": 400, "message": "No.", "status": "FAILED_PRECONDITION"}}, 400),
            EmbedderUnavailable,
            "every such request",
        ),
        (
            error(401, "Request had invalid credentials."),
            EmbedderUnavailable,
            "does not accept these credentials, they may be too old: run `gcloud auth",
        ),
        (
            error(403, "Off.", reason("SERVICE_DISABLED")),
            EmbedderUnavailable,
            "gcloud services enable aiplatform.googleapis.com --project my-project",
        ),
        (answer(NO_DETAILS, 403), EmbedderUnavailable, "gcloud services enable"),
        (answer(OLD_STYLE, 403), EmbedderUnavailable, "gcloud services enable"),
        (error(403, "Pay.", reason("BILLING_DISABLED")), EmbedderUnavailable, "billing account"),
        (error(403, "No.", reason("IAM_PERMISSION_DENIED")), EmbedderUnavailable, "roles/aiplatform.user"),
        (error(403, "No."), EmbedderUnavailable, "roles/aiplatform.user"),
        (error(403, "No.", reason("USER_PROJECT_DENIED")), EmbedderUnavailable, "GOOGLE_CLOUD_QUOTA_PROJECT"),
        (error(403, "No.", reason("ACCESS_TOKEN_SCOPE_INSUFFICIENT")), EmbedderUnavailable, "cloud-platform"),
        (error(404, "Publisher Model was not found."), EmbedderUnavailable, "2027-04-01"),
        (error(404, "Publisher Model was not found."), EmbedderUnavailable, "not served in us-central1"),
        (Reply(413, b"<html><title>Error 413</title>"), InputRejected, "too large"),
        (Reply(302, b"", {"location": "https://login.example"}), EmbedderUnavailable, "check endpoint"),
        (Reply(405), EmbedderUnavailable, "405"),
        (error(501, "Never."), TransientError, "501"),
    ],
)
def test_an_error_names_the_next_step_in_one_line(
    google: LoopbackGoogle, reply: Reply, expected: type[DiptychError], says: str
) -> None:
    google.respond = lambda _call: reply
    with pytest.raises(DiptychError) as caught:
        embed(google)
    assert type(caught.value) is expected
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(google.calls) == 1, "an error that stays is not worth a second call"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (google_errors.unauthenticated("ACCESS_TOKEN_EXPIRED"), "gcloud auth"),
        (google_errors.service_disabled("my-project"), "gcloud services enable"),
        (google_errors.billing_disabled("my-project"), "billing"),
        (google_errors.permission_denied("projects/my-project"), "roles/aiplatform.user"),
        (google_errors.quota_project_denied("other"), "quota project"),
        (google_errors.model_not_found("projects/p/x"), "not served in"),
    ],
)
def test_errors_worded_as_google_words_them_are_understood(reply: ServedReply, says: str) -> None:
    failure = read_failure(reply.status, reply.headers, reply.body.decode())
    said = explain(failure, words_for("my-project", "us-central1"))
    assert isinstance(said, EmbedderUnavailable)
    assert says in str(said)


def test_a_connection_that_stays_broken_says_to_check_the_network() -> None:
    failure = Failure(None, "[Errno 111] Connection refused")
    assert failure.tries == 8
    said = explain(failure, words_for("p", "us-central9"))
    assert isinstance(said, TransientError)
    assert "check the network, and location=us-central9" in str(said)
    assert str(said).startswith("https://us-central9.test can't be reached in 8 tries")
    assert "Connection refused" in str(said)


def wait_asked(*details: object, headers: dict[str, str] | None = None) -> float | None:
    body = json.dumps({"error": {"code": 429, "message": "Slowly.", "details": list(details)}})
    return read_failure(429, headers or {}, body).asked_wait


def test_the_wait_is_what_the_details_ask_then_what_the_header_asks() -> None:
    assert wait_asked(retry_in("30s")) == 30.0
    assert wait_asked(reason("RATE_LIMIT_EXCEEDED"), retry_in("0.250s")) == 0.25
    assert wait_asked(retry_in("3s"), headers={"retry-after": "9"}) == 3.0
    assert wait_asked(headers={"retry-after": "9"}) == 9.0
    assert wait_asked() is None
    for unusable in ("soon", "", "-3s", None, {"seconds": 3}):
        assert wait_asked({"retryDelay": unusable}, headers={"retry-after": "9"}) == 9.0


def test_a_wait_is_never_longer_than_a_minute_and_grows_where_none_is_asked() -> None:
    assert Failure(429, "", asked_wait=3600.0).wait(0) == 60.0
    assert Failure(429, "", asked_wait=0.5).wait(7) == 0.5
    for attempt, ceiling in enumerate([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0]):
        waits = [Failure(503, "").wait(attempt) for _ in range(300)]
        assert 0.0 <= min(waits) <= ceiling / 4
        assert 3 * ceiling / 4 <= max(waits) <= ceiling


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", ""),
        ("null", "null"),
        ('{"error": null}', '{"error": null}'),
        ('{"error": "invalid_grant"}', "invalid_grant"),
        ('[{"error": {"message": "In a list."}}]', "In a list"),
        ('{"error": {"message": null, "details": "none", "errors": [1], "status": 7}}', ""),
        ('{"error": {"message": "Two\\nlines.", "details": [{"reason": null}, "x"]}}', "Two lines"),
        ("<html><TITLE>Error 503\n(Unavailable)</TITLE><body>long story</body>", "Error 503 (Unavailable)"),
        ("<p>Upstream <b>gone</b></p>", "Upstream gone"),
        ("[" * 100_000, "[" * 299 + "…"),
    ],
)
def test_any_body_gives_one_line(body: str, message: str) -> None:
    assert read_failure(503, {}, body).message == message


def echo(call: Call) -> Reply:
    """A server that repeats the secret in all it says."""
    heard = f"You sent {call.headers['authorization']}, that is {SECRET}."
    status = int(call.json["instances"][0]["text"])
    return answer(
        {"error": {"code": status, "message": heard, "status": heard, "details": []}}, status, Retry_After="0"
    )


def everything_said(caught: BaseException) -> str:
    """An error's text and traceback, and those of all that it came from or came up in."""
    said, seen, queue = [], set(), [caught]
    while queue:
        one = queue.pop()
        if id(one) not in seen:
            seen.add(id(one))
            said += [str(one), repr(one), repr(one.args), *traceback.format_exception(one)]
            queue += [next_one for next_one in (one.__cause__, one.__context__) if next_one]
    return "\n".join(said)


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "413", "418", "429", "503"])
def test_a_token_is_in_no_error_and_no_log(
    google: LoopbackGoogle, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    google.respond = echo
    with caplog.at_level(logging.DEBUG), pytest.raises(DiptychError) as caught:
        embed(google, status)
    assert google.calls[0].headers["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in everything_said(caught.value)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("broken", [f"{SECRET}\nX-Header: 1", f"Bearer {SECRET}", f"{SECRET}é"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(
    google: LoopbackGoogle, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", broken)
    with pytest.raises(EmbedderUnavailable, match="VERTEX_ACCESS_TOKEN") as caught:
        embed(google)
    assert SECRET not in everything_said(caught.value)
    assert google.calls == []


def test_a_token_is_not_in_what_the_embedder_tells_of_itself(google: LoopbackGoogle) -> None:
    google.respond = predictions
    embedder = vertex_module.load("", endpoint=google.url, project="p", requests_per_minute="0")
    image = io.BytesIO(embedder.prepare_image(Image.new("RGB", (4, 4))))
    embedder.embed_images([image.getvalue()])
    assert google.calls[0].headers["authorization"].endswith(SECRET)
    told = [repr(embedder), repr(vars(embedder)), repr(embedder.info), embedder.info.fingerprint]
    told += [repr(vars(part)) for part in vars(embedder).values() if hasattr(part, "__dict__")]
    assert SECRET not in "\n".join(told)


def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    google: LoopbackGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:hunter2@proxy.example")
    with pytest.raises(EmbedderUnavailable, match="HTTPS_PROXY") as caught:
        embed(google)
    assert "hunter2" not in everything_said(caught.value)
