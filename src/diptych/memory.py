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
from typing import Any, TypeVar

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
    rows = _try(lambda db: db.execute(statement, [wanted]).fetchall())
    return {key: json.loads(fact) for key, fact in rows or ()}


def remember(facts: Mapping[str, Any]) -> None:
    """Keep facts under their keys, in place of what was there: all of them or, where that fails, none."""
    statement = "INSERT OR REPLACE INTO fact (key, fact) VALUES (?, ?)"
    rows = [(key, json.dumps(fact)) for key, fact in facts.items()]
    _try(lambda db: db.executemany(statement, rows))


def _try(work: Callable[[sqlite3.Connection], _T]) -> _T | None:
    """Do something with the file, in one transaction; None where that can't be done."""
    path = cache_dir() / NAME
    try:
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


def file_hashes(paths: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 of each file's bytes, in hexadecimal; one that is as it was is not read again.

    As it was means: at the same path with the same size, times of change and inode. The time at which the
    system noted a change (`ctime`) is among them: other bytes can't be put there without moving it.

    Raises:
        OSError: A file can't be read.
    """
    wanted = {path: f"sha256 of {os.path.abspath(path)}" for path in paths}  # noqa: PTH100 (links are not followed)
    known = recall(wanted.values())
    hashes, fresh = {}, {}
    for path, key in wanted.items():
        mark = _mark(path.stat())
        had = known.get(key)
        if had is not None and had[0] == mark:
            hashes[path] = str(had[1])
            continue
        start = time.time_ns()
        with path.open("rb") as file:
            hashes[path] = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
        if _mark(after) == mark and max(after.st_mtime_ns, after.st_ctime_ns) < start - _SETTLED_NS:
            fresh[key] = [mark, hashes[path]]
    if fresh:
        remember(fresh)
    return hashes


def _mark(stat: os.stat_result) -> list[int]:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
