"""Untrusted text made fit to be shown: names, queries and what servers say may hold anything."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

_HALF_PAIRS = re.compile("[\ud800-\udfff]")
_NOT_SHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # hold emoji and the letters of many scripts together


def printable(text: str) -> str:
    """The text without characters that steer a terminal, break a line or turn the reading direction.

    Each becomes �, and so does half a surrogate pair, so that the text is valid UTF-8.
    """
    return "".join(c if _is_shown(c) else "\ufffd" for c in text)


def valid_unicode(text: str) -> str:
    """The text with � for each half of a surrogate pair without its other half: it can be written."""
    return _HALF_PAIRS.sub("\ufffd", text)


def one_form(text: str) -> str:
    """The text in the one form that names and labels have here and are compared in: Unicode's NFC.

    "é" may be one character or an "e" with an accent put on it; systems write either. Case stays.
    """
    return unicodedata.normalize("NFC", text)


def all_forms(text: str) -> set[str]:
    """The ways in which systems write the accents of a text: composed, and taken apart."""
    return {unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)}


def dollars(amount: float) -> str:
    """A small sum in figures, three that count and never a power of ten: "$0.000116"."""
    return f"${Decimal(f'{amount:.3g}'):f}"


def count(number: int, thing: str, things: str = "") -> str:
    """A number with its noun: "1 picture", "2 queries", "12,345 pictures"."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that a mistyped one was probably meant to be; empty where none is near."""
    names = sorted(known)
    begun = [each for each in names if name and each.lower().startswith(name.lower())]
    return next(iter([*begun, *difflib.get_close_matches(name, names, n=1, cutoff=0.75)]), "")


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in _NOT_SHOWN or character in _JOINERS
