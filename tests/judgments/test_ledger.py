"""Judgments in the store: nothing given is lost, whatever happens; what is taken back counts no more."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.errors import DiptychError
from diptych.judgments.ledger import record, recorded
from diptych.store.judgment import Judgment
from diptych.store.vectors import Store


def image(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def word(query: str = "wolf", number: int = 0, grade: int = 1, by: str = "", at: str = "") -> Judgment:
    return Judgment(query=query, image=image(number), grade=grade, by=by, at=at, blind=number % 2 == 0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s.sqlite")


def test_judgments_come_back_as_they_were_given(store: Store) -> None:
    given = [
        word("a wolf's “héad”", 1, 0, "Zoë", "2026-11-25T12:00:00Z"),
        word("写真", 2, 3, "", "2026-11-25T12:00:01+01:00"),
        word("写真", 3, 1),
    ]
    store.add_judgments(given)
    with Store(store.path) as again:
        assert sorted(recorded(again).given, key=str) == sorted(given, key=str)


def test_only_the_queries_asked_for_are_read(store: Store) -> None:
    store.add_judgments([word("wolf"), word("dog"), word("'); DROP TABLE judgment; --")])
    assert recorded(store, ["dog", "'); DROP TABLE judgment; --"]).queries == (
        "dog",
        "'); DROP TABLE judgment; --",
    )
    assert recorded(store, []).queries == ()
    assert len(recorded(store)) == 3


def test_the_latest_word_counts_and_all_are_kept(store: Store) -> None:
    store.add_judgments([word(grade=1)])
    store.add_judgments([word(grade=0)])
    assert recorded(store).grades("wolf") == {image(0): 0}
    assert len(recorded(store).given) == 2


def test_what_is_taken_back_makes_room_for_the_word_before(store: Store) -> None:
    store.add_judgments([word(grade=3), word(grade=1)])
    record(store, "wolf", image(0), None)
    assert recorded(store).grades("wolf") == {image(0): 3}
    record(store, "wolf", image(0), None)
    assert recorded(store).grades("wolf") == {}
    record(store, "wolf", image(0), None)  # nothing is left to take back
    store.add_judgments([word(grade=2)])
    assert recorded(store).grades("wolf") == {image(0): 2}
    assert len(store.judgments()) == 6


def test_nobody_takes_back_another_persons_word(store: Store) -> None:
    store.add_judgments([word(by="Ada", grade=1), word(by="Ben", grade=0)])
    record(store, "wolf", image(0), None, by="Ada")
    assert [(j.by, j.grade) for j in recorded(store)] == [("Ben", 0)]


@settings(max_examples=50)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.sampled_from([None, 0, 1, 2, 3])), max_size=20
    )
)
def test_words_and_take_backs_are_a_stack_for_each_person_and_pair(
    steps: list[tuple[str, int, int | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    stacks: dict[tuple[str, int], list[int]] = {}
    with Store(tmp_path_factory.mktemp("store") / "s.sqlite") as store:
        for by, number, grade in steps:
            stack = stacks.setdefault((by, number), [])
            if grade is not None:
                store.add_judgments([word(number=number, grade=grade, by=by)])
                stack.append(grade)
            else:
                record(store, "wolf", image(number), None, by=by)
                del stack[-1:]
        standing = recorded(store).given
    for (by, number), stack in stacks.items():
        assert [j.grade for j in standing if (j.by, j.image) == (by, image(number))] == stack


def test_a_text_that_can_not_be_stored_is_refused_and_nothing_is_stored(store: Store) -> None:
    with pytest.raises(DiptychError, match="not valid Unicode"):
        store.add_judgments([word("wolf"), word("\ud800")])
    assert store.judgments() == []


_JUDGE = """
import sys
from diptych.store.judgment import Judgment
from diptych.store.vectors import Store
path, by, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Store(path) as store:
    for n in range(count):
        store.add_judgments([Judgment(query=f"query {n % 3}", image=f"{n:064x}", grade=n % 4, by=by)])
        print(n, flush=True)
"""


def judge(path: Path, by: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _JUDGE, str(path), by, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_that_judge_at_once_lose_nothing(tmp_path: Path) -> None:
    judges = [judge(tmp_path / "s.sqlite", by, 60) for by in ("Ada", "Ben")]
    for process in judges:
        process.communicate(timeout=60)
    assert [process.returncode for process in judges] == [0, 0]
    with Store(tmp_path / "s.sqlite") as store:
        given = recorded(store).given
    for by in ("Ada", "Ben"):
        assert [int(j.image, 16) for j in given if j.by == by] == list(range(60))


@pytest.mark.parametrize("after", [0, 1, 20])
def test_a_killed_judge_loses_nothing_that_was_said(tmp_path: Path, after: int) -> None:
    process = judge(tmp_path / "s.sqlite", "Ada", 100_000)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(after + 1)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Store(tmp_path / "s.sqlite") as store:
        given = [int(j.image, 16) for j in recorded(store).given]
    assert given[: len(said)] == said
    assert given == list(range(len(given)))
