"""Small random models, saved as the Hub's real ones are, so that tests load what people load.

The CLIP has OpenAI's tokenizer and picture settings, which lie beside the repository; only its weights are
made up. What needs them is skipped where they are absent.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import SHARED, need

TOKENIZER = SHARED / "data" / "clip-tokenizer"
DIMENSION = 16
_SIDE = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def require() -> None:
    """Skip where the packages or the tokenizer are missing; import the packages as Diptych does."""
    need("torch")
    need("sentence_transformers")
    from diptych.embedders.sentence_transformers.loading import import_libraries

    import_libraries()
    if not TOKENIZER.is_dir():
        pytest.skip(f"CLIP's tokenizer is not at {TOKENIZER}")


def clip_model(seed: int = 0, end_of_text: int = 49407) -> Any:
    """A transformers `CLIPModel` of two layers a side; the weights depend on `seed` alone.

    Args:
        seed: Of the weights.
        end_of_text: The id in its configuration: 2 in OpenAI's checkpoints, by an old mistake that
            transformers knows.
    """
    import torch
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(seed)
    text = {
        "vocab_size": 49408,
        "max_position_embeddings": 77,
        "eos_token_id": end_of_text,
        "pad_token_id": 1,
    }
    config = CLIPConfig(
        text_config={**_SIDE, **text, "bos_token_id": 49406},
        vision_config={**_SIDE, "image_size": 224, "patch_size": 32},
        projection_dim=DIMENSION,
        initializer_factor=5.0,  # spreads the vectors out as training would
    )
    return CLIPModel(config).eval()


def save_plain(folder: Path, seed: int = 0) -> Path:
    """As `openai/clip-vit-large-patch14`: a model of transformers' own."""
    clip_model(seed).save_pretrained(folder)
    for file in TOKENIZER.iterdir():
        shutil.copyfile(file, folder / file.name)
    return folder


def save_modern(folder: Path, seed: int = 0) -> Path:
    """As sentence-transformers saves it now: one `Transformer` module."""
    from sentence_transformers import SentenceTransformer

    plain = save_plain(folder.with_name(f"{folder.name}-plain"), seed)
    SentenceTransformer(str(plain), device="cpu").save_pretrained(str(folder))
    return folder


def save_legacy(folder: Path, seed: int = 0) -> Path:
    """As `sentence-transformers/clip-ViT-L-14` has lain on the Hub since 2021.

    A `0_CLIPModel` folder with pickled weights, a tokenizer in two text files and settings from before image
    processors were called so.
    """
    import torch

    module = folder / "0_CLIPModel"
    module.mkdir(parents=True)
    model = clip_model(seed, end_of_text=2)
    model.config.save_pretrained(module)
    torch.save(model.state_dict(), module / "pytorch_model.bin")
    for name in ("merges.txt", "vocab.json", "special_tokens_map.json"):
        shutil.copyfile(TOKENIZER / name, module / name)
    _write(module / "tokenizer_config.json", _LEGACY_TOKENIZER)
    _write(module / "preprocessor_config.json", _LEGACY_PICTURES)
    kind = "sentence_transformers.models.CLIPModel"
    _write(folder / "modules.json", [{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": kind}])
    _write(folder / "config_sentence_transformers.json", {"__version__": {"sentence_transformers": "2.0.0"}})
    return folder


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "legacy": save_legacy,
    "modern": save_modern,
    "plain": save_plain,
}
"""How a CLIP may be saved, by name; all hold the same model."""

_LEGACY_TOKENIZER = {
    "add_prefix_space": False,
    "bos_token": "<|startoftext|>",
    "do_lower_case": True,
    "eos_token": "<|endoftext|>",
    "errors": "replace",
    "model_max_length": 77,
    "name_or_path": "openai/clip-vit-large-patch14",
    "pad_token": "<|endoftext|>",
    "special_tokens_map_file": "./special_tokens_map.json",
    "tokenizer_class": "CLIPTokenizer",
    "unk_token": "<|endoftext|>",
}

_LEGACY_PICTURES = {
    "crop_size": 224,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "size": 224,
}


def save_router(folder: Path) -> tuple[Path, Path, Path]:
    """A model with one CLIP for queries and another for documents; returns its folder and theirs."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router, Transformer

    of_queries = save_plain(folder.with_name("of-queries"), seed=1)
    of_documents = save_plain(folder.with_name("of-documents"), seed=2)
    router = Router.for_query_document([Transformer(str(of_queries))], [Transformer(str(of_documents))])
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(folder))
    return folder, of_queries, of_documents


def save_siglip(folder: Path) -> Path:
    """A SigLIP, as `google/siglip-base-patch16-224` is saved, whose tokenizer tells "A" from "a"."""
    import torch
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipProcessor

    tokenizer = word_tokenizer(["a", "dog", "cat", "photo", "of", "A", "DOG"])
    torch.manual_seed(0)
    vocabulary = {"vocab_size": 32, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1}
    config = SiglipConfig(
        text_config={**_SIDE, **vocabulary, "max_position_embeddings": 64},
        vision_config={**_SIDE, "image_size": 64, "patch_size": 32},
    )
    SiglipModel(config).eval().save_pretrained(folder)
    pictures = SiglipImageProcessorPil(size={"height": 64, "width": 64})
    SiglipProcessor(pictures, tokenizer).save_pretrained(folder)
    return folder


def save_chat_model(folder: Path) -> Path:
    """A Gemma 3: it reads a picture as part of a chat, so that the two can't be prepared apart."""
    import torch
    from transformers import Gemma3Config, Gemma3ImageProcessorPil, Gemma3Model, Gemma3Processor

    marks = {
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
    }
    tokenizer = word_tokenizer(["a", "dog", "cat", "photo", "user"], **marks)
    template = (
        "{% for m in messages %}{{ m['role'] }} {% for c in m['content'] %}{% if c['type'] == 'image' %}"
        "<start_of_image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
    )
    torch.manual_seed(0)
    text = {"vocab_size": 32, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 128}
    config = Gemma3Config(
        text_config={**_SIDE, **text, "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 0},
        vision_config={**_SIDE, "image_size": 28, "patch_size": 7},
        mm_tokens_per_image=4,
        boi_token_index=tokenizer.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end_of_image>"),
        image_token_index=tokenizer.convert_tokens_to_ids("<image_soft_token>"),
    )
    Gemma3Model(config).eval().save_pretrained(folder)
    pictures = Gemma3ImageProcessorPil(size={"height": 28, "width": 28})
    processor = Gemma3Processor(pictures, tokenizer, chat_template=template, image_seq_length=4)
    processor.save_pretrained(folder)
    return folder


def save_text_model(folder: Path) -> Path:
    """A BERT, which has no image side."""
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(vocab_size=32, **_SIDE)).save_pretrained(folder)
    word_tokenizer(["a", "dog"]).save_pretrained(folder)
    return folder


def word_tokenizer(words: list[str], **marks: str) -> Any:
    """A tokenizer of whole words that ends a text with `</s>` and, like SigLIP's, knows no longest length."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: row for row, word in enumerate(["<pad>", "</s>", "<unk>", *words, *marks.values()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    special = {"unk_token": "<unk>", "pad_token": "<pad>", "eos_token": "</s>", "bos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, extra_special_tokens=marks, **special)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))
