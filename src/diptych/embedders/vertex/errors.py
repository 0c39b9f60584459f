"""Vertex's error answers: taken apart, whatever their shape, and put into words with the next step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diptych.embedders.base import EmbedderUnavailable, InputRejected, TransientError
from diptych.embedders.vertex.credentials import SIGN_IN
from diptych.errors import DiptychError
from diptych.http import LONGEST_WAIT, RETRYABLE_STATUS, backoff, retry_after

TRIES = 8
"""Of a request that fails with a server's error or on a broken connection: half a minute on average."""

TRIES_TO_CONNECT = 5
"""Of a request for which nobody opens the door, most likely a wrong address: four seconds on average."""

TRIES_OVER_QUOTA = 12
"""Of a request that is over the quota, which is given back within a minute: two and a half on average."""

_LONGEST_MESSAGE = 300

_BY_REASON = {
    "SERVICE_DISABLED": "the Vertex AI API is not enabled in project {project}:"
    " run `gcloud services enable aiplatform.googleapis.com --project {project}` and wait a few minutes",
    "BILLING_DISABLED": "project {project} has no billing: link a billing account to it at"
    " https://console.cloud.google.com/billing/linkedaccount?project={project} and wait a few minutes",
    "IAM_PERMISSION_DENIED": "this account may not use Vertex AI in project {project}, or there is no such"
    " project: ask its owner for the role roles/aiplatform.user, or name another project",
    "USER_PROJECT_DENIED": "this account may not charge the quota project: run"
    " `gcloud auth application-default set-quota-project {project}` (or set GOOGLE_CLOUD_QUOTA_PROJECT)"
    " with a project in which it has the role roles/serviceusage.serviceUsageConsumer",
    "CONSUMER_INVALID": "there is no project {project}: check vertex?project=YOUR-PROJECT",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "these credentials were not made for Google Cloud"
    f" (the scope cloud-platform is missing): {SIGN_IN}",
}
"""What to do, by the reason in google.rpc.ErrorInfo."""

_OLD_REASONS = {"accessNotConfigured": "SERVICE_DISABLED", "billingNotEnabled": "BILLING_DISABLED"}
"""The same in the `errors` list of Google's older APIs."""

_TELLTALES = {
    "has not been used in project": "SERVICE_DISABLED",
    "requires billing": "BILLING_DISABLED",
    "permission to use project": "USER_PROJECT_DENIED",
}
"""The same in Google's sentences, for answers without a reason."""

_REQUEST_AT_FAULT = re.compile(
    r"\bdimension\b|\bparameters\b|instance\(s\)|empty instances|no embedding input|computetokens"
    r"|publisher model|\blocation\b|\bregion\b|\bproject\b|api key|billing",
    re.IGNORECASE,
)
"""A 400 that says so would say it of every picture."""


@dataclass(frozen=True)
class Failure:
    """Why one request was not answered.

    Attributes:
        status: The HTTP status; None where the connection broke.
        message: What the server said, one line, maybe empty.
        code: Google's name for the kind of error, such as INVALID_ARGUMENT, or empty.
        reason: The reason in ErrorInfo, such as SERVICE_DISABLED, or empty.
        asked_wait: Seconds that the server asks to wait, or None.
        connected: Whether there was a connection at all.
    """

    status: int | None
    message: str
    code: str = ""
    reason: str = ""
    asked_wait: float | None = None
    connected: bool = True

    @property
    def tries(self) -> int:
        """How often to try in all when a request fails in this way."""
        if not self.connected:
            return TRIES_TO_CONNECT
        if self.status is None or self.status in RETRYABLE_STATUS:
            return TRIES_OVER_QUOTA if self.status == 429 else TRIES
        return 1

    def wait(self, attempt: int) -> float:
        """Seconds until the next try, after try number `attempt` (from 0): as asked, else with backoff."""
        return min(LONGEST_WAIT, backoff(attempt) if self.asked_wait is None else self.asked_wait)


def read_failure(status: int, headers: Mapping[str, str], body: str) -> Failure:
    """Take an error answer apart.

    Google's is `{"error": {"code", "message", "status", "details": [...]}}`, at times with an `errors` list
    in place of `details`, at times inside a list; its front end answers with HTML.

    Args:
        status: The HTTP status.
        headers: The answer's headers, their names in any case.
        body: The answer's text, without secrets.
    """
    error = _error_object(body)
    if error is None:
        return Failure(status, _html_title(body), asked_wait=retry_after(headers))
    details = _objects(error.get("details"))
    message = one_line(str(error.get("message") or ""))
    delays = (_duration(item.get("retryDelay")) for item in details)
    asked = next((delay for delay in delays if delay is not None), None)
    return Failure(
        status,
        message,
        code=str(error.get("status") or ""),
        reason=_reason([*details, *_objects(error.get("errors"))], message),
        asked_wait=retry_after(headers) if asked is None else asked,
    )


def explain(
    failure: Failure, *, endpoint: str, model: str, project: str, location: str, retires: str | None
) -> DiptychError:
    """Put a failure that is not to be tried again into words.

    Args:
        failure: Of the last try.
        endpoint: The address asked.
        model: The model asked for.
        project: The project asked in.
        location: The region asked in.
        retires: The ISO date on which the model is retired, where known.

    Returns:
        The error to raise: `EmbedderUnavailable` where every call would fail, `InputRejected` where this one
        picture or text is refused, `TransientError` where it may succeed another time.
    """
    said = f" (it said: {failure.message})" if failure.message else ""
    if failure.reason in _BY_REASON:
        return EmbedderUnavailable(_BY_REASON[failure.reason].format(project=project) + said)
    match failure.status:
        case None:
            return TransientError(
                f"{endpoint} can't be reached in {failure.tries} tries ({failure.message}):"
                f" check the network, and location={location} or endpoint="
            )
        case 400:
            return _bad_request(failure)
        case 401:
            return EmbedderUnavailable(
                f"Google does not accept these credentials, they may be too old: {SIGN_IN}"
            )
        case 403:
            return EmbedderUnavailable(_BY_REASON["IAM_PERMISSION_DENIED"].format(project=project) + said)
        case 404:
            retired = f", or is retired (Google's date is {retires})" if retires else ""
            return EmbedderUnavailable(
                f"{model} is not served in {location} to project {project}{retired}:"
                f" try vertex?location=us-central1 and check the project{said}"
            )
        case 413:
            return InputRejected(f"Vertex AI finds it too large to take{said}")
        case 429:
            return TransientError(
                f"Vertex AI's quota stayed used up over {TRIES_OVER_QUOTA} tries: run again later, lower"
                " requests_per_minute, or ask for more at https://console.cloud.google.com/iam-admin/quotas"
                + said
            )
        case status if status in RETRYABLE_STATUS or status >= 500:
            return TransientError(f"Vertex AI failed with status {status}{said}: run again later")
        case status:
            return EmbedderUnavailable(
                f"what answered with status {status} is not Vertex AI{said}: check endpoint="
            )


def _bad_request(failure: Failure) -> DiptychError:
    said = failure.message or "without saying why"
    if failure.code == "FAILED_PRECONDITION" or _REQUEST_AT_FAULT.search(failure.message):
        return EmbedderUnavailable(
            f"Vertex AI refuses every such request: {said}; check model, dimension, project and location"
        )
    return InputRejected(f"Vertex AI refuses it: {said}")


def _error_object(body: str) -> dict[str, Any] | None:
    """Find the object with the message, or None where the body is no such JSON."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(answer, list) and answer:
        answer = answer[0]
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else None


def _reason(entries: list[dict[str, Any]], message: str) -> str:
    """Find Google's constant for what is wrong, among entries of any kind or in the words."""
    for entry in entries:
        reason = str(entry.get("reason") or "")
        if reason:
            return _OLD_REASONS.get(reason, reason)
    return next((reason for words, reason in _TELLTALES.items() if words in message), "")


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
