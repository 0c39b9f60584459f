"""The null bank's texts: neutral ones, embedded once per embedder, that query scores are compared with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from diptych.analysis.null import FEWEST_TEXTS
from diptych.embedders import Embedder, InputRejected
from diptych.embedders.base import Vectors
from diptych.embedders.budget import Funds
from diptych.errors import DiptychError, hushed
from diptych.judgments.qrels import read_query_ids
from diptych.pipeline import embed_queries
from diptych.progress import Progress, Silent
from diptych.queries import Query, TextQuery, text_query
from diptych.retrieval.search import normalise
from diptych.store.vectors import Store

_WORD = re.compile(r"\w+")
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        "a an and are as at be by for from has have in into is it its near no not of off on or out over some"
        " someone that the their them there these they this those to two under up very was were with without"
        " photo photograph picture image drawing"
    )
)


@dataclass(frozen=True)
class EmbeddedBank:
    """The null bank as one embedder sees it.

    Attributes:
        texts: The texts; none where there is no bank.
        units: Their unit vectors; shape (texts, dimension).
        why_none: Why there is no bank, where there is none.
    """

    texts: tuple[TextQuery, ...] = ()
    units: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32))
    why_none: str = ""


NOT_YET = EmbeddedBank(why_none="its null texts are not embedded yet")
"""In place of a bank that is still to be embedded."""


def embed_bank(
    bank: Sequence[TextQuery],
    embedder: Embedder,
    store: Store,
    funds: Funds | None = None,
    progress: Progress = Silent(),
) -> tuple[EmbeddedBank, list[Query]]:
    """The null bank as an embedder sees it, and the texts that were embedded now.

    Args:
        bank: The texts.
        embedder: The embedder.
        store: Where vectors are.
        funds: What may be spent; None for any sum.
        progress: Watches what is embedded now.

    Raises:
        DiptychError: The embedder failed; one that refuses texts is not a failure.
    """
    if not bank:
        return EmbeddedBank(why_none="none was asked for"), []
    try:
        with hushed():
            vectors, fresh = embed_queries(
                bank, embedder, store, funds=funds, progress=progress, what="null texts"
            )
    except DiptychError as error:
        # One that takes no texts, or has only vectors made elsewhere, is compared without a bank.
        if not isinstance(error.__cause__, InputRejected):
            raise
        return EmbeddedBank(why_none=f"it refuses the bank's texts: {error.__cause__}"), []
    return EmbeddedBank(tuple(bank), normalise(vectors)), fresh


@lru_cache(maxsize=1)
def default_bank() -> tuple[TextQuery, ...]:
    """The 64 texts that come with Diptych."""
    return _parse(
        files("diptych.retrieval").joinpath("null_texts.txt").read_text(encoding="utf-8").splitlines()
    )


def open_bank(bank: Sequence[str] | str | Path | None) -> tuple[TextQuery, ...]:
    """The texts to take for null texts.

    Args:
        bank: Texts, or a file with one per line, or with an id, a tab and a text (`.tsv`); None for the ones
            that come with Diptych. No texts: no bank.

    Raises:
        DiptychError: The file can't be read, or there are some texts but too few.
    """
    if bank is None:
        return default_bank()
    if not isinstance(bank, (str, Path)):
        return _enough(_parse(bank), "the bank")
    return _enough(_parse(read_query_ids(Path(bank)).values()), f"the bank {bank}")


def bank_mark(bank: Sequence[TextQuery]) -> str:
    """What tells a bank from others: z against another one is another z."""
    return hashlib.sha256("\n".join(text.text for text in bank).encode()).hexdigest()[:16]


def related(bank: Sequence[TextQuery], query: TextQuery) -> list[int]:
    """Which of the bank's texts share a content word with a query, and so are not null texts for it."""
    words = _content_words(query.text)
    return [number for number, text in enumerate(bank) if words & _content_words(text.text)]


def _parse(lines: Iterable[str]) -> tuple[TextQuery, ...]:
    texts = (line.strip() for line in lines)
    return tuple(text_query(text) for text in dict.fromkeys(texts) if text and not text.startswith("#"))


def _enough(texts: tuple[TextQuery, ...], name: str) -> tuple[TextQuery, ...]:
    if 0 < len(texts) < FEWEST_TEXTS:
        raise DiptychError(
            f"{name} has {len(texts)} different texts: give at least {FEWEST_TEXTS}, or none for no bank"
        )
    return texts


def _content_words(text: str) -> set[str]:
    words = (word for word in _WORD.findall(text.casefold()) if word not in _FUNCTION_WORDS)
    return {_singular(word) for word in words}


def _singular(word: str) -> str:
    """A rough stem, the same for "dog" and "dogs", "bench" and "benches", "baby" and "babies"."""
    for ending in ("es", "s"):
        if word.endswith(ending) and not word.endswith("ss") and len(word) > len(ending) + 2:
            return word.removesuffix(ending)
    return re.sub("y$", "i", word.removesuffix("e"))
