"""The pictures that image libraries are tested with: `DIPTYCH_CORPORA=FOLDER python attacks/corpora.py`.

A folder for each project, with whatever files it has, many of them damaged on purpose. Each file that calls
itself a picture must be shown or skipped with one line, in bounded time and memory.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

from outcome import Outcome, tell
from sandbox import attack

from diptych.images import UnreadablePicture, decode
from diptych.images.limits import Limits

MEGABYTES = 4000
LIMITS = Limits()


@functools.cache
def files() -> list[Path]:
    """All of them, in an order that stays."""
    return sorted(path for path in Path(os.environ["DIPTYCH_CORPORA"]).rglob("*") if path.is_file())


def attempt(number: int) -> str:
    """Decode one; beyond the last there is nothing to do."""
    if number >= len(files()):
        return "no more"
    path = files()[number]
    if path.stat().st_size > LIMITS.bytes:
        return "skipped"
    try:
        decode(path.read_bytes(), LIMITS)
    except UnreadablePicture as error:
        if "\n" in str(error) or "enough memory" in str(error):
            raise ValueError(f"skipped with {str(error)!r}") from error
        return "skipped"
    return "shown"


def outcomes(seconds: float) -> Iterator[Outcome]:
    """A row for the files, one for their work, one for their memory; nothing where nobody has any."""
    if not os.environ.get("DIPTYCH_CORPORA") or not files():
        print("DIPTYCH_CORPORA names no folder of public corpora: left out")
        return
    tally = attack("corpora", seconds, megabytes=MEGABYTES, longest=200.0, most=len(files()))
    shown, skipped = tally.words["shown"], tally.words["skipped"]
    count = shown + skipped + len(tally.through)
    yield Outcome(
        part="Pictures", tried="files of public corpora: shown, or skipped with one line", count=count,
        through=tuple(f"{files()[number].name}: {why}" for number, why in tally.through),
        note=f"{shown:,} shown, {skipped:,} skipped, of {len(files()):,}",
    )  # fmt: skip
    yield Outcome(
        part="Work", tried="processor time of a file of public corpora", count=count,
        worst=tally.seconds, most=87.0, unit="s",
        note=files()[tally.slowest].name if 0 <= tally.slowest < len(files()) else "",
    )  # fmt: skip
    yield Outcome(
        part="Memory",
        tried="of decoding files of public corpora",
        count=count,
        worst=tally.peak,
        most=2000,
        unit="MB",
    )


if __name__ == "__main__":
    tell(outcomes)
