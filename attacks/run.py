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
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from outcome import SEED, Outcome, markdown, read

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "security.md"
BEGIN, END = "<!-- the table: made by attacks/run.py -->\n", "<!-- the end of the table -->\n"
LANES = (("owner", "pictures", "work", "files", "kills"), ("services",))
"""Those of one lane come one after another, beside the other's: hostile services make us wait, not work."""

ALONE = ("page",)
"""Come when all others are done, as it is measured how soon somebody is answered."""

SHARES = {"owner": 3, "pictures": 10, "work": 7, "files": 10, "kills": 18, "services": 48, "page": 45}
"""How the time is shared out."""

PLANNED = 0.88
"""Of the time; the rest is for what takes as long as it takes."""

CORPORA = 15
"""The same for the corpora, where somebody has them; the others get less then."""

MORE = 2.0
"""An attack that takes so many times its share, and a minute, is ended: it hangs, or what it attacks does."""


def attack(name: str, seconds: float) -> list[Outcome]:
    """What one attack, in a process of its own, has to tell; that it failed is told, too."""
    print(f"== {name}, about {seconds:.0f} s", flush=True)
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


def attack_all(names: Sequence[str], shares: Mapping[str, float], seconds: float) -> list[Outcome]:
    """What attacks have to tell, within about so many seconds."""
    lanes = [[name for name in lane if name in names] for lane in (*LANES, ALONE)]
    lanes[0] += [name for name in names if name not in (*LANES[0], *LANES[1], *ALONE)]
    *together, alone = ([(name, shares[name]) for name in lane] for lane in lanes)
    longest = max(sum(share for _, share in lane) for lane in together)
    of_share = PLANNED * seconds / (longest + sum(share for _, share in alone))

    def attack_each(lane: Sequence[tuple[str, float]]) -> list[Outcome]:
        return [row for name, share in lane for row in attack(name, of_share * share)]

    with ThreadPoolExecutor(len(together)) as threads:
        rows = [row for rows in threads.map(attack_each, together) for row in rows]
    return rows + attack_each(alone)


def main() -> int:
    """Attack, print, maybe write; the exit status."""
    parser = argparse.ArgumentParser(description="Attack everything, on this machine alone.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(SHARES)}, corpora; by default all"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="about how long it may take in all")
    parser.add_argument("--write", action="store_true", help="put the table into docs/security.md")
    given = parser.parse_args()
    shares = SHARES | ({"corpora": CORPORA} if os.environ.get("DIPTYCH_CORPORA") else {})
    names = given.names or list(shares)
    if unknown := set(names) - set(shares):
        parser.error(f"there is no attack {min(unknown)}: choose from {', '.join(shares)}")
    print(f"seed {SEED}")
    began = time.monotonic()
    rows = attack_all(names, shares, 60 * given.minutes)
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
