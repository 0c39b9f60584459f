"""Work done ahead in threads, a window of it at a time: memory does not grow with how much there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

from diptych.images.work import stop_with

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@contextmanager
def pool(threads: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads; when its block is left, what has not begun is dropped and what runs is awaited.

    Left by an error or Ctrl-C, pictures that are being decoded are not awaited to their end.
    """
    stop = Event()
    executor = ThreadPoolExecutor(threads, name, initializer=stop_with, initargs=(stop,))
    try:
        yield executor
    except BaseException:
        stop.set()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def as_done(
    executor: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Iterable[_Item], *, ahead: int
) -> Iterator[_Result]:
    """Results as they come, at most `ahead` items begun but not done: a slow call holds up no other."""
    done: SimpleQueue[Future[_Result]] = SimpleQueue()
    begun = 0
    for item in items:
        executor.submit(work, item).add_done_callback(done.put)
        begun += 1
        while begun >= ahead or not done.empty():
            yield done.get().result()
            begun -= 1
    for _ in range(begun):
        yield done.get().result()


def batched(items: Iterable[_Item], sizes: Iterable[int]) -> Iterator[list[_Item]]:
    """The items in lists of these sizes, until there are no more of them."""
    rest = iter(items)
    for size in sizes:
        batch = list(islice(rest, size))
        if not batch:
            return
        yield batch


def even_sizes(total: int, largest: int, workers: int) -> Iterator[int]:
    """Sizes of batches that keep all workers at work to the end: the last ones are ever smaller.

    Guided self-scheduling (C. Polychronopoulos and D. Kuck, IEEE Transactions on Computers 36(12), 1987):
    each batch is a worker's share of what is left, `largest` at most. With one worker all are of one size.
    """
    left = total
    while left > 0:
        size = min(largest, -(-left // workers))
        yield size
        left -= size
