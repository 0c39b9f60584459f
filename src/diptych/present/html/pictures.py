"""The pictures that a report carries: each once, small enough to send, large enough to look at."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from diptych.errors import DiptychError
from diptych.images import Collection, UnreadablePicture, open_collection
from diptych.images.sources import holds_pictures
from diptych.images.thumbnail import THUMBNAIL_BOX
from diptych.result import Comparison, QueryResult

LARGE_BOX = (480, 360)
"""Pixels of an embedded picture: about 18 kB of a photograph, so that 300 of them make 7 MB of page."""

MOST_CONTRADICTIONS = 24
"""So many pictures that were judged both ways are shown."""

MOST_LARGE = 400
"""Of more pictures than this a report carries thumbnails only, so that it can still be sent and opened."""

_HELD = re.compile(r"data:image/(?:jpeg|png|gif|webp);base64,([A-Za-z0-9+/]+={0,2})")
"""A small picture within a comparison; an SVG is none, as it can hold anything."""

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")

_THREADS = 4
_QUALITY = 72


@dataclass(frozen=True)
class Embedded:
    """A picture's copy in the page.

    Attributes:
        anchor: Its id in the page, which all its uses refer to.
        uri: The copy; None where the picture is gone or can't be read.
        width: Pixels of the copy.
        height: The same.
    """

    anchor: str
    uri: str | None = None
    width: int = 1
    height: int = 1


def embed_pictures(comparison: Comparison) -> dict[str, Embedded]:
    """Copies of every picture that the report shows, by image id."""
    ids = shown(comparison)
    return copies(comparison, ids, LARGE_BOX if len(ids) <= MOST_LARGE else THUMBNAIL_BOX)


def shown(comparison: Comparison) -> list[str]:
    """The ids of every picture that the report shows."""
    return list(dict.fromkeys(_shown(comparison)))


def copies(
    comparison: Comparison, image_ids: Sequence[str], box: tuple[int, int], quality: int = _QUALITY
) -> dict[str, Embedded]:
    """Copies of these pictures that fit into a box, by image id."""
    collection = comparison.collection or _reopened(comparison.source)
    outside = {
        query.image_id: (query.thumbnail, size)
        for query in comparison.queries
        if query.image_id and query.thumbnail and (size := _size(query.thumbnail))
    }

    def embedded(numbered: tuple[int, str]) -> Embedded:
        number, image_id = numbered
        if image_id in outside:
            uri, size = outside[image_id]
            return Embedded(f"p{number}", uri, *size)
        return _embedded(f"p{number}", _copy(collection, image_id, box, quality))

    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(image_ids, pool.map(embedded, enumerate(image_ids)), strict=True))


def _shown(comparison: Comparison) -> Iterator[str]:
    for query in comparison.queries:
        yield from _shown_for(query)
    if comparison.relevance is not None:
        yield from (each.id for each in comparison.relevance.contradictions[:MOST_CONTRADICTIONS])
    for spaces in comparison.overall.spaces:
        yield from (image.id for image in spaces.disputed)
    for bank in comparison.overall.banks.values():
        yield from (hub.id for hub in bank.hubs)


def _shown_for(query: QueryResult) -> Iterator[str]:
    if query.image_id is not None:
        yield query.image_id
    for hits in query.rankings.values():
        yield from (hit.id for hit in hits)
    for pair in query.agreement:
        yield from (image.id for image in pair.disputed[:1])
    for contrast in query.contrast.values():
        yield from (won.id for won in contrast.won)


def _reopened(source: str) -> Collection | None:
    """The collection, where it is a folder or a ZIP that is still there: a list would make us ask the web."""
    try:
        return open_collection(source) if holds_pictures(source) else None
    except (DiptychError, OSError, ValueError):
        return None  # the pictures have moved; the page shows their names


def _copy(
    collection: Collection | None, image_id: str, box: tuple[int, int], quality: int
) -> tuple[bytes, int, int] | None:
    """A small whole WebP of a picture, with its size."""
    picture = collection.find(image_id) if collection is not None else None
    if collection is None or picture is None:
        return None
    try:
        with collection.decoded(picture) as image:
            image.thumbnail(box, reducing_gap=2.0)
    except UnreadablePicture:
        return None
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality)
    return buffer.getvalue(), image.width, image.height


def _embedded(anchor: str, copy: tuple[bytes, int, int] | None) -> Embedded:
    if copy is None:
        return Embedded(anchor)
    data, width, height = copy
    return Embedded(anchor, "data:image/webp;base64," + base64.b64encode(data).decode("ascii"), width, height)


def _size(uri: str) -> tuple[int, int] | None:
    """The size of a picture that a saved comparison holds; None where it is not one but, say, an address.

    A comparison may be anyone's: what it holds goes into a page only where nothing can come of showing it.
    """
    held = _HELD.fullmatch(uri)
    try:
        return Image.open(io.BytesIO(base64.b64decode(held[1])), formats=_FORMATS).size if held else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
