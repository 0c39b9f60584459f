"""What may be spent, and what was: every request counts that a service may want to be paid for.

Money is decimal: sums of prices are exact, so that a limit is never crossed, nor seems to be, by a rounding.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal

from diptych.embedders.base import EmbedderInfo
from diptych.errors import DiptychError

NOTHING = Decimal(0)
_NO_LIMIT = Decimal("Infinity")


def exact(dollars: float) -> Decimal:
    """A sum as it is written: .1 is a tenth."""
    return Decimal(str(dollars))


def list_price(info: EmbedderInfo, images: int, texts: Sequence[str]) -> Decimal:
    """US dollars by the list price for embedding so many pictures and these texts, as they are sent."""
    characters = sum(len(text) for text in texts)
    per_1k = exact(info.price_per_1k_characters or 0.0)
    return images * exact(info.price_per_image or 0.0) + characters * per_1k / 1000


class OverBudget(DiptychError):
    """More than a person has allowed to spend: what would go beyond it was not sent.

    Args:
        dollars: What it would cost.
        left: What may still be spent.
        what: What would cost that.
    """

    def __init__(self, dollars: Decimal, left: Decimal, what: str = "") -> None:
        said = f"would cost about ${dollars:.6f}, and ${max(left, NOTHING):.6f} more is allowed"
        super().__init__(f"{what} {said}" if what else said)
        self.dollars = dollars
        self._left = left

    def of(self, what: str) -> OverBudget:
        """The same, said of something by name."""
        return OverBudget(self.dollars, self._left, what)


class Budget:
    """US dollars by list price that embedders may spend together; safe to use from several threads.

    Args:
        allowed: How much may be spent in all; None for no limit.
    """

    def __init__(self, allowed: float | None) -> None:
        self._allowed = _NO_LIMIT if allowed is None else exact(allowed)
        self._spent: dict[str, Decimal] = {}
        self._reserved = NOTHING
        self._lock = threading.Lock()

    @property
    def allowed(self) -> Decimal:
        """How much may be spent in all."""
        return self._allowed

    @property
    def left(self) -> Decimal:
        """How much more may be spent: what is set aside for some work is not left."""
        with self._lock:
            return self._free()

    def spent(self, name: str | None = None) -> Decimal:
        """What was spent on an embedder, or on all."""
        with self._lock:
            return sum(self._spent.values(), NOTHING) if name is None else self._spent.get(name, NOTHING)

    def allow(self, allowed: float) -> None:
        """Let so much be spent in all; what was allowed before is never taken back."""
        with self._lock:
            self._allowed = max(self._allowed, exact(allowed))

    def reserve(self, dollars: Decimal = NOTHING) -> Funds:
        """Set money aside for some work, which may spend what is left of the budget when that is gone.

        Raises:
            OverBudget: It is more than is allowed.
        """
        with self._lock:
            if dollars > 0 and dollars > self._free():
                raise OverBudget(dollars, self._free())
            self._reserved += dollars
        return Funds(self, dollars)

    def _free(self) -> Decimal:
        return self._allowed - sum(self._spent.values(), NOTHING) - self._reserved

    def pay_from(self, reserved: Decimal, name: str, dollars: Decimal) -> Decimal:
        """Note what is spent on an embedder, out of what was set aside as far as that goes.

        Returns:
            How much of it came out of that.

        Raises:
            OverBudget: The rest is more than is allowed; nothing is noted.
        """
        with self._lock:
            covered = min(dollars, reserved)
            if dollars > covered and dollars - covered > self._free():
                raise OverBudget(dollars, self._free() + covered)
            self._reserved -= covered
            self._spent[name] = self._spent.get(name, NOTHING) + dollars
            return covered

    def give_back(self, name: str, spent: Decimal, reserved: Decimal) -> None:
        """Note that so much was not spent after all, and that so much is set aside no longer."""
        with self._lock:
            self._spent[name] = self._spent.get(name, NOTHING) - spent
            self._reserved -= reserved


class Funds:
    """What one piece of work may spend; safe to use from several threads. Made by `Budget.funds`."""

    def __init__(self, budget: Budget, reserved: Decimal) -> None:
        self._budget = budget
        self._reserved = reserved
        self._lock = threading.Lock()

    def pay(self, name: str, dollars: Decimal) -> None:
        """Note what is about to be spent on an embedder.

        Raises:
            OverBudget: It is more than is allowed; nothing is noted.
        """
        with self._lock:
            self._reserved -= self._budget.pay_from(self._reserved, name, dollars)

    def take_back(self, name: str, dollars: Decimal) -> None:
        """Note that what was about to be spent was not, and set it aside for the next try."""
        with self._lock:
            self._budget.give_back(name, dollars, -dollars)
            self._reserved += dollars

    def add(self, other: Funds) -> None:
        """Put what is in another funds into this one."""
        with other._lock:
            reserved, other._reserved = other._reserved, NOTHING
        with self._lock:
            self._reserved += reserved

    def close(self) -> None:
        """Give back what was set aside and not spent."""
        with self._lock:
            self._budget.give_back("", NOTHING, self._reserved)
            self._reserved = NOTHING


class Stopped(DiptychError):
    """Nothing more is to be sent: what it would give could not be kept."""


class Account:
    """Where one embedder pays for its requests before they are sent; safe to use from several threads.

    Args:
        name: The embedder.
        funds: What it is paid from.
    """

    def __init__(self, name: str, funds: Funds) -> None:
        self._name = name
        self._funds = funds
        self._stopped = False

    def pay(self, dollars: Decimal) -> None:
        """Pay for a request that is about to be sent.

        Raises:
            OverBudget: It would cost more than is allowed.
            Stopped: Nothing more is to be sent.
        """
        if self._stopped:
            raise Stopped("nothing more is sent: what came could not be stored")
        self._funds.pay(self._name, dollars)

    def take_back(self, dollars: Decimal) -> None:
        """Take back what was paid for a request that was certainly not served."""
        self._funds.take_back(self._name, dollars)

    def stop(self) -> None:
        """Let nothing more be sent."""
        self._stopped = True


_account: ContextVar[Account | None] = ContextVar("account", default=None)


@contextmanager
def paying_from(account: Account) -> Iterator[None]:
    """What this thread asks an embedder for in this block is paid for there."""
    token = _account.set(account)
    try:
        yield
    finally:
        _account.reset(token)


def account_here(name: str) -> Account:
    """Where this thread pays; without a limit where nobody has set one.

    Args:
        name: The embedder that asks.
    """
    return _account.get() or Account(name, Budget(None).reserve())
