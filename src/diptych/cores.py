"""Several long computations at once, one on each core; NumPy holds no other thread up while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_CORES = min(8, os.cpu_count() or 1)

_LONG = 20_000
"""Fewer numbers than this are computed with in less time than threads take to begin and to give way."""


def on_all_cores(work: Callable[[_Item], _Result], items: Sequence[_Item], size: int) -> list[_Result]:
    """The results of some work, in the order of the items.

    Args:
        work: What is done with each item, in any thread.
        items: The items.
        size: How many numbers an item is about: several are computed at once only where there are many.
    """
    threads = min(_CORES, len(items)) if size >= _LONG else 1
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads, "computing") as pool:
        return list(pool.map(work, items))
