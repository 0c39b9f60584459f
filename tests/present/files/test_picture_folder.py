"""Pictures put into a folder: hostile names stay inside, nothing is overwritten or put there twice."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.errors import DiptychError
from diptych.images import Collection, Limits, Picture, UnreadablePicture, open_collection
from diptych.images.entries import File
from diptych.images.outputs import MARK
from diptych.present.files.picture_folder import PictureFolder, safe_name
from diptych.text import printable
from support import picture_bytes


def tree(folder: Path) -> dict[str, bytes]:
    """All files but the mark."""
    files = (p for p in folder.rglob("*") if p.is_file() and p.name != MARK)
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def collection_of(folder: Path, names: list[str]) -> Collection:
    """Pictures of any names at all, as a manifest or a list of addresses may have them."""
    folder.mkdir()
    pictures, origins = [], {}
    for number, name in enumerate(names):
        data = picture_bytes((number, 1, 2), size=(2, 2))
        file = folder / f"{number}.png"
        file.write_bytes(data)
        picture = Picture(id=hashlib.sha256(data).hexdigest(), name=name)
        pictures.append(picture)
        origins[picture.id] = [File(file)]
    return Collection("anything", pictures, [], origins, Limits())


HOSTILE = [
    "../../escape.png",
    "/etc/passwd.png",
    "C:\\Windows\\evil.png",
    "..",
    ".",
    ".hidden.png",
    "con.png",
    "a/b/same.png",
    "c/same.png",
    "SAME.png",
    "new\nline.png",
    "\x1b[31mred.png",
    "a" * 400 + ".png",
    "狼" * 200 + ".png",
    "https://example.org/a.png?x=../../b",
    "trailing. .png",
    "no suffix",
    "-rf.png",
    "NUL",
]
names = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=40)), max_size=12)


@settings(max_examples=30)
@given(names=names, categories=st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3, unique=True))
def test_hostile_names_stay_inside_and_every_picture_has_a_file_of_its_own(
    names: list[str], categories: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("put")
    collection = collection_of(tmp_path / "p", names)
    out = tmp_path / "out"
    files = {}
    for _ in range(2):  # the second time all is there
        folder = PictureFolder(out, collection, categories, link=False)
        for number, picture in enumerate(collection.pictures):
            files[picture.id] = folder.put(picture, categories[number % len(categories)])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "p"]
    assert len(tree(out)) == len(names)
    assert len(set(files.values())) == len(names)
    for image_id, file in files.items():
        assert out in file.parents
        assert file.resolve().is_relative_to(out.resolve())
        assert hashlib.sha256(file.read_bytes()).hexdigest() == image_id
        assert not file.name.startswith(".")
        assert printable(file.name) == file.name
        assert not set(file.name) & set('<>:"/\\|?*')
        assert len(file.relative_to(out).parts) == (1 if len(categories) == 1 else 2)


@given(text=st.one_of(st.text(), st.sampled_from(HOSTILE)))
def test_a_safe_name_is_one_part_and_stays_what_it_is(text: str) -> None:
    name = safe_name(text)
    assert name
    assert name not in {".", ".."}
    assert Path(name).name == name
    assert len(name.encode()) <= 151
    assert safe_name(name) == name


def test_files_that_are_there_are_never_overwritten(tmp_path: Path) -> None:
    collection = collection_of(tmp_path / "p", ["a/x.png", "b/x.png", "c/x.png"])
    out = tmp_path / "out"
    out.mkdir()
    (out / "x.png").write_text("mine")
    first = collection.pictures[0]
    (out / f"x-{first.id[:8]}.png").mkdir()
    folder = PictureFolder(out, collection, ["q"], link=False)
    files = [folder.put(picture, "q") for picture in collection.pictures]
    assert (out / "x.png").read_text() == "mine"
    assert files[0].name == f"x-{first.id}.png"
    assert [file.name for file in files[1:]] == [f"x-{p.id[:8]}.png" for p in collection.pictures[1:]]


def test_a_picture_whose_every_name_is_taken_is_said(tmp_path: Path) -> None:
    collection = collection_of(tmp_path / "p", ["x.png"])
    (picture,) = collection.pictures
    (tmp_path / "out").mkdir()
    for name in ("x", f"x-{picture.id[:8]}", f"x-{picture.id}"):
        (tmp_path / "out" / f"{name}.png").write_text("mine")
    folder = PictureFolder(tmp_path / "out", collection, ["q"], link=False)
    with pytest.raises(DiptychError, match="other files have its names"):
        folder.put(picture, "q")
    assert set(tree(tmp_path / "out").values()) == {b"mine"}


def test_links_lead_to_the_pictures_and_are_not_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / "p" / name).mkdir(parents=True)
        (tmp_path / "p" / name / "x.png").write_bytes(picture_bytes((len(name), ord(name), 3)))
    monkeypatch.chdir(tmp_path)  # links must hold from anywhere
    collection = open_collection("p")
    for _ in range(2):
        folder = PictureFolder(Path("out"), collection, ["wolf", "dog"], link=True)
        files = [folder.put(picture, "wolf") for picture in collection.pictures]
    assert len(list((tmp_path / "out" / "wolf").iterdir())) == 2
    assert not (tmp_path / "out" / "dog").exists()
    for file, picture in zip(files, collection.pictures, strict=True):
        assert file.is_symlink()
        assert file.readlink().is_absolute()
        assert file.resolve() == (tmp_path / "p" / picture.name).resolve()


def test_what_is_in_a_zip_can_be_copied_but_not_linked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("deep/x.png", picture_bytes())
    collection = open_collection(tmp_path / "p.zip")
    with pytest.raises(DiptychError, match=r"x\.png is inside an archive: copy it"):
        PictureFolder(tmp_path / "links", collection, ["q"], link=True)
    assert not (tmp_path / "links").exists()
    file = PictureFolder(tmp_path / "copies", collection, ["q"], link=False).put(collection.pictures[0], "q")
    assert file.read_bytes() == picture_bytes()


def test_a_picture_that_changed_meanwhile_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "x.png").write_bytes(picture_bytes())
    collection = open_collection(tmp_path / "p")
    (tmp_path / "p" / "x.png").write_bytes(picture_bytes((9, 9, 9)))
    folder = PictureFolder(tmp_path / "out", collection, ["q"], link=False)
    with pytest.raises(UnreadablePicture, match="has changed"):
        folder.put(collection.pictures[0], "q")
    assert tree(tmp_path / "out") == {}


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    collection = collection_of(tmp_path / "p", ["x.png"])
    (tmp_path / "file").write_text("")
    with pytest.raises(DiptychError, match="can't make the folder"):
        PictureFolder(tmp_path / "file" / "out", collection, ["q"], link=False)
