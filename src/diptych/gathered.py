"""What a workbench gathers before it answers: matrices over the same pictures, and the null bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from diptych.description import describe_bank, describe_spaces
from diptych.embedders import Embedder, InputRejected
from diptych.embedders.base import Vectors
from diptych.errors import DiptychError, hushed
from diptych.images import Picture, Skipped
from diptych.pipeline import embed_queries
from diptych.queries import Query, TextQuery
from diptych.result import NullBank, Spaces
from diptych.search import normalise
from diptych.store import Store
from diptych.view import EmbeddedBank, View


@dataclass(frozen=True)
class Gathered:
    """The pictures that every embedder has a vector for, by name, and how each embedder sees them."""

    pictures: tuple[Picture, ...]
    views: dict[str, View]
    skipped: tuple[Skipped, ...]

    @cached_property
    def banks(self) -> dict[str, NullBank]:
        """What the null bank came to, by the embedder's name."""
        return {name: describe_bank(view, self.pictures) for name, view in self.views.items()}

    @property
    def why_no_bank(self) -> dict[str, str]:
        """Why there is none, by the names of the embedders that have none."""
        return {name: why for name, view in self.views.items() if (why := view.why_no_bank) is not None}

    @cached_property
    def spaces(self) -> tuple[Spaces, ...]:
        """How far each two embedders hold the pictures alike."""
        return describe_spaces({name: view.units for name, view in self.views.items()}, self.pictures)


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


def embed_bank(
    bank: Sequence[TextQuery], embedder: Embedder, store: Store
) -> tuple[EmbeddedBank | str, list[Query]]:
    """The null bank as an embedder sees it, or why it has none, and the texts that were embedded now.

    Raises:
        DiptychError: The embedder failed; one that refuses texts is no failure.
    """
    if not bank:
        return "none was asked for", []
    try:
        with hushed():
            vectors, fresh = embed_queries(bank, embedder, store)
    except DiptychError as error:
        # One that takes no texts, or has only vectors made elsewhere, is compared without a bank.
        if not isinstance(error.__cause__, InputRejected):
            raise
        return f"it refuses the bank's texts: {error.__cause__}", []
    return EmbeddedBank(tuple(bank), normalise(vectors)), fresh
