"""Attack everything and print one table: `python attacks/run.py [NAME …] [--write]`, or `make attack`.

Loopback only: nothing leaves this machine. Inputs are drawn at random from a fixed seed, so that each run
tries the same ones, as many as there is time for. Ends with status 1 where anything got through. With
`--write` the table goes into docs/security.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from outcome import SEED, Outcome, markdown, read

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "security.md"
BEGIN, END = "<!-- the table: made by attacks/run.py -->\n", "<!-- the end of the table -->\n"
SHARES = {"owner": 5, "pictures": 15, "work": 10, "files": 15, "services": 15, "kills": 25, "page": 15}
"""What each attack gets of the time."""

MORE = 2.0
"""An attack that takes so many times its share, and a minute, is ended: it hangs, or what it attacks does."""


def attack(name: str, seconds: float) -> list[Outcome]:
    """What one attack, in a process of its own, has to tell; that it failed is told, too."""
    print(f"\n== {name}, about {seconds:.0f} s", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "outcomes.json"
        command = [
            sys.executable,
            str(HERE / f"{name}.py"),
            "--seconds",
            f"{seconds:.0f}",
            "--json",
            str(path),
        ]
        process = subprocess.Popen(command, start_new_session=True)
        try:
            status = process.wait(MORE * seconds + 60)
            failed = f"it ended with status {status}" if status else ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with all that it has started
            process.wait()
            failed = "it did not end"
        rows = list(read(path))
    if failed:
        rows.append(Outcome(part=name.capitalize(), tried="the attack itself", count=1, through=(failed,)))
    return rows


def main() -> int:
    """Attack, print, maybe write; the exit status."""
    parser = argparse.ArgumentParser(description="Attack everything, on this machine alone.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(SHARES)}, corpora; by default all"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="about how long it may take in all")
    parser.add_argument("--write", action="store_true", help="put the table into docs/security.md")
    given = parser.parse_args()
    shares = SHARES | ({"corpora": 25} if os.environ.get("DIPTYCH_CORPORA") else {})
    names = given.names or list(shares)
    if unknown := set(names) - set(shares):
        parser.error(f"there is no attack {min(unknown)}: choose from {', '.join(shares)}")
    print(f"seed {SEED}")
    began, whole = time.monotonic(), sum(shares[name] for name in names)
    rows = [row for name in names for row in attack(name, 60 * given.minutes * shares[name] / whole)]
    minutes = (time.monotonic() - began) / 60
    rows.sort(key=lambda row: row.part)
    today = datetime.now(UTC).date().isoformat()
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    table = f"{markdown(rows)}\nRun on {today} in {minutes:.0f} minutes, seed {SEED}, {where}.\n"
    print(f"\n{table}")
    if given.write:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0 if all(row.held for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
