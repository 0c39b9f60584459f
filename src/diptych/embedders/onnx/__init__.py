"""ONNX exports of CLIP models, without torch: the embedder, finding its files, sessions, preprocessing."""

from __future__ import annotations

from diptych.embedders.onnx.embedder import CARD, OnnxEmbedder, load

__all__ = ["CARD", "OnnxEmbedder", "load"]
