"""What `judge` asks, and what it makes of the answers."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from diptych.cli.judging.keys import Keys
from diptych.cli.judging.viewer import PictureViewer
from diptych.judgments.session import Session, Task
from diptych.text import printable

_BINARY = {"y": (1, "yes"), "n": (0, "no")}
_GRADED = {
    "0": (0, "0, irrelevant"),
    "1": (1, "1, relevant"),
    "2": (2, "2, more relevant"),
    "3": (3, "3, most relevant"),
}


_ROUNDS = {
    1: "That is enough for an estimate. What follows makes it exact, which may tell more",
    2: "By DCG nothing more can change. What follows completes the figures of each list, and decides by nDCG",
}


class Dialogue:
    """A session held on the terminal.

    Args:
        session: What to judge.
        keys: Where answers come from.
        viewer: How a picture is shown.
        graded: Whether answers are grades rather than yes or no.
        verdict: Tells which embedder is better so far; shown after each query.
    """

    def __init__(
        self,
        session: Session,
        keys: Keys,
        viewer: PictureViewer,
        *,
        graded: bool,
        verdict: Callable[[], list[str]],
    ) -> None:
        self._session, self._keys, self._viewer, self._verdict = session, keys, viewer, verdict
        self._grades = _GRADED if graded else _BINARY
        choices = "0 irrelevant · 1, 2, 3 relevant" if graded else "y yes · n no"
        self._help = f"{choices} · s skip · u undo · q quit"

    def hold(self) -> None:
        """Show picture after picture until none is left or the person has had enough."""
        before = None
        while (task := self._session.task) is not None:
            if before is None or (task.query, task.round) != (before.query, before.round):
                if before is not None:
                    self._say_verdict()
                    self._say_round(before, task)
                typer.echo(f"\n{typer.style(printable(task.query), bold=True)}   {self._help}\n")
            before = task
            self._viewer.show(task.image)
            if not self._take_answer(task):
                typer.echo("")
                break
        if self._session.given:
            self._say_verdict()

    def _say_verdict(self) -> None:
        for said in self._verdict():
            typer.echo(f"Is one better, so far? {printable(said)}")

    def _say_round(self, before: Task, task: Task) -> None:
        """Where another round begins, say what it is for: a person may stop here."""
        if task.round > before.round:
            typer.echo(f"\n{_ROUNDS[task.round]} ({self._session.left_in(task.round)} pictures; q to stop).")

    def _take_answer(self, task: Task) -> bool:
        """Take one answer to what is shown; returns whether to go on."""
        self._keys.forget()
        while True:
            typer.echo(f"{self._left(task)} · {printable(task.query)}? ", nl=False)
            sys.stdout.flush()
            key = self._keys.read()
            if key in {"q", ""}:
                return False
            typer.echo(self._said(key))
            if key in self._grades or key in {"s", "u"}:
                return True

    def _said(self, key: str) -> str:
        """Do what a key stands for, and say what was done."""
        if key in self._grades:
            grade, words = self._grades[key]
            self._session.judge(grade)
            return words
        if key == "s":
            self._session.skip()
            return "skipped"
        if key == "u":
            return "undone" if self._session.undo() else "nothing to undo"
        return self._help

    def _left(self, task: Task) -> str:
        of_query, in_all = self._session.left_of(task), self._session.left
        return f"{of_query:,} left" if of_query == in_all else f"{of_query:,} left, {in_all:,} in all"
