"""Pictures put into a folder, as copies or links: no name leads out of it, and no file is overwritten."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from diptych.errors import DiptychError
from diptych.files import write_whole
from diptych.images import Collection, Picture, looks_like_picture
from diptych.images.outputs import make_output_folder
from diptych.text import printable

_NOT_IN_NAMES = re.compile(r'[\ufffd/\\:*?"<>|]+')
"""What some file system takes for more than a letter, and what could not be shown."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever follows the dot."""

_LONGEST = 150  # bytes; file systems take 255, and a mark may be added


class PictureFolder:
    """A folder that pictures are put into.

    Args:
        folder: Where; made where there is none.
        collection: Where the pictures are from.
        categories: Texts; several have a folder each inside the folder.
        link: Whether to make symbolic links to the pictures' files rather than copies.

    Raises:
        DiptychError: The folder can't be made, or a link is wanted to what is not a file.
    """

    def __init__(
        self, folder: Path, collection: Collection, categories: Sequence[str], *, link: bool
    ) -> None:
        self._collection, self._link = collection, link
        several = len(set(categories)) > 1
        self._folders = _folders(folder, categories) if several else dict.fromkeys(categories, folder)
        for picture in collection.pictures if link else ():
            self._target(picture)
        _make(folder, marked=True)

    def put(self, picture: Picture, category: str) -> Path:
        """Put a picture there; one that is there already, from an earlier run, stays.

        Returns:
            Its file.

        Raises:
            UnreadablePicture: Its bytes can't be read any more, or are others now.
            DiptychError: It can't be written.
        """
        folder = self._folders[category]
        _make(folder)
        path = PurePosixPath(picture.name)
        suffix = path.suffix if looks_like_picture(path.name) else ""
        stem = safe_name(path.name.removesuffix(suffix))
        for name in (stem, f"{stem}-{picture.id[:8]}", f"{stem}-{picture.id}"):
            file = folder / f"{name}{suffix}"
            if self._made(file, picture) or self._is_there(file, picture):
                return file
        raise DiptychError(f"can't write {printable(str(file))}: other files have its names")

    def _made(self, file: Path, picture: Picture) -> bool:
        """Make the file, unless something has its name."""
        if os.path.lexists(file):
            return False
        try:
            if self._link:
                file.symlink_to(self._target(picture))
            else:
                write_whole(file, self._collection.read(picture), new=True)
        except FileExistsError:
            return False
        except OSError as error:
            raise DiptychError(f"can't write {printable(str(file))}: {error.strerror}") from error
        return True

    def _is_there(self, file: Path, picture: Picture) -> bool:
        if self._link:
            return file.is_symlink() and file.readlink() == self._target(picture)
        try:
            return hashlib.sha256(file.read_bytes()).hexdigest() == picture.id
        except OSError:  # a folder, or what nobody may read
            return False

    def _target(self, picture: Picture) -> Path:
        file = self._collection.file(picture)
        if file is None:
            raise DiptychError(
                f"{printable(picture.name)} is inside an archive: copy it, links lead to files"
            )
        return Path(os.path.abspath(file))  # noqa: PTH100 (a link to the name given, not to where it leads)


def safe_name(text: str, otherwise: str = "picture") -> str:
    """A part of a file name on any system: no separator, no device, no hidden file, not too long."""
    name = _NOT_IN_NAMES.sub("_", printable(unicodedata.normalize("NFC", text))).lstrip(". ").rstrip(". ")
    name = name.encode()[:_LONGEST].decode(errors="ignore")
    return f"_{name}" if _DEVICES.match(name) else name or otherwise


def _folders(folder: Path, categories: Sequence[str]) -> dict[str, Path]:
    """A folder for each, all different, also where upper and lower case are one."""
    folders: dict[str, Path] = {}
    for category in dict.fromkeys(categories):
        name, number = safe_name(category), 2
        taken = {other.name.casefold() for other in folders.values()}
        numbered = name
        while numbered.casefold() in taken:
            numbered, number = f"{name}-{number}", number + 1
        folders[category] = folder / numbered
    return folders


def _make(folder: Path, *, marked: bool = False) -> None:
    try:
        if marked:
            make_output_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiptychError(f"can't make the folder {printable(str(folder))}: {error.strerror}") from error
