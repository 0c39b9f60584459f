"""Whether the terminal shows pictures: commands ask it, over a pseudo-terminal whose other end answers as
terminals do, whole or piece by piece."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diptych.cli.screen import read_answer
from support import need, picture_bytes

if TYPE_CHECKING:
    import pexpect

QUESTION_ENDS = "\x1b[c"
# What terminals answer to the question, by their own documents.
KITTY = ["\x1b_Gi=31;OK\x1b\\", "\x1bP>|kitty(0.42.1)\x1b\\", "\x1b[6;22;11t", "\x1b[?62;52;c"]
ITERM2 = ["\x1bP>|iTerm2 3.5.10\x1b\\", "\x1b[6;20;10t", "\x1b[?64;1;2;4;6;17;18;21;22c"]
FOOT = ["\x1bP>|foot(1.20.2)\x1b\\", "\x1b[6;18;9t", "\x1b[?62;4;22;28c"]
XTERM = ["\x1bP>|XTerm(390)\x1b\\", "\x1b[?64;1;9;15;21;22;28c"]
DENIES = ["\x1b_Gi=31;ENOTSUP:no\x1b\\", "\x1b[?62;c"]


@pytest.mark.parametrize(
    ("answers", "protocol", "cell"),
    [
        (KITTY, "kitty", (11, 22)),
        (ITERM2, "iterm2", (10, 20)),
        (FOOT, "sixel", (9, 18)),
        (XTERM, None, None),
        (DENIES, None, None),
        (["\x1b[?14;4c"], "sixel", (10, 20)),
        ([""], None, None),
    ],
)
def test_an_answer_says_what_a_terminal_shows(
    answers: list[str], protocol: str | None, cell: tuple[int, int] | None
) -> None:
    screen = read_answer("".join(answers))
    assert (screen and screen.protocol) == protocol
    assert (screen and screen.cell) == cell


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.png").write_bytes(picture_bytes((20 * number, 40, 250 - 20 * number)))
    return folder


def terminal(*command: object, **environment: str) -> pexpect.spawn[str]:
    need("pexpect")
    import pexpect

    env = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY", "DIPTYCH_PICTURES"}}
    return pexpect.spawn(
        sys.executable,
        ["-m", "diptych", *map(str, command)],
        env=env | {"TERM": "xterm-256color"} | environment,
        encoding="utf-8",
        timeout=120,
        dimensions=(40, 100),
    )


def answer(child: pexpect.spawn[str], answers: list[str]) -> None:
    child.expect_exact(QUESTION_ENDS)
    for piece in answers:
        child.send(piece)


def compare(pictures: Path) -> list[object]:
    return ["compare", pictures, "-e", "palette", "-e", "random", "-q", "red", "--pictures"]


SHOWN = [(KITTY, r"\x1b_Ga=T,f=100"), (ITERM2, r"\x1b\]1337;File=inline=1"), (FOOT, r"\x1bP0;1;0q")]


@pytest.mark.parametrize(("answers", "begins"), SHOWN, ids=["kitty", "iterm2", "sixel"])
def test_compare_shows_a_strip_for_each_embedder_after_the_verdict(
    pictures: Path, answers: list[str], begins: str
) -> None:
    child = terminal(*compare(pictures))
    answer(child, answers)
    child.expect("Is one better")
    for _ in range(2):
        child.expect(begins)
    child.expect("--full")
    child.wait()
    assert child.exitstatus == 0


def test_where_the_terminal_shows_none_that_is_said(pictures: Path) -> None:
    child = terminal(*compare(pictures))
    answer(child, XTERM)
    child.expect("can't show pictures")
    child.expect("diptych serve")
    child.expect("--full")
    assert "\x1b_G" not in str(child.before)


def test_judge_shows_pictures_or_says_that_it_can_not_and_names_the_page(pictures: Path) -> None:
    command = ["judge", pictures, "-e", "palette", "-q", "red", "-k", "3"]
    shows = terminal(*command)
    answer(shows, FOOT)
    shows.expect(r"\x1bP0;1;0q")
    assert "can't show" not in str(shows.before)
    shows.expect(r"left[^\n]*\? ")
    shows.send("q")
    names = terminal(*command)
    answer(names, XTERM)
    names.expect(r"This terminal can't show pictures: each is named\.")
    names.expect(re.escape(f"diptych serve {pictures} -e palette"))
    names.expect(r"left[^\n]*\? ")
    names.send("q")


def test_what_is_set_is_believed_without_asking(pictures: Path) -> None:
    child = terminal(*compare(pictures), DIPTYCH_PICTURES="sixel")
    child.expect(r"\x1bP0;1;0q")
    assert QUESTION_ENDS not in str(child.before)
    none = terminal(*compare(pictures), DIPTYCH_PICTURES="none")
    none.expect("can't show pictures")
    wrong = terminal(*compare(pictures), DIPTYCH_PICTURES="ascii")
    wrong.expect("set it to one of kitty, iterm2, sixel, none")


def test_a_terminal_that_answers_nothing_is_not_waited_for_long(pictures: Path) -> None:
    child = terminal(*compare(pictures))
    child.expect("can't show pictures")
    child.expect("--full")
