"""The exports of a small random CLIP that the tests of the onnx embedder share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_onnx


@pytest.fixture(scope="session")
def onnx_exports(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """From a layout's name to a folder that tests share, exported when first asked for."""
    tiny_onnx.require()
    root = tmp_path_factory.mktemp("onnx")

    def export(name: str) -> Path:
        folder = root / name
        return folder if folder.exists() else tiny_onnx.LAYOUTS[name](folder)

    return export


@pytest.fixture(scope="session")
def onnx_folder(onnx_exports: Callable[[str], Path]) -> Path:
    """The CLIP as transformers.js lays it out."""
    return onnx_exports("transformers.js")


@pytest.fixture
def onnx_copy(onnx_folder: Path, tmp_path: Path) -> Path:
    """A copy of that folder to change."""
    return shutil.copytree(onnx_folder, tmp_path / "clip")


@pytest.fixture(scope="session")
def onnx_variants(onnx_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That folder with half-precision and quantised files beside the full ones."""
    folder = shutil.copytree(onnx_folder, tmp_path_factory.mktemp("variants") / "clip")
    tiny_onnx.add_variants(folder)
    return folder
