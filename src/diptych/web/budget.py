"""A spending limit, and what was spent: no paid call goes beyond what a person has allowed."""

from __future__ import annotations

import threading


class Budget:
    """US dollars by list price, for all embedders of a page together; safe to use from several threads.

    Args:
        allowed: How much may be spent without asking.
    """

    def __init__(self, allowed: float) -> None:
        self._allowed = allowed
        self._spent: dict[str, float] = {}
        self._reserved = 0.0
        self._lock = threading.Lock()

    @property
    def allowed(self) -> float:
        """How much may be spent in all."""
        return self._allowed

    def spent(self, name: str | None = None) -> float:
        """What was spent on an embedder, or on all."""
        with self._lock:
            return sum(self._spent.values()) if name is None else self._spent.get(name, 0.0)

    def allow(self, allowed: float) -> None:
        """Let so much be spent in all; what was allowed before is never taken back."""
        with self._lock:
            self._allowed = max(self._allowed, allowed)

    def reserve(self, dollars: float) -> bool:
        """Set money aside for some work; False where that is more than is allowed."""
        with self._lock:
            if dollars > 0 and sum(self._spent.values()) + self._reserved + dollars > self._allowed:
                return False
            self._reserved += dollars
            return True

    def release(self, dollars: float) -> None:
        """Give back what was set aside, when the work is done."""
        with self._lock:
            self._reserved -= dollars

    def pay(self, name: str, dollars: float) -> None:
        """Note what was spent on an embedder."""
        with self._lock:
            self._spent[name] = self._spent.get(name, 0.0) + dollars
