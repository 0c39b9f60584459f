"""Google's hosted multimodal embeddings on Vertex AI: embedder, client, error words, credentials."""

from __future__ import annotations

from diptych.embedders.vertex.embedder import CARD, VertexEmbedder, load

__all__ = ["CARD", "VertexEmbedder", "load"]
