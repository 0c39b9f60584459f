"""OpenCLIP's models (OpenAI, LAION, DataComp, SigLIP 2, PE-Core, EVA02, MetaCLIP, …), by open_clip."""

from __future__ import annotations

from diptych.embedders.open_clip.embedder import CARD, OpenClipEmbedder, load

__all__ = ["CARD", "OpenClipEmbedder", "load"]
