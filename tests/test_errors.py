"""Warnings that are not news are hushed, in one thread or in many, and no others."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from diptych.errors import DiptychWarning, hushed


def warn() -> None:
    warnings.warn("a text is cut", DiptychWarning, stacklevel=1)


def test_what_is_no_news_is_hushed_and_heard_again_after() -> None:
    with hushed():
        warn()
        with hushed():
            warn()
        warn()
    with pytest.warns(DiptychWarning, match="a text is cut"):
        warn()


def test_other_warnings_are_heard() -> None:
    with hushed(), pytest.warns(UserWarning, match="of another library"):
        warnings.warn("of another library", UserWarning, stacklevel=1)


def test_blocks_that_overlap_in_threads_leave_nothing_behind() -> None:
    """The first to begin ends first, as embedders that are tried out side by side do."""
    second_is_in, first_is_out = threading.Event(), threading.Event()

    def first() -> None:
        with hushed():
            assert second_is_in.wait(60)
        first_is_out.set()

    def second() -> None:
        with hushed():
            second_is_in.set()
            assert first_is_out.wait(60)
            warn()  # an error where it is heard: pytest is set so

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(first), threads.submit(second)]:
            done.result()
    with pytest.warns(DiptychWarning):
        warn()
