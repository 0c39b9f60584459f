"""What was found out before and need not be found out again: a small SQLite file in the cache folder.

Whatever is remembered can be made again, so nothing here ever fails: where the file can't be read or written,
nothing was remembered. A key names all that a fact depends on; a fact is anything that JSON can say. Each has
a checksum: one that was altered or lost bits is forgotten, before anything else is blamed for what it says.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import sqlite3
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from diptych.files import make_private_file, make_private_folder
from diptych.paths import cache_dir

NAME = "memory.sqlite"

_T = TypeVar("_T")

_PATIENCE = 2.0  # seconds that a writer waits for another process
_SETTLED_NS = 2_000_000_000
"""How long a file must have been left alone: one that is changed twice within a file system's tick looks the
same after the second change."""


def recall(keys: Iterable[str]) -> dict[str, Any]:
    """The facts that are remembered under these keys; a key without one is left out."""
    statement = "SELECT key, fact FROM fact WHERE key IN (SELECT value FROM json_each(?))"
    wanted = json.dumps(list(keys))
    rows = _try(lambda db: db.execute(statement, [wanted]).fetchall(), make=False)
    found = {key: _checked(key, row) for key, row in rows or ()}
    return {key: fact[0] for key, fact in found.items() if fact is not None}


def remember(facts: Mapping[str, Any]) -> None:
    """Keep facts under their keys, in place of what was there: all of them or, where that fails, none."""
    statement = "INSERT OR REPLACE INTO fact (key, fact) VALUES (?, ?)"
    rows = [(key, json.dumps([_checksum(key, fact), fact])) for key, fact in facts.items()]
    _try(lambda db: db.executemany(statement, rows), make=True)


def _checksum(key: str, fact: Any) -> int:
    return zlib.crc32(f"{key} {json.dumps(fact)}".encode())


def _checked(key: str, row: Any) -> tuple[Any] | None:
    """The fact in a row, by itself; None where it is not what was remembered."""
    try:
        expected, fact = json.loads(row)
    except (ValueError, TypeError, RecursionError):
        return None
    return (fact,) if expected == _checksum(key, fact) else None


def _try(work: Callable[[sqlite3.Connection], _T], *, make: bool) -> _T | None:
    """Do something with the file, which is made where asked for; None where that can't be done."""
    path = cache_dir() / NAME
    try:
        if not make and not path.exists():
            return None
        make_private_folder(path.parent)
        make_private_file(path)
        with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE)) as db, db:
            db.text_factory = lambda text: text.decode("utf-8", "replace")
            db.execute("PRAGMA synchronous = OFF")  # a power cut may cost what can be fetched or made again
            db.execute("CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, fact TEXT NOT NULL)")
            return work(db)
    except (OSError, UnicodeEncodeError):  # no folder
        return None
    except sqlite3.DatabaseError as error:
        passing = isinstance(error, sqlite3.OperationalError) and error.sqlite_errorname != "SQLITE_ERROR"
        if not passing:  # not read-only, full or locked, but no database of ours any more: a new one is next
            with contextlib.suppress(OSError):
                path.unlink()
        return None


class Mark(NamedTuple):
    """What tells whether a file is as it was.

    The time at which the system noted a change is part of it: no other bytes come there without moving it.
    """

    size: int
    modified: int
    noted: int
    inode: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Mark:
        """The mark of a file as it is now; raises `OSError` where there is none."""
        stat = os.stat(path)  # noqa: PTH116 (there may be a million)
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)

    @property
    def packed(self) -> bytes:
        """The mark in 32 bytes."""
        return _MARK.pack(self.size, self.modified, self.noted, self.inode % 2**64)


_MARK = struct.Struct("<QqqQ")
_NAME, _SHA256 = 16, 32
_ENTRY = _NAME + _MARK.size + _SHA256
"""What is remembered of a file, in bytes: a hash of its name, its mark, the hash of what is in it."""


class FileHashes:
    """The SHA-256 of files, in hexadecimal, remembered for as long as a file is as it was.

    There is one fact for each folder, however many files are in it. Folders and names are kept as hashes, so
    that the memory names nobody's files. Safe to use from several threads.

    Args:
        paths: The files that may be asked for.
    """

    def __init__(self, paths: Iterable[str | os.PathLike[str]]) -> None:
        folders = {os.path.split(path)[0] for path in paths}
        self._keys = {folder: _key(folder) for folder in folders}
        facts = recall(self._keys.values())
        self._known = {folder: _entries(facts.get(key)) for folder, key in self._keys.items()}
        self._fresh: set[str] = set()

    def get(self, path: str | os.PathLike[str], mark: Mark) -> str | None:
        """The hash of a file with this mark, where it is remembered."""
        folder, name = os.path.split(path)
        found = self._known[os.fspath(folder)].get(_name(name))
        return found[_MARK.size :].hex() if found and found.startswith(mark.packed) else None

    def put(self, path: str | os.PathLike[str], mark: Mark, found: str) -> None:
        """Note the hash of a file that had this mark before it was read, unless it is being written.

        Raises:
            OSError: The file is gone.
        """
        settled = time.time_ns() - max(mark.modified, mark.noted) > _SETTLED_NS
        if settled and Mark.of(path) == mark:
            folder, name = os.path.split(path)
            self._known[folder][_name(name)] = mark.packed + bytes.fromhex(found)
            self._fresh.add(folder)

    def of(self, path: Path) -> str:
        """The hash of a file, which is read where its hash is not remembered.

        Raises:
            OSError: It can't be read.
        """
        mark = Mark.of(path)
        found = self.get(path, mark)
        if found is None:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            self.put(path, mark, found)
        return found

    def keep(self) -> None:
        """Remember what was noted, and forget files that are gone from the folders where something was."""
        facts = {}
        for folder in self._fresh:
            with contextlib.suppress(OSError):
                there = map(_name, os.listdir(folder or os.curdir))  # noqa: PTH208
                known = self._known[folder]
                kept = (name + known[name] for name in there if name in known)
                facts[self._keys[folder]] = base64.b64encode(b"".join(kept)).decode()
        if facts:
            remember(facts)


def file_hashes(paths: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 of each file; one that is as it was when it was last read is not read again.

    Raises:
        OSError: A file can't be read.
    """
    several = list(paths)
    hashes = FileHashes(several)
    found = {path: hashes.of(path) for path in several}
    hashes.keep()
    return found


def _key(folder: str) -> str:
    name = os.path.abspath(folder).encode("utf-8", "surrogatepass")  # noqa: PTH100 (links are not followed)
    return f"folder {hashlib.sha256(name).hexdigest()}"


def _name(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_NAME).digest()


def _entries(fact: Any) -> dict[bytes, bytes]:
    """What is remembered of a folder's files, by the hashes of their names; nothing where it is damaged."""
    try:
        data = base64.b64decode(fact or "", validate=True)
    except (TypeError, ValueError):
        return {}
    starts = range(0, len(data) - _ENTRY + 1, _ENTRY)
    return {data[at : at + _NAME]: data[at + _NAME : at + _ENTRY] for at in starts}
