"""The flow of rooms, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HEAVY = {
    "fastapi", "google.auth", "httpx2", "jinja2", "matplotlib", "onnxruntime", "pandas", "pyarrow", "scipy",
    "sentence_transformers", "torch", "transformers",
}  # fmt: skip


def test_data_flows_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert run.returncode == 0, run.stdout


def test_no_class_name_stands_for_two_things() -> None:
    sources = Path(__file__).parents[1].joinpath("src").rglob("*.py")
    classes = Counter(
        node.name
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in classes.items() if times > 1] == []


_HELP = """
import contextlib, sys
from diptych.cli import main
sys.argv = ["diptych", "--help"]
with contextlib.suppress(SystemExit):
    main()
"""


@pytest.mark.parametrize(
    "code",
    [
        "import diptych",
        "import diptych.cli",
        "from diptych.embedders.registry import providers\n[entry.load() for entry in providers().values()]",
        _HELP,
    ],
    ids=["import diptych", "import diptych.cli", "every provider's module", "diptych --help"],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    """A process that only imports, or only helps, loads no model library."""
    look = "\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code + look], capture_output=True, text=True, check=True)
    assert set(run.stderr.split()) & HEAVY == set()


def test_every_public_name_is_there_and_no_other() -> None:
    import diptych

    assert dir(diptych) == sorted(diptych.__all__)
    assert all(getattr(diptych, name) is not None for name in diptych.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Wurkbench'"):
        _ = diptych.Wurkbench  # type: ignore[attr-defined]
