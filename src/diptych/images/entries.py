"""What a source lists: entries that may be pictures, and what was left out with its reason."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from diptych.images.limits import Limits, UnreadablePicture, chunks
from diptych.text import all_forms, printable

_SURROGATE = re.compile("[\ud800-\udfff]")
"""What Python makes of a byte in a file name that it can't decode, and JSON of a broken escape."""

_ONE_BY_ONE = 5
"""So many files with one reason are named each."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not a picture of the collection, or all that are passed over for one reason.

    Attributes:
        name: Its name in the source, or its whole address; of several the first.
        reason: Why, in words.
        files: How many files it stands for, a folder that is not looked into counted as one.
    """

    name: str
    reason: str
    files: int = 1

    @property
    def called(self) -> str:
        """What it is called where there is one line for all of them."""
        return self.name if self.files == 1 else f"{self.name} and {self.files - 1:,} more"


def gathered(skipped: Sequence[Skipped]) -> list[Skipped]:
    """The same for a list that a person reads: many files with one reason are one entry, with the count."""
    by_reason: dict[str, list[Skipped]] = {}
    for each in skipped:
        by_reason.setdefault(each.reason, []).append(each)
    shown: list[Skipped] = []
    for reason, those in by_reason.items():
        many = len(those) > _ONE_BY_ONE
        shown += [Skipped(those[0].name, reason, count_files(those))] if many else those
    return shown


def count_files(skipped: Iterable[Skipped]) -> int:
    """How many files were skipped, those passed over for one reason each counted."""
    return sum(each.files for each in skipped)


class Origin(Protocol):
    """Where an entry's bytes come from."""

    def chunks(self, limits: Limits) -> Iterator[bytes]:
        """Read the bytes in order, a megabyte at a time; safe to call from several threads.

        Raises:
            UnreadablePicture: They can't be read, or are more than `limits` allows.
        """
        ...

    def size(self) -> int:
        """How many bytes they are, as far as can be told beforehand; never fewer than are read."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """Bytes in a file.

    Attributes:
        place: Its path, as text: there may be a million.
    """

    place: str | os.PathLike[str]

    @property
    def path(self) -> Path:
        """Its path."""
        return Path(self.place)

    def chunks(self, limits: Limits) -> Iterator[bytes]:
        """See `Origin`."""
        try:
            if not stat.S_ISREG(self._mode()):  # opening a pipe would wait for ever
                raise UnreadablePicture(self._why_no_file())
            with open(self.place, "rb", buffering=0) as stream:  # noqa: PTH123 (a path takes as long)
                size = os.fstat(stream.fileno()).st_size
                limits.check_bytes(size)
                yield from chunks(stream, limits, size)
        except OSError as error:
            raise UnreadablePicture((error.strerror or "it can't be read").lower()) from error

    def size(self) -> int:
        """See `Origin`."""
        try:
            return self.path.stat().st_size
        except OSError:  # which is said where it is read
            return 0

    def _mode(self) -> int:
        try:
            return os.stat(self.place).st_mode  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return 0
        except OSError as error:
            if error.errno == errno.ELOOP:
                return 0
            raise

    def _why_no_file(self) -> str:
        path = self.path
        if path.is_symlink() and not path.exists():
            return "a link that leads nowhere"
        if path.is_dir():
            return "it is a folder"
        return "it is not an ordinary file" if path.exists() else f"there is no file {one_line(path)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that may be a picture.

    Attributes:
        name: Its name in the source.
        origin: Where its bytes are.
        claimed: Whether a person or its suffix calls it a picture; another file that is none is passed over.
        folder: The folder it lies in, inside the source; empty at the top.
        label: What a manifest says it shows.
        caption: A manifest's sentence about it.
    """

    name: str
    origin: Origin
    claimed: bool = True
    folder: str = ""
    label: str | None = None
    caption: str | None = None


@dataclass(slots=True)
class Listing:
    """What a source holds, before any picture's bytes are read.

    Attributes:
        entries: What may be a picture.
        skipped: What can't be one, with the reason.
        passed_over: What nobody calls a picture of theirs: names by the rule that says so.
        unit: What the things in it are.
    """

    entries: list[Entry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    passed_over: dict[str, set[str]] = field(default_factory=dict)
    unit: str = "file"

    def pass_over(self, name: str, reason: str) -> None:
        """Count a file, or a folder that is not looked into, as left out for a reason."""
        self.passed_over.setdefault(reason, set()).add(name)

    def left_out(self) -> list[Skipped]:
        """What is skipped, and for each rule what was passed over by it, as a count."""
        ruled = (
            Skipped(valid_name(min(names)), reason, len(names)) for reason, names in self.passed_over.items()
        )
        return [*self.skipped, *ruled]


def valid_name(text: str | os.PathLike[str]) -> str:
    """A name as it can be written anywhere: undecodable bytes replaced, so that it is valid UTF-8."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", os.fspath(text))


def one_line(text: str | os.PathLike[str]) -> str:
    """A name as it can stand in a message of one line."""
    return printable(os.fspath(text))


def as_on_disk(written: str, folder: Path = Path()) -> str:
    """A path in `folder` as the disk has it, or as a person wrote it where nothing is there.

    Accents may be composed in two ways, and backslashes stand for folders in lists made on Windows.
    """
    slashed = written.replace("\\", "/")
    others = (slashed, *all_forms(written), *all_forms(slashed))
    try:
        return next((path for path in (written, *others) if (folder / path).exists()), written)
    except OSError:  # a name that is too long, which is said where it is read
        return written
