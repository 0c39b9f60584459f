"""A store that others altered, a disk lost bits of, or that is deleted meanwhile: what is whole is used, and
what can be done about the rest is said in a line.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diptych
from diptych import Workbench
from diptych.embedders.base import Vectors
from diptych.errors import DiptychError, DiptychWarning
from diptych.store.vectors import Store
from served_page import Steered
from support import picture_bytes
from warm import diptych_in

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "white": (250, 250, 250)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "one.png").write_bytes(picture_bytes(colour))
    return folder


@pytest.fixture
def store(tmp_path: Path, pictures: Path) -> Path:
    """A store with vectors of four pictures and of texts, and a judgment."""
    path = tmp_path / "s.sqlite"
    with Store(path) as opened:
        bench = Workbench(pictures, ["palette"], store=opened)
        bench.compare(["red"])
        bench.judge("red", "red/one.png", 1)
    return path


def altered(store: Path, *statements: str) -> None:
    db = sqlite3.connect(store)
    db.execute("PRAGMA ignore_check_constraints = ON")
    for statement in statements:
        assert db.execute(statement).rowcount
    db.commit()
    db.close()


def run(store: Path, pictures: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*(words or ("compare",)), pictures, "-e", "palette"]
    asked = ["-q", "red"] if words in {(), ("compare",)} else []
    return diptych_in(store.parent, [*command, *asked, "--store", store], os.environ)


ONE = "WHERE kind = 'image' AND item = (SELECT min(item) FROM vector WHERE kind = 'image')"


@pytest.mark.parametrize(
    "new",
    [
        "zeroblob(length(vector) - 1) || x'01'",
        "substr(vector, 1, length(vector) - 3)",
        "x''",
        "x'00'",
        "'text'",
        "CAST(x'ff' AS TEXT)",
        "5",
        "(SELECT vector FROM vector WHERE kind = 'image' ORDER BY item DESC)",
    ],
)
def test_a_vector_that_lost_bits_is_noticed_and_it_alone_is_made_anew(
    store: Path, pictures: Path, new: str
) -> None:
    bench = Workbench(pictures, ["palette"], store=store)
    before = bench.compare(["red"])
    bench.store.close()
    altered(store, f"UPDATE vector SET vector = {new} {ONE} AND vector != {new}")
    with pytest.warns(DiptychWarning, match="1 damaged vector, made anew"):
        after = Workbench(pictures, ["palette"], store=store).compare(["red"])
    assert after.queries == before.queries
    assert after.work["palette"].images_embedded == 1
    again = Workbench(pictures, ["palette"], store=store).compare(["red"])  # nothing to warn of any more
    assert again.work["palette"].images_embedded == 0


def test_a_flipped_bit_anywhere_in_vectors_is_noticed(tmp_path: Path) -> None:
    items = [f"{number:064x}" for number in range(60)]
    vectors = np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32)
    with Store(tmp_path / "s.sqlite") as store:
        store.put("model", "image", items, vectors)
    content = bytearray((tmp_path / "s.sqlite").read_bytes())
    flipped = random.Random(0).sample(range(60), 20)
    for row in flipped:
        at = content.index(vectors[row].tobytes()) + 7 * row % 64
        content[at] ^= 1 << row % 8
    (tmp_path / "s.sqlite").write_bytes(content)
    with Store(tmp_path / "s.sqlite") as store:
        with pytest.warns(DiptychWarning, match="20 damaged vectors"):
            known = store.known("model", "image", items)
        assert known == set(items) - {items[row] for row in flipped}
        store.put("model", "image", items, vectors)
        assert store.known("model", "image", items) == set(items)
        assert store.get("model", "image", items).tobytes() == vectors.tobytes()


def test_vectors_from_before_checksums_are_used_as_they_are(tmp_path: Path) -> None:
    (item,) = items = ["ab" * 32]
    with Store(tmp_path / "s.sqlite") as store:
        store.put("model", "image", items, np.ones((1, 3), np.float32))
    altered(tmp_path / "s.sqlite", "UPDATE vector SET checksum = NULL, vector = zeroblob(8)")
    with Store(tmp_path / "s.sqlite") as store:
        assert store.known("model", "image", items) == {item}
        assert store.get("model", "image", items).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    "change", ["grade = 9", "grade = 'x'", "image = 5", "query = x'ff'", "at = 'yesterday'", "at = 5.5"]
)
def test_a_damaged_judgment_is_named_with_how_to_take_it_out(
    store: Path, pictures: Path, change: str
) -> None:
    altered(store, f"UPDATE judgment SET {change}")
    refused = run(store, pictures, "evaluate")
    assert refused.returncode == 1
    assert "holds a judgment that is damaged" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr
    altered(store, "DELETE FROM judgment WHERE id = 1")
    assert "'DELETE FROM judgment WHERE id = 1'` takes it out" in refused.stderr
    assert "nothing is judged" in run(store, pictures, "evaluate").stderr


def test_text_that_is_no_utf_8_is_read_with_a_mark(store: Path, pictures: Path) -> None:
    altered(store, "UPDATE judgment SET query = CAST(x'726564ff' AS TEXT), judge = CAST(x'ff' AS TEXT)")
    judgments = Workbench(pictures, ["palette"], store=store).store.judgments()
    assert [(one.query, one.by) for one in judgments] == [("red\ufffd", "\ufffd")]


def test_what_was_learnt_of_an_embedder_is_learnt_again_where_it_is_damaged(
    store: Path, pictures: Path
) -> None:
    altered(store, "UPDATE embedder SET complaints = '{', images = 'many', seconds = 'some'")
    bench = Workbench(pictures, ["palette"], store=store)
    bench.try_out()
    assert bench.store.complaints(bench.embedders[0].info.fingerprint) == []
    assert bench.estimate(["blue"])


def can_recover() -> bool:
    """Whether there is a `sqlite3` that is built with what its `.recover` reads pages by."""
    command = ["sqlite3", ":memory:", "SELECT count(*) FROM sqlite_dbpage"]
    return (
        shutil.which("sqlite3") is not None and subprocess.run(command, capture_output=True).returncode == 0
    )


def test_of_a_damaged_file_what_is_whole_can_be_had_by_the_line_that_is_said(tmp_path: Path) -> None:
    path, items = tmp_path / "my store.sqlite", [f"{number:064x}" for number in range(500)]
    with Store(path) as store:
        store.put("model", "image", items, np.ones((500, 64), np.float32))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = random.Random(0).randbytes(4096)
    path.write_bytes(content)
    with (
        pytest.raises(DiptychError, match=r"is damaged .* saves what is whole") as refused,
        Store(path) as store,
    ):
        store.known("model", "image", items)
    line = str(refused.value).split("`")[1]
    assert line == f"sqlite3 '{path}' .recover | sqlite3 recovered.sqlite"
    if not can_recover():
        pytest.skip("the sqlite3 here can't recover, or there is none")
    subprocess.run(line, shell=True, check=False, cwd=tmp_path, capture_output=True)
    with Store(tmp_path / "recovered.sqlite") as store:
        assert 300 < len(store.known("model", "image", items)) <= 500


def test_a_store_that_is_deleted_meanwhile_ends_the_run(tmp_path: Path, pictures: Path) -> None:
    with Store(tmp_path / "gone" / "s.sqlite") as store:
        store.put("model", "image", ["00" * 32], np.ones((1, 3), np.float32))
        shutil.rmtree(tmp_path / "gone")
        with pytest.raises(DiptychError, match=r"is gone: .* run again"):
            store.put("model", "image", ["01" * 32], np.ones((1, 3), np.float32))
        with (
            pytest.raises(DiptychError, match="is gone"),
            store.turn("model", "model", free=True),
        ):
            pass


class Vandal(Steered):
    """An embedder during whose second batch somebody deletes the store's folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__("vandal")
        self.folder, self.batches = folder, 0

    def embed_images(self, prepared: Sequence[Any]) -> Vectors:
        self.batches += 1
        if self.batches == 2:
            shutil.rmtree(self.folder)
        return super().embed_images(prepared)


def test_a_run_whose_store_is_deleted_meanwhile_says_so_and_embeds_no_more(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(60):
        (tmp_path / "many" / f"{number}.png").write_bytes(picture_bytes((4 * number, 30, 40)))
    vandal = Vandal(tmp_path / "gone")
    bench = Workbench(tmp_path / "many", [vandal], store=tmp_path / "gone" / "s.sqlite")
    with pytest.raises(DiptychError, match=r"the store .* is gone"):
        bench.embed()
    assert vandal.batches < 15  # of fifteen


def test_a_store_and_its_folder_are_the_persons_alone(tmp_path: Path, pictures: Path) -> None:
    path = tmp_path / "new" / "deeper" / "s.sqlite"
    bench = Workbench(pictures, ["palette"], store=path)
    bench.compare(["red"])
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    bench.store.close()
    path.chmod(0o640)  # a person shares it: that stays
    diptych.Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
