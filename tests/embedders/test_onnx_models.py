"""Where the onnx embedder finds its models, and what it says where it can't."""

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
from PIL import Image

import tiny_onnx
from diptych.embedders import EmbedderUnavailable
from diptych.embedders.onnx import load
from embedders.loopback_hub import COMMIT, LoopbackHub


def test_a_variant_that_is_missing_is_said_with_the_files_looked_for(onnx_folder: Path) -> None:
    words = (
        r"holds no ONNX export of both sides in q4, .*onnx/vision_model_q4\.onnx and onnx/text_model_q4\.onnx"
    )
    with pytest.raises(EmbedderUnavailable, match=words) as caught:
        load(str(onnx_folder), variant="q4")
    assert len(str(caught.value).splitlines()) == 1


def test_an_export_without_embeddings_is_explained(onnx_copy: Path) -> None:
    tiny_onnx.save_unprojected(onnx_copy / "onnx" / "text_model.onnx")
    with pytest.raises(EmbedderUnavailable, match=r"no text_embeds: it was exported without the projection"):
        load(str(onnx_copy))


def test_a_file_of_the_wrong_side_is_said(onnx_copy: Path) -> None:
    shutil.copyfile(onnx_copy / "onnx" / "vision_model.onnx", onnx_copy / "onnx" / "text_model.onnx")
    with pytest.raises(EmbedderUnavailable, match=r"takes pixel_values \(.*not known how to make from texts"):
        load(str(onnx_copy))


def test_sides_of_different_lengths_are_no_model(onnx_copy: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    shape = (["n", 3, 224, 224], ["n", "dimension"])
    takes, gives = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)
        for name, axes in zip(("pixel_values", "image_embeds"), shape, strict=True)
    )
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["pixel_values"], ["image_embeds"])], "g", [takes], [gives]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, onnx_copy / "onnx" / "vision_model.onnx")
    with pytest.raises(EmbedderUnavailable, match="150528 numbers for pictures and 16 for texts"):
        load(str(onnx_copy))


def test_what_a_folder_lacks_or_breaks_is_said(onnx_copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def message() -> str:
        with pytest.raises(EmbedderUnavailable) as caught:
            load(str(onnx_copy))
        return str(caught.value)

    (onnx_copy / "onnx" / "vision_model.onnx").write_bytes(b"<html>404</html>")
    said = [message()]
    (onnx_copy / "onnx" / "vision_model.onnx").unlink()
    said.append(message())
    (onnx_copy / "config.json").write_text("{")
    said.append(message())
    (onnx_copy / "config.json").unlink()
    (onnx_copy / "tokenizer.json").unlink()
    said.append(message())
    shutil.rmtree(onnx_copy)
    said.append(message())
    for line, words in zip(
        said,
        (
            "can't open",
            "looked for: onnx/vision_model.onnx and",
            "not valid JSON",
            "tokenizer",
            "no model folder",
        ),
        strict=True,
    ):
        assert words in line
        assert len(line.splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_a_broken_tokenizer_is_said(onnx_copy: Path) -> None:
    (onnx_copy / "tokenizer.json").write_text("{}")
    with pytest.raises(EmbedderUnavailable, match=r"tokenizer\.json is not a tokenizer"):
        load(str(onnx_copy))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"variant": "fp8"}, "variant is one of fp32, fp16, q8, .*not 'fp8'"),
        ({"threads": "0"}, "threads is a whole number from 1, not '0'"),
        ({"batch_size": "many"}, "batch_size is a whole number from 1, not 'many'"),
        (
            {"provider": "abacus"},
            "provider=abacus can't be used here: onnxruntime has .*CPUExecutionProvider",
        ),
        ({"revision": "main"}, "revision is for models on the Hugging Face Hub"),
        ({"colour": "red"}, "onnx has no option colour: it takes variant, threads"),
    ],
)
def test_an_option_that_makes_no_sense_is_said(
    onnx_folder: Path, options: dict[str, str], words: str
) -> None:
    with pytest.raises(EmbedderUnavailable, match=words):
        load(str(onnx_folder), **options)


def test_a_spec_without_a_model_is_told_how_to_write_one() -> None:
    with pytest.raises(EmbedderUnavailable, match="write onnx:FOLDER or onnx:"):
        load("")


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers", "huggingface_hub"])
def test_a_missing_package_is_named_with_the_command(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # how Python itself marks what can't be imported
    line = rf"{package} is not installed: pip install 'diptych\[onnx\]'"
    with pytest.raises(EmbedderUnavailable, match=line):
        load("Xenova/clip-vit-base-patch32")


ON_THE_HUB = """
import json, sys, urllib.request
from PIL import Image
from diptych.embedders import EmbedderUnavailable
from diptych.embedders.onnx import load

def attempt(model, **options):
    try:
        embedder = load(model, **options)
        picture = embedder.embed_images([embedder.prepare_image(Image.new("RGB", (30, 20), "red"))])
        vectors = [*picture[0].tolist(), *embedder.embed_texts(["a dog"])[0].tolist()]
        print(json.dumps([embedder.info.model, embedder.info.fingerprint, embedder.info.licence, vectors]))
    except EmbedderUnavailable as error:
        print(json.dumps(str(error)))

for model in sys.argv[2:]:
    attempt(model)
attempt("me/clip", revision="v9")
urllib.request.urlopen(sys.argv[1] + "/stop").read()
attempt("me/clip")
attempt("me/clip", variant="fp16")
attempt("me/never-fetched")
print(json.dumps(sorted({"torch", "transformers", "sentence_transformers"} & set(sys.modules))))
"""


def test_models_come_from_the_hub_without_torch(
    onnx_exports: Callable[[str], Path], onnx_folder: Path, onnx_variants: Path, tmp_path: Path
) -> None:
    """One process against a Hub on this machine: two layouts, large weights apart, then the cache alone."""
    repository = shutil.copytree(onnx_variants, tmp_path / "repository")
    (repository / "README.md").write_text("---\nlicense: mit\n---\n")
    tiny_onnx.move_weights_out(repository / "onnx" / "vision_model.onnx")
    tiny_onnx.move_weights_out(repository / "onnx" / "text_model.onnx", "text.weights")
    for weights in ("vision_model.onnx_data", "text.weights"):
        assert (repository / "onnx" / weights).stat().st_size > 10_000
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "tokenizer.json").write_text("{}")
    repositories = {
        "me/clip": repository,
        "immich-app/clip": onnx_exports("immich"),
        "me/gated": None,
        "me/empty": tmp_path / "empty",
    }
    cache = tmp_path / "cache"
    with LoopbackHub(repositories).running() as hub:
        run = subprocess.run(
            [sys.executable, "-c", ON_THE_HUB, hub.url, *repositories, "me/nothing"],
            env={
                **os.environ,
                "HF_ENDPOINT": hub.url,
                "HF_HOME": str(cache),
                "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                "NO_PROXY": "127.0.0.1",
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert run.returncode == 0, run.stderr
    fetched, immich, gated, empty, nothing, no_revision, from_cache, no_variant, unfetched, heavy = map(
        json.loads, run.stdout.splitlines()
    )
    assert fetched[0] == f"me/clip@{COMMIT[:12]}"
    assert fetched[1].startswith(f"onnx:me/clip@{COMMIT}:fp32:")
    assert fetched[2] == "mit"
    local = load(str(onnx_folder))
    picture = local.embed_images([local.prepare_image(Image.new("RGB", (30, 20), "red"))])
    wanted = [*picture[0], *local.embed_texts(["a dog"])[0]]
    np.testing.assert_allclose(fetched[3], wanted, rtol=0, atol=1e-4)
    np.testing.assert_allclose(immich[3], wanted, rtol=0, atol=1e-4)
    assert gated.startswith("me/gated is gated: accept its terms at https://huggingface.co/me/gated")
    assert empty.startswith(f"me/empty@{COMMIT[:12]} holds no ONNX export of both sides in fp32")
    assert nothing.startswith("the Hugging Face Hub has no model me/nothing: check the name")
    assert no_revision.startswith("me/clip has no revision 'v9'")
    assert from_cache == fetched
    for absent in (no_variant, unfetched):
        assert " is not on this machine" in absent
        assert absent.endswith("copy the folder, and write its path in place of the name")
    assert heavy == []
    assert not list(cache.rglob("*_quantized.onnx"))  # only the files of the variant are fetched
