"""Which files are pictures, told by suffix and first bytes, and what the others are."""

from __future__ import annotations

import mimetypes
import re
import struct
from functools import lru_cache

_PICTURE_SUFFIX = re.compile(
    r"\.(jpe?g|jpe|jfif|pjpeg|mpo|a?png|gif|webp|avifs?|hei[cf]s?|hif|bmp|dib|tiff?|jp2|j2[kc]|jp[fxc]|psd|p[pgbnf]m)"
)
"""What calls itself a picture that can be read here."""

_RAW = "a camera raw file, which is not read here: export it as JPEG or TIFF"
_DRAWING = "a drawing without pixels, which is not read here: export it as PNG"
_CONVERT = "a kind of picture that is not read here: convert it to PNG or JPEG"

_UNREADABLE_SUFFIXES = [
    (
        re.compile(
            r"\.(cr[23w]|n[er][fw]|arw|sr[f2w]|dng|raf|orf|rw[2l]|pef|x3f|raw|3fr|erf|kdc|mrw|iiq|mef|dcr)"
        ),
        _RAW,
    ),
    (re.compile(r"\.(svgz?|epsf?|wmf|emf)"), _DRAWING),
    (re.compile(r"\.(ico|icns|cur|tga|jxl|xcf|psb|exr|hdr|dds|qoi|pcx)"), _CONVERT),
]

_FTYP_AVIF = {b"avif", b"avis"}
_FTYP_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}

_SIGNATURES = [
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("WebP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]")),
    ("JPEG 2000", re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51")),
    ("PSD", re.compile(rb"8BPS\x00\x01")),
    ("PNM", re.compile(rb"P[1-6]\s+[#0-9]|P[fF]\s+[0-9]")),
]

_OTHERS = [
    (re.compile(rb"(<!doctype html|<html|<head|<body)"), "a web page, not a picture"),
    (re.compile(rb"<svg|<\?xml.*<svg", re.DOTALL), _DRAWING),
    (re.compile(rb"%!ps|\xc5\xd0\xd3\xc6"), _DRAWING),
    (re.compile(rb"%pdf"), "a PDF document, not a picture: export its pages as PNG"),
    (re.compile(rb"pk\x03\x04"), "a ZIP archive, not a picture"),
    (re.compile(rb"....ftypcrx ", re.DOTALL), _RAW),
    (re.compile(rb"....ftyp|\x1a\x45\xdf\xa3", re.DOTALL), "a video, not a picture"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cjxl "), _CONVERT),
]
"""Signatures in lower case, as `why_not` looks for them."""


def format_of(head: bytes) -> str | None:
    """Tell a picture's format by its first bytes (64 suffice), or None where it can't be read here."""
    for name, signature in _SIGNATURES:
        if signature.match(head):
            return name
    if head[4:8] == b"ftyp":
        return _ftyp_format(head)
    if head[:2] == b"BM" and len(head) >= 18 and struct.unpack_from("<I", head, 14)[0] in _BMP_HEADERS:
        return "BMP"
    return None


def _ftyp_format(head: bytes) -> str | None:
    """Tell AVIF from HEIF from a video: the major brand decides, and for `mif1` the compatible ones."""
    (length,) = struct.unpack_from(">I", head)
    compatible = {head[at : at + 4] for at in range(16, min(length, len(head) - 3), 4)}
    major = head[8:12]
    if major in _FTYP_AVIF or (major in {b"mif1", b"msf1"} and compatible & _FTYP_AVIF):
        return "AVIF"
    return "HEIF" if major in _FTYP_HEIF else None


def why_not(head: bytes) -> str:
    """Say in words why a file that starts with `head` is not a picture that can be read here."""
    if not head:
        return "the file is empty"
    start = head[:4096].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").lower()
    for signature, reason in _OTHERS:
        if signature.match(start):
            return reason
    return "not a picture in a format that can be read here"


def looks_like_picture(name: str) -> bool:
    """Whether a file or path, by its suffix, calls itself a picture that can be read here."""
    return _is_picture(_suffix(name))


@lru_cache(maxsize=1024)
def _is_picture(ending: str) -> bool:
    return _PICTURE_SUFFIX.fullmatch(ending) is not None


def unreadable_suffix(name: str) -> str | None:
    """Say why a file of this name can't be read although it is a picture, or None."""
    return _unreadable(_suffix(name))


@lru_cache(maxsize=1024)
def _unreadable(ending: str) -> str | None:
    return next((why for suffix, why in _UNREADABLE_SUFFIXES if suffix.fullmatch(ending)), None)


def may_be_picture(name: str) -> bool:
    """Whether a file's name leaves open that it is a picture: no suffix, an unknown one, or a picture's.

    Text, sound, video, documents and archives are told by their suffix and never opened.
    """
    return _may_be(_suffix(name))


@lru_cache(maxsize=1024)
def _may_be(ending: str) -> bool:
    # The built-in table only: what the machine's mime.types says must not decide what a collection holds.
    kind, packed = _MIME.guess_type(f"name{ending}")
    unknown = kind is None and packed is None
    return unknown or kind == "application/octet-stream" or (kind or "").startswith("image/")


_MIME = mimetypes.MimeTypes()


def split_suffix(name: str) -> tuple[str, str]:
    """The stem and the suffix of the last part of a path, as `PurePosixPath` tells them.

    Where there are a million names, making a path of each takes longer than all else that is done with it.
    """
    last = name.rstrip("/").rpartition("/")[2]
    dot = last.rfind(".")
    return (last[:dot], last[dot:]) if 0 < dot < len(last) - 1 else (last, "")


def _suffix(name: str) -> str:
    return split_suffix(name)[1].lower()
