"""Embedders: the contract, the registry, and one file per provider.

A plug-in needs nothing but the names exported here.
"""

from __future__ import annotations

from diptych.embedders.base import (
    Embedder,
    EmbedderInfo,
    EmbedderUnavailable,
    InputRejected,
    ServiceDown,
    TransientError,
)
from diptych.embedders.registry import load

__all__ = [
    "Embedder",
    "EmbedderInfo",
    "EmbedderUnavailable",
    "InputRejected",
    "ServiceDown",
    "TransientError",
    "load",
]
