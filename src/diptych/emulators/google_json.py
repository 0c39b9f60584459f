"""JSON as Google's APIs take it: protobuf's two spellings, base64 in two alphabets."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from diptych.emulators.google_errors import invalid


def parse_json(body: bytes) -> dict[str, Any]:
    """Read a request's JSON object, or refuse it in the words of Google's front end."""
    text = body.decode("utf-8", errors="replace")
    try:
        message = json.loads(text)
    except json.JSONDecodeError as problem:
        at_end = problem.pos >= len(text.rstrip())
        what = "Unexpected end of string." if at_end else "Unexpected token."
        before, after = text[max(0, problem.pos - 20) : problem.pos], text[problem.pos : problem.pos + 20]
        snippet = f"{before}{after}\n{' ' * len(before)}^"
        raise invalid(f"Invalid JSON payload received. {what}\n{snippet}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; a nesting of thousands of levels
        raise invalid("Invalid JSON payload received. Parsing terminated.") from None
    if not isinstance(message, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    return message


def field(message: Mapping[str, Any], camel: str, snake: str) -> Any:
    """Look a field up by either of the names that protobuf's JSON gives it."""
    value = message.get(camel)
    return message.get(snake) if value is None else value


def base64_bytes(encoded: str, name: str) -> bytes:
    """Decode base64 in either alphabet, with or without padding, or refuse the field called `name`."""
    if encoded.startswith("data:"):
        raise invalid(f"Invalid base64 in {name}: send the bare base64, without the `data:` prefix.")
    standard = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        data = b""
    if not data:
        raise invalid(f"Invalid base64 in {name}.")
    return data
