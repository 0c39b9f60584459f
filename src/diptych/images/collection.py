"""The set of pictures that embedders are compared on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from diptych.arguments import checked
from diptych.cache import FileHashes, Mark
from diptych.errors import DiptychError
from diptych.images import memory
from diptych.images.decode import decoded
from diptych.images.entries import Entry, File, Origin, Skipped, count_files, one_line
from diptych.images.formats import format_of, why_not
from diptych.images.limits import Limits, UnreadablePicture
from diptych.images.sources import Source, describe, list_source
from diptych.progress import Progress, Silent
from diptych.text import count, one_form

_READERS = min(8, (os.cpu_count() or 1) + 2)
"""Threads that read and hash; a few more than processors, as a disk or a network drive keeps them waiting."""

_AT_ONCE = 32
"""Files that a thread looks at in a row: one at a time, threads would mostly wait for one another."""

_NO_PICTURE = "no picture by its first bytes"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a collection, byte-identical copies taken together.

    Attributes:
        id: The SHA-256 of its bytes, in hexadecimal.
        name: What it is called: the first of its names in sort order. Two pictures may have one name.
        labels: The classes it belongs to, where the source says so: several where copies of it lie in several
            folders, or a manifest names it several times.
        caption: A sentence about it, where a manifest has one.
        aliases: Further names, of byte-identical copies.
    """

    id: str
    name: str
    labels: tuple[str, ...] = ()
    caption: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def label(self) -> str | None:
        """The first of its labels, where there is room for one only."""
        return self.labels[0] if self.labels else None


class Collection:
    """Pictures by name, readable as long as their source is there; may be used from several threads.

    Args:
        source: What the person called it.
        pictures: The pictures; they are put in the order of their names.
        skipped: What was left out.
        origins: For each picture's id where its bytes are, copies included.
        limits: How big a picture may be.

    Attributes:
        source: What the person called it.
        pictures: The pictures, sorted by name.
        ids: Their ids, in this order.
        skipped: What was left out, each with its reason, sorted by name.
        limits: How big a picture may be.
    """

    def __init__(
        self,
        source: str,
        pictures: Iterable[Picture],
        skipped: Iterable[Skipped],
        origins: Mapping[str, Sequence[Origin]],
        limits: Limits,
    ) -> None:
        self.source = source
        self.pictures = tuple(sorted(pictures, key=lambda picture: (picture.name, picture.id)))
        self.skipped = tuple(sorted(skipped, key=lambda skipped: skipped.name))
        self._origins = origins
        self.limits = limits
        self.ids = tuple(picture.id for picture in self.pictures)
        self._by_id = dict(zip(self.ids, self.pictures, strict=True))

    def __len__(self) -> int:
        return len(self.pictures)

    def __repr__(self) -> str:
        pictures = count(len(self.pictures), "picture")
        return f"<Collection {self.source!r}: {pictures}, {len(self.skipped):,} skipped>"

    def find(self, image_id: str) -> Picture | None:
        """The picture with this id, or None."""
        return self._by_id.get(image_id)

    def called(self, name: str) -> list[Picture]:
        """The pictures with this id or name, in whichever form its accents are written."""
        found = self._by_id.get(name)
        name = one_form(name)
        return [found] if found else [p for p in self.pictures if name in (p.name, *p.aliases)]

    def skipped_with(self, refused: Mapping[str, str]) -> tuple[Skipped, ...]:
        """What is skipped, with pictures that were refused later: reasons by image id."""
        lost = (Skipped(p.name, refused[p.id]) for p in self.pictures if p.id in refused)
        return (*self.skipped, *lost)

    def file(self, picture: Picture) -> Path | None:
        """The file that a picture's bytes are in; None where it is inside an archive."""
        origins = self._origins.get(picture.id, ())
        return next((origin.path for origin in origins if isinstance(origin, File)), None)

    def read(self, picture: Picture) -> bytes:
        """Read a picture's bytes again, from a copy where it has one and the first is gone.

        Raises:
            UnreadablePicture: It is gone, or its bytes are others now: vectors must not be filed under the
                id of what was there before.
        """
        reason = "it is not in this collection"
        for origin in self._origins.get(picture.id, ()):
            try:
                data = b"".join(origin.chunks(self.limits))
            except UnreadablePicture as error:
                reason = str(error)
                continue
            if hashlib.sha256(data).hexdigest() == picture.id:
                return data
            reason = "its file has changed since the collection was opened"
        raise UnreadablePicture(reason)

    @contextmanager
    def decoded(self, picture: Picture, *, at_least: int | None = None) -> Iterator[Image.Image]:
        """A picture's pixels, for many threads: bounded in memory together, with its file (`memory`).

        Raises:
            UnreadablePicture: As `read` and `decode`.
        """
        with memory.files.hold() as hold:
            # Twice: a megabyte after another, and joined.
            longest = max((each.size() for each in self._origins.get(picture.id, ())), default=0)
            hold.take(2 * min(longest, self.limits.bytes))
            with decoded(self.read(picture), self.limits, at_least=at_least) as image:
                hold.keep(0)
                yield image


@checked
def open_collection(
    source: Source, *, limits: Limits = Limits(), progress: Progress = Silent()
) -> Collection:
    """Open a collection of pictures; each file is hashed, once for as long as it is not touched.

    Args:
        source: A folder, a ZIP, a text file of web addresses (`.txt`), a manifest (`.csv`, `.jsonl`), one
            picture or address; or a list of addresses and paths.
        limits: What is too big to read.
        progress: Who watches.

    Returns:
        The pictures, and what was skipped with the reason.

    Raises:
        DiptychError: The source is not there, can't be read as what it is, or holds no picture.
    """
    name = describe(source)
    listing = list_source(source, limits, progress)
    skipped: list[Skipped] = []
    found: dict[str, list[Entry]] = {}
    for entry, outcome in _identify_all(listing.entries, f"reading {name}", limits, progress):
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        elif outcome is None:
            listing.pass_over(entry.name, _NO_PICTURE)
        else:
            found.setdefault(outcome, []).append(entry)
    skipped += listing.left_out()
    if not found:
        raise DiptychError(_nothing_found(one_line(name), listing.unit, skipped))
    one_folder = len({entry.folder for entries in found.values() for entry in entries}) == 1
    pictures = [_picture(image_id, entries, one_folder) for image_id, entries in found.items()]
    origins = {image_id: [entry.origin for entry in entries] for image_id, entries in found.items()}
    return Collection(name, pictures, skipped, origins, limits)


def _identify_all(
    entries: Sequence[Entry], what: str, limits: Limits, progress: Progress
) -> Iterator[tuple[Entry, str | Skipped | None]]:
    hashes = FileHashes(entry.origin.place for entry in entries if isinstance(entry.origin, File))
    some = [entries[start : start + _AT_ONCE] for start in range(0, len(entries), _AT_ONCE)]
    pool = ThreadPoolExecutor(_READERS, "diptych-reading")
    try:
        with progress.task(what, len(entries)) as advance:
            outcomes = pool.map(lambda those: [_identify(each, limits, hashes) for each in those], some)
            for those, found in zip(some, outcomes, strict=True):
                yield from zip(those, found, strict=True)
                advance(len(those))
        hashes.keep()
    finally:  # an interrupted run does not wait for files that nobody asks for any more
        pool.shutdown(cancel_futures=True)


def _identify(entry: Entry, limits: Limits, hashes: FileHashes) -> str | Skipped | None:
    """What one entry's id is, known from when it was last read or by reading it."""
    if not isinstance(entry.origin, File):
        return _read_through(entry, limits)
    place = entry.origin.place
    try:
        mark = Mark.of(place)
        known = hashes.get(place, mark)
        if known is not None and mark.size <= limits.bytes:
            return known
        outcome = _read_through(entry, limits)
        if isinstance(outcome, str):
            hashes.put(place, mark, outcome)
    except (OSError, ValueError):  # it is not there or can't be, which is said where it is read
        return _read_through(entry, limits)
    return outcome


def _read_through(entry: Entry, limits: Limits) -> str | Skipped | None:
    """Hash one file; None where it is not a picture and nobody says that it is."""
    digest = hashlib.sha256()
    head = b""
    try:
        for chunk in entry.origin.chunks(limits):
            if not head:
                head = chunk[:4096]
                if format_of(head) is None:
                    break
            digest.update(chunk)
    except UnreadablePicture as error:
        return Skipped(entry.name, str(error))
    if format_of(head) is None:
        return Skipped(entry.name, why_not(head)) if entry.claimed else None
    return digest.hexdigest()


def _picture(image_id: str, entries: Sequence[Entry], one_folder: bool) -> Picture:
    """Take byte-identical files together; names and labels get the one form that they are compared in."""
    if len(entries) > 1:
        entries = sorted(entries, key=lambda entry: entry.name)
    names = list(dict.fromkeys(one_form(entry.name) for entry in entries))
    labels = (entry.label or (None if one_folder else _folder_name(entry)) for entry in entries)
    captions = (entry.caption for entry in entries)
    return Picture(
        id=image_id,
        name=names[0],
        labels=tuple(dict.fromkeys(one_form(label) for label in labels if label)),
        caption=next(filter(None, captions), None),
        aliases=tuple(names[1:]),
    )


def _folder_name(entry: Entry) -> str | None:
    return entry.folder.rpartition("/")[2] or None


def _nothing_found(source: str, unit: str, skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return f"{source} is empty"
    total = count(count_files(skipped), unit)
    why = f"{one_line(skipped[0].called)}: {skipped[0].reason}"
    return f"{source}: of {total} none is a picture that can be read; {why}"
