"""A disk that fills up leaves what was there before, and no half of what was being written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diptych.files import write_whole, written_whole
from diptych.images.outputs import MARK
from support import let_anybody_in, need
from warm import diptych_in

ROOM = 64 * 1024
"""Bytes that a file may grow to on the full disk: enough for SQLite's small ones."""


def diptych(
    folder: Path, arguments: Sequence[object], room: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, where there is only so much room for a file."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
    env = os.environ | {"DIPTYCH_STORE": str(folder / "s.sqlite"), "DIPTYCH_CACHE": str(folder / "cache")}
    return diptych_in(folder, arguments, env, before=limit if room else "")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with twelve noisy pictures in `p`, each a little larger than the room, and all embedded."""
    folder = tmp_path_factory.mktemp("disk")
    (folder / "p").mkdir()
    random = np.random.default_rng(3)
    for number in range(12):
        noise = random.integers(0, 256, (149, 149, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "p" / f"{number}.png")
    run = diptych(folder, ["compare", "p", *EMBEDDERS, *ASKED])
    assert run.returncode == 0, run.stderr
    return folder


ASKED = [part for colour in ("red", "green", "blue", "black") for part in ("-q", colour)]
MORE = [part for number in range(20) for part in ("-q", f"colour {number}")]
EMBEDDERS = ["-e", "palette", "-e", "random"]


def test_pictures_that_do_not_fit_are_not_cut_off_and_fit_later(pictures: Path) -> None:
    command = ["filter", "p", "-e", "palette", "-q", "red", "--threshold=-1", "--copy", "out"]
    full = diptych(pictures, command, ROOM)
    assert full.returncode == 1
    assert "can't write out/" in full.stderr
    assert [path.name for path in (pictures / "out").iterdir()] == [MARK]
    assert diptych(pictures, command).returncode == 0
    copied = {file.name: file.read_bytes() for file in (pictures / "out").iterdir() if file.name != MARK}
    assert copied == {file.name: file.read_bytes() for file in (pictures / "p").iterdir()}


@pytest.mark.parametrize(
    ("option", "given", "file"),
    [
        ("--report", "report.html", "report.html"),
        ("--json", "result.json", "result.json"),
        ("--export", "export", "export/result.json"),
        ("--plots", "plots", "plots/q1-curves.png"),
    ],
)
def test_what_does_not_fit_leaves_what_was_there_before(
    pictures: Path, option: str, given: str, file: str
) -> None:
    if option == "--plots":
        need("matplotlib")
    room = ROOM // 2 if option == "--plots" else ROOM
    asked = ASKED[:2] if option == "--plots" else [*ASKED, *MORE]
    written = pictures / file
    written.parent.mkdir(exist_ok=True)
    written.write_text("whole " * 20_000)
    compare = ["compare", "p", *EMBEDDERS, *asked]
    assert diptych(pictures, compare).returncode == 0  # all queries are embedded
    full = diptych(pictures, [*compare, option, given], room)
    assert full.returncode == 1, full.stderr
    assert "can't write" in full.stderr.splitlines()[-1]
    assert written.read_text() == "whole " * 20_000
    assert not list(written.parent.glob(".*"))
    assert diptych(pictures, [*compare, option, given]).returncode == 0
    assert written.read_bytes()[:5] != b"whole"
    assert not list(written.parent.glob(".*"))


def test_a_file_keeps_its_permissions_and_a_new_one_has_the_usual_ones(tmp_path: Path) -> None:
    mine, usual = tmp_path / "mine", tmp_path / "usual"
    mine.touch(0o640)
    mine.chmod(0o640)
    usual.write_bytes(b"")
    write_whole(mine, b"secret")
    write_whole(tmp_path / "new", b"")
    assert stat.S_IMODE(mine.stat().st_mode) == 0o640
    assert (tmp_path / "new").stat().st_mode == usual.stat().st_mode


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    write_whole(Path(os.devnull), b"nothing")
    assert Path(os.devnull).is_char_device()


def test_a_file_that_may_not_be_written_to_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "file").chmod(0o444)
    tmp_path.chmod(0o777)
    let_anybody_in(tmp_path)
    code = "import os, sys, pathlib\nfrom diptych.files import write_whole\n"
    code += "if os.geteuid() == 0: os.setuid(65534)\n"
    code += "write_whole(pathlib.Path(sys.argv[1]), b'lost')"
    run = subprocess.run([sys.executable, "-c", code, tmp_path / "file"], capture_output=True, text=True)
    assert "PermissionError" in run.stderr
    assert (tmp_path / "file").read_bytes() == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_new_file_takes_nobodys_name(tmp_path: Path) -> None:
    def write() -> None:
        with written_whole(tmp_path / "file", new=True) as beside:
            beside.write_bytes(b"mine")
            (tmp_path / "file").write_bytes(b"theirs")  # meanwhile

    with pytest.raises(FileExistsError):
        write()
    assert (tmp_path / "file").read_bytes() == b"theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("new", [False, True])
def test_where_no_file_has_two_names_a_new_one_takes_nobodys_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: bool
) -> None:
    def refuse(*_names: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as FAT does

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_whole(tmp_path / "file", b"first", new=new)
    if new:
        with pytest.raises(FileExistsError):
            write_whole(tmp_path / "file", b"second", new=True)
    assert (tmp_path / "file").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_in_the_package_writes_in_place() -> None:
    import diptych

    package = Path(diptych.__file__).parent
    own = {"files.py", "images/download_cache.py"}  # the cache's parts gather under names of their own
    in_place = (".write_text(", ".write_bytes(", '.open("w', '.open("x', '.open("a', ', "w"', "savez(path")
    for module in package.rglob("*.py"):
        name = str(module.relative_to(package))
        found = [line for line in module.read_text().splitlines() if any(call in line for call in in_place)]
        wrong = [line for line in found if "beside" not in line]
        assert name in own or not wrong, f"{name}: write it with diptych.files.written_whole: {wrong}"
