"""A ZIP read in place: nothing is unpacked onto the disk, and a hostile one is refused at its listing."""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from diptych.errors import DiptychError
from diptych.images.entries import Listing, Origin, Skipped, one_line, valid_name
from diptych.images.formats import may_be_picture
from diptych.images.limits import Limits, UnreadablePicture, chunks
from diptych.images.member_names import member_names

BOMB_RATIO = 100
BOMB_BYTES = 4_000_000_000
"""An archive that declares over 100 times its own size and over 4 gigabytes is a bomb.

The ratio alone would refuse plain white bitmaps, which shrink a thousandfold, and the size alone large
collections. Below 4 gigabytes even a bomb costs only seconds, as members are read a megabyte at a time.
"""

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What Python unpacks in steps of bounded size; bzip2 and LZMA may fill the memory in one."""

_ENCRYPTED = 0x1
_WHY_ENCRYPTED = "encrypted: unpack the ZIP and give the folder instead"
_REPLACED = "another file of the same name comes after it in the ZIP"
_CLIMBS = re.compile(r"/|[A-Za-z]:/|(.*/)?\.\.(/|$)", re.DOTALL)


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

    def size(self) -> int:
        """See `Origin`: more than a member declares, none gives."""
        return self.info.file_size


class Archive:
    """An open ZIP.

    Args:
        path: The file.

    Raises:
        DiptychError: It is damaged, a bomb, or has paths that climb out of it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(path)
        except PermissionError as error:
            raise DiptychError(f"{one_line(path)} can't be read: permission denied") from error
        except Exception as error:  # zipfile raises many things on hostile bytes
            raise DiptychError(f"{one_line(path)} is not a ZIP, or one that is damaged or cut off") from error
        infos = self._zip.infolist()
        self._members = list(zip(member_names(infos, one_line(path)), infos, strict=True))
        self._refuse_hostile(path)

    def files(self, listing: Listing) -> dict[str, Origin]:
        """All files by their paths inside it; of two under one name the last, as unpacking would leave it.

        Args:
            listing: The others are added to what it passes over, encrypted members to the skipped ones.
        """
        files: dict[str, Origin] = {}
        for name, info in self._members:
            path = str(PurePosixPath(name))
            if name.endswith("/"):
                continue
            if info.flag_bits & _ENCRYPTED and may_be_picture(name):
                listing.skipped.append(Skipped(valid_name(path), _WHY_ENCRYPTED))
                continue
            if path in files:
                listing.pass_over(path, _REPLACED)
            files[path] = Member(self, info)
        return files

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
        declared = sum(info.file_size for _, info in self._members)
        if declared > BOMB_BYTES and declared > BOMB_RATIO * packed:
            raise DiptychError(
                f"{one_line(path)} is refused as a ZIP bomb: it declares {declared / 1e9:.3g} gigabytes"
                f" in {packed / 1e6:.3g} megabytes"
            )
        for name, _ in self._members:
            if _CLIMBS.match(name):
                raise DiptychError(f"{one_line(path)} is refused: its path {one_line(name)} leads out of it")
