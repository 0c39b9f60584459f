"""The command line: parse, call, print.

Results go to standard output, everything else to standard error. Exit status: 0 done, 1 failed with a reason
in one line, 2 wrong usage.
"""

from __future__ import annotations

# their commands
from diptych.cli import emulate, evaluate, filtering, judge, judgments, page, rankings, threshold, tools
from diptych.cli.app import main

__all__ = [
    "emulate",
    "evaluate",
    "filtering",
    "judge",
    "judgments",
    "main",
    "page",
    "rankings",
    "threshold",
    "tools",
]
