"""Vectors kept ready: whatever happens to the file or the store, what is searched is what the store has."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diptych.embedders import EmbedderInfo
from diptych.embedders.base import Vectors
from diptych.errors import DiptychError, DiptychWarning
from diptych.images import Collection, Limits, Picture
from diptych.retrieval import index as index_room
from diptych.retrieval.index import Index
from diptych.retrieval.search import normalise
from diptych.store import kept
from diptych.store.kept import FEWEST
from diptych.store.vectors import Store
from support import obey_permissions

COUNT, DIMENSION = FEWEST + 200, 5
IDS = [sha256(str(number).encode()).hexdigest() for number in range(2 * COUNT)]


class Embedder:
    """An embedder whose vectors a test puts into the store."""

    def __init__(self, dimension: int = DIMENSION, name: str = "model") -> None:
        self.info = EmbedderInfo(
            name=name, provider="t", model="1", dimension=dimension, preprocessing="", fingerprint=name
        )


def collection_of(ids: Sequence[str]) -> Collection:
    """A collection with these pictures, in this order."""
    return Collection("made", [Picture(one, f"{n:07}") for n, one in enumerate(ids)], [], {}, Limits())


def vectors(seed: int, count: int, dimension: int = DIMENSION) -> Vectors:
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def opened(store: Store, ids: Sequence[str], dimension: int = DIMENSION) -> tuple[list[str], Vectors]:
    """What an index makes of a store: the pictures that have a vector, and their unit vectors."""
    collection, embedder = collection_of(ids), Embedder(dimension)
    store.known("model", "image", collection.ids)
    index = Index(collection, store, ())
    index.embed_bank(embedder)  # type: ignore[arg-type]
    index.refresh(embedder, {})  # type: ignore[arg-type]
    snapshot = index.snapshot(["model"])
    units = snapshot.searchers["model"].units[:] if snapshot.pictures else np.empty((0, dimension))
    return [picture.id for picture in snapshot.pictures], units


def check(store: Store, ids: Sequence[str], expected: dict[str, Vectors], dimension: int = DIMENSION) -> None:
    """Raise where the index has other pictures than expected, or one of their vectors is off by a bit."""
    found, units = opened(store, ids, dimension)
    there = [one for one in ids if one in expected]
    assert found == there
    if there:
        assert units.tobytes() == normalise(np.stack([expected[one] for one in there])).tobytes()


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """What SQLite is told."""
    sent: list[str] = []
    store._file._db.set_trace_callback(sent.append)
    yield sent
    store._file._db.set_trace_callback(None)


def reads_vectors(sent: Sequence[str]) -> list[str]:
    """The statements that read vectors of pictures, or check them."""
    return [each for each in sent if re.search(r"\bvector\b[,)]|is_sound", each.split(" FROM ")[0])]


def files() -> list[Path]:
    return kept.kept_files()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with the vectors of enough pictures, which are kept ready."""
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.put("model", "image", IDS[:COUNT], vectors(0, COUNT))
        opened(store, IDS[:COUNT])
    assert len(files()) == 1
    return path


EXPECTED = dict(zip(IDS[:COUNT], vectors(0, COUNT), strict=True))


def sql(path: Path, *said: str) -> None:
    """What a person tells SQLite with a program of their own."""
    db = sqlite3.connect(path, isolation_level=None)
    for each in said:
        db.execute(each)
    db.close()


def test_opening_them_again_reads_no_vector_from_the_store(path: Path) -> None:
    with Store(path) as store, statements(store) as sent:
        check(store, IDS[:COUNT], EXPECTED)
    assert not reads_vectors(sent)
    assert len(sent) < 10


def test_they_are_read_from_the_store_where_nothing_is_kept(path: Path) -> None:
    """What the other tests count by sees what it is there for."""
    files()[0].unlink()
    with Store(path) as store, statements(store) as sent:
        check(store, IDS[:COUNT], EXPECTED)
    assert reads_vectors(sent)


@pytest.mark.parametrize("dimension", [1, 3, 64, 1024])
@pytest.mark.parametrize("lacking", [0, 7])
def test_they_are_the_same_to_the_bit(tmp_path: Path, dimension: int, lacking: int) -> None:
    ids, there = IDS[:COUNT], vectors(1, COUNT, dimension)
    have = [n for n in range(COUNT) if not lacking or n % lacking]
    if len(have) < FEWEST:
        ids, there = IDS, vectors(1, 2 * COUNT, dimension)
        have = [n for n in range(2 * COUNT) if n % lacking]
    expected = {ids[n]: there[n] for n in have}
    with Store(tmp_path / "s.sqlite") as store:
        store.put("model", "image", list(expected), there[have])
        for _ in range(3):
            check(store, ids, expected, dimension)
    assert len(files()) == 1


def test_few_are_not_kept(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.put("model", "image", IDS[: FEWEST - 1], vectors(0, FEWEST - 1))
        opened(store, IDS[: FEWEST - 1])
        opened(store, IDS)  # nor where most pictures have none yet
    assert not files()


def test_the_file_is_the_persons_alone_and_bears_no_name_of_theirs(path: Path) -> None:
    (file,) = files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def flipped(at: float) -> Callable[[bytearray], bytes]:
    def flip(content: bytearray) -> bytes:
        content[int(at * (len(content) - 1))] ^= 4
        return bytes(content)

    return flip


_HEADER, _MATRIX = 4096, 4 * COUNT * DIMENSION
_BODY = [_HEADER, _HEADER + 1, _HEADER + 4095, _HEADER + 4096, _HEADER + _MATRIX - 1]


@pytest.mark.parametrize(
    "spoil",
    [
        *(pytest.param(flipped(at / 9), id=f"a bit {at} ninths in") for at in range(10)),
        pytest.param(lambda data: data[:-1], id="the last byte gone"),
        pytest.param(lambda data: data[: len(data) // 2], id="half of it"),
        pytest.param(lambda data: data[:100], id="a piece of the header"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data + b"\0", id="a byte more"),
        pytest.param(lambda data: data.replace(b"vectors 1\n", b"vectors 2\n"), id="another version"),
        pytest.param(lambda data: data[:8192] + bytes(4096) + data[12288:], id="a page of zeros"),
        pytest.param(
            lambda data: data[:4096] + data[8192:12288] + data[4096:8192] + data[12288:],
            id="two pages swapped",
        ),
    ],
)
def test_a_damaged_file_is_not_used_and_made_anew(path: Path, spoil: Callable[[bytearray], bytes]) -> None:
    (file,) = files()
    whole = file.read_bytes()
    file.write_bytes(spoil(bytearray(whole)))
    with Store(path) as store:
        if file.read_bytes()[: _HEADER + _MATRIX] != whole[: _HEADER + _MATRIX]:
            assert store.kept("model", IDS[:COUNT]) is None
        check(store, IDS[:COUNT], EXPECTED)
    with Store(path) as store, statements(store) as sent:
        check(store, IDS[:COUNT], EXPECTED)
    assert not reads_vectors(sent)


def test_a_flipped_bit_anywhere_in_what_is_searched_is_noticed(path: Path) -> None:
    (file,) = files()
    whole, rng = file.read_bytes(), random.Random(0)
    for at in [*_BODY, *(rng.randrange(_HEADER, _HEADER + _MATRIX) for _ in range(100))]:
        content = bytearray(whole)
        content[at] ^= 1 << rng.randrange(8)
        file.write_bytes(content)
        with Store(path) as store:
            assert store.kept("model", IDS[:COUNT]) is None


REPLACED = vectors(9, 1)[0]


@pytest.mark.parametrize(
    "said",
    [
        "UPDATE vector SET vector = {new}, checksum = NULL WHERE item = {item}",
        "INSERT OR REPLACE INTO vector (embedder, kind, item, vector) VALUES (1, 'image', {item}, {new})",
        (
            "INSERT OR REPLACE INTO vector SELECT embedder, kind, item, {new}, NULL, put FROM vector"
            " WHERE item = {item}"
        ),
    ],
)
def test_a_vector_that_was_changed_with_another_program_is_the_one_that_is_searched(
    path: Path, said: str
) -> None:
    item, new = f"x'{IDS[7]}'", f"x'{REPLACED.tobytes().hex()}'"
    sql(path, said.format(item=item, new=new))
    with Store(path) as store:
        check(store, IDS[:COUNT], EXPECTED | {IDS[7]: REPLACED})


def test_a_vector_that_was_replaced_is_the_new_one(path: Path) -> None:
    with Store(path) as store:
        store.put("model", "image", [IDS[7]], REPLACED[None], in_place_of={IDS[7]})
        check(store, IDS[:COUNT], EXPECTED | {IDS[7]: REPLACED})


def test_a_vector_that_was_deleted_is_not_there_any_more(path: Path) -> None:
    sql(path, f"DELETE FROM vector WHERE item = x'{IDS[7]}'", "VACUUM")
    with Store(path) as store:
        assert IDS[7] not in store.known("model", "image", IDS[:COUNT])
        check(store, IDS[:COUNT], {item: vector for item, vector in EXPECTED.items() if item != IDS[7]})


def test_another_store_by_the_same_name_is_another_one(path: Path) -> None:
    path.unlink()
    with Store(path) as store:
        assert not store.known("model", "image", IDS[:COUNT])
        store.put("model", "image", IDS[:COUNT], vectors(5, COUNT))
        check(store, IDS[:COUNT], dict(zip(IDS[:COUNT], vectors(5, COUNT), strict=True)))


def test_a_store_restored_from_a_backup_goes_its_own_way(path: Path, tmp_path: Path) -> None:
    """The same pictures were embedded twice, before and after, by a model that answers differently."""
    shutil.copy(path, tmp_path / "backup.sqlite")
    with Store(path) as store:
        store.put("model", "image", IDS[COUNT:], vectors(1, COUNT))
        check(store, IDS, dict(zip(IDS, [*EXPECTED.values(), *vectors(1, COUNT)], strict=True)))
    shutil.copy(tmp_path / "backup.sqlite", path)
    with Store(path) as store:
        check(store, IDS, EXPECTED)
        store.put("model", "image", IDS[COUNT:], vectors(2, COUNT))
        for _ in range(2):
            check(store, IDS, dict(zip(IDS, [*EXPECTED.values(), *vectors(2, COUNT)], strict=True)))


def test_pictures_that_come_go_or_are_renamed_cost_reading_the_new_ones_alone(path: Path) -> None:
    with Store(path) as store:
        store.put("model", "image", IDS[COUNT : COUNT + 9], vectors(1, 9))
        more = dict(zip(IDS[COUNT : COUNT + 9], vectors(1, 9), strict=True))
        now = [*IDS[COUNT : COUNT + 9], *reversed(IDS[5:COUNT])]
        with statements(store) as sent:
            check(store, now, EXPECTED | more)
        read = [
            item for each in reads_vectors(sent) for item in re.findall(r"x'([0-9a-f]{64})'", each.lower())
        ]
        assert {*read} == {*more}
        with statements(store) as sent:
            check(store, now, EXPECTED | more)
        assert not reads_vectors(sent)
    assert len(files()) == 1  # the one before is not needed any more


def test_two_collections_in_one_store_are_each_kept(path: Path) -> None:
    with Store(path) as store:
        store.put("model", "image", IDS[COUNT:], vectors(1, COUNT))
        more = dict(zip(IDS[COUNT:], vectors(1, COUNT), strict=True))
        for _ in range(2):
            with statements(store) as sent:
                check(store, IDS[COUNT:], more)
                check(store, IDS[:COUNT], EXPECTED)
        assert not reads_vectors(sent)
    assert len(files()) == 2


def test_a_file_of_a_store_that_is_gone_is_removed_when_another_is_written(
    path: Path, tmp_path: Path
) -> None:
    (file,) = files()
    path.unlink()
    with Store(tmp_path / "other.sqlite") as store:
        store.put("model", "image", IDS[:COUNT], vectors(0, COUNT))
        opened(store, IDS[:COUNT])
    assert len(files()) == 1
    assert files() != [file]


def test_a_vector_that_was_spoiled_while_it_was_kept_is_noticed_when_it_is_read(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(EXPECTED[IDS[7]].tobytes())] ^= 1
    path.write_bytes(content)
    with Store(path) as store:
        check(store, IDS[:COUNT], EXPECTED)  # as it was before
        with pytest.raises(DiptychError, match="1 damaged vector, made anew when you run this again"):
            store.get("model", "image", IDS[:COUNT])
        with pytest.warns(DiptychWarning, match="1 damaged vector"):
            assert IDS[7] not in store.known("model", "image", IDS[:COUNT])


def test_what_a_read_only_store_does_not_keep_is_not_kept_either(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.put("model", "image", IDS[: COUNT - 1], vectors(0, COUNT)[: COUNT - 1])
    with Store(path) as store:
        store._file.read_only = True
        with pytest.warns(DiptychWarning, match="read-only"):
            store.put("model", "image", [IDS[COUNT - 1]], vectors(0, COUNT)[-1:])
        check(store, IDS[:COUNT], EXPECTED)
    assert not files()


TESTS = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
BUILD = """
import os, sys, pathlib, hashlib
sys.path[:0] = sys.argv[2].split(os.pathsep)
from test_kept import IDS, COUNT, opened
from diptych.store.vectors import Store
with Store(pathlib.Path(sys.argv[1])) as store:
    found, units = opened(store, IDS[:COUNT], int(sys.argv[3]))
print(hashlib.sha256(units.tobytes()).hexdigest())
"""


def build(path: Path, dimension: int = DIMENSION, **named: Any) -> subprocess.Popen[str]:
    """A process that opens a store's vectors, and keeps them ready; it prints their hash."""
    command = [sys.executable, "-c", BUILD, str(path), os.pathsep.join(TESTS), str(dimension)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}, **named
    )


def test_two_processes_that_keep_them_at_once_both_have_them(path: Path) -> None:
    files()[0].unlink()
    processes = [build(path), build(path)]
    said = [process.communicate(timeout=120) for process in processes]
    expected = sha256(normalise(np.stack([*EXPECTED.values()])).tobytes()).hexdigest()
    assert [out.strip() for out, _ in said] == [expected, expected], said
    with Store(path) as store:
        assert store.kept("model", IDS[:COUNT]) is not None
    assert len([*files()[0].parent.iterdir()]) == 1


def test_one_that_is_killed_while_it_writes_leaves_nothing_that_is_used(tmp_path: Path) -> None:
    path, dimension = tmp_path / "s.sqlite", 2048
    there = vectors(0, COUNT, dimension)
    with Store(path) as store:
        store.put("model", "image", IDS[:COUNT], there)
    folder = Path(os.environ["DIPTYCH_CACHE"]) / kept.FOLDER
    process = build(path, dimension)
    while process.poll() is None and not [*folder.glob("*.part")]:
        pass  # the moment is the process's own progress, plus however long this look at it took
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Store(path) as store:
        check(store, IDS[:COUNT], dict(zip(IDS[:COUNT], there, strict=True)), dimension)
        check(store, IDS[:COUNT], dict(zip(IDS[:COUNT], there, strict=True)), dimension)
        assert store.kept("model", IDS[:COUNT]) is not None
    assert not [*folder.glob("*.part")]


def test_a_full_disk_is_said_once_and_nothing_else_is_lost(path: Path) -> None:
    (file,) = files()
    file.unlink()
    room = 32 * 1024
    process = build(path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    out, said = process.communicate(timeout=120)
    assert out.strip() == sha256(normalise(np.stack([*EXPECTED.values()])).tobytes()).hexdigest()
    assert said.count("vectors can't be kept ready in") == 1
    assert not [*file.parent.iterdir()]


def test_a_folder_that_can_not_be_written_to_is_said_once(path: Path) -> None:
    folder = files()[0].parent
    shutil.rmtree(folder)
    folder.write_text("a file")
    with Store(path) as store:
        with pytest.warns(DiptychWarning, match=r"can't be kept ready in .*: each start reads them"):
            check(store, IDS[:COUNT], EXPECTED)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check(store, IDS[:COUNT], EXPECTED)


def test_a_folder_whose_path_is_too_long_is_said_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_CACHE", str(path.parent / ("x" * 300)))
    with Store(path) as store:
        with pytest.warns(DiptychWarning, match=r"can't be kept ready in .*: each start reads them"):
            check(store, IDS[:COUNT], EXPECTED)
        store._kept.forget("model")
    assert kept.kept_files() == []


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells whose a page is")
def test_processes_share_its_memory(path: Path) -> None:
    with Store(path) as store:
        _, units = opened(store, IDS[:COUNT])
        maps = Path("/proc/self/smaps").read_text()
        mine = re.search(rf"^\S+ \S+ \S+ \S+ \S+ +{files()[0]}\n(?:\w+:.*\n)+", maps, re.MULTILINE)
    assert mine
    assert re.search(r"Anonymous: +0 kB", mine[0])
    assert len(units) == COUNT


def test_an_older_store_that_is_read_only_is_read_without(path: Path) -> None:
    sql(
        path,
        *(f"DROP TRIGGER vector_{name}" for name in ("changed", "gone", "in_place")),
        "ALTER TABLE vector DROP COLUMN put",
        "ALTER TABLE embedder DROP COLUMN altered",
        "PRAGMA user_version = 4",
        "PRAGMA journal_mode = DELETE",
    )
    path.chmod(0o444)
    process = build(path, preexec_fn=obey_permissions)
    out, said = process.communicate(timeout=120)
    assert out.strip() == sha256(normalise(np.stack([*EXPECTED.values()])).tobytes()).hexdigest(), said


class World:
    """A store, its backups, and what each of them ought to hold.

    Args:
        path: Of the store.
        rng: What happens.
    """

    def __init__(self, path: Path, rng: random.Random) -> None:
        self.path, self.rng, self.made = path, rng, 0
        self.holds: dict[str, Vectors] = {}
        self.backups: list[tuple[Path, dict[str, Vectors]]] = []

    def fresh(self) -> Vectors:
        self.made += 1
        return vectors(self.made, 1)[0]

    def embed(self) -> None:
        new = [
            item for item in self.rng.sample(IDS[:40], self.rng.randrange(1, 20)) if item not in self.holds
        ]
        with Store(self.path) as store:
            for items in (new[::2], new[1::2]):
                rows = [self.fresh() for _ in items]
                if items:
                    store.put("model", "image", items, np.stack(rows))
                self.holds |= zip(items, rows, strict=True)

    def embed_another(self) -> None:
        count = self.rng.randrange(1, 40)
        with Store(self.path) as store:
            store.put("other", "image", IDS[:count], vectors(1, count))

    def alter(self) -> None:
        if self.holds:
            item, new = self.rng.choice([*self.holds]), self.fresh()
            sql(
                self.path,
                f"UPDATE vector SET vector = x'{new.tobytes().hex()}', checksum = NULL WHERE item = x'{item}'"
                " AND embedder = (SELECT id FROM embedder WHERE fingerprint = 'model')",
            )
            self.holds[item] = new

    def delete(self) -> None:
        for item in self.rng.sample([*self.holds], min(len(self.holds), self.rng.choice([1, 1, 40]))):
            sql(self.path, f"DELETE FROM vector WHERE item = x'{item}'")  # of the other embedder as well
            del self.holds[item]

    def vacuum(self) -> None:
        sql(self.path, "VACUUM")

    def back_up(self) -> None:
        backup = self.path.with_name(f"backup-{len(self.backups)}")
        shutil.copy(self.path, backup)
        self.backups.append((backup, dict(self.holds)))

    def restore(self) -> None:
        if self.backups:
            backup, holds = self.rng.choice(self.backups)
            shutil.copy(backup, self.path)
            self.holds = dict(holds)

    def start_anew(self) -> None:
        self.path.unlink()
        self.holds = {}

    def look(self) -> None:
        with Store(self.path) as store:
            for _ in range(self.rng.choice([1, 2])):
                ids = self.rng.sample(IDS[:40], self.rng.choice([40, 40, 25]))
                check(store, sorted(ids) if self.rng.random() < 0.7 else ids, self.holds)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_what_is_searched_is_what_the_store_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(kept, "FEWEST", 4)
    monkeypatch.setattr(index_room, "FEWEST", 4)
    world = World(tmp_path / "s.sqlite", random.Random(seed))
    world.embed()
    often = [world.embed, world.embed_another, world.look, world.look]
    seldom = [world.alter, world.delete, world.vacuum, world.back_up, world.restore]
    for _ in range(40):
        world.rng.choice([*often, *often, *seldom])()
    world.start_anew()
    world.embed()
    world.look()
