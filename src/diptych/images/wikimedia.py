"""Wikimedia's rules for tools that fetch pictures: whose servers they are, and which thumbnails exist.

Thumbnails come in fixed widths and any other is refused (https://www.mediawiki.org/wiki/Common_thumbnail_sizes);
originals come as they are.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

WIDTHS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)
"""The widths, in pixels, that thumbnails come in."""

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".webp"})
"""Originals that are pictures; of any other (SVG, PDF, video) only the thumbnail is one."""

_DOMAINS = ("wikimedia.org", "wikipedia.org")

_THUMBNAIL = re.compile(
    r"(?P<site>/[^/]+/[^/]+)/thumb"
    r"(?P<original>/(?:archive/)?[0-9a-f]/[0-9a-f]{2}/[^/]+)"
    # "640px-Name.jpg" or "lossy-page1-640px-Name.tif.jpg"; the first width counts, as names may hold others
    r"/(?P<before>(?:[^/]*?-)??)(?P<width>\d{1,9})px-(?P<after>[^/]+)"
)


def is_wikimedia(host: str) -> bool:
    """Whether a host is Wikimedia's."""
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in _DOMAINS)


def addresses(url: str) -> list[str]:
    """Where to ask for the picture at `url`, best first.

    Args:
        url: A well-formed web address.

    Returns:
        For a thumbnail: the thumbnail in the next larger width there is, then the original where that is
        a picture; only the original beyond the largest width. For anything else: `url` itself.
    """
    parts = urlsplit(url)
    found = _THUMBNAIL.fullmatch(parts.path)
    if found is None or (parts.hostname or "").rstrip(".") != "upload.wikimedia.org":
        return [url]
    originals = []
    if PurePosixPath(found["original"]).suffix.lower() in PICTURES:
        originals = [parts._replace(path=found["site"] + found["original"]).geturl()]
    wanted = int(found["width"])
    if originals and wanted > WIDTHS[-1]:
        return originals
    width = next((step for step in WIDTHS if step >= wanted), WIDTHS[-1])
    path = f"{found['site']}/thumb{found['original']}/{found['before']}{width}px-{found['after']}"
    return [parts._replace(path=path).geturl(), *originals]
