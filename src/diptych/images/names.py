"""Which of the files in a folder or a ZIP are pictures of a person's own, told by their names alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from diptych.images.entries import Entry, Listing, Origin, Skipped, valid_name
from diptych.images.formats import looks_like_picture, may_be_picture, unreadable_suffix
from diptych.images.outputs import BY_DIPTYCH, MARK

_HIDDEN = "left out by name: hidden, with a dot before it"
_OF_PROGRAMS = "left out by name: programs make it for themselves"
_THUMBNAIL_OF = "left out by name: a thumbnail, whose original is here"
_NO_PICTURE = "left out by name: not a kind of picture"

_MADE_BY_PROGRAMS = {"__macosx", "@eadir", "thumbs.db"}
_THUMBNAIL_FOLDERS = {"thumbs", "thumbnails"}

_THUMBNAIL = re.compile(
    r"(?P<after>.+?)(?:[-_.]thumb(?:nail)?|-\d{1,5}x\d{1,5})|thumb(?:nail)?[-_.](?P<before>.+)",
    re.IGNORECASE,
)
"""The stem of a thumbnail's name, with that of its original in a group.

No space is in it: programs write none there, and "Tom Thumb.jpg" is a person's.
"""


def why_hidden(name: str) -> str | None:
    """Why a single folder or file name is not looked at, or None."""
    if name.startswith("."):
        return _HIDDEN
    return _OF_PROGRAMS if name.lower() in _MADE_BY_PROGRAMS else None


def list_files(files: Mapping[str, Origin], listing: Listing) -> Listing:
    """List what may be a picture: no hidden file, no thumbnail whose original is there, no document.

    Args:
        files: The files of a source by their POSIX paths inside it.
        listing: What to add them to.

    Returns:
        The listing, the entries in the order given; pictures in formats that are not read here are among the
        skipped, what is left out by name is counted.
    """
    marked = {PurePosixPath(name).parent for name in files if name.endswith(f"/{MARK}")}
    visible = {}
    for name in files:
        path = PurePosixPath(name)
        if left_out := _left_out(path, marked):
            listing.pass_over(*left_out)
        else:
            visible[name] = path
    originals = {
        (path.parent, path.stem.lower()) for name, path in visible.items() if looks_like_picture(name)
    }
    for name, path in visible.items():
        if reason := unreadable_suffix(name):
            listing.skipped.append(Skipped(valid_name(name), reason))
        elif not may_be_picture(name):
            listing.pass_over(name, _NO_PICTURE)
        elif _is_thumbnail(path, originals):
            listing.pass_over(name, _THUMBNAIL_OF)
        else:
            folder = "" if path.parent == PurePosixPath() else valid_name(path.parent)
            listing.entries.append(Entry(valid_name(name), files[name], looks_like_picture(name), folder))
    return listing


def _left_out(path: PurePosixPath, marked: set[PurePosixPath]) -> tuple[str, str] | None:
    """The outermost part of a path that is not looked at, the file itself or a folder, and why not."""
    for depth, part in enumerate(path.parts, start=1):
        reason = why_hidden(part)
        if reason or marked:
            inside = PurePosixPath(*path.parts[:depth])
            reason = BY_DIPTYCH if inside in marked else reason
            if reason:
                return str(inside), reason
    return None


def _is_thumbnail(path: PurePosixPath, originals: set[tuple[PurePosixPath, str]]) -> bool:
    """Whether a picture's name is that of a thumbnail, and its original is beside it or above its folder."""
    match = _THUMBNAIL.fullmatch(path.stem)
    original = (match["after"] or match["before"]).lower() if match else None
    if path.parent.name.lower() in _THUMBNAIL_FOLDERS:
        above = path.parent.parent
        return (above, path.stem.lower()) in originals or (above, original) in originals
    return (path.parent, original) in originals
