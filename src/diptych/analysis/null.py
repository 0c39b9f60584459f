"""The null-query bank: how an image scores with texts that have nothing to do with it.

Each of the bank's rankings is centred on its median. An image's mean over the bank is its effect: how high it
stands for everything. What is left are residuals; pooled, they are the null distribution of z. A query's z
then says how far an image stands above what unrelated texts get on the very same image, and can be compared
across embedders.

Related to QB-Norm (Bogolin et al., CVPR 2022) and NNN (EMNLP 2024); the p-values are from the pooled
residuals.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

Z = Concept(
    name="z",
    reading="How far an image scores above what unrelated texts get on it: 0 is no more than they,"
    " 3 is rare, 6 is far out",
    range="any number; in standard deviations of the null scores",
    unit_free=True,
    source="null-query bank; after QB-Norm, Bogolin et al., CVPR 2022",
)

STANDS_OUT = Concept(
    name="images that stand out",
    reading="How many images score higher than unrelated texts do on them, about one in ten by chance;"
    " 0 does not say that nothing relevant is there",
    range="0 to the number of images",
    unit_free=True,
    source="Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995), at 10 %, on p-values from the pooled null",
)

EFFECT = Concept(
    name="effect",
    reading="How high an image stands for every text, whatever it says: images far above 0 are hubs",
    range="any number; in standard deviations of the null scores",
    unit_free=True,
    source="hubness as an image's mean over the null-query bank; Radovanović et al., JMLR 11 (2010) on hubs",
)

FALSE_DISCOVERIES = 0.10
"""The expected share of chance among the images that stand out."""

FEWEST_TEXTS = 20
"""With fewer the pooled null scores say too little: the smallest p for 50 images would be above 0.001."""

_PRIOR_TEXTS = 64
"""How many texts' worth the pooled variance counts for, beside an image's own."""

_FAT_TAIL = 4.0

_ROUNDING = 1e-12
"""Of an image's squares: a text whose others all score alike stands far out from them, but not infinitely."""

_BINS, _BINS_IN_1 = 2**16, 2**12
"""What null z are counted in before some are sorted: -8 to 8, what is beyond in the first and the last."""


@dataclass(frozen=True)
class NullModel:
    """What unrelated texts get on each image.

    Attributes:
        effect: How high each image stands for everything, in scores; shape (n,).
        spread: Standard deviation of each image's null scores; shape (n,).
        tail: The highest of the null z, ascending: those that the p-values of discoveries rest on.
        size: How many null z there are in all.
        quantiles: The null z's percentiles; shape (101,).
        highest: Each text's highest z against the others; shape (texts,).
    """

    effect: NDArray[np.float64]
    spread: NDArray[np.float64]
    tail: NDArray[np.float64]
    size: int
    quantiles: NDArray[np.float64]
    highest: NDArray[np.float64]

    @classmethod
    def fit(cls, scores: NDArray[np.floating], *, mirrored: bool = False) -> NullModel:
        """Fit the model to the bank's scores.

        The spread of an image is its own and the pooled one together, weighted by how many texts each rests
        on, as in moderated t statistics (Smyth, Stat. Appl. Genet. Mol. Biol. 3, 2004). The bank's own z are
        each against the other texts, as a query's is against all: a text that were in its own null would
        hide its high scores there, and a query's would seem too rare.

        Args:
            scores: One text per row, one image per column; shape (texts, n), at least 3 texts.
            mirrored: Take the upper tail of the null to be like its lower one, rather than as it is: for a
                bank of images, each of which has its own kind in the collection.

        Raises:
            ValueError: A score is not finite.
        """
        effect, spread, z = _against_others(scores)
        highest = z.max(axis=1)
        if mirrored:
            lower = z[z <= 0]
            z = np.concatenate([lower, -lower])[None]
        pool = _Pool(z)
        likely = max(0, z.size - int(FALSE_DISCOVERIES * (z.size + 1)) - 1)
        return cls(effect, spread, pool.ascending_from(likely), z.size, pool.percentiles(), highest)

    def z(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """How far each image stands above its null scores.

        Args:
            scores: A query's; shape (n,).

        Returns:
            The same shape, in standard deviations of the null scores.
        """
        found = np.asarray(scores, np.float64) - _median(scores)
        found -= self.effect
        found /= self.spread
        return found

    def p(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """The chance that an unrelated text scores so high: the share of all null scores that do.

        Returns:
            The same shape, 1 / (texts · n + 1) to 1; 1 too where it is above the rate of false discoveries,
            for which no more is kept.
        """
        above = len(self.tail) - np.searchsorted(self.tail, z, side="left")
        return np.where(z < self.tail[0], 1.0, (above + 1) / (self.size + 1))

    def stand_out(self, z: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of a query's images stand out, with a false discovery rate of 10 %; z has the shape (n,)."""
        # Only such p as are below the rate can be discoveries, and most are not.
        descending = -np.sort(-z[z >= self.tail[0]])
        found = count_discoveries(len(z), len(descending), lambda at: float(self.p(descending[at])))
        return z >= descending[found - 1] if found else np.zeros(len(z), bool)

    @property
    def fat(self) -> NDArray[np.bool_]:
        """Which of the bank's texts match something in this collection, and so are not null texts for it.

        A text is left out where its highest z stands far above the other texts' highest: on a log scale, more
        than four robust standard deviations above their median. Shape (texts,).
        """
        highest = np.log(np.maximum(self.highest, 1e-3))
        median = np.median(highest)
        deviation = 1.4826 * np.median(np.abs(highest - median))
        return np.asarray(highest > median + _FAT_TAIL * max(deviation, 0.05))

    @property
    def unit(self) -> float:
        """The standard deviation of the null scores over all images, in scores."""
        return float(np.sqrt(np.mean(self.spread**2)))

    @property
    def hubness(self) -> NDArray[np.float64]:
        """Each image's effect in standard deviations of the null scores; shape (n,)."""
        return np.asarray((self.effect - np.median(self.effect)) / self.unit)


def discoveries(p: NDArray[np.float64], rate: float = FALSE_DISCOVERIES) -> NDArray[np.bool_]:
    """The hypotheses that Benjamini and Hochberg's procedure rejects.

    Args:
        p: p-values, shape (n,).
        rate: The share of chance among them that is tolerated.

    Returns:
        Shape (n,).
    """
    ascending = np.sort(p)
    below = np.flatnonzero(ascending <= rate * np.arange(1, len(p) + 1) / len(p))
    return np.asarray(p <= (ascending[below[-1]] if below.size else -1.0))


def count_discoveries(n: int, most: int, p: Callable[[int], float], rate: float = FALSE_DISCOVERIES) -> int:
    """How many of n hypotheses Benjamini and Hochberg's procedure rejects, with hardly any p-value looked at.

    It rejects the first i for the largest i whose p is at most rate · i / n. Where it is at most `most`, so
    are all these p at most rate · most / n: as many as reach that are the next `most`, until it stays.

    Args:
        n: How many hypotheses there are.
        most: How many of the first can be rejected at most: all the others' p are above the rate.
        p: The p-value of one of the first `most`, by its place from 0; ascending.
        rate: The share of chance among the rejected that is tolerated.
    """
    while most:
        fewer = bisect_right(range(most), rate * most / n, key=p)
        if fewer == most:
            break
        most = fewer
    return most


def null_z(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """The bank's own z: each text's against the others.

    Args:
        scores: Shape (texts, n), at least 3 texts.

    Returns:
        Shape (texts, n).

    Raises:
        ValueError: A score is not finite.
    """
    return _against_others(scores)[2]


def _against_others(scores: NDArray[np.floating]) -> tuple[NDArray[np.float64], ...]:
    """The images' effects and spreads, and each text's z against the other texts.

    One text after another, in the same memory: numbers of all texts at once would not stay in the cache.
    """
    if not all(np.isfinite(row).all() for row in scores):
        raise ValueError("a null model needs finite scores")
    texts, n = scores.shape
    more = texts / (texts - 1)
    z = np.empty((texts, n))
    effect, squares, work = np.zeros(n), np.zeros(n), np.empty(n)
    for row, centred in zip(scores, z, strict=True):
        np.subtract(row, _median(row), out=centred, dtype=np.float64)
        effect += centred
    effect /= texts
    for residuals in z:
        np.subtract(residuals, effect, out=residuals)
        squares += np.multiply(residuals, residuals, out=work)
    least = squares * _ROUNDING
    for residuals in z:
        np.multiply(residuals, residuals, out=work)
        work *= more
        np.subtract(squares, work, out=work)
        others_spread = _spread(np.maximum(work, least, out=work), texts - 2)
        np.multiply(residuals, more, out=residuals)
        np.divide(residuals, others_spread, out=residuals)
    return effect, _spread(squares, texts - 1), z


def _spread(squares: NDArray[np.float64], degrees: int) -> NDArray[np.float64]:
    """Moderated standard deviations from the images' sums of squares, in their place."""
    squares /= degrees
    pooled = squares.mean()
    squares *= degrees
    squares += _PRIOR_TEXTS * pooled
    squares /= _PRIOR_TEXTS + degrees
    return np.sqrt(np.maximum(squares, np.finfo(np.float64).tiny, out=squares), out=squares)


def _median(scores: NDArray[np.floating]) -> float:
    """Of at least one score, in double precision."""
    half = len(scores) // 2
    parted = np.partition(scores, half)
    if len(scores) % 2:
        return float(parted[half])
    return (float(parted[:half].max()) + float(parted[half])) / 2


class _Pool:
    """Many numbers, of which single ones are found by their place in ascending order without sorting all.

    Args:
        values: Shape (rows, n), finite.
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        self._values = values
        self._bins = np.empty(values.shape, np.uint16)
        counts = np.zeros(_BINS, np.intp)
        for row, bins in zip(values, self._bins, strict=True):
            bins[:] = np.clip(row * _BINS_IN_1 + _BINS / 2, 0, _BINS - 1)
            counts += np.bincount(bins, minlength=_BINS)
        self._ends = np.cumsum(counts)

    def ascending_from(self, place: int) -> NDArray[np.float64]:
        """All from this place on, ascending."""
        found = self._of(np.arange(_BINS) >= self._bin(place))
        return found[len(found) - (self._values.size - place) :]

    def percentiles(self) -> NDArray[np.float64]:
        """The smallest, 99 between, and the largest; as numpy's, linear between two values."""
        places = np.linspace(0, 1, 101) * (self._values.size - 1)
        below = places.astype(np.intp)
        above = np.minimum(below + 1, self._values.size - 1)
        low, high = self._at(below), self._at(above)
        return np.asarray(low + (high - low) * (places - below))

    def _at(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        wanted = np.zeros(_BINS, bool)
        in_bins = self._bin(places)
        wanted[in_bins] = True
        counts = np.diff(self._ends, prepend=0)
        left_out = np.cumsum(np.where(wanted, 0, counts))[in_bins]
        return np.asarray(self._of(wanted)[places - left_out])

    def _bin(self, place: NDArray[np.intp] | int) -> NDArray[np.intp]:
        return np.asarray(np.searchsorted(self._ends, place, side="right"))

    def _of(self, wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
        """All values in some bins, ascending."""
        rows = [row[wanted[bins]] for row, bins in zip(self._values, self._bins, strict=True)]
        return np.sort(np.concatenate(rows))
