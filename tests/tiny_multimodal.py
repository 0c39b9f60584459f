"""Small random models of the newer multimodal families, saved as sentence-transformers saves the real ones.

Their code is transformers' own; weights, and tokenizers of whole words, are made up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tiny_clip import word_tokenizer

QUERY, DOCUMENT = "task: search result | query: ", "title: none | text: "
_WORDS = [
    "a",
    "dog",
    "cat",
    "photo",
    "user",
    "system",
    "task",
    "search",
    "query",
    "title",
    "none",
    "text",
    ":",
    "|",
]
_TEXT = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "vocab_size": 48,
}


def save_qwen3_vl(folder: Path) -> Path:
    """As `Qwen/Qwen3-VL-Embedding-2B`: a picture is part of a chat, its last token's vector is taken."""
    import torch
    from transformers import (
        Qwen2VLImageProcessorPil,
        Qwen3VLConfig,
        Qwen3VLModel,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    marks = {
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
    }
    tokenizer = word_tokenizer(_WORDS, **marks)
    template = (
        "{% for m in messages %}{{ m['role'] }} {% if m['content'] is string %}{{ m['content'] }}{% else %}"
        "{% for c in m['content'] %}{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
        "{% elif 'text' in c %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %} {% endfor %}"
    )
    places = {
        "rope_type": "default",
        "mrope_section": [2, 1, 1],
        "mrope_interleaved": True,
        "rope_theta": 1e4,
    }
    torch.manual_seed(0)
    config = Qwen3VLConfig(
        text_config={**_TEXT, "max_position_embeddings": 128, "rope_parameters": places},
        vision_config={
            "depth": 2, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "patch_size": 8,
            "out_hidden_size": 16, "num_position_embeddings": 16, "deepstack_visual_indexes": [0],
        },
        **{f"{name}_id": tokenizer.convert_tokens_to_ids(mark) for name, mark in marks.items()},
    )  # fmt: skip
    plain = folder.with_name(f"{folder.name}-plain")
    Qwen3VLModel(config).eval().save_pretrained(plain)
    Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessorPil(
            patch_size=8, size={"shortest_edge": 256, "longest_edge": 4096}
        ),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(patch_size=8),
        chat_template=template,
    ).save_pretrained(plain)
    return _save(plain, folder, 16, "lasttoken")


def save_embedding_gemma_2(folder: Path) -> Path:
    """As `google/embeddinggemma-2`: pictures and texts go in as they are, the mean of all tokens is taken."""
    import torch
    from transformers import (
        EmbeddingGemma2Config,
        EmbeddingGemma2Model,
        EmbeddingGemma2Processor,
        Gemma4AudioFeatureExtractor,
        Gemma4ImageProcessorPil,
    )
    from transformers.models.embedding_gemma2.video_processing_embedding_gemma2 import (
        EmbeddingGemma2VideoProcessor,
    )

    marks = {
        "image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>",
        "audio_token": "<|audio|>", "boa_token": "<|audio>", "eoa_token": "<audio|>",
    }  # fmt: skip
    tokenizer = word_tokenizer(_WORDS, **marks)
    number = tokenizer.convert_tokens_to_ids
    small: dict[str, Any] = {"patch_size": 4, "pooling_kernel_size": 2}
    torch.manual_seed(0)
    config = EmbeddingGemma2Config(
        text_config={
            **_TEXT, "global_head_dim": 8, "max_position_embeddings": 512, "hidden_size_per_layer_input": 8,
            "embedding_dim": 24, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1,
            "sliding_window_pattern": 2,
        },
        vision_config={
            **_TEXT, **small, "num_key_value_heads": 2, "position_embedding_size": 128,
            "model_type": "gemma4_vision",
        },
        boi_token_id=number("<|image>"), eoi_token_id=number("<image|>"), image_token_id=number("<|image|>"),
        boa_token_id=number("<|audio>"), eoa_token_index=number("<audio|>"),
        audio_token_id=number("<|audio|>"), video_token_id=47,
    )  # fmt: skip
    config.audio_config = None  # the side of sounds, which nothing here asks for
    plain = folder.with_name(f"{folder.name}-plain")
    EmbeddingGemma2Model(config).eval().save_pretrained(plain)
    EmbeddingGemma2Processor(
        feature_extractor=Gemma4AudioFeatureExtractor(),
        image_processor=Gemma4ImageProcessorPil(**small, max_soft_tokens=70),
        tokenizer=tokenizer,
        video_processor=EmbeddingGemma2VideoProcessor(**small),
    ).save_pretrained(plain)
    return _save(plain, folder, 24, "mean")


def _save(plain: Path, folder: Path, dimension: int, pooling: str) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    modules = [Transformer(str(plain)), Pooling(dimension, pooling), Normalize()]
    prompts = {"query": QUERY, "document": DOCUMENT}
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save_pretrained(str(folder))
    return folder
