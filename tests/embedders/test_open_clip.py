"""The open_clip embedder on small random models, one of each family; the oracle is open_clip itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tiny_open_clip
from diptych.embedders import Embedder, EmbedderUnavailable, InputRejected, load
from diptych.embedders.licences import forbids_commerce
from diptych.errors import DiptychWarning
from embedders.loopback_hub import COMMIT, LoopbackHub

TEXTS = ["a dog", "", "Zwölf Boxkämpfer ☃ 日本", "a photo of a cat", "A DOG!"]
CLOSE = {"rtol": 0.0, "atol": 1e-5}

SIGLIP_READS = "texts in lower case, without punctuation, padded to 64 tokens"

Make = Callable[[str], Path]


@pytest.fixture(scope="module", autouse=True)
def _packages() -> Iterator[None]:
    """The packages, and one thread: for models this small, several only wait for each other."""
    tiny_open_clip.require()
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """From a family's name to a folder with its small model, which tests share."""
    root = tmp_path_factory.mktemp("open_clip")

    def make(name: str) -> Path:
        folder = root / name.replace(" ", "-")
        return folder if folder.exists() else tiny_open_clip.save(folder, name)

    return make


@pytest.fixture(scope="module", params=list(tiny_open_clip.FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def clip(folder_of: Make) -> Embedder:
    return load(f"open_clip:{folder_of('LAION')}")


def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(7)
    sizes = [(640, 480), (300, 500), (10, 8), (1, 1), (900, 250), (64, 64)]
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), np.uint8)) for w, h in sizes]


def embed(embedder: Embedder, images: list[Image.Image]) -> NDArray[np.float32]:
    return embedder.embed_images([embedder.prepare_image(image) for image in images])


def by_open_clip(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What open_clip makes of the pictures and the texts, as its documentation says to use it."""
    import open_clip
    import torch

    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    with torch.inference_mode():
        of_pictures = model.encode_image(torch.stack([transform(image) for image in pictures()]))
        return of_pictures.numpy(), model.encode_text(tokenizer(TEXTS)).numpy()


def test_every_family_gives_what_open_clip_gives(family: str, folder_of: Make) -> None:
    folder = folder_of(family)
    embedder = load(f"open_clip:{folder}")
    of_pictures, of_texts = by_open_clip(folder)
    made = embed(embedder, pictures())
    assert made.shape == (6, tiny_open_clip.DIMENSION)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, of_pictures, **CLOSE)
    np.testing.assert_allclose(embedder.embed_texts(TEXTS), of_texts, **CLOSE)
    assert np.abs(made[0] - made[3]).max() > 1e-4  # so that being close says something


def test_a_vector_does_not_depend_on_its_batch(family: str, folder_of: Make) -> None:
    embedder = load(f"open_clip:{folder_of(family)}")
    texts = [embedder.embed_texts([text]) for text in TEXTS]
    images = [embed(embedder, [image]) for image in pictures()]
    np.testing.assert_allclose(embedder.embed_texts(TEXTS), np.vstack(texts), **CLOSE)
    np.testing.assert_allclose(embed(embedder, pictures()), np.vstack(images), **CLOSE)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_stays_close_and_gives_float32(family: str, folder_of: Make, precision: str) -> None:
    exact = load(f"open_clip:{folder_of(family)}")
    half = load(f"open_clip:{folder_of(family)}?precision={precision}")
    assert half.info.fingerprint != exact.info.fingerprint
    for whole, rounded in (
        (embed(exact, pictures()), embed(half, pictures())),
        (exact.embed_texts(TEXTS), half.embed_texts(TEXTS)),
    ):
        assert rounded.dtype == np.float32
        cosines = (whole * rounded).sum(1) / np.linalg.norm(whole, axis=1) / np.linalg.norm(rounded, axis=1)
        assert cosines.min() > 0.97


@pytest.mark.parametrize(
    ("family", "said", "tokens"),
    [
        ("LAION", "shortest side 64, bicubic, centre crop 64×64 (Pillow)", 77),
        ("PE-Core", "squashed to 64×64, bilinear (Pillow)", 32),
        ("MobileCLIP2", "shortest side 64, bilinear, centre crop 64×64 (Pillow)", 77),
        ("SigLIP 2", f"squashed to 64×64, bicubic (Pillow); {SIGLIP_READS}", 64),
    ],
)
def test_a_model_says_how_it_sees_and_reads(family: str, said: str, tokens: int, folder_of: Make) -> None:
    info = load(f"open_clip:{folder_of(family)}").info
    assert info.provider == "open_clip"
    assert info.preprocessing == said
    assert info.max_text_tokens == tokens
    assert (info.dimension, info.batch_size, info.licence) == (tiny_open_clip.DIMENSION, 4, None)
    assert info.model.startswith(folder_of(family).name + "@")


def test_scale_and_bias_are_the_model_s(folder_of: Make, tmp_path: Path) -> None:
    """Read from the weights, not taken for what the family starts with."""
    from safetensors.torch import load_file, save_file

    clip = load(f"open_clip:{folder_of('LAION')}").info
    assert clip.logit_scale == pytest.approx(1 / 0.07, rel=1e-6)
    assert clip.logit_bias is None
    folder = shutil.copytree(folder_of("SigLIP 2"), tmp_path / "siglip")
    weights = load_file(folder / "open_clip_model.safetensors")
    weights["logit_scale"].fill_(np.log(112.0))
    weights["logit_bias"].fill_(-16.5)
    save_file(weights, folder / "open_clip_model.safetensors")
    siglip = load(f"open_clip:{folder}").info
    assert siglip.logit_scale == pytest.approx(112.0, rel=1e-5)
    assert siglip.logit_bias == pytest.approx(-16.5)


def test_siglip_reads_texts_in_lower_case_and_without_punctuation(folder_of: Make) -> None:
    vectors = load(f"open_clip:{folder_of('SigLIP 2')}").embed_texts(["a dog", "A DOG!"])
    np.testing.assert_array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize(("family", "fits"), [("LAION", 75), ("PE-Core", 30), ("SigLIP 2", 63)])
def test_a_long_text_is_cut_and_said_so_once(family: str, fits: int, folder_of: Make) -> None:
    embedder = load(f"open_clip:{folder_of(family)}")
    whole = embedder.embed_texts([" ".join(["dog"] * fits)])  # a warning would be an error here
    with pytest.warns(DiptychWarning, match=f"cut after {embedder.info.max_text_tokens} tokens") as caught:
        cut = embedder.embed_texts([" ".join(["dog"] * (fits + 1)), "a dog"])
    assert len(caught) == 1
    np.testing.assert_allclose(cut[0], whole[0], **CLOSE)
    embedder.embed_texts([" ".join(["dog"] * (fits + 1))])


def test_what_can_not_be_embedded_is_rejected(clip: Embedder, folder_of: Make) -> None:
    with pytest.raises(InputRejected, match="not valid Unicode"):
        clip.embed_texts(["a \udcff dog"])
    thin = Image.new("RGB", (1, 40_000))
    with pytest.raises(InputRejected, match=r"1×40000 pixels are too thin to scale to 64"):
        clip.prepare_image(thin)
    load(f"open_clip:{folder_of('PE-Core')}").prepare_image(thin)  # which squashes, and so can't run out


def test_nothing_gives_no_vectors(clip: Embedder) -> None:
    assert clip.embed_texts([]).shape == (0, tiny_open_clip.DIMENSION)
    assert clip.embed_images([]).shape == (0, tiny_open_clip.DIMENSION)


def test_the_fingerprint_follows_what_vectors_depend_on(folder_of: Make, tmp_path: Path) -> None:
    def fingerprint(folder: Path, options: str = "") -> str:
        return load(f"open_clip:{folder}{options}").info.fingerprint

    usual = fingerprint(folder_of("LAION"))
    folder = shutil.copytree(folder_of("LAION"), tmp_path / "elsewhere")
    (folder / "README.md").write_text("new notes")
    assert fingerprint(folder, "?device=cpu&batch_size=2") == usual
    seen = {usual, fingerprint(folder, "?precision=bfloat16")}
    settings = json.loads((folder / "open_clip_config.json").read_text())
    for change in (
        {"preprocess_cfg": {**settings["preprocess_cfg"], "interpolation": "bilinear"}},
        {"model_cfg": {**settings["model_cfg"], "quick_gelu": True}},
    ):
        (folder / "open_clip_config.json").write_text(json.dumps(settings | change))
        assert fingerprint(folder) not in seen
        seen.add(fingerprint(folder))
    weights = bytearray((folder / "open_clip_model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "open_clip_model.safetensors").write_bytes(weights)
    assert fingerprint(folder) not in seen


def test_loading_shows_nothing(folder_of: Make, capfd: pytest.CaptureFixture[str]) -> None:
    load(f"open_clip:{folder_of('EVA02')}")
    assert capfd.readouterr() == ("", "")


# Architectures and weights by their names


@pytest.fixture
def tiny(folder_of: Make, tmp_path: Path) -> Iterator[Path]:
    """Makes a small architecture known to open_clip as `tiny-clip`; gives a file of weights for it."""
    import open_clip

    settings = json.loads((folder_of("LAION") / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "tiny-clip.json").write_text(json.dumps(settings | {"quick_gelu": False}))
    before = list(open_clip.factory._MODEL_CONFIG_PATHS)
    open_clip.add_model_config(tmp_path / "configs")
    yield folder_of("LAION") / "open_clip_model.safetensors"
    open_clip.factory._MODEL_CONFIG_PATHS[:] = before
    open_clip.factory._rescan_model_configs()


def test_an_architecture_takes_its_weights_from_a_file(tiny: Path, clip: Embedder) -> None:
    embedder = load(f"open_clip:tiny-clip?pretrained={tiny}")
    assert embedder.info.model.startswith("open_clip_model.safetensors@")
    np.testing.assert_allclose(embed(embedder, pictures()), embed(clip, pictures()), **CLOSE)
    np.testing.assert_allclose(embedder.embed_texts(TEXTS), clip.embed_texts(TEXTS), **CLOSE)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "open_clip needs a model: write open_clip:ViT-B-16-SigLIP2-256"),
        ("ViT-B-99", "open_clip has no architecture ViT-B-99; did you mean ViT-B"),
        ("ViT-L-14", r"say which weights of ViT-L-14: ViT-L-14\?pretrained=openai, laion400m_e31"),
        ("tiny-clip", r"no weights of tiny-clip are published: add \?pretrained=FILE"),
        ("tiny-clip?pretrained=laion9b", "tiny-clip has no weights 'laion9b', and there is no such file"),
        ("me/model?pretrained=openai", "pretrained goes with an architecture"),
        ("./nowhere", r"there is no model folder \./nowhere"),
        ("tiny-clip?colour=red", "open_clip has no option colour: it takes pretrained, device"),
        ("tiny-clip?precision=int8", "precision is one of float32"),
        ("tiny-clip?pretrained={tiny}&device=nowhere", "device=nowhere can't be used here"),
    ],
)
def test_what_can_not_be_loaded_is_said(spec: str, words: str, tiny: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match=words) as caught:
        load(f"open_clip:{spec.format(tiny=tiny)}")
    assert len(str(caught.value).splitlines()) == 1


def test_what_a_folder_lacks_is_said(folder_of: Make, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    torn = shutil.copytree(folder_of("LAION"), tmp_path / "torn")
    (torn / "open_clip_config.json").write_text('{"model_cfg": {}}')
    empty = shutil.copytree(folder_of("LAION"), tmp_path / "empty")
    (empty / "open_clip_model.safetensors").unlink()
    for name, words in {
        "photos": "holds no model of open_clip's: it has no open_clip_config.json",
        "torn": "describes no model of open_clip's",
        "empty": "holds no weights: put open_clip_model.safetensors",
    }.items():
        with pytest.raises(EmbedderUnavailable, match=words):
            load(f"open_clip:{tmp_path / name}")


@pytest.mark.parametrize("package", ["torch", "open_clip"])
def test_a_missing_package_is_named_with_the_command(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EmbedderUnavailable, match=rf"{package} is not installed: pip install 'diptych\[open"):
        load("open_clip:ViT-B-32")


ON_THE_HUB = """
import json, sys, urllib.request, warnings
sys.path.insert(0, sys.argv[2])
import tiny_open_clip
tiny_open_clip.require()
import open_clip
from open_clip.pretrained import _PRETRAINED
from diptych.embedders import EmbedderUnavailable, load
from diptych.errors import DiptychWarning

open_clip.add_model_config(sys.argv[3])
of_weights = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "interpolation": "bilinear", "resize_mode": "squash"}
_PRETRAINED["tiny-clip"] = {
    "plain": {"hf_hub": "me/clip/", **of_weights},
    "quick": {"hf_hub": "me/clip/", "quick_gelu": True, **of_weights},
}

def attempt(spec):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DiptychWarning)
        try:
            embedder = load(spec)
            info = embedder.info
            said = [str(w.message) for w in caught if issubclass(w.category, DiptychWarning)]
            vector = embedder.embed_texts(["a dog"])[0].tolist()
            print(json.dumps([info.model, info.fingerprint, info.licence, info.preprocessing, vector, said]))
        except EmbedderUnavailable as error:
            print(json.dumps(str(error)))

specs = [
    "open_clip:me/siglip", "open_clip:hf-hub:me/siglip", "open_clip:tiny-clip?pretrained=plain",
    "open_clip:tiny-clip?pretrained=quick", "open_clip:me/nothing", "open_clip:me/photos",
]
for spec in specs:
    attempt(spec)
urllib.request.urlopen(sys.argv[1] + "/stop").read()
for spec in [specs[0], specs[2], "open_clip:me/never-fetched"]:
    attempt(spec)
"""


def test_models_come_from_the_hub_pinned_and_then_from_the_cache(folder_of: Make, tmp_path: Path) -> None:
    """One process against a Hub on this machine: by id, by the name of weights, then without the Hub."""
    siglip = shutil.copytree(folder_of("SigLIP 2"), tmp_path / "siglip")
    settings = json.loads((siglip / "open_clip_config.json").read_text())
    settings["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "me/words"
    (siglip / "open_clip_config.json").write_text(json.dumps(settings))
    (siglip / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    words = tmp_path / "words"
    words.mkdir()
    for file in [*siglip.glob("tokenizer*"), *siglip.glob("special*")]:
        shutil.move(file, words / file.name)
    (words / "config.json").write_text('{"model_type": "xlm-roberta"}')
    (tmp_path / "photos").mkdir()
    (tmp_path / "configs").mkdir()
    clip = json.loads((folder_of("LAION") / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "configs" / "tiny-clip.json").write_text(json.dumps(clip))
    repositories = {
        "me/siglip": siglip,
        "me/words": words,
        "me/clip": folder_of("LAION"),
        "me/photos": tmp_path / "photos",
    }
    with LoopbackHub(repositories).running() as hub:
        run = subprocess.run(
            [sys.executable, "-c", ON_THE_HUB, hub.url, str(Path(__file__).parents[1]), tmp_path / "configs"],
            env={
                **os.environ,
                "HF_ENDPOINT": hub.url,
                "HF_HOME": str(tmp_path / "cache"),
                "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                "NO_PROXY": "127.0.0.1",
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert run.returncode == 0, run.stderr
    by_id, again, plain, quick, nothing, photos, cached, cached_plain, unfetched = map(
        json.loads, run.stdout.splitlines()
    )
    model, fingerprint, licence, _, vector, said = by_id
    assert model == f"me/siglip@{COMMIT[:12]}"
    assert f"me/siglip@{COMMIT}:float32:" in fingerprint
    assert licence == "cc-by-nc-4.0"
    assert said == ["me/siglip is under the licence cc-by-nc-4.0: it may not be used commercially"]
    assert again[:-1] == by_id[:-1]
    assert again[-1] == []  # it was here already
    assert cached == again
    np.testing.assert_allclose(
        vector, load(f"open_clip:{folder_of('SigLIP 2')}").embed_texts(["a dog"])[0], **CLOSE
    )

    assert plain[3] == "squashed to 64×64, bilinear (Pillow)"  # as these weights say, not the architecture
    assert plain[5] == []
    assert cached_plain == plain
    assert quick[1] != plain[1]
    assert np.abs(np.subtract(quick[4], plain[4])).max() > 1e-4  # the activation follows the weights
    assert nothing.startswith("the Hugging Face Hub has no model me/nothing")
    assert photos == f"me/photos@{COMMIT[:12]} is not a model of open_clip's: it has no open_clip_config.json"
    assert unfetched.startswith("me/never-fetched is not on this machine")


@pytest.mark.parametrize(
    ("licence", "forbids"),
    [
        ("cc-by-nc-4.0", True),
        ("cc-by-nc-sa-4.0", True),
        ("apple-amlr", True),
        ("qwen-research", True),
        ("fair-noncommercial-research-license", True),
        ("apache-2.0", False),
        ("mit", False),
        ("cc-by-4.0", False),
        ("gemma", False),
        ("openrail", False),
        (None, False),
    ],
)
def test_licences_that_forbid_commerce_are_known_by_name(licence: str | None, forbids: bool) -> None:
    assert forbids_commerce(licence) is forbids


def test_importing_the_module_loads_no_torch() -> None:
    code = "import sys, diptych.embedders.open_clip\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "open_clip", "timm", "huggingface_hub"} & set(run.stdout.split())


def test_both_libraries_live_in_one_process(folder_of: Make, tmp_path: Path) -> None:
    """Both import torchvision, which PyPI has built for CUDA and which raises beside a CPU build of torch."""
    import tiny_clip

    tiny_clip.require()
    code = (
        "import sys\nfrom diptych.embedders import load\n"
        "for spec in sys.argv[1:]: print(load(spec).info.preprocessing)"
    )
    plain = tiny_clip.save_plain(tmp_path / "plain")
    specs = [f"open_clip:{folder_of('LAION')}", f"sentence-transformers:{plain}"]
    run = subprocess.run([sys.executable, "-c", code, *specs], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("(Pillow)") == 2
