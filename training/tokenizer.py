"""The tokenizer: whole words that captions are made of, and one token for all others.

A model learns in training that the latter says nothing of what is in a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

PADDING, START, UNKNOWN = "[PAD]", "[CLS]", "[UNK]"
LIMIT = 32
"""Tokens of a text, the first one included."""


def make_tokenizer(words: Iterable[str]) -> Tokenizer:
    """Make the tokenizer that knows `words`."""
    vocabulary = {token: number for number, token in enumerate([PADDING, START, UNKNOWN, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[\p{P}\p{S}]+"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, vocabulary[START])]
    )
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> NDArray[np.int64]:
    """Token ids, 0 where a text is shorter than the longest one; shape (n, at most `LIMIT`)."""
    rows = [encoding.ids[:LIMIT] for encoding in tokenizer.encode_batch(list(texts))]
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for row, tokens in zip(ids, rows, strict=True):
        row[: len(tokens)] = tokens
    return ids
