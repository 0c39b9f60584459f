"""What requests cost. Where an answer never comes the request may have been paid for: few are sent again."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from diptych.embedders.budget import Account

MOST = 3
"""Times that a picture or text is sent without an answer: asked for once, and at most twice again."""


class Unanswered:
    """How often what a service was asked for was sent without an answer; safe to share between threads.

    The last time is kept for asking alone: in a batch one picture may keep the answer to all others back.
    """

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()
        self._lock = threading.Lock()

    def left(self, items: Collection[int]) -> int:
        """How often these may be sent together now.

        Args:
            items: Their hashes.
        """
        with self._lock:
            sent = max((self._times[item] for item in items), default=0)
        return MOST - sent - (1 if len(items) > 1 else 0)

    def note(self, items: Collection[int]) -> None:
        """They were sent together, and no answer came."""
        with self._lock:
            self._times.update(items)

    def forget(self, items: Collection[int]) -> None:
        """They were answered, or given up: who asks for them after that asks anew."""
        with self._lock:
            for item in items:
                self._times.pop(item, None)


@dataclass(frozen=True)
class Bill:
    """What one request costs, each time that it is sent.

    Attributes:
        account: Where it is paid.
        dollars: By the list price.
        items: Hashes of the pictures or texts in it.
        unanswered: Where it is counted how often these were sent without an answer.
    """

    account: Account
    dollars: Decimal
    items: Collection[int]
    unanswered: Unanswered

    def pay(self) -> None:
        """Pay before it is sent.

        Raises:
            OverBudget: It would cost more than is allowed.
            Stopped: Nothing more is to be sent.
        """
        self.account.pay(self.dollars)

    def take_back(self) -> None:
        """It was not served: nobody wants to be paid."""
        self.account.take_back(self.dollars)

    @property
    def may_be_sent(self) -> bool:
        """Whether it was not sent too often without an answer."""
        return self.unanswered.left(self.items) > 0
