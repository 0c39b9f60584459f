"""How the onnx embedder prepares pictures: the oracles are transformers' processors and OpenAI's tensors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tiny_clip
import tiny_onnx
from diptych.embedders import EmbedderUnavailable, InputRejected
from diptych.embedders.onnx import load
from diptych.embedders.pictures import PictureProcessor, PictureRules
from support import need


def pictures() -> list[Image.Image]:
    """Upright, wide, small, single-pixel and odd: what the processor scales up, down and crops."""
    rng = np.random.default_rng(7)
    sizes = [(640, 480), (300, 500), (100, 80), (1, 1), (901, 250), (224, 224), (371, 233)]
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), np.uint8)) for w, h in sizes]


def hf_pixels(images: list[Image.Image], **settings: Any) -> NDArray[np.float32]:
    """What transformers' Pillow processor for CLIP makes of pictures."""
    need("transformers")
    from transformers import CLIPImageProcessorPil

    pixels: NDArray[np.float32] = CLIPImageProcessorPil(**settings)(images, return_tensors="np")[
        "pixel_values"
    ]
    return pixels


def test_preprocessing_is_openai_s(shared: Path) -> None:
    """Tensors of OpenAI's own preprocessing: six the same to the bit, one per column aside.

    524_316.jpg is 371 pixels wide once scaled. Its crop begins at 73.5: Hugging Face takes 73, OpenAI 74.
    """
    golden_folder = shared / "data" / "embeddings" / "clip_vitb32_clip_retrieval"
    with np.load(golden_folder / "golden.npz") as golden:
        wanted = dict(zip(golden["names"].tolist(), golden["preprocessed"], strict=True))
    assert len(wanted) == 7
    processor = PictureProcessor(PictureRules.of({}, {}, None))
    for name, tensor in wanted.items():
        image = Image.open(golden_folder / "images" / name).convert("RGB")
        made = processor(image)
        np.testing.assert_array_equal(made, hf_pixels([image])[0])
        if name == "524_316.jpg":
            np.testing.assert_array_equal(made[:, :, 1:], tensor[:, :, :-1])
        else:
            np.testing.assert_array_equal(made, tensor)


@pytest.mark.parametrize(
    ("settings", "description"),
    [
        ({}, "shortest side 224, bicubic, centre crop 224×224"),
        ({"resample": 2, "size": {"shortest_edge": 99}}, "shortest side 99, bilinear, centre crop 224×224"),
        ({"size": 100, "crop_size": 91}, "shortest side 100, bicubic, centre crop 91×91"),
        (
            {"size": {"height": 40, "width": 70}, "do_center_crop": False, "do_normalize": False},
            "squashed to 70×40, bicubic",
        ),
        ({"do_resize": False, "crop_size": {"height": 301, "width": 40}}, "centre crop 40×301"),
        (
            {"do_rescale": False, "image_mean": [100, 90, 80]},
            "shortest side 224, bicubic, centre crop 224×224",
        ),
        ({"rescale_factor": 1 / 127.5}, "shortest side 224, bicubic, centre crop 224×224"),
    ],
)
def test_pictures_are_prepared_as_transformers_does(settings: dict[str, Any], description: str) -> None:
    """Also where the crop is larger than the picture, which is filled up in black."""
    rules = PictureRules.of({"image_processor_type": "CLIPImageProcessor", **settings}, {}, None)
    assert rules.describe() == f"{description} (Pillow)"
    processor = PictureProcessor(rules)
    for image in pictures():
        made = processor(image)
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made, hf_pixels([image], **settings)[0])


@pytest.mark.parametrize("size", [224, [224, 224]])
def test_open_clip_s_settings_mean_the_same(size: Any) -> None:
    cfg = {**tiny_onnx.PREPROCESS_CFG, "size": size}
    assert PictureRules.of({}, cfg, None) == PictureRules.of({"crop_size": 224}, {}, None)
    squashed = PictureRules.of({}, {**cfg, "resize_mode": "squash", "interpolation": "bilinear"}, None)
    assert squashed.describe() == "squashed to 224×224, bilinear (Pillow)"


@pytest.mark.parametrize(
    ("preprocessor", "preprocess_cfg"),
    [
        ({"do_pad": True}, {}),
        ({"size": {"longest_edge": 300}}, {}),
        ({"do_center_crop": False}, {}),
        ({"image_mean": "high"}, {}),
        ({}, {**tiny_onnx.PREPROCESS_CFG, "resize_mode": "longest"}),
        ({}, {"mean": [0.5, 0.5, 0.5]}),
    ],
)
def test_settings_that_cannot_be_followed_are_said(
    preprocessor: dict[str, Any], preprocess_cfg: dict[str, Any]
) -> None:
    with pytest.raises(EmbedderUnavailable, match="settings for pictures can't be followed"):
        PictureRules.of(preprocessor, preprocess_cfg, None)


def test_siglip_s_pictures_and_texts_are_prepared_as_it_was_trained(onnx_copy: Path, tmp_path: Path) -> None:
    """transformers 5 writes the settings of pictures into `processor_config.json`."""
    from transformers import SiglipImageProcessorPil

    saved = tiny_clip.save_siglip(tmp_path / "siglip")
    (onnx_copy / "preprocessor_config.json").unlink()
    shutil.copyfile(saved / "processor_config.json", onnx_copy / "processor_config.json")
    (onnx_copy / "config.json").write_text(json.dumps({"model_type": "siglip"}))
    settings = json.loads((onnx_copy / "processor_config.json").read_text())["image_processor"]
    settings["size"] = {"height": 224, "width": 224}
    (onnx_copy / "processor_config.json").write_text(json.dumps({"image_processor": settings}))
    tokenizer = json.loads((onnx_copy / "tokenizer_config.json").read_text())
    (onnx_copy / "tokenizer_config.json").write_text(json.dumps({**tokenizer, "model_max_length": 64}))
    embedder = load(str(onnx_copy))
    assert embedder.info.preprocessing == (
        "squashed to 224×224, bicubic (Pillow); texts in lower case, padded to 64 tokens"
    )
    processor = SiglipImageProcessorPil(size={"height": 224, "width": 224})
    for image in pictures():
        wanted = processor(image, return_tensors="np")["pixel_values"][0]
        np.testing.assert_array_equal(embedder.prepare_image(image), wanted)


def test_a_model_without_picture_settings_gets_openai_s_and_says_so(onnx_copy: Path) -> None:
    (onnx_copy / "preprocessor_config.json").unlink()
    embedder = load(str(onnx_copy))
    assert embedder.info.preprocessing == (
        "shortest side 224, bicubic, centre crop 224×224 (Pillow); "
        "no settings beside the model, so OpenAI CLIP's"
    )
    np.testing.assert_array_equal(embedder.prepare_image(pictures()[0]), hf_pixels(pictures()[:1])[0])


def test_a_picture_too_thin_to_scale_is_rejected() -> None:
    with pytest.raises(InputRejected, match=r"1×30000 pixels are too thin to scale to 224"):
        PictureProcessor(PictureRules.of({}, {}, None))(Image.new("RGB", (1, 30_000)))
