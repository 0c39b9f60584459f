"""A person's way through what there is to judge: one image after another, with a way back."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from diptych.judgments.ledger import record, recorded
from diptych.judgments.pool import Pool
from diptych.store.vectors import Store


class Task(NamedTuple):
    """One image to judge.

    Attributes:
        query: The query's text.
        image: The image's id.
        round: In which round it comes: 0 is enough for an estimate of which embedder is better, 1 makes it
            exact, 2 can't change it.
    """

    query: str
    image: str
    round: int


class Session:
    """Goes through pools; every judgment is in the store when its call returns.

    It goes round three times: over all queries with what tells soonest which embedder is better, then with
    what makes that exact, then with what only completes the picture of each list. What anybody has judged is
    not asked again, so a session resumes where the last one stopped.

    Args:
        pools: What to judge.
        store: Where judgments are.
        by: Who judges.
    """

    def __init__(self, pools: Sequence[Pool], store: Store, by: str = "") -> None:
        self._store, self._by = store, by
        judged = recorded(store, [pool.query for pool in pools])
        rounds = zip(*((pool.first, pool.telling, pool.others) for pool in pools), strict=True)
        self._ahead = deque(
            Task(pool.query, image, number)
            for number, of_round in enumerate(rounds)
            for pool, images in zip(pools, of_round, strict=True)
            for image in images
            if image not in judged.grades(pool.query)
        )
        self._behind: list[tuple[Task, int | None]] = []

    @property
    def task(self) -> Task | None:
        """What to judge now; None at the end."""
        return self._ahead[0] if self._ahead else None

    @property
    def left(self) -> int:
        """How many images are still to be shown."""
        return len(self._ahead)

    @property
    def given(self) -> int:
        """How many judgments were given in this session."""
        return sum(grade is not None for _, grade in self._behind)

    @property
    def skipped(self) -> int:
        """How many images were left without a judgment."""
        return len(self._behind) - self.given

    def left_of(self, task: Task) -> int:
        """How many images of its query and round are still to be shown."""
        return sum((each.query, each.round) == (task.query, task.round) for each in self._ahead)

    def left_in(self, number: int) -> int:
        """How many images of a round are still to be shown."""
        return sum(task.round == number for task in self._ahead)

    def judge(self, grade: int) -> None:
        """Judge what is shown, and go on.

        Raises:
            DiptychError: The grade is out of range, or the store can't be written to.
        """
        task = self._ahead[0]
        record(self._store, task.query, task.image, grade, by=self._by, blind=True)
        self._behind.append((self._ahead.popleft(), grade))

    def skip(self) -> None:
        """Leave what is shown without a judgment for now, and go on."""
        self._behind.append((self._ahead.popleft(), None))

    def undo(self) -> bool:
        """Go back to what was shown before, and take back what was said of it.

        Returns:
            Whether there was anything.
        """
        if not self._behind:
            return False
        task, grade = self._behind[-1]
        if grade is not None:
            record(self._store, task.query, task.image, None, by=self._by)
        del self._behind[-1]
        self._ahead.appendleft(task)
        return True
