"""Small random models of open_clip's, one of each family, saved as the Hub's real ones are.

Each is a real configuration of open_clip's with fewer and narrower layers. Where the picture side is timm's,
the same model with fewer and narrower layers is registered with timm under a name of its own. Weights, and
tokenizers of whole words, are made up; OpenAI's tokenizer comes with open_clip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tiny_clip
from support import need

DIMENSION = 16
_TEXT = {"width": 16, "heads": 2, "layers": 2}
_WORDS = ["a", "dog", "cat", "photo", "of", "A", "DOG", "red"]


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        architecture: The real configuration that it is made from.
        weights: The name of real weights, whose way to prepare pictures it has.
        vision: What is different on the side of pictures.
        text: What is different on the side of texts.
        own_tokenizer: Whether the tokenizer's files lie beside the model.
    """

    architecture: str
    weights: str
    vision: Mapping[str, Any]
    text: Mapping[str, Any] = field(default_factory=dict)
    own_tokenizer: bool = False


_NATIVE = {"width": 16, "head_width": 8, "layers": 2, "patch_size": 16, "image_size": 64}
_OF_WORDS = {"vocab_size": 32}

FAMILIES = {
    "OpenAI": Family("ViT-B-32", "openai", _NATIVE),
    "LAION": Family("ViT-B-32", "laion2b_s34b_b79k", _NATIVE),
    "DataComp": Family("ViT-B-16", "datacomp_xl_s13b_b90k", _NATIVE),
    "MetaCLIP": Family("ViT-B-16", "metaclip_fullcc", _NATIVE),
    "MetaCLIP 2": Family(
        "ViT-H-14-worldwide-378", "metaclip2_worldwide", _NATIVE, {**_OF_WORDS, "eos_id": 1}, True
    ),
    "DFN": Family("ViT-H-14", "dfn5b", _NATIVE),
    "SigLIP 2": Family(
        "ViT-B-16-SigLIP2-256",
        "webli",
        {"timm_model_name": "tiny_siglip", "image_size": 64},
        _OF_WORDS,
        True,
    ),
    "PE-Core": Family("PE-Core-B-16", "meta", {"timm_model_name": "tiny_pe_core", "image_size": 64}),
    "EVA02": Family("EVA02-B-16", "merged2b_s8b_b131k", {"timm_model_name": "tiny_eva02", "image_size": 64}),
    "MobileCLIP2": Family("MobileCLIP2-S0", "dfndr2b", {"timm_model_name": "tiny_fastvit", "image_size": 64}),
}


_SMALL = {"embed_dim": 16, "depth": 2, "num_heads": 2, "img_size": 64}
_TIMM = {
    "tiny_siglip": ("vit_base_patch16_siglip_256", _SMALL),
    "tiny_pe_core": ("vit_pe_core_base_patch16_224", {**_SMALL, "ref_feat_shape": (4, 4)}),
    "tiny_eva02": ("eva02_base_patch16_clip_224", _SMALL),
    "tiny_fastvit": (
        "fastvit_mci0",
        {"layers": (1, 1, 1, 1), "embed_dims": (16, 16, 16, 32), "mlp_ratios": (2, 2, 2, 2)},
    ),
}
"""timm's models of these families, and what makes them small."""


def require() -> None:
    """Skip where the packages are missing; make the small picture sides known to timm."""
    need("torch")
    need("open_clip")
    import timm

    for name, (original, sizes) in _TIMM.items():
        if not timm.is_model(name):
            _register(name, original, sizes)


def _register(name: str, original: str, sizes: Mapping[str, Any]) -> None:
    from timm.models import model_entrypoint, register_model

    make = model_entrypoint(original)

    def small(pretrained: bool = False, **options: Any) -> Any:
        return make(pretrained, **{**sizes, **options})

    small.__name__, small.__module__ = name, make.__module__
    register_model(small)


def configuration(name: str) -> dict[str, Any]:
    """A family's `open_clip_config.json`."""
    import open_clip

    family = FAMILIES[name]
    settings: dict[str, Any] = open_clip.get_model_config(family.architecture)
    settings["embed_dim"] = DIMENSION
    settings["vision_cfg"] |= family.vision
    settings["text_cfg"] |= {**_TEXT, **family.text}
    of_weights = open_clip.get_pretrained_cfg(family.architecture, family.weights)
    settings["quick_gelu"] = bool(of_weights.get("quick_gelu"))
    pictures = {key: of_weights[key] for key in ("mean", "std", "interpolation", "resize_mode")}
    return {"model_cfg": settings, "preprocess_cfg": pictures}


def save(folder: Path, name: str, seed: int = 0) -> Path:
    """Save a family's small model into a folder; its weights depend on `seed` alone."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(json.dumps(configuration(name)))
    if FAMILIES[name].own_tokenizer:
        tiny_clip.word_tokenizer(_WORDS).save_pretrained(folder)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:  # so that vectors are spread out, as training would
                parameter.normal_(std=0.8 * (parameter.shape[0] / parameter.numel()) ** 0.5)
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return folder
