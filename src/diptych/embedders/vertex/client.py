"""Vertex's `:predict` over HTTP: credentials, pace, retries. What goes in and comes out is JSON."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from diptych.embedders.base import EmbedderUnavailable, TransientError
from diptych.embedders.vertex.errors import Failure, explain, one_line, read_failure
from diptych.http import RateLimiter, user_agent

if TYPE_CHECKING:
    import httpx2

    from diptych.embedders.vertex.credentials import GoogleAccess

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """Which model is asked, where, and how fast.

    Attributes:
        endpoint: The address that the path is put behind, without a slash at its end.
        project: The Google Cloud project that pays; None is the environment's, or that of the credentials.
        location: The region.
        model: The model with its version.
        retires: The ISO date on which the model is retired, where known.
        requests_per_minute: At most so many requests start in a minute; None is no limit.
        concurrency: At most so many requests are under way at once.
    """

    endpoint: str
    project: str | None
    location: str
    model: str
    retires: str | None
    requests_per_minute: float | None
    concurrency: int


@dataclass(frozen=True)
class _Connection:
    """What the first request finds and all later ones share."""

    client: httpx2.Client
    access: GoogleAccess
    project: str
    url: str


class VertexClient:
    """Sends predict requests; safe to share between threads. Nothing is looked up before the first one."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pace = Pace(service.requests_per_minute)
        self._connection: _Connection | None = None
        self._connecting = threading.Lock()
        self._last_failure = (-math.inf, "")

    def predict(self, request: Mapping[str, Any]) -> Any:
        """Send one predict request, again and again where it fails for now.

        Args:
            request: The JSON body.

        Returns:
            The JSON of the answer.

        Raises:
            EmbedderUnavailable: Credentials, project or permission are missing, or the request is wrong.
            InputRejected: Vertex refuses what is in this request.
            TransientError: It failed at every try.
        """
        connection = self._connect()
        try:
            return self._predict(connection, json.dumps(request).encode())
        except EmbedderUnavailable:
            self._forget(connection)
            raise

    def _predict(self, connection: _Connection, body: bytes) -> Any:
        service, attempt = self._service, 0
        while isinstance(answer := self._try(connection, body), Failure):
            if attempt + 1 >= answer.tries:
                raise explain(
                    answer,
                    endpoint=service.endpoint,
                    model=service.model,
                    project=connection.project,
                    location=service.location,
                    retires=service.retires,
                )
            self._rest(answer, attempt)
            attempt += 1
        return self._json(answer)

    def _try(self, connection: _Connection, body: bytes) -> httpx2.Response | Failure:
        """Send it once; once more where a token is refused that can be renewed."""
        import httpx2

        access = connection.access
        try:
            headers = access.headers(connection.url)
            answer = self._post(connection, headers, body)
            if answer.status_code == 401 and access.renew(headers):
                answer = self._post(connection, access.headers(connection.url), body)
        except (httpx2.RequestError, TransientError) as error:
            words = one_line(access.hide(str(error))) or type(error).__name__
            return Failure(None, words, connected=not isinstance(error, httpx2.ConnectError))
        if answer.status_code == 200:
            return answer
        return read_failure(answer.status_code, answer.headers, access.hide(answer.text))

    def _post(self, connection: _Connection, headers: Mapping[str, str], body: bytes) -> httpx2.Response:
        self._pace.wait()
        content_type = {"content-type": "application/json; charset=utf-8"}
        return connection.client.post(connection.url, content=body, headers={**content_type, **headers})

    def _json(self, answer: httpx2.Response) -> Any:
        try:
            return json.loads(answer.content)
        except (ValueError, RecursionError):
            pass
        raise EmbedderUnavailable(
            f"what answers at {self._service.endpoint} is not Vertex AI: check endpoint="
        )

    def _rest(self, failure: Failure, attempt: int) -> None:
        seconds = failure.wait(attempt)
        if failure.status == 429:
            self._pace.hold(seconds)  # the quota is everybody's
        else:
            time.sleep(seconds)

    def _connect(self) -> _Connection:
        asked = time.monotonic()
        with self._connecting:
            if self._connection is None:
                failed, reason = self._last_failure
                if failed > asked:  # another thread looked while this one waited: it would find the same
                    raise EmbedderUnavailable(reason)
                try:
                    self._connection = self._find()
                except EmbedderUnavailable as error:
                    self._last_failure = time.monotonic(), str(error)
                    raise
            return self._connection

    def _forget(self, connection: _Connection) -> None:
        """Look everything up anew at the next call: by then the person may have signed in again."""
        with self._connecting:
            if self._connection is connection:
                self._connection = None

    def _find(self) -> _Connection:
        from diptych.embedders.vertex.credentials import find_access

        service = self._service
        client = _http_client(service.concurrency)
        access = find_access(client)
        project = service.project or os.environ.get("GOOGLE_CLOUD_PROJECT") or access.project
        if not project:
            raise EmbedderUnavailable(
                "Vertex AI needs a Google Cloud project to charge:"
                " write vertex?project=YOUR-PROJECT or set GOOGLE_CLOUD_PROJECT"
            )
        url = (
            f"{service.endpoint}/v1/projects/{quote(project, safe=':')}/locations/{quote(service.location)}"
            f"/publishers/google/models/{quote(service.model, safe='@')}:predict"
        )
        return _Connection(client, access, project, url)


def _http_client(connections: int) -> httpx2.Client:
    import httpx2

    try:
        return httpx2.Client(
            headers={"user-agent": user_agent()},
            timeout=httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS, pool=None),
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        )
    except (ImportError, ValueError, httpx2.InvalidURL):
        pass  # and nothing is chained: a proxy's address may hold a password
    raise EmbedderUnavailable(
        "the proxy named in HTTPS_PROXY or ALL_PROXY can't be used: correct or unset it"
    )


class Pace:
    """When the next request may start, for all threads: spaced evenly, and none while the quota is used up.

    Args:
        per_minute: At most so many start in a minute; None is no limit.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._limiter = RateLimiter(per_minute)
        self._resume = -math.inf
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may start."""
        while (left := self._resume - time.monotonic()) > 0.0:
            time.sleep(left)
        self._limiter.wait()

    def hold(self, seconds: float) -> None:
        """Let no thread start a request for so long."""
        with self._lock:
            self._resume = max(self._resume, time.monotonic() + seconds)
