"""Commands of `diptych`, each in a process of its own that begins with everything imported.

A process that is forked from one that has imported the package starts in no time; importing it anew for each
command was half of what the tests of commands took. What is about starting itself uses `subprocess`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_FORKS = """
import importlib, json, os, pkgutil, signal, sys

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
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is the command's, once it is one
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
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        exec(job["before"])
        main()
        sys.exit(0)
    answers.write(json.dumps(child) + "\\n")
    answers.write(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])) + "\\n")
"""


class Forks:
    """A process that has imported the package, and forks off one command at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    def start(
        self,
        folder: Path,
        arguments: Sequence[str],
        env: Mapping[str, str],
        out: str,
        err: str,
        before: str = "",
    ) -> Forked:
        """Begin a command in a folder, and before it some Python; the one before must have ended."""
        job = {"arguments": arguments, "cwd": str(folder), "env": dict(env), "before": before}
        job |= {"out": out, "err": err}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        return Forked(self)

    def said(self) -> int:
        """The next number that it tells: a command's process, then its exit status."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def says(self) -> bool:
        """Whether it has something to tell."""
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def end(self) -> None:
        """Ask for no more."""
        self._process.communicate()


class Forked:
    """A command that was begun, as a `subprocess.Popen` is used.

    Attributes:
        pid: Its process.
        returncode: Its exit status, negative where a signal ended it; None while it runs.
    """

    def __init__(self, forks: Forks) -> None:
        self._forks = forks
        self.pid = forks.said()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        return self.wait() if self.returncode is not None or self._forks.says() else None

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        if self.returncode is None:
            self.returncode = self._forks.said()
        return self.returncode

    def send_signal(self, by: signal.Signals) -> None:
        """Send a signal, where it still runs."""
        if self.poll() is None:
            os.kill(self.pid, by)


@cache
def _forks() -> Forks:
    started = Forks()
    atexit.register(started.end)
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
        status = _forks().start(folder, words, env, out.name, err.name, before).wait()
        printed = [Path(file.name).read_text(encoding="utf-8") for file in (out, err)]
    return subprocess.CompletedProcess(words, status, *printed)
