"""Many commands in one process, for what ends before anything is embedded: imports are paid for once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_ONE_AFTER_ANOTHER = """
import contextlib, io, json, sys

from diptych.cli import main


def outcome(arguments):
    sys.argv = ["diptych", *arguments]
    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as exit_:
            status = exit_.code or 0
    return status, out.getvalue(), err.getvalue()


print(json.dumps([outcome(arguments) for arguments in json.loads(sys.argv[1])]))
"""


def run_each(
    commands: Sequence[Sequence[object]], folder: Path, env: Mapping[str, str] | None = None
) -> list[subprocess.CompletedProcess[str]]:
    """What each command of `diptych` prints and how it exits, all run in one process in this folder."""
    words = [list(map(str, arguments)) for arguments in commands]
    command = [sys.executable, "-c", _ONE_AFTER_ANOTHER, json.dumps(words)]
    run = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, timeout=120)
    assert run.returncode == 0, run.stderr
    outcomes = json.loads(run.stdout)
    return [
        subprocess.CompletedProcess(arguments, *outcome)
        for arguments, outcome in zip(words, outcomes, strict=True)
    ]
