"""Whether the terminal shows pictures, and how: it is asked."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from diptych.errors import DiptychError

try:
    import fcntl
    import struct
    import termios
    import tty
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from diptych.present.terminal.picture import Screen

VARIABLE = "DIPTYCH_PICTURES"
"""The environment variable that says how the terminal shows pictures, in place of the terminal's answer."""

_CHOICES = ("kitty", "iterm2", "sixel", "none")

_QUESTION = (
    "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"  # kitty's protocol: would this picture do?
    "\x1b[>q"  # XTVERSION: the terminal's name and version
    "\x1b[16t"  # the size of a character in pixels
    "\x1b[c"  # DA1: what it can do; every terminal answers this, so whatever it says, it says before
)
_LAST_ANSWER = re.compile(r"\x1b\[\?([\d;]*)c")
_SECONDS = 1.0
_SPEAK_ITERM2 = ("iTerm2", "WezTerm", "mintty")
_ANSWER_NOTHING = {"dumb", "linux", ""}


def find_screen(environment: Mapping[str, str] = os.environ) -> Screen | None:
    """How the terminal shows pictures; None where it shows none, or nobody sits at one.

    Raises:
        DiptychError: The environment variable says what is not possible.
    """
    from diptych.present.terminal.picture import Screen

    chosen = environment.get(VARIABLE, "")
    if chosen and chosen not in _CHOICES:
        raise DiptychError(f"{VARIABLE} is {chosen!r}: set it to one of {', '.join(_CHOICES)}")
    if chosen == "none" or not sys.stdout.isatty():
        return None
    size = _cell_by_system()
    if chosen in {"kitty", "iterm2", "sixel"}:
        return Screen(chosen, size) if size else Screen(chosen)  # type: ignore[arg-type]
    if termios is None or not sys.stdin.isatty() or environment.get("TERM", "") in _ANSWER_NOTHING:
        return None
    return read_answer(_ask(), size)


def read_answer(answer: str, cell: tuple[int, int] | None = None) -> Screen | None:
    """What a terminal's answers say of it.

    Args:
        answer: All that it answered.
        cell: A character's size in pixels, where the system knows it.
    """
    from diptych.present.terminal.picture import Protocol, Screen

    able = _LAST_ANSWER.search(answer)
    protocol: Protocol | None = None
    if "\x1b_Gi=31;OK" in answer:
        protocol = "kitty"
    elif re.search(rf"\x1bP>\|({'|'.join(_SPEAK_ITERM2)})\b", answer):
        protocol = "iterm2"
    elif able and "4" in able[1].split(";"):
        protocol = "sixel"
    if protocol is None:
        return None
    told = re.search(r"\x1b\[6;(\d+);(\d+)t", answer)
    if cell is None and told and int(told[1]) and int(told[2]):
        cell = int(told[2]), int(told[1])
    return Screen(protocol) if cell is None else Screen(protocol, cell)


def _ask() -> str:
    """Ask the terminal and wait for its last answer, for a second where it answers nothing."""
    answer, until = "", time.monotonic() + _SECONDS
    with _unheard(sys.stdin.fileno()) as file:
        sys.stdout.write(_QUESTION)
        sys.stdout.flush()
        while not _LAST_ANSWER.search(answer):
            left = until - time.monotonic()
            if left <= 0 or not select.select([file], [], [], left)[0]:
                break
            answer += os.read(file, 1024).decode("latin-1")
        sys.stdout.write("\r\x1b[K")  # where one wrote out what it did not understand
        sys.stdout.flush()
    return answer


@contextmanager
def _unheard(file: int) -> Iterator[int]:
    """Read a terminal without waiting for Enter and without showing what comes."""
    before = termios.tcgetattr(file)
    tty.setcbreak(file)
    try:
        yield file
    finally:
        termios.tcsetattr(file, termios.TCSAFLUSH, before)


def _cell_by_system() -> tuple[int, int] | None:
    """The width and height of a character in pixels; None where the system does not know them."""
    if termios is None:
        return None
    try:
        told = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
    except OSError:
        return None
    lines, columns, width, height = struct.unpack("HHHH", told)
    if not (lines and columns and width >= columns and height >= lines):
        return None
    return width // columns, height // lines
