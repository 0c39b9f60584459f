"""A turn is held by one process at a time, whatever the others do, and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from diptych.store.turns import turn
from diptych.store.vectors import Store

_COUNTER = """
import sys
from pathlib import Path
from diptych.store.turns import turn
lock, number, inside = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
sys.stdin.readline()
for _ in range(int(sys.argv[4])):
    with turn(lock, lambda: None):
        inside.touch(exist_ok=False)  # another one in here would have made it
        number.write_text(str(int(number.read_text()) + 1))
        inside.unlink()
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_of_processes_that_take_hundreds_of_turns_none_is_in_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diptych.store.turns._LOOK_EVERY", 0.0)
    lock, number = tmp_path / "lock", tmp_path / "number"
    number.write_text("0")
    code = _COUNTER.replace(
        "sys.stdin", "import diptych.store.turns as turns\nturns._LOOK_EVERY = 0\nsys.stdin"
    )
    processes = [start(code, lock, number, tmp_path / "inside", 300) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert number.read_text() == "1200"
    assert [path.name for path in tmp_path.iterdir()] == ["number"]


def test_threads_wait_for_each_other_too_and_are_told(tmp_path: Path) -> None:
    waits, done = threading.Event(), []

    def second() -> None:
        with turn(tmp_path / "lock", waits.set):
            done.append("second")

    with turn(tmp_path / "lock", lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(60)
        done.append("first")
    thread.join(60)
    assert done == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_the_turn_of_a_killed_process_ends_with_it(tmp_path: Path) -> None:
    code = "import sys\nfrom pathlib import Path\nfrom diptych.store.turns import turn\n"
    code += (
        "with turn(Path(sys.argv[1]), lambda: None):\n    print('in', flush=True)\n    sys.stdin.readline()"
    )
    holder = start(code, tmp_path / "lock")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "in\n"
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=60)
    assert (tmp_path / "lock").exists()
    with turn(tmp_path / "lock", lambda: pytest.fail("it waits for the dead")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_store_whose_turns_are_over_is_one_file(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        with store.turn("one", "one"), store.turn("two", "two"):
            assert len(list(tmp_path.glob("*.lock"))) == 2
        assert not list(tmp_path.glob("*.lock"))
