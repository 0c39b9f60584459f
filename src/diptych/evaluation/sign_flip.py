"""The paired sign-flip test: could these differences as well have had other signs?"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from diptych.concept import Concept

Floats = NDArray[np.float64]

P_VALUE = Concept(
    name="p",
    reading="How often differences this far from 0 come about where chance alone decides which embedder is"
    " ahead; 0.05 or less is called significant",
    range="0–1",
    unit_free=True,
    source="Fisher, The Design of Experiments, 1935; Smucker, Allan and Carterette, CIKM 2007",
)
SMALLEST_P = Concept(
    name="smallest p possible",
    reading="The p of so many queries when all agree; above 0.05 they can never be significant",
    range="0–1",
    unit_free=True,
    source="2 of the 2^m ways to set the signs of m differences",
)

ENUMERATED = 16
"""Up to so many queries all signs are gone through; beyond, a sample of them."""

SAMPLED = 9_999


def sign_flip_p(differences: Floats) -> Floats:
    """The two-sided p of each row's mean: exact up to 16 queries, beyond by sampling with a fixed seed.

    Args:
        differences: One a query; shape (…, m), m at least 1.

    Returns:
        Shape (…); 1 where all differences are 0.
    """
    signs = _signs(differences.shape[-1])
    observed = np.abs(differences.sum(-1))
    rounding = 1e-12 * np.abs(differences).sum(-1)
    as_far = np.abs(differences @ signs.T) >= (observed - rounding)[..., None]
    if differences.shape[-1] <= ENUMERATED:
        return np.asarray(as_far.mean(-1))
    return np.asarray((1 + as_far.sum(-1)) / (1 + len(signs)))


def smallest_p(queries: int) -> float:
    """The smallest p that the test can give with so many queries."""
    return 2.0 ** (1 - queries) if queries <= ENUMERATED else 1 / (1 + SAMPLED)


@lru_cache(maxsize=2)  # every metric of every pair of embedders is tested by the same ones
def _signs(count: int) -> Floats:
    """Ways to set the signs; where all are gone through, one of each two that mirror each other."""
    if count <= ENUMERATED:
        flipped = np.arange(2 ** (count - 1))[:, None] >> np.arange(count) & 1
    else:
        flipped = np.random.default_rng(0).integers(0, 2, (SAMPLED, count), np.int8)
    return 1 - 2 * flipped.astype(np.float64)
