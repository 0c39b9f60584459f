"""Pillow's globals: quiet, its pixel limit out of the way, its memory kept; nobody else is to notice."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from PIL import Image, _imaging

# Pillow logs some errors that it also raises. Where the program has set up no logging, Python's last resort
# would print them; a handler that does nothing prevents that and leaves the program's own handlers alone.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class _InThread(threading.local):
    quiet = False


_in_thread = _InThread()


class _OnlyInThread(type):
    """Makes `issubclass(category, _Quiet)` true exactly in threads that are within `quiet`."""

    def __subclasscheck__(cls, category: type) -> bool:
        return _in_thread.quiet


class _Quiet(Warning, metaclass=_OnlyInThread):
    """The category of a warnings filter that takes every warning of some threads and none of the others'."""


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore every warning in this thread: Pillow warns of odd metadata and large sizes, which we judge.

    `warnings.catch_warnings` can't do it: it swaps the filters of the whole process, and pictures are decoded
    in many threads at once, beside a host program with its own filters.
    """
    if warnings.filters[:1] != [("ignore", None, _Quiet, None, 0)]:
        warnings.simplefilter("ignore", _Quiet)
    before, _in_thread.quiet = _in_thread.quiet, True
    try:
        yield
    finally:
        _in_thread.quiet = before


class _Shared:
    """A change to a global that lasts while any thread is within; the last one out takes it back."""

    def __init__(self, change: Callable[..., Callable[[], object]]) -> None:
        self._change = change
        self._lock = threading.Lock()
        self._users = 0
        self._take_back: Callable[[], object]

    @contextmanager
    def within(self, *arguments: Any) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._take_back = self._change(*arguments)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._take_back()


def _silence_libtiff() -> Callable[[], object]:
    """Take away the handler of the C library that Pillow reads TIFF with, which prints what is wrong."""
    before = _set_handler(None)
    return partial(_set_handler, before)


def _set_handler(handler: int | None) -> int | None:
    try:
        # A search in Pillow's extension module goes on in the libraries that it loaded.
        function = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):  # linked in without its names, as on Windows: it stays as it is
        return None
    function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
    previous: int | None = function(handler)
    return previous


_libtiff = _Shared(_silence_libtiff)


def quiet_libtiff() -> AbstractContextManager[None]:
    """Keep libtiff from printing while any thread is in here; Pillow raises the same errors."""
    return _libtiff.within()


_BLOCKS = 8
"""Of 16 MB, for each thread that decodes: a picture of 24 megapixels and what is made of it."""


def _keep_blocks(threads: int) -> Callable[[], object]:
    before = _imaging.get_blocks_max()
    _imaging.set_blocks_max(max(before, _BLOCKS * threads))
    return partial(_imaging.set_blocks_max, before)  # frees what is more


_blocks = _Shared(_keep_blocks)


def memory_kept(threads: int) -> AbstractContextManager[None]:
    """Let Pillow keep the memory of pictures for the next ones while anybody is in here.

    A camera's picture takes thousands of pages. To take them anew from the system for each picture costs
    time, and threads that do so at once wait for one another.

    Args:
        threads: How many decode at once.
    """
    return _blocks.within(threads)


_limit_lock = threading.Lock()


@contextmanager
def pixel_limit(pixels: float) -> Iterator[None]:
    """Let Pillow take pictures of up to `pixels` for a while, one thread at a time.

    Pillow's readers of TIFF, WebP and GIF refuse pictures of more than twice `Image.MAX_IMAGE_PIXELS`, a
    global of its module for which there is no argument. So this changes the global; use it only around a
    picture that Pillow has refused and that may be within our limit, which is rare.
    """
    with _limit_lock:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = int(pixels / 2) + 1
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
