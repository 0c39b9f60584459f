from __future__ import annotations

import base64
import collections
import contextlib
import dataclasses
import datetime
import gzip
import hashlib
import http.server
import ipaddress
import itertools
import json
import logging
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from diptych.errors import DiptychError
from diptych.images.download import Download, download
from diptych.images.outputs import MARK
from diptych.progress import Silent
from support import picture_bytes

PATIENCE = 30.0  # seconds; for what must happen, so that a fault fails instead of hanging
COMMONS = "http://upload.wikimedia.org/wikipedia/commons"
PICTURE = picture_bytes()

Answer = Callable[["Handler"], None]


# A server whose answers each test writes; it is a proxy for every other host as well.


@dataclasses.dataclass
class Asked:
    url: str
    headers: dict[str, str]  # names in lower case
    at: float
    connection: int
    sent: int = 0  # bytes of the body


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.at_once: collections.Counter[str] = collections.Counter()
        self.most_at_once: collections.Counter[str] = collections.Counter()
        self.changed = threading.Condition()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def urls(self) -> list[str]:
        return [asked.url for asked in self.asked]

    def wait_for(self, happened: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(happened, PATIENCE), "what the test waits for did not happen"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up, as some must."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    asked: Asked

    def do_GET(self) -> None:
        url = self.path if self.path.startswith("http") else f"http://{self.headers['Host']}{self.path}"
        host = urlsplit(url).hostname or ""
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = Asked(url, headers, time.monotonic(), self.client_address[1])
        with self.server.changed:
            self.server.asked.append(self.asked)
            for name in (host, "all"):
                self.server.at_once[name] += 1
                self.server.most_at_once[name] = max(
                    self.server.at_once[name], self.server.most_at_once[name]
                )
            self.server.changed.notify_all()
        try:
            self.server.answers.get(url, gives(PICTURE))(self)
        finally:
            with self.server.changed:
                for name in (host, "all"):
                    self.server.at_once[name] -= 1

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.asked.sent += len(data)  # first, as the client may be done before this thread goes on
        self.wfile.write(data)

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


def gives(data: bytes, up_to: int | None = None, **named: str | None) -> Answer:
    """A well-behaved server's file; with `up_to`, it hangs up after so many bytes of an answer."""
    headers = {"Content-Type": "image/png"}
    headers |= {name.replace("_", "-"): value for name, value in named.items() if value}

    def answer(handler: Handler) -> None:
        etag, asked = headers.get("ETag"), handler.asked.headers
        unchanged = (etag and asked.get("if-none-match") == etag) or (
            headers.get("Last-Modified") and asked.get("if-modified-since") == headers["Last-Modified"]
        )
        if unchanged:
            handler.head(304, headers)
            return
        start, status, extra = 0, 200, {}
        if "range" in asked and etag and asked.get("if-range") == etag:
            start = int(asked["range"].removeprefix("bytes=").removesuffix("-"))
            status, extra = 206, {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        handler.head(status, {**headers, **extra, "Content-Length": str(len(data) - start)})
        end = len(data) if up_to is None else start + up_to
        handler.send(data[start:end])
        if end < len(data):
            handler.hang_up()

    return answer


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.head(status, {"Content-Length": str(len(body)), **named})
        handler.send(body)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other; the last one for ever."""
    count = itertools.count()

    def answer(handler: Handler) -> None:
        answers[min(next(count), len(answers) - 1)](handler)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as running:
        yield running


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.socket.close()
        thread.join()


@pytest.fixture
def web(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server as a proxy, so that it stands for every host there is, and a contact."""
    monkeypatch.setenv("HTTP_PROXY", server.address)
    monkeypatch.setenv("DIPTYCH_CONTACT", "me@university.org")
    return server


@pytest.fixture(autouse=True)
def _quick_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diptych.http.backoff", lambda attempt: 0.001)
    for name in ("ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


# What the tests ask for.


def fetch(*urls: str, max_bytes: int = 10**8) -> list[Download]:
    return download(urls, max_bytes=max_bytes, progress=Silent())


def fetch_one(url: str, max_bytes: int = 10**8) -> Download:
    [outcome] = fetch(url, max_bytes=max_bytes)
    assert (outcome.path is None) is (outcome.reason is not None)
    return outcome


def content(outcome: Download) -> bytes:
    assert outcome.path, outcome.reason
    return outcome.path.read_bytes()


def cache_folder() -> Path:
    return Path(os.environ["DIPTYCH_CACHE"]) / "downloads"


def sidecars() -> list[Path]:
    return [path for path in cache_folder().glob("*.json") if not path.name.endswith(".part.json")]


def age_everything(days: float = 2) -> None:
    for path in sidecars():
        record = json.loads(path.read_text())
        record["fetched"] -= days * 86400
        path.write_text(json.dumps(record))


def leftovers() -> list[str]:
    """What is in the cache beside whole copies, their sidecars, the lock and the mark."""
    expected = {"lock", MARK}
    for sidecar in sidecars():
        expected |= {sidecar.name, f"{sidecar.stem}-{json.loads(sidecar.read_text())['sha256'][:16]}"}
    return [path.name for path in cache_folder().iterdir() if path.name not in expected]


def start_process(*urls: str, before: str = "") -> subprocess.Popen[str]:
    code = (
        "import sys\n"
        f"{before}\n"
        "from diptych.images.download import download\n"
        "from diptych.progress import Silent\n"
        "for outcome in download(sys.argv[1:], max_bytes=10**8, progress=Silent()):\n"
        "    print(outcome.path or outcome.reason)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *urls], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def noise(size: int) -> bytes:
    """A picture of just so many bytes."""
    width = size - len(f"P5 {size} 1 255\n")
    header = f"P5 {width:<{len(str(size))}} 1 255\n".encode()
    return header + hashlib.shake_128(b"noise").digest(width)


# Outcomes.


def test_every_address_has_its_outcome_in_the_order_given(server: Server) -> None:
    one, two = picture_bytes((1, 2, 3)), picture_bytes((4, 5, 6))
    here = server.address
    server.answers = {
        f"{here}/one.png": gives(one),
        f"{here}/gone.png": says(404, b"no such picture"),
        f"{here}/two.png": gives(two),
    }
    outcomes = fetch(
        f"{here}/two.png", f"{here}/gone.png", "ftp://host/x.png", f"{here}/one.png", f"{here}/two.png"
    )
    assert [outcome.url for outcome in outcomes] == [
        f"{here}/two.png", f"{here}/gone.png", "ftp://host/x.png", f"{here}/one.png", f"{here}/two.png"
    ]  # fmt: skip
    assert [content(outcomes[at]) for at in (0, 3, 4)] == [two, one, two]
    assert [outcomes[at].reason for at in (1, 2)] == ["HTTP 404 Not Found", "not an http or https address"]
    assert sorted(server.urls()) == sorted([f"{here}/one.png", f"{here}/gone.png", f"{here}/two.png"])
    assert leftovers() == []


def test_nothing_asked_is_nothing_done(tmp_path: Path) -> None:
    assert fetch() == []
    assert not cache_folder().exists()


def test_progress_counts_each_distinct_address_as_it_settles(server: Server) -> None:
    told: list[tuple[str, int] | int] = []

    class Watch:
        @contextmanager
        def task(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
            told.append((what, total))
            yield told.append

    fetch(f"{server.address}/a")  # so that one of them is in the cache
    urls = [f"{server.address}/a", f"{server.address}/b", "nonsense", f"{server.address}/a"]
    download(urls, max_bytes=10**8, progress=Watch())
    assert told == [("downloading", 3), 1, 1, 1]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("dog.jpg", "not an http or https address"),
        ("", "not an http or https address"),
        ("file:///etc/passwd", "not an http or https address"),
        ("http:///dog.jpg", "not an http or https address"),
        ("http://host:port/dog.jpg", "not a web address"),
        ("http://host/dog\n.jpg", "not a web address"),
        ("http://host/\udc80.jpg", "not a web address"),
        (f"http://{'a' * 70}.org/dog.jpg", "not a web address"),
    ],
)
def test_what_is_no_web_address_says_so(url: str, reason: str) -> None:
    assert fetch_one(url).reason == reason


def test_a_host_that_does_not_exist_is_named_as_that() -> None:
    assert fetch_one("http://no-such-host.invalid/dog.jpg").reason == "host name not found"


def test_a_refused_connection_is_named_as_that() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = unused.getsockname()[1]
        assert fetch_one(f"http://127.0.0.1:{port}/dog.jpg").reason == "connection refused"


def test_an_answer_that_is_not_http_is_named_as_that(server: Server) -> None:
    def gibberish(handler: Handler) -> None:
        handler.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        handler.hang_up()

    server.answers[f"{server.address}/x"] = gibberish
    assert fetch_one(f"{server.address}/x").reason == "the answer was cut short or is not HTTP"


def test_a_certificate_of_unknown_origin_is_not_trusted(tmp_path: Path) -> None:
    secure = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "server.pem"))
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    with serving(secure):
        outcome = fetch_one(f"https://127.0.0.1:{secure.server_port}/dog.png")
    assert outcome.reason == "certificate not trusted"
    assert secure.asked == []


def self_signed(path: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", "text/html; charset=utf-8"),
        (b"\xef\xbb\xbf\n<HTML><body>", "image/jpeg"),
        (b"Access denied", "text/html"),
    ],
)
def test_a_web_page_is_no_picture(server: Server, body: bytes, content_type: str) -> None:
    server.answers[f"{server.address}/x.jpg"] = gives(body, Content_Type=content_type)
    assert fetch_one(f"{server.address}/x.jpg").reason == "is a web page, not a picture"
    assert leftovers() == []


def test_a_picture_that_the_server_calls_a_web_page_is_a_picture(server: Server) -> None:
    server.answers[f"{server.address}/x.php"] = gives(PICTURE, Content_Type="text/html")
    assert content(fetch_one(f"{server.address}/x.php")) == PICTURE


def test_an_empty_answer_is_no_picture(server: Server) -> None:
    server.answers[f"{server.address}/x"] = gives(b"")
    assert fetch_one(f"{server.address}/x").reason == "is empty"


def test_an_answer_compressed_unasked_is_unpacked(server: Server) -> None:
    server.answers[f"{server.address}/x"] = gives(gzip.compress(PICTURE), Content_Encoding="gzip", ETag='"1"')
    assert content(fetch_one(f"{server.address}/x")) == PICTURE
    assert server.asked[0].headers["accept-encoding"] == "identity"


# Size.


def test_a_picture_announced_as_too_large_is_not_taken(server: Server) -> None:
    server.answers[f"{server.address}/x"] = says(200, Content_Length=str(10**12))
    assert fetch_one(f"{server.address}/x", max_bytes=256 * 10**6).reason == "is larger than 256 MB"
    assert leftovers() == []
    assert len(server.asked) == 1


def test_a_picture_without_an_announced_size_is_stopped_at_the_limit(server: Server) -> None:
    def endless(handler: Handler) -> None:
        handler.head(200, {"Connection": "close"})
        for _ in range(10_000):
            handler.send(bytes(1 << 16))

    server.answers[f"{server.address}/x"] = endless
    assert fetch_one(f"{server.address}/x", max_bytes=10**6).reason == "is larger than 1 MB"
    assert leftovers() == []


def test_a_picture_of_just_the_largest_size_is_taken(server: Server) -> None:
    size = len(PICTURE)
    assert content(fetch_one(f"{server.address}/x", max_bytes=size)) == PICTURE
    assert fetch_one(f"{server.address}/y", max_bytes=size - 1).path is None
    assert fetch_one(f"{server.address}/x", max_bytes=size - 1).path is None  # though it is in the cache
    age_everything()
    assert fetch_one(f"{server.address}/x", max_bytes=size - 1).path is None


def test_large_pictures_take_the_memory_of_one(server: Server) -> None:
    """While they come, none; then each is looked at, one after the other."""
    header, rows = b"P5 4096 4096 255\n", 4096
    size = len(header) + rows * 4096

    def large(handler: Handler) -> None:
        handler.head(200, {"Content-Length": str(size)})
        handler.send(header)
        for _ in range(rows):
            handler.send(bytes(4096))

    urls = [f"{server.address}/{number}" for number in range(6)]
    server.answers = dict.fromkeys(urls, large)
    fetch(f"{server.address}/warm-up")
    tracemalloc.start()
    try:
        outcomes = fetch(*urls)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [outcome.path and outcome.path.stat().st_size for outcome in outcomes] == [size] * 6
    assert peak < 2 * size


# Manners.


def test_few_connections_are_open_at_a_time(web: Server) -> None:
    ninth_came: list[bool] = []

    def hold(handler: Handler) -> None:
        """Answer when eight requests are there, and a ninth had its chance to come."""
        with web.changed:
            web.changed.wait_for(lambda: web.most_at_once["all"] >= 8, PATIENCE)
            ninth_came.append(web.changed.wait_for(lambda: web.most_at_once["all"] > 8, 0.2))
        gives(PICTURE)(handler)

    media = [f"{COMMONS}/a/ab/{n}.png" for n in range(5)]
    article = [f"http://de.wikipedia.org/{n}.png" for n in range(5)]
    one = [f"http://one.org/{n}.png" for n in range(10)]
    two = [f"http://two.org/{n}.png" for n in range(10)]
    web.answers = dict.fromkeys((media[0], media[1], *one[:4], *two[:2]), hold)
    outcomes = fetch(*media, *article, *one, *two)
    assert all(content(outcome) == PICTURE for outcome in outcomes)
    assert len(ninth_came) == 8
    assert not any(ninth_came)
    most = web.most_at_once
    assert (most["upload.wikimedia.org"], most["one.org"], most["all"]) == (2, 4, 8)
    assert most["de.wikipedia.org"] <= 2
    assert most["two.org"] <= 4


def test_wikimedia_is_told_who_asks(web: Server) -> None:
    fetch(f"{COMMONS}/a/ab/Dog.jpg")
    assert re.fullmatch(r"diptych/\S+ \(me@university\.org\)", web.asked[0].headers["user-agent"])


def test_without_a_contact_wikimedia_is_not_asked(web: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    known, other = f"{COMMONS}/a/ab/Known.png", f"{COMMONS}/a/ab/Other.png"
    web.answers["http://short.org/1"] = says(302, Location=other)
    fetch(known)
    age_everything()
    monkeypatch.delenv("DIPTYCH_CONTACT")
    web.asked.clear()
    outcomes = fetch(known, other, "http://short.org/1", "http://elsewhere.org/dog.png")
    needed = "Wikimedia serves only tools that name a contact: set DIPTYCH_CONTACT to your e-mail or web page"
    assert [outcome.reason for outcome in outcomes] == [None, needed, f"redirected: {needed}", None]
    assert sorted(web.urls()) == ["http://elsewhere.org/dog.png", "http://short.org/1"]


def test_a_busy_server_is_asked_again(server: Server) -> None:
    server.answers[f"{server.address}/x"] = in_turn(
        says(503), says(429), says(500, Retry_After="0"), says(408), gives(PICTURE)
    )
    assert content(fetch_one(f"{server.address}/x")) == PICTURE


def test_a_server_that_stays_busy_is_given_up(server: Server) -> None:
    server.answers[f"{server.address}/x"] = says(503)
    assert fetch_one(f"{server.address}/x").reason == "HTTP 503 Service Unavailable"
    assert len(server.asked) == 5


def test_a_refusal_is_not_tried_again(server: Server) -> None:
    server.answers[f"{server.address}/x"] = says(403)
    assert fetch_one(f"{server.address}/x").reason == "HTTP 403 Forbidden"
    assert len(server.asked) == 1


def test_while_a_host_asks_to_wait_nothing_is_asked_of_it(web: Server) -> None:
    four = threading.Barrier(4)
    refused: list[float] = []

    def busy(handler: Handler) -> None:
        four.wait(PATIENCE)
        refused.append(time.monotonic())
        says(429, Retry_After="3")(handler)  # time for the other host's pictures on a busy machine

    urls = [f"http://busy.org/{n}" for n in range(10)]
    web.answers = {url: in_turn(busy, gives(PICTURE)) for url in urls[:4]}
    outcomes = fetch(*urls, *(f"http://idle.org/{n}" for n in range(10)))
    assert all(outcome.path for outcome in outcomes)
    later = [asked for asked in web.asked if asked.url.startswith("http://busy.org")][4:]
    assert len(later) == 10
    assert min(asked.at for asked in later) >= min(refused) + 3.0
    assert max(asked.at for asked in web.asked if "idle" in asked.url) < min(asked.at for asked in later)


def test_a_host_that_asks_for_a_long_wait_is_left_alone(web: Server) -> None:
    four = threading.Barrier(4)

    def busy(handler: Handler) -> None:
        four.wait(PATIENCE)
        says(429, Retry_After="3600")(handler)

    urls = [f"http://busy.org/{n}" for n in range(10)]
    web.answers = dict.fromkeys(urls, busy)
    outcomes = fetch(*urls, "http://idle.org/dog.png")
    reasons = {outcome.reason for outcome in outcomes[:10]}
    assert len(reasons) <= 2  # the minute may pass meanwhile
    for reason in reasons:
        assert re.fullmatch(
            r"the server asks to be left alone: try again after [-\d]{10} \d\d:\d\d", reason or ""
        )
    assert outcomes[10].path
    assert len(web.asked) == 5


# Wikimedia's thumbnails.


def test_a_thumbnail_is_fetched_in_a_width_that_exists(web: Server) -> None:
    wanted = f"{COMMONS}/thumb/a/ab/Dog.jpg/640px-Dog.jpg"
    assert content(fetch_one(wanted)) == PICTURE
    assert web.urls() == [f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg"]
    assert content(fetch_one(wanted)) == PICTURE
    assert len(web.asked) == 1


@pytest.mark.parametrize("status", [400, 404])
def test_where_a_thumbnail_is_refused_the_original_is_fetched(web: Server, status: int) -> None:
    web.answers[f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg"] = says(status)
    assert content(fetch_one(f"{COMMONS}/thumb/a/ab/Dog.jpg/640px-Dog.jpg")) == PICTURE
    assert web.urls() == [f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg", f"{COMMONS}/a/ab/Dog.jpg"]


def test_while_thumbnails_are_only_busy_the_original_is_not_asked_for(web: Server) -> None:
    thumbnail = f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg"
    web.answers[thumbnail] = in_turn(says(429, Retry_After="0"), says(503), gives(PICTURE))
    assert content(fetch_one(thumbnail)) == PICTURE
    assert set(web.urls()) == {thumbnail}


def test_the_original_has_as_many_tries_as_the_thumbnail(web: Server) -> None:
    web.answers = {
        f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg": in_turn(*[says(503)] * 4, says(404)),
        f"{COMMONS}/a/ab/Dog.jpg": in_turn(*[says(503)] * 4, gives(PICTURE)),
    }
    assert content(fetch_one(f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg")) == PICTURE


def test_an_svg_original_is_no_fallback(web: Server) -> None:
    web.answers[f"{COMMONS}/thumb/a/ab/Logo.svg/960px-Logo.svg.png"] = says(404)
    outcome = fetch_one(f"{COMMONS}/thumb/a/ab/Logo.svg/640px-Logo.svg.png")
    assert outcome.reason == "HTTP 404 Not Found"
    assert len(web.asked) == 1


def test_a_redirect_to_a_thumbnail_leads_to_a_width_that_exists(web: Server) -> None:
    page = "http://commons.wikimedia.org/wiki/Special:FilePath/Dog.jpg?width=640"
    web.answers[page] = says(302, Location=f"{COMMONS}/thumb/a/ab/Dog.jpg/640px-Dog.jpg")
    assert content(fetch_one(page)) == PICTURE
    assert web.urls() == [page, f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg"]


# Redirects.


def test_redirects_are_followed(web: Server) -> None:
    web.answers = {
        "http://one.org/a?x=1": says(301, b"moved", Location="/b"),
        "http://one.org/b": says(307, Location="http://two.org/c"),
    }
    assert content(fetch_one("http://one.org/a?x=1")) == PICTURE
    assert web.urls() == ["http://one.org/a?x=1", "http://one.org/b", "http://two.org/c"]


def test_a_circle_of_redirects_ends(web: Server) -> None:
    web.answers = {
        "http://one.org/a": says(302, Location="http://two.org/b"),
        "http://two.org/b": says(302, Location="http://one.org/a"),
    }
    assert fetch_one("http://one.org/a").reason == "redirected too often"
    assert len(web.asked) == 11


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "redirected: not an http or https address"),
        ("data:image/png;base64,AAAA", "redirected: not an http or https address"),
        ("http://host:port/", "redirected: not a web address"),
    ],
)
def test_a_redirect_to_no_web_address_is_refused(server: Server, location: str, reason: str) -> None:
    server.answers[f"{server.address}/x"] = says(302, Location=location)
    assert fetch_one(f"{server.address}/x").reason == reason


# The cache.


def test_a_second_run_asks_nothing(server: Server) -> None:
    urls = [f"{server.address}/{n}.png" for n in range(3)]
    first = fetch(*urls)
    server.asked.clear()
    assert fetch(*urls) == first
    assert server.asked == []


def test_the_sidecar_says_where_a_picture_came_from(web: Server) -> None:
    web.answers["http://one.org/a"] = says(302, Location="http://two.org/b.png")
    date = "Mon, 01 Jun 2026 00:00:00 GMT"
    web.answers["http://two.org/b.png"] = gives(PICTURE, ETag='"1"', Last_Modified=date)
    before = time.time()
    outcome = fetch_one("http://one.org/a")
    [sidecar] = sidecars()
    record = json.loads(sidecar.read_text())
    assert before <= record.pop("fetched") <= time.time()
    assert record == {
        "url": "http://one.org/a",
        "final_url": "http://two.org/b.png",
        "etag": '"1"',
        "last_modified": date,
        "content_type": "image/png",
        "sha256": hashlib.sha256(content(outcome)).hexdigest(),
        "bytes": len(PICTURE),
        "decodes": True,
    }


@pytest.mark.parametrize(
    "mark", [{"ETag": '"1"'}, {"ETag": 'W/"1"'}, {"Last_Modified": "Mon, 01 Jun 2026 00:00:00 GMT"}]
)
def test_an_old_copy_that_is_still_current_is_not_sent_again(server: Server, mark: dict[str, str]) -> None:
    url = f"{server.address}/x"
    server.answers[url] = gives(PICTURE, **mark)
    first = fetch_one(url)
    age_everything()
    assert fetch_one(url) == first
    assert [asked.sent for asked in server.asked] == [len(PICTURE), 0]
    fetch_one(url)  # and that makes it young again
    assert len(server.asked) == 2


def test_an_old_copy_that_changed_is_replaced(server: Server) -> None:
    url, new = f"{server.address}/x", picture_bytes((9, 9, 9))
    server.answers[url] = in_turn(gives(PICTURE, ETag='"1"'), gives(new, ETag='"2"'))
    fetch(url)
    age_everything()
    assert content(fetch_one(url)) == new
    assert content(fetch_one(url)) == new
    assert server.asked[1].headers["if-none-match"] == '"1"'
    assert leftovers() == []


def test_a_copy_from_the_future_is_asked_about(server: Server) -> None:
    fetch(f"{server.address}/x")
    age_everything(days=-2)
    fetch(f"{server.address}/x")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "answer", [says(503), says(404), says(429, Retry_After="3600"), gives(b"<html>"), gives(PICTURE, up_to=5)]
)
def test_where_no_newer_copy_can_be_had_the_old_one_is_used(server: Server, answer: Answer) -> None:
    url = f"{server.address}/x"
    server.answers[url] = in_turn(gives(PICTURE), answer)
    first = fetch_one(url)
    age_everything()
    assert fetch_one(url) == first
    assert len(server.asked) == 2
    assert content(first) == PICTURE


def test_old_copies_are_used_when_the_server_is_gone() -> None:
    with serving(Server()) as server:
        first = fetch_one(f"{server.address}/x")
    age_everything()
    assert fetch_one(first.url) == first
    assert content(first) == PICTURE


def test_many_old_copies_are_asked_about_over_few_connections(server: Server) -> None:
    urls = [f"{server.address}/{n}" for n in range(30)]
    server.answers = dict.fromkeys(urls, gives(PICTURE, ETag='"1"'))
    fetch(*urls)
    age_everything()
    server.asked.clear()
    fetch(*urls)
    assert len(server.asked) == 30
    assert len({asked.connection for asked in server.asked}) <= 4


def test_a_damaged_copy_is_fetched_again(server: Server) -> None:
    url = f"{server.address}/x"
    path = fetch_one(url).path
    assert path
    path.write_bytes(PICTURE[:-1])
    assert content(fetch_one(url)) == PICTURE
    path.write_bytes(bytes([*PICTURE[:-1], PICTURE[-1] ^ 1]))  # as long as before
    assert content(fetch_one(url)) == PICTURE
    path.unlink()
    assert content(fetch_one(url)) == PICTURE
    for garbage in ("", "{", "[]", "{}", '{"sha256": 1}'):
        sidecars()[0].write_text(garbage)
        assert content(fetch_one(url)) == PICTURE
    assert len(server.asked) == 9


@pytest.mark.parametrize("value", [None, 5, "é\n", "../x", [], {}, True, float("nan")])
def test_a_sidecar_that_was_altered_stops_nothing_and_skips_nothing(server: Server, value: object) -> None:
    url = f"{server.address}/x"
    fetch_one(url)
    whole = json.loads(sidecars()[0].read_text())
    for key in whole:
        sidecars()[0].write_text(json.dumps(whole | {key: value}))
        assert content(fetch_one(url)) == PICTURE
        sidecars()[0].write_text(json.dumps(whole | {key: value}))
        age_everything_that_has_an_age()
        assert content(fetch_one(url)) == PICTURE


def age_everything_that_has_an_age() -> None:
    with contextlib.suppress(TypeError):
        age_everything()


@pytest.mark.parametrize("deeper", ["", "deeper/"])
def test_a_cache_that_cannot_be_written_is_named(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deeper: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DIPTYCH_CACHE", str(tmp_path / "file" / deeper))
    with pytest.raises(DiptychError) as caught:
        fetch(f"{server.address}/x")
    assert str(tmp_path / "file" / deeper / "downloads") in str(caught.value)
    assert "DIPTYCH_CACHE" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_disk_without_room_ends_the_run_and_names_the_folder(server: Server) -> None:
    server.answers[f"{server.address}/x"] = gives(noise(1 << 20))
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    process = start_process(*(f"{server.address}/{name}" for name in "abcx"), before=full)
    _out, err = process.communicate(timeout=PATIENCE)
    last_line = err.strip().splitlines()[-1]
    assert last_line.startswith("diptych.errors.DiptychError: can't write to the download cache")
    assert str(cache_folder()) in last_line


def test_a_proxy_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "nonsense://user:geheim@proxy")
    with pytest.raises(DiptychError, match="HTTP_PROXY") as caught:
        fetch("http://one.org/x")
    assert "geheim" not in str(caught.value)


def test_two_processes_may_fetch_the_same_pictures(server: Server) -> None:
    picture = noise(300_000)

    def meet() -> Answer:
        both = threading.Barrier(2)

        def answer(handler: Handler) -> None:
            handler.head(200, {"Content-Length": str(len(picture)), "ETag": '"1"'})
            handler.send(picture[:100_000])
            both.wait(PATIENCE)
            handler.send(picture[100_000:])

        return answer

    urls = [f"{server.address}/{n}" for n in range(3)]
    server.answers = {url: meet() for url in urls}
    processes = [start_process(*urls) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=PATIENCE)
        assert [Path(line).read_bytes() == picture for line in out.splitlines()] == [True] * 3, err
    assert len(server.asked) == 6
    assert leftovers() == []
    assert [content(outcome) == picture for outcome in fetch(*urls)] == [True] * 3
    assert len(server.asked) == 6


# What is not a whole picture is not kept.


def ends_early(data: bytes, **named: str) -> Answer:
    """What a server sends that says nowhere how much it sends, when it dies meanwhile."""

    def answer(handler: Handler) -> None:
        headers = {name.replace("_", "-"): value for name, value in named.items()}
        handler.head(200, {"Content-Type": "image/png", "Connection": "close", **headers})
        handler.send(data)
        handler.hang_up()

    return answer


@pytest.mark.parametrize("marks", [{}, {"ETag": '"1"'}, {"Last_Modified": "Mon, 01 Jun 2026 00:00:00 GMT"}])
def test_a_picture_cut_off_without_a_word_is_asked_for_again(server: Server, marks: dict[str, str]) -> None:
    url, picture = f"{server.address}/x", picture_bytes(size=(300, 200), fmt="JPEG")
    server.answers[url] = in_turn(ends_early(picture[:-400], **marks), gives(picture, **marks))
    assert content(fetch_one(url)) == picture
    age_everything()
    assert content(fetch_one(url)) == picture


def test_a_picture_that_is_always_cut_off_is_not_kept(server: Server) -> None:
    url, picture = f"{server.address}/x", picture_bytes(size=(300, 200), fmt="JPEG")
    server.answers[url] = ends_early(picture[:-400], ETag='W/"1"')
    assert fetch_one(url).reason == "the file is cut off: the answer may have been cut short"
    assert sidecars() == []
    server.answers[url] = gives(picture, ETag='W/"1"')
    assert content(fetch_one(url)) == picture


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"it is under construction", "not a picture"),
        (PICTURE[:45] + bytes(60), " "),
    ],
)
def test_what_is_no_picture_is_not_kept(server: Server, body: bytes, reason: str) -> None:
    url = f"{server.address}/x"
    server.answers[url] = in_turn(gives(body, ETag='"1"'), gives(PICTURE, ETag='"1"'))
    assert reason in str(fetch_one(url).reason)
    assert len(server.asked) == 1, "what came whole is as its server has it"
    assert sidecars() == leftovers() == []
    assert content(fetch_one(url)) == PICTURE
    assert "if-none-match" not in server.asked[1].headers


def test_what_is_no_picture_does_not_replace_one(server: Server) -> None:
    url = f"{server.address}/x"
    server.answers[url] = in_turn(gives(PICTURE), gives(b"it is under construction"))
    fetch(url)
    age_everything()
    assert content(fetch_one(url)) == PICTURE


def test_a_picture_over_a_limit_is_kept(server: Server) -> None:
    """It is whole, and the limit may be another tomorrow."""
    url, picture = f"{server.address}/x", b"P1 20000 20000\n" + b"0 " * 10
    server.answers[url] = gives(picture)
    assert content(fetch_one(url)) == picture


@pytest.mark.parametrize("days", [0, 2])
def test_a_copy_that_an_earlier_version_kept_is_looked_at_once(server: Server, days: float) -> None:
    good, bad = f"{server.address}/good", f"{server.address}/bad"
    server.answers = {url: gives(PICTURE, ETag='"1"') for url in (good, bad)}
    copies = [outcome.path for outcome in fetch(good, bad)]
    for sidecar in sidecars():
        record = json.loads(sidecar.read_text())
        del record["decodes"]
        if record["url"] == bad:
            cut = PICTURE[:-30]
            assert copies[1]
            copies[1].write_bytes(cut)
            record["bytes"] = len(cut)
        sidecar.write_text(json.dumps(record))
    age_everything(days)
    server.asked.clear()
    assert [content(outcome) for outcome in fetch(good, bad)] == [PICTURE, PICTURE]
    assert bad in server.urls()
    assert (good in server.urls()) is (days > 1)
    assert all(json.loads(sidecar.read_text())["decodes"] for sidecar in sidecars())


# Broken-off downloads.


def test_a_cut_download_goes_on_where_it_was_cut(server: Server) -> None:
    url, picture = f"{server.address}/x", noise(300_000)
    server.answers[url] = in_turn(gives(picture, up_to=100_000, ETag='"1"'), gives(picture, ETag='"1"'))
    assert content(fetch_one(url)) == picture
    assert [asked.sent for asked in server.asked] == [100_000, 200_000]
    assert server.asked[1].headers["range"] == "bytes=100000-"
    assert server.asked[1].headers["if-range"] == '"1"'
    assert leftovers() == []


@pytest.mark.parametrize("mark", [{}, {"ETag": 'W/"1"'}, {"Last_Modified": "Mon, 01 Jun 2026 00:00:00 GMT"}])
def test_a_cut_download_without_a_strong_mark_starts_over(server: Server, mark: dict[str, str]) -> None:
    url = f"{server.address}/x"
    server.answers[url] = in_turn(gives(PICTURE, up_to=50, **mark), gives(PICTURE, **mark))
    assert content(fetch_one(url)) == PICTURE
    assert "range" not in server.asked[1].headers


def test_a_cut_download_that_came_compressed_starts_over(server: Server) -> None:
    url, packed = f"{server.address}/x", gzip.compress(noise(10_000))
    compressed = {"ETag": '"1"', "Content_Encoding": "gzip"}
    server.answers[url] = in_turn(gives(packed, up_to=5_000, **compressed), gives(packed, **compressed))
    assert content(fetch_one(url)) == noise(10_000)


def test_a_cut_download_of_what_has_changed_since_starts_over(server: Server) -> None:
    url, new = f"{server.address}/x", picture_bytes((9, 9, 9))
    server.answers[url] = in_turn(gives(PICTURE, up_to=50, ETag='"1"'), gives(new, ETag='"2"'))
    assert content(fetch_one(url)) == new


def test_a_download_cut_in_every_try_goes_on_in_the_next_run(server: Server) -> None:
    url, picture = f"{server.address}/x", noise(70_000)
    server.answers[url] = gives(picture, up_to=10_000, ETag='"1"')
    assert fetch_one(url).reason == "the answer was cut short or is not HTTP"
    assert content(fetch_one(url)) == picture
    assert [asked.sent for asked in server.asked] == [10_000] * 7


@pytest.mark.parametrize(
    "wrong",
    [
        says(206, PICTURE[40:], Content_Range=f"bytes 40-{len(PICTURE) - 1}/{len(PICTURE)}"),
        says(206, PICTURE[50:], Content_Range=f"bytes 50-{len(PICTURE) - 1}/{len(PICTURE)}", ETag='"2"'),
        says(206, PICTURE[50:]),
        says(416, Content_Range=f"bytes */{len(PICTURE)}"),
    ],
)
def test_a_rest_that_does_not_fit_is_not_appended(server: Server, wrong: Answer) -> None:
    url = f"{server.address}/x"
    server.answers[url] = in_turn(gives(PICTURE, up_to=50, ETag='"1"'), wrong, gives(PICTURE, ETag='"1"'))
    assert content(fetch_one(url)) == PICTURE
    assert "range" not in server.asked[2].headers


def test_a_rest_that_comes_in_pieces_is_put_together(server: Server) -> None:
    url, size = f"{server.address}/x", len(PICTURE)
    server.answers[url] = in_turn(
        gives(PICTURE, up_to=50, ETag='"1"'),
        says(206, PICTURE[50:60], Content_Range=f"bytes 50-59/{size}", ETag='"1"'),
        gives(PICTURE, ETag='"1"'),
    )
    assert content(fetch_one(url)) == PICTURE
    assert server.asked[2].headers["range"] == "bytes=60-"


def test_a_download_of_one_address_is_not_continued_at_another(web: Server) -> None:
    other = picture_bytes((9, 9, 9), (100, 100))
    web.answers = {
        "http://one.org/a": in_turn(says(302, Location="/x"), says(302, Location="/y")),
        "http://one.org/x": gives(noise(1000), up_to=10, ETag='"1"'),
        "http://one.org/y": gives(other, ETag='"1"'),
    }
    assert fetch_one("http://one.org/a").path is None
    assert content(fetch_one("http://one.org/a")) == other


def test_a_download_that_starts_over_forgets_what_it_began_with(server: Server) -> None:
    url, other = f"{server.address}/x", picture_bytes((9, 9, 9))
    server.answers[url] = in_turn(
        gives(PICTURE, up_to=50, ETag='"1"'), gives(other, up_to=60), gives(PICTURE, ETag='"1"')
    )
    assert content(fetch_one(url)) == PICTURE
    assert "range" not in server.asked[2].headers


def test_a_process_beside_another_leaves_nothing_unfinished(server: Server) -> None:
    slow, cut = f"{server.address}/slow", f"{server.address}/cut"
    go_on = threading.Event()

    def stall(handler: Handler) -> None:
        handler.head(200, {"Content-Length": str(len(PICTURE))})
        go_on.wait(PATIENCE)
        handler.send(PICTURE)

    server.answers = {slow: stall, cut: gives(noise(1000), up_to=10, ETag='"1"')}
    process = start_process(slow)
    server.wait_for(lambda: server.urls() == [slow])
    try:
        assert fetch_one(cut).path is None
        assert server.asked[-1].headers["range"] == "bytes=40-"  # within its run it went on, though
    finally:
        go_on.set()
    out, err = process.communicate(timeout=PATIENCE)
    assert Path(out.strip()).read_bytes() == PICTURE, err
    assert leftovers() == []


def test_a_run_that_is_broken_off_takes_no_more(server: Server) -> None:
    begun, broken = threading.Event(), threading.Event()

    def endless(handler: Handler) -> None:
        handler.head(200, {"Connection": "close"})
        begun.set()
        try:
            while True:
                handler.send(bytes(1 << 10))
        except OSError:
            broken.set()

    def after_it_began(handler: Handler) -> None:
        begun.wait(PATIENCE)
        gives(PICTURE)(handler)

    class Impatient:
        @contextmanager
        def task(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
            def advance(count: int) -> None:
                raise KeyboardInterrupt

            yield advance

    server.answers = {f"{server.address}/a": endless, f"{server.address}/b": after_it_began}
    with pytest.raises(KeyboardInterrupt):
        download([f"{server.address}/a", f"{server.address}/b"], max_bytes=10**10, progress=Impatient())
    assert broken.wait(PATIENCE)


def test_a_killed_process_leaves_a_download_that_goes_on(server: Server) -> None:
    url, picture = f"{server.address}/x", noise(16 << 20)
    stalled, hold = threading.Event(), threading.Event()

    def stall(handler: Handler) -> None:
        # With little room to send ahead, what was sent is what the client took, but for its own buffer.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        handler.head(200, {"Content-Length": str(len(picture)), "ETag": '"1"'})
        handler.send(picture[: 12 << 20])
        stalled.set()
        hold.wait(PATIENCE)

    server.answers[url] = in_turn(stall, gives(picture, ETag='"1"'))
    process = start_process(url)
    assert stalled.wait(PATIENCE)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    hold.set()
    assert sidecars() == []  # half a file is not taken for a whole one
    assert content(fetch_one(url)) == picture
    assert 0 < server.asked[1].sent < len(picture)
    assert leftovers() == []


def test_ctrl_c_ends_a_run_while_the_server_is_silent(server: Server) -> None:
    silence = threading.Event()
    urls = [f"{server.address}/{n}" for n in range(20)]
    server.answers = dict.fromkeys(urls, lambda handler: silence.wait(PATIENCE) and None)
    process = start_process(*urls)
    try:
        server.wait_for(lambda: len(server.asked) == 4)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=PATIENCE / 3)  # the silence lasts longer
    finally:
        silence.set()
    assert "KeyboardInterrupt" in err
    assert len(server.asked) == 4


# Secrets.


def test_no_password_or_token_is_shown_or_stored(
    web: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    good = "http://user:geheim@one.org/good.png?token=geheim"
    moved = "http://user:geheim@one.org/moved.png?token=geheim"
    failing = [
        "http://user:geheim@one.org/bad.png?token=geheim",
        "http://user:geheim@host:port/",
        "geheim://x",
    ]
    cut = "http://user:geheim@one.org/cut.png?token=geheim"
    web.answers = {
        "http://one.org/moved.png?token=geheim": says(302, Location="http://two.org/?signature=geheim"),
        "http://one.org/bad.png?token=geheim": says(404, b"geheim"),
        "http://one.org/cut.png?token=geheim": gives(noise(1000), up_to=50, ETag='"1"'),
    }
    outcomes = fetch(good, moved, *failing, cut)
    assert [bool(outcome.path) for outcome in outcomes] == [True, True, False, False, False, False]
    assert "geheim" not in repr(outcomes)
    assert all("geheim" not in str(outcome.reason) for outcome in outcomes)
    assert "geheim" not in caplog.text
    assert "geheim" not in "".join(capfd.readouterr())
    files = list(cache_folder().iterdir())
    assert any(path.suffix == ".part" for path in files)
    assert all("geheim" not in path.name and b"geheim" not in path.read_bytes() for path in files)


def test_a_password_goes_to_its_own_server_only(web: Server) -> None:
    web.answers = {
        "http://one.org/a": says(302, Location="/b"),
        "http://one.org/b": says(302, Location="http://two.org/c"),
    }
    assert fetch_one("http://me:geh%40im@one.org/a").path
    login = "Basic " + base64.b64encode(b"me:geh@im").decode()
    assert [asked.headers.get("authorization") for asked in web.asked] == [login, login, None]


# Servers that send too slowly or too much.


def drips(data: bytes, **named: str) -> Answer:
    """Begins a large answer, then sends a byte now and then until the client hangs up."""

    def answer(handler: Handler) -> None:
        headers = {name.replace("_", "-"): value for name, value in named.items()}
        handler.head(200, {"Content-Type": "image/png", "Content-Length": "1000000", **headers})
        pause = threading.Event()
        try:
            handler.send(data)
            while not pause.wait(0.01):
                handler.send(b"\0")
        except OSError:
            handler.hang_up()

    return answer


def test_a_download_that_never_ends_is_given_up_and_said_to_be_slow(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diptych.images.fetch.LONGEST", 0.3)
    url = f"{server.address}/slow.png"
    server.answers[url] = drips(PICTURE)
    assert fetch_one(url).reason == "too slow: not all of it came in 0.3 seconds"
    assert len(server.asked) == 1, "it would begin anew, and be as slow"
    assert leftovers() == []


def test_what_came_slowly_is_kept_where_the_rest_can_be_asked_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diptych.images.fetch.LONGEST", 0.3)
    url = f"{server.address}/slow.png"
    picture = noise(1_000_000)

    def slow(handler: Handler) -> None:
        handler.head(200, {"Content-Length": str(len(picture)), "ETag": '"1"'})
        handler.send(picture[:500_000])
        handler.connection.recv(1)  # until the client hangs up
        handler.hang_up()

    server.answers[url] = in_turn(slow, gives(picture, ETag='"1"'))
    assert content(fetch_one(url)) == picture
    first, rest = (asked.headers.get("range") for asked in server.asked)
    assert first is None
    kept = re.fullmatch(r"bytes=(\d+)-", rest or "")
    assert kept is not None
    assert 0 < int(kept[1]) <= 500_000, "as much as came in time"


def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(server: Server) -> None:
    url = f"{server.address}/bomb.png"
    bomb = gzip.compress(bytes(400_000_000), 9)
    server.answers[url] = says(200, bomb, Content_Encoding="gzip")
    tracemalloc.start()
    outcome = fetch_one(url, max_bytes=10**7)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcome.reason == "is larger than 10 MB"
    assert most < 32_000_000
