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
    may_say_nothing,
)
from diptych.errors import DiptychError
from diptych.images import Picture
from diptych.pipeline.threads import batched
from diptych.store.vectors import Kind, Store

_AT_ONCE = 4_000
"""Vectors made elsewhere that are handed on together."""

_LOOKED_AT = 256
"""Stored vectors that are checked together: few, so that the check takes little memory."""

_TINY = float(np.finfo(np.float32).tiny)
"""A vector that is shorter has lost its direction: float32 holds less than its seven digits of it."""


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
    """The usable vectors that there are of pictures by now, some thousand at a time.

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
            bad = list(_unusable(_of_dimension(vectors, embedder.info)))
            if len(bad) < len(places):
                yield np.delete(places, bad), np.delete(vectors, bad, axis=0) if bad else vectors
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
    rows, _ = usable([vector], 1, embedder.info.dimension)
    row: NDArray[np.float32] = rows[0]
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


def usable(
    vectors: Any, count: int, dimension: int, *, zeros: bool = False
) -> tuple[Vectors, dict[int, str]]:
    """Make sure that an embedder returned what the contract says.

    Args:
        vectors: What it returned.
        count: How many were asked for.
        dimension: Their length.
        zeros: Whether a row of zeros is meant: see `may_say_nothing`.

    Returns:
        The vectors as float32, shape (count, dimension), and what is wrong with those that can't be used, by
        their row: never all of them.

    Raises:
        ValueError: The shape is another, or no row can be used.
    """
    with np.errstate(over="ignore"):  # what is too large for float32 is found below
        array = np.asarray(vectors, np.float32)
    if array.shape != (count, dimension):
        raise ValueError(f"returned vectors of shape {array.shape}, not {(count, dimension)}")
    problems = _unusable(array, zeros=zeros)
    if len(problems) == count:
        raise ValueError(problems[0])
    return array, problems


def _unusable(vectors: Vectors, *, zeros: bool = False) -> dict[int, str]:
    """The rows that can't be compared with others by their direction, each with what is wrong."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
    suspects: list[int] = np.flatnonzero(~((squares > _TINY) & np.isfinite(squares))).tolist()
    found = {}
    for row in suspects:
        length = float(np.linalg.norm(vectors[row].astype(np.float64)))  # where no square over- or underflows
        if not np.isfinite(length):
            found[row] = "returned a vector with numbers that are not finite"
        elif length < _TINY and not (zeros and length == 0.0):
            found[row] = "returned a vector of zeros, which has no direction"
    return found


def without_direction(embedder: Embedder, kind: Kind, items: Sequence[str], store: Store) -> set[str]:
    """The items that the store has an unusable vector of: earlier versions of Diptych kept what they got."""
    found = set()
    for start in range(0, len(items), _LOOKED_AT):
        some = items[start : start + _LOOKED_AT]
        for places, vectors in store.iter_stored(embedder.info.fingerprint, kind, some):
            rows = _unusable(vectors, zeros=kind == "text" and may_say_nothing(embedder))
            found |= {some[place] for place in places[list(rows)]}
    return found


def words(error: Exception) -> str:
    """What an error says; one that is not ours with its type, as its words alone may mean nothing."""
    return str(error) if isinstance(error, DiptychError) else f"{type(error).__name__}: {error}"
