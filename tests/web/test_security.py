"""Who is let in: what a foreign page, a foreign name or a stranger asks for is refused, and says why."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from PIL import Image

from diptych.web.state import PageState
from served_page import client, served, wait_until_ready
from support import picture_bytes

ASK = {"text": "red"}


@pytest.fixture(scope="module")
def http(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    store = tmp_path_factory.mktemp("store") / "store.sqlite"
    with served(pictures, ["palette"], store) as page, client(page) as http:
        wait_until_ready(http)
        yield http


def first_picture(http: httpx.Client) -> str:
    found = http.post("/api/search", json=ASK).json()["answers"]["palette"]["hits"]
    return str(found[0]["id"])


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a@b", "[::1"]
)
@pytest.mark.parametrize("path", ["/", "/api/state", "/static/web.css", "/nowhere"])
def test_a_foreign_host_is_refused_whatever_it_asks_for(http: httpx.Client, host: str, path: str) -> None:
    answer = http.get(path, headers={"Host": host})
    assert answer.status_code in {400, 403}
    assert "palette" not in answer.text


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_a_tunnel_may_call_this_machine_by_its_own_names(http: httpx.Client, host: str) -> None:
    assert http.get("/api/state", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "file://", "http://[", ""],
)
def test_a_foreign_origin_is_refused_for_reading_and_for_writing(http: httpx.Client, origin: str) -> None:
    headers = {"Origin": origin}
    assert http.get("/api/state", headers=headers).status_code == 403
    assert http.post("/api/search", json=ASK, headers=headers).status_code == 403


def test_a_post_says_where_it_comes_from_or_is_refused(http: httpx.Client) -> None:
    with httpx.Client(base_url=http.base_url) as bare:
        refused = bare.post("/api/search", json=ASK)
        assert refused.status_code == 403
        assert "Origin: http://127.0.0.1" in refused.json()["detail"]
        assert bare.get("/api/state").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_lead_here_but_fetch_nothing(http: httpx.Client, site: str) -> None:
    picture = f"/pictures/{first_picture(http)}/thumbnail"
    embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert http.get(picture, headers=embedded).status_code == 403
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert http.get("/", headers=followed).status_code == 200
    assert http.post("/api/search", json=ASK, headers=followed).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_nothing_changes_but_by_post(http: httpx.Client, method: str) -> None:
    assert http.request(method, "/api/judgments", json={}).status_code == 405
    assert http.get("/api/allow").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/static/../state.py",
        "/static/%2e%2e/state.py",
        "/static/..%2fstate.py",
        "/static/%2fetc%2fpasswd",
        "/static/page.html",
        "/pictures/../../etc/passwd/large",
        "/pictures/%2e%2e%2f%2e%2e%2fetc%2fpasswd/large",
        f"/pictures/{'0' * 64}/large",
        f"/pictures/{'0' * 64}/..%2f",
        "/pictures/red%2f0.png/thumbnail",
        "/export/judgments.%2e%2e%2f",
        "//etc/passwd",
    ],
)
def test_paths_lead_nowhere_but_to_what_there_is(http: httpx.Client, path: str) -> None:
    raw = httpx.Request("GET", f"{http.base_url}".rstrip("/") + path)
    assert http.send(raw).status_code in {400, 404, 422}


def test_pictures_go_out_as_small_copies_without_metadata(http: httpx.Client) -> None:
    answer = http.get(f"/pictures/{first_picture(http)}/thumbnail")
    copy = Image.open(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == "image/jpeg"
    assert copy.size <= (256, 192)
    assert not copy.getexif()


def test_what_is_no_picture_or_too_large_is_refused_with_its_reason(http: httpx.Client) -> None:
    for data in (b"", b"%PDF-1.7", b"<svg onload=alert(1)>", picture_bytes()[:60]):
        refused = http.post("/api/pictures", content=data)
        assert refused.status_code == 415
        assert "can't be used as a picture" in refused.json()["detail"]
    assert http.post("/api/pictures", content=bytes(33_000_000)).status_code == 413
    assert http.post("/api/pictures", content=a_bomb()).status_code == 415
    assert http.post("/api/search", content=b"x" * 300_000).status_code == 413
    assert http.post("/api/search", content=iter([b"{}"])).status_code == 411


def a_bomb() -> bytes:
    """A small file of 108 megapixels."""
    buffer = io.BytesIO()
    Image.new("1", (12_000, 9_000)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_from_outside_is_asked_with_by_its_id(http: httpx.Client) -> None:
    brought = http.post("/api/pictures?name=<b>mine", content=picture_bytes((210, 30, 30))).json()
    found = http.post("/api/search", json={"picture": brought["id"]}).json()
    assert found["query"] == "<b>mine"
    assert found["answers"]["palette"]["hits"][0]["label"] == "red"
    assert http.post("/api/search", json={"picture": "f" * 64}).status_code == 400


def test_every_answer_forbids_scripts_from_elsewhere_and_frames(http: httpx.Client) -> None:
    for path in ("/", "/judge", "/evaluate", "/api/state", "/nowhere"):
        headers = http.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_on_another_address_a_token_is_asked_for(pictures: Path, tmp_path: Path) -> None:
    with served(pictures, ["palette"], tmp_path / "s.sqlite", host="0.0.0.0") as page:
        address, _, token = page.url.partition("/?token=")
        port = address.rpartition(":")[2]
        base = f"http://127.0.0.1:{port}"
        assert len(token) >= 32
        with httpx.Client(base_url=base, headers={"Origin": base}) as http:
            for path in ("/", "/api/state", "/static/web.css", "/?token=wrong", "/?token="):
                refused = http.get(path)
                assert refused.status_code == 401
                assert token not in refused.text
            assert http.post(f"/api/search?token={token}", json=ASK).status_code == 401
            bearer = {"Authorization": f"Bearer {token}"}
            assert http.get("/api/state", headers=bearer).status_code == 200
            assert http.get("/api/state", headers={"Authorization": "Bearer wrong"}).status_code == 401
            welcome = http.get(f"/judge?token={token}&text=a%20b")
            assert welcome.status_code == 303
            assert welcome.headers["location"] == "/judge?text=a+b"
            assert "httponly" in welcome.headers["set-cookie"].lower()
            assert http.get("/judge").status_code == 200  # with the cookie
            assert http.get("/", headers={"Host": "evil.example"}).status_code == 403
            far = http.send(httpx.Request("GET", f"{base}//evil.example/x?token={token}"))
            assert far.headers["location"] == "/evil.example/x"


def test_nothing_of_an_embedders_credentials_is_in_any_answer(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diptych.embedders import load
    from diptych.emulators.vertex import VertexEmulator

    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "denied")  # the emulator turns this token away
    with VertexEmulator(load("palette")) as emulator:
        spec = f"vertex?project=p&requests_per_minute=0&endpoint={emulator.url}"
        with served(pictures, [spec], tmp_path / "s.sqlite", max_cost=1.0) as page, client(page) as http:
            state = wait_until_ready(http)
            assert state["embedders"][0]["state"] == "stopped"
            assert "denied" in state["embedders"][0]["reason"].lower()
            monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "a-very-secret-token")
            http.post("/api/embed", json={"embedder": spec})
            wait_until_ready(http)
            http.post("/api/search", json={"text": "red", "keep": True})
            for path in ("/", "/api/state", "/api/history", "/answer?text=red", "/api/comparison?text=red"):
                assert "very-secret" not in http.get(path).text


def test_hostile_names_come_back_as_text(tmp_path: Path) -> None:
    nasty = "<img src=x onerror=alert(1)>\u202egpj"
    folder = tmp_path / "pictures"
    (folder / nasty).mkdir(parents=True)
    (folder / nasty / f"{nasty}.png").write_bytes(picture_bytes())
    (folder / "other").mkdir()
    (folder / "other" / "2.png").write_bytes(picture_bytes((30, 40, 200)))
    with served(folder, ["palette"], tmp_path / "s.sqlite") as page, client(page) as http:
        wait_until_ready(http)
        http.post("/api/search", json={"text": nasty, "keep": True})
        for path in ("/", f"/answer?text={nasty}", "/judge", "/evaluate"):
            assert "<img src=x" not in http.get(path).text
        assert json.loads(http.get("/api/history").text)[0]["text"] == nasty


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/search", rb'{"text": "\ud800"}'),
        ("/api/search", rb'{"text": "a", "label": "\udfff"}'),
        ("/api/search", rb'{"text": "a", "k": NaN}'),
        ("/api/search", rb'{"text": "a", "k": {"\ud800": 1}}'),
        ("/api/search", b'{"text": "a", "k": ' + b"9" * 6_000 + b"}"),
        ("/api/search", b'{"text": "\xff"}'),
        ("/api/search", b'{"text": '),
        ("/api/search", b"[" * 100_000),
        ("/api/search", b""),
        ("/api/allow", b'{"dollars": NaN}'),
        ("/api/allow", b'{"dollars": 1e999}'),
        ("/api/judgments", rb'{"text": "\ud800", "picture": "' + b"0" * 64 + rb'", "grade": -Infinity}'),
    ],
)
def test_what_is_no_json_of_the_right_form_is_refused_in_words_and_safely(
    http: httpx.Client, path: str, body: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    refused = http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 422
    assert all(each["msg"] and each["loc"][0] == "body" for each in refused.json()["detail"])
    assert refused.headers["content-security-policy"].startswith("default-src 'none'")
    assert refused.headers["cache-control"] == "no-store"
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_ours_keeps_its_headers_and_its_words_to_itself(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(PageState, "texts", lambda _self: 1 / 0)
    failed = http.get("/api/queries")
    assert failed.status_code == 500
    assert failed.json()["detail"] == "unexpected ZeroDivisionError: see where the server runs"
    assert failed.headers["content-security-policy"].startswith("default-src 'none'")
    assert failed.headers["x-content-type-options"] == "nosniff"
    assert "Traceback" in capfd.readouterr().err
