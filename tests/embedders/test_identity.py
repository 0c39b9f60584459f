"""Vectors are filed under all that they depend on: other weights are never taken for these."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_clip
import tiny_onnx
import tiny_open_clip
from diptych.embedders import Embedder, EmbedderUnavailable, huggingface, load, open_clip
from diptych.embedders.onnx import layout
from diptych.embedders.onnx.external import external_files
from diptych.embedders.onnx.loading import OnnxSettings
from diptych.embedders.remembered import Remembered
from opened_files import opened_below
from support import need

NOTES = {"README.md"}
"""What an embedder reads for a person's sake: vectors don't depend on it."""


# --------------------------------------------------------------- an export with its weights in another file


@pytest.fixture
def weights_apart(onnx_copy: Path) -> Path:
    """A CLIP whose weights lie in files named by nobody but its graphs."""
    for side in ("vision", "text"):
        tiny_onnx.move_weights_out(onnx_copy / "onnx" / f"{side}_model.onnx", f"{side}.weights.bin")
    return onnx_copy


def test_one_graph_with_other_weights_is_another_model(weights_apart: Path, tmp_path: Path) -> None:
    other = shutil.copytree(weights_apart, tmp_path / "other")
    weights = other / "onnx" / "vision.weights.bin"
    numbers = np.fromfile(weights, np.float32)
    (numbers * np.float32(0.5)).tofile(weights)
    one, another = (load(f"onnx:{folder}").info for folder in (weights_apart, other))
    assert one.fingerprint != another.fingerprint
    assert one.model != another.model


def test_a_file_that_holds_weights_and_is_missing_is_named(weights_apart: Path) -> None:
    (weights_apart / "onnx" / "text.weights.bin").unlink()
    with pytest.raises(EmbedderUnavailable, match=r"lacks onnx/text\.weights\.bin, which holds weights of"):
        load(f"onnx:{weights_apart}")


@pytest.mark.parametrize("location", ["../../elsewhere.bin", "/etc/hostname"])
def test_weights_outside_of_the_model_are_refused(onnx_copy: Path, location: str) -> None:
    onnx = pytest.importorskip("onnx")
    path = onnx_copy / "onnx" / "vision_model.onnx"
    model = onnx.load(path)
    put_outside(model.graph.initializer[0], location)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EmbedderUnavailable, match="keeps weights outside of it, in"):
        load(f"onnx:{onnx_copy}")


def test_a_fingerprint_from_before_names_were_read_stays(onnx_copy: Path) -> None:
    """A file called as exporters call it counted without being named by the graph, and still does."""
    stray = onnx_copy / "onnx" / "vision_model.onnx_data"
    stray.write_bytes(b"left over")
    source, _ = layout.find(str(onnx_copy), "fp32", None)
    used = ["config.json", "onnx/text_model.onnx", "onnx/vision_model.onnx", "onnx/vision_model.onnx_data"]
    used += ["preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"]
    before = huggingface.describe_folder(onnx_copy, [onnx_copy / name for name in used])
    assert source.identity == before.identity


def put_outside(tensor: object, location: str) -> None:
    """Have a tensor's numbers lie in a file."""
    from onnx.external_data_helper import set_external_data

    tensor.raw_data = tensor.raw_data or b"\0" * 4  # type: ignore[attr-defined]
    set_external_data(tensor, location)
    tensor.ClearField("raw_data")  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_names_are_found_wherever_a_graph_may_hold_tensors(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Against what the onnx package finds, for the places that it looks at."""
    need("onnx")
    import onnx
    from onnx import helper

    names = iter(data.draw(st.lists(st.text("abé /._-", min_size=1), min_size=8, max_size=8, unique=True)))
    wanted = []

    def tensor() -> onnx.TensorProto:
        made = helper.make_tensor("t", onnx.TensorProto.FLOAT, [1], b"\0\0\0\0", raw=True)
        if data.draw(st.booleans()):
            wanted.append(next(names))
            put_outside(made, wanted[-1])
        return made

    inner = helper.make_graph([], "inner", [], [], initializer=[tensor()])
    sparse = helper.make_sparse_tensor(tensor(), tensor(), [2])
    node = helper.make_node("If", [], ["y"], then_branch=inner, value=tensor(), values=[tensor()])
    graph = helper.make_graph([node], "g", [], [], initializer=[tensor()], sparse_initializer=[sparse])
    function = helper.make_function(
        "d", "f", [], ["y"], [helper.make_node("Constant", [], ["y"], value=tensor())],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    model = helper.make_model(graph, functions=[function])
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert external_files(path) == sorted(wanted)


@settings(max_examples=150, deadline=None)
@given(junk=st.binary(max_size=200), cut=st.floats(0, 1))
def test_a_damaged_export_is_left_to_onnxruntime(
    tmp_path_factory: pytest.TempPathFactory, onnx_folder: Path, junk: bytes, cut: float
) -> None:
    whole = (onnx_folder / "onnx" / "text_model.onnx").read_bytes()[:4000]
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    for content in (junk, whole[: int(cut * len(whole))] + junk):
        path.write_bytes(content)
        assert isinstance(external_files(path), list)


# ------------------------------------------------------------------------------------ folders that are linked


def linked(folder: Path, part: str) -> Path:
    """Move a part of a model out, and have a link lead there; returns where it is now."""
    moved = folder.with_name(f"{folder.name}-{part}")
    (folder / part).rename(moved)
    (folder / part).symlink_to(moved, target_is_directory=True)
    return moved


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    tiny_clip.require()
    return tiny_clip.save_legacy(tmp_path / "model")


@pytest.mark.skipif(sys.platform == "win32", reason="links need permission there")
def test_a_link_that_leads_elsewhere_now_is_another_model(legacy: Path, tmp_path: Path) -> None:
    def fingerprint() -> str:
        return load(f"sentence-transformers:{legacy}").info.fingerprint

    as_folder = fingerprint()
    linked(legacy, "0_CLIPModel")
    assert fingerprint() == as_folder, "where the same bytes lie does not matter"
    other = tiny_clip.save_legacy(tmp_path / "other", seed=1)
    (legacy / "0_CLIPModel").unlink()
    (legacy / "0_CLIPModel").symlink_to(other / "0_CLIPModel", target_is_directory=True)
    assert fingerprint() != as_folder


@pytest.mark.skipif(sys.platform == "win32", reason="links need permission there")
def test_links_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
    (tmp_path / "a" / "to-b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to-a").symlink_to(tmp_path / "a")
    (tmp_path / "itself").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    found = sorted(path.relative_to(tmp_path).as_posix() for path in huggingface.files_below(tmp_path))
    assert found == ["a/to-b/weights", "a/weights", "b/to-a/weights", "b/weights"]


# --------------------------------------------------------------- every file that is opened is in the identity


@dataclass
class Local:
    """An embedder's model in a folder.

    Attributes:
        folder: Where it is.
        identity: Finds it, and says what it is known by.
        load: Loads what was found.
    """

    folder: Path
    identity: Callable[[], str]
    load: Callable[[], Embedder]


def onnx_model(folder: Path) -> Local:
    def open_it() -> Embedder:
        from diptych.embedders.onnx import OnnxEmbedder

        return OnnxEmbedder(*found, OnnxSettings.parse({}))

    found = layout.find(str(folder), "fp32", None)
    return Local(folder, lambda: layout.find(str(folder), "fp32", None)[0].identity, open_it)


def of_torch(spec: str, folder: Path) -> Local:
    """What is remembered is loaded only when it is opened, after its files were found and hashed."""
    load(f"{spec}:{folder}")

    def open_it() -> Embedder:
        embedder = load(f"{spec}:{folder}")
        assert isinstance(embedder, Remembered)
        return embedder.open()

    def identity() -> str:
        if spec == "open_clip":
            return open_clip.finding.find(str(folder), None, None).source.identity
        return huggingface.find(str(folder), None).identity

    return Local(folder, identity, open_it)


@pytest.fixture(params=["onnx", "onnx, weights apart", "legacy", "modern", "plain", "linked", "open_clip"])
def local(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Local]:
    kind = request.param
    if kind.startswith("onnx"):
        return onnx_model(request.getfixturevalue("weights_apart" if "apart" in kind else "onnx_copy"))
    if kind == "open_clip":
        tiny_clip.require()
        tiny_open_clip.require()
        return of_torch("open_clip", tiny_open_clip.save(tmp_path / "model", "SigLIP 2"))
    tiny_clip.require()
    folder = tiny_clip.LAYOUTS["legacy" if kind == "linked" else kind](tmp_path / "model")
    if kind == "linked":
        linked(folder, "0_CLIPModel")
    return of_torch("sentence-transformers", folder)


def test_every_file_that_loading_opens_is_in_the_identity(local: Local) -> None:
    with opened_below(local.folder) as opened:
        local.load()
    opened = {path for path in opened if path.name not in NOTES}
    assert len(opened) >= 3, "its tokenizer and the weights of both sides"
    was = local.identity()
    for path in sorted(opened):
        content = path.read_bytes()
        path.write_bytes(content + b" ")  # JSON and weights may end in more than is read
        try:
            assert local.identity() != was, f"{path.name} may change, and nobody would know"
        finally:
            path.write_bytes(content)
