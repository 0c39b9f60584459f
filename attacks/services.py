"""Hostile services and servers: `python attacks/services.py`.

Every hosted embedder against a service that breaks its word, with a limit on what may be spent; and web
servers that send pictures too slowly, too much, or something else. All of it on this machine.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import resource
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from outcome import SEED, Outcome, tell
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import diptych
from diptych import http
from diptych.embedders.budget import list_price
from diptych.errors import DiptychError
from diptych.images import fetch
from diptych.images.download import download
from diptych.progress import Silent
from embedders.hosted_cases import CASES, SECRET, Case

PICTURES = 6
TIMEOUT = 0.3
SLACK = 10.0
MEGABYTES = 600
"""More than before the attack, at most."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BOMB = gzip.compress(bytes(1_000_000_000), 9)


class Hostile(BaseHTTPRequestHandler):
    """Answers everything in one way, and keeps what was sent."""

    server: HostileServer

    def do_POST(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.bodies.append(body)
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client may have hung up
            self.server.answer(self)

    def do_GET(self) -> None:
        """Answer."""
        self.do_POST()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


class HostileServer(ThreadingHTTPServer):
    """A server that breaks its word in one way."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[Hostile], None]) -> None:
        super().__init__(("127.0.0.1", 0), Hostile)
        self.answer = answer
        self.bodies: list[bytes] = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up, as they should."""


@contextmanager
def serving(answer: Callable[[Hostile], None]) -> Iterator[HostileServer]:
    """Such a server, as long as the block lasts."""
    server = HostileServer(answer)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()


def silence(handler: Hostile) -> None:
    handler.server.over.wait(60)


def reset(handler: Hostile) -> None:
    handler.connection.close()


def half(handler: Hostile) -> None:
    handler.wfile.write(HEAD + b"Content-Length: 1000\r\n\r\n{")


def drip(handler: Hostile) -> None:
    handler.wfile.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while not handler.server.over.wait(TIMEOUT / 3):
        handler.wfile.write(b" ")


def dripping_head(handler: Hostile) -> None:
    handler.wfile.write(HEAD)
    while not handler.server.over.wait(TIMEOUT / 3):
        handler.wfile.write(b"X-More: and more\r\n")


def endless(handler: Hostile) -> None:
    handler.wfile.write(HEAD + b"\r\n")
    while not handler.server.over.is_set():
        handler.wfile.write(b" " * 65_536)


def bomb(handler: Hostile) -> None:
    length = f"Content-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n"
    handler.wfile.write(HEAD + length.encode() + BOMB)


def _says(status: str, body: bytes, head: str = "") -> Callable[[Hostile], None]:
    def answer(handler: Hostile) -> None:
        start = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{head}"
        handler.wfile.write(start.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer


def _vectors(value: object) -> bytes:
    """Vectors under every name that a service has for them."""
    return json.dumps(
        {
            "predictions": [{"imageEmbedding": value, "textEmbedding": value}] * 9,
            "embeddings": {"float": [value] * 9},
            "embedding": value,
            "data": [{"index": i, "embedding": value} for i in range(9)],
        }
    ).encode()


FAULTS: dict[str, Callable[[Hostile], None]] = {
    "silence": silence,
    "reset": reset,
    "half an answer": half,
    "a drip": drip,
    "a dripping head": dripping_head,
    "an answer without end": endless,
    "a gzip bomb": bomb,
    "no JSON": _says("200 OK", b"<html>"),
    "deep JSON": _says("200 OK", b"[" * 100_000),
    "a list": _says("200 OK", b"[]"),
    "null vectors": _says("200 OK", _vectors(None)),
    "vectors of NaN": _says("200 OK", _vectors([float("nan")] * 512)),
    "vectors of words": _says("200 OK", _vectors(["a"] * 512)),
    "vectors of zeros": _says("200 OK", _vectors([0.0] * 512)),
    "short vectors": _says("200 OK", _vectors([1.0])),
    "a long error": _says("500 Oops", b"x" * 5_000_000),
    "an error of control characters": _says("400 Bad", b'{"error": {"message": "\\u001b[2J\\n\\n\\ud800"}}'),
    "a wait of years": _says("429 Later", b"{}", "Retry-After: 99999999\r\n"),
    "a redirect to itself": _says("307 Go", b"", "Location: /\r\n"),
    "no HTTP": lambda handler: handler.wfile.write(b"\0\xff" * 100),
}  # fmt: skip

ANSWERED = frozenset({"a long error", "an error of control characters", "a wait of years"})
"""Whole answers that say that nothing was done: nobody bills these, and what fails for now is tried again."""


def draw(folder: Path) -> Path:
    """Pictures, no two of them alike."""
    folder.mkdir()
    rng = np.random.default_rng(SEED)
    for number in range(PICTURES):
        Image.fromarray(rng.integers(0, 200, (8, 8, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


class Money:
    """What came of every hosted embedder against every fault."""

    def __init__(self, place: Path) -> None:
        self.place, self.pictures = place, draw(place / "pictures")
        self.count, self.through, self.longest, self.most_times = 0, [""][:0], 0.0, 0
        for name in {name for case in CASES for name in case.secret_variables}:
            os.environ[name] = SECRET

    def try_one(self, case: Case, name: str) -> None:
        """One service that does this to each request: how often each picture was sent, what was spent."""
        self.count += 1
        began = time.monotonic()
        with serving(FAULTS[name]) as server:
            embedder = case.load(server.url, timeout=TIMEOUT)
            prepared = [embedder.prepare_image(Image.open(path)) for path in self.pictures.iterdir()]
            each = list_price(embedder.info, 1, ())
            allowed = each * PICTURES + each / 2
            store = self.place / f"{self.count}.sqlite"
            try:
                with diptych.Store(store) as opened:
                    limit = float(allowed) if each else None
                    bench = diptych.Workbench(
                        self.pictures, [embedder], store=opened, bank=[], max_cost=limit
                    )
                    bench.embed()
            except DiptychError as error:
                if "\n" in str(error) or not str(error).isprintable():
                    self.through.append(f"{case.id}, {name}: said {str(error)[:200]!r}")
            except Exception as error:  # noqa: BLE001 (that is what is looked for)
                self.through.append(f"{case.id}, {name}: {type(error).__name__}: {error}")
            self._count(case, name, server.bodies, prepared, each, allowed)
        self.longest = max(self.longest, time.monotonic() - began)

    def _count(
        self,
        case: Case,
        name: str,
        bodies: list[bytes],
        prepared: list[bytes],
        each: Decimal,
        allowed: Decimal,
    ) -> None:
        if name in ANSWERED:
            return
        codes = [base64.b64encode(data) for data in prepared]
        times = [sum(body.count(code) for body in bodies) for code in codes]
        self.most_times = max([self.most_times, *times])
        if each and sum(times) * each > allowed:
            self.through.append(
                f"{case.id}, {name}: sent pictures for ${sum(times) * each}, allowed ${allowed}"
            )


def money(place: Path, seconds: float) -> Iterator[Outcome]:
    """Rows of money, time and memory."""
    attack, end, before = Money(place), time.monotonic() + seconds, memory()
    pairs = [(case, name) for name in FAULTS for case in CASES]
    for case, name in pairs:
        if time.monotonic() < end:
            attack.try_one(case, name)
    tried = f"hosted embedders against services that break their word in {len(FAULTS)} ways, under --max-cost"
    note = "" if attack.count == len(pairs) else f"there was time for {attack.count} of {len(pairs)}"
    yield Outcome(part="Money", tried=tried, count=attack.count, through=tuple(attack.through), note=note)
    yield Outcome(
        part="Money",
        tried="times that one picture was sent without an answer",
        count=attack.count,
        worst=attack.most_times,
        most=3,
    )
    whole = 4 * TIMEOUT * 3 + SLACK
    yield Outcome(
        part="Time", tried=f"a run against a hostile service, with a time-out of {TIMEOUT:g} s",
        count=attack.count, worst=attack.longest, most=2 * whole, unit="s",
    )  # fmt: skip
    yield Outcome(
        part="Memory", tried="of a client that asks hostile services", count=attack.count,
        worst=memory() - before, most=MEGABYTES, unit="MB more",
    )  # fmt: skip


def downloads(place: Path) -> Iterator[Outcome]:
    """The same servers asked for pictures."""
    os.environ["DIPTYCH_CACHE"] = str(place / "cache")
    fetch.LONGEST = 3.0
    through, longest, before = [], 0.0, memory()
    for name, answer in FAULTS.items():
        began = time.monotonic()
        with serving(answer) as server:
            (outcome,) = download(
                [f"{server.url}/{name.replace(' ', '-')}.png"], max_bytes=10**7, progress=Silent()
            )
        longest = max(longest, time.monotonic() - began)
        if outcome.path is not None or not outcome.reason or not outcome.reason.isprintable():
            through.append(f"{name}: {outcome}")
    kept = [
        path for path in (place / "cache").rglob("*") if path.is_file() and path.stat().st_size > 2 * 10**7
    ]
    through += [f"{path.name} of {path.stat().st_size} bytes is kept" for path in kept]
    tried = "downloads from servers that break their word: skipped with one line, nothing large kept"
    yield Outcome(part="Time", tried=tried, count=len(FAULTS), through=tuple(through))
    yield Outcome(
        part="Time", tried="one such download, where a whole one may take 3 s", count=len(FAULTS),
        worst=longest, most=5 * 3.0 + SLACK, unit="s",
    )  # fmt: skip
    yield Outcome(
        part="Memory", tried="of a client that downloads from hostile servers", count=len(FAULTS),
        worst=memory() - before, most=MEGABYTES, unit="MB more",
    )  # fmt: skip


def memory() -> float:
    """The most that this process has taken, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def outcomes(seconds: float) -> Iterator[Outcome]:
    """Downloads, then services for as long as there is time."""
    warnings.simplefilter("ignore")
    http._jitter = SimpleNamespace(uniform=lambda least, _most: least)  # noqa: SLF001 (waits are not attacked)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        yield from downloads(Path(place))
        yield from money(Path(place), seconds - (time.monotonic() - began))


if __name__ == "__main__":
    tell(outcomes)
