"""A ZIP read in place: nothing is unpacked onto the disk, and a hostile one is refused at its listing."""

from __future__ import annotations

import contextlib
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from diptych.errors import DiptychError
from diptych.images.entries import Origin, one_line
from diptych.images.formats import may_be_picture
from diptych.images.limits import Limits, UnreadablePicture, chunks

BOMB_RATIO = 100
BOMB_BYTES = 4_000_000_000
"""An archive that declares over 100 times its own size and over 4 gigabytes is a bomb.

The ratio alone would refuse plain white bitmaps, which shrink a thousandfold, and the size alone large
collections. Below 4 gigabytes even a bomb costs only seconds, as members are read a megabyte at a time.
"""

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What Python unpacks in steps of bounded size; bzip2 and LZMA may fill the memory in one."""

_UTF_8 = 0x800
_ENCRYPTED = 0x1
_CLIMBS = re.compile(r"/|[A-Za-z]:|(.*/)?\.\.(/|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Member:
    """Bytes in a ZIP."""

    archive: Archive
    info: zipfile.ZipInfo

    def chunks(self, limits: Limits) -> Iterator[bytes]:
        """See `Origin`."""
        limits.check_bytes(self.info.file_size)
        if self.info.compress_type not in _METHODS:
            raise UnreadablePicture("packed by a rare method: pack the ZIP again with the usual one, Deflate")
        try:
            yield from self.archive.chunks(self.info, limits)
        except UnreadablePicture:
            raise
        except Exception as error:  # zipfile raises many things on hostile bytes
            raise UnreadablePicture("it is damaged inside the ZIP") from error


class Archive:
    """An open ZIP.

    Args:
        path: The file.

    Raises:
        DiptychError: It is damaged, encrypted, a bomb, or has paths that climb out of it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(path)
        except PermissionError as error:
            raise DiptychError(f"{one_line(path)} can't be read: permission denied") from error
        except Exception as error:  # zipfile raises many things on hostile bytes
            raise DiptychError(f"{one_line(path)} is no ZIP, or one that is damaged or cut off") from error
        self._members = {_name(info): info for info in self._zip.infolist()}
        self._refuse_hostile(path)

    def files(self) -> dict[str, Origin]:
        """All files by their paths inside it; of two under one name the last, as unpacking would leave it."""
        members = self._members.items()
        return {
            str(PurePosixPath(name)): Member(self, info) for name, info in members if not name.endswith("/")
        }

    def chunks(self, info: zipfile.ZipInfo, limits: Limits) -> Iterator[bytes]:
        """Read one member, a megabyte at a time; several threads may, each its own."""
        with self._lock:  # the count of open members is kept without a lock
            stream = cast("BinaryIO", self._zip.open(info))
        try:
            yield from chunks(stream, limits)
        finally:
            with self._lock:
                stream.close()

    def _refuse_hostile(self, path: Path) -> None:
        packed = path.stat().st_size
        declared = sum(info.file_size for info in self._members.values())
        if declared > BOMB_BYTES and declared > BOMB_RATIO * packed:
            raise DiptychError(
                f"{one_line(path)} is refused as a ZIP bomb: it declares {declared / 1e9:.3g} gigabytes"
                f" in {packed / 1e6:.3g} megabytes"
            )
        for name, info in self._members.items():
            if _CLIMBS.match(name):
                raise DiptychError(f"{one_line(path)} is refused: its path {one_line(name)} leads out of it")
            if info.flag_bits & _ENCRYPTED and may_be_picture(name):
                raise DiptychError(f"{one_line(path)} is encrypted: unpack it and give the folder instead")


def _name(info: zipfile.ZipInfo) -> str:
    """A member's path with slashes; UTF-8 that is not declared, as macOS writes it, is taken for UTF-8."""
    name = info.filename
    if not info.flag_bits & _UTF_8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")
