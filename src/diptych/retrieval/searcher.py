"""Some pictures as one embedder ranks them: its answer to a query, and how the pictures stand in that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.null import FEWEST_TEXTS, NullModel
from diptych.analysis.order import best_first
from diptych.analysis.standing import ImageBackground, Standing, TextBackground, stand_alone
from diptych.cores import on_all_cores
from diptych.embedders.base import Vectors
from diptych.images import Picture, Skipped
from diptych.queries import Query, TextQuery
from diptych.retrieval.null_bank import EmbeddedBank, related
from diptych.retrieval.search import Matrix, Ranking, rank, score_all, search

_BANK_IMAGES = 64
"""How many images of the collection, evenly spaced over it, are the null for image queries."""

_FEWEST_BANK_IMAGES = 20

_ROUNDING = 1e-5
"""Cosines that differ by less are the same: single precision tells them no better in many dimensions."""

_LEAST_BYTES = 2**16
"""What an answer counts as at least: a system gives a process only so many pieces of memory of their own."""


@dataclass(frozen=True)
class Answer:
    """What one embedder makes of one query.

    Attributes:
        ranking: The first hits.
        scores: Of every image, in the order of their names; shape (n,).
        order: All images' rows, best first, equal scores in the order of their names; shape (n,).
        standing: How the images stand.
        related: The bank's texts that were left out for this query, as they share a word with it.
    """

    ranking: Ranking
    scores: NDArray[np.float32]
    order: NDArray[np.int32]
    standing: Standing
    related: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """About how much memory it takes: its arrays, or what else there is to an answer over few images."""
        arrays = (self.scores, self.order, self.standing.z, self.standing.matches)
        return max(_LEAST_BYTES, sum(array.nbytes for array in arrays if array is not None))


@dataclass(frozen=True)
class Answers:
    """What each embedder makes of each query.

    Attributes:
        pictures: What was ranked, in the order of their names, which is that of every answer's scores.
        queries: The queries.
        by_name: For each of them the answers, by the embedder's name.
        why_no_bank: Why an embedder has no null bank, by its name.
        skipped: What could not be ranked.
        left_out: A sentence on the queries that an embedder refused; empty where there are none.
    """

    pictures: tuple[Picture, ...]
    queries: Sequence[Query]
    by_name: Sequence[Mapping[str, Answer]]
    why_no_bank: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    left_out: str = ""


class Searcher:
    """Ranks some pictures by one embedder: what it answers to a query, and how the pictures stand in that.

    Args:
        ids: The pictures' ids, in the order of their names.
        units: Their unit vectors; shape (n, dimension).
        bank: The null bank for text queries.

    Attributes:
        units: As given.
        why_no_bank: Why text queries have no null bank; None where they have one.
    """

    def __init__(self, ids: Sequence[str], units: Matrix, bank: EmbeddedBank) -> None:
        self.units = units
        self.why_no_bank: str | None = bank.why_none or None
        self._ids = ids
        self._bank_texts: tuple[TextQuery, ...] = ()
        self._texts: TextBackground | None = None
        if not bank.why_none:
            self._take_bank(bank)

    def _take_bank(self, bank: EmbeddedBank) -> None:
        scores = score_all(self.units, bank.units)
        telling = np.ptp(scores, axis=1) > _ROUNDING
        if telling.sum() < FEWEST_TEXTS:
            self.why_no_bank = (
                f"only {telling.sum()} of the bank's {len(telling)} texts tell its images apart"
            )
            return
        texts = TextBackground(scores if telling.all() else scores[telling])
        if (
            texts.model.unit <= _ROUNDING
        ):  # all of them rank alike: what is left is rounding, and z would be too
            same = np.ptp(bank.units, axis=0).max() <= _ROUNDING
            self.why_no_bank = (
                "it gives all texts the same vector"
                if same
                else "the null bank's texts do not tell its pictures apart"
            )
            return
        self._bank_texts = tuple(text for text, tells in zip(bank.texts, telling, strict=True) if tells)
        self._texts = texts

    def first(self, unit: Vectors, k: int) -> Ranking:
        """The first k hits alone, as quickly as can be; `unit` has the shape (1, dimension)."""
        return search(self.units, unit, k)[0]

    def answer(self, queries: Sequence[Query], units: Vectors, k: int) -> list[Answer]:
        """Rank the images for each query, and see how they stand.

        Args:
            queries: The queries.
            units: Their unit vectors; shape (m, dimension).
            k: How many hits to return of each.
        """
        scores = score_all(self.units, units)
        asked = list(zip(queries, scores, strict=True))
        return on_all_cores(lambda one: self._answer(*one, k), asked, len(self.units))

    def _answer(self, query: Query, scores: NDArray[np.float32], k: int) -> Answer:
        order = best_first(scores)
        standing = self._stand(query, scores, order)
        texts = tuple(self._bank_texts[row].text for row in standing.left_out)
        return Answer(rank(scores, order, k), scores, order.astype(np.int32), standing, texts)

    @property
    def null(self) -> NullModel | None:
        """What unrelated texts get on each image; None without a bank."""
        return None if self._texts is None else self._texts.model

    @property
    def bank_texts(self) -> int:
        """How many texts the bank has; 0 without one."""
        return len(self._bank_texts)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The bank's texts that match something here, and are left out for every query."""
        if self._texts is None:
            return ()
        return tuple(text.text for text, fat in zip(self._bank_texts, self._texts.fat, strict=True) if fat)

    def _stand(self, query: Query, scores: NDArray[np.float32], order: NDArray[np.intp]) -> Standing:
        if query.kind == "image":
            itself = self._row.get(query.id)
            images = self._images
            return (
                stand_alone(scores, itself, order) if images is None else images.stand(scores, itself, order)
            )
        if self._texts is not None:
            return self._texts.stand(scores, related(self._bank_texts, query), order)
        return stand_alone(scores, order=order)

    @cached_property
    def _row(self) -> dict[str, int]:
        return {image_id: row for row, image_id in enumerate(self._ids)}

    @cached_property
    def _images(self) -> ImageBackground | None:
        n = len(self.units)
        if n < _FEWEST_BANK_IMAGES:
            return None
        rows = np.arange(min(n, _BANK_IMAGES)) * n // min(n, _BANK_IMAGES)
        background = ImageBackground(score_all(self.units, self.units[rows]), rows)
        return background if background.unit > _ROUNDING else None
