"""JSON over HTTP to a hosted embedder: credentials, pace, retries. What goes in and comes out is JSON."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from diptych.embedders.base import EmbedderUnavailable, ServiceDown, TransientError
from diptych.embedders.hosted.bill import Bill
from diptych.embedders.hosted.failures import Failure, Words, explain, one_line, read_failure, said_in
from diptych.errors import DiptychWarning
from diptych.http import LONGEST_WAIT, RateLimiter, TooLarge, bounded, deadline, read_at_most, user_agent

if TYPE_CHECKING:
    import httpx2

_CONNECT_SECONDS = 10.0

_WHOLE = 4
"""An answer may take so many times the time-out in all: sending pictures to the service counts, too."""

_MOST_BYTES = 1 << 23
"""In an answer, unpacked: ten times what the largest batch of the longest vectors takes."""

_SHORTEST_SECRET = 10


class Credentials(Protocol):
    """What lets somebody ask a service. Safe to share between threads."""

    def headers(self, url: str, body: bytes) -> Mapping[str, str]:
        """Make the headers that authorise a POST of `body` to `url`: secrets, never to be shown."""
        ...

    def refresh(self, headers: Mapping[str, str]) -> bool:
        """Replace what is in `headers`, which was refused; whether there is something newer now."""
        ...

    def hide(self, text: str) -> str:
        """Blank out the secrets in what a server said."""
        ...


def blank_out(text: str, secrets: Iterable[str | None]) -> str:
    """Blank out secrets in what a server said.

    A short one stays: it is not a secret but some stand-in's word, which sentences may contain.
    """
    for secret in secrets:
        if secret and len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    return text


@dataclass(frozen=True)
class Connection:
    """What the first request finds and all later ones share.

    Attributes:
        client: Sends them.
        credentials: What authorises them.
        url: Where requests are posted.
        words: How failures are put to a person.
    """

    client: httpx2.Client
    credentials: Credentials
    url: str
    words: Words


@dataclass(frozen=True, kw_only=True)
class RequestLimits:
    """How fast a service is asked.

    Attributes:
        requests_per_minute: At most so many requests start in a minute; None: no limit.
        concurrency: At most so many requests are under way at once.
        timeout: Seconds without a byte from the service; a whole answer may take four times that.
    """

    requests_per_minute: float | None
    concurrency: int
    timeout: float


class HostedClient:
    """Sends requests; safe to share between threads. Nothing is looked up before the first one.

    Args:
        connect: Finds credentials and address; it may use the HTTP client that it is given for that.
        limits: How fast to ask.
    """

    def __init__(self, connect: Callable[[httpx2.Client], Connection], limits: RequestLimits) -> None:
        self._find = connect
        self._limits = limits
        self._pace = Pace(limits.requests_per_minute)
        self._connection: Connection | None = None
        self._connecting = threading.Lock()
        self._last_failure = (-math.inf, "")
        self._left_alone = (-math.inf, "")  # until when, and why
        self._told_of_waits = False

    def ask(
        self, request: Mapping[str, Any], bill: Bill, *, most: int | None = None, worked: bool = False
    ) -> Any:
        """Send one request, again and again where it fails for now.

        Args:
            request: The JSON body.
            bill: Pays for it each time that it is sent; says how often it may be where no answer comes.
            most: The most tries; None for as many as suit the failure.
            worked: Whether such a request was answered before.

        Returns:
            The JSON of the answer.

        Raises:
            EmbedderUnavailable: Credentials or permission are missing, or the request is wrong.
            InputRejected: The service refuses what is in this request.
            TransientError: It failed at every try.
            OverBudget: One more try would cost more than is allowed.
            Stopped: Nothing more is to be sent.
        """
        connection = self._connect()
        try:
            return self._ask(connection, json.dumps(request).encode(), bill, most, worked)
        except EmbedderUnavailable:
            self._forget(connection)
            raise

    def said(self, answer: Any) -> str:
        """The service's own words in an answer without vectors, as they can be shown; maybe empty."""
        said, connection = said_in(answer), self._connection
        return connection.credentials.hide(said) if connection else said

    def _ask(self, connection: Connection, body: bytes, bill: Bill, most: int | None, worked: bool) -> Any:
        until, why = self._left_alone
        if time.monotonic() < until:
            raise ServiceDown(why, for_long=True)
        attempt, waited = 0, 0.0
        while isinstance(answer := self._try(connection, body, bill), Failure):
            if answer.unanswered:
                bill.unanswered.note(bill.items)
            if attempt + 1 >= min(answer.tries, most or answer.tries) or not bill.may_be_sent:
                error = explain(answer, connection.words, worked=worked)
                if answer.long_wait is not None:
                    self._left_alone = time.monotonic() + answer.long_wait, str(error)
                raise error
            seconds = answer.wait(attempt)
            waited += seconds
            if waited > LONGEST_WAIT:
                self._tell_of_waits(answer, connection.words)
            self._rest(answer, seconds)
            attempt += 1
        return _json(answer, connection.words)

    def _tell_of_waits(self, failure: Failure, words: Words) -> None:
        if not self._told_of_waits:
            self._told_of_waits = True
            why = failure.message or f"status {failure.status}"
            warnings.warn(
                f"{words.title} has let a request wait for a minute ({why}): still trying, for some minutes",
                DiptychWarning,
                stacklevel=6,
            )

    def _try(self, connection: Connection, body: bytes, bill: Bill) -> _Answer | Failure:
        """Send it once; once more where credentials are refused that can be refreshed."""
        credentials = connection.credentials
        try:
            headers = credentials.headers(connection.url, body)
            answer = self._pay_and_post(connection, headers, body, bill)
            if isinstance(answer, Failure) and answer.status == 401 and credentials.refresh(headers):
                headers = credentials.headers(connection.url, body)
                answer = self._pay_and_post(connection, headers, body, bill)
        except TransientError as error:  # nobody was asked: the credentials could not be fetched
            return Failure(None, one_line(credentials.hide(str(error))))
        return answer

    def _pay_and_post(
        self, connection: Connection, headers: Mapping[str, str], body: bytes, bill: Bill
    ) -> _Answer | Failure:
        """Send it, paid for beforehand; what was certainly not served costs nothing."""
        import httpx2

        hide = connection.credentials.hide
        self._pace.wait()
        bill.pay()
        try:
            answer = self._post(connection, headers, body)
        except httpx2.RequestError as error:
            words = one_line(hide(str(error))) or type(error).__name__
            connected = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            sent = connected and not isinstance(error, httpx2.ProxyError | httpx2.PoolTimeout)
            failure = Failure(None, words, connected=connected, lost=sent)
        else:
            if answer.status == 200:
                return answer
            failure = read_failure(answer.status, answer.headers, hide(answer.body.decode(errors="replace")))
        if not failure.may_cost:
            bill.take_back()
        return failure

    def _post(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> _Answer:
        import httpx2

        client, whole = connection.client, _WHOLE * self._limits.timeout
        content_type = {"content-type": "application/json; charset=utf-8"}
        request = client.build_request(
            "POST", connection.url, content=body, headers={**content_type, **headers}
        )
        with deadline(whole) as is_over:
            try:
                with contextlib.closing(client.send(request, stream=True)) as answer:
                    return _Answer(answer.status_code, answer.headers, read_at_most(answer, _MOST_BYTES))
            except TooLarge:
                raise EmbedderUnavailable(
                    f"what answers at {connection.words.endpoint} sends more than {_MOST_BYTES // 10**6} MB"
                    f" for a few vectors, so that it is not {connection.words.title}: check endpoint="
                ) from None
            except httpx2.TimeoutException:
                if is_over():
                    raise httpx2.ReadTimeout(f"too slow: no whole answer in {whole:g} seconds") from None
                raise

    def _rest(self, failure: Failure, seconds: float) -> None:
        if failure.status == 429:
            self._pace.hold(seconds)  # the quota is everybody's
        else:
            time.sleep(seconds)

    def _connect(self) -> Connection:
        asked = time.monotonic()
        with self._connecting:
            if self._connection is None:
                failed, reason = self._last_failure
                if failed > asked:  # another thread looked while this one waited: it would find the same
                    raise EmbedderUnavailable(reason)
                try:
                    self._connection = self._find(_http_client(self._limits))
                except EmbedderUnavailable as error:
                    self._last_failure = time.monotonic(), str(error)
                    raise
            return self._connection

    def _forget(self, connection: Connection) -> None:
        """Look everything up anew at the next call: by then the person may have signed in again."""
        with self._connecting:
            if self._connection is connection:
                self._connection = None


@dataclass(frozen=True)
class _Answer:
    """A whole answer.

    Attributes:
        status: The HTTP status.
        headers: The headers, their names in any case.
        body: What was said.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def _json(answer: _Answer, words: Words) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        pass
    raise EmbedderUnavailable(f"what answers at {words.endpoint} is not {words.title}: check endpoint=")


def _http_client(limits: RequestLimits) -> httpx2.Client:
    import httpx2

    connections = limits.concurrency
    try:
        client = httpx2.Client(
            verify=_authorities(),
            headers={"user-agent": user_agent()},
            timeout=httpx2.Timeout(limits.timeout, connect=min(_CONNECT_SECONDS, limits.timeout), pool=None),
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        )
        return bounded(client)
    except (ImportError, ValueError, httpx2.InvalidURL):
        pass  # and nothing is chained: a proxy's address may hold a password
    raise EmbedderUnavailable(
        "the proxy named in HTTPS_PROXY or ALL_PROXY can't be used: correct or unset it"
    )


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Whom to believe who a server is: read once, as it takes longer than a call."""
    import httpx2

    return httpx2.create_ssl_context()


class Pace:
    """When the next request may start, for all threads: spaced evenly, and none while the quota is used up.

    Args:
        per_minute: At most so many start in a minute; None: no limit.
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
