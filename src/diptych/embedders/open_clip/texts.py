"""How a model of open_clip's reads texts: what it does to them, and where it cuts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_MARKS_OF_CLIPS = 3  # begin, end and class, which the mode `clips` puts around a text


@dataclass(frozen=True)
class OpenClipTextReader:
    """A tokenizer of open_clip's.

    Attributes:
        tokenizer: The tokenizer.
    """

    tokenizer: Any

    @property
    def limit(self) -> int:
        """Tokens that are read, the special ones counted."""
        return int(self.tokenizer.context_length)

    def is_cut(self, text: str) -> bool:
        """Whether a text is too long to be read whole."""
        inner = getattr(self.tokenizer, "tokenizer", None)  # transformers' own, in open_clip's wrapper
        if inner is None:
            return len(self.tokenizer.encode(text)) + 2 > self.limit
        clean = self.tokenizer.clean_fn(text)
        if self.tokenizer.tokenizer_mode == "clips":
            whole = inner(clean, add_special_tokens=False, truncation=False, verbose=False)
            return len(whole["input_ids"]) + _MARKS_OF_CLIPS > self.limit
        return len(inner(clean, truncation=False, verbose=False)["input_ids"]) > self.limit

    def describe(self) -> str:
        """What a person should know, to follow the description of pictures; mostly nothing."""
        if getattr(self.tokenizer.clean_fn, "__name__", "") == "_clean_canonicalize":
            return f"; texts in lower case, without punctuation, padded to {self.limit} tokens"
        return ""
