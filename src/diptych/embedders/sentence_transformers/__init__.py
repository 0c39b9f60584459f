"""CLIP and every other model that sentence-transformers loads: the embedder, loading, facts about a model."""

from __future__ import annotations

from diptych.embedders.sentence_transformers.embedder import CARD, SentenceTransformersEmbedder, load

__all__ = ["CARD", "SentenceTransformersEmbedder", "load"]
