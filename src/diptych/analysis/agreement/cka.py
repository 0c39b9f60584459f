"""Linear CKA: whether two spaces have the same geometry, up to rotation and scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

CKA = Concept(
    name="linear CKA (unbiased)",
    reading="1: images alike in one space are as alike in the other; 0: the spaces have nothing in common",
    range="-1–1",
    unit_free=True,
    source="S. Kornblith et al., Similarity of neural network representations revisited, ICML 2019, with the"
    " unbiased HSIC of L. Song et al., Feature selection via dependence maximization, JMLR 13, 2012",
)

_ROUNDING = 1e-6
"""More than float32 unit rows can put a cosine off; similarities that differ by less are all the same."""


def linear_cka(units_a: NDArray[np.float32], units_b: NDArray[np.float32]) -> float | None:
    """Centred kernel alignment of two spaces' cosines, HSIC(A, B) / √(HSIC(A, A) HSIC(B, B)), each unbiased.

    The usual, biased HSIC makes any two spaces look alike where there are fewer images than dimensions. The
    time grows with n², so a large collection is to be given as a sample.

    Args:
        units_a: Unit rows, shape (n, dimension of a).
        units_b: The same images' unit rows in the other space, shape (n, dimension of b).

    Returns:
        At most 1, about 0 (also below) for unrelated spaces; None where it is undefined: fewer than 4 images,
        or a space in which all of them are equally alike.
    """
    if len(units_a) < 4:
        return None
    a, b = _centred_cosines(units_a), _centred_cosines(units_b)
    if min(np.abs(a).max(), np.abs(b).max()) < _ROUNDING:
        return None
    return min(1.0, float(np.vdot(a, b) / np.sqrt(np.vdot(a, a) * np.vdot(b, b))))


def _centred_cosines(units: NDArray[np.float32]) -> NDArray[np.float64]:
    """The images' cosines, centred so that the sum of a product of two such matrices is the unbiased HSIC.

    Up to the factor 1/(n (n - 3)), which cancels out (G. Székely and M. Rizzo, Partial distance correlation,
    Annals of Statistics 42(6), 2014): no image with itself, every row and column sums to 0.
    """
    rows = units.astype(np.float64)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, 0)
    n = len(cosines)
    sums = cosines.sum(axis=0)
    centred: NDArray[np.float64] = cosines - (sums + sums[:, None]) / (n - 2)
    centred += sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return centred
