"""A store made by an older Diptych is brought up to date with nothing lost, whoever does it and when."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest

from diptych.errors import DiptychError
from diptych.store.database import VERSION
from diptych.store.judgment import Judgment
from diptych.store.vectors import Store

# The tables of format 1, as Diptych made them before it knew judgments.
FORMAT_1 = """
CREATE TABLE embedder (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    images INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE vector (
    embedder INTEGER NOT NULL REFERENCES embedder (id),
    kind TEXT NOT NULL CHECK (kind IN ('image', 'text')),
    item BLOB NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (embedder, kind, item)
);
PRAGMA application_id = 1146115161;
PRAGMA user_version = 1;
"""
ITEM = hashlib.sha256(b"a picture").hexdigest()
JUDGMENT = Judgment(query="wolf", image=ITEM, grade=1, by="me", at="2026-11-25T12:00:00Z", blind=True)


def make_format_1(path: Path, vectors: int = 1) -> list[str]:
    """A store as an older Diptych left it; returns what it has vectors of."""
    items = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(vectors)]
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(FORMAT_1)
    db.execute("INSERT INTO embedder (fingerprint, images, seconds) VALUES ('model', 4, 2.0)")
    db.executemany(
        "INSERT INTO vector VALUES (1, 'image', ?, ?)",
        [(bytes.fromhex(item), np.full(3, n, "<f4").tobytes()) for n, item in enumerate(items)],
    )
    db.commit()
    db.close()
    return items


def test_a_new_store_waits_for_another_process_that_makes_it_too(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(Store, tmp_path / "s.sqlite")
        wait([opening], timeout=0.2)
        assert not opening.done()
        other.execute("COMMIT")
        other.close()
        opening.result().close()


def version_of(path: Path) -> int:
    db = sqlite3.connect(path)
    (version,) = db.execute("PRAGMA user_version").fetchone()
    db.close()
    return int(version)


def test_an_older_store_keeps_its_vectors_and_takes_judgments(tmp_path: Path) -> None:
    items = make_format_1(tmp_path / "s.sqlite", vectors=3)
    with Store(tmp_path / "s.sqlite") as store:
        store.add_judgments([JUDGMENT])
    with Store(tmp_path / "s.sqlite") as store:
        assert store.get("model", "image", items)[:, 0].tolist() == [0, 1, 2]
        assert store.pace("model") == 0.5
        assert store.judgments() == [JUDGMENT]
    assert version_of(tmp_path / "s.sqlite") == VERSION


def test_what_has_an_older_store_open_goes_on_with_its_vectors(tmp_path: Path) -> None:
    (item,) = make_format_1(tmp_path / "s.sqlite")
    older = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)
    assert older.execute("SELECT count(*) FROM vector").fetchone() == (1,)
    with Store(tmp_path / "s.sqlite") as store:
        older.execute(
            "INSERT INTO vector (embedder, kind, item, vector) VALUES (1, 'text', ?, ?)",
            (bytes.fromhex(item), np.ones(3, "<f4").tobytes()),
        )
        assert store.known("model", "text", [item]) == {item}
    older.close()


def test_several_processes_bring_one_store_up_to_date_at_once(tmp_path: Path) -> None:
    items = make_format_1(tmp_path / "s.sqlite", vectors=200)
    code = "import sys, diptych\nsys.stdin.readline()\ndiptych.Store(sys.argv[1]).close()"
    command = [sys.executable, "-c", code, str(tmp_path / "s.sqlite")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    with Store(tmp_path / "s.sqlite") as store:
        assert store.known("model", "image", items) == set(items)
        assert store.judgments() == []


_KILLS_ITSELF = """
import os, signal, sqlite3, sys
from diptych.store import database

class Killed(sqlite3.Connection):
    statements = 0
    def execute(self, statement, values=()):
        done = super().execute(statement, values)
        if statement.strip().startswith(("BEGIN", "CREATE", "ALTER", "PRAGMA user_version =", "COMMIT")):
            Killed.statements += 1
            if Killed.statements == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
        return done

connect = sqlite3.connect
sqlite3.connect = lambda *given, **named: connect(*given, **named, factory=Killed)
database.Database(database.Path(sys.argv[1]))
"""


@pytest.mark.parametrize("after", range(1, 9))
def test_killed_while_a_store_is_brought_up_to_date_it_is_old_or_new(tmp_path: Path, after: int) -> None:
    items = make_format_1(tmp_path / "s.sqlite", vectors=50)
    run = subprocess.run([sys.executable, "-c", _KILLS_ITSELF, str(tmp_path / "s.sqlite"), str(after)])
    assert run.returncode == -signal.SIGKILL or after > 4  # so many statements there are at least
    assert version_of(tmp_path / "s.sqlite") in {1, VERSION}
    with Store(tmp_path / "s.sqlite") as store:
        assert store.known("model", "image", items) == set(items)
        store.add_judgments([JUDGMENT])
        assert store.judgments() == [JUDGMENT]


def test_a_store_of_the_next_format_is_left_as_it_is(tmp_path: Path) -> None:
    Store(tmp_path / "s.sqlite").close()
    db = sqlite3.connect(tmp_path / "s.sqlite")
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(
        DiptychError, match=rf"newer Diptych \(format {VERSION + 1}, this one knows {VERSION}"
    ):
        Store(tmp_path / "s.sqlite")
    assert version_of(tmp_path / "s.sqlite") == VERSION + 1
