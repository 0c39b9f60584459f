"""Jina's hosted embeddings, jina-clip-v2 and v5-omni: pictures and texts are sent alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diptych.embedders.hosted import (
    HostedEmbedder,
    Key,
    Kind,
    Model,
    Provider,
    Settings,
    by_key,
    card,
    in_order,
)

_SHORTENED = range(1, 1025)  # the models' own vectors have 1024 numbers, of which the first ones serve alone


def _ask(settings: Settings, kind: Kind, items: Sequence[str]) -> Mapping[str, Any]:
    return {
        "model": settings.model,
        "dimensions": settings.dimension,
        "input": [{kind: item} for item in items],
    }


PROVIDER = Provider(
    name="jina",
    title="Jina AI",
    maker="Jina AI",
    domain="jina.ai",
    endpoint="https://api.jina.ai",
    models={
        "jina-clip-v2": Model(_SHORTENED, 1024),
        "jina-embeddings-v5-omni-small": Model(_SHORTENED, 1024),
    },
    connect=by_key(Key("JINA_API_KEY", "jina.ai"), "/v1/embeddings"),
    ask=_ask,
    read=lambda _kind, answer: in_order(answer["data"]),
    sides="pictures and texts alike (no task set)",
    batch_size=8,
)

CARD = card(
    PROVIDER,
    about="Jina's hosted embeddings, jina-clip-v2 and v5-omni",
    spec="jina:jina-clip-v2",
    needs="an account at Jina AI, and its key in JINA_API_KEY",
    key="JINA_API_KEY",
)


def load(model: str, /, **options: str) -> HostedEmbedder:
    """Make the embedder; the entry point behind `jina` and `jina:MODEL`.

    Args:
        model: The model; empty is `jina-clip-v2`.
        options: What all hosted embedders take.

    Raises:
        EmbedderUnavailable: An option is unknown or has a value that can't be.
    """
    return HostedEmbedder.of(PROVIDER.settings(model, options))
