"""Bytes and JSON that are almost right."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

_LIMITS = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 5, 10**30, 0.5, -1e308, float("nan"), float("inf"), "", "text",
    "\ud800", "\0", "é" * 300, "=1+1", "<img src=x>", [], [[]], {}, {"a": 1}, [1, "a", None],
)  # fmt: skip


def mutate(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """A copy with one to four changes: flipped bits, other fields, cuts, insertions, parts of other files."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if changed:
            rng.choice(_CHANGES)(changed, rng, others)
    return bytes(changed)


def _flip(data: bytearray, rng: random.Random, _others: Sequence[bytes]) -> None:
    for _ in range(rng.choice((1, 1, 3, 16))):
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _field(data: bytearray, rng: random.Random, _others: Sequence[bytes]) -> None:
    """A number of one, two or four bytes that stands at the edge of what fits."""
    size, at = rng.choice((1, 2, 4)), _place(data, rng)
    number = rng.choice(_LIMITS) % (1 << 8 * size)
    data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))


def _cut(data: bytearray, rng: random.Random, _others: Sequence[bytes]) -> None:
    del data[_place(data, rng) :]


def _remove(data: bytearray, rng: random.Random, _others: Sequence[bytes]) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 4, 40, 400))]


def _repeat(data: bytearray, rng: random.Random, _others: Sequence[bytes]) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.choice((1, 4, 40, 400))] * rng.choice((1, 2, 50))


def _splice(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    other = rng.choice(others) if others else bytes(data)
    at, of = _place(data, rng), rng.randrange(len(other) or 1)
    length = rng.choice((4, 40, 400, len(other)))
    data[at : at + rng.choice((0, length))] = other[of : of + length]


def _place(data: bytearray, rng: random.Random) -> int:
    """Anywhere, but as often as not among the first bytes, where the fields are."""
    length = max(1, len(data))
    return rng.randrange(min(length, rng.choice((32, 200, length, length))))


_CHANGES = (_flip, _flip, _field, _field, _field, _cut, _remove, _repeat, _splice)


def mutate_json(text: str, rng: random.Random) -> str:
    """The same JSON with one value, or a few, that are something else, or gone."""
    saved = json.loads(text)
    for _ in range(rng.choice((1, 1, 1, 3))):
        places = list(_places(saved))
        if places:
            inside, key = rng.choice(places)
            if rng.random() < 0.2:
                del inside[key]
            else:
                inside[key] = copy.deepcopy(rng.choice(_WRONG))
    return json.dumps(saved).replace("Infinity", rng.choice(("Infinity", "1e999")))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every value that is inside another, as its container and its key there."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        inside = waiting.pop()
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        found += [(inside, key) for key in keys]
        waiting += [inside[key] for key in keys if isinstance(inside[key], dict | list)]
    return found
