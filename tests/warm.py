"""Commands of `diptych`, each in a process of its own that begins with everything imported.

A process that is forked from one that has imported the package starts in no time; importing it anew for each
command was half of what the tests of commands took. What is about starting itself uses `subprocess`.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_FORKS = """
import importlib, json, os, pkgutil, sys

import numpy.random, rich.markdown, rich.progress, rich.table, rich.traceback
from pydantic import TypeAdapter

import diptych.cli, diptych.doctor, diptych.embedders.palette, diptych.embedders.random, diptych.workbench
import diptych.present.html.report, diptych.present.terminal as terminal
import diptych.result.assess, diptych.result.saved, diptych.thresholds.learn
from diptych.cli import main

for module in pkgutil.iter_modules(terminal.__path__, "diptych.present.terminal."):
    importlib.import_module(module.name)

answers = os.fdopen(os.dup(1), "w", buffering=1)
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(job["cwd"])
        os.environ.clear()
        os.environ.update(job["env"])
        sys.path[:0] = filter(None, job["env"].get("PYTHONPATH", "").split(os.pathsep))
        for number, name in enumerate((os.devnull, job["out"], job["err"])):
            os.dup2(os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY), number)
        sys.stdin = open(0)
        sys.argv = ["diptych", *job["arguments"]]
        exec(job["before"])
        main()
        sys.exit(0)
    answers.write(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])) + "\\n")
"""


@cache
def _forks() -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", _FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(started.communicate)  # it ends where nothing more is asked
    return started


def diptych_in(
    folder: Path, arguments: Sequence[object], env: Mapping[str, str], before: str = ""
) -> subprocess.CompletedProcess[str]:
    """What a command prints and how it exits, run in a folder; where the system has no fork, as usual.

    Args:
        folder: The working directory.
        arguments: What follows `diptych`.
        env: The whole environment.
        before: Python that the process runs first, such as what limits it; only where the system forks.
    """
    words = list(map(str, arguments))
    if not hasattr(os, "fork"):
        assert not before
        command = [sys.executable, "-m", "diptych", *words]
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, timeout=300)
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        job = {"arguments": words, "cwd": str(folder), "env": dict(env), "before": before}
        job |= {"out": out.name, "err": err.name}
        forks = _forks()
        assert forks.stdin is not None
        assert forks.stdout is not None
        forks.stdin.write(json.dumps(job) + "\n")
        forks.stdin.flush()
        status = int(forks.stdout.readline())
        printed = [Path(file.name).read_text(encoding="utf-8") for file in (out, err)]
    return subprocess.CompletedProcess(words, status, *printed)
