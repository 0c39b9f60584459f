"""Signing in to Google by every usual way, for real, with Google's token server played on 127.0.0.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from diptych.embedders import Embedder, EmbedderUnavailable
from diptych.embedders.vertex import embedder as vertex_module
from diptych.embedders.vertex.credentials import where_credentials_are
from embedders.loopback_google import Call, LoopbackGoogle, Reply, answer, error, expected_vector, predictions


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


class Account:
    """A token server and Vertex in one: hands out numbered tokens, and takes those that are not revoked."""

    def __init__(self) -> None:
        self.granted: list[dict[str, list[str]]] = []
        self.revoked: set[str] = set()
        self.refusal: Reply | None = None
        self._lock = threading.Lock()

    def respond(self, call: Call) -> Reply:
        if call.path == "/token":
            return self._grant(call)
        if call.headers["authorization"].removeprefix("Bearer ") in self.revoked:
            return error(401, "Request had invalid authentication credentials.")
        return predictions(call)

    def _grant(self, call: Call) -> Reply:
        if self.refusal:
            return self.refusal
        with self._lock:
            self.granted.append(parse_qs(call.body.decode()))
            token = f"ya29.token-number-{len(self.granted)}"
        return answer({"access_token": token, "expires_in": 3600, "token_type": "Bearer"})


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def google(account: Account) -> Iterator[LoopbackGoogle]:
    with LoopbackGoogle(account.respond) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_account_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the gcloud configuration and the metadata server that the machine of the tests may have."""
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:9")
    monkeypatch.setattr("google.auth.compute_engine._metadata._GCE_PRODUCT_NAME_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("GCLOUD_PROJECT", raising=False)


@pytest.fixture
def service_account(
    google: LoopbackGoogle, private_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    key = {
        "type": "service_account",
        "project_id": "project-of-the-key",
        "private_key_id": "1",
        "private_key": private_key,
        "client_email": "someone@project-of-the-key.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{google.url}/token",
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    return key


def vertex(server: LoopbackGoogle, **options: str) -> Embedder:
    return vertex_module.load("", endpoint=server.url, requests_per_minute="0", dimension="128", **options)


def predicted(google: LoopbackGoogle) -> list[Call]:
    return [call for call in google.calls if call.path.endswith(":predict")]


@pytest.mark.usefixtures("service_account")
def test_a_service_account_signs_in_once_for_all_threads(google: LoopbackGoogle, account: Account) -> None:
    embedder = vertex(google)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda number: embedder.embed_texts([str(number)])[0], range(24)))
    np.testing.assert_array_equal(rows, [expected_vector(str(number), 128) for number in range(24)])
    assert len(account.granted) == 1
    assert account.granted[0]["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert {call.headers["authorization"] for call in predicted(google)} == {"Bearer ya29.token-number-1"}
    assert {call.path.split("/")[3] for call in predicted(google)} == {"project-of-the-key"}
    assert len(google.calls) == 25, "nothing is asked that was not wanted"


@pytest.mark.usefixtures("service_account")
def test_a_refused_token_is_renewed_once_for_all_threads(google: LoopbackGoogle, account: Account) -> None:
    embedder = vertex(google)
    embedder.embed_texts(["before"])
    account.revoked.add("ya29.token-number-1")
    refused_together = threading.Barrier(8)

    def respond(call: Call) -> Reply:
        if call.headers.get("authorization") == "Bearer ya29.token-number-1":
            refused_together.wait(timeout=20)
        return account.respond(call)

    google.respond = respond
    vectors = embedder.embed_texts([str(number) for number in range(8)])
    np.testing.assert_array_equal(vectors, [expected_vector(str(number), 128) for number in range(8)])
    assert len(account.granted) == 2
    assert len(predicted(google)) == 1 + 8 + 8


@pytest.mark.usefixtures("service_account")
def test_a_renewed_token_that_is_refused_as_well_ends_it_with_the_way_to_sign_in(
    google: LoopbackGoogle, account: Account
) -> None:
    account.revoked |= {"ya29.token-number-1", "ya29.token-number-2"}
    embedder = vertex(google)
    with pytest.raises(EmbedderUnavailable, match="gcloud auth application-default login"):
        embedder.embed_texts(["a cat"])
    assert len(account.granted) == 2
    assert embedder.embed_texts(["a cat"]).shape == (1, 128), "the next call signs in anew"


def test_a_new_access_token_can_be_set_when_the_old_one_has_run_out(
    google: LoopbackGoogle, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.revoked.add("ya29.of-an-hour-ago")
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.of-an-hour-ago")
    embedder = vertex(google, project="p")
    with pytest.raises(EmbedderUnavailable, match="VERTEX_ACCESS_TOKEN"):
        embedder.embed_texts(["a cat"])
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.of-now")
    assert embedder.embed_texts(["a cat"]).shape == (1, 128)
    assert len(google.calls) == 2


def test_without_google_auth_an_access_token_will_do_and_the_rest_says_what_to_install(
    google: LoopbackGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith("google.auth")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "google.auth", None)  # how Python itself marks what can't be imported
    assert where_credentials_are() is None
    with pytest.raises(EmbedderUnavailable, match=r"pip install 'diptych\[vertex\]', or set VERTEX_ACCESS"):
        vertex(google, project="p").embed_texts(["a cat"])
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.raw-access-token")
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "who-pays")
    assert vertex(google, project="p").embed_texts(["a cat"]).shape == (1, 128)
    (call,) = google.calls
    assert call.headers["authorization"] == "Bearer ya29.raw-access-token"
    assert call.headers["x-goog-user-project"] == "who-pays"


def test_projects_are_taken_in_the_documented_order(
    google: LoopbackGoogle, service_account: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    vertex(google).embed_texts(["a cat"])
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "project-of-the-environment")
    vertex(google).embed_texts(["a cat"])
    vertex(google, project="project-of-the-spec").embed_texts(["a cat"])
    projects = [call.path.split("/")[3] for call in predicted(google)]
    assert projects == [service_account["project_id"], "project-of-the-environment", "project-of-the-spec"]


@pytest.mark.usefixtures("service_account")
def test_a_quota_project_is_named_with_every_way_to_sign_in(
    google: LoopbackGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "who-pays")
    vertex(google).embed_texts(["a cat"])
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.raw-access-token")
    vertex(google, project="p").embed_texts(["a cat"])
    by_key, by_token = predicted(google)
    assert by_key.headers["x-goog-user-project"] == by_token.headers["x-goog-user-project"] == "who-pays"
    assert by_token.headers["authorization"] == "Bearer ya29.raw-access-token", "the token goes first"


@pytest.fixture
def gcloud_login(google: LoopbackGoogle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `gcloud auth application-default login` leaves, and Colab's `authenticate_user()` likewise."""
    user = {
        "type": "authorized_user",
        "client_id": "someone.apps.googleusercontent.com",
        "client_secret": "a-client-secret",
        "refresh_token": "1//a-refresh-token-of-some-length",
    }
    path = tmp_path / "gcloud" / "application_default_credentials.json"
    path.parent.mkdir()
    path.write_text(json.dumps(user))
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{google.url}/token")


@pytest.mark.usefixtures("gcloud_login")
def test_a_gcloud_login_is_found_and_used(google: LoopbackGoogle, account: Account) -> None:
    vertex(google, project="p").embed_texts(["a cat"])
    assert account.granted[0]["grant_type"] == ["refresh_token"]
    assert predicted(google)[0].headers["authorization"] == "Bearer ya29.token-number-1"


@pytest.mark.usefixtures("gcloud_login")
@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (
            {
                "error": "invalid_grant",
                "error_description": "reauth related error",
                "error_subtype": "invalid_rapt",
            },
            "Reauthentication is needed",
        ),
        (
            {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
            "expired or revoked",
        ),
        (
            {"error": "invalid_client", "error_description": "1//a-refresh-token-of-some-length\nis bad"},
            "is bad",
        ),
        (
            {"error": "invalid_grant", "error_description": "eyJhbGci.eyJzdWIi.c2ln is not a JWT"},
            "… is not a JWT",
        ),
        ({"error": "invalid_grant", "error_description": "ya29.someone-elses was used"}, "… was used"),
    ],
)
def test_an_old_login_is_to_be_renewed_by_the_person(
    google: LoopbackGoogle, account: Account, refusal: dict[str, str], says: str
) -> None:
    account.refusal = answer(refusal, 400)
    with pytest.raises(EmbedderUnavailable, match="gcloud auth application-default login") as caught:
        vertex(google, project="p").embed_texts(["a cat"])
    message = str(caught.value)
    assert says in message
    assert "\n" not in message
    assert all(secret not in message for secret in ("1//", "eyJ", "ya29"))
    assert predicted(google) == []


def test_where_credentials_are_is_told_without_reading_them(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert where_credentials_are() is None
    request.getfixturevalue("gcloud_login")
    assert where_credentials_are() == str(tmp_path / "gcloud" / "application_default_credentials.json")
    key = tmp_path / "key.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    assert where_credentials_are() is None, "a variable that names no file is not made up for"
    key.touch()
    assert where_credentials_are() == str(key)
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.raw-access-token")
    assert where_credentials_are() == "VERTEX_ACCESS_TOKEN"


@pytest.mark.usefixtures("gcloud_login")
def test_a_sign_in_that_breaks_for_a_moment_is_tried_again(google: LoopbackGoogle, account: Account) -> None:
    breaks = iter([Reply(0), Reply(0)])
    google.respond = lambda call: next(breaks, None) or account.respond(call)
    assert vertex(google, project="p").embed_texts(["a cat"]).shape == (1, 128)


def test_without_any_credentials_the_ways_to_get_some_are_named(google: LoopbackGoogle) -> None:
    with pytest.raises(EmbedderUnavailable) as caught:
        vertex(google, project="p").embed_texts(["a cat"])
    message = str(caught.value)
    for way in (
        "gcloud auth application-default login",
        "google.colab.auth.authenticate_user()",
        "VERTEX_ACCESS_TOKEN",
    ):
        assert way in message
    assert "\n" not in message
    assert google.calls == []


def test_without_a_project_the_ways_to_name_one_are_said(
    google: LoopbackGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.raw-access-token")
    embedder = vertex(google)
    with pytest.raises(
        EmbedderUnavailable, match=r"vertex\?project=YOUR-PROJECT or set GOOGLE_CLOUD_PROJECT"
    ):
        embedder.embed_texts(["a cat"])
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    assert embedder.embed_texts(["a cat"]).shape == (1, 128), "once it is named, the same embedder works"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "not JSON",
        "[]",
        "{}",
        '{"type": "service_account", "private_key": "hunter2"}',
        '{"type": "service_account", "client_email": "a", "token_uri": "http://b", "private_key": "hunter2"}',
        '{"type": "authorized_user", "refresh_token": "hunter2"}',
    ],
)
def test_a_broken_credentials_file_is_named_in_one_line(
    google: LoopbackGoogle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    with pytest.raises(EmbedderUnavailable, match="no usable Google credentials") as caught:
        vertex(google, project="p").embed_texts(["a cat"])
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_metadata_server_is_looked_for_once_where_there_is_none(
    google: LoopbackGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    google.respond = lambda _call: Reply(0)
    monkeypatch.setenv("GCE_METADATA_IP", google.address)
    with pytest.raises(EmbedderUnavailable):
        vertex(google, project="p").embed_texts(["a cat"])
    assert len(google.calls) == 1


def test_a_machine_of_googles_needs_nothing_set(google: LoopbackGoogle) -> None:
    def metadata(call: Call) -> Reply:
        flavour = {"metadata-flavor": "Google"}
        path = call.path.partition("?")[0]
        if path.endswith(":predict"):
            return predictions(call)
        assert call.headers["metadata-flavor"] == "Google"
        if path.endswith("/token"):
            token = {"access_token": "ya29.token-of-the-machine", "expires_in": 3600, "token_type": "Bearer"}
            return answer(token, metadata_flavor="Google")
        if path.endswith("/project-id"):
            return Reply(200, b"project-of-the-machine", {**flavour, "content-type": "application/text"})
        if path.endswith("/default/"):
            about = {"email": "machine@p.iam.gserviceaccount.com", "aliases": ["default"], "scopes": []}
            return answer(about, metadata_flavor="Google")
        return Reply(404 if "universe" in path else 200, b"", {**flavour, "content-type": "text/html"})

    google.respond = metadata
    script = (
        "from diptych.embedders.vertex import load; "
        f"print(load('', endpoint={google.url!r}, dimension='128').embed_texts(['a cat']).shape)"
    )
    # Where the metadata server is, google-auth reads when it is imported: hence a process of its own.
    environment = {**os.environ, "GCE_METADATA_HOST": google.address, "GCE_METADATA_IP": google.address}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "(1, 128)", done.stderr
    (call,) = predicted(google)
    assert call.headers["authorization"] == "Bearer ya29.token-of-the-machine"
    assert call.path.split("/")[3] == "project-of-the-machine"
