"""A collection finds and reads its pictures, byte-identical copies taken together."""

from __future__ import annotations

import hashlib
import os
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diptych import cache
from diptych.errors import DiptychError
from diptych.images import Limits, Picture, UnreadablePicture, decode, open_collection
from diptych.images.entries import File
from support import picture_bytes


def photo(number: int) -> bytes:
    return picture_bytes((number % 256, number // 256, 7))


def test_a_pictures_id_is_the_sha_256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo(1))
    (picture,) = open_collection(tmp_path).pictures
    assert picture == Picture(hashlib.sha256(photo(1)).hexdigest(), "a.png", (), None, ())


def test_identical_files_are_one_picture_with_several_names(tmp_path: Path) -> None:
    for name, number in (("b/wolf.png", 1), ("a.png", 1), ("c/wolf.jpg", 1), ("z.png", 2)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photo(number))
    first, second = open_collection(tmp_path).pictures
    assert (first.name, first.aliases) == ("a.png", ("b/wolf.png", "c/wolf.jpg"))
    assert first.label == "b"  # of the first name that has one
    assert (second.name, second.aliases, second.label) == ("z.png", (), None)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read; what was just written counts as settled."""
    names: list[str] = []
    chunks = File.chunks

    def note(file: File, limits: Limits) -> Iterator[bytes]:
        names.append(file.path.name)
        yield from chunks(file, limits)

    monkeypatch.setattr(File, "chunks", note)
    monkeypatch.setattr(cache, "_SETTLED_NS", -(10**12))
    return names


def test_a_file_is_read_again_only_when_it_was_touched(tmp_path: Path, read: list[str]) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(photo(number))
    before = open_collection(tmp_path).pictures
    assert sorted(read) == ["0.png", "1.png", "2.png"]
    read.clear()
    assert open_collection(tmp_path).pictures == before
    assert read == []
    was = (tmp_path / "1.png").stat()
    (tmp_path / "1.png").write_bytes(photo(7))
    os.utime(tmp_path / "1.png", ns=(was.st_atime_ns, was.st_mtime_ns))
    assert open_collection(tmp_path).pictures[1].id == hashlib.sha256(photo(7)).hexdigest()
    assert read == ["1.png"]


def test_a_file_that_is_remembered_still_keeps_to_the_limits(tmp_path: Path, read: list[str]) -> None:
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(photo(number) + bytes(1000 * number))
    assert len(open_collection(tmp_path)) == 2
    small = open_collection(tmp_path, limits=Limits(megabytes=0.001))
    assert [skipped.name for skipped in small.skipped] == ["1.png"]


def test_captions_and_labels_of_copies_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo(1))
    (tmp_path / "list.csv").write_text(
        "path,name,label,caption\na.png,2,,\na.png,3,dog,asleep\na.png,1,,\na.png,3,cat,awake\n"
    )
    (picture,) = open_collection(tmp_path / "list.csv").pictures
    assert (picture.name, picture.aliases, picture.label, picture.caption) == (
        "1",
        ("2", "3"),
        "dog",
        "asleep",
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.tuples(st.sampled_from(["", "x/", "y/z/"]), st.integers(0, 20)), st.integers(0, 4), min_size=1
    )
)
def test_every_file_is_in_exactly_one_picture(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, int], int]
) -> None:
    root = tmp_path_factory.mktemp("files")
    contents = {f"{folder}{name}.png": photo(number) for (folder, name), number in files.items()}
    for name, data in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    collection = open_collection(root)
    named = {name: picture for picture in collection.pictures for name in (picture.name, *picture.aliases)}
    assert {name: collection.read(picture) for name, picture in named.items()} == contents
    assert len(collection) == len(set(contents.values()))
    assert [picture.name for picture in collection.pictures] == sorted(p.name for p in collection.pictures)


def test_pictures_are_found_by_id(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo(1))
    collection = open_collection(tmp_path)
    assert collection.find(collection.pictures[0].id) is collection.pictures[0]
    assert collection.find("0" * 64) is None
    assert repr(collection) == f"<Collection {str(tmp_path)!r}: 1 picture, 0 skipped>"


def test_a_picture_that_is_gone_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo(1))
    collection = open_collection(tmp_path)
    (tmp_path / "a.png").unlink()
    with pytest.raises(UnreadablePicture, match="there is no file"):
        collection.read(collection.pictures[0])
    with pytest.raises(UnreadablePicture, match="not in this collection"):
        collection.read(Picture("0" * 64, "b.png"))
    assert issubclass(UnreadablePicture, DiptychError)


def test_a_picture_that_has_changed_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo(1))
    collection = open_collection(tmp_path)
    (tmp_path / "a.png").write_bytes(photo(2))
    with pytest.raises(UnreadablePicture, match="has changed since"):
        collection.read(collection.pictures[0])


def test_a_copy_stands_in_for_what_is_gone_or_changed(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(photo(1))
    collection = open_collection(tmp_path)
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").write_bytes(photo(2))
    assert collection.read(collection.pictures[0]) == photo(1)


def test_opening_decodes_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(photo(1)[:50])
    (picture,) = open_collection(tmp_path).pictures
    with pytest.raises(UnreadablePicture, match="cut off"):
        decode(photo(1)[:50])
    assert picture.name == "broken.png"


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_many_threads_may_read_at_once(tmp_path: Path, kind: str) -> None:
    data = {f"{number}.bmp": picture_bytes((number, 0, 0), (300, 200), "BMP") for number in range(24)}
    source = tmp_path / "source"
    if kind == "zip":
        with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in data.items():
                archive.writestr(name, content)
    else:
        source.mkdir()
        for name, content in data.items():
            (source / name).write_bytes(content)
    collection = open_collection(source)
    start = threading.Barrier(8)

    def read_all(_: int) -> bool:
        start.wait()
        return all(collection.read(picture) == data[picture.name] for picture in collection.pictures)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read_all, range(8)))


def test_opening_holds_no_file_in_memory(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.bmp").write_bytes(photo_of_12_megabytes(number))
    tracemalloc.start()
    collection = open_collection(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(collection) == 10
    assert peak < 40_000_000  # a few megabytes a thread, of 120 on the disk


def photo_of_12_megabytes(number: int) -> bytes:
    return picture_bytes((number, 0, 0), (2000, 2000), "BMP")


class Watched:
    """A `Progress` that writes down what it is told."""

    def __init__(self) -> None:
        self.tasks: dict[str, list[int]] = {}

    @contextmanager
    def task(self, what: str, total: int) -> Iterator[object]:
        counts = self.tasks.setdefault(what, [total, 0])

        def advance(count: int) -> None:
            counts[1] += count

        yield advance


def test_reading_is_watched(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(photo(number))
    (tmp_path / "empty.png").touch()
    (tmp_path / "notes.txt").touch()
    progress = Watched()
    open_collection(tmp_path, progress=progress)
    assert progress.tasks == {f"reading {tmp_path}": [6, 6]}
