"""Google's hosted multimodal embeddings on Vertex AI: what differs, the words for its errors, credentials."""

from __future__ import annotations

from diptych.embedders.vertex.embedder import CARD, load

__all__ = ["CARD", "load"]
