"""Services that take a key: what their emulators share, and JSON read as strictly as it is documented."""

from __future__ import annotations

import base64
import json
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from diptych.emulators.emulator import EmbeddingRequest, Emulator
from diptych.emulators.model import Refuse
from diptych.emulators.replies import DROPPED, Refusal, Reply, Request, html_error

KEYS: dict[str, tuple[int, str]] = {
    "wrong": (401, "invalid api key"),
    "unpaid": (402, "this account has no credit"),
    "denied": (403, "this key may not use this model"),
}
"""Keys that provoke an error: the status and, in plain words, the message."""

_DATA_URI = re.compile(r"data:image/([a-z]+);base64,(.*)", re.DOTALL)


def weather(refuse: Refuse, over_quota: Callable[[float], Reply]) -> tuple[Reply, ...]:
    """Every failure that a client must survive, in a service's envelope."""
    busy = refuse(503, "the service is overloaded")
    return (
        over_quota(0.05),
        refuse(500, "internal server error"),
        busy,
        Reply(busy.status, busy.body, headers={**busy.headers, "Retry-After": "0"}),
        html_error(502, "The server encountered a temporary error."),
        DROPPED,
    )


class KeyedEmulator(Emulator):
    """An endpoint that takes a bearer key and says no as `{…: message}`.

    Attributes:
        path: The only address that it answers.
        models: The models that it has, each with its dimensions, the default first.
    """

    path: ClassVar[str]
    models: ClassVar[Mapping[str, Sequence[int]]]

    def elsewhere(self, request: Request) -> Reply | None:
        """Answer what is not posted to the one address."""
        if request.path != self.path:
            return self.refuse(404, f"no such address: {request.path}")
        return None if request.method == "POST" else self.refuse(405, "send a POST")

    def turn_away(self, request: Request) -> Reply | None:
        """Refuse who has no key, or one of `KEYS`."""
        if not request.bearer:
            return self.refuse(401, "no api key supplied")
        return self.refuse(*KEYS[request.bearer]) if request.bearer in KEYS else None

    def understand(self, request: Request) -> EmbeddingRequest:
        """Read the request and its model; the rest is the service's own."""
        reader = Reader(self.refuse, request.body)
        model = reader.text("model")
        if model not in self.models:
            raise Refusal(self.refuse(404, f"model '{model}' not found"))
        return self.read(reader, model)

    @abstractmethod
    def read(self, reader: Reader, model: str) -> EmbeddingRequest:
        """Read what is asked of a model that there is.

        Raises:
            Refusal: The reply that the service gives instead.
        """


class Reader:
    """A request's JSON object, read field by field; whatever is wrong raises the service's refusal.

    Args:
        refuse: Says no in the service's envelope.
        body: The request's body, or an object in it.
    """

    def __init__(self, refuse: Refuse, body: bytes | Mapping[str, Any]) -> None:
        self._refuse = refuse
        if isinstance(body, bytes):
            try:
                body = json.loads(body)
            except (ValueError, RecursionError):
                raise self.no("invalid JSON") from None
        if not isinstance(body, dict):
            raise self.no("expected an object")
        self._message: Mapping[str, Any] = body

    def no(self, what: str) -> Refusal:
        """Build the refusal of a request that will never be taken."""
        return Refusal(self._refuse(400, what))

    def only(self, *names: str) -> None:
        """Refuse fields that are not among these; those that are null count as absent."""
        for name, value in self._message.items():
            if value is not None and name not in names:
                raise self.no(f"unknown field: {name}")

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self._message.get(name) is not None

    def text(self, name: str) -> str:
        """A string that is there and not empty."""
        value = self._message.get(name)
        if not isinstance(value, str) or not value:
            raise self.no(f"invalid value for {name}: expected a non-empty string")
        return value

    def one_of(self, name: str, values: Sequence[Any], default: Any = None) -> Any:
        """One of these values; without a default the field must be there."""
        value = self._message.get(name)
        if value is None and default is not None:
            return default
        if value not in values or isinstance(value, bool) != isinstance(values[0], bool):
            shown = ", ".join(map(str, values)) if len(values) < 10 else f"{values[0]} to {values[-1]}"
            raise self.no(f"invalid value for {name}: {value!r}, expected one of {shown}")
        return value

    def dimension(self, name: str, dimensions: Sequence[int]) -> int:
        """A length of vectors; the first one where none is asked for."""
        return int(self.one_of(name, dimensions, default=dimensions[0]))

    def items(self, name: str, most: int | None = None) -> list[Any]:
        """A list of at least one and, where a limit is known, at most so many."""
        value = self._message.get(name)
        if not isinstance(value, list) or not value:
            raise self.no(f"invalid value for {name}: expected a non-empty list")
        if most is not None and len(value) > most:
            raise self.no(f"at most {most} {name} are allowed, not {len(value)}")
        return value

    def inner(self, name: str) -> Reader:
        """An object in a field."""
        return self.of(self._message.get(name))

    def of(self, value: Any) -> Reader:
        """An object, read in the same way."""
        if not isinstance(value, dict):
            raise self.no("expected an object")
        return Reader(self._refuse, value)

    def data_uri(self, name: str, formats: Sequence[str]) -> bytes:
        """A picture as a data URI of base64, in one of these formats."""
        match = _DATA_URI.fullmatch(self.text(name))
        if match is None or match[1] not in formats:
            allowed = ", ".join(f"image/{each}" for each in formats)
            raise self.no(f"invalid value for {name}: expected a data URI of {allowed}")
        return self._decoded(name, match[2])

    def base64(self, name: str) -> bytes:
        """A picture as bare base64."""
        text = self.text(name)
        if text.startswith(("http:", "https:", "data:")):
            raise self.no(f"this emulator takes bare base64 for {name}")
        return self._decoded(name, text)

    def _decoded(self, name: str, text: str) -> bytes:
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError:
            data = b""
        if not data:
            raise self.no(f"invalid value for {name}: no base64")
        return data
