"""The newer multimodal families through sentence-transformers: prompts, Matryoshka, one vector per picture.

EmbeddingGemma 2 and Qwen3-VL-Embedding as small random models; the oracle is sentence-transformers itself,
asked for one thing at a time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tiny_clip
import tiny_multimodal
from diptych.embedders import Embedder, load
from diptych.embedders.self_check import try_out

CLOSE = {"rtol": 0.0, "atol": 1e-5}
TEXTS = ["a dog", "a photo : a cat", "dog"]
MAKERS = {
    "Qwen3-VL": tiny_multimodal.save_qwen3_vl,
    "EmbeddingGemma 2": tiny_multimodal.save_embedding_gemma_2,
}


@pytest.fixture(scope="module", autouse=True)
def _packages() -> Iterator[None]:
    tiny_clip.require()
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=list(MAKERS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp("models") / request.param.replace(" ", "-"))


@pytest.fixture(scope="module")
def embedder(folder: Path) -> Embedder:
    return load(f"sentence-transformers:{folder}")


def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(7)
    sizes = [(120, 80), (60, 90), (64, 64)]
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), np.uint8)) for w, h in sizes]


def embed(embedder: Embedder, images: list[Image.Image]) -> Any:
    return embedder.embed_images([embedder.prepare_image(image) for image in images])


def test_each_picture_has_its_own_vector_and_goes_in_as_a_document(embedder: Embedder) -> None:
    """EmbeddingGemma 2's processor takes a list of pictures for one document: one vector for all."""
    model: Any = embedder
    alone = np.vstack([model._model.encode_document([image]) for image in pictures()])
    np.testing.assert_allclose(embed(embedder, pictures()), alone, **CLOSE)
    assert np.abs(alone[0] - alone[1]).max() > 1e-4


def test_texts_go_in_as_queries_after_their_prompt(embedder: Embedder) -> None:
    model: Any = embedder
    wanted = model._model.encode([tiny_multimodal.QUERY + text for text in TEXTS], prompt="")
    made = embedder.embed_texts(TEXTS)
    if model._model.supports("message"):  # there a prompt is a message of its own
        wanted = model._model.encode_query(TEXTS)
    np.testing.assert_allclose(made, wanted, **CLOSE)
    assert np.abs(made - model._model.encode(TEXTS)).max() > 1e-3
    assert "texts after 'task: search result | query: '" in embedder.info.preprocessing


def test_the_first_numbers_can_be_kept(embedder: Embedder, folder: Path) -> None:
    short = load(f"sentence-transformers:{folder}?dimension=8")
    assert short.info.dimension == 8
    assert short.info.fingerprint != embedder.info.fingerprint
    np.testing.assert_allclose(short.embed_texts(TEXTS), embedder.embed_texts(TEXTS)[:, :8], **CLOSE)
    np.testing.assert_allclose(embed(short, pictures()), embed(embedder, pictures())[:, :8], **CLOSE)


def test_they_can_be_tried_out(embedder: Embedder) -> None:
    trials = {trial.what: trial for trial in try_out(embedder)}
    assert trials["the same picture has the same vector again"].passed
    assert trials["picture vectors are finite, of the stated length"].passed
    assert trials["the same text has the same vector again"].passed


def test_a_missing_torchvision_is_named_with_the_command(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.modules['torchvision'] = None\n"
        "from diptych.embedders import EmbedderUnavailable, load\n"
        "for spec in sys.argv[1:]:\n"
        "    try: load(spec)\n"
        "    except EmbedderUnavailable as error: print(error)"
    )
    specs = [f"sentence-transformers:{make(tmp_path / name)}" for name, make in MAKERS.items()]
    run = subprocess.run([sys.executable, "-c", code, *specs], capture_output=True, text=True, check=True)
    for said in run.stdout.splitlines():
        assert "wants torchvision: pip install 'diptych[openclip]'" in said
    assert len(run.stdout.splitlines()) == len(MAKERS)
