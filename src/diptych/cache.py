"""What was found out before and need not be found out again: a small SQLite file in the cache folder.

Whatever is remembered can be had anew, so nothing here ever fails: where the file can't be read or written,
nothing was remembered. A key names all that a fact depends on; a fact is anything that JSON can say.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

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
    return {key: json.loads(fact) for key, fact in rows or ()}


def remember(facts: Mapping[str, Any]) -> None:
    """Keep facts under their keys, in place of what was there: all of them or, where that fails, none."""
    statement = "INSERT OR REPLACE INTO fact (key, fact) VALUES (?, ?)"
    rows = [(key, json.dumps(fact)) for key, fact in facts.items()]
    _try(lambda db: db.executemany(statement, rows), make=True)


def _try(work: Callable[[sqlite3.Connection], _T], *, make: bool) -> _T | None:
    """Do something with the file, which is made where asked for; None where that can't be done."""
    path = cache_dir() / NAME
    try:
        if not make and not path.exists():
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE)) as db, db:
            db.execute("PRAGMA synchronous = OFF")  # a power cut may cost what can be had anew
            db.execute("CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, fact TEXT NOT NULL)")
            return work(db)
    except (sqlite3.OperationalError, OSError, UnicodeEncodeError):  # read-only, full, locked, no folder
        return None
    except sqlite3.DatabaseError:  # it is no database any more: the next one is a new one
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
    def of(cls, path: Path) -> Mark:
        """The mark of a file as it is now; raises `OSError` where there is none."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


class FileHashes:
    """The SHA-256 of files, in hexadecimal, remembered for as long as a file is as it was.

    A path is kept as its hash, so that the memory names nobody's files. Safe to use from several threads.

    Args:
        paths: The files that may be asked for.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._keys = {path: _key(path) for path in paths}
        self._known = recall(self._keys.values())
        self._fresh: dict[str, Any] = {}

    def get(self, path: Path, mark: Mark) -> str | None:
        """The hash of a file with this mark, where it is remembered."""
        marked, found = self._known.get(self._keys[path], (None, None))
        return found if marked == [*mark] else None

    def put(self, path: Path, mark: Mark, found: str) -> None:
        """Note the hash of a file that had this mark before it was read, unless it is being written.

        Raises:
            OSError: The file is gone.
        """
        settled = time.time_ns() - max(mark.modified, mark.noted) > _SETTLED_NS
        if settled and Mark.of(path) == mark:
            self._fresh[self._keys[path]] = [mark, found]

    def keep(self) -> None:
        """Remember what was noted."""
        if self._fresh:
            remember(self._fresh)


def file_hashes(paths: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 of each file; one that is as it was when it was last read is not read again.

    Raises:
        OSError: A file can't be read.
    """
    several = list(paths)
    hashes = FileHashes(several)
    found = {path: _hash(path, hashes) for path in several}
    hashes.keep()
    return found


def _hash(path: Path, hashes: FileHashes) -> str:
    mark = Mark.of(path)
    found = hashes.get(path, mark)
    if found is None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        hashes.put(path, mark, found)
    return found


def _key(path: Path) -> str:
    name = os.path.abspath(path).encode("utf-8", "surrogatepass")  # noqa: PTH100 (links are not followed)
    return f"file {hashlib.sha256(name).hexdigest()}"
