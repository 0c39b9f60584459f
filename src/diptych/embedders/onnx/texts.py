"""Turning texts into tokens as the settings beside a model say."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.notices import reject_invalid
from diptych.embedders.onnx.layout import ModelFiles

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_NO_TOKEN_LIMIT = 10**9  # tokenizers write "no limit" as a huge number
_WITHOUT_PUNCTUATION = str.maketrans("_", " ", string.punctuation.replace("_", ""))


def is_siglip(config: Mapping[str, Any]) -> bool:
    """Whether `config.json` is that of one of transformers' SigLIP models."""
    return config.get("model_type") in {"siglip", "siglip2"}


@dataclass(frozen=True)
class OnnxTextRules:
    """How texts are read.

    Attributes:
        limit: Tokens, the special ones counted.
        full: Whether texts are padded to `limit`, rather than to the longest of a batch.
        padding: The id of the token that fills up.
        clean: What is done to a text first: nothing, `lower`, `whitespace` or `canonicalize`, the last two
            being open_clip's.
    """

    limit: int
    full: bool
    padding: int
    clean: str = ""

    @classmethod
    def of(cls, files: ModelFiles, tokenizer: Tokenizer, length: int | None) -> OnnxTextRules:
        """Read the rules off a model's settings.

        Args:
            files: The model.
            tokenizer: Its tokenizer.
            length: Tokens that the model takes, where it takes only one number of them.
        """
        siglip = is_siglip(files.config)
        of_open_clip = files.config.get("text_cfg") or {}
        of_transformers = files.config.get("text_config") or {}
        clean = "lower" if siglip else ""
        if of_open_clip:
            clean = (of_open_clip.get("tokenizer_kwargs") or {}).get("clean", "whitespace")
        limits = (
            files.tokenizer_config.get("model_max_length"),
            of_open_clip.get("context_length"),
            of_transformers.get("max_position_embeddings"),
        )
        known = [n for n in limits if isinstance(n, int) and 0 < n < _NO_TOKEN_LIMIT]
        return cls(
            limit=length or min(known, default=64 if siglip else 77),
            full=siglip or length is not None,
            padding=_padding(files.tokenizer_config, tokenizer),
            clean=clean,
        )

    def describe(self) -> str:
        """What a person should know, to follow the description of pictures; mostly nothing."""
        if self.clean not in {"lower", "canonicalize"}:
            return ""
        case = "lower case" if self.clean == "lower" else "lower case without punctuation"
        return f"; texts in {case}" + (f", padded to {self.limit} tokens" if self.full else "")


def _padding(settings: Mapping[str, Any], tokenizer: Tokenizer) -> int:
    named = settings.get("pad_token")
    if isinstance(named, Mapping):  # as tokenizers were saved for a while
        named = named.get("content")
    found = tokenizer.token_to_id(named) if isinstance(named, str) else None
    if found is None and tokenizer.padding:
        found = tokenizer.padding["pad_id"]
    if found is None:
        found = next(reversed(tokenizer.encode("").ids), 0)  # CLIP fills up with the token that ends a text
    return int(found)


@dataclass(frozen=True)
class Tokens:
    """Texts as a model takes them.

    Attributes:
        ids: Shape (n, length).
        mask: 1 for a token and 0 for padding; shape (n, length).
        cut: For each text whether it was too long.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    cut: list[bool]


class OnnxTextReader:
    """Turns texts into tokens.

    Args:
        files: The model's.
        length: Tokens that the model takes, where it takes only one number of them.

    Raises:
        EmbedderUnavailable: Its tokenizer can't be read.
    """

    def __init__(self, files: ModelFiles, length: int | None) -> None:
        self._tokenizer = _open(files.tokenizer)
        self.rules = OnnxTextRules.of(files, self._tokenizer, length)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.rules.limit)  # keeps the token that ends a text

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Read at least one text.

        Raises:
            InputRejected: A text is not valid Unicode.
        """
        read = self._tokenizer.encode_batch([self._clean(text) for text in texts])
        length = self.rules.limit if self.rules.full else max(len(encoding.ids) for encoding in read)
        ids = np.full((len(read), length), self.rules.padding, np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(read):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        return Tokens(ids, mask, [bool(encoding.overflowing) for encoding in read])

    def _clean(self, text: str) -> str:
        reject_invalid(text)
        if self.rules.clean == "canonicalize":
            text = text.translate(_WITHOUT_PUNCTUATION)
        if self.rules.clean in {"canonicalize", "lower"}:
            text = text.lower()
        return " ".join(text.split()) if self.rules.clean in {"canonicalize", "whitespace"} else text


def _open(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises the bare class
        raise EmbedderUnavailable(f"{path} is not a tokenizer: {str(error)[:200]}") from error
