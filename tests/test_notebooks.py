"""The notebooks: run from top to bottom in a real kernel, offline, and saved as their sources have them."""

from __future__ import annotations

import importlib.util
import re
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import diptych
from diptych.embedders import load
from diptych.emulators.vertex import VertexEmulator
from diptych.images.wikimedia import is_wikimedia
from support import need, picture_bytes

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
NAMES = ["compare_embedders", "is_the_stratification_real"]


@pytest.fixture(scope="module")
def make() -> ModuleType:
    for module in ("nbclient", "nbformat", "ipykernel", "ipywidgets", "pandas"):
        need(module)
    spec = importlib.util.spec_from_file_location("make_notebooks", NOTEBOOKS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def saved(name: str) -> Any:
    import nbformat

    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def text_of(notebook: Any) -> str:
    """All that a notebook's cells show."""
    shown = [
        output.get("text") or output.data.get("text/html") or output.data["text/plain"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    return "\n".join(shown)


def test_every_source_is_tested(make: ModuleType) -> None:
    assert [source.stem for source in make.SOURCES] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_top_to_bottom_without_network_or_account(
    make: ModuleType, name: str, tmp_path: Path
) -> None:
    notebook = make.run(make.build(NOTEBOOKS / f"{name}.py"), tmp_path)
    assert make.problems(notebook) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_saved_notebook_is_made_from_its_source(make: ModuleType, name: str) -> None:
    import nbformat

    notebook = saved(name)
    nbformat.validate(notebook)
    built = make.build(NOTEBOOKS / f"{name}.py")

    def source(of: Any) -> list[Any]:
        return [(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in of.cells]

    assert source(notebook) == source(built), f"run: make notebooks ({name}.ipynb is not as {name}.py has it)"
    assert notebook.metadata.colab == built.metadata.colab


@pytest.mark.parametrize("name", NAMES)
def test_the_saved_outputs_are_those_of_a_run_offline_and_say_so(make: ModuleType, name: str) -> None:
    notebook = saved(name)
    assert make.problems(notebook) == []
    assert "outputs saved here are" in notebook.cells[0].source
    assert "built-in models" in notebook.cells[0].source
    shown = text_of(notebook)
    assert re.search(r"mini-b.{0,4}mini-s", shown)
    assert re.search(r"/(home|root|tmp|work|Users)/", shown) is None
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < 1_500_000


@pytest.mark.parametrize("name", NAMES)
def test_progress_is_one_line_a_task_and_stays(name: str) -> None:
    shown = text_of(saved(name))
    for embedder in ("mini-b", "mini-s"):
        assert (
            len(re.findall(rf"<small>embedding with {embedder}: 120 of 120, .* a second</small>", shown)) == 1
        )
    assert "<progress" not in shown


def test_outside_a_notebook_nobody_watches(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    need("ipykernel")
    import ipykernel.zmqshell  # as in a process that only happens to have it

    (tmp_path / "one.png").write_bytes(picture_bytes())
    diptych.Workbench(tmp_path / "one.png", ["palette"]).embed()
    assert ipykernel.zmqshell.ZMQInteractiveShell.initialized() is False
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_ready_for_colab(name: str) -> None:
    notebook = saved(name)
    assert "https://colab.research.google.com/assets/colab-badge.svg" in notebook.cells[0].source
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    fields = re.findall(r"^(\w+) = \S.*  #@param", code, re.MULTILINE)
    if name == "compare_embedders":
        assert {"install_from", "pictures", "contact", "addresses", "folder", "clip", "project"} <= set(
            fields
        )
        assert "auth.authenticate_user()" in code
        assert "files.upload()" in code
        for query in ("dog with bird in its mouth", "golden retriever", "wolf", "dog"):
            assert f'"{query}"' in code


def test_the_pictures_on_commons_have_addresses_that_the_downloader_knows_and_a_licence(
    make: ModuleType,
) -> None:
    cells = make.build(NOTEBOOKS / "compare_embedders.py").cells
    (told,) = [cell.source for cell in cells if "| licence |" in cell.source]
    (code,) = [cell.source for cell in cells if "COMMONS =" in cell.source]
    scope: dict[str, Any] = {}
    exec(code[code.index("COMMONS =") : code.index("if contact")], scope)
    pages = [unquote(page) for page in re.findall(r"/wiki/File:(\S+)\) \|", told)]
    assert [urlsplit(address).path.rsplit("/", 1)[1] for address in scope["COMMONS"]] == pages
    assert len(pages) == len(set(pages)) == 7
    assert all(is_wikimedia(urlsplit(address).hostname or "") for address in scope["COMMONS"])


COLAB = """
import os, sys
sys.path.insert(0, {folder!r})
os.environ.update({environment!r})
import google.colab
"""

FILES = """
def upload():
    return {{{archive!r}: b""}}

def download(name):
    print("downloaded", name)
"""

OUTPUT = """
def no_vertical_scroll():
    pass
"""

AUTH = """
def authenticate_user():
    print("signed in")
"""


def in_colab(folder: Path, archive: Path) -> None:
    """Write a stand-in for what Colab gives a notebook: uploads, downloads, signing in, room to show."""
    package = folder / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "files.py").write_text(FILES.format(archive=str(archive)))
    (package / "auth.py").write_text(AUTH)
    (package / "output.py").write_text(OUTPUT)


def filled_in(code: str, **fields: object) -> str:
    """A cell with its form fields filled in."""
    for name, value in fields.items():
        code, found = re.subn(
            rf"^{name} = .*  #@param", f"{name} = {value!r}  #@param", code, flags=re.MULTILINE
        )
        assert found <= 1
    return code


@pytest.mark.filterwarnings("ignore:palette knows")
def test_an_uploaded_zip_is_compared_with_vertex_after_signing_in(make: ModuleType, tmp_path: Path) -> None:
    """Colab and Google stood in for: the notebook's own cells, over HTTP, against the emulator."""
    from nbformat.v4 import new_code_cell

    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as pictures:
        for label, colour in {"dog": (120, 80, 40), "wolf": (90, 90, 110), "cat": (220, 160, 60)}.items():
            for number in range(3):
                shade = tuple(min(255, part + 20 * number) for part in colour)
                pictures.writestr(f"{label}/{number}.png", picture_bytes(shade))
    in_colab(tmp_path / "colab", archive)
    notebook = make.build(NOTEBOOKS / "compare_embedders.py")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = filled_in(
                cell.source,
                pictures="a ZIP",
                clip="none",
                project="any&requests_per_minute=0",
                download=True,
            )
    with VertexEmulator(load("palette")) as emulator:
        environment = {"GOOGLE_VERTEX_BASE_URL": emulator.url, "VERTEX_ACCESS_TOKEN": "any"}
        start = COLAB.format(folder=str(tmp_path / "colab"), environment=environment)
        notebook.cells.insert(0, new_code_cell(f"{start}print('as in Colab')"))
        (tmp_path / "run").mkdir()
        make.run(notebook, tmp_path / "run")
        sent = {served.sha256 for served in emulator.served if served.status == 200}
    shown = text_of(notebook)
    errors = [problem for problem in make.problems(notebook) if "DiptychWarning" not in problem]
    assert errors == []
    assert "this is Colab" in shown
    assert "signed in" in shown
    assert "9 pictures (a ZIP), 0 skipped" in shown
    assert re.search("wolf: [23] relevant", shown)
    assert "downloaded report.html" in shown
    assert len(sent) > 9
