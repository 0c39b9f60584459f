"""Pictures that the page shows: those of the collection and those brought from outside, by id alone."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import threading
from contextlib import suppress
from dataclasses import dataclass, replace

from cachetools import LRUCache
from PIL import Image

from diptych.errors import DiptychError
from diptych.images import Collection, Limits, UnreadablePicture, decode
from diptych.images.thumbnail import THUMBNAIL_BOX
from diptych.queries import ImageQuery
from diptych.text import printable

BOXES = {"thumbnail": THUMBNAIL_BOX, "row": (960, 480), "large": (1600, 1200)}
"""The sizes that are sent: whole copies without metadata, never the file itself; `row` for the gallery."""

_QUALITY = {"thumbnail": 80, "row": 82, "large": 85}
_UNKNOWN = (4, 3)
_COPIES = 64_000_000
_OUTSIDE = 128_000_000
"""Bytes of copies, and of pictures from outside, that are kept in memory."""

_MOST_MEGAPIXELS, _MOST_MEGABYTES = 100.0, 32.0
_DECODED = 60_000_000
"""Pixels of pictures that were asked with and are remembered."""

AT_ONCE = 2
"""How many pictures are in memory as pixels at the same time, whoever asks, beside those remembered."""

_LONGEST_NAME = 200


@dataclass(frozen=True)
class BroughtPicture:
    """A picture that somebody brought.

    Attributes:
        id: The SHA-256 of its bytes.
        name: What it is called.
        inside: Whether it is in the collection.
    """

    id: str
    name: str
    inside: bool


class Pictures:
    """The pictures of one page; safe to use from several threads.

    Args:
        collection: Its own.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        limits = collection.limits
        self.limits = replace(
            limits,
            megapixels=min(limits.megapixels, _MOST_MEGAPIXELS),
            megabytes=min(limits.megabytes, _MOST_MEGABYTES),
        )
        self._outside: LRUCache[str, tuple[str, bytes]] = LRUCache(
            _OUTSIDE, getsizeof=lambda kept: len(kept[1])
        )
        self._copies: LRUCache[tuple[str, str], bytes] = LRUCache(_COPIES, getsizeof=len)
        self._sizes: dict[str, tuple[int, int]] = {}
        self._decoded: LRUCache[str, ImageQuery] = LRUCache(
            _DECODED, getsizeof=lambda query: query.image.width * query.image.height
        )
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()

    def add(self, data: bytes, name: str) -> BroughtPicture:
        """Take in a picture from outside.

        Raises:
            UnreadablePicture: It can't be read, or is too large.
        """
        image_id = hashlib.sha256(data).hexdigest()
        picture = self._collection.find(image_id)
        if picture is not None:
            return BroughtPicture(image_id, picture.name, inside=True)
        self.limits.check_bytes(len(data))
        shown = printable(name.strip())[:_LONGEST_NAME] or "a picture from outside"
        with self._turns:
            self._remember(ImageQuery(shown, image_id, decode(data, self.limits)))
        with self._lock:
            self._outside[image_id] = (shown, data)
        return BroughtPicture(image_id, shown, inside=False)

    def query(self, image_id: str) -> ImageQuery:
        """A picture as a query.

        Raises:
            DiptychError: There is no such picture here, or it can't be read any more.
        """
        with self._lock:
            if image_id in self._decoded:
                return self._decoded[image_id]
        picture = self._collection.find(image_id)
        name, data, limits = self._read(image_id)
        try:
            with self._turns:
                query = ImageQuery(name, image_id, decode(data, limits))
        except UnreadablePicture as error:
            raise DiptychError(f"the picture {name} can't be used: {error}") from error
        if picture is not None:
            query = dataclasses.replace(query, names=(picture.name, *picture.aliases))
        return self._remember(query)

    def name(self, image_id: str) -> str | None:
        """What a picture is called; None where there is no such picture here."""
        picture = self._collection.find(image_id)
        if picture is not None:
            return picture.name
        with self._lock:
            return self._outside[image_id][0] if image_id in self._outside else None

    def size(self, image_id: str) -> tuple[int, int]:
        """Width and height of a picture's copy, for its shape; 4 to 3 where none was made yet.

        Nothing is decoded for it: a list of a hundred pictures must not wait for them.
        """
        return self._sizes.get(image_id, _UNKNOWN)

    def kept(self, image_id: str, size: str) -> bytes | None:
        """A copy that was made before; None where it is not kept."""
        with self._lock:
            return self._copies.get((image_id, size))

    def copy(self, image_id: str, size: str) -> bytes:
        """A copy of a picture as a JPEG, in one of the sizes of `BOXES`.

        Raises:
            DiptychError: There is no such picture here, or it can't be read any more.
        """
        key = (image_id, size)
        with self._turns:
            if (kept := self.kept(image_id, size)) is not None:
                return kept
            name, data, limits = self._read(image_id)
            try:
                image = decode(data, limits)
                made = _jpeg(image, size)
            except UnreadablePicture as error:
                raise DiptychError(f"the picture {name} can't be shown: {error}") from error
        with self._lock:
            self._sizes[image_id] = image.size
            self._copies[key] = made
        return made

    def _read(self, image_id: str) -> tuple[str, bytes, Limits]:
        picture = self._collection.find(image_id)
        if picture is not None:
            try:
                return picture.name, self._collection.read(picture), self._collection.limits
            except UnreadablePicture as error:
                raise DiptychError(f"the picture {picture.name} can't be shown: {error}") from error
        with self._lock:
            if image_id in self._outside:
                return *self._outside[image_id], self.limits
        raise DiptychError("there is no such picture here; bring it again if it came from outside")

    def _remember(self, query: ImageQuery) -> ImageQuery:
        with (
            self._lock,
            suppress(ValueError),
        ):  # larger than all the room there is: decoded again when asked for
            self._decoded[query.id] = query
        return query


def _jpeg(image: Image.Image, size: str) -> bytes:
    image.thumbnail(BOXES[size], Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY[size])
    return buffer.getvalue()
