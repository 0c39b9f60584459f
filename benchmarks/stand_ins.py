"""What the speed benchmarks run on: CLIP-sized models with random weights, and pictures of a camera's size.

How fast a model runs does not depend on what its weights are, and how fast a picture is decoded does not
depend on what it shows. All is made once, under build/bench.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PLACE = Path(__file__).parent.parent / "build" / "bench"
PHOTOGRAPHS = Path(
    os.environ.get(
        "DIPTYCH_PHOTOGRAPHS", Path(__file__).parents[2] / "shared" / "data" / "photos" / "animals"
    )
)
"""Real photographs to be scaled; where there are none, clouds with grain are drawn."""

_TEXT = {"num_hidden_layers": 12, "vocab_size": 49408, "eos_token_id": 49407, "bos_token_id": 49406}
SIZES: dict[str, dict[str, Any]] = {
    "ViT-B/32": {
        "text_config": _TEXT,
        "vision_config": {"patch_size": 32},
        "projection_dim": 512,
    },
    "ViT-L/14": {
        "text_config": {**_TEXT, "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12},
        "vision_config": {
            "patch_size": 14,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
        "projection_dim": 768,
    },
}
"""What OpenAI's checkpoints have in their configuration."""


def clip(size: str, seed: int = 0) -> Path:
    """A folder as the Hub has CLIP's: transformers' model, its picture settings, a tokenizer of bytes."""
    folder = PLACE / f"clip-{size.replace('/', '-')}{f'-{seed}' if seed else ''}"
    if not (folder / "tokenizer.json").exists():
        _import_transformers()
        import torch
        from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

        torch.manual_seed(seed)
        CLIPModel(CLIPConfig(**SIZES[size])).eval().save_pretrained(folder)
        CLIPImageProcessor().save_pretrained(folder)
        _tokenizer().save_pretrained(folder)
    return folder


def onnx(size: str) -> Path:
    """The same model exported, as transformers.js has it: a file for each side, and one in 8 bits."""
    folder = PLACE / f"onnx-{size.replace('/', '-')}"
    if not (folder / "config.json").exists():
        source = clip(size)
        _import_transformers()
        import torch
        from transformers import CLIPModel

        model = CLIPModel.from_pretrained(source).eval()
        (folder / "onnx").mkdir(parents=True, exist_ok=True)
        tokens = torch.tensor([[49406, 5, 49407], [49406, 7, 49407]])
        for side, inputs in (("vision", torch.zeros(2, 3, 224, 224)), ("text", tokens)):
            path = folder / "onnx" / f"{side}_model.onnx"
            _export(_one_side(model, side), inputs, path)
            _to_8_bits(path, folder / "onnx" / f"{side}_model_quantized.onnx")
        for name in ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
            (folder / name).write_bytes((source / name).read_bytes())
        config = {"model_type": "clip", "text_config": {"max_position_embeddings": 77}}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _import_transformers() -> None:
    from diptych.embedders.sentence_transformers.loading import import_libraries

    import_libraries()


def _tokenizer() -> Any:
    """CLIP's kind of tokenizer with no merges: a token for each byte."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    signs = sorted(ByteLevel.alphabet())
    vocabulary = {sign: number for number, sign in enumerate([*signs, *(f"{sign}</w>" for sign in signs)])}
    tokenizer = CLIPTokenizer(
        vocab=vocabulary | {"<|startoftext|>": 49406, "<|endoftext|>": 49407}, merges=[]
    )
    tokenizer.model_max_length = 77
    return tokenizer


def _one_side(model: Any, side: str) -> Any:
    """A model of one side of a CLIP, made here because its class needs torch."""
    import torch

    class Side(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip = model

        def forward(self, inputs: Any) -> Any:
            get = self.clip.get_image_features if side == "vision" else self.clip.get_text_features
            return get(inputs).pooler_output

    return Side()


def _export(side: Any, inputs: Any, path: Path) -> None:
    import torch

    takes, gives = ("pixel_values", "image_embeds") if inputs.ndim == 4 else ("input_ids", "text_embeds")
    axes = {takes: {0: "batch"} | ({1: "length"} if inputs.ndim == 2 else {}), gives: {0: "batch"}}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of deprecation, and of what tracing can't see
        torch.onnx.export(
            side.eval(), (inputs,), path, input_names=[takes], output_names=[gives], dynamic_axes=axes,
            dynamo=False,
        )  # fmt: skip


def _to_8_bits(path: Path, quantised: Path) -> None:
    """Matrices in 8 bits, with a scale for each column, by onnxruntime's own tool."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        path, quantised, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, reduce_range=True,
        weight_type=QuantType.QInt8,
    )  # fmt: skip


def photographs(count: int, megapixels: float) -> Path:
    """A folder of JPEG files of quality 90, each a photograph scaled to a size, with a sensor's grain."""
    folder = PLACE / f"{count}-of-{megapixels:g}-megapixels{'' if PHOTOGRAPHS.is_dir() else '-drawn'}"
    sources = sorted(path for path in PHOTOGRAPHS.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    size = (round((megapixels * 1e6 * 4 / 3) ** 0.5), round((megapixels * 1e6 * 3 / 4) ** 0.5))
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 4, (size[1], size[0], 1)).astype(np.float32)
    for number in range(count):
        path = folder / f"{number:04}.jpg"
        if path.exists():
            continue
        small = (
            Image.open(sources[number % len(sources)]).convert("RGB")
            if sources
            else Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
        )
        pixels = np.asarray(small.resize(size, Image.Resampling.BICUBIC), np.float32)
        noisy = np.clip(pixels + np.roll(grain, 97 * number, axis=0), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(path, quality=90)
    return folder


def kind_of_photographs() -> str:
    """What `photographs` gives, in words."""
    return "real photographs, scaled, with grain" if PHOTOGRAPHS.is_dir() else "drawn clouds with grain"
