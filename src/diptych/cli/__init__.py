"""The command line: parse, call, print.

Results go to standard output, everything else to standard error. Exit status: 0 done, 1 failed with a reason
in one line, 2 wrong usage.
"""

from __future__ import annotations

# The commands, in the order of `diptych --help`.
# isort: off
from diptych.cli import rankings, serve, judge, judgments, evaluate, threshold, filtering, tools, emulate

# isort: on
from diptych.cli.app import main

__all__ = [
    "emulate",
    "evaluate",
    "filtering",
    "judge",
    "judgments",
    "main",
    "rankings",
    "serve",
    "threshold",
    "tools",
]
