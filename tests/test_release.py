"""A release, made for real in a clone that is thrown away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import need

ROOT = Path(__file__).resolve().parents[1]


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in this folder, committed to a repository of its own."""
    need("hatchling")
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a checkout: a release is made from one")
    folder = tmp_path_factory.mktemp("release") / "diptych"
    git(ROOT, "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(folder))
    for name in ("pyproject.toml", "CHANGELOG.md", "CITATION.cff", "maintenance/release.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    git(folder, "config", "user.name", "Somebody")
    git(folder, "config", "user.email", "somebody@example.com")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "As it is here")
    return folder


def release(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, checkout / "maintenance" / "release.py", *words]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=300)


def test_a_dry_run_goes_all_the_way_and_changes_nothing(checkout: Path) -> None:
    before = git(checkout, "rev-parse", "HEAD")
    done = release(checkout, "7.0.0", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "7.0.0 can be released; nothing was changed" in done.stdout
    assert "twine upload dist/diptych-7.0.0-py3-none-any.whl dist/diptych-7.0.0.tar.gz" in done.stdout
    assert git(checkout, "rev-parse", "HEAD") == before
    assert git(checkout, "status", "--porcelain", "--ignored") == git(checkout, "tag") == ""


def test_a_release_is_committed_built_and_tagged_and_not_made_twice(checkout: Path) -> None:
    assert release(checkout, "7.0.0").returncode == 0
    assert git(checkout, "describe").strip() == "v7.0.0"
    assert 'version = "7.0.0"' in (checkout / "pyproject.toml").read_text(encoding="utf-8")
    assert "version: 7.0.0" in (checkout / "CITATION.cff").read_text(encoding="utf-8")
    assert "(unreleased)" not in (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## 7.0.0 (20" in (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    again = release(checkout, "7.0.0")
    assert again.returncode == 1
    assert again.stderr == "no release: there is a tag v7.0.0 already\n"


@pytest.mark.parametrize(
    ("version", "says"), [("0.0.1", "0.0.1 is older than 0.1.0"), ("seven", "seven is not a version")]
)
def test_what_is_no_release_is_refused_in_one_line(checkout: Path, version: str, says: str) -> None:
    done = release(checkout, version, "--dry-run")
    assert done.returncode == 1
    assert done.stderr.startswith(f"no release: {says}")
    assert done.stderr.count("\n") == 1


def test_what_is_not_committed_is_not_released(checkout: Path) -> None:
    (checkout / "README.md").write_text("# Another\n", encoding="utf-8")
    assert "not committed" in release(checkout, "7.0.0", "--dry-run").stderr
