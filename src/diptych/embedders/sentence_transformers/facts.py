"""What a loaded model says of itself: how it sees pictures and reads texts, what its vectors depend on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.pictures import PictureProcessor, PictureRules
from diptych.embedders.sentence_transformers.loading import transformer_modules

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PIXELS = "pixel_values"
"""What transformers' models call pictures."""

_NO_TOKEN_LIMIT = 10**9  # tokenizers write "no limit" as a huge number


def picture_processor(model: SentenceTransformer) -> Any | None:
    """The transformers processor that pictures go through, or None where the model has its own way."""
    found = (getattr(module.processor, "image_processor", None) for module in transformer_modules(model))
    return next((processor for processor in found if processor is not None), None)


def picture_settings(model: SentenceTransformer) -> dict[str, Any]:
    """What the picture processor does, by the names that transformers uses; empty without one."""
    processor = picture_processor(model)
    return {} if processor is None else cast("dict[str, Any]", processor.to_dict())


def makes_one_size(model: SentenceTransformer) -> bool:
    """Whether pictures can be preprocessed one by one and stacked: one shape for all, no text among them."""
    import torch

    if model.supports("message"):
        return False
    wide, tall = (
        {
            name: value.shape
            for name, value in model.preprocess([Image.new("RGB", size)], task="document").items()
            if isinstance(value, torch.Tensor)
        }
        for size in ((64, 48), (48, 96))
    )
    return bool(wide) and wide == tall and all(shape[0] == 1 for shape in wide.values())


def own_processor(model: SentenceTransformer) -> PictureProcessor | None:
    """What does as the model's picture processor does, to the bit; None where that does more than we know.

    Its settings alone don't tell: noise must come out the same in both, upright, wide and scaled up.
    """
    import torch

    try:
        processor = PictureProcessor(PictureRules.of(picture_settings(model), {}, None))
    except EmbedderUnavailable:
        return None
    rng = np.random.default_rng(0)
    for width, height in ((640, 480), (123, 457), (50, 40)):
        noise = Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
        theirs = dict(model.preprocess([noise], task="document"))
        tensors = [name for name, value in theirs.items() if isinstance(value, torch.Tensor)]
        if tensors != [PIXELS] or not np.array_equal(theirs[PIXELS][0].numpy(), processor(noise)):
            return None
    return processor


def shortest_side(model: SentenceTransformer) -> int | None:
    """The length that a picture's shortest side is scaled to, where a model of one size does that."""
    size: Mapping[str, int] = picture_settings(model).get("size") or {}
    return size.get("shortest_edge")


def describe_pictures(model: SentenceTransformer, *, one_size: bool) -> str:
    """One line on what is done to a picture: "shortest side 224, bicubic, centre crop 224×224 (Pillow)".

    Args:
        model: The model.
        one_size: Whether its processor makes one size of all pictures. Where not, its settings mean different
            things in each processor, and only its name is given.
    """
    processor = picture_processor(model)
    if processor is None:
        return "prepared by the model's own code"
    library = "torchvision" if getattr(processor, "backend", None) == "torchvision" else "Pillow"
    steps = _steps(picture_settings(model)) if one_size else []
    name = type(processor).__name__.removesuffix("Pil")
    return f"{', '.join(steps) or f'as {name} does'} ({library}){_put_before(model)}"


def _put_before(model: SentenceTransformer) -> str:
    """What the model puts before a document, where it reads pictures as part of a text."""
    names = ("document", "passage", "corpus")  # as `SentenceTransformer.encode_document` takes them
    prompt = next((model.prompts[name] for name in names if name in model.prompts), None)
    return f"; pictures after {prompt!r}" if prompt and model.supports("message") else ""


def _steps(settings: Mapping[str, Any]) -> list[str]:
    size, crop = settings.get("size") or {}, settings.get("crop_size") or {}
    steps = []
    if "max_num_patches" in settings:
        steps.append(f"the whole picture in at most {settings['max_num_patches']} patches")
    elif settings.get("do_resize") and size.get("shortest_edge"):
        steps.append(f"shortest side {size['shortest_edge']}")
    elif settings.get("do_resize") and size.get("height"):
        steps.append(f"squashed to {size['width']}×{size['height']}")
    if steps and settings.get("resample") is not None:
        steps.append(Image.Resampling(settings["resample"]).name.lower())
    if settings.get("do_center_crop") and crop.get("height"):
        steps.append(f"centre crop {crop['width']}×{crop['height']}")
    return steps


@dataclasses.dataclass(frozen=True)
class SentenceTransformersTextRules:
    """How texts are read.

    Attributes:
        limit: Tokens, the special ones counted; None where there is no limit.
        siglip: Whether texts are put in lower case and padded to `limit`, as SigLIP was trained.
        prompt: What the model puts before every query.
    """

    limit: int | None
    siglip: bool
    prompt: str

    @classmethod
    def of(cls, model: SentenceTransformer) -> SentenceTransformersTextRules:
        """Read the rules off a model."""
        config: Any = getattr(model.transformers_model, "config", None)
        of_texts = config.get_text_config() if hasattr(config, "get_text_config") else config
        limits = (
            getattr(getattr(model[0], "tokenizer", None), "model_max_length", None),
            getattr(of_texts, "max_position_embeddings", None),
        )
        return cls(
            limit=min((n for n in limits if isinstance(n, int) and 0 < n < _NO_TOKEN_LIMIT), default=None),
            siglip=getattr(config, "model_type", None) in {"siglip", "siglip2"},
            prompt=model.prompts.get("query") or "",
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """What `SentenceTransformer.encode` is told beyond its own settings."""
        if not self.siglip:
            return {}
        padding = {"padding": "max_length", "max_length": self.limit, "return_attention_mask": False}
        return {"processing_kwargs": {"text": padding}}

    def describe(self) -> str:
        """What a person should know, to follow the description of pictures; mostly nothing."""
        notes = [f"texts in lower case, padded to {self.limit} tokens"] if self.siglip else []
        notes += [f"texts after {self.prompt!r}"] if self.prompt else []
        return "".join(f"; {note}" for note in notes)


def learnt_number(model: SentenceTransformer, name: str) -> float | None:
    """A single number that was learnt beside the two sides: `logit_scale` or `logit_bias`."""
    found = [p for key, p in model.named_parameters() if key.rsplit(".", 1)[-1] == name and p.numel() == 1]
    return float(found[0].detach().item()) if found else None


def settings_hash(model: SentenceTransformer, rules: SentenceTransformersTextRules) -> str:
    """A short hash of all settings that vectors depend on, beside the model's files and the precision."""
    code = [type(module.model).__module__ for module in transformer_modules(model)]
    settings = {
        "pictures": picture_settings(model),
        "backend": getattr(picture_processor(model), "backend", None),
        "texts": dataclasses.asdict(rules),
        "prompts": model.prompts,
        "dimension": model.truncate_dim,
        # Code that comes with a model is imported under the name of its commit.
        "code": [name for name in code if name.startswith("transformers_modules.")],
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
