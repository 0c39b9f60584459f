"""How long it takes to import Diptych and to print its help: `python benchmarks/startup.py`.

Prints the median and the spread of whole processes, and the same for a bare interpreter to compare with.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import diptych'": ["-c", "import diptych"],
    "diptych --help": ["-m", "diptych", "--help"],
}
BARS = {"python -c 'import diptych'": 0.3, "diptych --help": 0.4}


def seconds(arguments: list[str]) -> float:
    """Wall-clock time of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print one line a command."""
    print(f"{'command':30} {'median':>8} {'fastest':>8} {'slowest':>8} {'bar':>6}")
    for name, arguments in COMMANDS.items():
        times = [seconds(arguments) for _ in range(RUNS)]
        bar = f"{BARS[name]:.1f} s" if name in BARS else ""
        print(f"{name:30} {statistics.median(times):6.3f} s {min(times):6.3f} s {max(times):6.3f} s {bar:>6}")


if __name__ == "__main__":
    main()
