"""Loading what was found: the model, its tokenizer, and how it prepares pictures."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from diptych.embedders import huggingface
from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.open_clip.finding import FoundModel

PRECISIONS = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
"""What open_clip calls each type; it keeps what needs it, such as layer norms, in full precision."""


def open_model(found: FoundModel, precision: str, device: str) -> Any:
    """The model, in evaluation mode, on its device.

    Raises:
        EmbedderUnavailable: It can't be loaded.
    """
    import open_clip

    with _quietly():
        try:
            model = open_clip.create_model(
                found.architecture or f"local-dir:{found.folder}",
                pretrained=None if found.weights is None else str(found.weights),
                precision=PRECISIONS[precision],
                device=device,
                # open_clip only warns where the architecture's name says otherwise, and embeds wrongly.
                force_quick_gelu=found.quick_gelu,
                force_preprocess_cfg=dict(found.pictures),
                require_pretrained=True,
            )
        except Exception as error:  # torch, timm, safetensors: anything can come
            raise EmbedderUnavailable(_explain(error, found)) from error
    return model.eval()


def _explain(error: Exception, found: FoundModel) -> str:
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return f"there is not enough memory for {found.source.label}: try precision=bfloat16 or device=cpu"
    if "Required pretrained weights" in str(error):
        return f"{found.source.label} holds no weights: put open_clip_model.safetensors beside its settings"
    return f"open_clip can't load {found.source.label}: {huggingface.one_line(error)}"


def open_tokenizer(found: FoundModel) -> tuple[Any, str]:
    """The model's tokenizer, and what changes whenever its files do.

    Raises:
        EmbedderUnavailable: It can't be loaded, or not be fetched.
    """
    import open_clip

    source = found.tokenizer
    if source is None:  # OpenAI's, which comes with open_clip
        return open_clip.get_tokenizer(found.architecture or f"local-dir:{found.folder}"), "open_clip"
    texts = found.settings["text_cfg"]
    with _quietly():
        try:
            tokenizer = open_clip.tokenizer.HFTokenizer(
                source.place,
                context_length=texts.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH),
                tokenizer_mode=texts.get("tokenizer_mode"),
                revision=source.commit,
                local_files_only=source.unreachable is not None,
                **texts.get("tokenizer_kwargs", {}),
            )
        except Exception as error:
            raise EmbedderUnavailable(
                f"the tokenizer {source.label} of {found.source.label} can't be loaded: "
                f"{huggingface.one_line(error)}"
            ) from error
    return tokenizer, source.identity


def open_transform(model: Any) -> tuple[Any, Mapping[str, Any]]:
    """What prepares a picture for a loaded model, and its settings."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    settings: Mapping[str, Any] = model.visual.preprocess_cfg
    return image_transform_v2(PreprocessCfg(**settings), is_train=False), settings


@contextmanager
def _quietly() -> Iterator[None]:
    """Hold back open_clip's notices: it logs to everybody's log, and warns of what is set right here."""
    root = logging.getLogger()
    before = root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
