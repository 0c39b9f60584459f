"""Which of the files in a folder or a ZIP are pictures of a person's own, told by their names alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from diptych.images.entries import Entry, Listing, Origin, Skipped, valid_name
from diptych.images.formats import looks_like_picture, may_be_picture, unreadable_suffix

_NO_FOLDERS = {"__macosx", "@eadir", "thumbs", "thumbnails"}
_NO_FILES = {"thumbs.db"}

_THUMBNAIL = re.compile(
    r"(?P<after>.+?)(?:[-_. ]thumb(?:nail)?|-\d{1,5}x\d{1,5})|thumb(?:nail)?[-_. ](?P<before>.+)",
    re.IGNORECASE,
)
"""The stem of a thumbnail's name, with that of its original in a group."""


def is_hidden(name: str) -> bool:
    """Whether a single folder or file name is hidden, or one that programs make for themselves."""
    return name.startswith(".") or name.lower() in _NO_FOLDERS | _NO_FILES


def list_files(files: Mapping[str, Origin]) -> Listing:
    """List what may be a picture: no hidden file, no thumbnail beside its original, no document.

    Args:
        files: The files of a source by their POSIX paths inside it.

    Returns:
        The entries in the order given; pictures in formats that are not read here are among the skipped.
    """
    visible = {name: path for name in files if not _is_hidden_path(path := PurePosixPath(name))}
    originals = {
        (path.parent, path.stem.lower()) for name, path in visible.items() if looks_like_picture(name)
    }
    listing = Listing(total=len(visible))
    for name, path in visible.items():
        reason = unreadable_suffix(name)
        if reason is not None:
            listing.skipped.append(Skipped(valid_name(name), reason))
        elif may_be_picture(name) and not _is_thumbnail(path, originals):
            folder = "" if path.parent == PurePosixPath() else valid_name(path.parent)
            listing.entries.append(Entry(valid_name(name), files[name], looks_like_picture(name), folder))
    return listing


def _is_hidden_path(path: PurePosixPath) -> bool:
    return any(is_hidden(part) for part in path.parts)


def _is_thumbnail(path: PurePosixPath, originals: set[tuple[PurePosixPath, str]]) -> bool:
    match = _THUMBNAIL.fullmatch(path.stem)
    return match is not None and (path.parent, (match["after"] or match["before"]).lower()) in originals
