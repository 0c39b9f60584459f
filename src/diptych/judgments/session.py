"""A person's way through what there is to judge: one image after another, with a way back."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from diptych.judgments.ledger import record, recorded
from diptych.store.vectors import Store


class Task(NamedTuple):
    """One image to judge.

    Attributes:
        query: The query's text.
        image: The image's id.
    """

    query: str
    image: str


class Session:
    """Goes through pools, query by query; every judgment is in the store when its call returns.

    What anybody has judged is not asked again, so a session resumes where the last one stopped.

    Args:
        pools: Image ids to judge, in the order to show them, by the query's text.
        store: Where judgments are.
        by: Who judges.
    """

    def __init__(self, pools: Mapping[str, Sequence[str]], store: Store, by: str = "") -> None:
        self._store, self._by = store, by
        judged = recorded(store, pools)
        self._ahead = deque(
            Task(query, image)
            for query, images in pools.items()
            for image in images
            if image not in judged.grades(query)
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

    def left_of(self, query: str) -> int:
        """How many images of a query are still to be shown."""
        return sum(task.query == query for task in self._ahead)

    def judge(self, grade: int) -> None:
        """Judge what is shown, and go on.

        Raises:
            DiptychError: The grade is out of range, or the store can't be written to.
        """
        query, image = self._ahead[0]
        record(self._store, query, image, grade, by=self._by, blind=True)
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
