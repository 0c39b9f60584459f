"""Vectors made elsewhere: finding them by name, id or text, and reading the files they come in."""

from __future__ import annotations

from diptych.embedders.vectors.embedder import CARD, VectorsFromFile, load

__all__ = ["CARD", "VectorsFromFile", "load"]
