"""How the images stand for one query with one embedder, against the embedder's null bank where it has one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.cuts.bank_gap import BankGaps
from diptych.analysis.null import FEWEST_TEXTS, NullModel
from diptych.analysis.order import best_first
from diptych.analysis.stratification import FEWEST_IMAGES, Stratification, stratify


@dataclass(frozen=True)
class Standing:
    """One query's images with one embedder.

    Attributes:
        z: How far each image stands above its null scores; shape (n,). None without a bank.
        matches: Which images stand out; shape (n,). None without a bank.
        stratification: What the ranking does.
        left_out: Rows of the bank that were left out for this query alone.
    """

    z: NDArray[np.float64] | None
    matches: NDArray[np.bool_] | None
    stratification: Stratification
    left_out: tuple[int, ...] = ()


class TextBackground:
    """What unrelated texts get on a collection's images, by one embedder.

    Args:
        scores: The bank's scores; shape (texts, n), at least `FEWEST_TEXTS`, finite.

    Attributes:
        fat: Which texts match something in this collection and are left out for every query; shape (texts,).
        model: The null model without them.
    """

    def __init__(self, scores: NDArray[np.floating]) -> None:
        if len(scores) < FEWEST_TEXTS:
            raise ValueError(f"a null bank needs at least {FEWEST_TEXTS} texts")
        self._scores = scores
        of_all = NullModel.fit(scores)
        self.fat = of_all.fat
        self._fitted = lru_cache(maxsize=4)(partial(self._fit, None if self.fat.any() else of_all))
        self.model, _ = self._fitted(frozenset())

    def stand(
        self,
        scores: NDArray[np.floating],
        related: Collection[int] = (),
        order: NDArray[np.intp] | None = None,
    ) -> Standing:
        """Describe one query's ranking.

        Args:
            scores: Of every image; shape (n,).
            related: Rows of the bank that have to do with this query, and are left out for it.
            order: All rows, best first, where they are sorted already; shape (n,).
        """
        model, gaps = self._fitted(frozenset(related))
        descending = _descending(scores, order)
        z = model.z(scores)
        matches = model.stand_out(z) & _tells(descending)
        described = stratify(descending, stands_out=int(matches.sum()), unit=model.unit, gaps=gaps)
        left_out = np.flatnonzero(~self.fat & ~self._kept(frozenset(related)))
        return Standing(z, matches, described, tuple(left_out.tolist()))

    def _kept(self, related: frozenset[int]) -> NDArray[np.bool_]:
        kept = ~self.fat
        kept[list(related)] = False
        return kept if kept.sum() >= FEWEST_TEXTS else ~self.fat  # better an impure null than hardly any

    def _fit(self, of_all: NullModel | None, related: frozenset[int]) -> tuple[NullModel, BankGaps | None]:
        kept = self._kept(related)
        scores = self._scores if kept.all() else self._scores[kept]
        model = of_all if of_all is not None and kept.all() else NullModel.fit(scores)
        few = scores.shape[1] < FEWEST_IMAGES
        return model, None if few else BankGaps.fit(scores, model.unit)


class ImageBackground:
    """What other images get on a collection's images, by one embedder: the null for image queries.

    Args:
        scores: One image of the collection a row, and how similar every image is to it; shape (images, n).
        rows: Which images these are, by column; shape (images,).
    """

    def __init__(self, scores: NDArray[np.floating], rows: NDArray[np.intp]) -> None:
        others = np.asarray(scores, np.float64).copy()
        here = np.arange(len(rows))
        others[here, rows] = np.nan
        others[here, rows] = np.nanmedian(others, axis=1)  # an image says nothing of itself
        self._model = NullModel.fit(others, mirrored=True)

    @property
    def unit(self) -> float:
        """The standard deviation of the null scores, in scores."""
        return self._model.unit

    def stand(
        self,
        scores: NDArray[np.floating],
        itself: int | None = None,
        order: NDArray[np.intp] | None = None,
    ) -> Standing:
        """Describe the ranking for one image.

        Args:
            scores: Of every image; shape (n,).
            itself: The column of the very image, where it is in the collection: it neither stands out nor
                counts for the break.
            order: All rows, best first, where they are sorted already; shape (n,).
        """
        descending = _descending(scores, order, itself)
        z = self._model.z(scores)
        others = np.arange(len(scores)) != itself
        matches = np.zeros(len(scores), bool)
        matches[others] = self._model.stand_out(z[others]) & _tells(descending)
        described = stratify(descending, stands_out=int(matches.sum()), unit=self._model.unit)
        return Standing(z, matches, _beside_itself(described, scores, itself))


def stand_alone(
    scores: NDArray[np.floating], itself: int | None = None, order: NDArray[np.intp] | None = None
) -> Standing:
    """Describe a ranking where there is no null to compare it with.

    Args:
        scores: Of every image; shape (n,).
        itself: For an image query, its own column where it is in the collection: it does not count for the
            break.
        order: All rows, best first, where they are sorted already; shape (n,).
    """
    described = stratify(_descending(scores, order, itself))
    return Standing(None, None, _beside_itself(described, scores, itself))


def _beside_itself(
    described: Stratification, scores: NDArray[np.floating], itself: int | None
) -> Stratification:
    """Ranks among the others as ranks among all."""
    return described if itself is None else described.beside(int((scores > scores[itself]).sum()))


def _descending(
    scores: NDArray[np.floating], order: NDArray[np.intp] | None, itself: int | None = None
) -> NDArray[np.floating]:
    """All scores but the image's own, best first."""
    order = best_first(scores) if order is None else order
    return scores[order if itself is None else order[order != itself]]


def _tells(descending: NDArray[np.floating]) -> bool:
    """Whether a query tells any two images apart: without that, z is only what the images are to others."""
    return len(descending) > 0 and bool(descending[0] > descending[-1])
