"""Google credentials: found as Google's own tools find them, and turned into request headers.

The work is google-auth's. Here are only what it lacks, a transport over httpx2, and the words for people.
"""

# google-auth has types in places only.
# mypy: allow-untyped-calls

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diptych.embedders.base import EmbedderUnavailable, TransientError
from diptych.embedders.hosted.client import blank_out
from diptych.http import TooLarge, deadline, read_at_most

if TYPE_CHECKING:
    import httpx2
    from google.auth.credentials import Credentials

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ACCESS_TOKEN = "VERTEX_ACCESS_TOKEN"  # noqa: S105 (the name of the variable, not what is in it)

_WHOLE = 4
"""What Google's sign-in answers may take so many times the time-out in all."""

_MOST_BYTES = 1 << 20
"""In such an answer: some hundred times what a token takes."""

SIGN_IN = (
    "run `gcloud auth application-default login`, in Colab `google.colab.auth.authenticate_user()`,"
    f" or set {ACCESS_TOKEN} to what `gcloud auth print-access-token` prints"
)
"""What a person without usable credentials does next."""

_LOOKS_SECRET = re.compile(r"ya29\.[\w.-]+|1//[\w-]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]+|(?<=Bearer )\S+")


@dataclass(frozen=True)
class AccessToken:
    """What lets somebody call Google for an hour: a token that somebody fetched, not to be renewed.

    Attributes:
        token: As `gcloud auth print-access-token` prints it.
        quota_project: Which project's quota calls count towards, if that was said.
        project: Unknown: a token does not tell.
    """

    token: str = field(repr=False)
    quota_project: str | None
    project: None = None

    def headers(self, _url: str, _body: bytes) -> dict[str, str]:
        """As `GoogleCredentials.headers`; what they say is what was given."""
        quota = {"x-goog-user-project": self.quota_project} if self.quota_project else {}
        return {"authorization": f"Bearer {self.token}", **quota}

    def refresh(self, _headers: Mapping[str, str]) -> bool:
        """Say that there is no newer token."""
        return False

    def hide(self, text: str) -> str:
        """As `GoogleCredentials.hide`."""
        return _LOOKS_SECRET.sub("…", blank_out(text, (self.token,)))


class GoogleCredentials:
    """What lets somebody call Google: authorises requests, refreshes tokens. Safe to share between threads.

    Args:
        found: From google-auth.
        client: Fetches new tokens.
        project: The project that came with the credentials, if any.
    """

    def __init__(self, found: Credentials, client: httpx2.Client, *, project: str | None) -> None:
        self.project = project
        self._found = found
        self._transport = _Transport(client)
        self._lock = threading.Lock()

    def headers(self, url: str, _body: bytes) -> dict[str, str]:
        """Make the headers that authorise a POST to `url`, fetching a token where none is valid.

        Returns:
            `authorization` and, with a quota project, `x-goog-user-project`: secrets, never to be shown.

        Raises:
            EmbedderUnavailable: Google gives no token; the message says how to sign in.
            TransientError: Google's sign-in can't be reached for now.
        """
        from google.auth.exceptions import GoogleAuthError

        headers: dict[str, str] = {}
        try:
            with self._lock:
                self._found.before_request(self._transport, "POST", url, headers)
        except GoogleAuthError as error:
            refused = self._refused(error)
        else:
            return headers
        raise refused

    def refresh(self, headers: Mapping[str, str]) -> bool:
        """Get a new token in place of the one in `headers`, which was refused.

        Returns:
            Whether there is a newer token now; one that another thread fetched meanwhile will do.

        Raises:
            EmbedderUnavailable: Google gives no token; the message says how to sign in.
            TransientError: Google's sign-in can't be reached for now.
        """
        from google.auth.exceptions import GoogleAuthError

        try:
            with self._lock:
                if headers.get("authorization") == f"Bearer {self._found.token}":
                    self._found.refresh(self._transport)
        except GoogleAuthError as error:
            refused = self._refused(error)
        else:
            return True
        raise refused

    def hide(self, text: str) -> str:
        """Blank out these credentials' secrets, and all that looks like Google's, in what a server said."""
        own = (self._found.token, getattr(self._found, "refresh_token", None))
        return _LOOKS_SECRET.sub("…", blank_out(text, own))

    def _refused(self, error: Exception) -> EmbedderUnavailable | TransientError:
        """Say what went wrong with the sign-in, to be raised where nothing is chained to it."""
        from google.auth.exceptions import TransportError

        words = _first_words(error, self.hide)
        if isinstance(error, TransportError) or getattr(error, "retryable", False):
            return TransientError(f"Google's sign-in can't be reached ({words}): check the network")
        return EmbedderUnavailable(f"Google asks to sign in again ({words}): {SIGN_IN}")


def find_credentials(client: httpx2.Client) -> GoogleCredentials | AccessToken:
    """Find credentials: `VERTEX_ACCESS_TOKEN`, then what google-auth finds (application default credentials).

    These are the file in `GOOGLE_APPLICATION_CREDENTIALS`, what `gcloud auth application-default login` or
    Colab's `authenticate_user()` left, and the metadata server of Google's own machines.

    Args:
        client: Asks for tokens, and for the metadata server.

    Raises:
        EmbedderUnavailable: There are none, or google-auth is missing; the message says what to do.
    """
    token = os.environ.get(ACCESS_TOKEN, "").strip()
    if token:
        return _bare(token)

    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
    except ModuleNotFoundError:
        raise EmbedderUnavailable(
            f"Google's sign-in needs google-auth: pip install 'diptych[vertex]', or set"
            f" {ACCESS_TOKEN} to what `gcloud auth print-access-token` prints"
        ) from None

    try:
        transport: Any = _Transport(client)
        found, project = google.auth.default(scopes=[SCOPE], request=transport)
    except (GoogleAuthError, OSError, ValueError, AttributeError) as error:  # the last two: a malformed file
        words = _first_words(error, lambda text: _LOOKS_SECRET.sub("…", text))
    else:
        return GoogleCredentials(found, client, project=project)
    reason = "" if words.startswith("Your default credentials were not found") else f" ({words})"
    raise EmbedderUnavailable(f"there are no usable Google credentials{reason}: {SIGN_IN}")


def where_credentials_are() -> str | None:
    """Say where on this machine `find_credentials` would find some, without asking anybody or reading them.

    Returns:
        A variable or a file, or None where there are none (a machine of Google's has some all the same).
    """
    if os.environ.get(ACCESS_TOKEN, "").strip():
        return ACCESS_TOKEN
    try:
        from google.auth import _cloud_sdk
    except ModuleNotFoundError:  # nothing that could use others
        return None
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    path = named or _cloud_sdk.get_application_default_credentials_path()
    return path if Path(path).is_file() else None


def _bare(token: str) -> AccessToken:
    """Make credentials of a token alone.

    Raises:
        EmbedderUnavailable: It could not stand in a header (and must not be shown in the error about that).
    """
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise EmbedderUnavailable(
            f"{ACCESS_TOKEN} holds no token: set it to what `gcloud auth print-access-token` prints"
        )
    return AccessToken(token, os.environ.get("GOOGLE_CLOUD_QUOTA_PROJECT"))


def _first_words(error: Exception, hide: Callable[[str], str]) -> str:
    """One line of an error of google-auth's, whose further arguments may hold a whole answer."""
    words = " ".join(hide(str(error.args[0] if error.args else "")).split())
    return words[:200].rstrip(". ") or type(error).__name__


@dataclass(frozen=True)
class _HttpAnswer:
    """What google-auth reads of an HTTP answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Transport:
    """google-auth's way to the network over an httpx2 client; it brings its own for other libraries only."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_options: Any,
    ) -> _HttpAnswer:
        import httpx2
        from google.auth.exceptions import TransportError

        seconds = timeout or 30.0
        try:
            with (
                deadline(_WHOLE * seconds),
                self._client.stream(method, url, content=body, headers=headers, timeout=seconds) as answer,
            ):
                return _HttpAnswer(answer.status_code, answer.headers, read_at_most(answer, _MOST_BYTES))
        except TooLarge:
            raise TransportError("an answer far too large for a token") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            if "metadata-flavor" in (headers or {}):
                # When it looks whether this is a machine of Google's, google-auth tries a broken connection
                # three times and sleeps in between; an answer not from the metadata server it takes for a no.
                return _HttpAnswer(503, {}, b"")
            raise TransportError(str(error) or type(error).__name__) from None

    def __deepcopy__(self, memo: dict[int, Any]) -> _Transport:
        # google-auth copies its transport to ask iamcredentials.googleapis.com, unasked and from a thread of
        # its own, for a service account's regional boundary; it leaves that where there can be no copy.
        raise TypeError("this transport is not to be copied")
