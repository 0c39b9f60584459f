"""Print docs/statistics.md: `python docs/make_statistics.py > docs/statistics.md`.

The frame is docs/statistics.in.md. In it, `{{ module:Name }}` becomes the table of a dataclass's concepts, of
a mapping of concepts, or of one concept; `{{ $ command }}` becomes the command with what it prints.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from diptych.concept import Concept, concepts

FRAME = Path(__file__).with_name("statistics.in.md")
HEAD = "| | figure | how to read it | range | unit-free | source |\n|---|---|---|---|---|---|\n"


def table(reference: str) -> str:
    """The concepts that `module:Name` holds, one per row."""
    module, _, name = reference.partition(":")
    found = getattr(importlib.import_module(module), name)
    if isinstance(found, Concept):
        named: Mapping[str, Concept] = {"": found}
    else:
        named = found if isinstance(found, Mapping) else concepts(found)
    return HEAD + "\n".join(row(key, concept) for key, concept in named.items())


def row(key: str, concept: Concept) -> str:
    """One line of a table."""
    cells = (
        f"`{key}`" if key else "",
        concept.name,
        concept.reading,
        concept.range,
        "yes" if concept.unit_free else "no",
        concept.source,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def run(command: str) -> str:
    """A command with what it prints, in a store of its own."""
    program, *arguments = shlex.split(command)
    starts = {"diptych": ["-m", "diptych"], "python": []}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, *starts[program], *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"DIPTYCH_STORE": str(Path(folder) / "store.sqlite")},
        )
    lines = "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())
    return f"```\n$ {command}\n{lines}\n```"


def fill(match: re.Match[str]) -> str:
    """What stands in the place of one pair of braces."""
    inside = match[1].strip()
    return run(inside.removeprefix("$").strip()) if inside.startswith("$") else table(inside)


def main() -> None:
    """Print the page."""
    page = re.sub(r"^\{\{(.+)\}\}$", fill, FRAME.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
