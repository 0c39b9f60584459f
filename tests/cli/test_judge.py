"""`diptych judge` as a person meets it: at a real (pseudo-)terminal, key by key; and fed with lines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from commands import run_each
from diptych.images import open_collection
from diptych.judgments.ledger import recorded
from diptych.store.judgment import Judgment
from diptych.store.vectors import Store
from support import need, picture_bytes

if TYPE_CHECKING:
    import pexpect

PROMPT = r"left[^\n]*\? "
Spawn = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.png").write_bytes(picture_bytes((20 * number, 40, 250 - 20 * number)))
    return folder


@pytest.fixture
def command(pictures: Path) -> list[str]:
    specs = ["-e", "palette", "-e", "random"]
    return [
        "-m",
        "diptych",
        "judge",
        str(pictures),
        *specs,
        "-q",
        "red",
        "-k",
        "3",
        "--below",
        "1",
        "--quiet",
    ]


@pytest.fixture
def spawn(command: list[str]) -> Spawn:
    need("pexpect")
    import pexpect

    def start(*more: str, **environment: str) -> pexpect.spawn[str]:
        kept = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
        env = {"TERM": "xterm", "DIPTYCH_PICTURES": "none", **kept}  # a terminal that is not asked
        return pexpect.spawn(
            sys.executable,
            [*command, *more],
            env=env | environment,
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 120),
        )

    return start


def said(store: Path) -> list[Judgment]:
    with Store(store) as opened:
        return list(recorded(opened).given)


def answer(child: pexpect.spawn[str], keys: str) -> str:
    """Press keys, each when it is asked for; returns what was printed meanwhile."""
    seen = ""
    for key in keys:
        child.expect(PROMPT)
        seen += str(child.before) + str(child.after)
        child.send(key)
    return seen


def ended(child: pexpect.spawn[str]) -> str:
    from pexpect import EOF

    child.expect(EOF)
    child.close()
    return str(child.before)


def test_keys_are_kept_as_judgments_and_who_found_what_is_not_told(spawn: Spawn, tmp_path: Path) -> None:
    child = spawn("--no-open", "--by", "Ada")
    seen = answer(child, "ynsuynq")
    last = ended(child)
    assert child.exitstatus == 0
    given = said(tmp_path / "store.sqlite")
    assert [j.grade for j in given] == [1, 0, 1, 0]
    assert len({j.image for j in given}) == 4
    assert all((j.query, j.by, j.blind) == ("red", "Ada", True) and j.at.endswith("Z") for j in given)
    asked = seen.partition("diptych serve")[2].partition("\n")[2]
    asked = "\n".join(line for line in asked.splitlines() if not line.startswith("Is one better, so far?"))
    assert "left" in asked
    assert "palette" not in asked
    assert "random" not in asked
    assert "4 judgments given and kept" in last
    assert "diptych evaluate" in last
    assert "-e palette -e random -q red" in last


def test_it_goes_on_where_anybody_left_off_and_says_how_many_are_left(spawn: Spawn, tmp_path: Path) -> None:
    first = spawn("--no-open", "--by", "Ada")
    first.expect(r"(\d+) in all")
    total = int(str(first.match.group(1)))  # type: ignore[union-attr]
    first.expect(r"\? ")
    first.send("y")
    answer(first, "nq")
    ended(first)
    second = spawn("--no-open", "--by", "Ben")
    second.expect(r"(\d+) in all")
    assert int(str(second.match.group(1))) == total - 2  # type: ignore[union-attr]
    second.expect(r"\? ")
    second.send("y")
    answer(second, "y" * (total - 3))
    assert "nothing is left to judge" in ended(second)
    given = said(tmp_path / "store.sqlite")
    assert len({j.image for j in given}) == len(given) == total
    third = spawn("--no-open")
    assert "0 judgments given and kept; nothing is left to judge" in ended(third)


def test_grades_from_0_to_3(spawn: Spawn, tmp_path: Path) -> None:
    child = spawn("--no-open", "--graded")
    answer(child, "3y021q")
    ended(child)
    assert [j.grade for j in said(tmp_path / "store.sqlite")] == [3, 0, 2, 1]


def test_ctrl_c_and_kill_lose_nothing(spawn: Spawn, tmp_path: Path) -> None:
    child = spawn("--no-open")
    answer(child, "yn\x03")
    assert "embeddings and judgments are saved" in ended(child)
    assert child.exitstatus == 130
    child = spawn("--no-open")
    answer(child, "y")
    child.expect(PROMPT)
    child.kill(signal.SIGKILL)
    child.close()
    assert [j.grade for j in said(tmp_path / "store.sqlite")] == [1, 0, 1]


@pytest.mark.parametrize("key", ["q", "\x03", "\x04"])
def test_the_terminal_is_left_as_it_was(command: list[str], key: str) -> None:
    need("pexpect")
    import pexpect

    script = f"trap : INT; {sys.executable} {' '.join(command)} --no-open; stty -a"
    child = pexpect.spawn("/bin/sh", ["-c", script], encoding="utf-8", timeout=60)
    answer(child, key)
    last = ended(child)
    for setting in ("icanon", "echo"):
        assert f" {setting}" in last
        assert f"-{setting} " not in last


def test_arrow_keys_and_others_are_no_answers(spawn: Spawn, tmp_path: Path) -> None:
    child = spawn("--no-open")
    child.expect(PROMPT)
    child.send("\x1b[A")
    child.expect("y yes")
    answer(child, "xq")
    ended(child)
    assert said(tmp_path / "store.sqlite") == []


def test_undoing_at_the_beginning_says_that_there_is_nothing(spawn: Spawn) -> None:
    child = spawn("--no-open")
    answer(child, "u")
    child.expect("nothing to undo")
    answer(child, "q")
    ended(child)


def piped(command: list[str], lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command, "--no-open"], input=lines, capture_output=True, text=True, timeout=60
    )


def test_answers_may_be_lines_from_a_pipe(command: list[str], tmp_path: Path) -> None:
    done = piped(command, "yes\nNo\n\nmaybe\nskip\ny\n")
    assert done.returncode == 0, done.stderr
    assert [j.grade for j in said(tmp_path / "store.sqlite")] == [1, 0, 1]
    assert str(tmp_path / "pictures") in done.stdout  # a file's path, where there is no viewer to open it
    assert "\x1b" not in done.stdout


SIX = [part for text in ("green", "blue", "dark", "bright", "yellow") for part in ("-q", text)]
"""With "red" six queries, with which a difference can be shown."""


def test_after_each_query_it_says_whether_one_is_better_so_far(command: list[str]) -> None:
    done = piped([*command, *SIX], "y\nn\nn\n" * 14)
    assert done.returncode == 0, done.stderr
    so_far = [line for line in done.stdout.splitlines() if line.startswith("Is one better, so far?")]
    assert len(so_far) >= 2
    assert any("of 6 planned" in line for line in so_far)


def test_what_was_given_before_anything_was_judged_is_a_plan_and_what_comes_after_is_none(
    command: list[str],
) -> None:
    first = piped([*command, *SIX], "y\n").stdout
    assert "run the same command with --planned 6 to continue" in first
    assert first.splitlines()[-1].endswith("--planned 6")
    later = piped([*command, *SIX], "y\n").stdout
    assert "planned" not in later
    again = piped([*command, *SIX, "--planned", "6"], "y\n").stdout
    assert "run the same command to continue" in again
    assert again.splitlines()[-1].endswith("--planned 6")


def test_so_few_queries_are_no_plan_and_what_to_do_next_is_said(command: list[str]) -> None:
    done = piped(command, "y\n" * 20)
    assert "1 query is too few to tell which is better: it takes 6 or more." in done.stdout
    assert "planned" not in done.stdout
    *_, more, following = done.stdout.splitlines()
    assert more == (
        "1 query is judged, and it takes 6 or more to tell which is better: add others to the same command"
        " with -q."
    )
    assert following.startswith("Next: diptych evaluate")


def test_where_nothing_is_judged_nothing_is_to_be_evaluated(command: list[str]) -> None:
    done = piped(command, "q\n")
    assert "0 judgments given and kept" in done.stdout
    assert "evaluate" not in done.stdout


def test_what_it_recommends_measures_what_was_judged(command: list[str]) -> None:
    done = piped([*command, "--template", "a photo of {}"], "y\n")
    said = done.stdout.splitlines()[-1]
    for part in ("diptych evaluate", "-e palette -e random", "-q red", "-k 3", "--template 'a photo of {}'"):
        assert part in said


def test_two_people_at_once_lose_nothing(spawn: Spawn, tmp_path: Path) -> None:
    ada, ben = spawn("--no-open", "--by", "Ada"), spawn("--no-open", "--by", "Ben")
    ada.expect(PROMPT), ben.expect(PROMPT)
    ada.send("y"), ben.send("n")
    answer(ada, "q"), answer(ben, "q")
    ended(ada), ended(ben)
    assert {(j.by, j.grade) for j in said(tmp_path / "store.sqlite")} == {("Ada", 1), ("Ben", 0)}


def test_a_terminal_that_can_show_pictures_is_shown_them(spawn: Spawn) -> None:
    child = spawn(DIPTYCH_PICTURES="kitty")
    child.expect_exact("\x1b_Ga=T,f=100")
    child.expect(PROMPT)
    assert ".png" not in str(child.before)
    child.send("q")
    ended(child)


def test_otherwise_a_viewer_opens_an_upright_copy(spawn: Spawn, tmp_path: Path) -> None:
    tools, opened = tmp_path / "tools", tmp_path / "opened"
    tools.mkdir()
    (tools / "xdg-open").write_text(f'#!/bin/sh\ncp "$1" {opened}.part && mv {opened}.part {opened}\n')
    (tools / "xdg-open").chmod(0o755)
    child = spawn(DISPLAY=":0", PATH=f"{tools}:{os.environ['PATH']}")
    child.expect(PROMPT)
    assert ".png" not in str(child.before)
    while not opened.exists():  # the viewer is a process of its own
        pass
    assert Image.open(opened).size == (64, 48)
    child.send("q")
    ended(child)


def test_a_query_can_not_steer_the_terminal(command: list[str]) -> None:
    done = piped([*command, "-q", "wolf\x1b]0;title\x07"], "")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout


def test_wrong_usage_exits_with_2(pictures: Path, tmp_path: Path) -> None:
    wrong = [[], ["-q", "red", "-k", "0"], ["-q", "red", "--below", "-1"]]
    for done in run_each([["judge", pictures, "-e", "palette", *more] for more in wrong], tmp_path):
        assert done.returncode == 2, done


def test_the_pool_holds_what_it_says(pictures: Path) -> None:
    import diptych

    bench = diptych.Workbench(open_collection(pictures), ["palette", "random"])
    (pool,) = bench.pool(["red"], 3, below=2).values()
    shown = pool.images
    rankings = bench.search("red", 3).queries[0].rankings.values()
    found = {hit.id for hits in rankings for hit in hits}
    assert found <= set(shown)
    assert len(shown) == len(found) + 2
    assert bench.pool(["red"], 3, below=2)["red"] == pool
