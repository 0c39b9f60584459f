"""The store's SQLite file: made, checked, brought up to date; what goes wrong with it said in words."""

from __future__ import annotations

import os
import shlex
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diptych.errors import DiptychError
from diptych.files import make_private_file, make_private_folder
from diptych.store.checksum import is_sound
from diptych.text import printable

APPLICATION_ID = 0x44505459  # "DPTY": tells our files from other SQLite files
LOCK_TIMEOUT = 10.0  # seconds that a writer waits for another process
_LOOK_EVERY = 0.01

_FORMATS = (
    """
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
""",
    """
CREATE TABLE judgment (  -- rows are only ever added
    id INTEGER PRIMARY KEY,  -- ascending: the order in which they were given
    query TEXT NOT NULL,
    image BLOB NOT NULL,  -- SHA-256
    grade INTEGER,  -- NULL takes back the last word of the same person on the same pair
    judge TEXT NOT NULL,
    at TEXT NOT NULL,
    blind INTEGER NOT NULL
);
CREATE INDEX judgment_query ON judgment (query);
""",
    """
ALTER TABLE embedder ADD COLUMN complaints TEXT;  -- JSON list: what was wrong when it was tried out; or NULL
""",
    """
ALTER TABLE vector ADD COLUMN checksum INTEGER;  -- see checksum.py; NULL where put before there were any
""",
    """
-- By these a copy of pictures' vectors (kept.py) is known to be as the store is. Random: another one once a
-- vector was changed, is gone or came without `put`.
ALTER TABLE embedder ADD COLUMN altered BLOB;
-- Random: the same for all vectors that were put at once.
ALTER TABLE vector ADD COLUMN put INTEGER;
UPDATE embedder SET altered = randomblob(16);
CREATE TRIGGER vector_changed AFTER UPDATE ON vector WHEN 'image' IN (OLD.kind, NEW.kind) BEGIN
    UPDATE embedder SET altered = randomblob(16) WHERE id IN (OLD.embedder, NEW.embedder); END;
CREATE TRIGGER vector_gone AFTER DELETE ON vector WHEN OLD.kind = 'image' BEGIN
    UPDATE embedder SET altered = randomblob(16) WHERE id = OLD.embedder; END;
CREATE TRIGGER vector_in_place BEFORE INSERT ON vector WHEN NEW.kind = 'image' AND (NEW.put IS NULL OR EXISTS
    (SELECT 1 FROM vector WHERE embedder = NEW.embedder AND kind = NEW.kind AND item = NEW.item)) BEGIN
    UPDATE embedder SET altered = randomblob(16) WHERE id = NEW.embedder; END;
""",
)
"""What each format of the file adds to the one before; each statement ends a line, and what is in it none."""

VERSION = len(_FORMATS)
_READABLE = 4
"""The oldest format that is read as it is where the file can't be written to."""


@dataclass(eq=False)
class _Write:
    """Something that a thread wants written, and what became of it."""

    work: Callable[[sqlite3.Connection], None]
    done: bool = False
    error: Exception | None = None


class Database:
    """An open file; safe to use from several threads and processes.

    Args:
        path: The file, made where there is none.

    Attributes:
        path: As given.
        read_only: Whether it, its folder or its disk can't be written to: then it is open for reading.
        is_up_to_date: Whether it has all that this version knows; one that is read-only may not.

    Raises:
        DiptychError: It is locked, can't be opened, is not a Diptych store or is from a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_only = False
        self.is_up_to_date = False
        self._lock = threading.Lock()
        self._waiting: list[_Write] = []
        self._writing = threading.Lock()
        with self.plain_errors():
            make_private_folder(path.parent)
            make_private_file(path)  # SQLite gives its log the same permissions
            self.read_only = not os.access(path, os.W_OK)
            try:
                self._open("mode=ro" if self.read_only else "mode=rwc")
            except sqlite3.OperationalError as error:
                if not self._lacks_only_room_for_a_log(error):
                    raise
                self.read_only = True
                self._open("immutable=1")

    def _open(self, how: str) -> None:
        """Open the file as SQLite's address of it says, and make it ready."""
        self._db = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{how}",
            uri=True,
            timeout=LOCK_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
        )
        # Closing merges the write-ahead log into the file; at the latest when the process ends.
        self._close = weakref.finalize(self, self._db.close)
        self._db.text_factory = lambda text: text.decode("utf-8", "replace")
        self._db.create_function("is_sound", 3, is_sound, deterministic=True)
        self._opened = self.path.stat()
        try:
            self._prepare()
        except BaseException:
            self._close()
            raise

    def _lacks_only_room_for_a_log(self, error: sqlite3.OperationalError) -> bool:
        """Whether the file was refused only because SQLite can't make its log beside it.

        Where there is no log, nobody has the file open for writing, and all that was written is in it: it can
        be read as one that does not change.
        """
        refused = error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))
        log = self.path.with_name(f"{self.path.name}-wal")
        return refused and self.path.is_file() and not log.exists()

    def close(self) -> None:
        """Close the file; it can't be used after."""
        with self._lock:
            self._close()

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        """What a query finds.

        Raises:
            DiptychError: The file can't be read.
        """
        with self._lock, self.plain_errors():
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written within is on disk after, or, where it raises, none of it.

        Raises:
            DiptychError: The disk is full, or the file is read-only or locked.
        """
        with self._lock, self.plain_errors():
            self.check_there()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def write(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do this in a transaction that it may share with other threads' work; it is on disk after.

        Each transaction waits for the disk. Of threads that come meanwhile, the first one writes for all.

        Args:
            work: What is written; it may be done twice.

        Raises:
            DiptychError: The disk is full, or the file is read-only or locked; nothing of this is written.
        """
        mine = _Write(work)
        self._waiting.append(mine)
        with self._writing:
            if not mine.done:
                self._write_all()
        if mine.error is not None:
            raise mine.error

    def settle(self) -> None:
        """Have all that was written in the file itself, so that a copy of it is complete.

        Until then it may be in the log beside it, as safe. What another process still reads stays there until
        the next time.

        Raises:
            DiptychError: The file is gone, and what was written with it.
        """
        self.check_there()
        with self._lock, suppress(sqlite3.Error):  # it is on disk, and done at the latest when this is closed
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def check_there(self) -> None:
        """Refuse to write into a file that has no name any more: SQLite does not notice that it is gone."""
        try:
            there = os.path.samestat(self.path.stat(), self._opened)
        except OSError:
            there = False
        if not there:
            raise DiptychError(
                f"the store {self.path} is gone: it was deleted, moved or replaced while it was in use, and"
                " what is embedded can't be kept; put it back, or run again to begin a new one"
            )

    def _write_all(self) -> None:
        some: list[_Write] = []
        error: Exception | None = None
        try:
            with self.transaction() as db:
                some = self._waiting[:]
                for each in some:
                    each.work(db)
        except Exception as refused:  # noqa: BLE001 (each thread raises it whose work is not written)
            some, error = some or self._waiting[:], refused
        for each in some:
            each.done, each.error = True, error
        del self._waiting[: len(some)]

    @contextmanager
    def plain_errors(self) -> Iterator[None]:
        """Say what SQLite or the file system refused, in words."""
        try:
            yield
        except OSError as error:
            raise DiptychError(
                f"can't make the store {self.path}: {error.strerror}; choose one with --store"
            ) from error
        except UnicodeEncodeError as error:
            raise DiptychError(f"this is not valid Unicode text: {printable(error.object)}") from error
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            for code, words in _REFUSALS.items():
                if name.startswith(code):
                    raise DiptychError(f"the store {self.path} {words}") from error
            recovery = f"`sqlite3 {shlex.quote(str(self.path))} .recover | sqlite3 recovered.sqlite`"
            raise DiptychError(
                f"the store {self.path} is damaged ({printable(str(error))}): {recovery} saves what is whole,"
                " for --store recovered.sqlite; or move it away"
            ) from error

    def _prepare(self) -> None:
        """Check that the file is ours; make the tables in a new one, and those that an older one lacks."""
        if self._version() == 0 and self._is_blank():
            self._write_a_log()
            with self.transaction():
                if self._is_blank():  # still: another process may have been first
                    self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    self._bring_up_to_date()
        if self._pragma("application_id") != APPLICATION_ID:
            raise DiptychError(f"{self.path} is not a Diptych store: choose another file with --store")
        if self._version() < (_READABLE if self.read_only else VERSION):
            with self.transaction():
                self._bring_up_to_date()
        self.settle()
        if self._version() > VERSION:
            raise DiptychError(
                f"the store {self.path} is from a newer Diptych (format {self._version()}, this one knows"
                f" {VERSION}): upgrade Diptych or choose another file with --store"
            )
        self.is_up_to_date = self._version() == VERSION
        self._db.execute("PRAGMA synchronous = FULL")  # what was paid for survives a power cut too

    def _write_a_log(self) -> None:
        """Have a new file written by way of a log, in turn: for this alone SQLite does not wait by itself."""
        until = time.monotonic() + LOCK_TIMEOUT
        while self._pragma("journal_mode") != "wal":
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(_LOOK_EVERY)

    def _bring_up_to_date(self) -> None:
        """Make what the file's format lacks; in one transaction, so that it is made once and whole."""
        have = self._version()
        for number, statements in enumerate(_FORMATS[have:], start=have + 1):
            for statement in statements.split(";\n"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {number}")

    def _version(self) -> int:
        return int(self._pragma("user_version"))

    def _is_blank(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def _pragma(self, name: str) -> int | str:
        value: int | str = self._db.execute(f"PRAGMA {name}").fetchone()[0]
        return value


_REFUSALS = {
    "SQLITE_BUSY": "is locked by another program: wait for it to end, or choose another file with --store",
    "SQLITE_LOCKED": "is locked by another program: wait for it to end, or choose another file with --store",
    "SQLITE_READONLY": "is read-only: make it writable, or choose another file with --store",
    "SQLITE_FULL": "can't grow, the disk is full: make room and run again, nothing stored is lost",
    "SQLITE_CANTOPEN": "can't be opened: check its folder, or choose another file with --store",
    "SQLITE_NOTADB": "is not a Diptych store: choose another file with --store",
    "SQLITE_IOERR": "can't be read or written: is the disk full? Make room or check it, then run again",
}
