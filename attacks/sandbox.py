"""Attempts in processes of their own, with a limit of memory and of time for each.

A module of attempts has a function `attempt(number)`, which makes the input of that number, tries it and
returns a word for what came of it; what it raises got through, as does what ends the process. The number
alone makes the input: `python attacks/sandbox.py MODULE NUMBER` tries it again, alone.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import select
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_AT_ONCE = 20  # numbers that a process is given together
_NOWHERE = "http://127.0.0.1:9"  # whatever an input names, it is not asked


@dataclass
class Tally:
    """What came of many attempts.

    Attributes:
        words: How often each word was returned.
        through: What got through: the number, and why.
        seconds: The most processor time that one attempt took.
        slowest: Which that was.
        peak: The most memory of a process, in MB.
    """

    words: Counter[str] = field(default_factory=Counter)
    through: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0
    slowest: int = -1
    peak: float = 0.0

    @property
    def tried(self) -> int:
        """How many attempts were made."""
        return self.words.total() + len(self.through)


class _Victim:
    """A process that makes attempts."""

    def __init__(self, module: str, megabytes: int) -> None:
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE)
        self._process = subprocess.Popen(
            [sys.executable, __file__, module, "--megabytes", str(megabytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **proxies, "NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"},
        )
        self._waiting = b""

    def send(self, numbers: range) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{numbers.start} {numbers.stop} {numbers.step}\n".encode())
        self._process.stdin.flush()

    def line(self, seconds: float) -> dict[str, Any] | str:
        """What it says of its next attempt, or why it says nothing more."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        while b"\n" not in self._waiting:
            if not select.select([output], [], [], seconds)[0]:
                self.end()
                return f"no end within {seconds:g} s"
            more = os.read(output, 1 << 16)
            if not more:
                return f"the process ended with {self._process.wait()}"
            self._waiting += more
        line, _, self._waiting = self._waiting.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def attack(module: str, seconds: float, *, megabytes: int, longest: float, most: float = math.inf) -> Tally:
    """Make attempts until the time is over, with a process for each core.

    Args:
        module: Which has `attempt`.
        seconds: How long to go on.
        megabytes: Address space that a process may take.
        longest: Seconds that one attempt may take, by the clock.
        most: How many attempts there are at most.
    """
    tally, lock, cores = Tally(), threading.Lock(), os.cpu_count() or 1
    end = time.monotonic() + seconds

    def work(first: int) -> None:
        victim, number = _Victim(module, megabytes), first
        while time.monotonic() < end and number < most:
            numbers = range(number, number + cores * _AT_ONCE, cores)
            victim.send(numbers)
            for number in numbers:
                said = victim.line(longest)
                with lock:
                    _count(tally, number, said)
                if isinstance(said, str):
                    victim = _Victim(module, megabytes)
                    break
            number += cores
        victim.end()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(cores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def _count(tally: Tally, number: int, said: dict[str, Any] | str) -> None:
    if isinstance(said, str):
        tally.through.append((number, said))
        return
    if said["seconds"] > tally.seconds:
        tally.seconds, tally.slowest = said["seconds"], number
    tally.peak = max(tally.peak, said["peak"])
    if said["raised"]:
        tally.through.append((number, said["raised"]))
    else:
        tally.words[said["word"]] += 1


def _try(module: Any, number: int) -> dict[str, Any]:
    began, word, raised = time.process_time(), "", ""
    try:
        word = module.attempt(number)
    except Exception as error:  # noqa: BLE001 (that is what is looked for)
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = str(error).replace("\n", " ")[:200]
        raised = f"{type(error).__name__}: {text} ({Path(where.filename).name}:{where.lineno})"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"word": word, "raised": raised, "seconds": time.process_time() - began, "peak": peak}


def _be_attacked(module: Any, megabytes: int) -> None:
    warnings.simplefilter("ignore")
    module.attempt(0)  # imports what it needs, before memory is counted
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else writes there
    for line in sys.stdin:
        for number in range(*map(int, line.split())):
            print(json.dumps(_try(module, number)), file=answers, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    loaded = importlib.import_module(sys.argv[1])
    if sys.argv[2] == "--megabytes":
        _be_attacked(loaded, int(sys.argv[3]))
    else:
        print(_try(loaded, int(sys.argv[2])))
