"""A folder gone through to the bottom."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from diptych.images.entries import File, Listing, Origin, Skipped, valid_name
from diptych.images.names import why_hidden

_AGAIN = "a link to a folder that is read already"


def folder_files(root: Path, listing: Listing) -> dict[str, Origin]:
    """Find all files below a folder, but for those in hidden folders.

    Links to folders are followed, each folder once, so that loops end; folders proper come first, so that a
    file's name is the one without links.

    Args:
        root: The folder.
        listing: Sub-folders that can't be entered are added to its skipped ones, hidden ones to what it
            passes over.

    Returns:
        The files by their POSIX paths inside the folder.
    """
    files: dict[str, Origin] = {}
    seen: set[str] = set()
    waiting = deque([""])
    while waiting:
        folder = waiting.popleft()
        where = f"{root}{os.sep}{folder}" if folder else os.fspath(root)
        real = os.path.realpath(where)
        if real in seen:
            listing.pass_over(folder, _AGAIN)
            continue
        seen.add(real)
        try:
            found = sorted(os.scandir(where), key=lambda item: item.name)
        except OSError as error:
            reason = f"the folder can't be read: {(error.strerror or 'error').lower()}"
            listing.skipped.append(Skipped(valid_name(folder or root), reason))
            continue
        for item in found:
            name = f"{folder}/{item.name}" if folder else item.name
            if not _is_folder(item):
                files[name] = File(item.path)
            elif hidden := why_hidden(item.name):
                listing.pass_over(name, hidden)
            elif item.is_symlink():
                waiting.append(name)
            else:
                waiting.appendleft(name)
    return files


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link to itself, or into where we may not go
        return False
