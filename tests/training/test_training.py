"""The way from drawn scenes to a model that is run without torch, in a setting of seconds."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import diptych
from diptych.embedders.mini.embedder import MiniEmbedder
from support import need

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(font: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model and the log of its training."""
    need("torch")
    folder = tmp_path_factory.mktemp("tiny")
    command = [sys.executable, ROOT / "training" / "train.py", "mini-s", "--tiny", folder]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


def test_training_learns_and_its_log_tells_loss_and_retrieval(made: Path) -> None:
    from model import TINY

    log = (made / "mini-s.log").read_text()
    losses = [float(found) for found in re.findall(r"loss (\d+\.\d+)", log)]
    assert len(losses) == TINY.steps
    assert losses[-1] < losses[TINY.naming]  # where the texts came in
    assert len(re.findall(r"held-out (?:scenes|combinations) .*recall@1 [01]\.\d+", log)) == 2


def test_the_exported_model_compares_like_any_other(made: Path, tmp_path: Path) -> None:
    result = diptych.compare("sample", [MiniEmbedder(made / "mini-s")], ["wolf"], k=3)
    (query,) = result.queries
    (hits,) = query.rankings.values()
    assert len(hits) == 3
    assert result.embedders[0].licence == "apache-2.0"


def test_the_export_gives_the_vectors_that_torch_gives(tmp_path: Path) -> None:
    need("torch")
    import torch
    from PIL import Image

    import captions
    from batches import to_pixels
    from export import export
    from model import SIDE, TINY, Clip
    from tokenizer import encode, make_tokenizer

    torch.manual_seed(3)
    tokenizer = make_tokenizer(captions.vocabulary())
    model = Clip(TINY, tokenizer.get_vocab_size()).eval()
    for layer in model.image.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):  # as after training: no two channels alike
            for numbers in (layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var):
                numbers.uniform_(0.5, 1.5)
    export(model, tokenizer, tmp_path)
    embedder = MiniEmbedder(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    texts = ["a wolf", "two red apples left of a beard", ""]
    with torch.inference_mode():
        of_picture = model.image(torch.from_numpy(to_pixels([Image.fromarray(noise)])))
        of_texts = model.text(torch.from_numpy(encode(tokenizer, texts)))
    prepared = embedder.prepare_image(Image.fromarray(noise))
    np.testing.assert_allclose(embedder.embed_images([prepared]), of_picture, atol=1e-5)
    np.testing.assert_allclose(embedder.embed_texts(texts), of_texts, atol=1e-5)


def test_a_batch_is_the_same_every_time(font: None) -> None:
    need("torch")
    import captions
    from batches import Batches
    from model import TINY
    from tokenizer import make_tokenizer

    batches = Batches(TINY, make_tokenizer(captions.vocabulary()))
    (pixels, present, sets), (same_pixels, same_present, same_sets) = (
        next(itertools.islice(batches, TINY.naming, None)) for _ in range(2)
    )
    assert bool((pixels == same_pixels).all())
    assert bool((present == same_present).all())
    assert len(sets) == 3
    for (ids, truth), (same_ids, same_truth) in zip(sets, same_sets, strict=True):
        assert bool((ids == same_ids).all())
        assert bool((truth == same_truth).all())


def test_every_picture_of_a_batch_has_its_texts_and_some_texts_have_no_picture(font: None) -> None:
    need("torch")
    import captions
    from batches import Batches
    from model import TINY
    from things import things
    from tokenizer import make_tokenizer

    batches = Batches(TINY, make_tokenizer(captions.vocabulary()))
    assert next(iter(batches))[2] == []  # at first there are pictures only
    pixels, present, (full, casual, names) = next(itertools.islice(batches, TINY.naming, None))
    own = range(len(pixels))
    assert present.shape == (len(pixels), len(things()))
    assert 1 <= int(present.sum(dim=1).min()) <= int(present.sum(dim=1).max()) <= 3
    for _, truth in (full, casual):
        assert bool(truth[own, own].all())
    assert not bool(casual[1][len(pixels) :].any())  # about things that no one has heard of
    assert 0 < int(names[1].any(dim=1).sum()) < len(names[1])


def test_the_loss_is_least_where_pictures_are_like_what_is_true_of_them_and_nothing_else() -> None:
    need("torch")
    import torch
    from torch import nn

    from model import TINY, Clip

    model = Clip(TINY, 10)
    model.text = nn.Identity()
    pictures = torch.eye(4)[:3]
    truth = torch.tensor([[True, False, False], [False, True, True], [False, False, False]])
    right = torch.tensor([[1.0, 0, 0, 0], [0, 0.7, 0.7, 0], [0, 0, 0, 1.0]])
    shifted, unsaid = right.roll(1, 1), right.clone()
    unsaid[2] = right[1]  # what is true of nothing, and like two pictures
    losses = [model._contrast_texts(pictures, texts, truth).item() for texts in (right, shifted, unsaid)]
    assert losses[0] < min(losses[1:])


def test_recall_counts_what_is_among_the_first_k() -> None:
    need("torch")
    from evaluate import recall

    images = np.eye(4, dtype=np.float32)
    texts = images + 0.1
    texts[3] = (0.9, 0.8, 0.7, 0.1)  # its own picture comes last
    assert [recall(texts, images, k) for k in (1, 3, 4)] == [0.75, 0.75, 1.0]
    assert recall(images, np.ones((4, 4), np.float32), 1) == 0  # ties count against it


def test_the_models_in_the_package_find_scenes_they_were_not_trained_on(font: None) -> None:
    from evaluate import MODELS, evaluate

    found = {}
    for name in ("mini-s", "mini-b"):
        lines = evaluate(MODELS / name, count=300)
        found[name] = [float(re.findall(r"recall@1 ([01]\.\d+)", line)[0]) for line in lines]
    for of_s, of_b in zip(found["mini-s"], found["mini-b"], strict=True):
        assert of_b >= 0.85
        assert of_b > of_s + 0.05 > 0.5
