"""Prompt templates: a text is embedded as "a photo of a {}", or as the mean of several such sentences.

Where an embedder has templates, every text that it is sent goes through them, the null bank's too:
otherwise z would measure what the words around a query do. Each sentence is stored as the text that it is.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence

import numpy as np

from diptych.embedders.base import Embedder, Vectors
from diptych.errors import DiptychError

BLANK = "{}"
"""What stands for the query in a template."""

SEPARATOR = "|"
"""Between the templates of a spec's option `template`."""


def parse(option: str) -> tuple[str, ...]:
    """The templates of a spec's option: `a photo of a {}|a drawing of a {}`.

    Raises:
        DiptychError: One has no place for the query.
    """
    return checked(option.split(SEPARATOR))


def checked(templates: Sequence[str]) -> tuple[str, ...]:
    """Templates, each once.

    Raises:
        DiptychError: One has no place for the query.
    """
    for template in templates:
        if BLANK not in template:
            raise DiptychError(f"the template {template!r} has no {BLANK}, where the query goes")
    return tuple(dict.fromkeys(templates))


def with_templates(embedder: Embedder, templates: tuple[str, ...]) -> Embedder:
    """The same embedder with these templates; one that has its own keeps them."""
    if not templates or embedder.info.templates:
        return embedder
    other = copy.copy(embedder)  # whoever made the embedder keeps it as it was
    other.info = dataclasses.replace(embedder.info, templates=templates)
    return other


def fill(templates: Sequence[str], text: str) -> tuple[str, ...]:
    """What an embedder is asked for a text: each template with the text in it, or the text alone."""
    return tuple(template.replace(BLANK, text) for template in templates) or (text,)


def average(vectors: Vectors) -> Vectors:
    """One vector for a text from those of its sentences: as it is, or the mean of unit vectors.

    Args:
        vectors: Shape (sentences, dimension).

    Returns:
        Shape (dimension,).
    """
    first: Vectors = vectors[0]
    if len(vectors) == 1:
        return first
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    mean: Vectors = units.mean(axis=0)
    return mean
