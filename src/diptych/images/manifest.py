"""Lists of pictures written by a person: a manifest (CSV or JSON Lines) or a text file of addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from diptych.errors import DiptychError
from diptych.tabular import Record, place, read_list, read_table
from diptych.text import printable

_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


_COLUMNS = {
    "path": (
        "path",
        "file",
        "filename",
        "file_name",
        "filepath",
        "file_path",
        "image",
        "image_path",
        "picture",
    ),
    "url": ("url", "image_url", "uri", "link"),
    "name": ("name",),
    "label": ("label",),
    "caption": ("caption",),
}
"""What a column or key may be called, the first of those that a row has; other tools have other names."""


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One picture that a list names.

    Attributes:
        path: A file, as written; None where there is an address.
        url: Its address on the web; None where there is a path.
        name: What to call it, where the list says so.
        label: What it shows.
        caption: A sentence about it.
    """

    path: str | None = None
    url: str | None = None
    name: str | None = None
    label: str | None = None
    caption: str | None = None


def is_address(text: str) -> bool:
    """Whether a text is meant as an address on the web rather than as a path."""
    return _SCHEME.match(text) is not None


def checked_address(text: str, where: str) -> str:
    """Take an http(s) address, or raise a one-line `DiptychError` that names the place it is written at."""
    if not _ADDRESS.fullmatch(text) or not _has_parts(text):
        raise DiptychError(f"{where}: {printable(text)!r} is not an http:// or https:// address")
    return text


def _has_parts(address: str) -> bool:
    try:
        urlsplit(address)
    except ValueError:  # such as a bracket without its other half
        return False
    return True


def read_addresses(path: Path) -> list[ManifestRow]:
    """Read a text file of addresses, one per line; # begins a comment.

    Raises:
        DiptychError: It can't be read, or a line is not an http(s) address.
    """
    return [ManifestRow(url=checked_address(url, place(path, line))) for line, url in read_list(path)]


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read a manifest, CSV or JSON Lines: `path` or `url`, and `name`, `label`, `caption` where wanted.

    A path may also be called `file`, `filename`, `file_name`, `image` and the like, and hold an address.

    Raises:
        DiptychError: It can't be read, or a line is malformed.
    """
    return [_row(record) for record in read_table(path)]


def _row(record: Record) -> ManifestRow:
    path, url, name, label, caption = (
        next((text for called in names if (text := record.text(called))), None) for names in _COLUMNS.values()
    )
    if path is not None and not record.text("path") and is_address(path):
        path, url = None, path
    if path is not None:
        return ManifestRow(path, None, name, label, caption)
    if url is not None:
        return ManifestRow(None, checked_address(url, record.where), name, label, caption)
    raise DiptychError(
        f"{record.where}: neither a path nor a url (it has {record.columns}): call the column of files"
        " `path`, or that of web addresses `url`"
    )
