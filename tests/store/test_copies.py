"""A store's file that is copied while others have it open is complete, and one that is read-only is read."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from diptych import Workbench
from diptych.store.vectors import Store
from support import need, obey_permissions, picture_bytes
from warm import diptych_in

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "white": (250, 250, 250)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "one.png").write_bytes(picture_bytes(colour))
    return folder


def in_copy(store: Path, bench: Workbench) -> tuple[int, int, int]:
    """How many pictures, texts and judgments a copy of the file alone has."""
    elsewhere = shutil.copy(store, store.with_name("copy.sqlite"))
    texts = [text.id for text in bench.bank]
    with Store(elsewhere) as copy:
        fingerprint = bench.embedders[0].info.fingerprint
        images = copy.known(fingerprint, "image", [picture.id for picture in bench.collection.pictures])
        return len(images), len(copy.known(fingerprint, "text", texts)), len(copy.judgments())


def test_a_copy_made_while_a_notebook_has_the_store_open_has_everything(
    tmp_path: Path, pictures: Path
) -> None:
    store = tmp_path / "s.sqlite"
    bench = Workbench(pictures, ["palette"], store=store)
    bench.embed()
    assert in_copy(store, bench) == (4, 0, 0)
    bench.compare(["red"])
    assert in_copy(store, bench) == (4, len(bench.bank), 0)
    bench.judge("red", "red/one.png", 1)
    assert in_copy(store, bench) == (4, len(bench.bank), 1)


def test_a_copy_has_what_another_run_wrote_while_a_notebook_has_the_store_open(
    tmp_path: Path, pictures: Path
) -> None:
    store = tmp_path / "s.sqlite"
    bench = Workbench(pictures, ["palette"], store=store)
    compare = ["compare", pictures, "-e", "palette", "-q", "red", "--store", store]
    assert diptych_in(tmp_path, compare, os.environ).returncode == 0
    assert in_copy(store, bench) == (4, len(bench.bank), 0)


def test_a_copy_made_while_a_page_is_open_has_everything(tmp_path: Path, pictures: Path) -> None:
    need("fastapi")
    need("uvicorn")
    from served_page import client, served, wait_until_ready

    store = tmp_path / "s.sqlite"
    with served(pictures, ["palette"], store) as page, client(page) as http:
        wait_until_ready(http)
        bench = Workbench(pictures, ["palette"], store=tmp_path / "other.sqlite")
        red = next(p.id for p in bench.collection.pictures if p.name == "red/one.png")
        judged = {"text": "red", "picture": red, "grade": 1}
        http.post("/api/judgments", json=judged).raise_for_status()
        assert in_copy(store, bench) == (4, len(bench.bank), 1)


@pytest.fixture(params=["folder", "file"])
def shelved(request: pytest.FixtureRequest, tmp_path: Path, pictures: Path) -> Iterator[Path]:
    """A complete store in a folder that can't be written to, or whose file can't."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    bench = Workbench(pictures, ["palette"], store=shelf / "s.sqlite")
    bench.try_out()
    bench.compare(["red", "green"])
    for query in ("red", "green"):
        for name in COLOURS:
            bench.judge(query, f"{name}/one.png", int(name == query))
    bench.store.close()
    (shelf / "s.sqlite").chmod(0o444 if request.param == "file" else 0o666)
    shelf.chmod(0o555 if request.param == "folder" else 0o777)
    yield shelf / "s.sqlite"
    shelf.chmod(0o755)


def as_reader(store: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A command run by somebody who may not write to the store."""
    obey = f"import ctypes\n{inspect.getsource(obey_permissions)}obey_permissions()"
    return diptych_in(Path.cwd(), [*arguments, "--store", store], os.environ, before=obey)


@pytest.mark.parametrize(
    "command", [("compare", "-q", "red"), ("search", "green"), ("evaluate", "-q", "red"), ("estimate",)]
)
def test_a_complete_store_that_is_read_only_is_read(
    shelved: Path, pictures: Path, command: tuple[str, ...]
) -> None:
    before = shelved.read_bytes()
    name, *rest = command
    run = as_reader(shelved, name, pictures, *rest, "-e", "palette")
    assert run.returncode == 0, run.stderr
    assert "read-only" not in run.stderr
    assert run.stdout
    assert shelved.read_bytes() == before
    if shelved.parent.stat().st_mode & 0o222 == 0:
        assert [path.name for path in shelved.parent.iterdir()] == ["s.sqlite"]


def test_what_a_read_only_store_lacks_is_found_out_and_said_not_to_be_kept(
    shelved: Path, pictures: Path
) -> None:
    run = as_reader(shelved, "compare", pictures, "-e", "palette", "-q", "blue", "-q", "white")
    assert run.returncode == 0, run.stderr
    assert "white/one.png" in run.stdout
    (line,) = [line for line in run.stderr.splitlines() if "read-only" in line]
    assert f"the store {shelved} is read-only: what is found out now is not kept" in line


def test_a_judgment_that_a_read_only_store_can_not_keep_is_refused(shelved: Path, pictures: Path) -> None:
    judged = pictures.parent / "judged.csv"
    judged.write_text("query,image,grade\nblue,blue/one.png,1\n")
    run = as_reader(shelved, "judgments", pictures, "--import", judged)
    assert run.returncode == 1
    assert f"the store {shelved} is read-only: make it writable" in run.stderr.splitlines()[-1]


def test_what_costs_money_is_not_bought_for_a_read_only_store(shelved: Path) -> None:
    code = "import sys\nfrom diptych.store.vectors import Store\n"
    code += "with Store(sys.argv[1]).turn('paid', 'paid'): print('paid')"
    command = [sys.executable, "-c", code, shelved]
    run = subprocess.run(command, capture_output=True, text=True, preexec_fn=obey_permissions)
    assert run.stdout == ""
    assert "as it is read-only: make it writable, or choose another file with --store" in run.stderr
