"""A model whose facts were learnt once is loaded when a picture or a text is to be embedded, not before."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tiny_clip
import tiny_open_clip
from diptych.embedders import EmbedderInfo, EmbedderUnavailable
from diptych.embedders.base import Vectors
from diptych.embedders.huggingface import Source
from diptych.embedders.remembered import Remembered, load_once
from diptych.errors import DiptychWarning
from support import need, picture_bytes

HEAVY = {
    "torch",
    "transformers",
    "sentence_transformers",
    "open_clip",
    "onnxruntime",
    "tokenizers",
    "huggingface_hub",
}

SOURCE = Source(place="a-model", label="a-model@1", identity="a-model@1")


class Small:
    """An embedder that gives a picture's width and height, or a text's length twice."""

    def __init__(self, **facts: object) -> None:
        known = {"name": "small", "provider": "small", "model": "m", "dimension": 2, "preprocessing": "none"}
        self.info = EmbedderInfo(**{**known, "fingerprint": "f", **facts})  # type: ignore[arg-type]

    def prepare_image(self, image: Image.Image) -> tuple[int, int]:
        return image.size

    def embed_images(self, prepared: Sequence[tuple[int, int]]) -> Vectors:
        return np.array(prepared, np.float32).reshape(-1, 2)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.array([[len(text)] * 2 for text in texts], np.float32)


class Loader:
    """Counts how often a model is loaded, and lets it be another one."""

    def __init__(self) -> None:
        self.times = 0
        self.facts: dict[str, object] = {}

    def __call__(self) -> Small:
        self.times += 1
        return Small(**self.facts)


@pytest.fixture
def loader() -> Loader:
    return Loader()


def test_all_facts_come_back(loader: Loader) -> None:
    loader.facts = {"logit_scale": 100.1, "logit_bias": -12.93, "licence": "MIT", "max_text_tokens": 77}
    first = load_once(SOURCE, {}, [], loader)
    again = load_once(SOURCE, {}, [], loader)
    assert isinstance(again, Remembered)
    assert again.info == first.info
    assert loader.times == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda e: e.prepare_image(Image.new("RGB", (3, 4))) == (3, 4),
        lambda e: e.embed_images([(3, 4)]).tolist() == [[3, 4]],
        lambda e: e.embed_texts(["abc"]).tolist() == [[3, 3]],
    ],
    ids=["prepare_image", "embed_images", "embed_texts"],
)
def test_the_first_call_loads_the_model_and_the_second_does_not(
    loader: Loader, ask: Callable[[object], bool]
) -> None:
    load_once(SOURCE, {}, [], loader)
    again = load_once(SOURCE, {}, [], loader)
    assert loader.times == 1
    assert ask(again)
    assert ask(again)
    assert loader.times == 2


@pytest.mark.parametrize(
    ("source", "depends_on", "packages"),
    [
        (dataclasses.replace(SOURCE, identity="a-model@2"), {}, []),
        (dataclasses.replace(SOURCE, place="elsewhere"), {}, []),
        (SOURCE, {"precision": "bfloat16"}, []),
        (SOURCE, {}, ["rich"]),
    ],
    ids=["identity", "place", "options", "packages"],
)
def test_whatever_facts_depend_on_makes_them_be_learnt_anew(
    loader: Loader, source: Source, depends_on: dict[str, str], packages: list[str]
) -> None:
    load_once(SOURCE, {}, [], loader)
    load_once(source, depends_on, packages, loader)
    assert loader.times == 2


def test_another_card_makes_them_be_learnt_anew(loader: Loader, tmp_path: Path) -> None:
    source = dataclasses.replace(SOURCE, place=str(tmp_path))
    for text in ("licence: mit", "licence: cc-by-nc-4.0"):
        (tmp_path / "README.md").write_text(text)
        load_once(source, {}, [], loader)
    assert loader.times == 2


def test_models_are_loaded_one_after_the_other() -> None:
    """`serve` opens several at once, and loading swaps warnings' filters and loggers of the whole process."""
    sources = [dataclasses.replace(SOURCE, identity=f"a-model@{number}") for number in range(2)]
    for source in sources:
        load_once(source, {}, [], Small)
    meeting = threading.Barrier(2)

    def load() -> Small:
        with pytest.raises(threading.BrokenBarrierError):  # nobody else comes while this one is in here
            meeting.wait(0.2)
        meeting.reset()
        return Small()

    again = [load_once(source, {}, [], load) for source in sources]
    with ThreadPoolExecutor(2) as threads:
        vectors = list(threads.map(lambda embedder: embedder.embed_texts(["a"]), again))
    assert len(vectors) == 2


def test_how_fast_a_model_is_called_is_not_what_it_is(loader: Loader) -> None:
    """Another device wants other batches; vectors don't depend on them."""
    load_once(SOURCE, {}, [], loader)
    loader.facts = {"batch_size": 8, "concurrency": 2}
    assert load_once(SOURCE, {}, [], loader).embed_texts(["a"]).tolist() == [[1, 1]]
    assert load_once(SOURCE, {}, [], loader).info.batch_size == 8


def test_a_model_that_is_another_one_now_is_refused_and_noted(loader: Loader) -> None:
    load_once(SOURCE, {}, [], loader)
    loader.facts = {"fingerprint": "g"}
    with pytest.raises(EmbedderUnavailable, match=r"fingerprint was f and is g.*run the same command again"):
        load_once(SOURCE, {}, [], loader).embed_texts(["a"])
    again = load_once(SOURCE, {}, [], loader)
    assert again.info.fingerprint == "g"
    assert again.embed_texts(["a"]).shape == (1, 2)


def test_what_a_model_warns_of_is_said_each_time(loader: Loader) -> None:
    import warnings

    def load_badly() -> Small:
        warnings.warn("weights were made up", DiptychWarning, stacklevel=1)
        return loader()

    for _ in range(2):
        with pytest.warns(DiptychWarning, match="made up"):
            load_once(SOURCE, {}, [], load_badly)
    assert loader.times == 2


def test_a_model_is_called_as_it_is_in_the_spec_and_loaded_once_for_all_copies(loader: Loader) -> None:
    from diptych.embedders.templates import with_templates

    load_once(SOURCE, {}, [], loader)
    again = load_once(SOURCE, {}, [], loader)
    again.info = dataclasses.replace(again.info, name="as written")
    other = with_templates(again, ("a photo of a {}",))
    again.embed_texts(["a"])
    other.embed_texts(["a"])
    assert loader.times == 2
    assert isinstance(again, Remembered)
    assert again.open().info.name == "as written"


def test_a_model_that_can_t_be_loaded_now_says_why_and_is_tried_again(loader: Loader) -> None:
    load_once(SOURCE, {}, [], loader)
    broken = [True]

    def load_perhaps() -> Small:
        if broken:
            raise EmbedderUnavailable("the weights are broken")
        return loader()

    again = load_once(SOURCE, {}, [], load_perhaps)
    with pytest.raises(EmbedderUnavailable, match="the weights are broken"):
        again.embed_texts(["a"])
    broken.clear()
    assert again.embed_texts(["a"]).shape == (1, 2)


@pytest.fixture
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A spec of one provider with a small random model."""
    provider = request.param
    if provider == "onnx":
        return f"onnx:{request.getfixturevalue('onnx_folder')}"
    if provider == "open_clip":
        need("open_clip")
        return f"open_clip:{tiny_open_clip.save(tmp_path / 'clip', 'OpenAI')}"
    if provider == "sentence-transformers":
        tiny_clip.require()
        return f"sentence-transformers:{tiny_clip.save_plain(tmp_path / 'clip')}"
    raise ValueError(provider)


@pytest.mark.parametrize("spec", ["sentence-transformers", "open_clip", "onnx"], indirect=True)
def test_a_second_run_imports_no_library_of_models(spec: str, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "red.png").write_bytes(picture_bytes())
    (pictures / "blue.png").write_bytes(picture_bytes((20, 30, 200)))
    code = (
        "import sys, diptych\n"
        "result = diptych.compare(sys.argv[1], [sys.argv[2]], ['a dog'])\n"
        "print(next(iter(result.work.values())).images_embedded)\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, str(pictures), spec]
    runs = [subprocess.run(command, capture_output=True, text=True) for _ in range(2)]
    assert [run.stderr for run in runs] == ["", ""]
    embedded, imported = zip(*(run.stdout.splitlines() for run in runs), strict=True)
    assert embedded == ("2", "0")
    assert set(imported[0].split()) & HEAVY
    assert not set(imported[1].split()) & HEAVY
