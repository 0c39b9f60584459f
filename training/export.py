"""Writing a model as the `onnx` embedder reads it: both sides as ONNX, tokenizer and settings beside them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from model import SIDE, Clip
from tokenizer import LIMIT, PADDING

BICUBIC = 3  # Pillow's number


def export(model: Clip, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the model to `folder`."""
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    model = model.cpu().to(memory_format=torch.contiguous_format).eval()
    pixels, ids = torch.zeros(2, 3, SIDE, SIDE), torch.ones(2, 6, dtype=torch.int64)
    _export(model.image, pixels, folder / "onnx" / "vision_model.onnx", "pixel_values", "image_embeds")
    _export(model.text, ids, folder / "onnx" / "text_model.onnx", "input_ids", "text_embeds")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    _save(folder / "tokenizer_config.json", {"model_max_length": LIMIT, "pad_token": PADDING})
    _save(folder / "config.json", {"model_type": "clip", "text_config": {"max_position_embeddings": LIMIT}})
    _save(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "CLIPImageProcessor",
            "do_resize": True,
            "size": {"height": SIDE, "width": SIDE},
            "resample": BICUBIC,
            "do_center_crop": False,
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
        },
    )


def _export(side: nn.Module, example: torch.Tensor, path: Path, takes: str, gives: str) -> None:
    """Export one side with torch's older exporter, which needs no further package."""
    axes = {takes: {0: "batch"}, gives: {0: "batch"}}
    if takes == "input_ids":
        axes[takes][1] = "length"
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # that it is the older one, and what tracing can't see
        torch.onnx.export(
            side, (example,), path, input_names=[takes], output_names=[gives], dynamic_axes=axes, dynamo=False
        )


def _save(path: Path, settings: dict[str, object]) -> None:
    path.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
