"""What embedders tell a person about texts, in the same words."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from diptych.embedders.base import InputRejected
from diptych.errors import DiptychWarning


def reject_invalid(text: str) -> None:
    """Raise `InputRejected` for what is not valid Unicode: half of a pair of surrogates, say."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputRejected(f"{text[:40]!r} is not valid Unicode text") from None


class CutTexts:
    """Tells, once for each text, that a model does not read all of it."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, texts: Iterable[str], name: str, limit: int | None) -> None:
        """Warn of texts that were cut after `limit` tokens by the embedder called `name`."""
        for text in dict.fromkeys(texts):
            if text not in self._told:
                self._told.add(text)
                warnings.warn(
                    f"a text is cut after {limit} tokens, all that {name} reads: "
                    f"{' '.join(text.split())[:40]}…",
                    DiptychWarning,
                    stacklevel=3,
                )
