"""Vectors, kept for good the moment they exist: one SQLite file.

A vector is filed under (embedder fingerprint, kind, item), where the item is the SHA-256 of a picture's bytes
or of a text's UTF-8, so it is found again whatever folder the picture is in. Every `put` is one transaction,
on disk before it returns: a process killed at any moment loses nothing that was put and leaves nothing
half-written. Several processes may use one store. Texts, names and secrets are not stored.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import filelock
import numpy as np

from diptych.embedders.base import Vectors
from diptych.errors import DiptychError, DiptychWarning
from diptych.paths import store_path

Kind = Literal["image", "text"]

APPLICATION_ID = 0x44505459  # "DPTY": tells our files from other SQLite files
VERSION = 1
LOCK_TIMEOUT = 10.0  # seconds that a writer waits for another process
_MANY = 30_000  # host parameters in one statement; SQLite's limit is 32,766

_SCHEMA = """
CREATE TABLE embedder (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    images INTEGER NOT NULL DEFAULT 0,  -- embedded here so far, and how long that took: its pace
    seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE vector (
    embedder INTEGER NOT NULL REFERENCES embedder (id),
    kind TEXT NOT NULL CHECK (kind IN ('image', 'text')),
    item BLOB NOT NULL,  -- SHA-256
    vector BLOB NOT NULL,  -- float32, little-endian, as the model returned it
    UNIQUE (embedder, kind, item)
);
"""


class Store:
    """An open store; safe to use from several threads.

    Args:
        path: The file, made where there is none; by default `diptych.paths.store_path()`.

    Raises:
        DiptychError: The file is locked, can't be opened, is not a Diptych store or is from a newer version.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = Path(path).expanduser() if path is not None else store_path()
        self._lock = threading.Lock()
        with self._plain_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                self.path, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False
            )
            # Closing merges the write-ahead log into the file; at the latest when the process ends.
            self._close = weakref.finalize(self, self._db.close)
            try:
                self._prepare()
            except BaseException:
                self._close()
                raise

    def close(self) -> None:
        """Close the file; the store can't be used after."""
        with self._lock:
            self._close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def known(self, fingerprint: str, kind: Kind, items: Sequence[str]) -> set[str]:
        """Which of these items have a vector of this embedder."""
        return {item for item, _ in self._rows("item, NULL", fingerprint, kind, items)}

    def get(self, fingerprint: str, kind: Kind, items: Sequence[str]) -> Vectors:
        """The vectors of these items, in their order.

        Returns:
            Shape (len(items), dimension), float32.

        Raises:
            KeyError: An item has no vector; ask `known` first.
        """
        found = dict(self._rows("item, vector", fingerprint, kind, items))
        if not items:
            return np.empty((0, 0), np.float32)
        vectors = np.empty((len(items), len(found[items[0]]) // 4), np.float32)
        for row, item in enumerate(items):
            vectors[row] = np.frombuffer(found[item], "<f4")
        return vectors

    def put(self, fingerprint: str, kind: Kind, items: Sequence[str], vectors: Vectors) -> None:
        """File vectors for good, in one transaction; an item that is there already stays as it is.

        Args:
            fingerprint: `EmbedderInfo.fingerprint`.
            kind: What the items are.
            items: SHA-256 in hexadecimal, one for each row of `vectors`.
            vectors: Shape (len(items), dimension), float32.

        Raises:
            DiptychError: The disk is full, or the store is read-only or locked.
        """
        with self._transaction():
            embedder = self._embedder_id(fingerprint)
            self._db.executemany(
                "INSERT OR IGNORE INTO vector (embedder, kind, item, vector) VALUES (?, ?, ?, ?)",
                [
                    (embedder, kind, bytes.fromhex(item), np.ascontiguousarray(row, "<f4").tobytes())
                    for item, row in zip(items, vectors, strict=True)
                ],
            )

    @contextmanager
    def turn(self, fingerprint: str, who: str) -> Iterator[None]:
        """Let one process at a time embed with an embedder into this store: two would both pay.

        Where another one is at it, warns of the wait; when the turn comes, ask `known` again.

        Args:
            fingerprint: Of the embedder.
            who: Its name, for the warning.
        """
        mark = hashlib.sha256(fingerprint.encode()).hexdigest()[:12]
        lock = filelock.FileLock(self.path.with_name(f"{self.path.name}-{mark}.lock"))
        with self._plain_errors():
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                warnings.warn(
                    f"another run is embedding with {who} into this store: waiting for it",
                    DiptychWarning,
                    stacklevel=4,
                )
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def add_pace(self, fingerprint: str, images: int, seconds: float) -> None:
        """Remember how long it took to embed some images, for later estimates."""
        with self._transaction():
            self._db.execute(
                "UPDATE embedder SET images = images + ?, seconds = seconds + ? WHERE id = ?",
                (images, seconds, self._embedder_id(fingerprint)),
            )

    def pace(self, fingerprint: str) -> float | None:
        """Seconds an image took on average on this machine, or None where none was embedded yet."""
        with self._lock, self._plain_errors():
            row = self._db.execute(
                "SELECT seconds / images FROM embedder WHERE fingerprint = ? AND images > 0", (fingerprint,)
            ).fetchone()
        return None if row is None else float(row[0])

    def _prepare(self) -> None:
        """Check that the file is ours, and make the tables in a new one."""
        if self._pragma("user_version") == 0 and self._is_blank():
            if self._pragma("journal_mode") != "wal":
                self._db.execute("PRAGMA journal_mode = WAL")
            with self._transaction():
                if self._is_blank():  # still: another process may have been first
                    for statement in _SCHEMA.split(";\n"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    self._db.execute(f"PRAGMA user_version = {VERSION}")
        if self._pragma("application_id") != APPLICATION_ID:
            raise DiptychError(f"{self.path} is not a Diptych store: choose another file with --store")
        version = self._pragma("user_version")
        if version != VERSION:
            raise DiptychError(
                f"the store {self.path} is from a newer Diptych (format {version}, this one knows {VERSION}):"
                " upgrade Diptych or choose another file with --store"
            )
        self._db.execute("PRAGMA synchronous = FULL")  # what was paid for survives a power cut too

    def _is_blank(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def _pragma(self, name: str) -> int | str:
        value: int | str = self._db.execute(f"PRAGMA {name}").fetchone()[0]
        return value

    def _embedder_id(self, fingerprint: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO embedder (fingerprint) VALUES (?)", (fingerprint,))
        row = self._db.execute("SELECT id FROM embedder WHERE fingerprint = ?", (fingerprint,)).fetchone()
        return int(row[0])

    def _rows(
        self, columns: str, fingerprint: str, kind: Kind, items: Sequence[str]
    ) -> Iterator[tuple[str, bytes]]:
        for start in range(0, len(items), _MANY):
            some = [bytes.fromhex(item) for item in items[start : start + _MANY]]
            statement = (
                f"SELECT {columns} FROM vector JOIN embedder ON embedder.id = vector.embedder"  # noqa: S608 (no input)
                f" WHERE fingerprint = ? AND kind = ? AND item IN ({','.join('?' * len(some))})"
            )
            with self._lock, self._plain_errors():
                rows = self._db.execute(statement, [fingerprint, kind, *some]).fetchall()
            for item, value in rows:
                yield item.hex(), value

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._plain_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Say what SQLite or the file system refused, in words."""
        try:
            yield
        except OSError as error:
            raise DiptychError(
                f"can't make the store {self.path}: {error.strerror}; choose one with --store"
            ) from error
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            for code, words in _REFUSALS.items():
                if name.startswith(code):
                    raise DiptychError(f"the store {self.path} {words}") from error
            raise DiptychError(f"the store {self.path} can't be used: {error}") from error


_REFUSALS = {
    "SQLITE_BUSY": "is locked by another program: wait for it to end, or choose another file with --store",
    "SQLITE_LOCKED": "is locked by another program: wait for it to end, or choose another file with --store",
    "SQLITE_READONLY": "is read-only: make it writable, or choose another file with --store",
    "SQLITE_FULL": "can't grow, the disk is full: make room and run again, nothing stored is lost",
    "SQLITE_CANTOPEN": "can't be opened: check its folder, or choose another file with --store",
    "SQLITE_NOTADB": "is not a Diptych store: choose another file with --store",
    "SQLITE_CORRUPT": "is damaged: move it away, or choose another file with --store",
    "SQLITE_IOERR": "can't be read or written: is the disk full? Make room or check it, then run again",
}
