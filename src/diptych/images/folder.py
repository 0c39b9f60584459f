"""A folder gone through to the bottom."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from diptych.images.entries import File, Origin, Skipped, valid_name
from diptych.images.names import is_hidden


def folder_files(root: Path) -> tuple[dict[str, Origin], list[Skipped]]:
    """Find all files below a folder that are not hidden.

    Links to folders are followed, each folder once, so that loops end; folders proper come first, so that a
    file's name is the one without links.

    Args:
        root: The folder.

    Returns:
        The files by their POSIX paths inside the folder, and the sub-folders that can't be entered.
    """
    files: dict[str, Origin] = {}
    skipped = []
    seen: set[str] = set()
    waiting = deque([""])
    while waiting:
        folder = waiting.popleft()
        real = os.path.realpath(root / folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            found = sorted(os.scandir(root / folder), key=lambda item: item.name)
        except OSError as error:
            name = valid_name(folder or root)
            skipped.append(Skipped(name, f"the folder can't be read: {(error.strerror or 'error').lower()}"))
            continue
        for item in found:
            name = f"{folder}/{item.name}" if folder else item.name
            if is_hidden(item.name):
                continue
            if not _is_folder(item):
                files[name] = File(root / name)
            elif item.is_symlink():
                waiting.append(name)
            else:
                waiting.appendleft(name)
    return files, skipped


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link to itself, or into where we may not go
        return False
