"""What was downloaded, kept on disk by web address, and downloads that were broken off.

For each address: a body file, and a JSON sidecar that says where it came from and how to ask whether it is
still current. The sidecar is written last and names the body by its hash, so what it names is whole,
whatever was killed when. No password or token is written: files are named by a hash of the address, and
addresses are written without userinfo and query.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import filelock
import msgspec

from diptych.errors import DiptychError
from diptych.files import make_private_file, make_private_folder
from diptych.images.outputs import make_output_folder

FRESH = 24 * 60 * 60.0
"""Seconds for which a copy is used without asking the server."""


_Header = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]*$")]
"""What can be sent back to a server."""

_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Origin(msgspec.Struct):
    """Where a part comes from, and the mark by which the rest of it can be asked for."""

    url: str
    etag: _Header


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A whole file in the cache; all but `path` is in the sidecar.

    Attributes:
        path: The file.
        url: The address that was asked for, without secrets.
        final_url: The address that it came from in the end, without secrets.
        etag: The server's mark for this content, if it sent one.
        last_modified: The server's date for this content, if it sent one.
        content_type: What the server said it is, if it did.
        sha256: The hash of the file, in hexadecimal.
        bytes: The size of the file.
        fetched: When it came or was last found current, in seconds since 1970.
        decodes: Whether it was seen to be a picture; not so where an earlier version fetched it.
    """

    path: Path
    url: str
    final_url: str
    etag: _Header | None
    last_modified: _Header | None
    content_type: str | None
    sha256: _Sha256
    bytes: int
    fetched: float
    decodes: bool = False

    @property
    def fresh(self) -> bool:
        """Whether it may be used without asking the server."""
        return 0.0 <= time.time() - self.fetched < FRESH


class Part:
    """A download that is not whole yet: the bytes that came, and what is needed to ask for the rest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._origin = path.with_name(f"{path.name}.json")

    def resumable(self, url: str) -> tuple[int, str] | None:
        """How many bytes are there and their ETag, where the rest can be asked for at `url`."""
        try:
            origin = msgspec.json.decode(self._origin.read_bytes(), type=_Origin)
            size = self.path.stat().st_size
        except (OSError, ValueError, RecursionError):  # not there, or damaged
            return None
        return (size, origin.etag) if size and origin.url == _without_secrets(url) else None

    def restart(self, url: str, etag: str | None) -> None:
        """Empty it for a download from `url`, which a strong `etag` makes resumable."""
        with _writing(self.path.parent):
            self._origin.unlink(missing_ok=True)  # first, as it must never describe other bytes than these
            make_private_file(self.path)
            self.path.write_bytes(b"")
            if etag:
                _write_json(self._origin, {"url": _without_secrets(url), "etag": etag})

    def append(self, chunk: bytes) -> None:
        """Add bytes; from then on they outlive the process."""
        with _writing(self.path.parent), self.path.open("ab") as file:
            file.write(chunk)

    def first_bytes(self) -> bytes:
        """The first bytes, by which content is known."""
        with _writing(self.path.parent), self.path.open("rb") as file:
            return file.read(64)

    def discard(self) -> None:
        """Remove it."""
        with _writing(self.path.parent):
            self._origin.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)


class DownloadCache:
    """Downloads in one folder, which several processes may use.

    One process at a time owns the parts that were left behind and goes on with them. Another one that
    downloads meanwhile gathers its parts under names of its own, which are gone when it is done.

    Args:
        folder: The folder; made by `claim`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = filelock.FileLock(folder / "lock", timeout=0, mode=0o600, thread_local=False)
        self._own_name: str | None = None
        self._own_parts: list[Part] = []

    def find(self, url: str) -> Copy | None:
        """The whole copy of what `url` gave, fresh or not, or None."""
        try:
            record = json.loads(self._sidecar(url).read_bytes())
            path = self._body(url, record["sha256"])
            copy = msgspec.convert({**record, "path": path}, Copy)
            whole = copy.path.stat().st_size == copy.bytes
        except (OSError, ValueError, KeyError, TypeError, RecursionError):  # not there, or damaged
            return None
        return copy if whole and copy.url == _without_secrets(url) else None

    def claim(self) -> None:
        """Make ready for writing."""
        with _writing(self._folder):
            make_private_folder(self._folder)
            make_output_folder(self._folder)
            try:
                self._lock.acquire()
                self._own_name = None
            except filelock.Timeout:
                self._own_name = uuid.uuid4().hex

    def release(self) -> None:
        """End what `claim` began."""
        for part in self._own_parts:
            part.discard()
        self._lock.release()

    def part(self, url: str) -> Part:
        """Where what comes from `url` gathers until it is whole; only after `claim`."""
        if self._own_name is None:
            return Part(self._folder / f"{_key(url)}.part")
        part = Part(self._folder / f"{_key(url)}.{self._own_name}.part")
        self._own_parts.append(part)
        return part

    def keep(self, url: str, part: Part, final_url: str, headers: Mapping[str, str]) -> Copy:
        """Make a whole `part`, which is a picture, the copy of `url`, in place of an older one.

        Args:
            url: The address as the person wrote it.
            part: What came.
            final_url: The address that it came from in the end.
            headers: The headers that it came with.
        """
        older = self.find(url)
        with _writing(self._folder):
            with part.path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            copy = Copy(
                path=part.path.replace(self._body(url, sha256)),
                url=_without_secrets(url),
                final_url=_without_secrets(final_url),
                etag=headers.get("etag"),
                last_modified=headers.get("last-modified"),
                content_type=headers.get("content-type"),
                sha256=sha256,
                bytes=self._body(url, sha256).stat().st_size,
                fetched=time.time(),
                decodes=True,
            )
            self._write_sidecar(url, copy)
            if older and older.path != copy.path:
                older.path.unlink(missing_ok=True)
        part.discard()
        return copy

    def refresh(self, url: str, copy: Copy) -> Copy:
        """Note that the server has just called `copy` current."""
        current = dataclasses.replace(copy, fetched=time.time())
        with _writing(self._folder):
            self._write_sidecar(url, current)
        return current

    def vouch_for(self, url: str, copy: Copy) -> Copy:
        """Note that `copy` was seen to be a picture; where the cache can't be written, it is not noted."""
        seen = dataclasses.replace(copy, decodes=True)
        with contextlib.suppress(OSError):
            self._write_sidecar(url, seen)
        return seen

    def _sidecar(self, url: str) -> Path:
        return self._folder / f"{_key(url)}.json"

    def _body(self, url: str, sha256: str) -> Path:
        return self._folder / f"{_key(url)}-{sha256[:16]}"

    def _write_sidecar(self, url: str, copy: Copy) -> None:
        record = dataclasses.asdict(copy)
        del record["path"]
        _write_json(self._sidecar(url), record)


def _key(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="..." if parts.query else "", fragment="").geturl()


def _write_json(path: Path, record: dict[str, Any]) -> None:
    """Write at once or not at all."""
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        make_private_file(unfinished)
        unfinished.write_text(json.dumps(record, indent=1), encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise DiptychError(
            f"can't write to the download cache {folder}: {why}; "
            "make room, or set DIPTYCH_CACHE to another folder"
        ) from error
