"""Amazon's hosted embeddings on Bedrock: what differs, and requests signed with AWS credentials."""

from __future__ import annotations

from diptych.embedders.bedrock.embedder import CARD, load

__all__ = ["CARD", "load"]
