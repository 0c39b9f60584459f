"""The other end of `apart`: a process that decodes pictures, each within its processor time.

A question is a line of JSON, then the file. The answers are `{"turn": [width, height, bytes]}` as soon as the
size is known, and the memory that it takes, on which a line must come before pixels are decoded, then
`{"size": [width, height]}` and the pixels, or `{"reason": …, "damaged": …}`. Where the time is used up, the
system ends the process.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import IO

from diptych.images.apart import ask, strips
from diptych.images.decode import decode_here
from diptych.images.formats import format_of
from diptych.images.limits import Limits, UnreadablePicture
from diptych.images.memory import return_memory
from diptych.images.work import allowed_seconds

_SMALL = 4_000_000
"""Pixels, of which what stays with the allocator is not worth asking for."""

_LONGEST = 1e6
"""Seconds, more than which no timer takes everywhere."""


def serve() -> None:
    """Decode what is asked for, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes: who asked will say
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := questions.readline():
        asked = json.loads(line)
        limits = Limits(*asked["limits"])
        pixels = _answer(questions.read(asked["bytes"]), limits, asked["at_least"], questions, answers)
        _end_after(0)
        if pixels > _SMALL:
            return_memory()


def _answer(
    data: bytes, limits: Limits, at_least: int | None, questions: IO[bytes], answers: IO[bytes]
) -> int:
    """Answer for one file; returns how many pixels it had, 0 where it could not be read."""
    kind = format_of(data[:4096]) or ""
    asked = False

    def turn(width: int, height: int, much: int) -> None:
        nonlocal asked
        if not asked:  # a file that lacks its end is tried twice
            asked = True
            _end_after(0)
            ask(answers, {"turn": [width, height, much + len(data)]})  # which lies here a second time
            questions.readline()
            _end_after(allowed_seconds(limits, kind, width, height))

    _end_after(limits.seconds)
    try:
        image = decode_here(data, kind, limits, at_least, turn)
    except UnreadablePicture as error:
        ask(answers, {"reason": str(error), "damaged": error.damaged})
        return 0
    _end_after(0)
    ask(answers, {"size": image.size})
    for top, rows in strips(image):
        answers.write(image.crop((0, top, image.width, top + rows)).tobytes())
    answers.flush()
    return image.width * image.height


def _end_after(seconds: float) -> None:
    """Let the system end this process when it has worked so long; 0 for no end."""
    if hasattr(signal, "setitimer"):
        # Its default is to end the process, at once, whatever a decoder does.
        signal.setitimer(signal.ITIMER_PROF, min(seconds, _LONGEST))
