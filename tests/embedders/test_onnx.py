"""The onnx embedder on a small random CLIP, exported in the layouts that people publish.

The oracles are the exported model in torch, and sentence-transformers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tiny_clip
import tiny_onnx
from diptych import embedders
from diptych.embedders import Embedder, InputRejected
from diptych.embedders.onnx import load
from diptych.errors import DiptychWarning

TEXTS = ["a dog", "", "Zwölf Boxkämpfer ☃ 日本", "a photo of a cat, " * 9, "A DOG"]
LONG = " ".join(f"word{n}" for n in range(300))
CLOSE = {"rtol": 0.0, "atol": 1e-4}


@pytest.fixture(scope="module", params=list(tiny_onnx.LAYOUTS))
def clip(request: pytest.FixtureRequest, onnx_exports: Callable[[str], Path]) -> Embedder:
    """The same CLIP, loaded from each layout."""
    return load(str(onnx_exports(request.param)), threads="1")


@pytest.fixture(scope="module")
def one_clip(onnx_folder: Path) -> Embedder:
    return load(str(onnx_folder), threads="1")


def pictures() -> list[Image.Image]:
    """Upright, wide, small, single-pixel and odd: what the processor scales up, down and crops."""
    rng = np.random.default_rng(7)
    sizes = [(640, 480), (300, 500), (100, 80), (1, 1), (901, 250), (224, 224), (371, 233)]
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), np.uint8)) for w, h in sizes]


def embed(embedder: Embedder, images: list[Image.Image]) -> NDArray[np.float32]:
    return embedder.embed_images([embedder.prepare_image(image) for image in images])


def test_every_layout_gives_the_vectors_of_torch(clip: Embedder) -> None:
    import torch
    from transformers import CLIPImageProcessorPil, CLIPTokenizer

    model = tiny_clip.clip_model()
    tokens = CLIPTokenizer.from_pretrained(tiny_clip.TOKENIZER)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        of_pictures = model.get_image_features(
            **CLIPImageProcessorPil()(pictures(), return_tensors="pt")
        ).pooler_output.numpy()
        of_texts = model.get_text_features(**tokens).pooler_output.numpy()
    for made, wanted in ((embed(clip, pictures()), of_pictures), (clip.embed_texts(TEXTS), of_texts)):
        assert made.dtype == np.float32
        assert made.shape == wanted.shape
        np.testing.assert_allclose(made, wanted, **CLOSE)


def test_hits_come_in_sentence_transformers_order(clip: Embedder, tmp_path: Path) -> None:
    reference = embedders.load(f"sentence-transformers:{tiny_clip.save_plain(tmp_path / 'plain')}")
    rng = np.random.default_rng(3)
    images = [Image.fromarray(rng.integers(0, 256, (h, 240, 3), np.uint8)) for h in range(150, 450, 20)]

    def ranked(embedder: Embedder) -> NDArray[np.int64]:
        rows, queries = embed(embedder, images), embedder.embed_texts(TEXTS)
        rows, queries = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (rows, queries))
        return np.argsort(-queries @ rows.T, axis=1)

    np.testing.assert_array_equal(ranked(clip), ranked(reference))


def test_a_vector_does_not_depend_on_its_batch(clip: Embedder) -> None:
    np.testing.assert_allclose(
        embed(clip, pictures()), np.vstack([embed(clip, [image]) for image in pictures()]), **CLOSE
    )
    np.testing.assert_allclose(
        clip.embed_texts(TEXTS), np.vstack([clip.embed_texts([text]) for text in TEXTS]), **CLOSE
    )


def test_nothing_gives_no_vectors(one_clip: Embedder) -> None:
    assert one_clip.embed_texts([]).shape == (0, tiny_clip.DIMENSION)
    assert one_clip.embed_images([]).shape == (0, tiny_clip.DIMENSION)


def test_a_quantised_variant_gives_each_its_own_vector(onnx_variants: Path, one_clip: Embedder) -> None:
    """Its arithmetic rounds by the range of a whole batch, which would make vectors depend on the batch."""
    quantised = load(str(onnx_variants), variant="q8", threads="1")
    together = embed(quantised, pictures())
    np.testing.assert_array_equal(together, np.vstack([embed(quantised, [image]) for image in pictures()]))
    exact = embed(one_clip, pictures())
    assert not np.allclose(together, exact, **CLOSE)
    cosines = (together * exact).sum(1) / np.linalg.norm(together, axis=1) / np.linalg.norm(exact, axis=1)
    assert cosines.min() > 0.99


def test_a_half_precision_variant_stays_close_and_gives_float32(
    onnx_variants: Path, one_clip: Embedder
) -> None:
    half = load(str(onnx_variants), variant="fp16", threads="1")
    for exact, rounded in (
        (embed(one_clip, pictures()), embed(half, pictures())),
        (one_clip.embed_texts(TEXTS), half.embed_texts(TEXTS)),
    ):
        assert rounded.dtype == np.float32
        assert not np.array_equal(exact, rounded)
        np.testing.assert_allclose(rounded, exact, rtol=0.0, atol=0.1)
    assert half.info.model.endswith(" fp16")


def test_the_files_may_lie_directly_in_the_folder(onnx_copy: Path, one_clip: Embedder) -> None:
    for path in (onnx_copy / "onnx").iterdir():
        path.rename(onnx_copy / path.name)
    np.testing.assert_array_equal(load(str(onnx_copy)).embed_texts(TEXTS), one_clip.embed_texts(TEXTS))


def test_a_long_text_is_cut_at_the_model_s_limit_and_said_so_once(clip: Embedder) -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(tiny_clip.TOKENIZER)
    assert clip.info.max_text_tokens == 77
    with pytest.warns(DiptychWarning, match=r"cut after 77 tokens.*word0 word1 word2") as caught:
        first = clip.embed_texts([LONG, "a dog", LONG])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    again = clip.embed_texts([LONG])  # a second warning would be an error here
    ids = tokenizer(LONG, truncation=True, max_length=77)["input_ids"]
    same = clip.embed_texts([tokenizer.decode(ids[1:-1])])
    np.testing.assert_allclose(first[0], same[0], **CLOSE)
    np.testing.assert_allclose(again[0], same[0], **CLOSE)


def test_texts_are_cleaned_as_open_clip_s_settings_say(onnx_copy: Path, one_clip: Embedder) -> None:
    text_cfg = {"context_length": 20, "tokenizer_kwargs": {"clean": "canonicalize"}}
    (onnx_copy / "config.json").write_text(json.dumps({"text_cfg": text_cfg}))
    embedder = load(str(onnx_copy))
    assert embedder.info.preprocessing.endswith("; texts in lower case without punctuation")
    assert embedder.info.max_text_tokens == 20
    made = embedder.embed_texts(["  A_dog,\nit's (barking)! "])
    np.testing.assert_allclose(made, one_clip.embed_texts(["a dog its barking"]), **CLOSE)


def test_a_text_of_exactly_the_limit_is_not_called_cut(one_clip: Embedder) -> None:
    one_clip.embed_texts(["dog " * 75])  # 77 with the two marks; a warning would be an error here
    with pytest.warns(DiptychWarning, match="cut after 77 tokens"):
        one_clip.embed_texts(["dog " * 76])


def test_a_text_that_is_no_unicode_is_rejected(one_clip: Embedder) -> None:
    with pytest.raises(InputRejected, match="not valid Unicode"):
        one_clip.embed_texts(["a dog", "a \udcff dog"])


def test_a_model_says_what_it_is(clip: Embedder) -> None:
    info = clip.info
    assert info.provider == "onnx"
    assert info.dimension == tiny_clip.DIMENSION
    assert info.preprocessing == "shortest side 224, bicubic, centre crop 224×224 (Pillow)"
    assert (info.batch_size, info.licence) == (4, None)
    assert "/" not in info.model


def test_a_processor_gets_as_many_calls_at_once_as_there_are_cores_for_them(onnx_folder: Path) -> None:
    cores = os.cpu_count() or 1
    assert load(str(onnx_folder)).info.concurrency == cores
    assert load(str(onnx_folder), threads=str(cores)).info.concurrency == 1
    assert load(str(onnx_folder), threads=str(cores + 1)).info.concurrency == 1


def test_the_fingerprint_tells_what_changes_vectors(onnx_variants: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(onnx_variants, tmp_path / "elsewhere")
    usual = load(str(onnx_variants)).info.fingerprint
    (copy / "README.md").write_text("---\nlicense: mit\n---\n")
    info = load(str(copy), batch_size="2", threads="1", provider="CPU").info
    assert (info.fingerprint, info.licence, info.batch_size) == (usual, "mit", 2)
    assert load(str(copy), variant="fp16").info.fingerprint != usual
    quantised = load(str(copy), variant="q8").info.fingerprint
    assert load(str(copy), variant="quantized").info.fingerprint == quantised != usual

    shutil.copyfile(copy / "onnx" / "text_model_quantized.onnx", copy / "onnx" / "text_model.onnx")
    changed = load(str(copy)).info.fingerprint
    assert changed != usual
    settings = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").write_text(json.dumps({**settings, "resample": 2}))
    assert load(str(copy)).info.fingerprint not in {usual, changed}


def test_importing_the_module_loads_nothing_heavy() -> None:
    code = "import sys, diptych.embedders.onnx\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"onnxruntime", "tokenizers", "huggingface_hub", "torch"} & set(run.stdout.split())
