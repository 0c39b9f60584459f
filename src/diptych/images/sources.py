"""Where pictures come from: told from what a person gives, and listed."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit, urlunsplit

from diptych import samples
from diptych.errors import DiptychError
from diptych.images.archive import Archive
from diptych.images.entries import Entry, File, Listing, Skipped, as_on_disk, one_line, valid_name
from diptych.images.folder import folder_files
from diptych.images.formats import format_of, looks_like_picture, unreadable_suffix
from diptych.images.limits import Limits, UnreadablePicture
from diptych.images.manifest import ManifestRow, checked_address, is_address, read_addresses, read_manifest
from diptych.images.names import list_files
from diptych.progress import Progress
from diptych.tabular import JSON_LINES
from diptych.text import nearest

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A folder, ZIP, text file of addresses, manifest, picture or `SAMPLE`; or a list of addresses and paths."""

SAMPLE = "sample"
"""The collection in the package, except where a person has a file or folder called so."""

_SECRET = re.compile(r"([^&=]*(?:token|sig|key|secret|pass|auth|credential)[^&=]*=)[^&]+", re.IGNORECASE)
"""A parameter of an address that by its name may be a secret, such as a signed link's."""

_LISTS: dict[str, Callable[[Path], list[ManifestRow]]] = {
    ".txt": read_addresses,
    **dict.fromkeys([".csv", ".tsv", *JSON_LINES], read_manifest),
}


def describe(source: Source) -> str:
    """A source as it is called in results."""
    if not isinstance(source, str | os.PathLike):
        return describe(source[0]) if len(source) == 1 else f"a list of {len(source):,}"
    return _shown(os.fspath(source)) if is_address(os.fspath(source)) else valid_name(source)


def list_source(source: Source, limits: Limits, progress: Progress) -> Listing:
    """List what a source holds; what is on the web is downloaded, everything else left unread.

    Args:
        source: What the person gave.
        limits: Bigger files are not downloaded.
        progress: Watches downloads.

    Returns:
        Entries in the source's order, and what was skipped.

    Raises:
        DiptychError: It is not there, or can't be read as what it is.
    """
    if not isinstance(source, str | os.PathLike):
        return _list_rows([_row(item) for item in source], Path(), limits, progress)
    if is_address(os.fspath(source)):
        return _list_rows([_row(source)], Path(), limits, progress)
    path = samples.MANIFEST if is_sample(source) else Path(source).expanduser()
    if not _exists(path) or not os.fspath(source):
        raise DiptychError(f"there is no {one_line(source) or 'source'}{_meant(path)}")
    if path.is_dir():
        listing = Listing()
        return list_files(folder_files(path, listing), listing)
    if path.suffix.lower() in _LISTS:
        return _list_rows(_LISTS[path.suffix.lower()](path), path.parent, limits, progress)
    return _list_single(path)


def holds_pictures(source: str) -> bool:
    """Whether a source holds its pictures itself: a folder, a ZIP or the sample, unlike a list of URLs."""
    return source == SAMPLE or Path(source).is_dir() or source.lower().endswith(".zip")


def may_be_source(item: os.DirEntry[str]) -> bool:
    """Whether what lies in a folder may be a source, by its name: a folder, a ZIP or a list."""
    ending = PurePath(item.name).suffix.lower()
    return not item.name.startswith(".") and (item.is_dir() or ending in {".zip", *_LISTS})


def _meant(path: Path) -> str:
    """What lies beside it under a name that is nearly this one, as a question; empty where nothing does."""
    try:
        beside = {item.name: item.is_dir() for item in os.scandir(path.parent) if may_be_source(item)}
    except OSError:
        return ""
    near = nearest(path.name, beside)
    return f"; did you mean {one_line(path.with_name(near))}{'/' if beside[near] else ''}?" if near else ""


def is_sample(source: Source) -> bool:
    """Whether the sample is meant, and no folder that is called like it."""
    return source == SAMPLE and not _exists(Path(SAMPLE))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise DiptychError(f"can't read {one_line(path)}: {(error.strerror or 'error').lower()}") from error


def _list_single(path: Path) -> Listing:
    """List a ZIP, or a picture by itself."""
    head = next(_head(path), b"")
    if path.suffix.lower() == ".zip" or head.startswith(b"PK\x03\x04"):
        listing = Listing()
        return list_files(Archive(path).files(listing), listing)
    if reason := unreadable_suffix(path.name):
        raise DiptychError(f"{one_line(path)} is {reason}")
    if not looks_like_picture(path.name) and format_of(head) is None:
        raise DiptychError(
            f"{one_line(path)} is not a folder, ZIP, list of URLs (.txt), manifest (.csv, .jsonl) or picture"
        )
    return Listing([Entry(valid_name(path.name), File(path))])


def _head(path: Path) -> Iterator[bytes]:
    try:
        yield from File(path).chunks(Limits(megabytes=math.inf))
    except UnreadablePicture as error:
        raise DiptychError(f"can't read {one_line(path)}: {error}") from error


def _row(item: str | os.PathLike[str]) -> ManifestRow:
    text = os.fspath(item)
    if is_address(text):
        return ManifestRow(url=checked_address(text, "the list"))
    return ManifestRow(path=str(Path(text).expanduser()))


def _list_rows(rows: Sequence[ManifestRow], base: Path, limits: Limits, progress: Progress) -> Listing:
    """List the pictures that a list names, after downloading those on the web."""
    from diptych.images.download import download

    urls = list(dict.fromkeys(row.url for row in rows if row.url is not None))
    outcomes = {outcome.url: outcome for outcome in download(urls, max_bytes=limits.bytes, progress=progress)}
    names = _names(urls)
    listing = Listing(unit="item")
    for row in rows:
        if row.url is None:
            _add_path(listing, row, base)
            continue
        outcome = outcomes[row.url]
        if outcome.path is None:
            listing.skipped.append(Skipped(_shown(row.url), outcome.reason or "it can't be downloaded"))
        else:
            name = valid_name(row.name or names[row.url])
            listing.entries.append(Entry(name, File(outcome.path), label=row.label, caption=row.caption))
    return listing


def _add_path(listing: Listing, row: ManifestRow, base: Path) -> None:
    written = PurePath(as_on_disk(row.path or "", base))
    shown = written.name if written.is_absolute() else written.as_posix()
    name = valid_name(row.name or shown)
    if reason := unreadable_suffix(written.name):
        listing.skipped.append(Skipped(name, reason))
        return
    folder = "" if written.parent == PurePath() else valid_name(written.parent.as_posix())
    listing.entries.append(
        Entry(name, File(base / written), folder=folder, label=row.label, caption=row.caption)
    )


def _names(urls: Sequence[str]) -> dict[str, str]:
    """The file part of each address, or the whole one where two addresses share it or there is none."""
    parts = {url: unquote(urlsplit(url).path.rpartition("/")[2]) for url in urls}
    times = Counter(parts.values())
    return {url: part if part and times[part] == 1 else _shown(url) for url, part in parts.items()}


def _shown(url: str) -> str:
    """An address as it may be shown: without a name and password, and without what signs it."""
    parts = urlsplit(url)
    query = _SECRET.sub(r"\1…", parts.query)
    return valid_name(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query)))
