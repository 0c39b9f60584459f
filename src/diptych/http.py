"""What every HTTP client here shares: who asks, when to try again, how fast."""

from __future__ import annotations

import email.utils
import os
import random
import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from diptych.errors import DiptychError

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
        per_minute: Calls a minute; None is no limit.
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
