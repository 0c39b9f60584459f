"""The page under attack: `python attacks/page.py`.

What is not JSON, foreign hosts and origins, uploads that ask for memory, connections that send nothing, and
fifty people who judge at once (benchmarks/page_load.py).
"""

from __future__ import annotations

import concurrent.futures
import http.client
import io
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from mutations import mutate, mutate_json
from outcome import SEED, Outcome, tell
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

PEOPLE = 50
SOCKETS = 200
UPLOADS = 100
MOST_MEGABYTES = 1500

BODIES = {
    "/api/search": {
        "text": "a wolf",
        "k": 5,
        "rivals": ["a dog"],
        "keep": True,
        "live": False,
        "label": None,
    },
    "/api/judgments": {"text": "a wolf", "picture": "0" * 64, "grade": 1},
    "/api/allow": {"dollars": 0.5},
    "/api/embed": {},
}
PATHS = (
    "/",
    "/judge",
    "/evaluate",
    "/report",
    "/api/state",
    "/api/history",
    "/api/verdict",
    "/api/pool",
    "/answer",
)
HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options")


class Served:
    """A page in a process of its own.

    Attributes:
        host: Its address and port.
        pid: Its process.
    """

    def __init__(self, host: str, pid: int, log: Path) -> None:
        self.host, self.pid, self._log = host, pid, log

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of an answer."""
        asking = http.client.HTTPConnection(self.host, timeout=120)
        try:
            given = {"Origin": f"http://{self.host}", "Content-Type": "application/json", **headers}
            asking.request(method, path, body, given)
            answer = asking.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            asking.close()

    def memory(self) -> tuple[float, float]:
        """What the process takes, and the most that it took, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        now, most = (re.search(rf"{name}:\s+(\d+)", status) for name in ("VmRSS", "VmHWM"))
        return int(now[1]) / 1024 if now else 0.0, int(most[1]) / 1024 if most else 0.0

    def tracebacks(self) -> int:
        """How many it has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace").count("Traceback")


@contextmanager
def served() -> Iterator[Served]:
    """The sample on a page, ready."""
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        command = [sys.executable, "-m", "diptych", "serve", "sample", "--no-open", "--port", "0", "--quiet"]
        command += ["-e", "mini-s", "-e", "palette", "--store", str(Path(place) / "s.sqlite")]
        with log.open("w") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
            try:
                assert process.stdout is not None
                page = Served(urlsplit(process.stdout.readline().split()[0]).netloc, process.pid, log)
                while any(
                    each["state"] in {"waiting", "embedding"}
                    for each in json.loads(page.ask("GET", "/api/state")[1])["embedders"]
                ):
                    time.sleep(0.1)
                yield page
            finally:
                process.terminate()
                process.wait()


def wire(page: Served, seconds: float) -> Outcome:
    """Bodies that are almost right: an answer below 500 with its headers, and no traceback in the log."""
    rng, through, count, end = random.Random(SEED), [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        path = rng.choice(list(BODIES))
        text = json.dumps(BODIES[path])
        body = (
            mutate_json(text, rng).encode(errors="surrogatepass")
            if rng.random() < 0.7
            else mutate(text.encode(), rng, [])
        )
        status, answer, headers = page.ask("POST", path, body)
        count += 1
        if status >= 500 or not all(name in headers for name in HEADERS) or b"Traceback" in answer:
            through.append(f"{len(body)} bytes to {path}: {status}: {body[:200]!r}")
    if page.tracebacks():
        through.append(f"{page.tracebacks()} tracebacks in the log")
    tried = "bodies that are almost right: refused in words, with the headers that keep a page safe"
    return Outcome(part="Wire", tried=tried, count=count, through=tuple(sorted(through, key=len)))


FOREIGN = (
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "[::ffff:10.0.0.1]",
    "0.0.0.0",
    "",
    "a b",
)
TRAVERSALS = (
    "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fapp.py", "/static//etc/passwd",
    "/pictures/../../etc/passwd/thumbnail",
    "/pictures/%00/thumbnail", "/static/theme.js%00", "/static/\\..\\app.py",
)  # fmt: skip


def gates(page: Served) -> Outcome:
    """Foreign hosts and origins, other methods, paths that lead elsewhere."""
    through, count = [], 0

    def expect(refused: set[int], method: str, path: str, body: bytes | None = None, **headers: str) -> None:
        nonlocal count
        status, _, said = page.ask(method, path, body, **headers)
        count += 1
        if status not in refused or "content-security-policy" not in said:
            through.append(f"{method} {path} {headers}: {status}")

    for path in PATHS:
        for name in FOREIGN:
            expect({400, 403, 421}, "GET", path, Host=name)
        for origin in ("http://evil.example", "null", "http://localhost:1"):
            expect({403}, "GET", path, Origin=origin)
        for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
            expect({403, 405, 411, 501}, method, path)
    for path in BODIES:
        for origin in ("http://evil.example", "null", ""):
            expect({403}, "POST", path, b"{}", Origin=origin)
        expect({403, 405, 422}, "GET", path)
    for path in TRAVERSALS:
        expect({400, 404, 422}, "GET", path)
    tried = "foreign hosts and origins, other methods, paths that lead elsewhere: refused"
    return Outcome(part="Wire", tried=tried, count=count, through=tuple(through))


def uploads(page: Served) -> Outcome:
    """A hundred uploads at once, half of them a picture of 49 megapixels, half as much junk as is allowed."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(SEED).integers(0, 2, (7_000, 7_000)).astype(bool)
    Image.fromarray(noise).save(buffer, "PNG")
    picture, junk = buffer.getvalue(), os.urandom(31_000_000)
    bodies = [picture + str(number).encode() if number % 2 else junk for number in range(UPLOADS)]

    def send(body: bytes) -> int:
        try:
            return page.ask("POST", "/api/pictures", body)[0]
        except OSError:
            return 0  # it hung up: refused, too

    with concurrent.futures.ThreadPoolExecutor(UPLOADS) as people:
        statuses = list(people.map(send, bodies))
    through = [
        f"an upload was answered with {status}" for status in statuses if status >= 500 and status != 503
    ]
    tried = f"{UPLOADS} uploads at once, of 49 megapixels or 31 MB of junk: memory of the server at most"
    return Outcome(
        part="Memory", tried=tried, count=UPLOADS, through=tuple(through),
        worst=page.memory()[1], most=MOST_MEGABYTES, unit="MB", note=f"{page.memory()[0]:.0f} MB afterwards",
    )  # fmt: skip


def silent_clients(page: Served, seconds: float) -> Outcome:
    """Connections that send a byte now and then: somebody who asks meanwhile is answered."""
    host, _, port = page.host.partition(":")
    silent, took = [], []
    for _ in range(SOCKETS):
        one = socket.create_connection((host, int(port)))
        one.sendall(b"GET / HTTP/1.1\r\nHost: ")
        silent.append(one)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        page.ask("GET", "/api/state")
        took.append(1000 * (time.monotonic() - began))
        for one in silent[len(took) % 10 :: 10]:
            try:
                one.sendall(b"a")
            except OSError:
                continue  # the server has let it go
    for one in silent:
        one.close()
    tried = f"{SOCKETS} connections that send almost nothing: 95 of 100 answers to somebody else within"
    return Outcome(
        part="Page",
        tried=tried,
        count=len(took),
        worst=float(np.percentile(took, 95)),
        most=1000.0,
        unit="ms",
    )


def fifty_people(seconds: float) -> Iterator[Outcome]:
    """Fifty people who search, judge and read verdicts."""
    from page_load import main

    rows = main(["--people", str(PEOPLE), "--seconds", f"{max(20.0, seconds):.0f}"])
    addresses = [row for row in rows if row.unit == "ms" and row.bar is not None]
    worst = max(addresses, key=lambda row: row.figure)
    yield Outcome(
        part="Page",
        tried=f"{PEOPLE} people who search and judge: 95 of 100 answers of the slowest address within",
        count=len(addresses),
        through=tuple(f"{row.work}: {row.figure:.0f} ms" for row in addresses if row.met is False),
        worst=worst.figure,
        most=worst.bar,
        unit="ms",
        note=worst.work.rpartition(" ")[2],
    )
    for row in rows:
        if row not in addresses and row.bar is not None:
            yield Outcome(
                part="Page",
                tried=f"{PEOPLE} people who search and judge: {row.work} {row.against}".strip(),
                count=PEOPLE,
                worst=row.figure,
                most=row.bar,
                unit=row.unit,
                note=row.note,
            )


def outcomes(seconds: float) -> Iterator[Outcome]:
    """What is sent, who sends it, how much, how slowly; then people."""
    with served() as page:
        yield gates(page)
        yield wire(page, seconds / 20)
        yield silent_clients(page, seconds / 30)
        yield uploads(page)
    yield from fifty_people(0.75 * seconds)


if __name__ == "__main__":
    tell(outcomes)
