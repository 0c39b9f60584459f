"""What was found out before is not found out again, and never stands for what is there now."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from diptych import cache
from diptych.cache import file_hashes, recall, remember
from diptych.paths import cache_dir
from support import picture_bytes


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a test are new; take them for settled."""
    monkeypatch.setattr(cache, "_SETTLED_NS", -(10**12))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed."""
    names: list[str] = []
    whole = hashlib.file_digest

    def note(file: object, algorithm: str) -> object:
        names.append(Path(file.name).name)  # type: ignore[attr-defined]
        return whole(file, algorithm)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "file_digest", note)
    return names


def test_facts_come_back_and_later_ones_stand_in_their_place() -> None:
    remember({"a": [1, "é", None], "b": {"x": 0.1}})
    remember({"a": 2})
    assert recall(["a", "b", "c"]) == {"a": 2, "b": {"x": 0.1}}


def test_a_file_is_read_once(tmp_path: Path, reads: list[str]) -> None:
    (tmp_path / "weights").write_bytes(b"12345")
    for _ in range(3):
        (found,) = file_hashes([tmp_path / "weights"]).values()
        assert found == hashlib.sha256(b"12345").hexdigest()
    assert reads == ["weights"]


def test_other_bytes_of_the_same_size_and_time_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"12345")
    was = path.stat()
    file_hashes([path])
    path.write_bytes(b"54321")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (was.st_size, was.st_mtime_ns)
    assert file_hashes([path]) == {path: hashlib.sha256(b"54321").hexdigest()}


def test_another_file_in_its_place_is_seen(tmp_path: Path) -> None:
    path, other = tmp_path / "weights", tmp_path / "other"
    path.write_bytes(b"12345")
    other.write_bytes(b"54321")
    file_hashes([path])
    other.replace(path)
    assert file_hashes([path]) == {path: hashlib.sha256(b"54321").hexdigest()}


def test_a_file_that_was_just_written_is_not_remembered(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_SETTLED_NS", 2 * 10**9)
    (tmp_path / "weights").write_bytes(b"12345")
    for _ in range(2):
        file_hashes([tmp_path / "weights"])
    assert reads == ["weights", "weights"]


def test_a_damaged_memory_is_forgotten_and_made_anew() -> None:
    remember({"a": 1})
    (cache_dir() / cache.NAME).write_bytes(b"no database" * 1000)
    assert recall(["a"]) == {}
    remember({"a": 2})
    assert recall(["a"]) == {"a": 2}


@pytest.mark.parametrize(
    "change",
    [
        "fact = '5'",
        "fact = '[1, 5]'",
        "fact = replace(fact, 'right', 'wrong')",
        "fact = substr(fact, 2)",
        "fact = x'ff00'",
        "fact = CAST(x'ff' AS TEXT)",
        "fact = replace(hex(zeroblob(20000)), '0', '[')",
        "key = 'b'",
    ],
)
def test_a_damaged_fact_is_forgotten_and_the_others_are_not(change: str) -> None:
    remember({"a": ["right", 0.1, None], "whole": {"x": "é"}})
    altered(f"UPDATE fact SET {change} WHERE key = 'a'")
    assert recall(["a", "b", "whole"]) == {"whole": {"x": "é"}}
    remember({"a": 2})
    assert recall(["a"]) == {"a": 2}


@pytest.mark.parametrize("change", ["DROP TABLE fact", "ALTER TABLE fact RENAME COLUMN fact TO other"])
def test_a_memory_of_another_shape_is_made_anew(change: str) -> None:
    remember({"a": 1})
    altered(change)
    assert recall(["a"]) == {}
    remember({"a": 2})
    assert recall(["a"]) == {"a": 2}


def altered(statement: str) -> None:
    db = sqlite3.connect(cache_dir() / cache.NAME)
    db.execute(statement)
    db.commit()
    db.close()


def test_a_damaged_memory_blames_no_model(tmp_path: Path) -> None:
    """A model's facts, what its files hash to, what was set aside: whatever they say, a run says the same."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        (pictures / f"{number}.png").write_bytes(picture_bytes((80 * number, 30, 40)))
    command = [sys.executable, "-m", "diptych", "compare", str(pictures), "-e", "mini-s", "-q", "red"]
    command += ["--store", str(tmp_path / "s.sqlite"), "--json", "-"]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    for fact in ("5", "[]", "{}", "null", '["x", "y"]'):
        altered(f"UPDATE fact SET fact = '{fact}'")
        again = subprocess.run(command, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["queries"] == json.loads(first.stdout)["queries"]


def test_the_memory_is_the_persons_alone() -> None:
    remember({"a": 1})
    assert stat.S_IMODE((cache_dir() / cache.NAME).stat().st_mode) == 0o600


def test_a_memory_that_another_process_holds_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_PATIENCE", 0.0)
    remember({"a": 1})
    other = sqlite3.connect(cache_dir() / cache.NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    remember({"a": 2})
    assert recall(["a"]) == {}
    other.execute("ROLLBACK")
    assert recall(["a"]) == {"a": 1}
    other.close()


def test_a_cache_that_can_t_be_had_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("DIPTYCH_CACHE", str(tmp_path / "file" / "cache"))
    remember({"a": 1})
    assert recall(["a"]) == {}


def test_two_processes_remember_at_once() -> None:
    code = (
        "import sys\nfrom diptych.cache import remember\n"
        "for n in range(20): remember({f'{sys.argv[1]} {n}': n})"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [run.wait() for run in runs] == [0, 0]
    assert len(recall(f"{name} {n}" for name in "ab" for n in range(20))) == 40


def test_what_is_remembered_of_files_that_are_gone_is_forgotten_with_the_next_that_is_read(
    tmp_path: Path,
) -> None:
    names = [f"{number}.bin" for number in range(50)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    file_hashes([tmp_path / name for name in names])
    for name in names[1:]:
        (tmp_path / name).unlink()
    (tmp_path / "new").write_bytes(b"new")
    file_hashes([tmp_path / "new"])
    db = sqlite3.connect(cache_dir() / cache.NAME)
    ((fact,),) = db.execute("SELECT fact FROM fact WHERE key LIKE 'folder %'").fetchall()
    db.close()
    assert len(base64.b64decode(json.loads(fact)[1])) == 2 * 80


def test_some_files_of_a_folder_do_not_cost_what_is_known_of_the_others(
    tmp_path: Path, reads: list[str]
) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode())
    for some in ("ab", "c", "abc"):
        file_hashes([tmp_path / name for name in some])
    assert reads == ["a", "b", "c"]


def test_the_memory_names_nobodys_files(tmp_path: Path) -> None:
    (tmp_path / "a-persons-own").mkdir()
    (tmp_path / "a-persons-own" / "secret.bin").write_bytes(b"12345")
    file_hashes([tmp_path / "a-persons-own" / "secret.bin"])
    memory = (cache_dir() / cache.NAME).read_bytes()
    assert b"persons-own" not in memory
    assert b"secret" not in memory
