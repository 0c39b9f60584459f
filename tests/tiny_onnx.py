"""The small random CLIP of `tiny_clip`, exported to ONNX in the layouts that people publish."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import tiny_clip
from support import need

PREPROCESS_CFG = {
    "size": [224, 224],
    "mode": "RGB",
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}
"""What open_clip writes for OpenAI's CLIP."""


def require() -> None:
    """Skip where a package or the tokenizer is missing."""
    tiny_clip.require()
    for package in ("onnx", "onnxruntime", "tokenizers"):
        need(package)


def save_transformers_js(folder: Path) -> Path:
    """As `Xenova/clip-vit-base-patch32`: a file for each side, of any batch."""
    import torch

    model = tiny_clip.clip_model()
    pictures, texts = folder / "onnx" / "vision_model.onnx", folder / "onnx" / "text_model.onnx"
    _export(_pictures(model), [_pixels()], pictures, ["pixel_values"], ["image_embeds"])
    _export(_texts(model), [_tokens(torch.int64)], texts, ["input_ids"], ["text_embeds"])
    return _add_settings(folder)


def add_variants(folder: Path) -> None:
    """Put half-precision and dynamically quantised files beside transformers.js' full ones."""
    import onnx
    from onnxruntime.quantization import quantize_dynamic
    from onnxruntime.transformers.float16 import convert_float_to_float16

    for path in sorted(folder.glob("onnx/*_model.onnx")):
        half = convert_float_to_float16(onnx.load(path))
        onnx.save(half, path.with_name(f"{path.stem}_fp16.onnx"))
        quantize_dynamic(path, path.with_name(f"{path.stem}_quantized.onnx"))


def move_weights_out(path: Path, into: str | None = None) -> None:
    """Rewrite an export as those above 2 GB are: the weights beside it, by default in `NAME.onnx_data`."""
    import onnx

    model, location = onnx.load(path), into or f"{path.name}_data"
    onnx.save(model, path, save_as_external_data=True, location=location, size_threshold=64)


def save_combined(folder: Path) -> Path:
    """Both sides in one file, as transformers.js' first exports."""
    import torch

    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip = tiny_clip.clip_model()

        def forward(self, input_ids: Any, pixel_values: Any, attention_mask: Any) -> Any:
            of_texts = self.clip.get_text_features(input_ids, attention_mask=attention_mask).pooler_output
            of_pictures = self.clip.get_image_features(pixel_values).pooler_output
            return of_pictures @ of_texts.T, of_texts, of_pictures

    tokens = _tokens(torch.int64)
    _export(
        Both(),
        [tokens, _pixels(), torch.ones_like(tokens)],
        folder / "onnx" / "model.onnx",
        ["input_ids", "pixel_values", "attention_mask"],
        ["logits_per_image", "text_embeds", "image_embeds"],
    )
    return _add_settings(folder)


def save_immich(folder: Path) -> Path:
    """As `immich-app/ViT-B-32__openai`: one item at a time, 77 tokens of 32 bits, open_clip's settings."""
    import torch

    model = tiny_clip.clip_model()
    visual, textual = folder / "visual", folder / "textual"
    _export(_pictures(model), [_pixels()[:1]], visual / "model.onnx", ["image"], ["embedding"], fixed=True)
    tokens = torch.full((1, 77), 49407, dtype=torch.int32)
    _export(_texts(model), [tokens], textual / "model.onnx", ["text"], ["embedding"], fixed=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tiny_clip.TOKENIZER / name, textual / name)
    (visual / "preprocess_cfg.json").write_text(json.dumps(PREPROCESS_CFG))
    (folder / "config.json").write_text(json.dumps({"embed_dim": 16, "text_cfg": {"context_length": 77}}))
    return folder


LAYOUTS = {"transformers.js": save_transformers_js, "combined": save_combined, "immich": save_immich}
"""How an export may be laid out, by name; all hold the same model."""


def save_unprojected(path: Path) -> None:
    """A text side that gives only what comes before the projection."""
    import torch

    class Unprojected(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.text = tiny_clip.clip_model().text_model

        def forward(self, ids: Any) -> Any:
            made = self.text(ids)
            return made.last_hidden_state, made.pooler_output

    names = ["input_ids"], ["last_hidden_state", "pooler_output"]
    _export(Unprojected(), [_tokens(torch.int64)], path, *names)


def _pictures(model: Any) -> Any:
    import torch

    class Pictures(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip = model

        def forward(self, pixels: Any) -> Any:
            return self.clip.get_image_features(pixels).pooler_output

    return Pictures()


def _texts(model: Any) -> Any:
    import torch

    class Texts(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip = model

        def forward(self, ids: Any) -> Any:
            return self.clip.get_text_features(ids).pooler_output

    return Texts()


def _pixels() -> Any:
    import torch

    return torch.zeros((2, 3, 224, 224))


def _tokens(dtype: Any) -> Any:
    import torch

    return torch.tensor([[49406, 320, 1929, 49407, 49407], [49406, 320, 320, 2368, 49407]], dtype=dtype)


def _export(
    model: Any, inputs: list[Any], path: Path, takes: list[str], gives: list[str], *, fixed: bool = False
) -> None:
    """Export with torch's older exporter, which needs no onnxscript."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    axes = {
        name: {0: f"{'image' if name == 'pixel_values' else 'text'}_batch_size"} for name in [*takes, *gives]
    }
    for name in ("input_ids", "attention_mask"):
        if name in axes:
            axes[name][1] = "sequence_length"
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # a deprecation, and what tracing can't see
        torch.onnx.export(
            model.eval(),
            tuple(inputs),
            path,
            input_names=takes,
            output_names=gives,
            dynamic_axes=None if fixed else axes,
            dynamo=False,
        )


def _add_settings(folder: Path) -> Path:
    for name in ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
        shutil.copyfile(tiny_clip.TOKENIZER / name, folder / name)
    config = {"model_type": "clip", "text_config": {"max_position_embeddings": 77}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
