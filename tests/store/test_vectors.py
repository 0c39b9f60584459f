"""The store keeps what it was given, whatever happens to the process, and says plainly what is in the way."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diptych.errors import DiptychError
from diptych.store.vectors import Store
from support import let_anybody_in


def ids(count: int, salt: str = "") -> list[str]:
    return [hashlib.sha256(f"{salt}{n}".encode()).hexdigest() for n in range(count)]


@settings(max_examples=30)
@given(vectors=arrays(np.float32, (5, 7), elements=st.floats(width=32, allow_nan=False)))
def test_vectors_come_back_bit_for_bit_in_the_order_asked(
    vectors: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Store(tmp_path_factory.mktemp("store") / "s.sqlite") as store:
        items = ids(5)
        store.put("model", "image", items, vectors)
        assert store.get("model", "image", items[::-1]).tobytes() == vectors[::-1].tobytes()


def test_a_vector_belongs_to_one_model_one_kind_and_one_item(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        items = ids(2)
        store.put("model", "image", items[:1], np.ones((1, 3), np.float32))
        assert store.known("model", "image", items) == {items[0]}
        assert store.known("model", "text", items) == set()
        assert store.known("another model", "image", items) == set()


def test_what_was_stored_stays_when_put_again(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.put("model", "image", ids(1), np.ones((1, 3), np.float32))
        store.put("model", "image", ids(1), np.zeros((1, 3), np.float32))
        assert store.get("model", "image", ids(1)).tolist() == [[1, 1, 1]]


def test_more_items_than_sqlite_takes_in_one_statement(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        items = ids(40_000)
        store.put("model", "image", items, np.arange(40_000, dtype=np.float32)[:, None])
        assert store.get("model", "image", items)[:, 0].tolist() == list(range(40_000))


def test_reading_takes_one_statement_for_4000_vectors_and_one_matrix(tmp_path: Path) -> None:
    items, vectors = ids(40_000), np.ones((40_000, 256), np.float32)
    with Store(tmp_path / "s.sqlite") as store:
        store.put("model", "image", items, vectors)
        statements: list[str] = []
        store._file._db.set_trace_callback(statements.append)
        tracemalloc.start()
        store.get("model", "image", items)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        store._file._db.set_trace_callback(None)
    assert len(statements) == 10
    assert peak < 1.4 * vectors.nbytes


def test_an_item_asked_for_twice_comes_twice(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        first, second = ids(2)
        store.put("model", "image", [first, second], np.array([[1], [2]], np.float32))
        assert store.get("model", "image", [second, first, second])[:, 0].tolist() == [2, 1, 2]
        with pytest.raises(KeyError):
            store.get("model", "image", [first, "00" * 32])


def test_no_items_give_no_vectors(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        assert store.known("model", "image", []) == set()
        assert len(store.get("model", "image", [])) == 0


def test_many_threads_share_one_store(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store, ThreadPoolExecutor(8) as pool:
        items = ids(200)
        list(pool.map(lambda item: store.put("model", "image", [item], np.ones((1, 4), np.float32)), items))
        assert store.known("model", "image", items) == set(items)


def test_threads_that_wait_for_the_disk_share_one_transaction(tmp_path: Path) -> None:
    path, items = tmp_path / "s.sqlite", ids(16)
    with Store(path) as store, ThreadPoolExecutor(16) as pool:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        statements: list[str] = []
        store._file._db.set_trace_callback(statements.append)
        puts = [
            pool.submit(store.put, "model", "image", [item], np.full((1, 4), n, np.float32))
            for n, item in enumerate(items)
        ]
        while len(store._file._waiting) < len(items):
            assert not any(put.done() for put in puts)
        other.execute("COMMIT")
        other.close()
        for put in puts:
            put.result()
        assert statements.count("COMMIT") == 1
        assert store.get("model", "image", items)[:, 0].tolist() == list(range(16))


def test_what_the_store_refuses_is_said_to_every_thread_and_can_be_put_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diptych.store.database.LOCK_TIMEOUT", 0.2)
    path, items = tmp_path / "s.sqlite", ids(8)
    with Store(path) as store, ThreadPoolExecutor(8) as pool:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        one = np.ones((1, 4), np.float32)
        puts = [pool.submit(store.put, "model", "image", [item], one) for item in items]
        assert all("is locked" in str(put.exception()) for put in puts)
        other.execute("COMMIT")
        other.close()
        assert store.known("model", "image", items) == set()
        store.put("model", "image", items, np.ones((8, 4), np.float32))
        assert store.known("model", "image", items) == set(items)


def test_writing_that_fails_by_itself_stands_in_the_way_of_nobody(tmp_path: Path) -> None:
    def fail(_database: sqlite3.Connection) -> None:
        raise ValueError("broken")

    with Store(tmp_path / "s.sqlite") as store:
        with pytest.raises(ValueError, match="broken"):
            store._file.write(fail)
        store.put("model", "image", ids(1), np.ones((1, 4), np.float32))
        assert store.known("model", "image", ids(1)) == set(ids(1))


_WRITER = """
import hashlib, sys
import numpy as np
from diptych.store.vectors import Store
path, salt, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Store(path) as store:
    for n in range(count):
        item = hashlib.sha256(f"{salt}{n}".encode()).hexdigest()
        store.put("model", "image", [item], np.full((1, 256), n, np.float32))
        print(n, flush=True)
"""


def writer(path: Path, salt: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), salt, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_several_processes_make_and_fill_one_store_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    writers = [writer(path, salt, 30) for salt in ("a", "b", "c")]
    assert [w.wait(60) or (w.stdout and w.stdout.close()) for w in writers] == [None, None, None]
    with Store(path) as store:
        assert all(len(store.known("model", "image", ids(30, salt))) == 30 for salt in ("a", "b", "c"))


@pytest.mark.parametrize("after", [0, 1, 7, 40])
def test_a_killed_writer_loses_nothing_that_was_put(tmp_path: Path, after: int) -> None:
    path = tmp_path / "s.sqlite"
    process = writer(path, "", 100_000)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(after + 1)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Store(path) as store:
        assert store.known("model", "image", ids(len(said))) == set(ids(len(said)))
        assert store.get("model", "image", ids(len(said)))[:, 0].tolist() == said


def test_a_file_that_is_no_database_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes, nothing to do with vectors\n" * 40)
    before = path.read_bytes()
    with pytest.raises(DiptychError, match=r"notes\.txt is not a Diptych store"):
        Store(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE photos (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DiptychError, match="is not a Diptych store"):
        Store(path)
    assert path.read_bytes() == before


def test_a_store_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DiptychError, match=r"newer Diptych .*format 99"):
        Store(path)


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.put("model", "image", ids(500), np.ones((500, 64), np.float32))
    content = bytearray(path.read_bytes())
    content[4096:-4096] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(DiptychError, match=r"is damaged|is not a Diptych store"), Store(path) as store:
        store.get("model", "image", ids(500))


def test_a_locked_store_is_said_to_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diptych.store.database.LOCK_TIMEOUT", 0.05)
    path = tmp_path / "s.sqlite"
    Store(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store(path) as store, pytest.raises(DiptychError, match="locked by another program"):
        store.put("model", "image", ids(1), np.ones((1, 2), np.float32))
    other.close()


def put_until_it_fails(store: Store, kept: list[str]) -> None:
    for item in ids(1000):
        store.put("model", "image", [item], np.ones((1, 512), np.float32))
        kept.append(item)


def test_a_full_disk_loses_nothing_that_was_put(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store._file._db.execute("PRAGMA max_page_count = 40")  # SQLite then fails as it does on a full disk
        kept: list[str] = []
        with pytest.raises(DiptychError, match=r"disk is full.*nothing stored is lost"):
            put_until_it_fails(store, kept)
    with Store(path) as store:
        assert kept
        assert store.known("model", "image", ids(1000)) == set(kept)


_READ_ONLY = """
import os, sys
from diptych.store.judgment import Judgment
from diptych.store.vectors import Store
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
Store(sys.argv[1]).add_judgments([Judgment(query="wolf", image="00" * 32, grade=1)])
"""


def test_a_read_only_store_is_said_to_be_read_only(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store(path).close()
    path.chmod(0o444)
    let_anybody_in(tmp_path)
    tmp_path.chmod(0o555)
    run = subprocess.run([sys.executable, "-c", _READ_ONLY, str(path)], capture_output=True, text=True)
    tmp_path.chmod(0o755)
    assert "DiptychError" in run.stderr
    assert "is read-only" in run.stderr or "can't be opened" in run.stderr


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiptychError, match=r"can't make the store .*; choose one with --store"):
        Store(tmp_path / "file" / "s.sqlite")


def test_a_process_that_ends_leaves_one_file(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    code = "import numpy, sys\nfrom diptych.store.vectors import Store\nstore = Store(sys.argv[1])\n"
    code += "store.put('m', 'image', ['00' * 32], numpy.ones((1, 2), 'f4'))"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert [left.name for left in tmp_path.iterdir()] == ["s.sqlite"]
