"""Which of the files in a folder or a ZIP are pictures of a person's own, told by their names alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from diptych.images.entries import Entry, Listing, Origin, Skipped, valid_name
from diptych.images.formats import looks_like_picture, may_be_picture, split_suffix, unreadable_suffix
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
    marked = {name.rpartition("/")[0] for name in files if name.endswith(f"/{MARK}")}
    left_out: dict[str, tuple[str, str] | None] = {"": None}
    visible: list[_Name] = []
    for name in files:
        folder, _, last = name.rpartition("/")
        if folder not in left_out:
            left_out[folder] = _folder_left_out(folder, marked)
        if outermost := left_out[folder]:
            listing.pass_over(*outermost)
        elif reason := BY_DIPTYCH if name in marked else why_hidden(last):
            listing.pass_over(name, reason)
        else:
            visible.append(_Name(name, folder, split_suffix(last)[0].lower(), looks_like_picture(last)))
    originals = {(each.folder, each.stem) for each in visible if each.is_picture}
    shown = {folder: valid_name(folder) for folder in left_out}
    for each in visible:
        name = each.whole
        if reason := None if each.is_picture else unreadable_suffix(name):
            listing.skipped.append(Skipped(valid_name(name), reason))
        elif not each.is_picture and not may_be_picture(name):
            listing.pass_over(name, _NO_PICTURE)
        elif _is_thumbnail(each, originals):
            listing.pass_over(name, _THUMBNAIL_OF)
        else:
            listing.entries.append(Entry(valid_name(name), files[name], each.is_picture, shown[each.folder]))
    return listing


class _Name(NamedTuple):
    """A file's name taken apart; as text alone, for there may be a million.

    Attributes:
        whole: All of it, folders included.
        folder: The folders.
        stem: The last part without its suffix, in lower case.
        is_picture: Whether by its suffix it calls itself a picture.
    """

    whole: str
    folder: str
    stem: str
    is_picture: bool


def _folder_left_out(folder: str, marked: set[str]) -> tuple[str, str] | None:
    """The outermost part of a folder's path that is not looked at, and why not."""
    parts = folder.split("/")
    for depth, part in enumerate(parts, start=1):
        inside = "/".join(parts[:depth]) if marked else ""
        reason = BY_DIPTYCH if inside in marked else why_hidden(part)
        if reason:
            return "/".join(parts[:depth]), reason
    return None


def _is_thumbnail(name: _Name, originals: set[tuple[str, str]]) -> bool:
    """Whether a picture's name is that of a thumbnail, and its original is beside it or above its folder."""
    original = _original(name.stem)
    above, _, last = name.folder.rpartition("/")
    if last.lower() in _THUMBNAIL_FOLDERS:
        return (above, name.stem) in originals or (above, original) in originals
    return original is not None and (name.folder, original) in originals


def _original(stem: str) -> str | None:
    """What a thumbnail of this name is one of, in lower case; None where it is not called like one."""
    if "thumb" not in stem and "-" not in stem:  # as nearly all are
        return None
    match = _THUMBNAIL.fullmatch(stem)
    return (match["after"] or match["before"]) if match else None
