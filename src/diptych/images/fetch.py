"""One request for one picture: what is asked, what the answer means, and in words why there is none."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from diptych import http
from diptych.errors import DiptychError
from diptych.images.decode import decode
from diptych.images.download_cache import Copy, DownloadCache, Part
from diptych.images.limits import UnreadablePicture

if TYPE_CHECKING:
    import httpx2

CONNECTIONS = 8
LONGEST = 300.0
"""Seconds that one answer may take in all; where its server can go on with the rest, what came is kept."""
THREAD_NAME = "diptych-download"
"""Begins the name of every thread that fetches."""


class Failed(Exception):
    """It can't be fetched."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(Failed):
    """It can't be fetched from this address; another may work."""


class Later(Exception):
    """It may be available later; `pause` is for how long its host wants to be left alone."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class _TooSlow(Exception):
    """Not all of an answer came in the time that one may take."""


class Moved(Exception):
    """It is at another address."""

    def __init__(self, address: str) -> None:
        super().__init__("moved")
        self.address = address


class Checker:
    """Says whether a file is a whole picture, before it is kept; safe to share between threads."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()  # however many are fetched, one is in memory as pixels

    def why_no_picture(self, path: Path) -> str | None:
        """Why a file holds no picture; None where it does, or nobody here can tell."""
        with self._one_at_a_time:
            try:
                # A JPEG is read to its end, but few of its pixels are made.
                decode(path.read_bytes(), at_least=1)
            except UnreadablePicture as error:
                return str(error) if error.damaged else None
            except OSError as error:
                return (error.strerror or "it can't be read").lower()
        return None


class Fetcher:
    """Fetches pictures into the cache; safe to share between threads.

    Args:
        cache: Where pictures are kept.
        max_bytes: Anything larger is refused.
        checker: Says what is not a picture.
        stopped: Says whether nobody waits for pictures any more.
    """

    def __init__(
        self, cache: DownloadCache, max_bytes: int, checker: Checker, stopped: Callable[[], bool]
    ) -> None:
        self._cache = cache
        self._max_bytes = max_bytes
        self._stopped = stopped
        self._checker = checker
        self._client = _client()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def fetch(self, url: str, address: str, copy: Copy | None, tries: int) -> Copy:
        """Ask an address once for the picture that belongs to `url`.

        Args:
            url: What the picture is filed under.
            address: Whom to ask.
            copy: An older copy, to ask for news since.
            tries: How often this address was asked before.

        Raises:
            Failed, Refused, Later, Moved: There is no picture in the answer.
        """
        part = self._cache.part(url)
        try:
            with http.deadline(LONGEST) as is_over, _network(is_over):
                return self._request(url, address, copy, part, tries)
        except _TooSlow:
            reason = f"too slow: not all of it came in {LONGEST:g} seconds"
            if part.resumable(address):
                raise Later(reason) from None
            part.discard()
            raise Failed(reason) from None
        except Failed as failed:
            # What was broken off at another address is kept: that one may be asked next.
            if not isinstance(failed, Refused) or part.resumable(address):
                part.discard()
            raise

    def _request(self, url: str, address: str, copy: Copy | None, part: Part, tries: int) -> Copy:
        resume = part.resumable(address)
        request = self._client.build_request("GET", address, headers=_conditions(copy, resume))
        with contextlib.closing(self._client.send(request, stream=True)) as response:
            _drain(response)
            if response.status_code == HTTPStatus.NOT_MODIFIED and copy:
                return self._cache.refresh(url, copy)
            if response.has_redirect_location:
                raise Moved(_redirected(response))
            if response.status_code in http.RETRYABLE_STATUS:
                raise Later(_status(response), _pause(response, tries))
            self._receive(response, part, address, resume)
        reason = self._checker.why_no_picture(part.path)
        if reason and _may_be_cut_off(response):
            raise Later(f"{reason}: the answer may have been cut short")
        if reason:
            raise Failed(reason)
        return self._cache.keep(url, part, address, response.headers)

    def _receive(
        self, response: httpx2.Response, part: Part, address: str, resume: tuple[int, str] | None
    ) -> None:
        """Take the body into `part`, which then holds all of it."""
        size, total = _begin(response, part, address, resume)
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and size + int(announced) > self._max_bytes:
            raise Failed(too_large(self._max_bytes))
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > self._max_bytes:
                raise Failed(too_large(self._max_bytes))
            if self._stopped():
                raise Later("stopped")
            part.append(chunk)
        if total is not None and size != total:
            raise Later("the answer was cut short")
        if size == 0:
            raise Failed("is empty")
        if _is_web_page(part.first_bytes(), response.headers.get("content-type", "")):
            raise Failed("is a web page, not a picture")


def _client() -> httpx2.Client:
    import httpx2

    # At INFO the client logs every address, and those of pictures may hold tokens.
    logging.getLogger("httpx2").addFilter(_keep_addresses_out)
    try:
        client = httpx2.Client(
            headers={"User-Agent": http.user_agent(), "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(30.0, connect=10.0, pool=None),
            limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        )
        return http.bounded(client)
    except (httpx2.InvalidURL, ValueError, ImportError, OSError):
        raise DiptychError(
            "the network settings in the environment can't be used: check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY "
            "and SSL_CERT_FILE (a SOCKS proxy needs pip install 'httpx2[socks]')"
        ) from None


def _keep_addresses_out(_record: logging.LogRecord) -> bool:
    return threading.current_thread().name != THREAD_NAME


def _conditions(copy: Copy | None, resume: tuple[int, str] | None) -> dict[str, str]:
    """The headers that ask for the rest of a broken-off download, or for news since an older copy."""
    if resume:
        size, etag = resume
        return {"Range": f"bytes={size}-", "If-Range": etag}
    if copy:
        known = {"If-None-Match": copy.etag, "If-Modified-Since": copy.last_modified}
        return {name: value for name, value in known.items() if value}
    return {}


def _drain(response: httpx2.Response) -> None:
    """Read a short answer that is not a picture, as its connection can only then be used again."""
    if response.status_code in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    announced = response.headers.get("content-length", "")
    short = announced.isdecimal() and int(announced) <= 1 << 16
    if short or response.status_code == HTTPStatus.NOT_MODIFIED:
        for _ in response.iter_raw():  # as it is: unpacked it may be large
            pass


def _redirected(response: httpx2.Response) -> str:
    """Where a redirect leads; the login goes along on the same server only."""
    import httpx2

    url = response.url
    try:
        target = url.join(response.headers["location"])
    except (httpx2.InvalidURL, ValueError):
        raise Failed("redirected: not a web address") from None
    same_server = (target.host, target.port) == (url.host, url.port)
    as_safe = target.scheme in (url.scheme, "https")
    if same_server and as_safe and not target.userinfo:
        target = target.copy_with(userinfo=url.userinfo)
    return str(target)


def _begin(
    response: httpx2.Response, part: Part, address: str, resume: tuple[int, str] | None
) -> tuple[int, int | None]:
    """Make `part` ready for the body; how many bytes it holds already, and will in the end, if known."""
    if resume and response.status_code in (
        HTTPStatus.PARTIAL_CONTENT,
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    ):
        size, etag = resume
        place = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
        if not place or int(place[1]) != size or response.headers.get("etag", etag) != etag:
            part.discard()
            raise Later("the server sent another part than was asked for")
        return size, None if place[2] == "*" else int(place[2])
    if response.status_code != HTTPStatus.OK:
        raise Refused(_status(response))
    mark = response.headers.get("etag", "")
    strong = mark and not mark.startswith("W/") and "content-encoding" not in response.headers
    part.restart(address, mark if strong else None)
    return 0, None


def _may_be_cut_off(response: httpx2.Response) -> bool:
    """Whether nothing told where the answer ends but that the connection did."""
    told = ("content-length", "transfer-encoding", "content-range")
    return response.http_version.startswith("HTTP/1") and not any(name in response.headers for name in told)


def _is_web_page(first_bytes: bytes, content_type: str) -> bool:
    start = first_bytes.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return True
    declared = content_type.lower().startswith(("text/html", "application/xhtml"))
    return declared and b"\0" not in start  # some servers call everything text/html, but text has no NUL


def _status(response: httpx2.Response) -> str:
    try:
        return f"HTTP {response.status_code} {HTTPStatus(response.status_code).phrase}"
    except ValueError:
        return f"HTTP {response.status_code}"


def _pause(response: httpx2.Response, tries: int) -> float | None:
    """For how long an answer that means "later" wants its host to be left alone."""
    asked = http.retry_after(response.headers)
    if asked is None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return http.backoff(tries)
    return asked


def too_large(max_bytes: int) -> str:
    """The reason for anything larger than allowed."""
    return f"is larger than {max_bytes / 1e6:g} MB"


@contextlib.contextmanager
def _network(is_over: Callable[[], bool]) -> Iterator[None]:
    """Turn what the client raises into `Later`, `Failed` or, where the time is over, `_TooSlow`."""
    import httpx2

    try:
        yield
    except (UnicodeError, OverflowError):  # a host name or a port that only the system finds impossible
        raise Failed("not a web address") from None
    except httpx2.HTTPError as error:
        if is_over():
            raise _TooSlow from None
        raise _failure(error) from None


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "certificate not trusted"),
    (ssl.SSLError, "no secure connection"),
    (socket.gaierror, "host name not found"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "timed out"),
)


def _failure(error: httpx2.HTTPError) -> Failed | Later:
    import httpx2

    cause: BaseException | None = error
    while cause:
        for kind, reason in _CAUSES:
            if isinstance(cause, kind):
                lasting = kind is ssl.SSLCertVerificationError or (
                    isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN
                )
                return Failed(reason) if lasting else Later(reason)
        if isinstance(cause, OSError) and cause.strerror:
            return Later(cause.strerror.lower())
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.ProxyError):
        return Later("the proxy refused the connection")
    if isinstance(error, httpx2.DecodingError):
        return Later("the answer is damaged")
    return Later("the answer was cut short or is not HTTP")
