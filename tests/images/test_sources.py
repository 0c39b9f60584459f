"""What a folder, a ZIP, a list of addresses, a manifest or a single file holds."""

from __future__ import annotations

import bz2
import json
import os
import struct
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych import cache
from diptych.errors import DiptychError, DiptychWarning
from diptych.images import Collection, Limits, Skipped, open_collection
from diptych.images.formats import split_suffix
from diptych.images.outputs import make_output_folder
from opened_files import opened_below
from support import let_anybody_in, picture_bytes


def photo(number: int = 0, fmt: str = "PNG") -> bytes:
    """A small picture unlike that of any other number."""
    return picture_bytes((number % 256, number // 256 % 256, 90), (40, 30), fmt)


def write(root: Path, *names: str, first: int = 0) -> Path:
    """Files that are all pictures, each its own."""
    for number, name in enumerate(names, first):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo(number))
    return root


def names(collection: Collection) -> list[str]:
    return [picture.name for picture in collection.pictures]


def labels(collection: Collection) -> dict[str, str | None]:
    return {picture.name: picture.label for picture in collection.pictures}


def skipped(collection: Collection) -> dict[str, str]:
    return {item.name: item.reason for item in collection.skipped}


def refusal(source: object, **options: object) -> str:
    with pytest.raises(DiptychError) as caught:
        open_collection(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Folders


def test_a_folder_is_gone_through_to_the_bottom(tmp_path: Path) -> None:
    write(tmp_path, "b.jpg", "a.PNG", "cats/1.webp", "cats/old/2.tif", "dogs/1.gif")
    collection = open_collection(tmp_path)
    assert names(collection) == ["a.PNG", "b.jpg", "cats/1.webp", "cats/old/2.tif", "dogs/1.gif"]
    assert collection.source == str(tmp_path)
    assert collection.skipped == ()
    assert names(open_collection(str(tmp_path))) == names(collection)


def test_the_folder_a_picture_lies_in_is_its_label(tmp_path: Path) -> None:
    write(tmp_path, "top.png", "cats/1.png", "train/dogs/2.png")
    assert labels(open_collection(tmp_path)) == {
        "top.png": None,
        "cats/1.png": "cats",
        "train/dogs/2.png": "dogs",
    }


def test_there_are_no_labels_where_all_pictures_lie_in_one_folder(tmp_path: Path) -> None:
    write(tmp_path, "photos/2024/1.png", "photos/2024/2.png")
    (tmp_path / "notes.txt").write_text("all of one day")
    assert set(labels(open_collection(tmp_path)).values()) == {None}


def test_hidden_files_and_what_programs_leave_behind_are_no_pictures(tmp_path: Path) -> None:
    write(
        tmp_path,
        "wolf.jpg",
        ".hidden.jpg",
        ".trash/a.jpg",
        "._wolf.jpg",
        "__MACOSX/wolf.jpg",
        "sub/@eaDir/wolf.jpg",
        "Thumbs.db",
    )
    collection = open_collection(tmp_path)
    assert names(collection) == ["wolf.jpg"]
    assert {(each.name, each.files) for each in collection.skipped} == {
        ("._wolf.jpg", 3),  # a folder that is not looked into is one
        ("Thumbs.db", 3),
    }


def test_a_hidden_folder_may_be_the_source_itself(tmp_path: Path) -> None:
    assert names(open_collection(write(tmp_path / ".photos" / "thumbs", "a.jpg"))) == ["a.jpg"]


THUMBNAILS = [
    "wolf_thumb.jpg",
    "thumb_wolf.jpg",
    "wolf-150x150.jpg",
    "wolf.thumb.jpg",
    "wolf_thumbnail.jpg",
    "wolf-thumb.png",
    "WOLF_THUMB.JPG",
    "Thumbnail-wolf.webp",
]


_A_THUMBNAIL = "left out by name: a thumbnail, whose original is here"


@pytest.mark.parametrize("thumbnail", THUMBNAILS)
def test_a_thumbnail_beside_its_original_is_counted_and_not_ranked(tmp_path: Path, thumbnail: str) -> None:
    write(tmp_path, "Wolf.jpeg", thumbnail, "thumbnail of nothing.jpg")
    collection = open_collection(tmp_path)
    assert names(collection) == ["Wolf.jpeg", "thumbnail of nothing.jpg"]
    assert collection.skipped == (Skipped(thumbnail, _A_THUMBNAIL),)


def test_many_files_left_out_by_one_rule_are_one_count(tmp_path: Path) -> None:
    write(tmp_path, "cat.jpg", *(f"cat-{side}x{side}.jpg" for side in range(10, 70, 10)))
    (skipped,) = open_collection(tmp_path).skipped
    assert skipped == Skipped("cat-10x10.jpg", _A_THUMBNAIL, 6)
    assert skipped.called == "cat-10x10.jpg and 5 more"


def test_a_folder_of_thumbnails_is_told_by_the_originals_around_it(tmp_path: Path) -> None:
    write(tmp_path / "gallery", "wolf.jpg", "thumbs/wolf.png", "Thumbnails/wolf_thumb.jpg")
    write(tmp_path / "gestures", "fist/0.jpg", "fist/1.jpg", "thumbs/0.jpg", "thumbs/1.jpg", first=5)
    assert names(open_collection(tmp_path)) == [
        "gallery/wolf.jpg", "gestures/fist/0.jpg", "gestures/fist/1.jpg",
        "gestures/thumbs/0.jpg", "gestures/thumbs/1.jpg",
    ]  # fmt: skip


def test_a_persons_name_with_thumb_in_it_is_no_thumbnails(tmp_path: Path) -> None:
    write(tmp_path, "Tom.jpg", "Tom Thumb.jpg")
    assert len(open_collection(tmp_path)) == 2


def test_what_diptych_wrote_is_never_taken_for_pictures_and_may_be_a_source_itself(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "cats/1.png", "dogs/2.png")
    make_output_folder(root / "out")
    make_output_folder(root / "out")  # once more, as another run does
    write(root / "out", "red/1.png", first=7)
    collection = open_collection(root)
    assert names(collection) == ["cats/1.png", "dogs/2.png"]
    assert skipped(collection) == {"out": "written by Diptych, as the file .diptych-output in it says"}
    assert names(open_collection(root / "out")) == ["red/1.png"]
    unpacked = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.*")}
    assert names(open_collection(zipped(tmp_path / "a.zip", unpacked))) == names(collection)


def test_a_folder_of_a_persons_own_gets_no_mark(tmp_path: Path) -> None:
    make_output_folder(write(tmp_path, "mine/1.png") / "mine")
    assert names(open_collection(tmp_path)) == ["mine/1.png"]


@pytest.mark.parametrize("thumbnail", THUMBNAILS)
def test_a_thumbnail_without_its_original_is_a_picture(tmp_path: Path, thumbnail: str) -> None:
    write(tmp_path, thumbnail, "elsewhere/wolf.jpg", "wolf.txt", "wolfhound.jpg")
    assert thumbnail in names(open_collection(tmp_path))


def test_a_picture_is_told_by_its_bytes_where_the_suffix_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, "scan", "photo.2019", "backup.jpg~", "letter.txt", "archive.zip", "table.csv")
    (tmp_path / "README").write_text("P5 is a note, and BM too")
    (tmp_path / "data.bin").write_bytes(bytes(5000))
    collection = open_collection(tmp_path)
    assert names(collection) == ["backup.jpg~", "photo.2019", "scan"]
    assert {(each.called, each.reason) for each in collection.skipped} == {
        ("archive.zip and 2 more", "left out by name: not a kind of picture"),
        ("README and 1 more", "no picture by its first bytes"),
    }


def test_a_file_that_only_calls_itself_a_picture_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "good.jpg")
    (tmp_path / "page.jpg").write_text("<html><body>404</body></html>")
    (tmp_path / "empty.png").touch()
    (tmp_path / "video.heic").write_bytes(b"\0\0\0\x18ftypqt  \0\0\0\0qt  " + bytes(40))
    assert skipped(open_collection(tmp_path)) == {
        "empty.png": "the file is empty",
        "page.jpg": "a web page, not a picture",
        "video.heic": "a video, not a picture",
    }


@pytest.mark.parametrize(
    ("name", "what_to_do"),
    [
        ("a.CR2", "export it as JPEG or TIFF"),
        ("a.nef", "export it as JPEG or TIFF"),
        ("a.arw", "export it as JPEG or TIFF"),
        ("a.dng", "export it as JPEG or TIFF"),
        ("a.svg", "export it as PNG"),
        ("a.eps", "export it as PNG"),
        ("a.ico", "convert it to PNG or JPEG"),
        ("a.jxl", "convert it to PNG or JPEG"),
    ],
)
def test_pictures_that_are_not_read_here_are_skipped_with_what_to_do(
    tmp_path: Path, name: str, what_to_do: str
) -> None:
    write(tmp_path, "good.jpg", name)
    assert what_to_do in skipped(open_collection(tmp_path))[name]


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "good.jpg")
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(10**12)  # takes no room on the disk, and would take minutes to read
    collection = open_collection(tmp_path)
    assert skipped(collection) == {"big.jpg": "1e+06 megabytes, over the limit of 256"}
    assert "over the limit of 1e-05" in refusal(tmp_path, limits=Limits(megabytes=0.00001))


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "cats/1.png")
    write(tmp_path / "elsewhere", "2.png", first=1)
    (root / "cats" / "up").symlink_to(root)
    (root / "cats" / "itself").symlink_to(root / "cats" / "itself")
    (root / "a-link").symlink_to(root / "cats")
    (root / "dogs").symlink_to(tmp_path / "elsewhere")
    (root / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (root / "one.png").symlink_to(tmp_path / "elsewhere" / "2.png")
    collection = open_collection(root)
    assert names(collection) == ["cats/1.png", "dogs/2.png"]
    assert collection.pictures[1].aliases == ("one.png",)
    assert skipped(collection) == {
        "gone.jpg": "a link that leads nowhere",
        "cats/itself": "a link that leads nowhere",
        "a-link": "a link to a folder that is read already",
    }
    assert collection.skipped[0].files == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_does_not_hold_anything_up(tmp_path: Path) -> None:
    write(tmp_path, "good.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert skipped(open_collection(tmp_path)) == {"pipe.jpg": "it is not an ordinary file"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that nobody can read")
def test_a_file_that_can_not_be_read_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "good.jpg")
    (tmp_path / "bad.jpg").symlink_to("/proc/self/mem")  # fails even for root
    assert skipped(open_collection(tmp_path)) == {"bad.jpg": "input/output error"}


_AS_SOMEBODY = """
import json, os, sys
from diptych.images import open_collection
if os.geteuid() == 0:
    os.setuid(65534)  # root may read everything
print(json.dumps({lost.name: lost.reason for lost in open_collection(sys.argv[1]).skipped}))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are another matter on Windows")
def test_files_and_folders_without_permission_are_skipped(tmp_path: Path) -> None:
    write(tmp_path, "good.jpg", "secret.jpg", "closed/a.jpg")
    (tmp_path / "secret.jpg").chmod(0)
    (tmp_path / "closed").chmod(0)
    let_anybody_in(tmp_path)
    command = [sys.executable, "-c", _AS_SOMEBODY, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    (tmp_path / "closed").chmod(0o700)
    assert json.loads(run.stdout) == {
        "closed": "the folder can't be read: permission denied",
        "secret.jpg": "permission denied",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes only on Linux")
def test_names_can_be_written_as_utf_8_whatever_their_bytes(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Path(os.fsdecode(odd)).write_bytes(photo())
    write(tmp_path / "gr\u00fcn", "h\u00fctte.png", first=1)
    collection = open_collection(tmp_path)
    assert [name.encode() for name in names(collection)] == [
        "caf\N{REPLACEMENT CHARACTER}.png".encode(),
        "gr\u00fcn/h\u00fctte.png".encode(),
    ]
    assert all(collection.read(picture) for picture in collection.pictures)


def test_a_source_without_pictures_says_what_it_holds(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == f"there is no {tmp_path / 'nowhere'}"
    assert refusal("") == "there is no source"
    assert "can't read" in refusal("x" * 5000)
    assert refusal(tmp_path) == f"{tmp_path} is empty"
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    assert refusal(tmp_path) == (
        f"{tmp_path}: of 2 files none is a picture that can be read;"
        " a.txt and 1 more: left out by name: not a kind of picture"
    )
    (tmp_path / "c.jpg").write_text("c")
    assert refusal(tmp_path) == (
        f"{tmp_path}: of 3 files none is a picture that can be read;"
        " c.jpg: not a picture in a format that can be read here"
    )


# Single files


def test_a_single_picture_is_a_collection_of_one(tmp_path: Path) -> None:
    write(tmp_path, "cat.png", "dog")
    collection = open_collection(tmp_path / "cat.png")
    assert names(collection) == ["cat.png"]
    assert collection.pictures[0].label is None
    assert names(open_collection(tmp_path / "dog")) == ["dog"]


def test_a_single_file_that_is_nothing_of_use_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("words")
    assert "not a folder, ZIP, list of URLs" in refusal(tmp_path / "a.xyz")
    (tmp_path / "a.cr2").write_bytes(b"II*\0")
    assert "camera raw" in refusal(tmp_path / "a.cr2")
    (tmp_path / "a.jpg").touch()
    assert refusal(tmp_path / "a.jpg").endswith("a.jpg: the file is empty")


# ZIPs


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def patched(path: Path, member: int, offset: int, value: bytes) -> Path:
    """Write into a member's entry of the directory at the ZIP's end."""
    data = bytearray(path.read_bytes())
    at = -1
    for _ in range(member + 1):
        at = data.index(b"PK\1\2", at + 1)
    data[at + offset : at + offset + len(value)] = value
    path.write_bytes(data)
    return path


def test_a_zip_is_read_in_place_like_a_folder(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "photos.zip",
        {
            "cats/": b"",
            "cats/2.png": photo(2),
            "cats/1.jpg": photo(1, "JPEG"),
            "dogs/1.png": photo(3),
            "__MACOSX/cats/._1.jpg": b"junk",
            "cats/1_thumb.jpg": photo(4),
            "notes.txt": b"notes",
            "scan": photo(5),
            "raw.nef": b"II*\0",
        },
    )
    before = sorted(tmp_path.rglob("*"))
    collection = open_collection(path)
    assert labels(collection) == {
        "cats/1.jpg": "cats",
        "cats/2.png": "cats",
        "dogs/1.png": "dogs",
        "scan": None,
    }
    assert set(skipped(collection)) == {"raw.nef", "__MACOSX", "cats/1_thumb.jpg", "notes.txt"}
    assert [collection.read(picture) for picture in collection.pictures] == [
        photo(1, "JPEG"),
        photo(2),
        photo(3),
        photo(5),
    ]
    assert sorted(tmp_path.rglob("*")) == before
    assert names(open_collection(path.rename(tmp_path / "photos.cbz"))) == names(collection)


def test_names_in_a_zip_are_decoded_as_their_makers_meant(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"cafe.png": photo(1), "gr\u00fcn.png": photo(2), "b\\c.png": photo(3)})
    data = path.read_bytes().replace(
        b"cafe.png", b"caf\xc3\xa9png"[:8]
    )  # UTF-8 without the flag, as on macOS
    path.write_bytes(data)
    assert set(names(open_collection(path))) == {"caf\u00e9png", "gr\u00fcn.png", "b/c.png"}


# In each there is a letter whose second byte is a backslash by itself, but in the last two.
ENCODED = [
    ("cp932", ["\u732b/\u4e00.png", "\u72ac/\u8868\u53c2\u9053.png", "\u30bd\u30d5\u30a1/\u53ef\u80fd.png"]),
    (
        "gb18030",
        [
            "\u72d7/\u4e00.png",
            "\u732b/\u4e09.png",
            "\u7167\u7247/\u5317\u4eac.png",
            "\u7167\u7247/\u8aa0.png",
        ],
    ),
    ("big5", ["\u72d7/\u4e00.png", "\u8c93/\u529f\u80fd.png", "\u8a31\u529f\u84cb.png"]),
    ("cp949", ["\uac1c/\ud558\ub098.png", "\uace0\uc591\uc774/\ub458.png"]),
    ("cp437", ["Gr\u00fc\u00dfe/M\u00fcnchen.png", "caf\u00e9.png", "ni\u00f1o/a\u00f1o.png"]),
]


@pytest.mark.parametrize(("encoding", "names_there"), ENCODED)
@pytest.mark.filterwarnings("ignore:.*does not say what its names are written in")
def test_letters_of_names_in_a_zip_are_told_before_separators(
    tmp_path: Path, encoding: str, names_there: list[str]
) -> None:
    assert set(names(open_collection(of_bytes(tmp_path, encoding, names_there)))) == set(names_there)


def test_it_is_said_where_the_letters_of_a_zips_names_were_guessed(tmp_path: Path) -> None:
    with pytest.warns(
        DiptychWarning, match="does not say what its names are written in; they are read as cp932"
    ):
        open_collection(of_bytes(tmp_path, *ENCODED[0]))


def test_info_zips_field_says_what_a_name_is_where_it_is_about_that_very_name(tmp_path: Path) -> None:
    said, stale = "\u732b/\u4e00.png", "\u732b/old.png"
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, told, of) in enumerate(
            [("a/1.png", said, b"a/1.png"), ("b/2.png", stale, b"c/2.png")]
        ):
            info = zipfile.ZipInfo(name)
            field = struct.pack("<BI", 1, zlib.crc32(of)) + told.encode()
            info.extra = struct.pack("<HH", 0x7075, len(field)) + field
            archive.writestr(info, photo(number))
    assert set(names(open_collection(path))) == {said, "b/2.png"}


def of_bytes(folder: Path, encoding: str, names_there: list[str]) -> Path:
    """A ZIP whose names are written in an encoding that it does not name."""
    path = zipped(
        folder / "encoded.zip",
        {name.encode(encoding).hex(): photo(number) for number, name in enumerate(names_there)},
    )
    data = path.read_bytes()
    for name in names_there:
        raw = name.encode(encoding)
        data = data.replace(raw.hex().encode(), raw + b"\0" * len(raw))
    path.write_bytes(data)
    return path


def test_a_damaged_member_is_skipped_and_the_others_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"bad.png": photo(1), "good.png": photo(2)}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 0xFF
    path.write_bytes(data)
    collection = open_collection(path)
    assert names(collection) == ["good.png"]
    assert skipped(collection) == {"bad.png": "it is damaged inside the ZIP"}


def test_a_zip_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"no zip at all")
    assert refusal(path) == f"{path} is not a ZIP, or one that is damaged or cut off"
    whole = zipped(path, {"a.png": photo()}).read_bytes()
    path.write_bytes(whole[:-30])
    assert "cut off" in refusal(path)
    path.write_bytes(b"PK\5\6" + bytes(18))
    assert refusal(path) == f"{path} is empty"


def test_what_is_encrypted_in_a_zip_is_skipped_with_what_to_do(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.png": photo(0), "b.png": photo(1)})
    collection = open_collection(patched(path, 0, 8, b"\1"))
    assert names(collection) == ["b.png"]
    assert skipped(collection) == {"a.png": "encrypted: unpack the ZIP and give the folder instead"}
    assert "encrypted: unpack the ZIP" in refusal(patched(path, 1, 8, b"\1"))


def test_a_zip_of_files_that_are_all_passed_over_is_not_called_empty(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {".a.png": photo(0), ".b.png": photo(1)})
    assert refusal(path) == (
        f"{path}: of 2 files none is a picture that can be read;"
        " .a.png and 1 more: left out by name: hidden, with a dot before it"
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_with_one_name_the_one_that_is_passed_over_is_counted(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.png": photo(0)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.png", photo(1))
    collection = open_collection(path)
    assert [collection.read(picture) for picture in collection.pictures] == [photo(1)]
    assert skipped(collection) == {"a.png": "another file of the same name comes after it in the ZIP"}


@pytest.mark.parametrize(
    "name",
    ["../a.png", "b/../../a.png", "/etc/a.png", "C:/a.png", "..\\a.png", "\\\\host\\a.png", ".."],
)
def test_a_zip_with_paths_that_lead_out_of_it_is_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "a.zip", {"good.png": photo(1), name: photo(2)})
    assert "leads out of it" in refusal(path)


def test_names_with_two_dots_that_lead_nowhere_are_fine(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a..b.png": photo(1), "c../d.png": photo(2), "x/e:f.png": photo(3)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("A: sunset.png", photo(4))
    assert len(open_collection(path)) == 4


def test_a_bomb_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"good.png": photo(1), "b.bmp": bytes(9000), "c.bmp": bytes(9000)})
    for member in (1, 2):
        patched(path, member, 24, struct.pack("<I", 4_000_000_000))
    assert "is refused as a ZIP bomb: it declares 8 gigabytes" in refusal(path)


def test_white_bitmaps_that_shrink_a_thousandfold_are_no_bomb(tmp_path: Path) -> None:
    bitmaps = {f"{n}.bmp": picture_bytes((255, 255, 255 - n), (1500, 1000), "BMP") for n in range(4)}
    path = zipped(tmp_path / "a.zip", bitmaps)
    assert path.stat().st_size * 500 < sum(map(len, bitmaps.values()))
    assert len(open_collection(path)) == 4


def test_a_member_never_gives_more_than_the_limit(tmp_path: Path) -> None:
    big = picture_bytes(size=(1200, 1000), fmt="BMP")  # 3.6 MB
    path = zipped(tmp_path / "a.zip", {"big.bmp": big, "good.png": photo(1)})
    limits = Limits(megabytes=1)
    assert "over the limit of 1" in skipped(open_collection(path, limits=limits))["big.bmp"]
    patched(path, 0, 24, struct.pack("<I", 5000))  # now its header lies
    assert skipped(open_collection(path, limits=limits)) == {"big.bmp": "it is damaged inside the ZIP"}


def test_a_member_packed_by_a_rare_method_is_skipped(tmp_path: Path) -> None:
    assert len(bz2.compress(bytes(10_000_000))) < 100  # one step of reading would fill the memory
    path = zipped(tmp_path / "a.zip", {"a.bmp": bytes(10_000)}, zipfile.ZIP_BZIP2)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("good.png", photo(1))
    assert "pack the ZIP again" in skipped(open_collection(path))["a.bmp"]


# Manifests


def test_a_csv_names_labels_and_captions_pictures(tmp_path: Path) -> None:
    write(tmp_path, "pictures/1.png", "pictures/2.png", "3.png")
    manifest = tmp_path / "list.csv"
    manifest.write_text(
        '\ufeffPath, name ,label,caption\npictures/1.png,Rex,dog,"a dog, asleep"\n\npictures/2.png,,,\n'
        f"{tmp_path / '3.png'},,cat,\n",
        "utf-8",
    )
    rex, two, three = sorted(
        open_collection(manifest).pictures, key=lambda picture: "Rp3".index(picture.name[0])
    )
    assert (rex.name, rex.label, rex.caption) == ("Rex", "dog", "a dog, asleep")
    assert (two.name, two.label, two.caption) == ("pictures/2.png", "pictures", None)
    assert (three.name, three.label) == ("3.png", "cat")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_may_be_written_as_spreadsheets_of_any_country_do(tmp_path: Path, delimiter: str) -> None:
    write(tmp_path, "1.png")
    lines = [["path", "name", "caption"], ["1.png", "Rex", '"a dog, asleep; or not"']]
    (tmp_path / "list.csv").write_text("\n".join(delimiter.join(line) for line in lines))
    (picture,) = open_collection(tmp_path / "list.csv").pictures
    assert (picture.name, picture.caption) == ("Rex", "a dog, asleep; or not")


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    write(tmp_path, "1.png", "2.png")
    manifest = tmp_path / "list.jsonl"
    manifest.write_text(
        '{"path": "1.png", "name": "Rex", "label": 7, "caption": "a\\u2028b", "more": [1]}\r\n\n'
        '{"path": "2.png", "label": null}\n',
        "utf-8",
    )
    two, rex = open_collection(manifest).pictures
    assert (rex.name, rex.label, rex.caption) == ("Rex", "7", "a\u2028b")
    assert (two.name, two.label) == ("2.png", None)
    assert len(open_collection(manifest.rename(tmp_path / "list.ndjson"))) == 2


def test_two_pictures_of_a_manifest_may_have_one_name(tmp_path: Path) -> None:
    write(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "list.csv").write_text("path,name\na/1.png,Rex\nb/1.png,Rex\n")
    collection = open_collection(tmp_path / "list.csv")
    assert names(collection) == ["Rex", "Rex"]
    assert [picture.label for picture in collection.pictures if collection.read(picture) == photo(1)] == ["b"]


def test_what_a_manifest_names_in_vain_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "1.png")
    (tmp_path / "notes").write_text("words")
    (tmp_path / "folder").mkdir()
    (tmp_path / "list.csv").write_text("path\n1.png\nnone.png\nnotes\nfolder\nx.svg\n")
    assert skipped(open_collection(tmp_path / "list.csv")) == {
        "folder": "it is a folder",
        "none.png": f"there is no file {tmp_path / 'none.png'}",
        "notes": "not a picture in a format that can be read here",
        "x.svg": "a drawing without pixels, which is not read here: export it as PNG",
    }


def test_a_manifest_that_leads_to_nothing_gives_the_first_reason_and_the_count(tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("path,name\nb.png,\na.png,second\n")
    assert refusal(manifest) == (
        f"{manifest}: of 2 items none is a picture that can be read;"
        f" b.png: there is no file {tmp_path / 'b.png'}"
    )


@pytest.mark.parametrize(
    ("suffix", "text", "said"),
    [
        (
            ".csv",
            "src,label\na.png,x\n",
            "line 2: neither a path nor a url (it has src, label): call the column",
        ),
        (".csv", "", "is empty"),
        (".csv", "path,label\na.png\n", "line 2: 1 field, where the header has 2"),
        (".csv", "path,label\na.png,x\nb.png,x,y\n", "line 3: 3 fields, where the header has 2"),
        (".csv", 'path,label\n"a.png,x\n', "line 2: unexpected end of data"),
        (".csv", "path,url,label\n,,x\n", "line 2: neither a path nor a url (it has path, url, label)"),
        (".csv", "url\nftp://example.org/a.png\n", "line 2: 'ftp://example.org/a.png' is not an http"),
        (".jsonl", '{"path": "a.png"}\n{"path": \n', "line 2: not valid JSON (Expecting value)"),
        (".jsonl", "[" * 100_000, "line 1: not valid JSON (nested too deeply)"),
        (".jsonl", '"a.png"\n', "line 1: not a JSON object"),
        (".jsonl", '{"src": "a.png"}\n', "line 1: neither a path nor a url (it has src)"),
        (".jsonl", '{"path": ["a.png"]}\n', "line 1: path must be a string"),
    ],
)
def test_a_malformed_manifest_is_refused_with_the_line(
    tmp_path: Path, suffix: str, text: str, said: str
) -> None:
    manifest = tmp_path / f"list{suffix}"
    manifest.write_text(text, "utf-8")
    message = refusal(manifest)
    assert str(manifest) in message
    assert said in message


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".txt"])
def test_a_list_that_is_not_utf_8_is_refused_with_the_line(tmp_path: Path, suffix: str) -> None:
    manifest = tmp_path / f"list{suffix}"
    manifest.write_bytes(b"path\na.png\ncaf\xe9.png\n")
    assert refusal(manifest) == f"{manifest}, line 3: not UTF-8 text; save the file as UTF-8"


# Addresses


class Site(BaseHTTPRequestHandler):
    """Serves a picture at every path that has a number in it, and 404 at any other."""

    def do_GET(self) -> None:
        digits = "".join(filter(str.isdigit, self.path))
        body = photo(int(digits)) if digits else b"nothing here"
        self.send_response(200 if digits else 404)
        self.send_header("Content-Type", "image/png" if digits else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_text_file_of_addresses_is_downloaded(tmp_path: Path, site: str) -> None:
    path = tmp_path / "urls.txt"
    path.write_text(
        f"\ufeff# my pictures\n\n  {site}/a/wolf%201.png  \r\n{site}/x/same.png?n=2\n{site}/y/same.png?n=3\n"
        f"{site}/4/\n{site}/x/same.png?n=2\n{site}/gone.png\n",
        "utf-8",
    )
    collection = open_collection(path)
    assert names(collection) == sorted(
        ["wolf 1.png", f"{site}/x/same.png?n=2", f"{site}/y/same.png?n=3", f"{site}/4/"]
    )
    assert set(labels(collection).values()) == {None}
    assert list(skipped(collection)) == [f"{site}/gone.png"]
    assert collection.read(next(p for p in collection.pictures if p.name == "wolf 1.png")) == photo(201)


def test_a_python_list_may_mix_addresses_and_paths(tmp_path: Path, site: str) -> None:
    write(tmp_path, "cats/1.png", "dogs/2.png")
    paths = [str(tmp_path / "cats" / "1.png"), tmp_path / "dogs" / "2.png", tmp_path / "dogs"]
    collection = open_collection([*paths, f"{site}/7.png"])
    assert labels(collection) == {"1.png": "cats", "2.png": "dogs", "7.png": None}
    assert skipped(collection) == {"dogs": "it is a folder"}
    assert collection.source == "a list of 4"
    assert names(open_collection(f"{site}/7.png")) == ["7.png"]


@pytest.mark.parametrize("called", ["file", "Filename", "file_name", "image", "filepath", "picture", "path"])
def test_a_manifest_of_another_tool_may_call_its_files_otherwise(tmp_path: Path, called: str) -> None:
    write(tmp_path, "a.png", "b.png")
    (tmp_path / "m.csv").write_text(f"{called},label\na.png,x\nb.png,y\n")
    (tmp_path / "m.jsonl").write_text(f'{{"{called}": "a.png", "label": "x"}}\n')
    assert labels(open_collection(tmp_path / "m.csv")) == {"a.png": "x", "b.png": "y"}
    assert labels(open_collection(tmp_path / "m.jsonl")) == {"a.png": "x"}


@pytest.mark.parametrize("called", ["image", "file", "uri", "image_url"])
def test_a_column_that_holds_addresses_is_taken_for_what_it_holds(
    tmp_path: Path, site: str, called: str
) -> None:
    (tmp_path / "m.csv").write_text(f"{called},name\n{site}/1.png,one\n")
    assert names(open_collection(tmp_path / "m.csv")) == ["one"]


def test_a_manifest_may_name_addresses(tmp_path: Path, site: str) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"url,name,label\n{site}/1.png,Rex,dog\n{site}/2.png,,\n{site}/none,Tom,cat\n")
    collection = open_collection(manifest)
    assert labels(collection) == {"2.png": None, "Rex": "dog"}
    assert list(skipped(collection)) == [f"{site}/none"]


def test_no_password_of_an_address_is_shown(site: str) -> None:
    address = f"{site}/gone.png".replace("http://", "http://me:hush@")
    collection = open_collection([address, f"{site}/1.png"])
    assert list(skipped(collection)) == [f"{site}/gone.png"]
    assert "hush" not in refusal([address, address + "?x"])


def test_what_signs_an_address_is_not_shown_but_what_tells_it_apart_is(site: str) -> None:
    signed = f"{site}/gone.png?id=seven&X-Amz-Signature=hushabye&sig=hush&access_token=shh"
    shown = refusal([signed])
    assert "id=seven" in shown
    assert not any(secret in shown for secret in ("hush", "shh"))


def test_addresses_that_all_fail_give_the_first_reason_and_the_count(tmp_path: Path, site: str) -> None:
    path = tmp_path / "urls.txt"
    path.write_text(f"{site}/b\n{site}/a\n")
    message = refusal(path)
    assert message.startswith(f"{path}: of 2 items none is a picture that can be read; {site}/b: ")
    assert "404" in message


@pytest.mark.parametrize(
    "line", ["ftp://example.org/a.png", "photos/a.png", "http://", "https:///a.png", "http://a b"]
)
def test_a_line_that_is_no_web_address_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "urls.txt"
    path.write_text(f"# list\n{line}\n")
    assert refusal(path) == f"{path}, line 2: {line!r} is not an http:// or https:// address"


def test_an_address_of_another_kind_in_a_python_list_is_refused() -> None:
    assert (
        refusal(["s3://bucket/a.png"])
        == "the list: 's3://bucket/a.png' is not an http:// or https:// address"
    )


def test_empty_lists_say_so(tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("# nothing yet\n")
    assert refusal(tmp_path / "urls.txt") == f"{tmp_path / 'urls.txt'} is empty"
    (tmp_path / "list.csv").write_text("path,label\n")
    assert refusal(tmp_path / "list.csv") == f"{tmp_path / 'list.csv'} is empty"
    assert refusal([]) == "a list of 0 is empty"


def test_a_message_is_one_line_whatever_a_file_is_called(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("such names can't be made here")
    odd = tmp_path / "two\nlines"
    odd.mkdir()
    (odd / "a\nb.png").touch()
    refusal(odd)
    refusal(zipped(odd / "c\nd.zip", {"../e\nf": b""}))


@given(st.lists(st.text("aB.é ", min_size=1).filter(lambda part: part.strip(".")), min_size=1))
def test_a_suffix_is_what_it_is_in_a_path(parts: list[str]) -> None:
    name = "/".join(parts)
    assert split_suffix(name) == (PurePosixPath(name).stem, PurePosixPath(name).suffix)


def test_a_folder_that_was_read_before_is_looked_at_and_no_file_in_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_SETTLED_NS", -(10**12))  # new files are taken for settled
    for number in range(100):
        inside = tmp_path / f"{number % 3}"
        inside.mkdir(exist_ok=True)
        (inside / f"{number}.png").write_bytes(picture_bytes((number, 30, 40)))
    first = open_collection(tmp_path)
    with opened_below(tmp_path) as opened:
        again = open_collection(tmp_path)
    assert not opened
    assert (again.pictures, again.ids) == (first.pictures, first.ids)
