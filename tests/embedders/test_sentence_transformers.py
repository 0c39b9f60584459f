"""The sentence-transformers embedder on small random models, saved in the layouts that the Hub has.

The oracles are `SentenceTransformer.encode` and transformers' own `get_image_features`, `get_text_features`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tiny_clip
from diptych.embedders import Embedder, EmbedderUnavailable, InputRejected, huggingface, load
from diptych.embedders.pictures import PictureProcessor
from diptych.errors import DiptychWarning
from embedders.loopback_hub import COMMIT, LoopbackHub

TEXTS = ["a dog", "", "Zwölf Boxkämpfer ☃ 日本", "a photo of a cat, " * 9, "A DOG"]
LONG = " ".join(f"word{n}" for n in range(300))
CLOSE = {"rtol": 0.0, "atol": 1e-5}

Save = Callable[[Path], Path]


@pytest.fixture(scope="module", autouse=True)
def _packages() -> Iterator[None]:
    """The packages, and one thread: for models this small, several only wait for each other."""
    tiny_clip.require()
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for models that several tests share."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module", params=list(tiny_clip.LAYOUTS))
def clip(request: pytest.FixtureRequest, models: Path) -> Embedder:
    """The same CLIP, loaded from each layout that it may be saved in."""
    return load(f"sentence-transformers:{tiny_clip.LAYOUTS[request.param](models / request.param)}")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """CLIP's tokenizer, from the files that lie beside the repository."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(tiny_clip.TOKENIZER)


@pytest.fixture(scope="module")
def plain(models: Path) -> Path:
    return tiny_clip.save_plain(models / "shared-plain")


@pytest.fixture(scope="module")
def one_clip(plain: Path) -> Embedder:
    return load(f"sentence-transformers:{plain}")


@pytest.fixture(scope="module")
def siglip(models: Path) -> Embedder:
    return load(f"sentence-transformers:{tiny_clip.save_siglip(models / 'siglip')}")


@pytest.fixture(scope="module")
def chat(models: Path) -> Embedder:
    return load(f"sentence-transformers:{tiny_clip.save_chat_model(models / 'chat')}")


def pictures() -> list[Image.Image]:
    """Upright, wide, small, single-pixel and large: what the processor scales up, down and crops."""
    rng = np.random.default_rng(7)
    sizes = [(640, 480), (300, 500), (100, 80), (1, 1), (900, 250), (224, 224)]
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), np.uint8)) for w, h in sizes]


def embed(embedder: Embedder, images: list[Image.Image]) -> NDArray[np.float32]:
    return embedder.embed_images([embedder.prepare_image(image) for image in images])


def encode(embedder: Any, items: list[Any]) -> NDArray[np.float32]:
    """What sentence-transformers itself makes of pictures, or of texts."""
    vectors: NDArray[np.float32] = embedder._model.encode(
        items, convert_to_numpy=True, normalize_embeddings=False, show_progress_bar=False
    )
    return vectors


def test_pictures_give_what_sentence_transformers_gives(clip: Embedder) -> None:
    vectors = embed(clip, pictures())
    assert vectors.shape == (6, tiny_clip.DIMENSION)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, encode(clip, pictures()), **CLOSE)


def test_pictures_are_prepared_as_the_model_s_processor_does_and_not_by_it(
    clip: Embedder, siglip: Embedder
) -> None:
    """Which is three times slower: it copies a camera's picture at its full size before it resizes it."""
    for embedder in (clip, siglip):
        assert isinstance(embedder._processor, PictureProcessor)
        for picture in [*pictures(), Image.linear_gradient("L").resize((4000, 3000)).convert("RGB")]:
            theirs = embedder._model.preprocess([picture], task="document")
            ours = embedder.prepare_image(picture)
            assert ours.keys() == theirs.keys()
            np.testing.assert_array_equal(ours["pixel_values"], theirs["pixel_values"])


def test_a_processor_that_does_more_than_its_settings_say_is_left_to_it(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor of another kind may have the same settings, and another way."""
    from transformers import CLIPImageProcessorPil

    resize = CLIPImageProcessorPil.resize
    monkeypatch.setattr(CLIPImageProcessorPil, "resize", lambda *a, **k: 255 - resize(*a, **k))
    embedder = load(f"sentence-transformers:{plain}?batch_size=5")
    (picture, *_) = pictures()
    theirs = embedder._model.preprocess([picture], task="document")["pixel_values"]
    np.testing.assert_array_equal(embedder.prepare_image(picture)["pixel_values"], theirs)


def test_calls_at_the_same_time_give_what_each_gives_alone(one_clip: Embedder) -> None:
    prepared = [one_clip.prepare_image(picture) for picture in pictures()]
    alone = one_clip.embed_images(prepared)
    with ThreadPoolExecutor(4) as threads:
        for vectors in threads.map(one_clip.embed_images, [prepared] * 16):
            np.testing.assert_allclose(vectors, alone, **CLOSE)


def test_fast_decodes_large_jpegs_at_a_reduced_size_and_files_them_apart(
    plain: Path, one_clip: Embedder
) -> None:
    info = load(f"sentence-transformers:{plain}?precision=fast").info
    assert info.decode_at_least == 448
    assert one_clip.info.decode_at_least is None
    assert info.fingerprint != one_clip.info.fingerprint
    assert info.preprocessing.startswith(f"{one_clip.info.preprocessing}; fast: ")
    assert info.preprocessing.endswith("large JPEGs decoded at reduced size")


def test_texts_give_what_sentence_transformers_gives(clip: Embedder) -> None:
    vectors = clip.embed_texts(TEXTS)
    assert vectors.shape == (len(TEXTS), tiny_clip.DIMENSION)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, encode(clip, TEXTS), **CLOSE)


def test_every_layout_gives_the_model_s_own_features(clip: Embedder, tokenizer: Any) -> None:
    """A model built afresh, and OpenAI's settings given by hand: nothing was read from the saved files."""
    import torch
    from transformers import CLIPImageProcessorPil

    model = tiny_clip.clip_model()
    pixels = CLIPImageProcessorPil()(pictures(), return_tensors="pt")
    tokens = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        of_pictures = model.get_image_features(**pixels).pooler_output.numpy()
        of_texts = model.get_text_features(**tokens).pooler_output.numpy()
    np.testing.assert_allclose(embed(clip, pictures()), of_pictures, **CLOSE)
    np.testing.assert_allclose(clip.embed_texts(TEXTS), of_texts, **CLOSE)


def test_vectors_are_stored_as_the_model_gives_them(one_clip: Embedder) -> None:
    lengths = np.linalg.norm(np.vstack([embed(one_clip, pictures()), one_clip.embed_texts(TEXTS)]), axis=1)
    assert (np.abs(lengths - 1) > 0.1).all()


def test_a_vector_does_not_depend_on_its_batch(one_clip: Embedder, siglip: Embedder, chat: Embedder) -> None:
    for embedder in (one_clip, siglip, chat):
        texts = [embedder.embed_texts([text]) for text in TEXTS]
        images = [embed(embedder, [image]) for image in pictures()]
        np.testing.assert_allclose(embedder.embed_texts(TEXTS), np.vstack(texts), **CLOSE)
        np.testing.assert_allclose(embed(embedder, pictures()), np.vstack(images), **CLOSE)


def test_nothing_gives_no_vectors(one_clip: Embedder) -> None:
    assert one_clip.embed_texts([]).shape == (0, tiny_clip.DIMENSION)
    assert one_clip.embed_images([]).shape == (0, tiny_clip.DIMENSION)


def test_pictures_are_prepared_alike_from_many_threads(one_clip: Embedder) -> None:
    alone = [one_clip.prepare_image(image)["pixel_values"].numpy() for image in pictures()]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(one_clip.prepare_image, pictures() * 8))
    for row, item in enumerate(together):
        np.testing.assert_array_equal(item["pixel_values"].numpy(), alone[row % len(alone)])


@pytest.mark.filterwarnings("ignore::diptych.errors.DiptychWarning")
def test_texts_may_be_embedded_from_many_threads(one_clip: Embedder) -> None:
    """Unguarded, a thread that counts tokens keeps others from cutting texts, which the model refuses."""
    with ThreadPoolExecutor(8) as pool:
        vectors = np.vstack(list(pool.map(lambda _: one_clip.embed_texts([LONG]), range(150))))
    np.testing.assert_allclose(vectors, np.repeat(one_clip.embed_texts([LONG]), 150, axis=0), **CLOSE)


def test_preprocessing_is_openai_s(one_clip: Embedder, shared: Path) -> None:
    """Tensors of OpenAI's own preprocessing: six the same to the bit, one per column aside.

    524_316.jpg is 371 pixels wide once scaled. Its crop begins at 73.5: Hugging Face takes 73, OpenAI 74.
    """
    folder = shared / "data" / "embeddings" / "clip_vitb32_clip_retrieval"
    with np.load(folder / "golden.npz") as golden:
        wanted = dict(zip(golden["names"].tolist(), golden["preprocessed"], strict=True))
    assert len(wanted) == 7
    for name, tensor in wanted.items():
        image = Image.open(folder / "images" / name).convert("RGB")
        made = one_clip.prepare_image(image)["pixel_values"][0].numpy()
        if name == "524_316.jpg":
            np.testing.assert_array_equal(made[:, :, 1:], tensor[:, :, :-1])
            assert np.abs(made - tensor).max() > 1
        else:
            np.testing.assert_array_equal(made, tensor)


def test_a_text_that_names_a_picture_is_a_text(one_clip: Embedder, tokenizer: Any, tmp_path: Path) -> None:
    """sentence-transformers would open the file, or fetch the address, and embed the picture."""
    import torch

    named = tmp_path / "cat.png"
    pictures()[0].save(named)
    texts = [str(named), "https://127.0.0.1:9/cat.jpg", "data:image/png;base64,AAAA"]
    tokens = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        wanted = tiny_clip.clip_model().get_text_features(**tokens).pooler_output.numpy()
    np.testing.assert_allclose(one_clip.embed_texts(texts), wanted, **CLOSE)


def test_a_long_text_is_cut_at_the_model_s_limit_and_said_so_once(clip: Embedder, tokenizer: Any) -> None:
    assert clip.info.max_text_tokens == 77
    with pytest.warns(DiptychWarning, match=r"cut after 77 tokens.*word0 word1 word2") as caught:
        first = clip.embed_texts([LONG, "a dog", LONG])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    again = clip.embed_texts([LONG])  # a second warning would be an error here
    ids = tokenizer(LONG, truncation=True, max_length=77)["input_ids"]
    assert len(ids) == 77
    same = clip.embed_texts([tokenizer.decode(ids[1:-1])])
    np.testing.assert_allclose(first[0], same[0], **CLOSE)
    np.testing.assert_allclose(again[0], same[0], **CLOSE)


def test_a_text_of_exactly_the_limit_is_not_called_cut(one_clip: Embedder) -> None:
    one_clip.embed_texts(["dog " * 75])  # 77 with the two marks; a warning would be an error here
    with pytest.warns(DiptychWarning, match="cut after 77 tokens"):
        one_clip.embed_texts(["dog " * 76])


def test_a_tokenizer_without_a_limit_gets_the_model_s(plain: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(plain, tmp_path / "clip")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["model_max_length"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    embedder = load(f"sentence-transformers:{folder}")
    assert embedder.info.max_text_tokens == 77
    with pytest.warns(DiptychWarning, match="cut after 77 tokens"):
        assert np.isfinite(embedder.embed_texts([LONG])).all()


def test_a_text_that_is_no_unicode_is_rejected(one_clip: Embedder) -> None:
    with pytest.raises(InputRejected, match="not valid Unicode"):
        one_clip.embed_texts(["a dog", "a \udcff dog"])


def test_a_picture_too_thin_to_scale_is_rejected(one_clip: Embedder) -> None:
    with pytest.raises(InputRejected, match=r"1×30000 pixels are too thin to scale to 224"):
        one_clip.prepare_image(Image.new("RGB", (1, 30_000)))
    assert one_clip.prepare_image(Image.new("RGB", (1, 300)))["pixel_values"].shape == (1, 3, 224, 224)


def test_a_model_says_what_it_is(clip: Embedder) -> None:
    info = clip.info
    assert info.provider == "sentence-transformers"
    assert info.dimension == tiny_clip.DIMENSION
    assert info.preprocessing == "shortest side 224, bicubic, centre crop 224×224 (Pillow)"
    assert info.logit_scale == pytest.approx(np.exp(2.6592), rel=1e-6)  # CLIP's start value, 1 / 0.07
    assert info.logit_bias is None
    assert info.licence is None
    assert (info.batch_size, info.concurrency) == (4, 1)  # a call for each of torch's threads: here one
    assert info.spec.startswith("sentence-transformers:/")
    assert "/" not in info.model


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\n# A model", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: apple-amlr\n---\n", "apple-amlr"),
        ("---\nlicense: [mit, cc-by-4.0]\n---\n", "mit, cc-by-4.0"),
        ("---\nlicense: [unclosed\n---\n", None),
        ("# A model without a word on it", None),
    ],
)
def test_the_licence_is_the_card_s(card: str, licence: str | None, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text(card)
    assert huggingface.licence(huggingface.find(str(tmp_path), None)) == licence


def test_the_fingerprint_follows_what_vectors_depend_on(plain: Path, tmp_path: Path) -> None:
    def fingerprint(folder: Path, options: str = "") -> str:
        return load(f"sentence-transformers:{folder}{options}").info.fingerprint

    folder = shutil.copytree(plain, tmp_path / "elsewhere")
    usual = fingerprint(plain)
    (folder / "README.md").write_text("new notes")
    assert fingerprint(folder, "?device=cpu&batch_size=2") == usual
    assert fingerprint(folder, "?precision=bfloat16") != usual

    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1  # the lowest bit of one weight; size, header and time stamps may stay as they are
    (folder / "model.safetensors").write_bytes(weights)
    changed = fingerprint(folder)
    assert changed != usual

    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, "resample": 2}))
    assert fingerprint(folder) not in {usual, changed}
    assert load(f"sentence-transformers:{folder}").info.preprocessing.startswith(
        "shortest side 224, bilinear,"
    )


def test_half_precision_stays_close_and_gives_float32(plain: Path, one_clip: Embedder) -> None:
    half = load(f"sentence-transformers:{plain}?precision=bfloat16")
    for exact, rounded in (
        (embed(one_clip, pictures()), embed(half, pictures())),
        (one_clip.embed_texts(TEXTS), half.embed_texts(TEXTS)),
    ):
        assert rounded.dtype == np.float32
        assert not np.array_equal(exact, rounded)
        cosines = (exact * rounded).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rounded, axis=1)
        assert cosines.min() > 0.99


def test_the_first_numbers_of_a_vector_can_be_kept(plain: Path, one_clip: Embedder, chat: Embedder) -> None:
    """As models trained for it (Matryoshka) are used; the two are different embedders for the store."""
    for whole in (one_clip, chat):
        short = load(f"{whole.info.spec}?dimension=6")
        assert short.info.dimension == 6
        assert short.info.fingerprint != whole.info.fingerprint
        np.testing.assert_array_equal(short.embed_texts(TEXTS), whole.embed_texts(TEXTS)[:, :6])
        np.testing.assert_array_equal(embed(short, pictures()), embed(whole, pictures())[:, :6])


def test_options_reach_the_embedder(plain: Path) -> None:
    embedder = load(f"sentence-transformers:{plain}?batch_size=3&device=cpu&trust_remote_code=false")
    assert embedder.info.batch_size == 3
    assert embedder.info.spec.endswith("?batch_size=3&device=cpu&trust_remote_code=false")


def test_siglip_s_texts_are_read_as_it_was_trained(siglip: Embedder) -> None:
    """Padded to 64, the padding not masked, in lower case: checked against the bare model."""
    import torch
    from transformers import SiglipModel

    words = {"a": 3, "dog": 4, "cat": 5}
    texts = ["a dog", "A DOG", "", "a cat a dog"]
    ids = torch.zeros((len(texts), 64), dtype=torch.long)
    for row, text in enumerate(texts):
        tokens = [words[word] for word in text.lower().split()] + [1]
        ids[row, : len(tokens)] = torch.tensor(tokens)
    path = siglip.info.spec.removeprefix("sentence-transformers:")
    with torch.inference_mode():
        wanted = SiglipModel.from_pretrained(path).get_text_features(ids).pooler_output.numpy()
    made = siglip.embed_texts(texts)
    np.testing.assert_allclose(made, wanted, **CLOSE)
    np.testing.assert_array_equal(made[0], made[1])
    assert np.abs(encode(siglip, texts) - wanted).max() > 0.1  # what sentence-transformers does by itself


def test_siglip_s_pictures_give_what_sentence_transformers_gives(siglip: Embedder) -> None:
    np.testing.assert_allclose(embed(siglip, pictures()), encode(siglip, pictures()), **CLOSE)


def test_siglip_says_how_it_sees_and_reads(siglip: Embedder) -> None:
    assert siglip.info.preprocessing == (
        "squashed to 64×64, bicubic (Pillow); texts in lower case, padded to 64 tokens"
    )
    assert siglip.info.max_text_tokens == 64
    assert siglip.info.logit_scale == pytest.approx(1.0)
    assert siglip.info.logit_bias == pytest.approx(0.0)


def test_a_long_text_is_cut_for_siglip_too(siglip: Embedder) -> None:
    with pytest.warns(DiptychWarning, match="cut after 64 tokens"):
        cut = siglip.embed_texts(["dog " * 100])
    np.testing.assert_allclose(cut, siglip.embed_texts(["dog " * 63]), **CLOSE)


def test_a_model_that_reads_pictures_in_a_chat_gets_them_whole(chat: Embedder) -> None:
    assert chat.prepare_image(pictures()[0]) == pictures()[0]
    assert chat.info.preprocessing == "as Gemma3ImageProcessor does (Pillow)"
    np.testing.assert_allclose(embed(chat, pictures()), encode(chat, pictures()), **CLOSE)
    np.testing.assert_allclose(chat.embed_texts(TEXTS), encode(chat, TEXTS), **CLOSE)


def test_texts_are_queries_and_pictures_documents(chat: Embedder, models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "asymmetric"
    model: Any = chat
    model._model.save_pretrained(str(folder))
    settings = json.loads((folder / "config_sentence_transformers.json").read_text())
    settings["prompts"] = {"query": "a photo", "document": "a cat"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    asymmetric = load(f"sentence-transformers:{folder}")
    of_library: Any = asymmetric
    assert asymmetric.info.preprocessing.endswith("; pictures after 'a cat'; texts after 'a photo'")
    assert asymmetric.info.fingerprint != chat.info.fingerprint
    texts, images = ["a dog"], pictures()[:1]
    np.testing.assert_allclose(asymmetric.embed_texts(texts), of_library._model.encode_query(texts), **CLOSE)
    np.testing.assert_allclose(embed(asymmetric, images), of_library._model.encode_document(images), **CLOSE)
    assert np.abs(asymmetric.embed_texts(texts) - chat.embed_texts(texts)).max() > 0.01
    assert np.abs(embed(asymmetric, images) - embed(chat, images)).max() > 0.01


def test_a_model_of_two_models_takes_each_for_its_side(tmp_path: Path) -> None:
    both, of_queries, of_documents = (
        load(f"sentence-transformers:{folder}") for folder in tiny_clip.save_router(tmp_path / "both")
    )
    assert both.info.max_text_tokens == 77
    np.testing.assert_array_equal(both.embed_texts(TEXTS), of_queries.embed_texts(TEXTS))
    np.testing.assert_array_equal(embed(both, pictures()), embed(of_documents, pictures()))
    assert np.abs(embed(both, pictures()) - embed(of_queries, pictures())).max() > 1


def test_a_model_without_an_image_side_is_refused(tmp_path: Path) -> None:
    folder = tiny_clip.save_text_model(tmp_path / "bert")
    with pytest.raises(
        EmbedderUnavailable, match=r"bert@\w+ has no image side.*take a model such as clip-ViT-L-14"
    ):
        load(f"sentence-transformers:{folder}")


def test_weights_that_are_missing_are_told(plain: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(plain, tmp_path / "clip")
    weights = load_file(folder / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.warns(DiptychWarning, match=r"lacks weights.*visual_projection\.weight"):
        load(f"sentence-transformers:{folder}")


def test_loading_shows_nothing(plain: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not the "Loading weights" bar, nor transformers' notices; and its settings are as before."""
    from transformers.utils import logging as transformers_logging

    log = logging.getLogger("transformers")
    before = log.handlers[:], log.propagate
    load(f"sentence-transformers:{plain}")
    assert capfd.readouterr() == ("", "")
    assert (log.handlers, log.propagate) == before
    assert transformers_logging.set_tqdm_hook(None) is None


def test_what_a_folder_lacks_is_said(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "config.json").write_text('{"model_type": "clip"}')
    (tmp_path / "file.bin").write_bytes(b"")
    for name, words in {
        "photos": "holds no model",
        "absent": "there is no model folder",
        "file.bin": "there is no model folder",
        "torn": "sentence-transformers can't load torn@",
        "photos?revision=main": "revision is for models on the Hugging Face Hub",
    }.items():
        with pytest.raises(EmbedderUnavailable, match=words) as caught:
            load(f"sentence-transformers:{tmp_path / name}")
        assert len(str(caught.value).splitlines()) == 1


def test_code_that_comes_with_a_model_is_not_run_unasked(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}')
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\n")
    with pytest.raises(
        EmbedderUnavailable, match="runs code of its own: read it, and add trust_remote_code=true"
    ):
        load(f"sentence-transformers:{tmp_path}")
    assert not (tmp_path / "was-run").exists()


def test_a_model_with_code_of_its_own_is_run_by_one_thread(plain: Path) -> None:
    """Which may keep anything in the model; one without is run by a thread for each core."""
    import torch

    torch.set_num_threads(2)
    try:
        for options, concurrency in ("", 2), ("?trust_remote_code=true", 1):
            embedder = load(f"sentence-transformers:{plain}{options}")
            embedder.embed_texts(["a dog"])  # one that is remembered is loaded now
            assert embedder.info.concurrency == concurrency
    finally:
        torch.set_num_threads(1)


def test_a_full_device_is_said_in_plain_words(one_clip: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def fill(*_args: object, **_more: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    model: Any = one_clip
    monkeypatch.setattr(model._model, "forward", fill)
    with pytest.raises(EmbedderUnavailable, match=r"not enough memory on cpu.*try a smaller batch_size"):
        embed(one_clip, pictures()[:1])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("device=nowhere", "device=nowhere can't be used here .*: take cpu, cuda or mps"),
        ("batch_size=0", "batch_size is a whole number from 1, not '0'"),
        ("batch_size=many", "batch_size is a whole number from 1, not 'many'"),
        ("precision=int8", "precision is one of float32, bfloat16, float16, fast, not 'int8'"),
        ("dimension=0", "dimension is a whole number from 1, not '0'"),
        ("dimension=17", "gives 16 numbers, not 17: ask for fewer"),
        ("trust_remote_code=perhaps", "trust_remote_code is true or false, not 'perhaps'"),
        ("colour=red", "sentence-transformers has no option colour: it takes device, revision"),
    ],
)
def test_an_option_that_makes_no_sense_is_said(plain: Path, options: str, words: str) -> None:
    with pytest.raises(EmbedderUnavailable, match=words):
        load(f"sentence-transformers:{plain}?{options}")


@pytest.mark.parametrize("package", ["torch", "sentence_transformers"])
def test_a_missing_package_is_named_with_the_command(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # how Python itself marks what can't be imported
    with pytest.raises(
        EmbedderUnavailable, match=rf"{package} is not installed: pip install 'diptych\[clip\]'"
    ):
        load("clip-ViT-L-14")


def test_a_name_that_can_be_no_model_s_is_said() -> None:
    with pytest.raises(EmbedderUnavailable, match="neither a folder nor the name of a model"):
        load("sentence-transformers:not a name")


@pytest.fixture
def silent_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Hub that takes connections and never answers."""
    import huggingface_hub

    monkeypatch.setattr(huggingface, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
        yield


@pytest.mark.usefixtures("silent_hub")
def test_a_hub_that_never_answers_is_not_waited_for() -> None:
    with pytest.raises(EmbedderUnavailable, match=r"nobody/here is not on this machine.*timed out"):
        load("sentence-transformers:nobody/here")


ON_THE_HUB = """
import json, sys, urllib.request
from diptych.embedders import EmbedderUnavailable, load
from diptych.embedders import huggingface

def attempt(spec):
    try:
        info = load(spec).info
        print(json.dumps([info.model, info.fingerprint, info.licence]), flush=True)
    except EmbedderUnavailable as error:
        print(json.dumps(str(error)), flush=True)

for spec in sys.argv[2:]:
    attempt(spec)
urllib.request.urlopen(sys.argv[1] + "/stop").read()
attempt("sentence-transformers:" + "me/clip")
attempt("sentence-transformers:me/never-fetched")
print(json.dumps(huggingface.one_line(ValueError("bad header Bearer hf_sesame\\nmore"))))
"""


def test_models_come_from_the_hub_and_its_refusals_are_explained(
    plain: Path, models: Path, tmp_path: Path
) -> None:
    """One process against a Hub on this machine: downloads, refusals, then the cache alone.

    The process also finds a torchvision that raises when imported, as a CUDA build does beside a CPU torch.
    """
    repository = shutil.copytree(plain, tmp_path / "repository")
    (repository / "README.md").write_text("---\nlicense: mit\n---\n")
    legacy = tiny_clip.save_legacy(tmp_path / "legacy")
    (tmp_path / "path" / "torchvision").mkdir(parents=True)
    (tmp_path / "path" / "torchvision" / "__init__.py").write_text("raise RuntimeError('no operator nms')")
    (tmp_path / "path" / "torchvision-9.dist-info").mkdir()
    (tmp_path / "path" / "torchvision-9.dist-info" / "METADATA").write_text("Name: torchvision\nVersion: 9\n")
    repositories = {
        "me/clip": repository,
        "sentence-transformers/clip-ViT-L-14": legacy,
        "me/gated": None,
    }
    specs = [
        "me/clip",
        "",
        "me/gated",
        "me/nothing",
        "me/clip?revision=v9",
    ]
    with LoopbackHub(repositories).running() as hub:
        run = subprocess.run(
            [sys.executable, "-c", ON_THE_HUB, hub.url, *(f"sentence-transformers:{s}" for s in specs)],
            env={
                **os.environ,
                "HF_ENDPOINT": hub.url,
                "HF_HOME": str(tmp_path / "cache"),
                "HF_TOKEN": "hf_sesame",
                "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                "PYTHONPATH": os.pathsep.join([str(tmp_path / "path"), os.environ.get("PYTHONPATH", "")]),
                "NO_PROXY": "127.0.0.1",
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert run.returncode == 0, run.stderr
    fetched, default, gated, nothing, no_revision, from_cache, unfetched, redacted = map(
        json.loads, run.stdout.splitlines()
    )
    label, fingerprint, licence = fetched
    assert label == f"me/clip@{COMMIT[:12]}"
    assert fingerprint.startswith(f"sentence-transformers:me/clip@{COMMIT}:float32:")
    assert licence == "mit"
    assert default[0] == f"sentence-transformers/clip-ViT-L-14@{COMMIT[:12]}"
    assert gated.startswith("me/gated is gated: accept its terms at https://huggingface.co/me/gated")
    assert "set HF_TOKEN or run `hf auth login`" in gated
    assert nothing.startswith("the Hugging Face Hub has no model me/nothing: check the name")
    assert no_revision.startswith("me/clip has no revision 'v9'")
    assert from_cache == fetched
    assert unfetched.startswith("me/never-fetched is not on this machine")
    assert unfetched.endswith("copy the folder, and write its path in place of the name")
    assert redacted == "bad header Bearer ***"
    assert "hf_sesame" not in run.stdout + run.stderr
    assert "Bearer hf_sesame" in hub.authorisations


def test_importing_the_module_loads_no_torch() -> None:
    code = "import sys, diptych.embedders.sentence_transformers\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "sentence_transformers", "huggingface_hub"} & set(run.stdout.split())
