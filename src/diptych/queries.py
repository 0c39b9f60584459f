"""Queries to a collection: a text, or a picture from inside or outside the collection."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from diptych.errors import DiptychError
from diptych.images import Collection, Limits, UnreadablePicture, decode, looks_like_picture
from diptych.images.entries import as_on_disk
from diptych.text import nearest, printable


@dataclass(frozen=True)
class TextQuery:
    """A text to search with.

    Attributes:
        kind: "text".
        text: The text.
    """

    kind: ClassVar[Literal["text"]] = "text"
    text: str

    @property
    def name(self) -> str:
        """What to call it: the text itself."""
        return self.text

    @cached_property
    def id(self) -> str:
        """What its vector is filed under: the SHA-256 of the text's UTF-8, in hexadecimal."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def key(self) -> tuple[str, str]:
        """Tells it from every other query."""
        return self.kind, self.id

    def __str__(self) -> str:
        return repr(textwrap.shorten(self.text, 60, placeholder="…"))


@dataclass(frozen=True)
class ImageQuery:
    """A picture to search with.

    Attributes:
        kind: "image".
        name: What to call it.
        id: What its vector is filed under: the SHA-256 of its bytes, in hexadecimal.
        image: Upright RGB pixels.
        names: Its names in the collection, where it is one of its pictures.
    """

    kind: ClassVar[Literal["image"]] = "image"
    name: str
    id: str
    image: Image.Image
    names: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Tells it from every other query."""
        return self.kind, self.id

    def __str__(self) -> str:
        return self.name


_PNG = {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}  # what each format keeps as it is
_TIFF = {"I", "F", "CMYK", "LAB"}

Query: TypeAlias = TextQuery | ImageQuery
Askable: TypeAlias = str | Path | Image.Image | NDArray[np.generic] | TextQuery | ImageQuery
"""What a person may ask with: a text, the path of a picture, the name of one in the collection, or pixels."""

_PICTURE = "image:"
"""What a person writes before a picture's name or path where it might be taken for a text."""


class _NoSuchPicture(DiptychError):
    """What a text calls a picture is none."""


def texts_among(queries: Iterable[Query]) -> list[TextQuery]:
    """The text queries among some queries, in their order."""
    return [query for query in queries if query.kind == "text"]


def text_query(text: str) -> TextQuery:
    """A text query.

    Raises:
        DiptychError: The text is blank.
    """
    if not text.strip():
        raise DiptychError("a query is empty: write what to search for")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DiptychError(f"a query is not valid Unicode text: {printable(text)}") from error
    return TextQuery(text)


def image_query(path: Path, limits: Limits = Limits()) -> ImageQuery:
    """A picture file as a query.

    Raises:
        DiptychError: The file can't be read as a picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DiptychError(f"can't read the query picture {path}: {error.strerror}") from error
    return _from_bytes(data, str(path), limits)


def as_query(asked: Askable, collection: Collection) -> Query:
    """Make out what a person asks with.

    A string is a picture where it begins with `image:`, or ends as picture files do (`.jpg`) and is the name
    of one in the collection or the path of a file; otherwise it is a text, also where a picture has that
    name. One that looks like a picture's path but leads nowhere is an error, not a text.

    Raises:
        DiptychError: There is no such picture or several, it can't be read, or the text is blank.
    """
    query = _make_query(asked, collection)
    if query.kind == "image" and (inside := collection.find(query.id)):
        return dataclasses.replace(query, names=(inside.name, *inside.aliases))
    return query


def _make_query(asked: Askable, collection: Collection) -> Query:
    if isinstance(asked, (TextQuery, ImageQuery)):
        return asked
    if isinstance(asked, Path):
        return image_query(asked, collection.limits)
    if isinstance(asked, str):
        return _from_words(asked, collection)
    return _from_pixels(asked, collection.limits)


def _from_words(asked: str, collection: Collection) -> Query:
    if asked.startswith(_PICTURE):
        return _picture_called(asked.removeprefix(_PICTURE).strip(), collection)
    if looks_like_picture(asked):
        try:
            return _picture_called(asked, collection)
        except _NoSuchPicture:
            if " " not in asked:
                raise
    return text_query(asked)


def _picture_called(name: str, collection: Collection) -> ImageQuery:
    """The picture of the collection that has this name, or else the file at this path."""
    named = collection.called(name)
    if len(named) > 1:
        raise DiptychError(f"several pictures are called {printable(name)!r}: give the path of one")
    if named:
        return _from_bytes(collection.read(named[0]), named[0].name, collection.limits)
    path = Path(as_on_disk(name))
    if name and path.is_file():
        return image_query(path, collection.limits)
    near = nearest(name, [picture.name for picture in collection.pictures])
    meant = f"; did you mean {printable(near)}?" if near else ""
    raise _NoSuchPicture(
        f"there is no picture {printable(name)!r}, neither as a file nor in the collection{meant}"
    )


def _from_pixels(asked: Image.Image | NDArray[np.generic], limits: Limits) -> ImageQuery:
    image = asked if isinstance(asked, Image.Image) else _from_array(asked)
    upright = ImageOps.exif_transpose(image)
    if upright.mode not in _PNG | _TIFF:
        upright = upright.convert({"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}.get(upright.mode, "RGB"))
    buffer = io.BytesIO()
    upright.save(buffer, "PNG" if upright.mode in _PNG else "TIFF")
    return _from_bytes(buffer.getvalue(), "a picture", limits)


def _from_array(array: NDArray[np.generic]) -> Image.Image:
    pixels = np.asarray(array)
    if np.issubdtype(pixels.dtype, np.floating) and np.isfinite(pixels).all():
        pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    if (
        pixels.size == 0
        or pixels.dtype != np.uint8
        or pixels.ndim not in (2, 3)
        or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4))
    ):
        raise DiptychError(
            "an array as a query must be height × width (× 3 or 4), uint8 or floats from 0 to 1;"
            f" this one is {pixels.dtype} of shape {pixels.shape}"
        )
    return Image.fromarray(pixels)


def _from_bytes(data: bytes, name: str, limits: Limits) -> ImageQuery:
    try:
        image = decode(data, limits)
    except UnreadablePicture as error:
        raise DiptychError(f"the query picture {name} can't be used: {error}") from error
    return ImageQuery(name, hashlib.sha256(data).hexdigest(), image)
