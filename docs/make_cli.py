"""Print docs/cli.md, every command with its help: `python docs/make_cli.py > docs/cli.md`."""

from __future__ import annotations

import os
import subprocess
import sys

COMMANDS = (
    "compare",
    "search",
    "embed",
    "estimate",
    "judge",
    "judgments",
    "evaluate",
    "threshold",
    "filter",
    "serve",
    "embedders",
    "doctor",
    "emulate",
    "emulate vertex",
)

HEAD = """# The command line

Results go to standard output, everything else to standard error. Exit status: 0 done (skipped pictures are
reported, not an error), 1 failed with a reason in one line, 2 wrong usage, 130 stopped by Ctrl-C; what
was embedded stays stored in every case. `SOURCE` is explained in [pictures.md](pictures.md), `SPEC` in
[embedders.md](embedders.md).

| variable | meaning |
|---|---|
| `DIPTYCH_STORE` | the file that vectors are kept in |
| `DIPTYCH_CACHE` | the folder of downloads; it may be deleted at any time |
| `DIPTYCH_PRICES` | a file with [your own prices](embedders/hosted.md#what-it-costs) of hosted models |
| `DIPTYCH_PICTURES` | how this terminal shows pictures: `kitty`, `iterm2`, `sixel` or `none` |
| `DIPTYCH_CONTACT` | your e-mail or web page, told to picture servers; Wikimedia requires it |
"""

EXPORT = """
## What `--export DIR` writes

| file | holds |
|---|---|
| `result.json` | the comparison, as [json.md](json.md) says |
| `rankings.csv` | every hit: query, kind, embedder, rank, image, id, label, score; no cell is a formula |
| `queries.tsv` | the queries by their ids in the runs |
| `run.EMBEDDER.trec` | TREC runs, pictures by id, for trec_eval, ir-measures, ranx; with judgments complete |
| `qrels.trec` | what is relevant, where there are judgments |
| `vectors/EMBEDDER.npz` | names, ids, vectors, texts, text_vectors; `-e vectors:FILE` opens it again |
"""


def help_of(command: str) -> str:
    """A command's help, without colours, 100 columns wide."""
    plain = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    run = subprocess.run(
        [sys.executable, "-m", "diptych", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | plain,
    )
    return "\n".join(line.rstrip() for line in run.stdout.strip().splitlines())


def main() -> None:
    """Print the page."""
    parts = [HEAD, *(f"## diptych {command}\n\n```\n{help_of(command)}\n```\n" for command in COMMANDS)]
    sys.stdout.write("\n".join(parts) + EXPORT)


if __name__ == "__main__":
    main()
