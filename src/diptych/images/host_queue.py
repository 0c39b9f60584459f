"""Work handed out to threads so that no host gets too much of it at once."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class HostQueue(Generic[Item]):
    """Items that wait for their host: `limit(host)` of them are out at a time, none while the host is paused.

    An item is out from `take` to `release`. Every method may be called from any thread.

    Args:
        limit: How many items of a host may be out at once.
    """

    def __init__(self, limit: Callable[[str], int]) -> None:
        self._limit = limit
        self._waiting: dict[str, list[tuple[float, int, Item]]] = {}  # for each host a heap, soonest first
        self._out: Counter[str] = Counter()
        self._paused_until: dict[str, float] = {}
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False

    def put(self, host: str, item: Item, delay: float = 0.0) -> None:
        """Add an item that may be taken in `delay` seconds or later."""
        with self._changed:
            entry = (time.monotonic() + delay, next(self._order), item)
            heapq.heappush(self._waiting.setdefault(host, []), entry)
            self._changed.notify_all()

    def take(self) -> tuple[str, Item] | None:
        """Wait for an item whose host has room; None once the queue is stopped."""
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                soonest = math.inf
                for host, items in self._waiting.items():
                    if self._out[host] >= self._limit(host):
                        continue
                    start = max(items[0][0], self._paused_until.get(host, 0.0))
                    if start <= now:
                        return host, self._hand_out(host)
                    soonest = min(soonest, start)
                self._changed.wait(None if soonest == math.inf else soonest - now)
        return None

    def _hand_out(self, host: str) -> Item:
        items = self._waiting[host]
        _ready, _order, item = heapq.heappop(items)
        if not items:
            del self._waiting[host]
        self._out[host] += 1
        return item

    def release(self, host: str) -> None:
        """Say that an item taken for `host` is out no more."""
        with self._changed:
            self._out[host] -= 1
            self._changed.notify_all()

    def pause(self, host: str, seconds: float) -> None:
        """Hand out nothing for `host` for so long."""
        with self._changed:
            until = time.monotonic() + seconds
            self._paused_until[host] = max(until, self._paused_until.get(host, 0.0))

    def stop(self) -> None:
        """Hand out nothing any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped
