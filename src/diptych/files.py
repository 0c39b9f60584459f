"""Files written whole or not at all: a full disk or a killed process leaves no half of one."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make a folder that nobody else may look into, and those above it that are missing; what is there stays.

    Raises:
        OSError: It can't be made.
    """
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def make_private_file(file: Path) -> None:
    """Make an empty file that nobody else may read; one that is there stays as it is.

    Raises:
        OSError: It can't be made.
    """
    if not file.exists():
        file.touch(mode=0o600, exist_ok=True)


@contextmanager
def written_whole(path: Path, *, new: bool = False, private: bool = False) -> Iterator[Path]:
    """Where to write what shall be at `path`: beside it, and put in its place once all is on disk.

    A file that was there keeps its permissions, and a link to one stays a link. What is not an ordinary file,
    such as `/dev/stdout` or a pipe, is written to directly.

    Args:
        path: The file.
        new: Refuse to take the place of a file that is there by then.
        private: Whether nobody else may read a file that is made here; else that is as the person has it.

    Yields:
        An empty file in the same folder: hidden, and with the same suffix. Where what follows raises, it is
        removed, and `path` is as it was.

    Raises:
        FileExistsError: With `new`, there is such a file.
        OSError: It can't be written.
    """
    target = path if new else Path(os.path.realpath(path))
    before = _mode(target)
    if before is not None and not new:
        if not stat.S_ISREG(before):
            yield target
            return
        with target.open("ab"):  # what may not be written to is not replaced either
            pass
    beside = target.with_name(f".{uuid.uuid4().hex}{target.suffix[:20]}")
    beside.touch(mode=0o600 if private else 0o666, exist_ok=False)
    try:
        yield beside
        _settle(beside, before)
        if new:
            _move_to_free_name(beside, target)
        else:
            beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, new: bool = False, private: bool = False) -> None:
    """Write a file whole or not at all; see `written_whole`."""
    with written_whole(path, new=new, private=private) as beside:
        beside.write_bytes(data)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _settle(file: Path, mode: int | None) -> None:
    """Have the bytes on disk before the file gets its name: a power cut may leave the name alone."""
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())
    if mode is not None:
        file.chmod(stat.S_IMODE(mode))


def _move_to_free_name(file: Path, name: Path) -> None:
    """Give a file a name that no other has; renaming would replace one that was made meanwhile."""
    try:
        name.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError as error:  # this file system knows no second names
        if os.path.lexists(name):
            raise FileExistsError(name) from error
        file.rename(name)
