"""What a person sees: commands in a real terminal, tmux's, whose screen is read."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import missing

SOCKET = f"diptych-test-{os.getpid()}"


def tmux(*arguments: str) -> str:
    command = ["tmux", "-L", SOCKET, "-f", os.devnull, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def _server() -> Iterator[None]:
    if shutil.which("tmux") is None:
        missing("tmux is not installed (apt-get install tmux)")
    yield
    subprocess.run(["tmux", "-L", SOCKET, "kill-server"], capture_output=True, timeout=60)


def seen(width: int, folder: Path, *command: str) -> list[str]:
    """The screen after a command, without what is empty at its end."""
    words = shlex.join([sys.executable, "-m", "diptych", *command])
    done = folder / f"done-{width}"
    size = ("-x", str(width), "-y", "80")
    tmux("new-session", "-d", "-s", f"w{width}", *size, f"unset COLUMNS LINES; {words}; touch {done}; cat")
    until = time.monotonic() + 120
    while not done.exists():
        assert time.monotonic() < until, tmux("capture-pane", "-p", "-t", f"w{width}")
        time.sleep(0.05)
    return tmux("capture-pane", "-p", "-t", f"w{width}").rstrip().splitlines()


@pytest.mark.usefixtures("_server")
def test_three_embedders_and_their_verdict_can_be_read_at_every_width(tmp_path: Path) -> None:
    command = [
        "compare",
        "sample",
        "-e",
        "mini-s",
        "-e",
        "mini-b",
        "-e",
        "palette",
        "-q",
        "a purple background",
    ]
    for width in (60, 80, 100, 200):
        screen = seen(width, tmp_path, *command, "-k", "5", "--pictures")
        text = "\n".join(screen)
        assert "this terminal can't show pictures" in text.replace("\n", "")
        assert "\x1b" not in text
        assert "AAAA" not in text, "what asks the terminal leaves nothing behind"
        for words in ("Is one better?", "A mini-s", "B mini-b", "C palette", "--full prints"):
            assert words in text, f"{width}: {text}"
        assert text.index("Is one better?") < text.index("A mini-s")
