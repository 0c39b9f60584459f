"""What the same comparison does again when everything is stored: counts that do not vary with the machine."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diptych import Store, Workbench
from diptych.embedders import EmbedderInfo
from diptych.embedders.base import Vectors
from diptych.images import collection as opened
from diptych.images.collection import Collection
from diptych.pipeline import reading
from support import picture_bytes

QUERIES = ["red", "a blue picture"]
STATEMENTS = 40
"""More than a second run sends to SQLite, whatever the collection's size."""


class Counting:
    """An embedder of mean colours that counts what it is asked."""

    def __init__(self, name: str, asked: Counter[str]) -> None:
        self._asked = asked
        self.info = EmbedderInfo(
            name=name, provider="test", model=name, dimension=3, preprocessing="none", fingerprint=name
        )

    def prepare_image(self, image: Image.Image) -> list[float]:
        self._asked["prepared"] += 1
        return np.asarray(image).reshape(-1, 3).mean(axis=0).tolist()

    def embed_images(self, prepared: Sequence[list[float]]) -> Vectors:
        self._asked["pictures"] += len(prepared)
        return np.array(prepared, np.float32)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self._asked["texts"] += len(texts)
        return np.array([[len(text), text.count("e") + 1, 1] for text in texts], np.float32)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often pictures are decoded, and read again after the collection was opened."""
    counts: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            counts[name] += 1
            return function(*arguments, **named)

        return call

    monkeypatch.setattr(opened, "decoded", counted("decoded", opened.decoded))
    monkeypatch.setattr(Collection, "read", counted("read", Collection.read))
    return counts


def folder_of(count: int, folder: Path) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.png").write_bytes(picture_bytes((5 * number, 30, 200)))
    return folder


def compare(source: Path, store: Store, counts: Counter[str]) -> list[str]:
    """Compare two embedders; the statements that SQLite was given."""
    statements: list[str] = []
    store._file._db.set_trace_callback(statements.append)
    result = Workbench(source, [Counting("a", counts), Counting("b", counts)], store=store).compare(QUERIES)
    store._file._db.set_trace_callback(None)
    assert result.images
    return statements


def test_a_first_run_reads_and_decodes_each_picture_once_for_all_embedders(
    tmp_path: Path, counts: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 600.0)  # however busy this machine is, neither is slow

    source = folder_of(20, tmp_path / "pictures")
    with Store(tmp_path / "store.sqlite") as store:
        compare(source, store, counts)
    asked = {name: counts[name] for name in ("read", "decoded", "prepared", "pictures")}
    assert asked == {"read": 20, "decoded": 20, "prepared": 40, "pictures": 40}


def test_a_second_run_asks_no_embedder_and_reads_no_picture_again(
    tmp_path: Path, counts: Counter[str]
) -> None:
    source = folder_of(20, tmp_path / "pictures")
    with Store(tmp_path / "store.sqlite") as store:
        compare(source, store, counts)
        counts.clear()
        compare(source, store, counts)
    assert not counts


def test_how_often_a_second_run_asks_the_store_does_not_grow_with_the_pictures(
    tmp_path: Path, counts: Counter[str]
) -> None:
    sent = []
    for count in (5, 50):
        source = folder_of(count, tmp_path / f"pictures-{count}")
        with Store(tmp_path / f"store-{count}.sqlite") as store:
            compare(source, store, counts)
            statements = compare(source, store, counts)
        assert not [each for each in statements if not each.startswith("SELECT")]
        sent.append(len(statements))
    assert sent[0] == sent[1] <= STATEMENTS


def test_a_second_run_of_the_command_imports_nothing_that_it_can_do_without(tmp_path: Path) -> None:
    """The heavy libraries: those that models run on, scipy, what draws and what serves."""
    source = folder_of(12, tmp_path / "pictures")
    code = (
        "import sys\nfrom diptych.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "compare", source, "-e", "mini-s", "-q", "red", "--quiet"]
    for _ in range(2):
        run = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    imported = set(run.stderr.splitlines()[-1].split())
    assert "numpy" in imported
    of_models = {"torch", "transformers", "onnxruntime", "tokenizers", "huggingface_hub"}
    of_others = {"httpx2", "scipy", "matplotlib", "pandas", "fastapi", "jinja2"}
    assert imported & (of_models | of_others) == set()
