"""The benchmarks can be started: nothing that they import has moved away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_every_benchmark_imports() -> None:
    names = sorted(path.stem for path in BENCHMARKS.glob("*.py"))
    code = f"import importlib\nfor name in {names}:\n    importlib.import_module(name)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr


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
