"""A session of judging: what is left, what was said, and a way back that takes it back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.errors import DiptychError
from diptych.judgments.ledger import recorded
from diptych.judgments.pool import Pool
from diptych.judgments.session import Session, Task
from diptych.store.judgment import Judgment
from diptych.store.vectors import Store

IMAGES = {"wolf": [f"{n:064x}" for n in range(4)], "dog": [f"{n:064x}" for n in range(2, 5)]}
POOLS = [Pool(query, tuple(images), (), ()) for query, images in IMAGES.items()]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s.sqlite")


def test_images_come_query_by_query_without_those_anybody_judged(store: Store) -> None:
    store.add_judgments([Judgment(query="wolf", image=IMAGES["wolf"][1], grade=0, by="Ben")])
    session = Session(POOLS, store, "Ada")
    assert session.left == 6
    assert session.task is not None
    assert (session.left_of(session.task), session.left_in(0), session.left_in(1)) == (3, 6, 0)
    seen = []
    while session.task is not None:
        seen.append(session.task)
        session.judge(1)
    assert seen == [
        *(Task("wolf", IMAGES["wolf"][n], 0) for n in (0, 2, 3)),
        *(Task("dog", image, 0) for image in IMAGES["dog"]),
    ]
    assert (session.given, session.skipped, session.left) == (6, 0, 0)
    assert Session(POOLS, store, "Ada").task is None


def test_a_grade_out_of_range_changes_nothing(store: Store) -> None:
    session = Session(POOLS, store)
    before = session.task
    with pytest.raises(DiptychError, match="grade 4"):
        session.judge(4)
    assert (session.task, session.given, len(recorded(store))) == (before, 0, 0)


@settings(max_examples=60)
@given(steps=st.lists(st.sampled_from(["0", "1", "skip", "undo"]), max_size=25))
def test_what_is_in_the_store_is_what_was_said_and_not_taken_back(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Store(tmp_path_factory.mktemp("store") / "s.sqlite") as store:
        session = Session(POOLS, store, "Ada")
        all_tasks = [Task(query, image, 0) for query, images in IMAGES.items() for image in images]
        said: list[int | None] = []
        for step in steps:
            if step == "undo":
                assert session.undo() == bool(said)
                del said[-1:]
            elif session.task is not None:
                said.append(None if step == "skip" else int(step))
                session.skip() if step == "skip" else session.judge(int(step))
            assert session.left == len(all_tasks) - len(said)
            assert session.task == (all_tasks[len(said)] if session.left else None)
            assert session.skipped == said.count(None)
        expected = {
            (task.query, task.image): grade
            for task, grade in zip(all_tasks, said, strict=False)
            if grade is not None
        }
        assert {(j.query, j.image): j.grade for j in recorded(store)} == expected
        assert all(j.blind and j.by == "Ada" for j in recorded(store))


def test_three_rounds_go_over_all_queries(store: Store) -> None:
    ids = [f"{n:064x}" for n in range(6)]
    pools = [Pool("wolf", (ids[0],), (ids[1], ids[2]), (ids[3],)), Pool("dog", (ids[4],), (), (ids[5],))]
    session = Session(pools, store)
    seen = []
    while session.task is not None:
        seen.append(session.task)
        session.judge(0)
    rounds = [("wolf", 0, 0), ("dog", 4, 0), ("wolf", 1, 1), ("wolf", 2, 1), ("wolf", 3, 2), ("dog", 5, 2)]
    assert seen == [Task(query, ids[image], number) for query, image, number in rounds]
