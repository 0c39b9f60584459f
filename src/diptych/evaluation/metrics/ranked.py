"""One embedder's ranking for one query, seen through the judgments: what every metric reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNJUDGED = -1


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A ranking's grades.

    Attributes:
        grades: Best first, 0 to 3, `UNJUDGED` where nobody judged; shape (n,).
        scores: The scores of the same images, falling; shape (n,).
        ideal: The grades of all judged images, found or not, highest first; shape (judged,).
    """

    grades: NDArray[np.int8]
    scores: NDArray[np.float64]
    ideal: NDArray[np.int8]

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Which places hold a relevant image; an unjudged one counts as irrelevant."""
        return self.grades > 0

    @property
    def relevant(self) -> int:
        """How many images are relevant, found or not."""
        return int((self.ideal > 0).sum())

    @property
    def irrelevant(self) -> int:
        """How many images are judged irrelevant, found or not."""
        return int((self.ideal == 0).sum())


def ranked(images: Sequence[str], scores: Sequence[float], grades: Mapping[str, int]) -> Ranked:
    """Look up the judgments of a ranking.

    Args:
        images: The ids of the ranked images, best first: all of them, as a list that is cut short makes
            "recall at full precision" and AUROC those of its images only.
        scores: Their scores.
        grades: The query's grades by image id; see `Judgments.grades`.
    """
    return Ranked(
        grades=np.array([grades.get(image, UNJUDGED) for image in images], np.int8),
        scores=np.asarray(scores, np.float64),
        ideal=np.sort(np.array(list(grades.values()), np.int8))[::-1],
    )
