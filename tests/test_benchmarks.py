"""The benchmarks and the attacks can be started: nothing that they import has moved away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ATTACKS = Path(__file__).parents[1] / "attacks"


@pytest.mark.parametrize("folder", [BENCHMARKS, ATTACKS])
def test_every_script_imports(folder: Path) -> None:
    names = sorted(path.stem for path in folder.glob("*.py"))
    code = f"import importlib\nfor name in {names}:\n    importlib.import_module(name)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr


def test_pictures_and_files_that_are_almost_right_are_used_or_refused() -> None:
    """The first few that `make attack` tries: seeds are right, and what they become is refused in words."""
    code = """
import json, sys, files, pictures, seeds
shown = {name: pictures.decoded(data) for name, data in seeds.seeds().items()}
words = [pictures.attempt(number) for number in range(300)] + [files.attempt(number) for number in range(60)]
print(json.dumps([shown, words]))
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ATTACKS, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    shown, words = json.loads(run.stdout)
    assert set(shown.values()) == {"shown"}, shown
    assert {"shown", "skipped", "stores: used", "the cache: used"} <= set(words)


def test_every_function_that_the_stopwatch_watches_is_there() -> None:
    code = """
import importlib, stopwatch
for places in stopwatch.WATCHED.values():
    for place in places:
        module, _, name = place.partition(":")
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
