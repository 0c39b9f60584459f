"""Google on 127.0.0.1, answering exactly what a test tells it to: predictions, tokens, metadata."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import numpy as np


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer; status 0 breaks the connection instead."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(payload: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(payload).encode(), {"content-type": "application/json", **named})


def error(status: int, message: str = "It failed.", *details: dict[str, Any], **headers: str) -> Reply:
    """An error in Google's envelope."""
    said = {"code": status, "message": message, "status": "SOME_STATUS", "details": list(details)}
    return answer({"error": said}, status, **headers)


def reason(name: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name, "domain": "googleapis.com"}


def retry_in(delay: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def expected_vector(content: str, dimension: int) -> np.ndarray:
    """The vector that `predictions` answers a text or a base64 picture with."""
    seed = int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


def predictions(call: Call) -> Reply:
    """What Vertex answers to a good request."""
    (instance,) = call.json["instances"]
    dimension = call.json["parameters"]["dimension"]
    found = {}
    if "text" in instance:
        found["textEmbedding"] = expected_vector(instance["text"], dimension).tolist()
    if "image" in instance:
        content = instance["image"]["bytesBase64Encoded"]
        found["imageEmbedding"] = expected_vector(content, dimension).tolist()
    return answer({"predictions": [found], "deployedModelId": "1"})


class LoopbackGoogle:
    """A server for a `with` block.

    Args:
        respond: Makes the answer to a call, from the thread of its connection.
        first: Answers to be given before that, in order of arrival.
    """

    def __init__(
        self, respond: Callable[[Call], Reply] = predictions, first: list[Reply] | None = None
    ) -> None:
        self.respond = respond
        self.calls: list[Call] = []
        self.most_in_flight = 0
        self._first = list(first or [])
        self._in_flight = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, call: Call) -> Reply:
        with self._lock:
            self.calls.append(call)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            planned = self._first.pop(0) if self._first else None
        try:
            return planned or self.respond(call)
        finally:
            with self._lock:
                self._in_flight -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        google = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = google._answer(Call(self.command, self.path, headers, body, time.monotonic()))
                if reply.status == 0:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
                if int(reply.headers.get("content-length", len(reply.body))) != len(reply.body):
                    self.close_connection = True

            do_GET = do_POST  # noqa: N815 (the base class names it)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
                pass

        return Handler
