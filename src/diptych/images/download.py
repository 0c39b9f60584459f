"""Pictures fetched from the web into the cache: politely, resumably, with one outcome for each address."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import socket
import ssl
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from diptych import http, paths
from diptych.errors import DiptychError
from diptych.images import wikimedia
from diptych.images.download_cache import Copy, DownloadCache, Part
from diptych.images.host_queue import HostQueue
from diptych.progress import Progress

if TYPE_CHECKING:
    import httpx2

TRIES = 5
REDIRECTS = 10
CONNECTIONS = 8
CONNECTIONS_PER_HOST = 4
CONNECTIONS_TO_WIKIMEDIA = 2  # https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_Robot_Policy

NO_CONTACT = "Wikimedia serves only tools that name a contact: set DIPTYCH_CONTACT to your e-mail or web page"

_WIKIMEDIA = "Wikimedia"  # all of Wikimedia is one host in the queue
_THREAD_NAME = "diptych-download"


@dataclass(frozen=True, slots=True)
class Download:
    """What became of one address.

    Attributes:
        url: The address as it was given; not shown, as it may hold a password or a token.
        path: The file in the cache; None when it failed.
        reason: Why it failed, in one line that does not repeat the address; None when it succeeded.
    """

    url: str = field(repr=False)
    path: Path | None
    reason: str | None


def download(urls: Sequence[str], *, max_bytes: int, progress: Progress) -> list[Download]:
    """Fetch pictures into the cache, or find them there.

    A copy younger than a day is used as it is; an older one is used when the server calls it current or
    gives no newer one.

    Args:
        urls: Web addresses; one that is given twice is fetched once.
        max_bytes: Anything larger is refused.
        progress: Watches; one item is one distinct address.

    Returns:
        One outcome for each address, in the order given.

    Raises:
        DiptychError: The cache can't be written to, or the settings for the network can't be used.
    """
    distinct = list(dict.fromkeys(urls))
    if not distinct:
        return []
    cache = DownloadCache(paths.cache_dir() / "downloads")
    settled = {}
    with (
        progress.task("downloading", len(distinct)) as advance,
        contextlib.closing(_outcomes(distinct, cache, max_bytes)) as outcomes,
    ):
        for outcome in outcomes:
            settled[outcome.url] = outcome
            advance(1)
    return [settled[url] for url in urls]


def _outcomes(urls: Sequence[str], cache: DownloadCache, max_bytes: int) -> Generator[Download]:
    jobs = []
    for url in urls:
        copy = cache.find(url)
        fits = copy is not None and copy.bytes <= max_bytes
        if copy and copy.fresh:
            yield Download(url, copy.path, None) if fits else Download(url, None, _too_large(max_bytes))
        else:
            jobs.append(_Job(url, copy if fits else None))
    if jobs:
        yield from _Run(jobs, cache, max_bytes).outcomes()


@dataclass
class _Job:
    """One address on its way.

    Attributes:
        url: As the person wrote it.
        copy: An older copy, used when no newer one can be had.
        addresses: The one to ask now, then those to ask when it is refused.
        tries: How many requests to the address to ask now have failed.
        redirects: How many were followed.
    """

    url: str
    copy: Copy | None
    addresses: list[str] = field(default_factory=list)
    tries: int = 0
    redirects: int = 0


class _Failed(Exception):
    """It can't be had."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Refused(_Failed):
    """It can't be had from this address; another one may do."""


class _Later(Exception):
    """It may be had later; `pause` is for how long its host wants to be left alone."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class _Moved(Exception):
    """It is at another address."""

    def __init__(self, address: str) -> None:
        super().__init__("moved")
        self.address = address


class _Run:
    """The threads, the client and the queue of one call of `download`.

    Every request is one turn in the queue: a redirect, a fallback and a new try go through it again, so
    that each host's limit and wishes hold for all of them.
    """

    def __init__(self, jobs: list[_Job], cache: DownloadCache, max_bytes: int) -> None:
        self._jobs = jobs
        self._cache = cache
        self._max_bytes = max_bytes
        self._client = _client()
        self._queue: HostQueue[_Job] = HostQueue(
            lambda host: CONNECTIONS_TO_WIKIMEDIA if host == _WIKIMEDIA else CONNECTIONS_PER_HOST
        )
        self._closed_hosts: dict[str, str] = {}  # with the reason
        self._settled: queue.SimpleQueue[Download | BaseException] = queue.SimpleQueue()
        self._working = min(CONNECTIONS, len(jobs))
        self._leaving = threading.Lock()

    def outcomes(self) -> Iterator[Download]:
        """Yield every job's outcome as it settles; when that is broken off, nothing more is asked for."""
        self._cache.claim()
        for job in self._jobs:
            self._direct(job, job.url)
        # Daemons, and awaited only when all is settled: on Ctrl-C nobody waits for a thread that waits for
        # a server.
        workers = [
            threading.Thread(target=self._work, name=_THREAD_NAME, daemon=True) for _ in range(self._working)
        ]
        try:
            for worker in workers:
                worker.start()
            for _ in self._jobs:
                outcome = self._settled.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                yield outcome
        finally:
            self._queue.stop()
        for worker in workers:
            worker.join()

    def _work(self) -> None:
        try:
            while (turn := self._queue.take()) is not None:
                host, job = turn
                try:
                    self._take_turn(host, job)
                finally:
                    self._queue.release(host)
        except BaseException as error:  # noqa: BLE001 (the thread that waits must hear of it, whatever it is)
            self._settled.put(error)
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._leaving:
            self._working -= 1
            last = self._working == 0
        if last:
            self._client.close()
            self._cache.release()

    def _direct(self, job: _Job, address: str) -> None:
        """Send a job to an address, unless that may not be asked."""
        host, objection = _host(address)
        if objection:
            self._fail(job, f"redirected: {objection}" if job.redirects else objection)
            return
        job.addresses = wikimedia.addresses(address) if host == _WIKIMEDIA else [address]
        job.tries = 0
        self._queue.put(host, job)

    def _fail(self, job: _Job, reason: str) -> None:
        if job.copy:
            self._settled.put(Download(job.url, job.copy.path, None))
        else:
            self._settled.put(Download(job.url, None, reason))

    def _take_turn(self, host: str, job: _Job) -> None:
        if host in self._closed_hosts:
            self._fail(job, self._closed_hosts[host])
            return
        part = self._cache.part(job.url)
        try:
            with _network():
                copy = self._request(job, part)
        except _Moved as moved:
            self._follow(job, moved.address)
        except _Later as later:
            self._wait(host, job, later)
        except _Failed as failed:
            if isinstance(failed, _Refused) and len(job.addresses) > 1:
                del job.addresses[0]
                job.tries = 0
                self._queue.put(host, job)
            else:
                part.discard()
                self._fail(job, failed.reason)
        else:
            self._settled.put(Download(job.url, copy.path, None))

    def _follow(self, job: _Job, address: str) -> None:
        job.redirects += 1
        if job.redirects > REDIRECTS:
            self._fail(job, "redirected too often")
        else:
            self._direct(job, address)

    def _wait(self, host: str, job: _Job, later: _Later) -> None:
        """Put a job back for another try, unless there is an older copy or it was tried often enough."""
        if later.pause is not None and later.pause > http.LONGEST_WAIT:
            self._closed_hosts[host] = f"the server asks to wait {later.pause:.0f} s"
        elif later.pause is not None:
            self._queue.pause(host, later.pause)
        job.tries += 1
        if job.copy or job.tries == TRIES or host in self._closed_hosts:
            self._fail(job, self._closed_hosts.get(host, later.reason))
        else:
            self._queue.put(host, job, http.backoff(job.tries - 1) if later.pause is None else 0.0)

    def _request(self, job: _Job, part: Part) -> Copy:
        address = job.addresses[0]
        resume = part.resumable(address)
        request = self._client.build_request("GET", address, headers=_conditions(job.copy, resume))
        with contextlib.closing(self._client.send(request, stream=True)) as response:
            _drain(response)
            if response.status_code == HTTPStatus.NOT_MODIFIED and job.copy:
                return self._cache.refresh(job.url, job.copy)
            if response.has_redirect_location:
                raise _Moved(_redirected(response))
            if response.status_code in http.RETRYABLE_STATUS:
                raise _Later(_status(response), _pause(response, job.tries))
            self._receive(response, part, address, resume)
        return self._cache.keep(job.url, part, address, response.headers)

    def _receive(
        self, response: httpx2.Response, part: Part, address: str, resume: tuple[int, str] | None
    ) -> None:
        """Take the body into `part`, which then holds all of it."""
        size, total = _begin(response, part, address, resume)
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and size + int(announced) > self._max_bytes:
            raise _Failed(_too_large(self._max_bytes))
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > self._max_bytes:
                raise _Failed(_too_large(self._max_bytes))
            if self._queue.stopped:
                raise _Later("stopped")
            part.append(chunk)
        if total is not None and size != total:
            raise _Later("the answer was cut short")
        if size == 0:
            raise _Failed("is empty")
        if _is_web_page(part.first_bytes(), response.headers.get("content-type", "")):
            raise _Failed("is a web page, not a picture")


def _client() -> httpx2.Client:
    import httpx2

    # At INFO the client logs every address, and those of pictures may hold tokens.
    logging.getLogger("httpx2").addFilter(_keep_addresses_out)
    try:
        return httpx2.Client(
            headers={"User-Agent": http.user_agent(), "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(30.0, connect=10.0, pool=None),
            limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        )
    except (httpx2.InvalidURL, ValueError, ImportError, OSError):
        raise DiptychError(
            "the network settings in the environment can't be used: check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY "
            "and SSL_CERT_FILE (a SOCKS proxy needs pip install 'httpx2[socks]')"
        ) from None


def _keep_addresses_out(_record: logging.LogRecord) -> bool:
    return threading.current_thread().name != _THREAD_NAME


def _host(address: str) -> tuple[str, str | None]:
    """The host to queue for, and why it may not be asked, if so."""
    import httpx2

    try:
        url = httpx2.URL(address)
    except (httpx2.InvalidURL, ValueError):
        return "", "not a web address"
    if url.scheme not in ("http", "https") or not url.host:
        return "", "not an http or https address"
    if wikimedia.is_wikimedia(url.host):
        return _WIKIMEDIA, None if http.contact() else NO_CONTACT
    return url.host, None


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
    """Read a short answer that is no picture, as its connection can only then be used again."""
    if response.status_code in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    announced = response.headers.get("content-length", "")
    short = announced.isdecimal() and int(announced) <= 1 << 16
    if short or response.status_code == HTTPStatus.NOT_MODIFIED:
        response.read()


def _redirected(response: httpx2.Response) -> str:
    """Where a redirect leads; the login goes along on the same server only."""
    import httpx2

    url = response.url
    try:
        target = url.join(response.headers["location"])
    except (httpx2.InvalidURL, ValueError):
        raise _Failed("redirected: not a web address") from None
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
            raise _Later("the server sent another part than was asked for")
        return size, None if place[2] == "*" else int(place[2])
    if response.status_code != HTTPStatus.OK:
        raise _Refused(_status(response))
    mark = response.headers.get("etag", "")
    strong = mark and not mark.startswith("W/") and "content-encoding" not in response.headers
    part.restart(address, mark if strong else None)
    return 0, None


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


def _too_large(max_bytes: int) -> str:
    return f"is larger than {max_bytes / 1e6:g} MB"


@contextlib.contextmanager
def _network() -> Iterator[None]:
    """Turn what the client raises into `_Later` or `_Failed`."""
    import httpx2

    try:
        yield
    except (UnicodeError, OverflowError):  # a host name or a port that only the system finds impossible
        raise _Failed("not a web address") from None
    except httpx2.HTTPError as error:
        raise _failure(error) from None


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "certificate not trusted"),
    (ssl.SSLError, "no secure connection"),
    (socket.gaierror, "host name not found"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "timed out"),
)


def _failure(error: httpx2.HTTPError) -> _Failed | _Later:
    import httpx2

    cause: BaseException | None = error
    while cause:
        for kind, reason in _CAUSES:
            if isinstance(cause, kind):
                lasting = kind is ssl.SSLCertVerificationError or (
                    isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN
                )
                return _Failed(reason) if lasting else _Later(reason)
        if isinstance(cause, OSError) and cause.strerror:
            return _Later(cause.strerror.lower())
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.ProxyError):
        return _Later("the proxy refused the connection")
    if isinstance(error, httpx2.DecodingError):
        return _Later("the answer is damaged")
    return _Later("the answer was cut short or is not HTTP")
