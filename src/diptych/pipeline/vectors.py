"""Vectors as the store has them or as an embedder returned them, checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diptych.embedders.base import (
    Embedder,
    EmbedderInfo,
    PrecomputedImages,
    Vectors,
)
from diptych.errors import DiptychError
from diptych.images import Picture
from diptych.pipeline.threads import batched
from diptych.store.vectors import Kind, Store

_AT_ONCE = 4_000
"""Vectors made elsewhere that are handed on together."""


@dataclass(frozen=True, kw_only=True)
class NamedVectors:
    """One embedder's vectors with what they are of, row by row.

    Attributes:
        names: The pictures' names.
        ids: The pictures' ids.
        vectors: Shape (len(names), dimension), float32.
        texts: The query texts, and those of the null bank.
        text_vectors: Shape (len(texts), dimension), float32.
    """

    names: list[str]
    ids: list[str]
    vectors: Vectors
    texts: list[str]
    text_vectors: Vectors


def image_vectors(pictures: Sequence[Picture], embedder: Embedder, store: Store) -> Vectors:
    """The vectors of pictures that `embed_images` has filled in; shape (n, dimension), float32."""
    if isinstance(embedder, PrecomputedImages):
        return np.stack([looked_up(embedder, p.id, (p.name, *p.aliases)) for p in pictures])
    return stored(embedder.info, "image", [picture.id for picture in pictures], store)


def iter_vectors(
    pictures: Sequence[Picture], embedder: Embedder, store: Store
) -> Iterator[tuple[NDArray[np.intp], Vectors]]:
    """The vectors that there are of pictures by now, some thousand at a time.

    Yields:
        Which pictures these are, by their places in `pictures`, and their vectors: shape (places, dimension),
        float32.

    Raises:
        DiptychError: They have another dimension than the embedder says.
    """
    if not isinstance(embedder, PrecomputedImages):
        for places, vectors in store.iter_stored(
            embedder.info.fingerprint, "image", [p.id for p in pictures]
        ):
            yield places, _of_dimension(vectors, embedder.info)
        return
    for some in batched(_looked_up_there(pictures, embedder), repeat(_AT_ONCE)):
        yield np.array([place for place, _ in some]), np.stack([vector for _, vector in some])


def _looked_up_there(
    pictures: Sequence[Picture], embedder: PrecomputedImages
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for place, picture in enumerate(pictures):
        with suppress(ValueError):
            yield place, looked_up(embedder, picture.id, (picture.name, *picture.aliases))


def looked_up(embedder: PrecomputedImages, image_id: str, names: Sequence[str]) -> NDArray[np.float32]:
    """A picture's vector among those made elsewhere.

    Raises:
        ValueError: There is none.
    """
    vector = embedder.find_image(image_id, names)
    if vector is None:
        raise ValueError("has no vector")
    row: NDArray[np.float32] = checked([vector], 1, embedder.info.dimension)[0]
    return row


def stored(info: EmbedderInfo, kind: Kind, items: Sequence[str], store: Store) -> Vectors:
    """The vectors of items that the store has; shape (n, dimension), float32.

    Raises:
        DiptychError: They have another dimension than the embedder says.
    """
    vectors = store.get(info.fingerprint, kind, items)
    return _of_dimension(vectors, info) if items else vectors


def _of_dimension(vectors: Vectors, info: EmbedderInfo) -> Vectors:
    if vectors.shape[1] != info.dimension:
        raise DiptychError(
            f"{info.name} says its vectors have {info.dimension} numbers, those stored under its fingerprint"
            f" have {vectors.shape[1]}: a fingerprint must change with the vectors"
        )
    return vectors


def checked(vectors: Any, count: int, dimension: int) -> Vectors:
    """Make sure that an embedder returned what the contract says.

    Returns:
        The vectors as float32, shape (count, dimension).

    Raises:
        ValueError: The shape is another, or a number is not finite.
    """
    array = np.asarray(vectors, np.float32)
    if array.shape != (count, dimension):
        raise ValueError(f"returned vectors of shape {array.shape}, not {(count, dimension)}")
    if not np.isfinite(array).all():
        raise ValueError("returned a vector with numbers that are not finite")
    return array


def words(error: Exception) -> str:
    """What an error says; one that is not ours with its type, as its words alone may mean nothing."""
    return str(error) if isinstance(error, DiptychError) else f"{type(error).__name__}: {error}"
