"""What takes long to make, made in a thread of its own: requests get the newest there is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, cast

from cachetools import LRUCache
from fastapi import HTTPException
from fastapi.concurrency import run_in_threadpool

from diptych.errors import DiptychError

_Value = TypeVar("_Value")

SOON = 0.3
"""Seconds that a request waits for what is being made, before it takes what was made last."""

AT_LAST = 60.0
"""Seconds that it waits where there is nothing to take instead."""

FOR_A_FILE = 600.0
"""Seconds that a download waits: the browser shows that it is under way, and can't come again by itself."""

_LONGEST_REST = 0.5
_MOST_WANTED = 64
"""How many different things may be waited for at once."""


class Moment(NamedTuple):
    """A state of what a page knows: equal where everything made from it is.

    Attributes:
        judgments: The number of the newest judgment.
        others: What else counts.
    """

    judgments: int
    others: Hashable


@dataclass(frozen=True)
class Made(Generic[_Value]):
    """Something that was made, or why it could not be.

    Attributes:
        of: The state it was made from.
    """

    of: Moment
    _value: _Value | None = None
    _error: Exception | None = None

    def get(self) -> _Value:
        """What was made.

        Raises:
            Exception: It could not be: whatever was raised instead.
        """
        if self._error is not None:
            raise self._error
        return cast("_Value", self._value)


@dataclass(frozen=True)
class Newest(Generic[_Value]):
    """The newest there is of something.

    Attributes:
        made: None where nothing was made yet.
        now: The state when it was asked for.
        current: Whether it was made from that state, or a later one.
    """

    made: Made[_Value] | None
    now: Moment
    current: bool

    @property
    def behind(self) -> int:
        """How many judgments were filed between the state it was made from and when it was asked for."""
        return 0 if self.made is None else max(0, self.now.judgments - self.made.of.judgments)


def made(newest: Newest[_Value]) -> _Value:
    """What was made, the newest there is.

    Raises:
        HTTPException: Nothing was made in time.
        Exception: It could not be made: whatever was raised instead.
    """
    if newest.made is None:
        raise HTTPException(503, "this takes long: try again in a few seconds", {"Retry-After": "5"})
    return newest.made.get()


class Background:
    """Makes what is asked for, one thing at a time, each at most once for every state.

    After each it rests for as long as it took, up to half a second: requests run beside it in the same
    process, and whoever judges without pause must not slow them down.

    Args:
        name: The thread's.
        now: Tells the state.
        kept: How many different things are kept, each as it was made last.
    """

    def __init__(self, name: str, now: Callable[[], Moment], kept: int = 16) -> None:
        self._now = now
        self._wanted: dict[Hashable, tuple[Callable[[], Any], Future[Made[Any]]]] = {}
        self._kept: LRUCache[Hashable, Made[Any]] = LRUCache(kept)
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def ask(self, what: Hashable, make: Callable[[], _Value]) -> tuple[Future[Made[_Value]], Moment]:
        """Have something made, unless it is there.

        Args:
            what: Tells it from other things.
            make: Makes it; called in the background.

        Returns:
            What is done once it was made from the state now or a later one, and the state now.

        Raises:
            DiptychError: Too many others wait for something.
        """
        now = self._now()
        with self._changed:
            kept: Made[Any] | None = self._kept.get(what)
            if kept is not None and kept.of == now:
                there: Future[Made[_Value]] = Future()
                there.set_result(kept)
                return there, now
            if what not in self._wanted:
                if len(self._wanted) >= _MOST_WANTED:
                    raise DiptychError("too much is being made for others: try again in a minute")
                self._wanted[what] = (make, Future())
                self._changed.notify()
            return self._wanted[what][1], now

    def lately(self, what: Hashable, make: Callable[[], _Value]) -> Made[_Value] | None:
        """What was made last, while a newer one is made; where it is the first, what comes of it soon.

        Args:
            what: Tells it from other things.
            make: Makes it; called in the background.
        """
        asked, _ = self.ask(what, make)
        if not asked.done() and self._last(what) is None:
            futures.wait([asked], SOON)
        return asked.result() if asked.done() else self._last(what)

    async def newest(
        self, what: Hashable, make: Callable[[], _Value], *, wait: float = SOON, first: float = SOON
    ) -> Newest[_Value]:
        """The newest there is of something, without holding a thread while it is made.

        Args:
            what: Tells it from other things.
            make: Makes it; called in the background.
            wait: Seconds to wait for that of the state now.
            first: The same where there is no earlier one.
        """
        asked, now = await run_in_threadpool(self.ask, what, make)
        patience = first if self._last(what) is None else wait
        await asyncio.wait([asyncio.wrap_future(asked)], timeout=patience)
        current = asked.done()
        return Newest(asked.result() if current else self._last(what), now, current)

    def _last(self, what: Hashable) -> Made[Any] | None:
        with self._changed:
            return self._kept.get(what)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._wanted:
                    self._changed.wait()
                what = next(iter(self._wanted))
                make, asked = self._wanted.pop(what)  # whoever asks from here on may ask for a later state
            kept = self._last(what)
            start = time.monotonic()
            made = self._make(make, kept)
            with self._changed:
                self._kept[what] = made
            asked.set_result(made)
            if made is not kept:
                time.sleep(min(time.monotonic() - start, _LONGEST_REST))

    def _make(self, make: Callable[[], _Value], kept: Made[_Value] | None) -> Made[_Value]:
        of = Moment(-1, None)
        try:
            of = self._now()
            if kept is not None and kept.of == of:
                return kept
            return Made(of, make())
        except Exception as error:  # noqa: BLE001 (told to whoever asks)
            return Made(of, None, error)
