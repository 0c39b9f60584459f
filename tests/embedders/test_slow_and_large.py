"""Services that send without end, too slowly or too much, over real HTTP."""

from __future__ import annotations

import gzip
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from diptych import http, load
from diptych.embedders import Embedder, EmbedderUnavailable, TransientError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Service(ThreadingHTTPServer):
    """Answers every request in the same way; says when a client has hung up on it."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Handler], None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.requests = 0
        self.hung_up = threading.Semaphore(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        try:
            self.server.answer(self)
        except OSError:
            self.server.hung_up.release()
        self.close_connection = True

    def log_message(self, *_words: object) -> None:
        pass

    def drip(self, data: bytes) -> None:
        """Send this byte by byte, again and again, until the client hangs up."""
        pause = threading.Event()
        while True:
            for byte in data:
                self.wfile.write(bytes([byte]))
                pause.wait(0.01)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Handler], None]], Service]]:
    monkeypatch.setenv("JINA_API_KEY", "a-key-of-the-usual-length")
    monkeypatch.setattr(http, "_jitter", SimpleNamespace(uniform=lambda least, _most: least))
    running: list[Service] = []

    def start(answer: Callable[[Handler], None]) -> Service:
        running.append(service := Service(answer))
        threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return service

    yield start
    for service in running:
        service.shutdown()
        service.server_close()


def jina(service: Service, **options: object) -> Embedder:
    more = "".join(f"&{name}={value}" for name, value in options.items())
    return load(f"jina?endpoint={service.url}&requests_per_minute=0{more}")


def test_an_answer_that_never_ends_is_given_up_and_said_to_be_slow(
    serve: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_body(handler: Handler) -> None:
        handler.wfile.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
        handler.drip(b" ")

    def slow_head(handler: Handler) -> None:
        handler.wfile.write(HEAD)
        handler.drip(b"X-More: and more\r\n")

    # However busy this machine is, a byte comes within the time-out; the time for all of it is set apart.
    monkeypatch.setattr("diptych.embedders.hosted.client._WHOLE", 0.03)
    for answer in (slow_body, slow_head):
        service = serve(answer)
        with pytest.raises(TransientError, match=r"too slow: no whole answer in 0\.6 seconds"):
            jina(service, timeout=20).embed_texts(["a cat"])
        assert 0 < service.requests <= 3
        for _ in range(service.requests):
            assert service.hung_up.acquire(timeout=20), "no connection is held"


def test_an_answer_without_end_or_measure_is_never_in_memory(serve: Callable[..., Service]) -> None:
    def endless(handler: Handler) -> None:
        handler.wfile.write(HEAD + b"\r\n")
        while True:
            handler.wfile.write(b" " * 65_536)

    bomb = gzip.compress(b" " * 400_000_000, 9)  # 400 kB

    def unpacks(handler: Handler) -> None:
        length = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        handler.wfile.write(HEAD + length.encode() + bomb)

    def unpacks_as_an_error(handler: Handler) -> None:
        length = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        handler.wfile.write(HEAD.replace(b"200 OK", b"503 Later") + length.encode() + bomb)

    for answer in (endless, unpacks, unpacks_as_an_error):
        service = serve(answer)
        embedder = jina(service)
        tracemalloc.start()
        with pytest.raises(EmbedderUnavailable, match=r"more than 8 MB.*check endpoint="):
            embedder.embed_texts(["a cat"])
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert service.requests == 1, "it is not asked again"
        assert most < 64_000_000
