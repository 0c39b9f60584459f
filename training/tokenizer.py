"""The tokenizer: whole words that captions are made of, and letters for all others.

A known word is one token, marked with its end, so that "bear" is not found in "beard". Any other word of
Latin letters is spelled out, and a model learns in training that such spellings say little.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

PADDING, START, UNKNOWN = "[PAD]", "[CLS]", "[UNK]"
END_OF_WORD = "_"
LIMIT = 32
"""Tokens of a text, the first one included."""


def make_tokenizer(words: Iterable[str]) -> Tokenizer:
    """Make the tokenizer that knows `words`."""
    letters = string.ascii_lowercase + string.digits
    tokens = [PADDING, START, UNKNOWN, *letters, *(f"##{letter}" for letter in letters + END_OF_WORD)]
    tokens += [word + END_OF_WORD for word in words]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[\p{P}\p{S}\s]+"), " "),
            normalizers.Strip(),
            normalizers.Replace(Regex(r"(?<=\S)(?!\S)"), END_OF_WORD),
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
