"""What every HTTP client here shares: who asks, when to try again, how fast, and how much at most."""

from __future__ import annotations

import email.utils
import math
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from diptych.errors import DiptychError

if TYPE_CHECKING:
    import httpx2

RETRYABLE_STATUS = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that mean "later", not "never"."""

LONGEST_WAIT = 60.0
"""Seconds; no single wait before a retry is longer. Where a server asks for more, it is not asked again."""

_LAST_MOMENT = datetime(9999, 12, 30, tzinfo=UTC).timestamp()

_jitter = random.SystemRandom()


def contact() -> str | None:
    """The e-mail or web address in `DIPTYCH_CONTACT`, by which a server's keeper can reach the person.

    Raises:
        DiptychError: It holds characters that a header can't carry.
    """
    named = os.environ.get("DIPTYCH_CONTACT", "").strip()
    if not (named.isascii() and named.isprintable()):
        raise DiptychError("DIPTYCH_CONTACT must be plain ASCII: set it to your e-mail address or web page")
    return named or None


def user_agent() -> str:
    """The `User-Agent` header: the tool, its version and, where set, the person's contact."""
    tool = f"diptych/{version('diptych')}"
    return f"{tool} ({contact()})" if contact() else tool


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a `Retry-After` header asks for, or None without a usable one.

    It is a whole number or a date; some services send fractions, which say more than nothing.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value, re.ASCII):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):  # no date, or a year that a clock can't hold
        return None


def clock_time(at: float) -> str:
    """A moment as a person here writes it, to the minute: "2026-11-30 18:40".

    Args:
        at: Seconds since 1970; what no clock can hold is taken for the last year that one can.
    """
    return f"{datetime.fromtimestamp(min(at, _LAST_MOMENT)).astimezone():%Y-%m-%d %H:%M}"


def backoff(attempt: int) -> float:
    """Seconds to wait before retry number `attempt` (from 0): exponential with full jitter.

    Full jitter, a uniform draw from 0 to the ceiling, spreads out clients that failed together
    (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
    """
    return _jitter.uniform(0.0, min(LONGEST_WAIT, 0.5 * 2.0**attempt))


class RateLimiter:
    """Spaces calls evenly so that no more than `per_minute` start in a minute, over all threads.

    Args:
        per_minute: Calls a minute; None: no limit.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next call may start."""
        with self._lock:
            start = max(time.monotonic(), self._next)
            self._next = start + self._interval
        time.sleep(max(0.0, start - time.monotonic()))


class TooLarge(Exception):
    """An answer has more bytes than any right one."""


def read_at_most(response: httpx2.Response, most: int) -> bytes:
    """The decoded body of an answer that was asked for with `stream=True`.

    It is taken piece by piece: what a small body would unpack to is never in memory as a whole.

    Raises:
        TooLarge: It has more than `most` bytes.
    """
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > most:
            raise TooLarge
    return bytes(body)


class _Until(threading.local):
    """When what a thread waits for from the network must be over, on the clock of `time.monotonic`."""

    moment = math.inf


_until = _Until()


@contextmanager
def deadline(seconds: float) -> Iterator[Callable[[], bool]]:
    """Give this thread's requests so long in all, connecting, sending and every byte of the answers included.

    It holds for `bounded` clients, beside their time-outs, each of which is for a single read: a server that
    sends a byte now and then never runs into these. What goes beyond it raises the client's time-out.

    Yields:
        Tells whether the time is over.
    """
    _until.moment = moment = time.monotonic() + seconds
    try:
        yield lambda: time.monotonic() >= moment
    finally:
        _until.moment = math.inf


def bounded(client: httpx2.Client) -> httpx2.Client:
    """The same client, keeping to `deadline`."""
    # The client has no setting for this: what it reads from the network with is exchanged.
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if transport is not None:  # a host that no proxy is used for
            pool = transport._pool  # type: ignore[attr-defined]  # noqa: SLF001
            pool._network_backend = _Bounded(pool._network_backend)  # noqa: SLF001
    return client


class _Bounded:
    """A network, or a connection, whose every wait ends at the deadline of the thread that waits.

    Args:
        inner: What does the work: httpcore2's `NetworkBackend` or `NetworkStream`.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(self, *args: Any, timeout: float | None = None, **named: Any) -> _Bounded:
        return _Bounded(self._inner.connect_tcp(*args, timeout=_left(timeout), **named))

    def start_tls(self, *args: Any, timeout: float | None = None, **named: Any) -> _Bounded:
        return _Bounded(self._inner.start_tls(*args, timeout=_left(timeout), **named))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self._inner.read(max_bytes, _left(timeout))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _left(timeout: float | None) -> float | None:
    """The seconds that a wait may take."""
    if _until.moment == math.inf:
        return timeout
    left = _until.moment - time.monotonic()
    if left <= 0.0:
        import httpcore2

        raise httpcore2.ReadTimeout("the time is over")
    return left if timeout is None else min(timeout, left)
