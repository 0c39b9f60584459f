"""Pictures that an embedder failed on for now: tried again by a later run, at most once a day.

What is noted lies in the cache: it says no more than when it is worth while to ask again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection as Items
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from diptych.cache import recall, remember
from diptych.http import clock_time

AGAIN_AFTER = 24 * 60 * 60.0
"""Seconds before a picture that failed by itself is sent again: each try may cost something."""


class _Note(NamedTuple):
    """What is noted of a picture.

    Attributes:
        reason: Why it failed.
        at: When it last did, in seconds since 1970.
        blamed: Whether it is to blame: then it is not sent again for a day.
    """

    reason: str
    at: float
    blamed: bool

    @property
    def waits(self) -> bool:
        return self.blamed and 0.0 <= time.time() - self.at < AGAIN_AFTER

    def __str__(self) -> str:
        again = f"; not tried again before {clock_time(self.at + AGAIN_AFTER)}" if self.blamed else ""
        return f"{self.reason}{again}"


class SetAside:
    """What one embedder failed on, in the runs with one store.

    A picture is blamed only where the embedder took others meanwhile, or failed on it twice: where it failed
    on all, it was down, and the next run asks at once.

    Args:
        store: The store's file.
        fingerprint: Of the embedder.
    """

    def __init__(self, store: Path, fingerprint: str) -> None:
        where = hashlib.sha256(f"{store.absolute()}\n{fingerprint}".encode()).hexdigest()
        self._prefix = f"set aside {where} "
        self._notes: dict[str, _Note] = {}

    def recall(self, items: Items[str]) -> None:
        """Read what was noted of these pictures."""
        found = recall(self._prefix + item for item in items)
        notes = {key.removeprefix(self._prefix): _parse(fact) for key, fact in found.items()}
        self._notes = {item: note for item, note in notes.items() if note is not None}

    def __contains__(self, item: str) -> bool:
        """Whether an earlier run failed on a picture."""
        return item in self._notes

    def waiting(self) -> dict[str, str]:
        """The pictures that are not to be sent today, with what is to be said of each."""
        return {item: str(note) for item, note in self._notes.items() if note.waits}

    def reason(self, item: str) -> str:
        """What is to be said of a picture that an earlier run failed on."""
        return str(self._notes[item])

    def note(self, failed: Mapping[str, str], *, others_did_well: bool) -> dict[str, str]:
        """Remember that pictures failed, and say of each why and when it is tried again.

        Args:
            failed: Reasons by image id.
            others_did_well: Whether the embedder took other pictures in the same run, and to its end.
        """
        now = time.time()
        notes = {
            item: _Note(reason, now, others_did_well or item in self._notes)
            for item, reason in failed.items()
        }
        if notes:
            remember({self._prefix + item: note for item, note in notes.items()})
        return {item: str(note) for item, note in notes.items()}


def _parse(fact: Any) -> _Note | None:
    """A note as it was remembered; None for anything else: a file in the cache may hold what it will."""
    match fact:
        case [str(reason), int() | float() as at, bool(blamed)]:
            return _Note(reason, at, blamed)
    return None
