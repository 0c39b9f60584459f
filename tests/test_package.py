"""What a stranger installs: the wheel, in an environment of its own, without the repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support import need

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("-e", "mini-s", "-e", "mini-b", "-e", "palette")
COMPARE = ("compare", "sample", *MODELS, "-q", "wolf", "-q", "dog", "--json", "r.json", "--report", "r.html")
EVERY_MODULE = """
import importlib, pkgutil, diptych
for module in pkgutil.walk_packages(diptych.__path__, "diptych."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
LARGEST_WHEEL = 14_000_000


def build(root: Path, out: Path) -> dict[str, bytes]:
    """Wheel and sdist of the project in a folder, by their names; the index is not asked for anything."""
    need("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-d", out]
    subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=120)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    build(ROOT, out)
    return out


def needed(name: str, known: dict[str, frozenset[str]], extras: frozenset[str] = frozenset()) -> None:
    """Add a distribution to those that are known, and all that it needs."""
    name = canonicalize_name(name)
    if extras <= known.get(name, frozenset()) and name in known:
        return
    known[name] = known.get(name, frozenset()) | extras
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        markers = [{"extra": extra} for extra in (known[name] or {""})]
        if requirement.marker is None or any(requirement.marker.evaluate(each) for each in markers):
            needed(requirement.name, known, frozenset(requirement.extras))


def requirements_of_core() -> list[Requirement]:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [Requirement(line) for line in declared["project"]["dependencies"]]


def link_core_into(site_packages: Path) -> None:
    """Give an environment what `pip install diptych` would fetch, out of the one that the tests run in."""
    known: dict[str, frozenset[str]] = {}
    for requirement in requirements_of_core():
        needed(requirement.name, known, frozenset(requirement.extras))
    for name in known:
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            here = site_packages / top
            if not here.exists():
                here.symlink_to(Path(str(found.locate_file(top))))


@pytest.fixture(scope="module")
def stranger(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment in which the wheel and what it requires are installed, and nothing else."""
    root = tmp_path_factory.mktemp("stranger")
    venv.create(root, with_pip=False, symlinks=os.name != "nt")
    scripts = root / ("Scripts" if os.name == "nt" else "bin")
    (wheel,) = built.glob("*.whl")
    python = scripts / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout
    link_core_into(Path(site_packages.strip()))
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, wheel], check=True, capture_output=True, text=True)
    return scripts


def run(stranger: Path, *command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run something of the stranger's, who never saw the repository."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    first, *others = command
    return subprocess.run(
        [stranger / first, *others], cwd=folder, env=env, capture_output=True, text=True, timeout=300
    )


def test_the_wheel_alone_makes_the_demos_comparison(stranger: Path, tmp_path: Path) -> None:
    where = run(stranger, "python", "-c", "import diptych; print(diptych.__file__)", folder=tmp_path)
    assert str(stranger.parent) in where.stdout
    done = run(stranger, "diptych", *COMPARE, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    saved = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    for model in ("mini-s", "mini-b"):
        hits = saved["queries"][0]["rankings"][model]["hits"]
        assert all(hit["image"].startswith("wolf/") for hit in hits[:3])
    assert "mini-b" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "wolf/wolf-1.webp" in done.stdout


def test_every_command_and_what_is_hosted_is_there_without_an_extra(stranger: Path, tmp_path: Path) -> None:
    for arguments in (("serve", "--help"), ("emulate", "--help"), ("embedders",), ("doctor",)):
        done = run(stranger, "diptych", *arguments, folder=tmp_path)
        assert "Traceback" not in done.stderr
        assert done.stdout
    assert run(stranger, "python", "-c", EVERY_MODULE, folder=tmp_path).stderr == ""


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("clip-ViT-B-32", "pip install 'diptych[clip]'"),
        ("open_clip:ViT-B-32", "pip install 'diptych[openclip]'"),
        ("onnx:Xenova/clip-vit-base-patch32", "pip install 'diptych[onnx]'"),
        ("vertex?project=p", "pip install 'diptych[vertex]'"),
        ("bedrock", "pip install 'diptych[bedrock]'"),
    ],
)
def test_what_needs_more_says_what_to_install(stranger: Path, tmp_path: Path, spec: str, says: str) -> None:
    done = run(stranger, "diptych", "compare", "sample", "-e", spec, "-q", "wolf", folder=tmp_path)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sdist_builds_the_same_files_to_the_byte(
    built: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("unpacked")
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    for number, path in enumerate(unpacked.rglob("*")):
        os.utime(path, (1_700_000_000 + number,) * 2)
    again = build(unpacked, folder / "dist")
    assert again.keys() == {path.name for path in built.iterdir()}
    assert [name for name, data in again.items() if data != (built / name).read_bytes()] == []


def test_the_wheel_holds_the_package_and_its_licence_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.stat().st_size < LARGEST_WHEEL
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"diptych/py.typed", "diptych/embedders/mini/models/mini-b/weights.npz"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    beside = {name.split("/")[0] for name in names} - {"diptych"}
    assert [re.sub(r"[\d.]+", "-", name) for name in beside] == ["diptych--dist-info"]
