"""Unit vectors of large collections, kept ready to be searched: files beside the store, mapped into memory.

The store is where vectors are safe; reading a million of them from there takes many seconds. So what an
index made of them is kept in the cache, for each embedder and collection: one matrix, its rows in the order
of the collection's pictures, in a file of its own. Opening it copies nothing, and processes share its pages.

A file is never changed. It is made anew where the collection is another one or many vectors are new, from the
one before it as far as that goes, under another name, and renamed once it is complete. It is not synced: each
time it is opened every byte is checked, so that what a power cut or a disk has spoiled is not used.

It is used only while it is a copy of what the store has (`StoredMoment`). Nothing here ever fails: a file
that can't be read, is damaged or is not of this store is not there, and what can't be written is read from
the store again.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import shutil
import threading
import time
import warnings
import weakref
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from diptych.embedders.base import Vectors
from diptych.errors import DiptychWarning
from diptych.files import make_private_file, make_private_folder
from diptych.paths import cache_dir
from diptych.store.database import Database
from diptych.store.turns import turn

FEWEST = 3_000
"""So many vectors take some 50 ms to be read from the store and checked: a file for fewer is not worth it."""

FOLDER = "vectors"
"""Where the files are, inside the cache's folder."""

_MAGIC = b"diptych vectors 1\n"
_PAGE = 4096
"""The header's size, and how many bytes of the matrix have a sum of their own."""

_AT_ONCE = 4096
"""Rows that are copied at once."""

_ABANDONED = 24 * 60 * 60.0
"""Seconds after which nobody is writing a file any more that was not completed."""

Flags = NDArray[np.bool_]


class StoredMoment(NamedTuple):
    """What an embedder's vectors of pictures were at one moment, as the store can still tell later.

    Vectors only come in, each in a row after those before it, or `altered` is another one. So what was read
    at a moment is in a store for good where that has the same `altered` and, in the newest row, the same
    random number. Another store, or the same that went another way from an earlier copy on, has not.

    Attributes:
        altered: Random, renewed whenever a vector was changed, replaced or removed.
        newest: The row that came last.
        put: The random number of those that came with it; None for rows of an older Diptych.
    """

    altered: bytes | None
    newest: int
    put: int | None


class _KeptHeader(msgspec.Struct, frozen=True):
    """What a file says of itself.

    Attributes:
        store: The store's file.
        fingerprint: Of the embedder.
        collection: The hash of the pictures' ids, in their order.
        rows: How many pictures the collection has.
        dimension: Numbers per vector.
        moment: What the store had.
        checks: The CRC-32 of what tells which rows are there, and of the sums.
        ids: The CRC-32 of the pictures' ids.
    """

    store: str
    fingerprint: str
    collection: str
    rows: int
    dimension: int
    moment: StoredMoment
    checks: int
    ids: int

    @property
    def pages(self) -> int:
        """How many pages the matrix takes."""
        return -(-self.rows * self.dimension * 4 // _PAGE)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Bytes of the matrix, of the sums, of the flags and of the ids, which follow the header."""
        return self.pages * _PAGE, self.pages * 8, self.rows, self.rows * 32


class KeptVectors:
    """What is kept ready of a collection's pictures: an open file.

    Args:
        file: The file, complete and of this store.
        header: What it says of itself.
        collection: The hash of the pictures' ids.
        ids: The pictures' ids.

    Attributes:
        header: As given.
        have: Which pictures' vectors are there; shape (n,).
        superseded: Whether it was made for another collection, most of which is in this one.

    Raises:
        ValueError: It is damaged.
    """

    def __init__(self, file: BinaryIO, header: _KeptHeader, collection: str, ids: Sequence[str]) -> None:
        self.header = header
        matrix, sums, flags, raw_ids = header.sizes
        if os.fstat(file.fileno()).st_size != _PAGE + sum(header.sizes):
            raise ValueError("of another length")
        file.seek(_PAGE + matrix)
        expected, there = file.read(sums), file.read(flags)
        if zlib.crc32(there, zlib.crc32(expected)) != header.checks:
            raise ValueError("damaged")
        self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self._units = self._map(mmap.ACCESS_READ)
        if _sums(self._units).tobytes() != expected:
            raise ValueError("damaged")
        self.have: Flags = np.frombuffer(there, bool)
        self.superseded = False
        self._rows: NDArray[np.intp] | None = None
        if header.collection != collection:
            self._look_up(file.read(raw_ids), ids)

    @property
    def is_for_another(self) -> bool:
        """Whether it was made for another collection."""
        return self._rows is not None

    def matrix(self) -> Vectors:
        """Unit vectors, one row for each picture, zeros where there is none; shape (n, dimension).

        Where the file was made for this collection its own pages are used, as long as nothing is written to
        them: what is written is the caller's alone. A matrix that is complete can't be written to.
        """
        if self._rows is None:
            return self._units if self.have.all() else self._map(mmap.ACCESS_COPY)
        copy = np.zeros((len(self.have), self.header.dimension), np.float32)
        there = np.flatnonzero(self.have)
        for start in range(0, len(there), _AT_ONCE):
            some = there[start : start + _AT_ONCE]
            copy[some] = self._units[self._rows[some]]
        return copy

    def _map(self, access: int) -> Vectors:
        rows, dimension = self.header.rows, self.header.dimension
        mapped = mmap.mmap(self._descriptor, 0, access=access)
        return np.frombuffer(mapped, np.float32, rows * dimension, _PAGE).reshape(rows, dimension)

    def _look_up(self, others: bytes, ids: Sequence[str]) -> None:
        """Find the pictures among those that the file was made for."""
        if zlib.crc32(others) != self.header.ids:
            raise ValueError("damaged")
        theirs = np.frombuffer(others, np.uint8).reshape(-1, 32)
        mine = np.frombuffer(bytes.fromhex("".join(ids)), np.uint8).reshape(-1, 32)
        first = theirs[:, :8].copy().view(np.uint64).ravel()
        order = np.argsort(first)
        places = np.searchsorted(first, mine[:, :8].copy().view(np.uint64).ravel(), sorter=order)
        self._rows = order[np.minimum(places, len(order) - 1)]  # where it is not there, of any other
        found = self.have[self._rows] & (theirs[self._rows] == mine).all(axis=1)
        self.superseded = 2 * int(found.sum()) > int(self.have.sum())
        self.have = found


class KeptFiles:
    """The kept vectors of one store; safe to use from several threads.

    Args:
        file: The store's file.
    """

    def __init__(self, file: Database) -> None:
        self._file = file
        self._store = os.path.abspath(file.path)  # noqa: PTH100 (links are not followed)
        self._lock = threading.Lock()
        self._open: dict[str, tuple[str, KeptVectors]] = {}
        self._last: tuple[tuple[str, ...] | None, str] = (None, "")
        self._said = False

    def altered(self, fingerprint: str) -> bytes | None:
        """`StoredMoment.altered` of an embedder's vectors by now; None before any was altered."""
        if not self._file.is_up_to_date:
            return None
        rows = self._file.rows("SELECT altered FROM embedder WHERE fingerprint = ?", [fingerprint])
        return rows[0][0] if rows else None

    def open(self, fingerprint: str, ids: Sequence[str]) -> KeptVectors | None:
        """What is kept of an embedder's vectors of some pictures, checked; None where nothing is that holds.

        Args:
            fingerprint: Of the embedder.
            ids: Of a collection's pictures, in the order in which a matrix has them.
        """
        if len(ids) < FEWEST or not self._file.is_up_to_date:
            return None
        collection = self._hash(ids)
        with self._lock:
            of, kept = self._open.pop(fingerprint, ("", None))
            if kept is None or of != collection or not self._holds(kept.header):
                kept = self._find(fingerprint, collection, ids)
            if kept is not None:
                self._open[fingerprint] = (collection, kept)
            return kept

    def keep(
        self, fingerprint: str, ids: Sequence[str], have: Flags, units: Vectors, altered: bytes | None
    ) -> KeptVectors | None:
        """Keep a matrix ready, where the store has what it was made from and there is room for it.

        Args:
            fingerprint: Of the embedder.
            ids: The pictures' ids, one for each row.
            have: Which rows are there.
            units: Shape (n, dimension), contiguous; all read from the store or from what was kept.
            altered: What `altered` was before the first of them was read.

        Returns:
            What was kept; None where nothing was, with a warning where the disk refused it.
        """
        moment = self._moment(fingerprint)
        if moment is None or moment.altered != altered:
            return None
        path = self._path(fingerprint, self._hash(ids))
        try:
            make_private_folder(path.parent)
            with turn(path.with_suffix(".lock"), waits=lambda: None):
                before = self.open(fingerprint, ids)
                if before is None or before.is_for_another or not (before.have >= have).all():
                    self._write(path, fingerprint, ids, have, units, moment)
        except (OSError, ValueError) as error:
            self._say_unkept(path.parent, getattr(error, "strerror", None) or str(error))
            return None
        with self._lock:
            self._open.pop(fingerprint, None)
        if before is not None and before.superseded:
            _remove(self._path(fingerprint, before.header.collection))
        return self.open(fingerprint, ids)

    def forget(self, fingerprint: str) -> None:
        """Remove what is kept of an embedder's vectors."""
        with self._lock:
            self._open.pop(fingerprint, None)
            for path in self._paths(fingerprint):
                _remove(path)

    def _hash(self, ids: Sequence[str]) -> str:
        """The hash of ids; a collection's, which can't change, are asked for more than once."""
        last, known = self._last
        if last is not ids:
            known = hashlib.sha256("".join(ids).encode()).hexdigest()
            if isinstance(ids, tuple):
                self._last = ids, known
        return known

    def _moment(self, fingerprint: str) -> StoredMoment | None:
        """The store's present moment; None where it has no vector of a picture by this embedder."""
        if not self._file.is_up_to_date:
            return None
        newest = "SELECT max(rowid) FROM vector WHERE embedder = e.id AND kind = 'image'"
        rows = self._file.rows(
            "SELECT e.altered, v.rowid, v.put FROM embedder AS e"  # noqa: S608 (no input)
            f" JOIN vector AS v ON v.rowid = ({newest}) WHERE e.fingerprint = ?",
            [fingerprint],
        )
        return StoredMoment(*rows[0]) if rows else None

    def _holds(self, header: _KeptHeader) -> bool:
        """Whether the store still has all that a file was made from."""
        rows = self._file.rows(
            "SELECT e.altered, v.rowid, v.put FROM embedder AS e JOIN vector AS v ON v.embedder = e.id"
            " WHERE e.fingerprint = ? AND v.rowid = ? AND v.kind = 'image'",
            [header.fingerprint, header.moment.newest],
        )
        return [StoredMoment(*row) for row in rows] == [header.moment]

    def _path(self, fingerprint: str, collection: str) -> Path:
        return cache_dir() / FOLDER / f"{self._prefix(fingerprint)}-{collection[:16]}.units"

    def _paths(self, fingerprint: str) -> list[Path]:
        """The files of an embedder's vectors in this store."""
        return _files(f"{self._prefix(fingerprint)}-*.units")

    def _prefix(self, fingerprint: str) -> str:
        what = f"{self._store}\n{fingerprint}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(what).hexdigest()[:16]

    def _find(self, fingerprint: str, collection: str, ids: Sequence[str]) -> KeptVectors | None:
        """The file of a collection; without one that of another collection with the most of its pictures."""
        own = self._path(fingerprint, collection)
        found: list[KeptVectors] = []
        for path in [own] if os.path.exists(own) else self._paths(fingerprint):  # noqa: PTH110 (never raises)
            try:
                with path.open("rb") as file:
                    header = _read_header(file)
                    if header.fingerprint == fingerprint and self._holds(header):
                        found.append(KeptVectors(file, header, collection, ids))
                    else:
                        _remove(path)  # the store is another one by now
            except OSError:
                continue
            except ValueError:  # damaged
                _remove(path)
        best = max(found, key=lambda kept: int(kept.have.sum()), default=None)
        return best if best is not None and best.have.any() else None

    def _write(
        self,
        path: Path,
        fingerprint: str,
        ids: Sequence[str],
        have: Flags,
        units: Vectors,
        moment: StoredMoment,
    ) -> None:
        """Write a file and give it its name; raises `OSError` or `ValueError` where that can't be done."""
        _sweep(path.parent)
        flags, raw_ids, sums = have.tobytes(), bytes.fromhex("".join(ids)), _sums(units).tobytes()
        header = _KeptHeader(
            store=self._store,
            fingerprint=fingerprint,
            collection=self._hash(ids),
            rows=len(ids),
            dimension=units.shape[1],
            moment=moment,
            checks=zlib.crc32(flags, zlib.crc32(sums)),
            ids=zlib.crc32(raw_ids),
        )
        size = _PAGE + sum(header.sizes)
        if shutil.disk_usage(path.parent).free < 2 * size:  # not the last room, which the store may need
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        beside = path.with_suffix(".part")
        try:
            beside.unlink(missing_ok=True)  # of a process that was killed
            make_private_file(beside)
            with beside.open("r+b") as file:
                file.write(_as_bytes(header))
                file.write(units.data.cast("B"))
                file.write(bytes(header.sizes[0] - units.nbytes))
                file.writelines([sums, flags, raw_ids])
            beside.replace(path)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _say_unkept(self, folder: Path, why: str) -> None:
        if not self._said:
            self._said = True
            warnings.warn(
                f"vectors can't be kept ready in {folder} ({why}): each start reads them from the store;"
                " DIPTYCH_CACHE names another folder",
                DiptychWarning,
                stacklevel=5,
            )


def kept_files() -> list[Path]:
    """All files with kept vectors, of every store."""
    return _files("*.units")


def _files(pattern: str) -> list[Path]:
    """The files of the folder; none where it can't be looked into, as its path is too long for a system."""
    try:
        return sorted((cache_dir() / FOLDER).glob(pattern))
    except OSError:
        return []


def _as_bytes(header: _KeptHeader) -> bytes:
    """A header as it is written; raises `ValueError` where it is too long."""
    said = msgspec.json.encode(header)
    data = _MAGIC + zlib.crc32(said).to_bytes(4, "little") + len(said).to_bytes(4, "little") + said
    if len(data) > _PAGE:
        raise ValueError("the store's path or the embedder's fingerprint is too long")
    return data.ljust(_PAGE, b"\0")


def _read_header(file: BinaryIO) -> _KeptHeader:
    """A file's header; raises `ValueError` where it is not whole, or not one of this version."""
    data = file.read(_PAGE)
    start = len(_MAGIC) + 8
    check, length = (int.from_bytes(data[at : at + 4], "little") for at in (start - 8, start - 4))
    said = data[start : start + length]
    if not data.startswith(_MAGIC) or zlib.crc32(said) != check:
        raise ValueError("no header")
    return msgspec.json.decode(said, type=_KeptHeader)


def _sums(units: Vectors) -> NDArray[np.uint64]:
    """For each page of a matrix the sum of its 64-bit words: all of it is read once, as fast as that goes."""
    flat = units.reshape(-1)
    whole = len(flat) * 4 // _PAGE * (_PAGE // 4)
    last = np.zeros(_PAGE // 4, np.float32)
    last[: len(flat) - whole] = flat[whole:]
    pages = [flat[:whole], last] if whole < len(flat) else [flat[:whole]]
    return np.concatenate([part.view(np.uint64).reshape(-1, _PAGE // 8).sum(axis=1) for part in pages])


def _remove(path: Path) -> None:
    """Remove a file, unless a system keeps it that has it open."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what nobody will use: files of stores that are gone, and what was not completed long ago."""
    for path in folder.glob("*.units"):
        with suppress(OSError, ValueError), path.open("rb") as file:
            if not os.path.exists(_read_header(file).store):  # noqa: PTH110
                _remove(path)
    for path in folder.glob("*.part"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                _remove(path)
