"""Every verdict: how often it errs, and how much it sees: `python benchmarks/verdicts.py [PART …] [--quick]`.

The parts are `better` (is one better?), `break` (does a list break?, what stands out), `alike` (do they rank
alike?, means and separation over queries) and `promise` (thresholds); each is a script of its own, with what
people would use instead beside it. `--write` puts the tables of `better` into docs/statistics.in.md. All of
it takes long; `--quick` draws about a tenth as much, with larger Monte-Carlo errors.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import verdict_better

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "statistics.in.md"
BEGIN, END = "<!-- made by benchmarks/verdict_better.py -->\n", "<!-- end -->\n"
OTHERS = {
    "break": ("verdict_break.py", ("--splits", "60"), ("--splits", "8")),
    "alike": ("verdict_alike.py", ("1000",), ("200",)),
    "promise": ("verdict_promise.py", ("--draws", "200"), ("--draws", "20")),
}
"""By name the script, its arguments, and those for a quick look."""
REPEATS, FEW = 1000, 200


def main() -> None:
    """Print the parts, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["better", *OTHERS], metavar="PART")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true", help="the tables of `better` into the docs")
    asked = parser.parse_args()
    if "better" in (asked.parts or ["better"]):
        _better(FEW if asked.quick else REPEATS, write=asked.write)
    for name, (script, whole, quick) in OTHERS.items():
        if name in (asked.parts or OTHERS):
            command = [sys.executable, str(HERE / script), *(quick if asked.quick else whole)]
            subprocess.run(command, check=True)


def _better(repeats: int, *, write: bool) -> None:
    tables = []
    for table in verdict_better.tables(repeats):
        print(table.text(), flush=True)
        tables.append(table.markdown())
    if write:
        text = PAGE.read_text(encoding="utf-8")
        before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
        PAGE.write_text(text[:before] + "\n".join(tables) + text[after:], encoding="utf-8")


if __name__ == "__main__":
    main()
