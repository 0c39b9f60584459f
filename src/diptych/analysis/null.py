"""The null-query bank: how an image scores with texts that have nothing to do with it.

Each of the bank's rankings is centred on its median. An image's mean over the bank is its effect: how high it
stands for everything. What is left are residuals; pooled, they are the null distribution of z. A query's z
then says how far an image stands above what unrelated texts get on the very same image, and can be compared
across embedders.

Related to QB-Norm (Bogolin et al., CVPR 2022) and NNN (EMNLP 2024); the p-values are from the pooled
residuals.
"""

from __future__ import annotations

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


@dataclass(frozen=True)
class NullModel:
    """What unrelated texts get on each image.

    Attributes:
        effect: How high each image stands for everything, in scores; shape (n,).
        spread: Standard deviation of each image's null scores; shape (n,).
        residuals: The bank's own z, each text's against the others; shape (texts, n).
        pooled: The null distribution of z, ascending; shape (at most texts · n,).
    """

    effect: NDArray[np.float64]
    spread: NDArray[np.float64]
    residuals: NDArray[np.float64]
    pooled: NDArray[np.float64]

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
        lower = z[z <= 0]
        return cls(effect, spread, z, np.sort(np.concatenate([lower, -lower]) if mirrored else z, axis=None))

    def z(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """How far each image stands above its null scores, for each query.

        Args:
            scores: Shape (queries, n) or (n,).

        Returns:
            The same shape, in standard deviations of the null scores.
        """
        return np.asarray((_centre(scores) - self.effect) / self.spread)

    def p(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """The chance that an unrelated text scores so high: the share of all null scores that do.

        Returns:
            The same shape, 1 / (texts · n + 1) to 1.
        """
        order = np.argsort(z, axis=None)  # one after the other they are found many times faster
        above = np.empty(z.shape, np.intp)
        above.flat[order] = self.pooled.size - np.searchsorted(self.pooled, z.flat[order], side="left")
        return np.asarray((above + 1) / (self.pooled.size + 1))

    def stand_out(self, z: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of a query's images stand out, with a false discovery rate of 10 %; z has the shape (n,)."""
        # Only such p as are below the rate can be discoveries, and most are not.
        likely = max(0, self.pooled.size - int(FALSE_DISCOVERIES * (self.pooled.size + 1)) - 1)
        p = np.ones(z.shape)
        high = z >= self.pooled[likely]
        p[high] = self.p(z[high])
        return discoveries(p)

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


def fat_tailed(scores: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which of the bank's texts match something in this collection, and so are not null texts for it.

    A text is left out where its highest z stands far above the other texts' highest: on a log scale, more
    than four robust standard deviations above their median.

    Args:
        scores: Shape (texts, n).

    Returns:
        Shape (texts,).
    """
    highest = np.log(np.maximum(_against_others(scores)[2].max(axis=1), 1e-3))
    median = np.median(highest)
    deviation = 1.4826 * np.median(np.abs(highest - median))
    return np.asarray(highest > median + _FAT_TAIL * max(deviation, 0.05))


def _against_others(scores: NDArray[np.floating]) -> tuple[NDArray[np.float64], ...]:
    """The images' effects and spreads, and each text's z against the other texts."""
    if not np.isfinite(scores).all():
        raise ValueError("a null model needs finite scores")
    more = len(scores) / (len(scores) - 1)
    centred = _centre(scores)
    effect = centred.mean(axis=0)
    residuals = centred - effect
    squared = residuals**2
    squares = squared.sum(axis=0)
    of_others = np.maximum(squares - squared * more, squares * _ROUNDING)
    spread, others_spread = _spread(squares, len(scores) - 1), _spread(of_others, len(scores) - 2)
    return effect, spread, residuals * more / others_spread


def _spread(squares: NDArray[np.float64], degrees: int) -> NDArray[np.float64]:
    """Moderated standard deviations from sums of squares, one image per column."""
    own = squares / degrees
    pooled = own.mean(axis=-1, keepdims=True)
    moderated = (_PRIOR_TEXTS * pooled + degrees * own) / (_PRIOR_TEXTS + degrees)
    return np.asarray(np.sqrt(np.maximum(moderated, np.finfo(np.float64).tiny)))


def _centre(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    exact = np.asarray(scores, np.float64)
    return exact - np.median(exact, axis=-1, keepdims=True)
