"""A comparison that pays: Vertex over HTTP, on a bad day, with the whole tool in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diptych.embedders import load
from diptych.emulators.vertex import VertexEmulator
from diptych.retrieval.null_bank import default_bank

COUNT = 60
BANK = len(default_bank())


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for number in range(COUNT):
        pixels = np.kron(rng.integers(0, 256, (4, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def stormy() -> Iterator[VertexEmulator]:
    with VertexEmulator(load("palette"), error_rate=0.2, seed=3) as emulator:
        yield emulator


def compare(pictures: Path, emulator: VertexEmulator, out: Path) -> subprocess.CompletedProcess[str]:
    spec = f"vertex?project=p&requests_per_minute=0&endpoint={emulator.url}"
    command = [sys.executable, "-m", "diptych", "compare", pictures, "-e", spec, "-e", "palette", "-k", COUNT]
    command += ["-q", "a red and blue picture", "-q", "green", "--json", out]
    env = os.environ | {"VERTEX_ACCESS_TOKEN": "a-very-secret-token"}
    return subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.filterwarnings("ignore:palette knows")  # the emulator's, of the null bank
def test_a_fifth_of_calls_fail_and_the_comparison_is_complete_and_right(
    pictures: Path, stormy: VertexEmulator, tmp_path: Path
) -> None:
    done = compare(pictures, stormy, tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    saved = json.loads((tmp_path / "out.json").read_text())
    assert saved["collection"]["images"] == COUNT
    assert saved["collection"]["skipped"] == []
    for query in saved["queries"]:
        theirs, ours = (ranking["hits"] for ranking in query["rankings"].values())
        scores = {hit["image"]: hit["score"] for hit in ours}
        assert len(theirs) == COUNT
        for hit in theirs:  # the emulator saw a JPEG of the same picture through the same embedder
            assert hit["score"] == pytest.approx(scores[hit["image"]], abs=0.05)
    answered = Counter(served.sha256 for served in stormy.served if served.status == 200)
    assert len(answered) == COUNT + 2 + BANK
    assert set(answered.values()) == {1}
    assert any(served.status != 200 for served in stormy.served)
    calls = len(stormy.served)
    again = compare(pictures, stormy, tmp_path / "again.json")
    assert again.returncode == 0, again.stderr
    assert len(stormy.served) == calls
    assert json.loads((tmp_path / "again.json").read_text())["queries"] == saved["queries"]


def test_no_secret_is_left_anywhere(pictures: Path, stormy: VertexEmulator, tmp_path: Path) -> None:
    done = compare(pictures, stormy, tmp_path / "out.json")
    assert "very-secret" not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"very-secret" not in path.read_bytes()


def test_without_credentials_the_next_step_is_said_before_any_picture_is_decoded(
    pictures: Path, tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "diptych",
        "compare",
        pictures,
        "-e",
        "vertex?project=p",
        "-q",
        "x",
        "--quiet",
    ]
    env = os.environ | {"HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path), "NO_GCE_CHECK": "true"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "gcloud auth application-default login" in line


def test_nothing_answers_at_the_endpoint(pictures: Path, tmp_path: Path) -> None:
    with VertexEmulator(load("palette")) as gone:
        url = gone.url
    command = [sys.executable, "-m", "diptych", "search", pictures, "red", "--quiet", "-e"]
    command += [f"vertex?project=p&endpoint={url}"]
    env = os.environ | {"VERTEX_ACCESS_TOKEN": "a-very-secret-token"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "vertex" in line
    assert "connect" in line.lower()
