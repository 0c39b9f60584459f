"""Trying an embedder out: what is broken is told, what is right is not, and it is done once."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diptych.doctor import try_embedder
from diptych.embedders import EmbedderInfo, EmbedderUnavailable, InputRejected, TransientError, load
from diptych.embedders.self_check import complaints, is_free, try_out
from diptych.errors import DiptychError, DiptychWarning
from diptych.store.vectors import Store
from diptych.workbench import Workbench
from plugins import environment, install
from support import picture_bytes


class Toy:
    """Sees the mean colour of a picture's left and right half, and reads a text's letters; or is broken."""

    def __init__(self, broken: str = "", **facts: Any) -> None:
        self.broken = broken
        self.calls = 0
        self.info = EmbedderInfo(
            name="toy",
            provider="toy",
            model="1",
            dimension=6,
            preprocessing="halves",
            fingerprint="toy/1",
            **facts,
        )

    def prepare_image(self, image: Any) -> Any:
        pixels = np.asarray(image, np.float32) - 128
        left, right = np.array_split(pixels, 2, axis=1)
        return np.concatenate([left.mean(axis=(0, 1)), right.mean(axis=(0, 1))])

    def embed_images(self, prepared: Sequence[Any]) -> Any:
        vectors = np.stack(prepared).astype(np.float32)
        if self.broken == "picture order":
            return vectors[::-1] if len(vectors) > 1 else -vectors
        if self.broken == "upside down":
            return np.hstack([vectors[:, :3] - vectors[:, 3:]] * 2)
        return self._break("pictures", vectors)

    def embed_texts(self, texts: Sequence[str]) -> Any:
        letters = np.array([[text.count(letter) + 0.1 for letter in "abderu"] for text in texts], np.float32)
        return self._break("texts", letters)

    def _break(self, side: str, vectors: Any) -> Any:
        self.calls += 1
        assert len(vectors) <= self.info.batch_size
        kind = self.broken.removeprefix(f"{side} ") if self.broken.startswith(side) else ""
        rng = np.random.default_rng(self.calls)
        broken: dict[str, Callable[[], Any]] = {
            "alike": lambda: np.ones_like(vectors) + rng.normal(0, 1e-6, vectors.shape),
            "zero": lambda: np.zeros_like(vectors),
            "endless": lambda: vectors * np.inf,
            "short": lambda: vectors[:, :4],
            "too few": lambda: vectors[:1],
            "restless": lambda: rng.normal(size=vectors.shape),
            "refused": lambda: _raise(InputRejected("only on Sundays")),
            "buggy": lambda: _raise(KeyError("layer")),
        }
        return broken.get(kind, lambda: vectors)()


def _raise(error: Exception) -> None:
    raise error


def test_an_embedder_that_is_right_is_not_complained_of() -> None:
    toy = Toy()
    trials = try_out(toy)
    assert complaints(trials) == []
    assert len(trials) == 7
    assert toy.calls == 4


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("pictures alike", "gives two different pictures the same vector"),
        ("pictures zero", "gives two different pictures the same vector"),
        ("texts alike", "gives two different texts the same vector"),
        ("pictures endless", "numbers that are not finite"),
        ("texts short", r"text vectors have the shape \(3, 4\)"),
        ("pictures too few", r"picture vectors have the shape \(2, 6\)"),
        ("texts restless", "vectors change from call to call"),
        ("picture order", "vectors change from call to call or with their neighbours"),
        ("upside down", "say nothing of what is in a picture"),
        ("texts refused", "it fails at a text: only on Sundays"),
        ("pictures buggy", "it fails at a picture: 'layer'"),
    ],
)
def test_what_is_broken_is_told(broken: str, words: str) -> None:
    found = complaints(try_out(Toy(broken)))
    assert found
    assert any(re.search(words, complaint) for complaint in found), found


def test_batches_are_no_larger_than_an_embedder_takes() -> None:
    toy = Toy(batch_size=1)
    assert complaints(try_out(toy)) == []
    assert toy.calls == 7


@pytest.mark.parametrize("error", [EmbedderUnavailable("sign in"), TransientError("later")])
def test_an_embedder_that_can_not_be_asked_now_is_not_judged(error: Exception) -> None:
    toy = Toy()
    toy.embed_texts = lambda texts: _raise(error)  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        try_out(toy)


@pytest.mark.parametrize("spec", ["palette", "random", "mini-s", "mini-b"])
def test_the_built_in_embedders_are_right(spec: str) -> None:
    assert complaints(try_out(load(spec))) == []


@pytest.mark.parametrize(
    ("facts", "free"),
    [
        ({}, True),
        ({"price_per_image": 0.0001}, False),
        ({"price_per_1k_characters": 0.1}, False),
        ({"requests_per_minute": 60}, False),
        ({"price_known": False}, False),
    ],
)
def test_what_costs_something_is_not_tried_unasked(facts: dict[str, Any], free: bool) -> None:
    assert is_free(Toy(**facts)) is free


# In a workbench and on the command line, with a plug-in that gives everything the same vector


BROKEN = '''
"""Gives everything the same vector."""
import os
from pathlib import Path
import numpy as np
from diptych.embedders import EmbedderInfo

def load(model, **options):
    return Broken(options)

class Broken:
    def __init__(self, options):
        self.log = Path(options.get("log", os.devnull))
        self.info = EmbedderInfo(
            name="broken", provider="broken", model="1", dimension=4, preprocessing="none",
            fingerprint="broken/1", price_per_image=float(options["price"]) if "price" in options else None,
        )
    def prepare_image(self, image):
        return image.size
    def embed_images(self, prepared):
        with self.log.open("a") as file:
            file.write(f"{len(prepared)}\\n")
        return np.ones((len(prepared), 4), np.float32)
    def embed_texts(self, texts):
        return np.ones((len(texts), 4), np.float32)
'''


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(picture_bytes((60 * number, 20, 90)))
    return folder


def test_a_broken_set_up_is_told_at_every_run_and_tried_once(pictures: Path, tmp_path: Path) -> None:
    env = environment(install(tmp_path / "plugins", "broken", BROKEN))
    log = tmp_path / "log"
    command = [sys.executable, "-m", "diptych", "search", pictures, "dog", "-e", f"broken:?log={log}"]
    runs = [subprocess.run(command, env=env, capture_output=True, text=True) for _ in range(2)]
    for run in runs:
        assert run.returncode == 0, run.stderr
        assert "looks broken: it gives two different pictures the same vector" in run.stderr
    assert log.read_text().split() == ["3", "1", "3"]  # tried: three and one again; the collection; nothing
    paid = subprocess.run(
        [*command[:-1], f"broken:?price=0.1&log={log}", "--store", tmp_path / "other.sqlite"],
        env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert "looks broken" not in paid.stderr
    assert log.read_text().split() == ["3", "1", "3", "3"]


def test_doctor_tries_an_embedder_and_fails_where_it_is_broken(tmp_path: Path) -> None:
    env = environment(install(tmp_path / "plugins", "broken", BROKEN))
    command = [sys.executable, "-m", "diptych", "doctor", "--embedder"]
    good, bad = (
        subprocess.run([*command, spec], env=env, capture_output=True, text=True)
        for spec in ("palette", "broken:?price=0.1")
    )
    assert good.returncode == 0, good.stderr
    assert good.stdout.count("  right  ") == 7
    assert "WRONG" not in good.stdout
    assert bad.returncode == 1
    assert bad.stdout.count("  WRONG  ") >= 2
    (line,) = bad.stderr.strip().splitlines()
    assert line.startswith("diptych: broken:?price=0.1 looks broken: it gives two different pictures")


def test_what_doctor_found_the_store_remembers(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    assert Store(store).complaints(load("palette").info.fingerprint) is None
    try_embedder("palette", store)
    assert Store(store).complaints(load("palette").info.fingerprint) == []


def test_vectors_that_were_made_elsewhere_can_not_be_tried(pictures: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", vectors=np.ones((3, 2), np.float32), names=[f"{n}.png" for n in range(3)])
    with pytest.raises(DiptychError, match="made elsewhere: there is no model to try"):
        try_embedder(f"vectors:{tmp_path / 'v.npz'}")
    Workbench(pictures, [f"vectors:{tmp_path / 'v.npz'}"]).embed()


def test_an_embedder_that_was_handed_over_is_its_maker_s_business(pictures: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DiptychWarning)
        Workbench(pictures, [Toy("pictures alike")]).embed()
