"""Requests as they arrive and replies as they leave, whatever service is played."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    Attributes:
        method: Such as POST.
        target: The path and query as sent.
        headers: By their names in lower case.
        body: What was sent.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path alone, decoded."""
        return unquote(self.target.partition("?")[0])

    @property
    def bearer(self) -> str:
        """The bearer token, or an empty string."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer.

    Attributes:
        status: The HTTP status; 0 is a connection dropped without an answer.
        body: What is sent.
        content_type: Its media type.
        headers: Further headers.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


DROPPED = Reply(0)
"""A connection that breaks before there is an answer."""


class Refusal(Exception):
    """Ends the handling of a request with an error reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(message: Mapping[str, Any], status: int = 200, **headers: str) -> Reply:
    """Build an answer in JSON; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(message).encode(), headers=named)


def html_error(status: int, sentence: str) -> Reply:
    """Build the page that a front end answers with when a request never reaches the service: Google's."""
    title = f"Error {status} ({HTTPStatus(status).phrase})"
    page = (
        f"<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>{title}</title>\n"
        f"<p><b>{status}.</b> {html.escape(sentence)} That’s all we know.\n"
    )
    return Reply(status, page.encode(), content_type=HTML)
