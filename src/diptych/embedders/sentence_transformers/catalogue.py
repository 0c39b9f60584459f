"""The models that people load with sentence-transformers."""

from __future__ import annotations

from diptych.embedders.cards import ModelCard

_MIDDLE = "the middle, 224×224"
_HUB = "sentence-transformers:"

MODELS = (
    ModelCard(spec="clip-ViT-B-32", dimension=512, sees=_MIDDLE, text_tokens=77, speed="fast"),
    ModelCard(spec="clip-ViT-B-16", dimension=512, sees=_MIDDLE, text_tokens=77, speed="medium"),
    ModelCard(spec="clip-ViT-L-14", dimension=768, sees=_MIDDLE, text_tokens=77, speed="slow"),
    ModelCard(
        spec=f"{_HUB}google/siglip2-base-patch16-256",
        dimension=768,
        sees="squashed to 256×256",
        text_tokens=64,
        licence="Apache-2.0",
        speed="medium",
    ),
    ModelCard(
        spec=f"{_HUB}google/embeddinggemma-2", dimension=768, sees="the whole picture", licence="Apache-2.0"
    ),
    ModelCard(
        spec=f"{_HUB}Qwen/Qwen3-VL-Embedding-2B",
        dimension=2048,
        sees="the whole picture",
        licence="Apache-2.0",
        speed="very slow",
    ),
    ModelCard(
        spec=f"{_HUB}jinaai/jina-clip-v2?trust_remote_code=true", dimension=1024, licence="CC-BY-NC-4.0"
    ),
)
