"""API keys: read from the environment when they are first needed, sent in a header, shown nowhere."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.hosted.client import Connection
from diptych.embedders.hosted.failures import Words

if TYPE_CHECKING:
    import httpx2

    from diptych.embedders.hosted.provider import Settings

_SHORTEST_SECRET = 10
_LOOKS_SECRET = re.compile(r"(?<=Bearer )\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Key:
    """Where a service's key is found and how it is sent.

    Attributes:
        variable: The environment variable.
        where: Where a person gets a key.
        header: The header that carries it.
        scheme: What stands before it there.
    """

    variable: str
    where: str
    header: str = "authorization"
    scheme: str = "Bearer "


class KeyAccess:
    """A key as the leave to ask."""

    def __init__(self, key: Key, secret: str) -> None:
        self._headers = {key.header: f"{key.scheme}{secret}"}
        self._secret = secret

    def headers(self, _url: str, _body: bytes) -> Mapping[str, str]:
        """The header with the key."""
        return self._headers

    def renew(self, _headers: Mapping[str, str]) -> bool:
        """A key that is refused stays refused."""
        return False

    def hide(self, text: str) -> str:
        """Blank out the key, and what looks like one, in what a server said."""
        # A shorter one is no key, but some stand-in's word, which sentences may contain.
        if len(self._secret) >= _SHORTEST_SECRET:
            text = text.replace(self._secret, "…")
        return _LOOKS_SECRET.sub("…", text)


def by_key(
    key: Key, path: str, *, refusals: Sequence[str] = ()
) -> Callable[[Settings, httpx2.Client], Connection]:
    """How a provider is connected to whose leave to ask is a key.

    Args:
        key: Which key, and how it is sent.
        path: What follows the endpoint; `{model}` stands for the model.
        refusals: Reasons by which the service says that the key is not accepted, besides the status 401.
    """

    def connect(settings: Settings, client: httpx2.Client) -> Connection:
        provider = settings.provider
        refused = (
            f"{provider.title} does not accept the key in {key.variable}: set it to one from {key.where}"
        )
        words = Words(
            title=provider.title,
            endpoint=settings.endpoint,
            refused=refused,
            reasons=dict.fromkeys(refusals, refused),
            forbidden=f"the key in {key.variable} may not use {settings.model} at {provider.title}:"
            f" see to its permissions at {key.where}",
            not_found=f"{provider.title} has no {settings.model}: check the model and endpoint=",
        )
        url = settings.endpoint + path.format(model=settings.model)
        return Connection(client, _find(key, provider.title), url, words)

    return connect


def _find(key: Key, title: str) -> KeyAccess:
    secret = os.environ.get(key.variable, "").strip()
    if not secret:
        raise EmbedderUnavailable(f"{title} needs a key: set {key.variable} to one from {key.where}")
    if not (secret.isascii() and secret.isprintable()) or " " in secret:  # it is not to be shown
        raise EmbedderUnavailable(f"{key.variable} holds no key: set it to one from {key.where}")
    return KeyAccess(key, secret)
