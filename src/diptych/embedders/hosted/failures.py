"""Error answers of hosted services: taken apart, whatever their shape, and put into words."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from diptych.embedders.base import (
    EmbedderUnavailable,
    InputRejected,
    RequestRefused,
    ServiceDown,
    TransientError,
)
from diptych.errors import DiptychError
from diptych.http import LONGEST_WAIT, RETRYABLE_STATUS, backoff, clock_time, retry_after

TRIES = 8
"""Of a request that fails with a server's error: half a minute on average."""

TRIES_TO_CONNECT = 5
"""Of a request for which the connection is refused, most likely a wrong address: four seconds on average."""

TRIES_OVER_QUOTA = 12
"""Of a request that is over the quota, which is given back within a minute: two and a half on average."""

_FURTHER_APART = 2
"""Doublings of the wait after a request whose answer did not come: there are few tries."""

_LONGEST_MESSAGE = 300

_OLD_REASONS = {"accessNotConfigured": "SERVICE_DISABLED", "billingNotEnabled": "BILLING_DISABLED"}
"""Reasons of Google's older APIs, in the `errors` list, by today's names."""

_REQUEST_AT_FAULT = re.compile(
    r"\boutput_?dimension|\bdimension\b|\bvalue for dimensions\b|\binput_type\b|\bembedding_types\b"
    r"|\bunknown field\b|\b(invalid|unknown|unsupported) model\b|\bmodel \S+ (is )?not (found|supported)\b",
    re.IGNORECASE,
)
"""A 400 that says so may say it of every picture, as long as none was taken."""

_ACCOUNT_AT_FAULT = re.compile(r"api key|billing", re.IGNORECASE)
"""A 400 that says so says it of every picture from now on."""


@dataclass(frozen=True)
class Failure:
    """Why one request was not answered.

    Attributes:
        status: The HTTP status; None where the connection broke.
        message: What the server said, one line, maybe empty.
        code: The service's name for the kind of error, such as INVALID_ARGUMENT, or empty.
        reason: The reason as a constant for programs, such as SERVICE_DISABLED, or empty.
        asked_wait: Seconds that the server asks to wait, or None.
        connected: Whether there was a connection at all.
        lost: Whether the request was sent, and the connection then broke or stayed silent.
    """

    status: int | None
    message: str
    code: str = ""
    reason: str = ""
    asked_wait: float | None = None
    connected: bool = True
    lost: bool = False

    @property
    def unanswered(self) -> bool:
        """Whether there is no whole answer to what was sent: the service may have done the work."""
        return self.lost or self.status == HTTPStatus.GATEWAY_TIMEOUT

    @property
    def may_cost(self) -> bool:
        """Whether the service may want to be paid: a gateway's answer is not the service's."""
        return self.unanswered or self.status == HTTPStatus.BAD_GATEWAY

    @property
    def tries(self) -> int:
        """How often to try in all when a request fails in this way."""
        if not self.connected:
            return TRIES_TO_CONNECT
        if self.long_wait is not None:
            return 1
        if self.status is None or self.status in RETRYABLE_STATUS:
            return TRIES_OVER_QUOTA if self.status == 429 else TRIES
        return 1

    @property
    def long_wait(self) -> float | None:
        """Seconds that the server asks to wait where that is more than anybody sits through, else None."""
        wait = self.asked_wait
        return wait if wait and wait > LONGEST_WAIT and self.status in RETRYABLE_STATUS else None

    def wait(self, attempt: int) -> float:
        """Seconds until the next try, after try number `attempt` (from 0): as asked, else with backoff."""
        if self.asked_wait is not None:
            return min(LONGEST_WAIT, self.asked_wait)
        return backoff(attempt + _FURTHER_APART if self.unanswered else attempt)


@dataclass(frozen=True, kw_only=True)
class Words:
    """How one service's failures are put to a person.

    Attributes:
        title: The service, such as "Vertex AI".
        endpoint: The address asked.
        refused: What to do where the credentials are not accepted (401).
        forbidden: What to do where they are, but this is not allowed (403).
        not_found: What to do where there is no such thing (404).
        settings: Options that a wrong address or request may come from, such as "endpoint=".
        over_quota: What else to do where the quota stays used up.
        reasons: What to do, by the reason as a constant.
        telltales: Reasons by words in the message, for answers without one.
        at_fault: In the message of a 400: that every request may be refused, not this picture.
    """

    title: str
    endpoint: str
    refused: str
    forbidden: str
    not_found: str
    settings: str = "endpoint="
    over_quota: str = "or lower requests_per_minute"
    reasons: Mapping[str, str] = field(default_factory=dict)
    telltales: Mapping[str, str] = field(default_factory=dict)
    at_fault: re.Pattern[str] = _REQUEST_AT_FAULT


def read_failure(status: int, headers: Mapping[str, str], body: str) -> Failure:
    """Take an error answer apart.

    Google's is `{"error": {"code", "message", "status", "details": [...]}}`, at times with an `errors` list
    in place of `details`, at times inside a list; others say `{"message": …}` or `{"detail": …}`, Amazon
    with the reason in a header; front ends answer with HTML.

    Args:
        status: The HTTP status.
        headers: The answer's headers, their names in any case.
        body: The answer's text, without secrets.
    """
    error = _error_object(_parse(body))
    reason = headers.get("x-amzn-errortype", "").partition(":")[0]
    if error is None:
        return Failure(status, _html_title(body), reason=reason, asked_wait=retry_after(headers))
    details = _objects(error.get("details"))
    delays = (_duration(item.get("retryDelay")) for item in details)
    asked = next((delay for delay in delays if delay is not None), None)
    return Failure(
        status,
        one_line(str(error.get("message") or "")),
        code=str(error.get("status") or ""),
        reason=reason or _reason([*details, *_objects(error.get("errors"))]),
        asked_wait=retry_after(headers) if asked is None else asked,
    )


def said_in(answer: object) -> str:
    """The service's own words in an answer that should hold vectors and holds an error; empty without one.

    Args:
        answer: The JSON.
    """
    error = _error_object(answer)
    message = error.get("message") if error else None
    return one_line(message) if isinstance(message, str) else ""


def explain(failure: Failure, words: Words, *, worked: bool = False) -> DiptychError:
    """Put a failure that is not to be tried again into words.

    Args:
        failure: Of the last try.
        words: How this service's failures are put.
        worked: Whether the service took such a request before, for another picture or text.

    Returns:
        The error to raise: `EmbedderUnavailable` where every call would fail, `InputRejected` where this one
        picture or text is refused (`RequestRefused` where it may be every one), `TransientError` where it may
        succeed another time (`ServiceDown` where no other call would now).
    """
    said = f" (it said: {failure.message})" if failure.message else ""
    title = words.title
    reason = failure.reason or _told(failure.message, words.telltales)
    if reason in words.reasons:
        return EmbedderUnavailable(words.reasons[reason] + said)
    if failure.long_wait is not None:
        return _left_alone(failure, failure.long_wait, words, said)
    for_good = {
        401: words.refused,
        402: f"{title} wants to be paid first{said}: see to your account there",
        403: words.forbidden + said,
        404: words.not_found + said,
    }
    match failure.status:
        case None if failure.lost:
            return TransientError(
                f"{words.endpoint} took a request and gave no whole answer ({failure.message}): as it may"
                " have to be paid for, it is not sent again in this run;"
                f" check the network, and {words.settings}"
            )
        case None:
            kind = TransientError if failure.connected else ServiceDown
            return kind(
                f"{words.endpoint} can't be reached in {failure.tries} tries ({failure.message}):"
                f" check the network, and {words.settings}"
            )
        case 400 | 422:
            return _bad_request(failure, words, worked=worked)
        case 413:
            return InputRejected(f"{title} finds it too large to take{said}")
        case 429:
            return ServiceDown(
                f"{title}'s quota stayed used up over {TRIES_OVER_QUOTA} tries:"
                f" run again later, {words.over_quota}{said}"
            )
        case status if status in for_good:
            return EmbedderUnavailable(for_good[status])
        case status if status in {424, *RETRYABLE_STATUS} or status >= 500:
            return TransientError(f"{title} failed with status {status}{said}: run again later")
        case status:
            return EmbedderUnavailable(
                f"what answered with status {status} is not {title}{said}: check endpoint="
            )


def _left_alone(failure: Failure, wait: float, words: Words, said: str) -> ServiceDown:
    again = clock_time(time.time() + wait)
    what = "'s quota is used up" if failure.status == 429 else " asks to be left alone"
    more = f", {words.over_quota}" if failure.status == 429 else ""
    return ServiceDown(f"{words.title}{what}{said}: try again after {again}{more}", for_long=True)


def _bad_request(failure: Failure, words: Words, *, worked: bool) -> DiptychError:
    """Whose fault a 400 is: a word such as "dimension" may mean the request's or the picture's."""
    said = failure.message or "without saying why"
    every = f"{words.title} refuses every such request: {said}; check model, dimension, {words.settings}"
    if failure.code == "FAILED_PRECONDITION" or _ACCOUNT_AT_FAULT.search(said):
        return EmbedderUnavailable(every)
    if words.at_fault.search(said) and not worked:
        return RequestRefused(every)
    return InputRejected(f"{words.title} refuses it: {said}")


def _told(message: str, telltales: Mapping[str, str]) -> str:
    return next((reason for words, reason in telltales.items() if words in message), "")


def _parse(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _error_object(answer: Any) -> dict[str, Any] | None:
    """Find the object with the message in an answer's JSON, or None where there is none."""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return None
    error = answer.get("error")
    if isinstance(error, dict):
        return error
    places = (error, *map(answer.get, ("message", "Message", "detail")))
    said = next((said for said in places if said is not None), None)
    if isinstance(said, list):  # of what a validator found
        said = "; ".join(str(item.get("msg", item)) if isinstance(item, dict) else str(item) for item in said)
    return {"message": said} if isinstance(said, str) else None


def _reason(entries: list[dict[str, Any]]) -> str:
    """Find the constant for what is wrong, among entries of any kind."""
    for entry in entries:
        reason = str(entry.get("reason") or "")
        if reason:
            return _OLD_REASONS.get(reason, reason)
    return ""


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _duration(value: object) -> float | None:
    """Seconds of a google.protobuf.Duration in JSON, such as "1.5s"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s", value) if isinstance(value, str) else None
    return float(match[1]) if match else None


def _html_title(body: str) -> str:
    """What a page says in short: its title, else its first words."""
    title = re.search(r"<title>(.*?)</title>", body, re.IGNORECASE | re.DOTALL)
    return one_line(title[1] if title else re.sub(r"<[^>]*>", " ", body[:2000]))


def one_line(text: str) -> str:
    """Fit a server's words into one line of ours, shortened where they are long."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"
