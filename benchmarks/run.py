"""Run every speed benchmark and write one table: `python benchmarks/run.py [NAME …]`, or `make bench`.

Writes benchmarks/results.json, and the same as a table into docs/performance.md. With names, only those are
run anew, the long ones too; the others' rows stay as they are. A machine that does something else meanwhile
gives wrong figures.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from table import Row, markdown

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "performance.md"
COMMANDS = {
    "embedding": ("embedding.py",),
    "embedding-200": ("embedding.py", "--pictures", "200"),
    "one-pass": ("one_pass.py",),
    "decoding": ("decoding.py",),
    "hosted": ("hosted.py",),
    "searching": ("searching.py",),
    "analysis": ("analysis.py",),
    "again": ("again.py",),
    "opening": ("opening.py",),
    "opening-1000000": ("opening.py", "--rows", "1000000"),
    "memory": ("memory.py",),
    "memory-5000": ("memory.py", "--pictures", "5000"),
    "page": ("serve.py",),
    "page-memory": ("page_memory.py",),
}
"""By name, each in a process of its own, in the table's order."""

LONG = {"embedding-200", "opening-1000000", "memory-5000", "page", "page-memory"}
"""Run only when they are named."""

BEGIN, END = "<!-- the table: made by benchmarks/run.py -->\n", "<!-- the end of the table -->\n"
PACKAGES = (
    "numpy", "pillow", "torch", "sentence-transformers", "transformers", "onnxruntime", "faiss-cpu",
    "usearch",
)  # fmt: skip


def machine() -> str:
    """What it was measured on, in a line."""
    packages = []
    for name in PACKAGES:
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()},"
        f" {', '.join(packages)}"
    )


def processor() -> str:
    """Its name, and the widest numbers that it computes with."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set(facts.get("flags", "").split())
    best = next((name for name in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if name in flags), "no AVX2")
    return f"{facts.get('model name', platform.machine())} ({best})"


def measure(name: str) -> dict[str, Any]:
    """Run one benchmark; its rows, when they were measured, and how long that took."""
    print(f"\n== {name}", flush=True)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "rows.json"
        script, *options = COMMANDS[name]
        subprocess.run([sys.executable, str(HERE / script), *options, "--json", str(path)], check=True)
        rows = json.loads(path.read_text(encoding="utf-8"))
    today = datetime.now(UTC).date().isoformat()
    took = round(time.perf_counter() - start)
    return {"measured": today, "machine": machine(), "seconds": took, "rows": rows}


def table(results: dict[str, Any]) -> str:
    """All rows, and below them where they were measured."""
    rows = [Row(**row) for name in COMMANDS if name in results for row in results[name]["rows"]]
    machines: dict[str, list[str]] = {}
    for name in COMMANDS:
        if name in results:
            where = f"Measured on {results[name]['measured']} on {results[name]['machine']}"
            machines.setdefault(where, []).append(name)
    if len(machines) == 1:
        return f"{markdown(rows)}\n{next(iter(machines))}.\n"
    return "\n".join(
        [markdown(rows), *(f"{where}: {', '.join(some)}.\n" for where, some in machines.items())]
    )


def write(results: dict[str, Any]) -> None:
    """Keep the results, and put the table into the page."""
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure, write, print the table."""
    names = sys.argv[1:] or [name for name in COMMANDS if name not in LONG]
    if unknown := set(names) - set(COMMANDS):
        raise SystemExit(f"there is no benchmark {min(unknown)}: choose from {', '.join(COMMANDS)}")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in names:
        results[name] = measure(name)
        write(results)
    print(f"\n{table(results)}\n{sum(results[name]['seconds'] for name in names)} s in all")


if __name__ == "__main__":
    main()
