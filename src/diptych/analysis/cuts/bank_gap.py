"""The largest gap of a ranking, measured by the gaps that the null bank's own rankings have at its ranks.

The bank's rankings are of the very same images, so that a rank test against them (Barnard, J. R. Stat. Soc. B
25, 1963) needs no model of the scores and holds for any number of images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.cuts.gap import DEEPEST

NARROWEST = 0.5
"""A smaller fall, in deviations, is not a break, however regular the scores below: it separates nothing."""

SHARE = 1 / 2
"""How much a gap is measured by those usual at its rank; the rest is the null deviation. With 0 only falls
near the top are seen; with 1, regular spacing further down is rather taken for a break. With one third a
single picture that stands apart is found a little more often, several together much more seldom
(`python benchmarks/verdict_break.py`)."""

_LEAST_GAP = 1e-6
"""In null deviations: usual gaps are taken to be at least as wide, or ties in the bank would divide by 0."""


def deepest_rank(n: int) -> int:
    """The last rank after which a break is looked for in a list of n: five of seven may be what is meant."""
    return min(3 * n // 4, DEEPEST)


@dataclass(frozen=True)
class BankGaps:
    """The gaps of rankings that have nothing to break for: those of the bank's texts.

    Attributes:
        unit: The standard deviation of the null scores.
        usual: The mean gap after each rank, smoothed over neighbouring ranks; shape (deepest rank,).
        sizes: The size of the largest gap of each of the bank's rankings; shape (texts,).
    """

    unit: float
    usual: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @classmethod
    def fit(cls, scores: NDArray[np.floating], unit: float) -> BankGaps:
        """Take the gaps of the bank's rankings.

        Each of the bank's rankings is measured by the others, as a query's is by all of them: measured by its
        own gaps too, it would seem less unusual than a query of the same kind.

        Args:
            scores: One text per row, one image per column; shape (texts, n), at least 2 texts and 2 images.
            unit: The standard deviation of the null scores, above 0.
        """
        n = scores.shape[1]
        deepest = deepest_rank(n)
        needed = min(n, deepest + deepest // 3 + 1)
        highest = np.stack([np.sort(np.partition(row, n - needed)[n - needed :]) for row in scores])
        gaps = _gaps(highest[:, ::-1].astype(np.float64))
        total = gaps.sum(axis=0)
        of_others = _smooth((total - gaps) / (len(gaps) - 1))[:, :deepest]
        sizes = _wide(gaps[:, :deepest], of_others, unit).max(axis=1)
        return cls(unit, _smooth(total[None] / len(gaps))[0, :deepest], sizes)

    def largest(self, descending: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The largest gap of each of several rankings.

        Args:
            descending: One ranking per row, best first; at least down to one below the deepest rank.

        Returns:
            How many images stand above it, shape (lists,), and its size, shape (lists,): 0 where no gap is
            wide enough for a break.
        """
        gaps = _gaps(descending[:, : len(self.usual) + 1])
        wide = _wide(gaps, self.usual, self.unit)
        found = np.where(wide.any(axis=1, keepdims=True), wide, _sizes(gaps, self.usual, self.unit))
        return found.argmax(axis=1) + 1, wide.max(axis=1)

    def p(self, size: float) -> float:
        """The share of rankings, this one and the bank's, whose largest gap is of this size.

        Returns:
            1 / (1 + texts) to 1.
        """
        return (1 + int((self.sizes >= size).sum())) / (1 + len(self.sizes))


def _gaps(descending: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.diff(descending, axis=1))


def _sizes(gaps: NDArray[np.float64], usual: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """How large gaps are for their ranks: without a unit, and the same if all scores are stretched."""
    return np.asarray(gaps / unit / np.maximum(usual / unit, _LEAST_GAP) ** SHARE)


def _wide(gaps: NDArray[np.float64], usual: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """The same, and 0 where a gap is too narrow for a break."""
    return np.where(gaps >= NARROWEST * unit, _sizes(gaps, usual, unit), 0.0)


def _smooth(gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the gaps after each rank and a third of it to either side."""
    ranks = np.arange(1, gaps.shape[1] + 1)
    before = ranks - ranks // 3 - 1
    upto = np.minimum(ranks + ranks // 3, len(ranks))
    sums = np.concatenate([np.zeros((len(gaps), 1)), np.cumsum(gaps, axis=1)], axis=1)
    return np.asarray((sums[:, upto] - sums[:, before]) / (upto - before))
