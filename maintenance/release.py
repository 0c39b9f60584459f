"""Make a release: `make release VERSION=0.2.0`, and first `make release VERSION=0.2.0 DRY=1`.

Version, changelog and citation are written and committed, wheel and sdist built, the commit tagged.
What goes out of this machine (pushing, uploading) is printed, not done. A dry run does all of it in a clone
that is thrown away.
"""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
UNRELEASED = re.compile(r"^## (\S+) \(unreleased\)\n\n(.+?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class NotReadyError(Exception):
    """Why there can be no release; one line."""


def git(root: Path, *words: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReadyError(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def check_beginning(root: Path, version: str) -> None:
    """Refuse a release of what is not committed, not newer, or has nothing to tell."""
    before = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    try:
        newer = Version(version) >= Version(before)
    except InvalidVersion:
        raise NotReadyError(f"{version} is not a version: write one such as 0.2.0") from None
    if not newer:
        raise NotReadyError(f"{version} is older than {before}, which pyproject.toml has")
    if git(root, "status", "--porcelain", "--untracked-files=no"):
        raise NotReadyError("there are changes that are not committed: commit or stash them")
    if f"v{version}" in git(root, "tag").splitlines():
        raise NotReadyError(f"there is a tag v{version} already")
    if UNRELEASED.search((root / "CHANGELOG.md").read_text(encoding="utf-8")) is None:
        raise NotReadyError("CHANGELOG.md has no part '## VERSION (unreleased)' with entries in it")


def replace(path: Path, pattern: str, by: str) -> None:
    """Replace what must be there once."""
    text, count = re.subn(pattern, by, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    if not count:
        raise NotReadyError(f"{path.name} has no line like {pattern}")
    path.write_text(text, encoding="utf-8")


def write_version(root: Path, version: str, day: str) -> None:
    """Write version and day wherever they stand, and commit that."""
    replace(root / "pyproject.toml", r'^version = ".*"$', f'version = "{version}"')
    replace(root / "CHANGELOG.md", r"^## \S+ \(unreleased\)$", f"## {version} ({day})")
    replace(root / "CITATION.cff", r"^version: .*$", f"version: {version}")
    replace(root / "CITATION.cff", r"^date-released: .*$", f"date-released: {day}")
    git(root, "commit", "--all", "--quiet", "--message", f"Release {version}")


def build(root: Path, version: str) -> list[Path]:
    """Build wheel and sdist into `dist/` and look whether they are what they should be."""
    out = root / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReadyError(f"hatchling: {done.stderr.strip()[-500:]}")
    built = [out / f"diptych-{version}-py3-none-any.whl", out / f"diptych-{version}.tar.gz"]
    if missing := [path.name for path in built if not path.is_file()]:
        raise NotReadyError(f"{', '.join(missing)} was not built")
    with zipfile.ZipFile(built[0]) as wheel:
        metadata = Parser().parsestr(wheel.read(f"diptych-{version}.dist-info/METADATA").decode())
    if metadata["Version"] != version or not metadata.get_payload():
        raise NotReadyError("the wheel's metadata lack the version or the README")
    return built


def release(root: Path, version: str, day: str) -> list[str]:
    """Make a release in a checkout; what is left to do, as lines to run."""
    check_beginning(root, version)
    write_version(root, version, day)
    built = build(root, version)
    git(root, "tag", "--annotate", f"v{version}", "--message", f"Diptych {version}")
    files = " ".join(path.relative_to(root).as_posix() for path in built)
    return [f"git push origin HEAD v{version}", f"python -m twine upload {files}"]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("version")
    parser.add_argument("--dry-run", action="store_true", help="in a clone that is thrown away")
    arguments = parser.parse_args()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    try:
        if arguments.dry_run:
            check_beginning(ROOT, arguments.version)
            with tempfile.TemporaryDirectory() as folder:
                git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), folder)
                for name in ("user.name", "user.email"):
                    git(Path(folder), "config", name, "dry-run")
                left = release(Path(folder), arguments.version, today)
            print(f"{arguments.version} can be released; nothing was changed. Afterwards one would run:")
        else:
            left = release(ROOT, arguments.version, today)
            print(f"{arguments.version} is committed, built and tagged. To publish it:")
    except NotReadyError as error:
        raise SystemExit(f"no release: {error}") from None
    print(*(f"    {line}" for line in left), sep="\n")


if __name__ == "__main__":
    main()
