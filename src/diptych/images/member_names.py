"""What the members of a ZIP are called: names are bytes, and often nothing says which letters these are.

Where nothing says it, the encoding is told by all names of a ZIP together, as one program wrote them. Names
become letters before separators are looked for: the second byte of a Shift-JIS, GBK or Big5 letter may be the
one that is a backslash by itself.
"""

from __future__ import annotations

import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Sequence

from diptych.errors import DiptychWarning

_UTF_8 = 0x800
"""The flag that says so (APPNOTE.TXT, 4.4.4, bit 11)."""

_UNICODE_PATH = 0x7075
"""Info-ZIP's extra field: the name in UTF-8, beside a check sum of the bytes it stands for (4.6.9)."""

_ENCODINGS = ("cp437", "cp932", "cp949", "gb18030", "big5", "cp1252", "cp850", "cp866", "cp1251")
"""What programs write names in, first the one that ZIP was made with: it is taken where others do as well."""

_ODD = re.compile(
    "[\uff61-\uff9f]|[\uac00-\ud7a3].*[\u4e00-\u9fff]|[\u4e00-\u9fff].*[\uac00-\ud7a3]", re.DOTALL
)
"""What Chinese becomes in a wrong encoding and people hardly write: half-width katakana, Hangul with Han."""

_ENOUGH = 1 << 16
"""Bytes of names by which an encoding is told."""


def member_names(infos: Sequence[zipfile.ZipInfo], archive: str) -> list[str]:
    """The names of a ZIP's members, with slashes between folders.

    Args:
        infos: The members, with names as `zipfile` reads them: what is not declared UTF-8 by code page 437.
        archive: What to call the ZIP in the warning that its names' encoding was guessed.
    """
    names = [_told(info) for info in infos]
    unknown = [_raw(info) for info, name in zip(infos, names, strict=True) if name is None]
    encoding = _guessed(unknown) if unknown else ""
    if encoding not in {"", "cp437"}:
        warnings.warn(
            f"{archive} does not say what its names are written in; they are read as {encoding}",
            DiptychWarning,
            stacklevel=2,
        )
    whole = (
        _raw(info).decode(encoding) if name is None else name for info, name in zip(infos, names, strict=True)
    )
    return [name.replace("\\", "/") for name in whole]


def _told(info: zipfile.ZipInfo) -> str | None:
    """A name that needs no guess; UTF-8 that is not declared, as macOS writes it, is taken for UTF-8."""
    if info.flag_bits & _UTF_8:
        return info.filename
    raw = _raw(info)
    try:
        return _unicode_path(info.extra, raw) or raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _raw(info: zipfile.ZipInfo) -> bytes:
    """The bytes of a name that is not declared UTF-8; `zipfile` gives each of the 256 a letter of its own."""
    return info.orig_filename.encode("cp437").partition(b"\0")[0]


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in Info-ZIP's field, where that is there and about this very name."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        if kind == _UNICODE_PATH and len(field) > 5:
            version, checked = struct.unpack_from("<BI", field)
            if version == 1 and checked == zlib.crc32(raw):
                return field[5:].decode("utf-8")
        at += 4 + length
    return None


def _guessed(names: Sequence[bytes]) -> str:
    """The encoding that makes the most sense of all names together, and can read them all."""
    from charset_normalizer import from_bytes

    sample = b"\n".join(names)[:_ENOUGH].rpartition(b"\n")
    matches = {
        match.encoding: (match.chaos, -match.coherence, bool(_ODD.search(str(match))))
        for match in from_bytes(sample[0] or sample[2], cp_isolation=list(_ENCODINGS), enable_fallback=False)
    }
    for encoding in sorted(matches, key=lambda name: (matches[name], _ENCODINGS.index(name))):
        if all(_decodes(name, encoding) for name in names):
            return encoding
    return "cp437"


def _decodes(name: bytes, encoding: str) -> bool:
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
