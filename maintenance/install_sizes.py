"""What an installation takes on disk: core, each extra on top of it, and all: `make sizes`.

It looks at the environment that it runs in, which must have all extras, and adds up what is in the packages
that each extra requires. Bytecode, which pip compiles, is told apart; pip itself and Python are not counted.
With a file it writes the table between two marks in it: `docs/install.md`.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- sizes: begin -->\n", "<!-- sizes: end -->\n"
LARGEST = 4
"""How many packages are named."""

Asked = dict[str, frozenset[str]]
"""Packages by canonical name, each with the extras of it that are asked for."""


def closure(requirements: Iterable[Requirement]) -> Asked:
    """All that requirements bring, and what those require in turn."""
    asked: Asked = {}
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if name in asked and extras <= asked[name]:
            continue
        asked[name] = asked.get(name, frozenset()) | extras
        further = map(Requirement, distribution(name).requires or ())
        waiting += [each for each in further if applies(each, asked[name])]
    return asked


def applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether a package that is asked for with these extras requires it here."""
    environments = [{"extra": extra} for extra in extras or {""}]
    return requirement.marker is None or any(map(requirement.marker.evaluate, environments))


def sizes(found: Distribution) -> tuple[int, int]:
    """Bytes of a package's files, and of the bytecode that was compiled of them."""
    files = [Path(str(found.locate_file(file))) for file in found.files or ()]
    there = {path: path.stat().st_size for path in files if path.is_file()}
    bytecode = sum(size for path, size in there.items() if path.suffix == ".pyc")
    return sum(there.values()) - bytecode, bytecode


def own_sizes() -> tuple[int, int]:
    """Diptych's own; it may be installed in place, as a link to the sources."""
    files = [path for path in (ROOT / "src" / "diptych").rglob("*") if path.is_file()]
    plain = sum(path.stat().st_size for path in files if path.suffix != ".pyc")
    return plain, sum(path.stat().st_size for path in files if path.suffix == ".pyc")


def row(name: str, asked: Asked, known: Asked) -> str:
    """A line of the table: what is added to what is there already."""
    added = {package: sizes(distribution(package)) for package in asked if package not in known}
    if not known:
        added["diptych"] = own_sizes()
    plain, bytecode = (sum(column) / 1e6 for column in zip(*added.values(), strict=True))
    largest = sorted(added, key=lambda package: -added[package][0])[:LARGEST]
    named = ", ".join(f"{package} {added[package][0] / 1e6:.0f}" for package in largest)
    return f"| {name} | {plain:.0f} | {plain + bytecode:.0f} | {len(added)} | {named} |"


def table() -> list[str]:
    """The lines of the table."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = closure(map(Requirement, project["dependencies"]))
    extras = {
        name: lines for name, lines in project["optional-dependencies"].items() if name in of_people(project)
    }
    lines = [
        "| | MB | with bytecode | packages | the largest, MB |",
        "|---|---|---|---|---|",
        row("`diptych`", core, {}),
        *(row(f"`[{name}]`", closure(map(Requirement, each)), core) for name, each in extras.items()),
    ]
    everything = closure(
        Requirement(line) for each in (project["dependencies"], *extras.values()) for line in each
    )
    return [*lines, row("`[all]`, with core", everything, {})]


def of_people(project: dict[str, dict[str, list[str]]]) -> set[str]:
    """The extras that `[all]` holds: the others are for those who work on Diptych."""
    (line,) = project["optional-dependencies"]["all"]
    return set(Requirement(line).extras)


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a document with the two marks in it")
    file = parser.parse_args().file
    text = "\n".join(table()) + "\n"
    if file is None:
        print(text, end="")
        return
    before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    file.write_text(f"{before}{BEGIN}{text}{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
