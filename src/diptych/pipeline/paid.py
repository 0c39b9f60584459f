"""Asking an embedder that may cost something: paid for beforehand, and only where the answer can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diptych.embedders.base import Embedder, Vectors
from diptych.embedders.budget import Account, list_price, paying_from
from diptych.embedders.self_check import is_free
from diptych.store.vectors import Store

_FLOAT32 = 4  # bytes


def ask_for_images(embedder: Embedder, prepared: Sequence[Any], account: Account) -> Vectors:
    """What an embedder makes of prepared pictures.

    Raises:
        OverBudget: It would cost more than is allowed.
        Stopped: Nothing more is to be sent.
    """
    if not _pays_by_request(embedder):
        account.pay(list_price(embedder.info, len(prepared), ()))
    with paying_from(account):
        return embedder.embed_images(prepared)


def ask_for_texts(embedder: Embedder, texts: Sequence[str], account: Account) -> Vectors:
    """What an embedder makes of texts, as they are sent; raises as `ask_for_images`."""
    if not _pays_by_request(embedder):
        account.pay(list_price(embedder.info, 0, texts))
    with paying_from(account):
        return embedder.embed_texts(texts)


def prove_room(embedder: Embedder, count: int, store: Store) -> None:
    """Make sure, before anything is paid for, that the store can take what may come at once.

    Args:
        embedder: The embedder; one that is free needs no proof.
        count: How many vectors are wanted.
        store: The store.

    Raises:
        DiptychError: It can't: the disk is full, or the store is locked or damaged.
    """
    info = embedder.info
    if not is_free(embedder):
        at_once = min(count, info.concurrency * info.batch_size)
        store.prove_room(at_once * info.dimension * _FLOAT32)


def _pays_by_request(embedder: Embedder) -> bool:
    """Whether it pays for each request itself, those sent again included; others are paid for each call."""
    return getattr(embedder, "pays_by_request", False) is True
