"""What a person presses: single keys on a terminal, without Enter; elsewhere the first letter of a line."""

from __future__ import annotations

import os
import select
import sys
from types import TracebackType

try:
    import termios
    import tty
except ImportError:  # Windows: lines, on its terminals too
    termios = tty = None  # type: ignore[assignment]

_ESCAPE, _END = "\x1b", "\x04"


class Keys:
    """Reads standard input key by key; a context manager that leaves the terminal as it was."""

    def __init__(self) -> None:
        self.single = termios is not None and sys.stdin.isatty()
        self._file = sys.stdin.fileno()

    def __enter__(self) -> Keys:
        if self.single:
            self._before = termios.tcgetattr(self._file)
            tty.setcbreak(self._file)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.single:
            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    def forget(self) -> None:
        """Throw away what was pressed so far on a terminal: it does not answer what is shown only now."""
        if self.single:
            termios.tcflush(self._file, termios.TCIFLUSH)

    def read(self) -> str:
        """The next key, a line's first letter, or "" at the end of the input."""
        if not self.single:
            line = sys.stdin.readline()
            return (line.strip()[:1].lower() or "\n") if line else ""
        key = os.read(self._file, 1).decode("latin-1").lower()
        if key == _ESCAPE:  # an arrow or a function key: several characters that are not keys of their own
            while select.select([self._file], [], [], 0)[0]:
                os.read(self._file, 1)
        return "" if key == _END else key
