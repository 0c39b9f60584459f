"""Texts as the built-in models read them: whole words that they know, and one token for all others."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diptych.embedders.notices import reject_invalid

PADDING, START, UNKNOWN = "[PAD]", "[CLS]", "[UNK]"
LIMIT = 32
"""Tokens of a text, the first one included."""


@dataclass(frozen=True)
class WordTokens:
    """Texts as numbers.

    Attributes:
        ids: 0 where a text is shorter than the longest one; shape (n, at most `LIMIT`).
        cut: The rows of those that were too long.
    """

    ids: NDArray[np.int64]
    cut: list[int]


class WordReader:
    """Turns texts into tokens.

    Args:
        words: What the model knows, in the order of its tokens; begins with `PADDING`, `START`, `UNKNOWN`.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._tokens = {word: number for number, word in enumerate(words)}

    def __call__(self, texts: Sequence[str]) -> WordTokens:
        """Read at least one text.

        Raises:
            InputRejected: A text is not valid Unicode.
        """
        unknown = self._tokens[UNKNOWN]
        rows = [
            [self._tokens[START], *(self._tokens.get(word, unknown) for word in split(text))]
            for text in texts
        ]
        ids = np.zeros((len(rows), min(LIMIT, max(map(len, rows)))), np.int64)
        for row, tokens in zip(ids, rows, strict=True):
            row[: len(tokens)] = tokens[:LIMIT]
        return WordTokens(ids, [number for number, tokens in enumerate(rows) if len(tokens) > LIMIT])


def split(text: str) -> list[str]:
    """The words of a text: lower case, without accents; punctuation and symbols part words.

    Raises:
        InputRejected: It is not valid Unicode.
    """
    reject_invalid(text)
    kinds = ((char, unicodedata.category(char)[0]) for char in unicodedata.normalize("NFKD", text).lower())
    return "".join(" " if kind in "PS" else char for char, kind in kinds if kind != "M").split()
