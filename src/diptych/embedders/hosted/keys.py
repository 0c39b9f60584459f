"""API keys: read from the environment when they are first needed, sent in a header, shown nowhere."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.hosted.client import Connection, blank_out
from diptych.embedders.hosted.failures import Words

if TYPE_CHECKING:
    import httpx2

    from diptych.embedders.hosted.provider import HostedSettings

_LOOKS_SECRET = re.compile(r"(?<=Bearer )\S+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ByKey:
    """Connects to a provider that is called with a key.

    Attributes:
        variable: The environment variable that holds the key.
        where: Where a person gets one.
        path: What follows the endpoint; `{model}` stands for the model.
        header: The header that carries the key.
        scheme: What stands before it there.
        refusals: Reasons by which the service says that the key is not accepted, besides the status 401.
    """

    variable: str
    where: str
    path: str
    header: str = "authorization"
    scheme: str = "Bearer "
    refusals: tuple[str, ...] = ()

    def __call__(self, settings: HostedSettings, client: httpx2.Client) -> Connection:
        """Read the key, and put the provider's errors into words.

        Raises:
            EmbedderUnavailable: There is no key, or what there is can't be one.
        """
        title = settings.provider.title
        credentials = KeyCredentials(self._read(title), header=self.header, scheme=self.scheme)
        refused = f"{title} does not accept the key in {self.variable}: set it to one from {self.where}"
        words = Words(
            title=title,
            endpoint=settings.endpoint,
            refused=refused,
            reasons=dict.fromkeys(self.refusals, refused),
            forbidden=f"the key in {self.variable} may not use {settings.model} at {title}:"
            f" see to its permissions at {self.where}",
            not_found=f"{title} has no {settings.model}: check the model and endpoint=",
        )
        url = settings.endpoint + self.path.format(model=settings.model)
        return Connection(client, credentials, url, words)

    def _read(self, title: str) -> str:
        key = os.environ.get(self.variable, "").strip()
        if not key:
            raise EmbedderUnavailable(f"{title} needs a key: set {self.variable} to one from {self.where}")
        if not (key.isascii() and key.isprintable()) or " " in key:  # it is not to be shown
            raise EmbedderUnavailable(f"{self.variable} holds no key: set it to one from {self.where}")
        return key


class KeyCredentials:
    """A key as credentials.

    Args:
        key: The key.
        header: The header that carries it.
        scheme: What stands before it there.
    """

    def __init__(self, key: str, *, header: str, scheme: str) -> None:
        self._headers = {header: f"{scheme}{key}"}
        self._key = key

    def headers(self, _url: str, _body: bytes) -> Mapping[str, str]:
        """The header with the key."""
        return self._headers

    def refresh(self, _headers: Mapping[str, str]) -> bool:
        """A key that is refused stays refused."""
        return False

    def hide(self, text: str) -> str:
        """Blank out the key, and what looks like one, in what a server said."""
        return _LOOKS_SECRET.sub("…", blank_out(text, [self._key]))
