"""The order that scores put images in: the best first, equal scores in row order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIGN, _ROW_BITS = np.uint32(1 << 31), np.uint64(32)


def best_first(scores: NDArray[np.floating]) -> NDArray[np.intp]:
    """All rows, that of the highest score first, equal scores in row order.

    Single-precision scores are sorted as whole numbers that hold score and row, which takes half as long as
    a stable sort of the scores does.

    Args:
        scores: Shape (n,), finite.

    Returns:
        Shape (n,).
    """
    if scores.dtype != np.float32:
        return np.argsort(-scores, kind="stable")
    bits = (scores + np.float32(0)).view(np.uint32)  # without a negative 0, which equals 0
    descending = np.where(bits >= _SIGN, bits, ~bits ^ _SIGN).astype(np.uint64)
    keys = descending << _ROW_BITS | np.arange(len(scores), dtype=np.uint64)
    keys.sort()
    return keys.astype(np.uint32).astype(np.intp)


def ranks(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rank of each row, 1 to n, from all rows in their order."""
    found = np.empty(len(order), np.intp)
    found[order] = np.arange(1, len(order) + 1)
    return found
