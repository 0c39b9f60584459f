"""Vectors and judgments, kept for good the moment they exist: one SQLite file.

A vector is filed under (embedder fingerprint, kind, item), where the item is the SHA-256 of a picture's bytes
or of a text's UTF-8, so it is found again whatever folder the picture is in. Whatever is put or added is
on disk before the call returns, all of it or nothing: a process killed at any moment loses nothing that was
put and leaves nothing half-written. Several processes may use one store. Pictures' names, texts and secrets
are not stored, but for this: a judgment is kept with its query's text and with who gave it.

A store that can't be written to is read. What costs nothing can be added to it until it is closed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shlex
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from itertools import compress
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from diptych.arguments import checked
from diptych.embedders.base import Vectors
from diptych.errors import DiptychError, DiptychWarning
from diptych.paths import store_path
from diptych.store.checksum import checksum
from diptych.store.database import Database
from diptych.store.judgment import Judgment
from diptych.store.kept import Flags, KeptFiles, KeptVectors
from diptych.store.turns import turn
from diptych.text import count, printable

Kind = Literal["image", "text"]

_ROOM = "room for vectors"
"""Stands in for an embedder while it is tried whether there is any."""
_SOUND = "CASE typeof(vector) WHEN 'blob' THEN is_sound(item, vector, checksum) ELSE 0 END"
"""Whether a row's vector is what was put."""

_AT_ONCE = 4_000  # items in one statement: SQLite takes 32,766, but what it finds is in memory twice


class Store:
    """An open store; safe to use from several threads.

    Args:
        path: The file, made where there is none; by default `diptych.paths.store_path()`.

    Raises:
        DiptychError: The file is locked, can't be opened, is not a Diptych store or is from a newer version.
    """

    @checked
    def __init__(self, path: Path | str | None = None) -> None:
        self.path = Path(path).expanduser() if path is not None else store_path()
        self._file = Database(self.path)
        self._kept = KeptFiles(self._file)
        self._unkept: dict[tuple[str, Kind], dict[str, bytes]] = {}
        self._said = False
        self._damaged: set[tuple[str, Kind, str]] = set()

    @property
    def read_only(self) -> bool:
        """Whether the file can't be written to."""
        return self._file.read_only

    def close(self) -> None:
        """Close the file; the store can't be used after."""
        self._file.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def known(self, fingerprint: str, kind: Kind, items: Sequence[str]) -> set[str]:
        """Which of these items have a vector of this embedder; warns of damaged ones, which are none.

        Those of a large collection that are kept ready were sound when read, and are not read again.
        """
        known: set[str] = set()
        damaged: set[str] = set()
        kept = self._kept.open(fingerprint, items) if kind == "image" else None
        if kept is not None and kept.have.all():
            return set(items)
        if kept is not None:
            known.update(compress(items, kept.have.tolist()))
            items = list(compress(items, (~kept.have).tolist()))
        for _, found in self._found(f"item, {_SOUND}", fingerprint, kind, items):
            for item, sound in found.items():
                (known if sound else damaged).add(item)
        if damaged:
            self._say_damaged({(fingerprint, kind, item) for item in damaged})
        return known

    def items(self, fingerprint: str, kind: Kind) -> list[str]:
        """All items that have a vector of this embedder."""
        statement = (
            "SELECT item FROM vector JOIN embedder ON embedder.id = vector.embedder"
            " WHERE fingerprint = ? AND kind = ? AND typeof(item) = 'blob'"
        )
        return [item.hex() for (item,) in self._file.rows(statement, [fingerprint, kind])]

    def get(self, fingerprint: str, kind: Kind, items: Sequence[str]) -> Vectors:
        """The vectors of these items, in their order.

        Returns:
            Shape (len(items), dimension), float32.

        Raises:
            KeyError: An item has no vector; ask `known` first.
            DiptychError: It had one when `known` was asked, which is damaged.
        """
        vectors = np.empty((0, 0), np.float32)
        found = 0
        for places, some in self.iter_stored(fingerprint, kind, items):
            if not found:
                vectors = np.empty((len(items), some.shape[1]), np.float32)
            vectors[places] = some
            found += len(places)
            del some
        if found < len(items):
            self._refuse_damaged(fingerprint, kind, items)
            raise KeyError(f"{len(items) - found} items have no vector")
        return vectors

    def iter_stored(
        self, fingerprint: str, kind: Kind, items: Sequence[str]
    ) -> Iterator[tuple[NDArray[np.intp], Vectors]]:
        """The vectors that there are of these items, some thousand at a time.

        Yields:
            Which items these are, by their places in `items`, and their vectors: shape (places, dimension),
            float32. Damaged ones are left out.

        Raises:
            DiptychError: They are of different lengths, as those of an older Diptych can be once damaged.
        """
        for start, found in self._found("item, vector", fingerprint, kind, items, _SOUND):
            some = enumerate(items[start : start + _AT_ONCE], start)
            there = {place: found[item] for place, item in some if item in found}
            if there:
                if len({len(vector) for vector in there.values()}) > 1:
                    raise DiptychError(
                        f"the store {self.path} is damaged: vectors of one model are of different lengths in"
                        " it; move it away, or choose another file with --store"
                    )
                rows = np.frombuffer(b"".join(there.values()), "<f4").reshape(len(there), -1)
                yield np.fromiter(there, np.intp), rows
                del rows
            del found, there  # before the next ones are read

    def _refuse_damaged(self, fingerprint: str, kind: Kind, items: Sequence[str]) -> None:
        """Raise where some items' vectors are damaged, which was not seen as long as they were kept ready."""
        damaged = sum(
            not sound
            for _, found in self._found(f"item, {_SOUND}", fingerprint, kind, items)
            for sound in found.values()
        )
        if damaged:
            self._kept.forget(fingerprint)
            raise DiptychError(
                f"the store {self.path} has {count(damaged, 'damaged vector')}, made anew when you run this"
                " again: is the disk failing?"
            )

    def altered(self, fingerprint: str) -> bytes | None:
        """A mark that is another one once any of an embedder's vectors of pictures is changed or removed."""
        return self._kept.altered(fingerprint)

    def kept(self, fingerprint: str, items: Sequence[str]) -> KeptVectors | None:
        """The unit vectors that are kept ready of a large collection's pictures, in their order; or None."""
        return self._kept.open(fingerprint, items)

    def keep(
        self, fingerprint: str, items: Sequence[str], have: Flags, units: Vectors, altered: bytes | None
    ) -> KeptVectors | None:
        """Keep unit vectors of a large collection's pictures ready for later; see `KeptFiles.keep`."""
        if self._unkept.get((fingerprint, "image")):  # nor are those that these were made from
            return None
        return self._kept.keep(fingerprint, items, have, units, altered)

    def put(
        self,
        fingerprint: str,
        kind: Kind,
        items: Sequence[str],
        vectors: Vectors,
        *,
        in_place_of: Set[str] = frozenset(),
    ) -> None:
        """File vectors for good, all or none; an item that is there already stays as it is, unless damaged.

        A read-only store has them until it is closed, and warns of that once.

        Args:
            fingerprint: `EmbedderInfo.fingerprint`.
            kind: What the items are.
            items: SHA-256 in hexadecimal, one for each row of `vectors`.
            vectors: Shape (len(items), dimension), float32.
            in_place_of: Items whose vectors are of no use: these are replaced.

        Raises:
            DiptychError: The disk is full, or the store is locked.
        """
        keys = [bytes.fromhex(item) for item in items]
        blobs = [np.ascontiguousarray(row, "<f4").tobytes() for row in vectors]
        sums = [checksum(key, blob) for key, blob in zip(keys, blobs, strict=True)]
        together = secrets.randbits(63)

        def insert(db: Connection) -> None:
            embedder = _embedder_id(db, fingerprint)
            db.executemany(
                "DELETE FROM vector"  # noqa: S608 (no input)
                f" WHERE embedder = ? AND kind = ? AND item = ? AND (? OR NOT {_SOUND})",
                [(embedder, kind, key, item in in_place_of) for key, item in zip(keys, items, strict=True)],
            )
            db.executemany(
                "INSERT OR IGNORE INTO vector (embedder, kind, item, vector, checksum, put)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [(embedder, kind, *row, together) for row in zip(keys, blobs, sums, strict=True)],
            )

        if self._file.read_only:
            self._say_unkept()
            here = self._unkept.setdefault((fingerprint, kind), {})
            for item, blob in zip(items, blobs, strict=True):
                here.setdefault(item, blob)
        else:
            self._file.write(insert)

    def add_judgments(self, judgments: Iterable[Judgment]) -> None:
        """File judgments for good, in one transaction, after those that are there.

        Raises:
            DiptychError: The disk is full, the store is read-only or locked, or a text is not valid Unicode.
        """
        rows = [(j.query, bytes.fromhex(j.image), j.grade, j.by, j.at, j.blind) for j in judgments]
        with self._file.transaction() as db:
            db.executemany(
                "INSERT INTO judgment (query, image, grade, judge, at, blind) VALUES (?, ?, ?, ?, ?, ?)", rows
            )
        self._file.settle()

    def judgments(self, queries: Iterable[str] | None = None) -> list[Judgment]:
        """Every judgment that was filed, in the order of filing; with `queries`, those about these."""
        statement, values = "SELECT id, query, image, grade, judge, at, blind FROM judgment", []
        if queries is not None:
            statement += " WHERE query IN (SELECT value FROM json_each(?))"
            values = [json.dumps(list(queries))]
        return [self._judgment(*row) for row in self._file.rows(f"{statement} ORDER BY id", values)]

    def newest_judgment(self) -> int:
        """The number of the judgment that was filed last, by whatever process; 0 before the first."""
        ((newest,),) = self._file.rows("SELECT coalesce(max(id), 0) FROM judgment")
        return int(newest)

    def _judgment(self, number: int, *row: Any) -> Judgment:
        """A judgment as it is filed, under its number."""
        try:
            return _as_judgment(*row)
        except (DiptychError, TypeError) as error:
            take_out = f"DELETE FROM judgment WHERE id = {number}"  # noqa: S608 (shown, not run)
            raise DiptychError(
                f"the store {self.path} holds a judgment that is damaged ({error}):"
                f" `sqlite3 {shlex.quote(str(self.path))} '{take_out}'` takes it out"
            ) from error

    @contextmanager
    def turn(
        self, fingerprint: str, who: str, *, free: bool = False, pause: Callable[[float], None] = time.sleep
    ) -> Iterator[None]:
        """Let one process at a time embed with an embedder into this store: two would both pay.

        Where another one is at it, warns of the wait; when the turn comes, ask `known` again.

        Args:
            fingerprint: Of the embedder.
            who: Its name, for the warning.
            free: Whether it costs nothing: then it may embed into a store that can't keep it.
            pause: Waits so many seconds; what it raises ends the wait for the turn.

        Raises:
            DiptychError: The store is read-only, and what is embedded would have to be paid for again.
        """
        if self._file.read_only:
            if not free:
                raise DiptychError(
                    f"{who} would be paid for what the store {self.path} can't keep, as it is read-only: make"
                    " it writable, or choose another file with --store"
                )
            self._say_unkept()
            yield
            return
        self._file.check_there()
        mark = hashlib.sha256(fingerprint.encode()).hexdigest()[:12]
        with ExitStack() as stack:
            with self._file.plain_errors():
                stack.enter_context(
                    turn(
                        self.path.with_name(f"{self.path.name}-{mark}.lock"),
                        waits=lambda: warnings.warn(
                            f"another run is embedding with {who} into this store: waiting for it",
                            DiptychWarning,
                            stacklevel=7,
                        ),
                        pause=pause,
                    )
                )
            try:
                yield
            finally:
                self._file.settle()

    def prove_room(self, size: int) -> None:
        """Make sure that so much can be written: it is, and the room is left to what comes next.

        Args:
            size: Bytes.

        Raises:
            DiptychError: The disk is full, or the store is read-only, locked or damaged.
        """
        with self._file.transaction() as db:
            room = _embedder_id(db, _ROOM)
            db.execute(
                "INSERT OR REPLACE INTO vector (embedder, kind, item, vector)"
                " VALUES (?, 'image', zeroblob(32), zeroblob(?))",
                (room, size),
            )
        with self._file.transaction() as db:
            db.execute("DELETE FROM vector WHERE embedder = ?", (room,))
            db.execute("DELETE FROM embedder WHERE id = ?", (room,))

    def complaints(self, fingerprint: str) -> list[str] | None:
        """What was wrong with an embedder when it was tried out, or None where it never was."""
        rows = self._file.rows("SELECT complaints FROM embedder WHERE fingerprint = ?", [fingerprint])
        try:
            return msgspec.json.decode(rows[0][0], type=list[str]) if rows and rows[0][0] else None
        except (msgspec.DecodeError, TypeError):  # damaged: it is tried out again
            return None

    def put_complaints(self, fingerprint: str, complaints: Sequence[str]) -> None:
        """Remember how an embedder did when it was tried out; nothing is wrong where there are none."""
        if self._file.read_only:
            self._say_unkept()
            return
        with self._file.transaction() as db:
            db.execute(
                "UPDATE embedder SET complaints = ? WHERE id = ?",
                (json.dumps(list(complaints)), _embedder_id(db, fingerprint)),
            )
        self._file.settle()

    def add_pace(self, fingerprint: str, images: int, seconds: float) -> None:
        """Remember how long it took to embed some images, for later estimates."""
        if self._file.read_only:
            return
        with self._file.transaction() as db:
            db.execute(
                "UPDATE embedder SET images = images + ?, seconds = seconds + ? WHERE id = ?",
                (images, seconds, _embedder_id(db, fingerprint)),
            )

    def pace(self, fingerprint: str) -> float | None:
        """Seconds an image took on average on this machine, or None where none was embedded yet."""
        rows = self._file.rows(
            "SELECT seconds / images FROM embedder WHERE fingerprint = ? AND images > 0", [fingerprint]
        )
        return float(rows[0][0]) if rows and rows[0][0] is not None else None

    def _found(
        self, columns: str, fingerprint: str, kind: Kind, items: Sequence[str], such: str = "1"
    ) -> Iterator[tuple[int, dict[str, bytes]]]:
        """What there is of the items, some of them at a time; with the place of the first of these."""
        for start in range(0, len(items), _AT_ONCE):
            some = [bytes.fromhex(item) for item in items[start : start + _AT_ONCE]]
            statement = (
                f"SELECT {columns} FROM vector JOIN embedder ON embedder.id = vector.embedder"  # noqa: S608 (no input)
                f" WHERE fingerprint = ? AND kind = ? AND item IN ({','.join('?' * len(some))}) AND {such}"
            )
            rows = self._file.rows(statement, [fingerprint, kind, *some])
            here = self._unkept.get((fingerprint, kind), {})
            unkept = (
                {item: here[item] for item in items[start : start + _AT_ONCE] if item in here} if here else {}
            )
            yield start, unkept | {item.hex(): value for item, value in rows}

    def _say_damaged(self, damaged: set[tuple[str, Kind, str]]) -> None:
        """Warn of damaged vectors, of each once."""
        if new := damaged - self._damaged:
            self._damaged |= new
            warnings.warn(
                f"the store {self.path} has {count(len(new), 'damaged vector')}, made anew where needed:"
                " is the disk failing?",
                DiptychWarning,
                stacklevel=4,
            )

    def _say_unkept(self) -> None:
        if not self._said:
            self._said = True
            warnings.warn(
                f"the store {self.path} is read-only: what is found out now is not kept",
                DiptychWarning,
                stacklevel=5,
            )


def _as_judgment(query: Any, image: Any, grade: Any, by: Any, at: Any, blind: Any) -> Judgment:
    """A row as a judgment; raises `TypeError` or `DiptychError` where it is none."""
    for value, kind in ((query, str), (image, bytes), (by, str), (at, str), (blind, int)):
        if not isinstance(value, kind):
            raise TypeError(f"{printable(repr(value))[:40]} is no {kind.__name__}")
    return Judgment(query=query, image=image.hex(), grade=grade, by=by, at=at, blind=bool(blind))


def _embedder_id(db: Connection, fingerprint: str) -> int:
    db.execute("INSERT OR IGNORE INTO embedder (fingerprint) VALUES (?)", (fingerprint,))
    row = db.execute("SELECT id FROM embedder WHERE fingerprint = ?", (fingerprint,)).fetchone()
    return int(row[0])
