"""How local models are put to work: all cores without waits for each other, and `precision=fast`."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FAST = "fast"
"""The precision that trades vectors that are not quite the same for speed."""

_GPU_BATCH, _CPU_BATCH = 32, 4


def number_type(precision: str, device: str) -> str:
    """The name of the torch type to compute with.

    Args:
        precision: What was asked for; `fast` is half precision where the device is faster with it.
        device: `cpu`, `cuda`, `mps`, ….
    """
    if precision != FAST:
        return precision
    if not device.startswith("cpu"):
        return "float16"
    return "bfloat16" if _has_bfloat16() else "float32"


def _has_bfloat16() -> bool:
    """Whether the processor multiplies 16-bit numbers by itself; where torch emulates it, it is slower."""
    import torch

    found: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # not in older ones
    return any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def enough_pixels(side: int) -> int:
    """As many on a picture's shortest side leave room to scale down well to `side`: twice as many."""
    return 2 * side


def mark(number: str, at_least: int | None) -> str:
    """The part of a fingerprint that tells what is computed with, and whether of reduced pictures."""
    return number if at_least is None else f"{number}-reduced-{at_least}"


def describe(number: str, at_least: int | None) -> str:
    """What `fast` comes to here, to follow the description of pictures."""
    return f"; fast: {number}" + ("" if at_least is None else ", large JPEGs decoded at reduced size")


def calls(device: str, batch_size: int | None, cores: int) -> tuple[int, int]:
    """How many pictures go into one call and how many calls run at once, where nothing else is asked for.

    On a processor one call per core, each by itself: cores that share a call wait for each other at every
    layer, longest where one of them is decoding a picture. On a GPU two, so that one copies while one runs.
    """
    if device.startswith("cpu"):
        return batch_size or _CPU_BATCH, cores
    return batch_size or _GPU_BATCH, 2 if device.startswith("cuda") else 1


class _OneThreadEach:
    """Keeps NumPy's matrix library to the threads that call it, for as long as any of them is at work.

    Its own threads wait for each other in loops: where cores are taken by other calls, that costs thirty
    times the work.
    """

    def __init__(self) -> None:
        self._controller: Any = None
        self._limits: Any = None
        self._running = 0
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._running:
                self._limits = self._look().limit(limits=1, user_api="blas")
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self._limits.restore_original_limits()

    def _look(self) -> Any:
        if self._controller is None:
            self._controller = importlib.import_module("threadpoolctl").ThreadpoolController()
        return self._controller


one_thread_each = _OneThreadEach()
"""A block in which what NumPy multiplies is multiplied by the calling thread alone."""


class Cores:
    """Shares the cores among the calls that run: one alone has them all, a batch of a run has one.

    Attributes:
        count: How many there are, as torch counts them.
    """

    def __init__(self) -> None:
        import torch

        self.count = torch.get_num_threads()
        self._running = 0
        self._lock = threading.Lock()

    @contextmanager
    def share(self, *, one_of_many: bool = False) -> Iterator[None]:
        """Let torch use this call's share of the cores in this thread.

        Args:
            one_of_many: Whether this is a batch of a run, with one for each core: others will run beside it,
                if not yet.
        """
        import torch

        with self._lock:
            self._running += 1
            mine = 1 if one_of_many else max(1, self.count // self._running)
        torch.set_num_threads(mine)
        try:
            yield
        finally:
            # torch keeps a number for each thread, and one that new threads begin with: put both back.
            torch.set_num_threads(self.count)
            with self._lock:
                self._running -= 1
