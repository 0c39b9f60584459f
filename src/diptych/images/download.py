"""Pictures fetched from the web into the cache: politely, resumably, with one outcome for each address."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from diptych import http, paths
from diptych.cache import FileHashes
from diptych.images import wikimedia
from diptych.images.download_cache import Copy, DownloadCache
from diptych.images.fetch import (
    CONNECTIONS,
    THREAD_NAME,
    Checker,
    Failed,
    Fetcher,
    Later,
    Moved,
    Refused,
    too_large,
)
from diptych.images.host_queue import HostQueue
from diptych.progress import Progress

TRIES = 5
REDIRECTS = 10
CONNECTIONS_PER_HOST = 4
CONNECTIONS_TO_WIKIMEDIA = 2  # https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_Robot_Policy

NO_CONTACT = "Wikimedia serves only tools that name a contact: set DIPTYCH_CONTACT to your e-mail or web page"

_WIKIMEDIA = "Wikimedia"  # all of Wikimedia is one host in the queue


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
    checker = Checker()
    found = {url: copy for url in urls if (copy := cache.find(url))}
    hashes = FileHashes(copy.path for copy in found.values())
    for url in urls:
        copy = _usable(url, found.get(url), hashes, cache, checker)
        fits = copy is not None and copy.bytes <= max_bytes
        if copy and copy.fresh:
            yield Download(url, copy.path, None) if fits else Download(url, None, too_large(max_bytes))
        else:
            jobs.append(_Job(url, copy if fits else None))
    hashes.keep()
    if jobs:
        yield from _Downloads(jobs, cache, max_bytes, checker).outcomes()


def _usable(
    url: str, copy: Copy | None, hashes: FileHashes, cache: DownloadCache, checker: Checker
) -> Copy | None:
    """A copy of what `url` gave, unless its bytes are others by now, or it is not a picture.

    Earlier versions kept whatever came.
    """
    try:
        if copy is None or hashes.of(copy.path) != copy.sha256:
            return None
    except OSError:
        return None
    if copy.decodes:
        return copy
    return cache.vouch_for(url, copy) if checker.why_no_picture(copy.path) is None else None


@dataclass
class _Job:
    """One address on its way.

    Attributes:
        url: As the person wrote it.
        copy: An older copy, used when no newer one can be fetched.
        addresses: The one to ask now, then those to ask when it is refused.
        tries: How many requests to the address to ask now have failed.
        redirects: How many were followed.
    """

    url: str
    copy: Copy | None
    addresses: list[str] = field(default_factory=list)
    tries: int = 0
    redirects: int = 0


class _Downloads:
    """The threads, the client and the queue of one call of `download`.

    Every request is one turn in the queue: a redirect, a fallback and a new try go through it again, so
    that each host's limit and wishes hold for all of them.
    """

    def __init__(self, jobs: list[_Job], cache: DownloadCache, max_bytes: int, checker: Checker) -> None:
        self._jobs = jobs
        self._cache = cache
        self._queue: HostQueue[_Job] = HostQueue(
            lambda host: CONNECTIONS_TO_WIKIMEDIA if host == _WIKIMEDIA else CONNECTIONS_PER_HOST
        )
        self._fetcher = Fetcher(cache, max_bytes, checker, lambda: self._queue.stopped)
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
            threading.Thread(target=self._work, name=THREAD_NAME, daemon=True) for _ in range(self._working)
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
            self._fetcher.close()
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
        try:
            copy = self._fetcher.fetch(job.url, job.addresses[0], job.copy, job.tries)
        except Moved as moved:
            self._follow(job, moved.address)
        except Later as later:
            self._wait(host, job, later)
        except Failed as failed:
            if isinstance(failed, Refused) and len(job.addresses) > 1:
                del job.addresses[0]
                job.tries = 0
                self._queue.put(host, job)
            else:
                self._fail(job, failed.reason)
        else:
            self._settled.put(Download(job.url, copy.path, None))

    def _follow(self, job: _Job, address: str) -> None:
        job.redirects += 1
        if job.redirects > REDIRECTS:
            self._fail(job, "redirected too often")
        else:
            self._direct(job, address)

    def _wait(self, host: str, job: _Job, later: Later) -> None:
        """Put a job back for another try, unless there is an older copy or it was tried often enough."""
        if later.pause is not None and later.pause > http.LONGEST_WAIT:
            again = http.clock_time(time.time() + later.pause)
            self._closed_hosts[host] = f"the server asks to be left alone: try again after {again}"
        elif later.pause is not None:
            self._queue.pause(host, later.pause)
        job.tries += 1
        if job.copy or job.tries == TRIES or host in self._closed_hosts:
            self._fail(job, self._closed_hosts.get(host, later.reason))
        else:
            self._queue.put(host, job, http.backoff(job.tries - 1) if later.pause is None else 0.0)


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
